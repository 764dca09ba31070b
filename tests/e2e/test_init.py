"""From nothing to a judged run: a wheel, an empty repository, `quantgate init`, and the commands that it names."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, Installed


def repository(folder: Path) -> Path:
    folder.mkdir()
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def judged(with_onnx: Installed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in which everything was done that `init` names, with runs before and after there was a baseline."""
    root = repository(tmp_path_factory.mktemp("new") / "repository")
    for command in (
        ["quantgate", "init"],
        ["pytest", "suites/", "--device", "cpu"],
        ["quantgate", "accept", "--new"],
        ["pytest", "suites/", "--device", "cpu"],
    ):
        done = with_onnx.run(root, *command, seconds=300)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return root


def runs(root: Path) -> list[dict[str, object]]:
    folders = sorted(path for path in (root / "reports").iterdir() if not path.is_symlink())
    assert all((folder / "report.html").exists() for folder in folders)
    return [json.loads((folder / "run.json").read_bytes()) for folder in folders]


def test_what_init_lays_is_measured_and_then_compared(judged: Path) -> None:
    first, second = runs(judged)
    for run in (first, second):
        assert {one["cell"]["precision"]: one["status"] for one in run["measurements"]} == {
            "fp32": "measured",
            "int8-dynamic": "measured",
        }
    assert not first["compares"]
    assert second["compares"]
    decided = {one["outcome"] for one in second["judgement"]["verdicts"]}
    assert "new" not in decided
    assert "unchanged" in decided


def test_the_first_model_hears_its_tones_and_what_is_expected_of_it_holds(judged: Path) -> None:
    first, _ = runs(judged)
    for one in first["measurements"]:
        (accuracy,) = [score["value"] for score in one["quality"]["scores"] if score["metric"] == "accuracy"]
        assert accuracy == 1
    answers = {(one["kind"], one["cell"]["precision"]): one["answer"] for one in first["judgement"]["judged"]}
    assert answers == {
        ("budget", "fp32"): "met",
        ("budget", "int8-dynamic"): "met",
        ("claim", "int8-dynamic"): "holds",
    }


def test_nothing_of_a_repository_that_is_there_is_changed(with_onnx: Installed, tmp_path: Path) -> None:
    root = repository(tmp_path / "old")
    own = {
        "pyproject.toml": '[project]\nname = "mine"\nversion = "1"\n',
        "tests/test_mine.py": "def test_mine():\n    pass\n",
        "suites/test_gate.py": "# ours\n",
        ".gitignore": "/reports/\n",
    }
    for name, text in own.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    laid = with_onnx.run(root, "quantgate", "init", "--name", "hears-tones")
    assert laid.returncode == 0, laid.stderr
    assert all((root / name).read_text().startswith(text) for name, text in own.items())
    assert "left      suites/test_gate.py" in laid.stdout
    plain = with_onnx.run(root, "pytest", "-q")
    assert (plain.returncode, "1 passed" in plain.stdout) == (0, True), "plain pytest runs their tests, and no model"
    measured = with_onnx.run(root, "pytest", "suites/", "--device", "cpu", "--precision", "fp32", seconds=300)
    assert measured.returncode == 0, measured.stdout
    assert (root / "reports" / "latest" / "report.html").exists()


def test_a_run_is_rendered_where_there_is_no_runtime(judged: Path, alone: Installed, tmp_path: Path) -> None:
    there = alone.run(tmp_path, "python", "-c", "import numpy")
    assert "ModuleNotFoundError" in there.stderr
    for name in ("numpy", "onnx", "onnxruntime", "torch"):
        assert not list(alone.home.glob(f"lib/*/site-packages/{name}"))
    shutil.copytree((judged / "reports" / "latest").resolve(), tmp_path / "run")
    for made in ("report.html", "summary.md", "comment.md", "junit.xml"):
        (tmp_path / "run" / made).unlink()
    again = alone.run(tmp_path, "quantgate", "report", "run")
    assert again.returncode == 0, again.stderr
    for made in ("report.html", "summary.md", "comment.md", "junit.xml"):
        assert "tone-detector" in (tmp_path / "run" / made).read_text(), made
    old = [str(path) for path in sorted((ROOT / "tests" / "data" / "runs").iterdir()) if path.is_dir()]
    beside = alone.run(tmp_path, "quantgate", "report", "run", *old, "-o", "beside.html")
    assert beside.returncode == 0, beside.stderr
    assert f"{len(old) + 1} runs side by side" in (tmp_path / "beside.html").read_text()
