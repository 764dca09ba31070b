"""Which precision is dominated: another is at least as good in everything, and better in something beyond noise.

Pure. What is not known on both sides dominates nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.cells import Cell
from harness.metrics import METRICS
from harness.results import Measurement
from harness.scores import Quality
from harness.stats.paired import Estimate
from harness.verdict.compared import Cannot, compared
from harness.verdict.times import LATENCY, MEMORY
from harness.worth.standing import RATE, ROUGH, SIZE, Lead, Speed, Standing, Worth

Losses = dict[tuple[Cell, Cell], Estimate | None]
"""What is lost from one precision to another, of each two that were compared; kept, for both ask the same."""


def dominated(group: Sequence[Standing], found: Mapping[Cell, Measurement]) -> list[Standing]:
    """Name for each precision another that is at least as good in everything and better in something, if there is.

    Beside one that is worth it, what it dominates is not.
    """
    over: dict[Cell, list[_Beaten]] = {}
    lost: Losses = {}
    for one in group:
        beaten = [_Beaten(other, _better_in(other, one, found, lost)) for other in group if other is not one]
        over[one.cell] = [each for each in beaten if each.better_in]
    return [_beside(one, _best(over[one.cell], over), over) for one in group]


@dataclass(frozen=True, slots=True)
class _Beaten:
    """By whom a precision is dominated, and in what the other is better."""

    by: Standing
    better_in: tuple[str, ...]


def _beside(one: Standing, beaten: _Beaten | None, over: Mapping[Cell, Sequence[_Beaten]]) -> Standing:
    if beaten is None:
        return one
    name = beaten.by.cell.precision
    is_outdone = beaten.by.worth is Worth.WORTH_IT and not over[beaten.by.cell]
    if is_outdone and one.worth in (Worth.WORTH_IT, Worth.CANNOT_TELL):
        text = (
            f"not worth it beside {name}, which is at least as good in everything that is known"
            f" and better in {' and '.join(beaten.better_in)}"
        )
        return replace(one, worth=Worth.NOT_WORTH_IT, text=text, dominated_by=name)
    return replace(one, text=f"{one.text}; dominated by {name}", dominated_by=name)


def _best(dominators: Iterable[_Beaten], over: Mapping[Cell, Sequence[_Beaten]]) -> _Beaten | None:
    """Whom to name: one that nothing dominates in turn, of these one that is worth it, and of these the fastest."""

    def place(beaten: _Beaten) -> tuple[bool, bool, float]:
        by = beaten.by
        return bool(over[by.cell]), by.worth is not Worth.WORTH_IT, -(by.speed.times if by.speed else 0.0)

    return min(dominators, key=place, default=None)


def _better_in(one: Standing, other: Standing, found: Mapping[Cell, Measurement], lost: Losses) -> tuple[str, ...]:
    """In what one is better by more than noise or a margin, while it is no worse in anything; else nothing."""
    if Worth.NO_RESULT in (one.worth, other.worth):
        return ()
    sides = {
        "speed": _sides_of_speed(one.speed, other.speed),
        "memory": _sides_of_bytes(one.memory, other.memory, METRICS[MEMORY].margin),
        "size": _sides_of_bytes(one.size, other.size, METRICS[SIZE].margin),
    }
    if not all(map(_is_no_worse, sides.values())):
        return ()  # and the intervals of quality, which take longest, need not be made
    sides["quality"] = _side_of_loss(_lost_between(one, other, found, lost))
    if not all(map(_is_no_worse, sides.values())):
        return ()
    return tuple(name for name, side in sides.items() if side == 1)


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


def _lost_between(one: Standing, other: Standing, found: Mapping[Cell, Measurement], lost: Losses) -> Estimate | None:
    """What is lost from the second to the first; the interval of the other way is the same, turned."""
    turned = lost.get((other.cell, one.cell))
    if turned is not None:
        return turned.turned()
    key = one.cell, other.cell
    if key not in lost:
        lost[key] = _lost(one.lead, other.lead, _quality(found, one.cell), _quality(found, other.cell))
    return lost[key]


def _lost(one: Lead | None, other: Lead | None, mine: Quality | None, theirs: Quality | None) -> Estimate | None:
    """The same metric on the same examples, by its self-check worth believing; else nothing."""
    if one is None or other is None or mine is None or theirs is None or one.score.metric != other.score.metric:
        return None
    lost = compared(one.score.metric, theirs, mine, RATE)
    return None if isinstance(lost, Cannot) or lost.one_sided else lost.loss


def _side_of_loss(loss: Estimate | None) -> int | None:
    """1 where the first is better beyond noise, 0 where it is no worse, -1 where it may be; None: not known."""
    if loss is None:
        return None
    if loss.high is not None and loss.high < 0:
        return 1
    return 0 if loss.value <= 0 else -1
