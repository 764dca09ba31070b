"""How a run ended: one word that headline, JUnit, comment, summary, page and exit codes share, and why it is not green.

Pure, and made of the record alone, so that a page made a year later says what the exit code said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from harness.comparisons import Outcome
from harness.consequences import compared_cells, fatal_lines, of_cells
from harness.results import Run, Status

_OPEN = frozenset((Outcome.SUSPECT, Outcome.INCONCLUSIVE))


class Word(StrEnum):
    """How a run ended, the worst first."""

    INTERRUPTED = "interrupted"
    NOT_JUDGED = "not judged"
    FAILED = "failed"
    NOTHING_COMPARED = "nothing was compared"
    UNDECIDED = "undecided"
    UNGATED = "compared without a gate"
    PASSED = "passed"
    MEASURED = "measured"


class Tone(StrEnum):
    """A word in one of three colours."""

    FAILED = "failed"
    UNSURE = "unsure"
    PASSED = "passed"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended. `reasons` is why it is not green, a line each. `has_gate` is whether verdicts may fail it."""

    word: Word
    reasons: tuple[str, ...] = ()
    has_gate: bool = True
    is_usage: bool = False

    @property
    def tone(self) -> Tone:
        """The colour of the word."""
        match self.word:
            case Word.FAILED | Word.NOT_JUDGED:
                return Tone.FAILED
            case Word.INTERRUPTED | Word.NOTHING_COMPARED | Word.UNDECIDED | Word.UNGATED:
                return Tone.UNSURE
            case Word.PASSED | Word.MEASURED:
                return Tone.PASSED
            case other:
                assert_never(other)

    @property
    def pytest_code(self) -> int:
        """The exit code of the pytest run."""
        match self.word:
            case Word.INTERRUPTED:
                return 2
            case Word.NOT_JUDGED:
                return 4 if self.is_usage else 1
            case Word.FAILED:
                return 1
            case Word.NOTHING_COMPARED:
                return 5 if self.has_gate else 0
            case Word.UNDECIDED | Word.UNGATED | Word.PASSED | Word.MEASURED:
                return 0
            case other:
                assert_never(other)

    @property
    def command_code(self) -> int:
        """The exit code of a `quantgate` command that is asked for the verdict of a stored run."""
        match self.word:
            case Word.FAILED | Word.NOT_JUDGED:
                return 1
            case Word.INTERRUPTED | Word.UNDECIDED:
                return 10
            case Word.NOTHING_COMPARED | Word.MEASURED:
                return 11
            case Word.UNGATED | Word.PASSED:
                return 0
            case other:
                assert_never(other)


def ending_of(run: Run) -> Ending:
    """Say how a run ended, from its record."""
    reasons = tuple(_reasons(run))
    has_gate = run.options.get("has_gate", True) is not False
    is_usage = run.trouble is not None and run.trouble.is_usage
    return Ending(_word(run, is_red=bool(reasons), has_gate=has_gate), reasons, has_gate, is_usage)


def unanswered(run: Run) -> str:
    """What was asked and has no number, where that must not pass for fine: a whole device, or cells left out."""
    measured = {one.cell.device for one in run.measurements if one.status is Status.MEASURED}
    silent = dict.fromkeys(cell.device for cell in run.planned if cell.device not in measured)
    if silent or not measured:
        return f"nothing was measured on {', '.join(silent) or 'any device'}"
    left_out = len(set(run.planned) - {one.cell for one in run.measurements})
    return f"{left_out} of {len(run.planned)} planned cells have no measurement" if left_out else ""


def _word(run: Run, *, is_red: bool, has_gate: bool) -> Word:
    if run.finished is None:
        return Word.INTERRUPTED
    if run.trouble is not None:
        return Word.NOT_JUDGED
    if is_red:
        return Word.FAILED
    if run.judgement is None or not compared_cells(run.judgement):
        # Records of before `compares` tell of a live comparison only.
        was_asked = run.compares or run.options.get("against") is not None
        return Word.NOTHING_COMPARED if was_asked else Word.MEASURED
    if not has_gate:
        return Word.UNGATED
    return Word.UNDECIDED if _OPEN & set(of_cells(run.judgement.verdicts).values()) else Word.PASSED


def _reasons(run: Run) -> Iterable[str]:
    if run.trouble is not None:
        yield run.trouble.text
    if run.judgement is not None:
        yield from fatal_lines(run.judgement)
    for one in run.measurements:
        if one.failure is not None and run.finished is not None:
            yield f"{one.cell}: failed in {one.failure.phase}: {one.failure.text}"
    if run.finished is not None and (silent := unanswered(run)):
        yield silent
    if run.failed_tests:
        count = len(run.failed_tests)
        yield f"{count} test{'s' * (count != 1)} failed, the first of them {run.failed_tests[0].name}"
