"""The command line answers without a runtime, and ends with one line where it cannot."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import main

ROOT = Path(__file__).parents[1]


def test_listing_imports_no_runtime(tmp_path: Path) -> None:
    program = (
        "import sys; from harness.cli import main;"
        f"code = main(['list', '--root', {str(ROOT)!r}, '--artifact-cache', {str(tmp_path)!r}]);"
        "heavy = [n for n in ('torch', 'onnxruntime', 'onnx', 'numpy', 'transformers') if n in sys.modules];"
        "sys.exit(repr(heavy) if heavy or code else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "piper-joe" in done.stdout
    assert "not tried yet" in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["list", "--root", "/"], "no folder of models"),
        (["list", "--root", str(ROOT), "--model", "pipper-joe"], "did you mean piper-joe?"),
        (["list", "--root", str(ROOT), "--device", "abacus"], "unknown device"),
        (["report", "/no/such/run"], "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_a_word_that_is_no_command_is_refused_with_the_commands_named() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", "measure"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert "list" in done.stderr


def test_a_bug_of_ours_is_told_from_a_regression_by_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stumble(path: Path) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("harness.journal.read_run", stumble)
    assert main(["report", "anything"]) == 3
    assert "ZeroDivisionError: a bug" in capsys.readouterr().err
