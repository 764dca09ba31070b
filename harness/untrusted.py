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
from harness.errors import RecordUnreadable
from harness.results import Run

MOST_BYTES = 64 * 1024 * 1024
MOST_CELLS = 5_000
MOST_VERDICTS = 100_000
MOST_SAMPLES = 5_000_000
MOST_DUELS = 5_000
MOST_PAIRS = 100_000
MOST_TERMS = 5_000_000
LARGEST = 1e18
"""No quantity of a machine has more: bytes, seconds, parameters. Beyond it sums overflow."""
SMALLEST = 1e-100
"""Nor has one less that is not nought: its square would be, and nothing can be divided by that."""


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
    if not all(map(_is_measurable, _numbers(msgspec.to_builtins(run)))) or not all(map(_is_ratio, _log_ratios(run))):
        raise _refused(path, "it has a number that no machine measures")
    return run


def _refused(path: Path, why: str) -> RecordUnreadable:
    return RecordUnreadable(f"{path.name} is refused: {why}")


def _counts(run: Run) -> Iterable[tuple[str, int, int]]:
    judgement = run.judgement
    samples = (len(one.sample.wall_seconds) for one in run.measurements if one.sample is not None)
    scored = (one.quality for one in run.measurements if one.quality is not None)
    yield "cells", len({*run.planned, *(one.cell for one in run.measurements)}), MOST_CELLS
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


def _is_measurable(number: float) -> bool:
    return number == 0 or SMALLEST <= abs(number) <= LARGEST


def _is_ratio(logarithm: float) -> bool:
    return abs(logarithm) <= math.log(LARGEST)


def _log_ratios(run: Run) -> Iterable[float]:
    return (ratio for duel in run.duels for pair in duel.pairs for ratio in pair.log_ratios.values())


def _numbers(plain: Any) -> Iterable[float]:
    """Every number of a record, wherever it stands: whoever forges one need not do so where it is measured."""
    left = [plain]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left.extend(one.values())
        elif isinstance(one, (list, tuple)):
            left.extend(one)
        elif isinstance(one, (int, float)):
            yield one


def refusing(path: Path, error: Exception) -> RecordUnreadable:
    """What is said where a printer broke on a stranger's record: its numbers cannot all be true, and none is shown."""
    return _refused(path, f"what it says cannot be shown ({type(error).__name__})")
