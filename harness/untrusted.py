"""A record from a stranger, as the pull request of a fork brings it: read as hostile input, or refused in one line.

Owns the limits. What is within them is still only shown, escaped, by printers that expect anything: nothing of it is
run, opened or believed. Its numbers were made by the stranger's own code.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from harness import journal
from harness.cells import Cell
from harness.errors import RecordUnreadable
from harness.results import Run

MOST_BYTES = 64 * 1024 * 1024
MOST_CELLS = 5_000
MOST_VERDICTS = 100_000
MOST_SAMPLES = 5_000_000
MOST_DUELS = 5_000
MOST_PAIRS = 100_000
MOST_TERMS = 5_000_000
MOST_NAMES = 64
"""Of precisions, and of devices: a matrix has a column for each, and a place for each of them with each model."""
MOST_LETTERS = 100_000
LARGEST = 1e18
"""No quantity of a machine has more: bytes, seconds, parameters. Beyond it sums overflow."""
SMALLEST = 1e-100
"""Nor has one less that is not nought: its square would be, and nothing can be divided by that."""

_NO_NUMBER = "it has a number that no machine measures"


def read_untrusted(path: Path) -> Run:
    """Read the `run.json` of a stranger; RecordUnreadable where it is anything but a record of usual size."""
    if path.is_symlink() or not path.is_file():
        raise _refused(path, "it is no plain file; give the run.json itself")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise _refused(path, f"it has {size:,} bytes, and {MOST_BYTES:,} are read of a stranger's")
    try:
        run = journal.read_run(path)
    except RecursionError:
        raise _refused(path, "it is nested deeper than any record") from None
    for what, count, most in _counts(run):
        if count > most:
            raise _refused(path, f"it has {count:,} {what}, and {most:,} are read of a stranger's")
    if why := next(filter(None, _absurdities(run)), ""):
        raise _refused(path, why)
    return run


def _refused(path: Path, why: str) -> RecordUnreadable:
    return RecordUnreadable(f"{path.name} is refused: {why}")


def _counts(run: Run) -> Iterable[tuple[str, int, int]]:
    judgement = run.judgement
    samples = (len(one.sample.wall_seconds) for one in run.measurements if one.sample is not None)
    scored = (one.quality for one in run.measurements if one.quality is not None)
    cells = set(_cells(run))
    yield "cells", len(cells), MOST_CELLS
    yield "precisions", len({cell.precision for cell in cells}), MOST_NAMES
    yield "devices", len({cell.device for cell in cells}), MOST_NAMES
    yield "measurements", len(run.measurements), MOST_CELLS
    yield "inferences", sum(samples), MOST_SAMPLES
    yield "comparisons", len(run.duels), MOST_DUELS
    yield "pairs", sum(len(duel.pairs) for duel in run.duels), MOST_PAIRS
    yield "scores of examples", sum(len(score.terms) for quality in scored for score in quality.scores), MOST_TERMS
    yield "failed tests", len(run.failed_tests), MOST_VERDICTS
    if judgement is not None:
        said = (judgement.verdicts, judgement.controls, judgement.judged, judgement.problems, judgement.accepted)
        yield "verdicts", sum(map(len, said)), MOST_VERDICTS
        yield "baselines", len(judgement.origins), MOST_CELLS


def _cells(run: Run) -> Iterable[Cell]:
    """The cell of whatever is about one."""
    yield from run.planned
    judgement = run.judgement
    said = (judgement.verdicts, judgement.controls, judgement.judged, judgement.origins) if judgement else ()
    for about in (run.measurements, run.duels, *said):
        yield from (one.cell for one in about)


def _is_measurable(number: float) -> bool:
    return number == 0 or SMALLEST <= abs(number) <= LARGEST


def _is_ratio(logarithm: float) -> bool:
    return abs(logarithm) <= math.log(LARGEST)


def _log_ratios(run: Run) -> Iterable[float]:
    return (ratio for duel in run.duels for pair in duel.pairs for ratio in pair.log_ratios.values())


def _absurdities(run: Run) -> Iterable[str]:
    """What nobody measures or says, wherever it stands; empty for each number and text that is a usual one."""
    for one in _leaves(msgspec.to_builtins(run)):
        if not isinstance(one, str):
            yield "" if _is_measurable(one) else _NO_NUMBER
        elif len(one) > MOST_LETTERS:
            yield f"it has a text of {len(one):,} letters, and {MOST_LETTERS:,} are read of a stranger's"
    yield from ("" if _is_ratio(one) else _NO_NUMBER for one in _log_ratios(run))


def _leaves(plain: Any) -> Iterable[float | str]:
    """Every number and text of a record, wherever it stands: whoever forges one need not do so where it is measured."""
    left = [plain]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left.extend((*one, *one.values()))
        elif isinstance(one, (list, tuple)):
            left.extend(one)
        elif isinstance(one, (int, float, str)):
            yield one


def refusing(path: Path, error: Exception) -> RecordUnreadable:
    """What is said where a printer broke on a stranger's record: its numbers cannot all be true, and none is shown."""
    return _refused(path, f"what it says cannot be shown ({type(error).__name__})")
