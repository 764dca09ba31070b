"""The quality of a run against what is stored of it: which cells have two sides, handed to `verdict.quality`.

Owns what it means that only one side tells a metric: what was stored and is not measured now is missing, not passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from harness.baselines.quality import with_kept_digits
from harness.cells import Cell
from harness.comparisons import Basis, Difference, Outcome, Verdict
from harness.scores import Quality
from harness.verdict.quality import judge_quality

_NOT_STORED = Quality(problem="the baseline has no quality yet; accept the cell again: quantgate accept --new")
_NOT_MEASURED = Quality(problem="its quality was not measured")


@dataclass(frozen=True, slots=True)
class Sides:
    """What is stored of a cell's quality, and what was measured now; a side that has none says why.

    `against` says which baseline, `beside` by what else the two differ.
    """

    old: Quality
    new: Quality
    against: str
    beside: tuple[Difference, ...] = ()


def sides_of(old: Quality | None, new: Quality | None, against: str, beside: tuple[Difference, ...]) -> Sides | None:
    """Both sides of a cell; None where neither has any quality."""
    if old is None and new is None:
        return None
    return Sides(old or _NOT_STORED, with_kept_digits(new) if new else _NOT_MEASURED, against, beside)


def compare_quality(
    cell: Cell, sides: Sides, margin_of: Callable[[Cell, str], float], rate: float
) -> Iterator[Verdict]:
    """A verdict on every judged metric of quality that either side has."""
    for verdict in judge_quality(cell, sides.old, sides.new, margin_of, rate, sides.against, Basis.STORED):
        told = verdict if verdict.metric is None else _one_sided(verdict, verdict.metric, sides.old, sides.new)
        yield replace(told, differences=(*told.differences, *sides.beside))


def _one_sided(verdict: Verdict, metric: str, old: Quality, new: Quality) -> Verdict:
    """The verdict itself, or that it rests on one side alone."""
    before, after = old.score(metric), new.score(metric)
    if after is None or after.value is None:
        why = new.problem or (after and after.unavailable) or "it does not apply any more"
        return replace(verdict, outcome=Outcome.MISSING, text=f"stored, and not measured now: {why}")
    if before is not None:
        return verdict
    if after.untrusted is not None:
        text = f"nothing is stored, and its self-check failed on this machine: {after.untrusted}"
        return replace(verdict, outcome=Outcome.INCONCLUSIVE, text=text)
    text = old.problem or "measured now, and not stored; accept the cell again: quantgate accept --new"
    return replace(verdict, outcome=Outcome.NEW, text=text)
