"""A project of its own for every test: tiny real ONNX models, measured by real workers through the real plugin."""

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.git_fakes import commit, git

SUITE = Path(__file__).parents[2] / "suites" / "test_cells.py"
GATE_SUITE = SUITE.with_name("test_gate.py")

MODELS = '''
import os
import signal
import time
from pathlib import Path

from harness.models import Example, FileReference, Model, Need, Workload


def build(setting, bias=0.0):
    """y = relu(x @ w) + bias, as a file."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    path = Path(setting.made) / f"tiny{bias}.onnx"
    if not path.exists():
        w = np.random.default_rng(0).standard_normal((64, 64)).astype("float32")
        graph = helper.make_graph(
            [
                helper.make_node("MatMul", ["x", "w"], ["h"]),
                helper.make_node("Relu", ["h"], ["r"]),
                helper.make_node("Add", ["r", "b"], ["y"]),
            ],
            "tiny",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 64])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 64])],
            [
                numpy_helper.from_array(w, "w"),
                numpy_helper.from_array(np.array([bias], "float32"), "b"),
            ],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 10
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(f".{os.getpid()}")
        onnx.save(model, scratch)
        scratch.replace(path)
    return FileReference(path, "onnx", "random (seed 0)")


def ones(fill=1.0):
    def load():
        import numpy as np

        return {"x": np.full((1, 64), fill, "float32")}

    return load


def workload(setting):
    return Workload("ones", 1, (Example("one", ones(1.0)), Example("two", ones(2.0))), "ones and twos")


def model(name, **changes):
    described = dict(
        name=name, family=name, task="test", runtime="onnx", precisions=("fp32", "int8-dynamic"), licence="MIT",
        weights="random (seed 0)", reference=build, workload=workload,
    )
    return Model(**(described | changes))


def hang(call, inputs):
    yield call(inputs)
    Path(os.environ["QUANTGATE_TEST_MARK"]).write_text(str(os.getpid()))
    time.sleep(600)


def not_onnx(setting):
    path = Path(setting.made) / "not.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("this is no model")
    return FileReference(path, "onnx", "nonsense")


def raises(setting):
    if "QUANTGATE_TEST_MENDED" in os.environ:
        return build(setting)
    raise RuntimeError("the weights are on another planet")


def dies(call, inputs):
    os.kill(os.getpid(), signal.SIGKILL)
    yield call(inputs)


MODELS = (
    model("tiny"),
    model("tiny-too"),
    model("nan", reference=lambda setting: build(setting, float("nan")), precisions=("fp32",)),
    model("hanging", drive=hang, precisions=("fp32",)),
    model("not-onnx", reference=not_onnx, precisions=("fp32",)),
    model("raising", reference=raises, precisions=("fp32",)),
    model("dying", drive=dies, precisions=("fp32",)),
    model("without-weights", needs=(Need("no-such-distribution", "pip install no-such-distribution"),)),
)
'''


class Project:
    """A folder with a suite, and pytest run in it as a user would run it."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        models = folder / "suites" / "models"
        models.mkdir(parents=True)
        (models / "tiny.py").write_text(MODELS)
        (folder / "suites" / "test_cells.py").write_text(SUITE.read_text())
        (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
        self.mark = folder / "mark"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))},
            "XDG_CACHE_HOME": str(cache),
            "QUANTGATE_TEST_MARK": str(self.mark),
            # Leases of its own: a test need not wait for whoever measures on this machine.
            "TMPDIR": str(self.temporary),
            "COLUMNS": "140",
        }

    def command(self, *arguments: str) -> list[str]:
        """The command line of a run."""
        return [
            sys.executable,
            "-m",
            "pytest",
            "suites/",
            "-p",
            "no:cacheprovider",
            "--cell-seconds",
            "50ms",
            *arguments,
        ]

    def run(self, *arguments: str, **changes: Any) -> subprocess.CompletedProcess[str]:
        """Run pytest to its end."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **changes,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start pytest and go on."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Whoever starts the tests in the background has interrupts ignored, and children inherit that.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
        )

    @property
    def latest(self) -> Path:
        """The newest run."""
        return self.folder / "reports" / "latest"

    def record(self) -> dict[str, Any]:
        """The newest run's record."""
        found: dict[str, Any] = json.loads((self.latest / "run.json").read_text())
        return found

    def status(self) -> dict[str, str]:
        """How each cell of the newest run ended."""
        return {
            "/".join((one["cell"]["model"], one["cell"]["precision"])): one["status"]
            for one in self.record()["measurements"]
        }


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artifacts are converted once for all tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def project(tmp_path: Path, cache: Path) -> Project:
    """A fresh project."""
    return Project(tmp_path, cache)


GATED = """
import os
import time
from pathlib import Path

from harness.models import Example, FileReference, Model, Need, Workload


def build(setting):
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    path = Path(setting.made) / "gated.onnx"
    if not path.exists():
        graph = helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], ["y"])],
            "gated",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 32])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 32])],
            [numpy_helper.from_array(np.eye(32, dtype="float32"), "w")],
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(f".{os.getpid()}")
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), scratch)
        scratch.replace(path)
    return FileReference(path, "onnx", "an identity")


def ones():
    import numpy as np

    return {"x": np.ones((1, 32), "float32")}


def workload(setting, content="ones"):
    return Workload("ones", 1, (Example("one", ones), Example("two", ones)), content)


def looping(rounds):
    def drive(call, inputs):
        total = 0
        for number in range(rounds):
            total += number
        yield call(inputs)

    return drive


def raises(setting):
    raise RuntimeError("the weights are on another planet")


def model(name, **changes):
    described = dict(
        name=name, family=name, task="test", runtime="onnx", precisions=("fp32",), licence="MIT",
        weights="an identity", reference=build, workload=workload, drive=looping(4_000),
    )
    return Model(**(described | changes))

"""
"""Models whose time is that of a loop: what is changed in one is changed by as much as the text says."""

EXPECTED = """
# Wide, so that four short pairs decide: these tests are about what is done with a verdict, not about small changes.
[margins]
latency_seconds = 0.4
import_seconds = 0.9
open_seconds = 0.9
first_inference_seconds = 0.9
latency_p95_seconds = 0.9
latency_p99_seconds = 0.9
"""


class GatedProject(Project):
    """A project under git, with the tests of the gate and one quick model."""

    def __init__(self, folder: Path, cache: Path) -> None:
        super().__init__(folder, cache)
        # A worktree is made among the temporary files, and those may not lie in the repository.
        self.temporary = folder.with_name("temporary files")
        self.temporary.mkdir()
        self.environment["TMPDIR"] = str(self.temporary)
        self.models = folder / "suites" / "models" / "tiny.py"
        self.declare(loop="")
        (folder / "suites" / "test_gate.py").write_text(GATE_SUITE.read_text())
        self.expect("")
        (folder / ".gitignore").write_text("reports/\nmark\n__pycache__/\n")
        git(folder, "init", "--quiet", "--initial-branch", "main")
        self.commit()

    def command(self, *arguments: str) -> list[str]:
        """The command line of a run with short pairs."""
        return [*super().command(*arguments), "--pair-seconds", "100ms"]

    def expect(self, text: str) -> None:
        """Write expectations below the wide margins."""
        (self.folder / "suites" / "expectations.toml").write_text(EXPECTED + text)

    def declare(self, **models: str) -> None:
        """Declare these models, each with the arguments by which it differs from the plain one."""
        made = "".join(f"    model({name!r}, {changes}),\n" for name, changes in models.items())
        self.models.write_text(f"{GATED}\n\nMODELS = (\n{made})\n")

    def commit(self) -> str:
        """Commit everything; return the commit's name."""
        return commit(self.folder)

    def compare(self, *arguments: str, against: str = "HEAD") -> subprocess.CompletedProcess[str]:
        """Compare live with another side."""
        return self.run("--against", against, *arguments)

    def judgement(self) -> dict[str, Any]:
        """What the newest run was judged."""
        found: dict[str, Any] = self.record()["judgement"]
        return found

    def outcomes(self) -> dict[str, str]:
        """What was said of each metric of each cell, or of a cell as a whole, in the newest run."""
        return {
            "/".join(filter(None, (one["cell"]["model"], one["cell"]["precision"], one["metric"]))): one["outcome"]
            for one in self.judgement()["verdicts"]
        }

    def verdict(self, metric: str | None, model: str = "loop") -> dict[str, Any]:
        """One verdict of the newest run."""
        (found,) = [
            one for one in self.judgement()["verdicts"] if one["metric"] == metric and one["cell"]["model"] == model
        ]
        return dict(found)

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        """The readable events of the newest run that are of these kinds."""
        lines = (self.latest / "events.jsonl").read_text().splitlines()
        found = [json.loads(line) for line in lines if line.endswith("}")]
        return [event for event in found if event["kind"] in kinds]


@pytest.fixture
def gated(tmp_path: Path, cache: Path) -> GatedProject:
    """A fresh project under git, all of it committed."""
    return GatedProject(tmp_path / "project", cache)
