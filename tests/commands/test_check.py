"""`quantgate check`: the exit code of a stored run, and that enough was compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.cells import Cell
from harness.cli import main
from harness.comparisons import Judgement, Outcome, Verdict
from harness.journal import write_run
from harness.results import FailedTest, Run, Trouble
from tests.baselines.made import CELL, FAILED, OTHER, measured, run

DONE = {"finished": "2026-11-21T03:00:00+00:00", "compares": True, "complete": True}


def judged(*outcomes: Outcome, fatal: bool = False, cells: tuple[Cell, ...] = (CELL, OTHER), **more: object) -> Run:
    """Two measured cells, each with a verdict on its latency."""
    verdicts = tuple(
        Verdict(cell, "latency_seconds", outcome, "", "baselines/", is_fatal=fatal)
        for cell, outcome in zip(cells, outcomes, strict=False)
    )
    made = run(measured(), measured(OTHER))
    return replace(made, judgement=Judgement("baselines/", "gate", verdicts), **{**DONE, **more})  # type: ignore[arg-type]


GONE = Cell("gone", "fp32", "cpu")
SAME, OPEN, WORSE, NEW = Outcome.UNCHANGED, Outcome.INCONCLUSIVE, Outcome.REGRESSED, Outcome.NEW


@pytest.mark.parametrize(
    ("made", "arguments", "code", "words"),
    [
        (judged(SAME, SAME), [], 0, "passed · compared 2 of 2 cells · measured 2 of 2"),
        (judged(SAME, NEW), [], 0, "compared 1 of 2 cells"),
        (judged(SAME, NEW, cells=(CELL, GONE)), [], 0, "compared 1 of 3 cells"),
        (judged(SAME, NEW), ["--compared", "2"], 11, "compared 1, where at least 2 had to be"),
        (judged(NEW, NEW), [], 11, "nothing was compared"),
        (judged(NEW, NEW), ["--measured", "2"], 0, "measured 2 of 2"),
        (judged(NEW, NEW), ["--measured", "3"], 11, "measured 2, where at least 3 had to be"),
        (judged(NEW, NEW), ["--measured", "2", "--compared", "1"], 11, "compared 0, where at least 1 had to be"),
        (judged(SAME, OPEN), [], 10, "undecided"),
        (judged(SAME, OPEN), ["--undecided-passes"], 0, "undecided"),
        (judged(SAME, OPEN), ["--undecided-passes", "--compared", "3"], 11, "compared 2, where at least 3"),
        (judged(SAME, WORSE, fatal=True), [], 1, "failed"),
        (judged(SAME, SAME, finished=None), [], 10, "interrupted"),
        (judged(SAME, SAME, finished=None), ["--undecided-passes"], 10, "interrupted"),
        (judged(SAME, SAME, failed_tests=(FailedTest("test_x.py::test_y"),)), [], 1, "test_x.py::test_y"),
        (judged(SAME, SAME, trouble=Trouble("no such revision")), [], 1, "no such revision"),
        (replace(run(measured(), FAILED), **DONE), ["--measured", "1"], 1, "failed in"),  # type: ignore[arg-type]
        (replace(run(measured()), finished=DONE["finished"]), ["--measured", "1"], 0, "measured"),  # type: ignore[arg-type]
    ],
)
def test_a_stored_run_ends_as_it_ended(
    made: Run, arguments: list[str], code: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path, made)
    assert main(["check", str(tmp_path), *arguments]) == code
    assert words in capsys.readouterr().out


def test_a_run_that_is_not_there_is_a_usage_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / "kept")]) == 2
    assert "name the folder of a run" in capsys.readouterr().err


def test_many_reasons_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = tuple(Cell(f"m{n}", "fp32", "cpu") for n in range(9))
    write_run(tmp_path, judged(*[WORSE] * 9, fatal=True, cells=cells))
    assert main(["check", str(tmp_path)]) == 1
    assert "  +4 more" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--compared", "0"], ["--measured", "0"], ["--measured", "1", "--compared", "-1"]])
def test_to_ask_for_no_cell_at_all_is_refused(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path, judged(SAME, SAME))
    assert main(["check", str(tmp_path), *words]) == 2
    assert "asks for nothing; give 1 or more" in capsys.readouterr().err


def test_what_a_record_says_is_a_line_each_and_no_command_to_a_ci(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = FailedTest("::add-mask::e\n::error::forged\x1b[2J" + "x" * 5_000)
    write_run(tmp_path, judged(SAME, SAME, failed_tests=(test,), trouble=Trouble("::stop-commands::now\n::error::too")))
    assert main(["check", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert not [line for line in lines if line.lstrip().startswith("::") or "\x1b" in line or len(line) > 700]
