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

SUITE = Path(__file__).parents[2] / "suites" / "test_cells.py"

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
