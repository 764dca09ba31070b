"""Which metrics there are: this package's, and what installed packages add; the guide adds one that works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

from harness.quality.metric import Kind
from harness.quality.table import built_in, metrics_for
from harness.quality_metrics import METRICS_GROUP, QUALITY

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "adding-a-metric.md"


def install(folder: Path, name: str, code: str, entries: dict[str, str]) -> None:
    """What pip leaves of a package of one module."""
    (folder / f"{name}.py").write_text(textwrap.dedent(code))
    information = folder / f"{name}-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"[{METRICS_GROUP}]", *(f"{entry} = {value}" for entry, value in entries.items())]
    (information / "entry_points.txt").write_text("\n".join(lines) + "\n")


def ask(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run some code where what lies in the folder is installed."""
    found = {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, check=False, env=found, capture_output=True, text=True)


def guide(language: str) -> str:
    """The code of the guide in one language."""
    blocks = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert len(blocks) == 1
    return str(blocks[0])


def test_there_is_a_function_for_every_name_in_the_order_of_the_names() -> None:
    assert [one.metric.name for one in built_in()] == list(QUALITY)
    assert all(one.metric is QUALITY[one.metric.name] for one in built_in())


def test_a_model_is_asked_what_its_outputs_mean() -> None:
    of_decisions = [one.metric.name for one in metrics_for({Kind.DECISION})]
    assert of_decisions[:2] == ["decision_agreement", "accuracy"]
    assert {one.of for one in metrics_for([Kind.ANY, Kind.TEXT])} == {Kind.ANY, Kind.TEXT}
    assert metrics_for([]) == ()


def test_listing_the_metrics_imports_neither_arrays_nor_a_judge() -> None:
    heavy = ("numpy", "torch", "onnxruntime", "sacrebleu", "scipy", "pocketsphinx", "speechmos", "resemblyzer")
    done = ask(
        ROOT / "tests",
        f"""
        import sys
        from harness.quality.table import all_metrics
        assert all_metrics()
        print([name for name in {heavy} if name in sys.modules])
        """,
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_the_guide_adds_a_metric_in_under_twenty_lines(tmp_path: Path) -> None:
    code = guide("python")
    entries = tomllib.loads(guide("toml"))["project"]["entry-points"][METRICS_GROUP]
    assert len([line for line in code.splitlines() if line.strip()]) < 20
    install(tmp_path, "my_metrics", code, entries)
    done = ask(
        tmp_path,
        """
        import json, sys
        from harness.quality.metric import Case, Kind
        from harness.quality.table import metrics_for
        from harness.quality_metrics import known

        name = "mean_difference"
        listed = name in known()
        metric = metrics_for({Kind.ANY})[-1]
        was_light = "numpy" not in sys.modules

        import numpy as np

        # off by 1, 2 and 3
        case = Case("e1", np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0]))
        other = case.with_output(np.zeros(2))
        print(json.dumps([listed, metric.metric.name, was_light, metric.self_check(), metric.terms_of((case, other))]))
        """,
    )
    assert done.stderr == ""
    assert json.loads(done.stdout) == [True, "mean_difference", True, None, [[2.0], None]]


MADE = """
    from harness.metrics import Better, Metric, Pool
    from harness.quality.metric import Kind, QualityMetric

    def metric(name, pool=Pool.MEAN):
        said = Metric(name, "", Better.HIGHER, 0.1, "of a test", pool)
        return QualityMetric(said, Kind.ANY, lambda: None, lambda case: (1.0,))

    mine = metric("mine")
    taken = metric("sqnr_db")
    of_a_measurement = metric("latency_seconds")
    unpooled = metric("unpooled", None)

    class bare:
        metric = mine.metric
    bare = bare()
    word = "mine"
"""


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"a": "nowhere:mine"}, "the metric 'a' of nowhere:mine does not load: ModuleNotFoundError"),
        ({"a": "made:absent"}, "the metric 'a' of made:absent does not load: AttributeError"),
        ({"a": "made:word"}, "the metric 'a' of made:word does not load: AttributeError"),
        ({"a": "made:taken"}, "made:taken adds a metric 'sqnr_db', and there is one; give it another name"),
        ({"a": "made:of_a_measurement"}, "adds a metric 'latency_seconds', and there is one"),
        ({"a": "made:mine", "b": "made:mine"}, "made:mine adds a metric 'mine', and there is one"),
        ({"a": "made:unpooled"}, "needs a Metric with a pool; see docs/adding-a-metric.md"),
        ({"a": "made:bare"}, "the metric 'a' of made:bare is a bare and not a QualityMetric; see docs/adding"),
    ],
)
def test_a_package_that_adds_no_metric_is_named(tmp_path: Path, entries: dict[str, str], said: str) -> None:
    install(tmp_path, "made", MADE, entries)
    done = ask(tmp_path, "from harness.quality.table import all_metrics; all_metrics()")
    assert "UsageProblem" in done.stderr
    assert said in done.stderr


def test_a_package_that_adds_one_has_it_last(tmp_path: Path) -> None:
    install(tmp_path, "made", MADE, {"a": "made:mine"})
    done = ask(
        tmp_path, "from harness.quality.table import all_metrics; print([one.metric.name for one in all_metrics()][-1])"
    )
    assert (done.stdout.strip(), done.stderr) == ("mine", "")
