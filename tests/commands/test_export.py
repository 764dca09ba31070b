"""`quantgate export` as a user types it."""

from pathlib import Path

import msgspec
import pytest

from harness.cli import main
from harness.commands.export import FORMATS
from harness.journal import RUN_FILE
from tests.samples import RUN


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / RUN_FILE).write_bytes(msgspec.json.encode(RUN))
    return tmp_path


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_printed_and_written_alike(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(folder), "--format", name]) == 0
    printed = capsys.readouterr().out
    assert printed.endswith("\n")
    target = folder / "new" / "file"
    assert main(["export", str(folder), "--format", name, "-o", str(target)]) == 0
    assert target.read_text() == printed
    assert capsys.readouterr().out == f"{target}\n"


def test_a_file_that_cannot_be_written_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(folder), "--format", "csv", "-o", str(folder / RUN_FILE / "file")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "give another -o" in said


def test_a_run_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path / "nowhere"), "--format", "csv"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_help_names_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    said = capsys.readouterr().out
    assert all(f"  {name} " in said for name in FORMATS)
