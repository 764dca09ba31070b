"""The files of a run, written together: all of them, also of a run that was killed, each whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fixed_judgement import JUDGED
from fixed_run import RUN

from harness import journal
from harness.errors import HarnessError
from harness.render import surfaces
from harness.render.promise_terminal import promise_table
from harness.render.surfaces import write_all

FILES = ["comment.md", "junit.xml", "report.html", "summary.md"]


def test_all_files_are_written_and_the_page_is_returned(tmp_path: Path) -> None:
    assert write_all(JUDGED, tmp_path) == tmp_path / "report.html"
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES
    for name in FILES:
        assert "piper-joe" in (tmp_path / name).read_text(encoding="utf-8")


def test_a_run_that_was_killed_has_them_too(tmp_path: Path) -> None:
    journal.write_run(tmp_path, replace(RUN, finished=None, judgement=None))
    write_all(journal.read_run(tmp_path), tmp_path)
    assert "interrupted" in (tmp_path / "summary.md").read_text()
    assert 'type="interrupted"' in (tmp_path / "junit.xml").read_text()


def test_written_again_they_are_the_same(tmp_path: Path) -> None:
    write_all(JUDGED, tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    write_all(JUDGED, tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == before


def test_a_folder_that_takes_no_file_is_one_line_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"cannot be written: .*; make room and try again"):
        write_all(JUDGED, tmp_path / "not" / "there")


@pytest.mark.parametrize(
    ("printer", "lost"),
    [
        ("junit", ["junit.xml"]),
        ("sections_of", ["comment.md", "summary.md"]),
        ("comment_of", ["comment.md"]),
        ("render_html", ["report.html"]),
    ],
)
def test_a_printer_that_breaks_costs_its_own_file_and_is_told(
    printer: str, lost: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> str:
        raise ZeroDivisionError(printer)

    monkeypatch.setattr(surfaces, printer, breaks)
    with pytest.raises(ZeroDivisionError, match=printer):
        write_all(JUDGED, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [name for name in FILES if name not in lost]


def test_a_file_that_cannot_be_written_costs_no_other(tmp_path: Path) -> None:
    (tmp_path / "junit.xml").mkdir()
    with pytest.raises(HarnessError, match=r"junit\.xml cannot be written"):
        write_all(JUDGED, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == FILES[:1] + FILES[2:]


def test_a_failing_test_shows_what_fails_the_gate_first_with_its_source() -> None:
    assert JUDGED.judgement is not None
    said = promise_table(JUDGED.judgement.judged)
    lines = said.splitlines()
    assert lines[0] == "piper-joe int8-dynamic cpu, what was promised of it"
    body = [line for line in lines[4:] if line.startswith(("✕", "✓", "?"))]
    assert [line.split("  ")[0] for line in body] == ["✕ fails", "✕ missed", "? cannot tell", "✓ holds", "✓ met"]
    assert "fails the gate" in body[0]
    assert "fails the gate" not in "".join(body[1:])
    assert promise_table(()) == "nothing was promised"
