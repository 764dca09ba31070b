"""Which precision is dominated: another is at least as good in everything, and better in something beyond noise.

Pure. What is not known on both sides dominates nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from harness.cells import Cell
from harness.metrics import METRICS
from harness.results import Measurement
from harness.scores import Quality
from harness.verdict.compared import Cannot, compared
from harness.verdict.times import LATENCY, MEMORY
from harness.worth.standing import RATE, ROUGH, SIZE, Lead, Speed, Standing, Worth


def dominated(group: Sequence[Standing], found: Mapping[Cell, Measurement]) -> list[Standing]:
    """Name for each precision another that is at least as good in everything and better in something, if there is."""
    over = {one.cell: [other for other in group if other is not one and _dominates(other, one, found)] for one in group}
    return [replace(one, dominated_by=_best(over[one.cell], over)) for one in group]


def _best(dominators: Iterable[Standing], over: Mapping[Cell, Sequence[Standing]]) -> str | None:
    """The precision to name: one that nothing dominates in turn, and of these the fastest."""
    ordered = sorted(dominators, key=lambda one: (bool(over[one.cell]), -(one.speed.times if one.speed else 0.0)))
    return ordered[0].cell.precision if ordered else None


def _dominates(one: Standing, other: Standing, found: Mapping[Cell, Measurement]) -> bool:
    """Whether one is no worse than the other in anything, and better in something by more than noise or a margin."""
    if Worth.NO_RESULT in (one.worth, other.worth):
        return False
    sides = [
        _sides_of_speed(one.speed, other.speed),
        _sides_of_bytes(one.memory, other.memory, METRICS[MEMORY].margin),
        _sides_of_bytes(one.size, other.size, METRICS[SIZE].margin),
    ]
    if not all(map(_is_no_worse, sides)):
        return False  # and the intervals of quality, which take longest, need not be made
    sides.append(_sides_of_quality(one.lead, other.lead, _quality(found, one.cell), _quality(found, other.cell)))
    return all(map(_is_no_worse, sides)) and 1 in sides


def _is_no_worse(side: int | None) -> bool:
    return side is not None and side >= 0


def _quality(found: Mapping[Cell, Measurement], cell: Cell) -> Quality | None:
    measurement = found.get(cell)
    return measurement.quality if measurement else None


def _sides_of_speed(one: Speed | None, other: Speed | None) -> int | None:
    """1 where the first is faster beyond noise, 0 where it is no slower, -1 where it may be; None: not known."""
    if one is None or other is None:
        return None
    if one.low is None or other.high is None:
        slack, is_apart = 1.0, one.times > other.times * (1 + ROUGH)
    else:
        slack = 1 + METRICS[LATENCY].margin
        is_apart = one.low > other.high and one.times > other.times * slack
    if is_apart:
        return 1
    return 0 if one.times * slack >= other.times else -1


def _sides_of_bytes(one: float | None, other: float | None, margin: float) -> int | None:
    if one is None or other is None:
        return None
    if one * (1 + margin) < other:
        return 1
    return 0 if one <= other * (1 + margin) else -1


def _sides_of_quality(one: Lead | None, other: Lead | None, mine: Quality | None, theirs: Quality | None) -> int | None:
    """The same of the quality: of the same metric on the same examples, by its self-check worth believing."""
    if one is None or other is None or mine is None or theirs is None or one.score.metric != other.score.metric:
        return None
    lost = compared(one.score.metric, theirs, mine, RATE)
    if isinstance(lost, Cannot) or lost.one_sided:
        return None
    if lost.loss.high is not None and lost.loss.high < 0:
        return 1
    return 0 if lost.loss.value <= 0 else -1
