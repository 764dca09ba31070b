"""What to do about the worst of a run: where it stands in the report, how to measure it again, how to accept it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from harness.cells import Cell, measuring
from harness.comparisons import Outcome, Verdict
from harness.render.gate import Comparison
from harness.render.rows import anchor_of
from harness.render.verdict_rows import VerdictRow
from harness.results import Fact, Run

_ACCEPTABLE = (Outcome.REGRESSED, Outcome.MISSING)


@dataclass(frozen=True, slots=True)
class NextSteps:
    """Of one cell: the fragment that leads to it, and commands, each empty where there is nothing to do."""

    anchor: str
    rerun: str
    accept: str = ""


def next_steps(run: Run, comparison: Comparison | None) -> NextSteps | None:
    """Return what to do about the worst that makes a run red; None where nothing of one cell does."""
    fatal = next((row for row in comparison.worse if row.verdict.is_fatal), None) if comparison else None
    if fatal is not None:
        return _of_verdict(fatal, run.options.get("against"))
    failed = next((one.cell for one in run.measurements if one.failure is not None), None)
    if failed is not None:
        return NextSteps(anchor_of(failed), measuring(failed))
    broken = next((row.judged.cell for row in comparison.judged if row.judged.is_fatal), None) if comparison else None
    return None if broken is None else NextSteps(anchor_of(broken), measuring(broken))


def comparing(cell: Cell, against: Fact) -> str:
    """Return the command that measures a cell again, and compares it with the other side of the run."""
    # The path of an interpreter is not recorded, so that no command can name it.
    is_named = isinstance(against, str) and against != "python"
    return measuring(cell) + (f" --against {shlex.quote(str(against))}" if is_named else "")


def judging(verdict: Verdict, against: Fact) -> str:
    """Return the command that makes a verdict anew; empty of a cell that nobody declares any more."""
    return "" if (verdict.settle or "").startswith("git rm ") else comparing(verdict.cell, against)


def _of_verdict(row: VerdictRow, against: Fact) -> NextSteps:
    return NextSteps(row.anchor, judging(row.verdict, against), _accepting(row.verdict.cell, row.verdict))


def _accepting(cell: Cell, verdict: Verdict) -> str:
    if verdict.outcome not in _ACCEPTABLE or verdict.metric is None:
        return ""
    return f'quantgate accept {shlex.quote(str(cell))} --metric {verdict.metric} --reason "…" --expires …'
