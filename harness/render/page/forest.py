"""Where the marks of a forest of pairs go: each pair's ratio, the interval, the margin. Pure geometry.

Owns the scale of the drawing: ln(new ÷ old) from left to right, pairs from above to below in the order measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.comparisons import Basis, Clock, Duel, Pair, Verdict
from harness.render import changes
from harness.render.page.drawing import WIDTH, Scale, Tick, dots, is_inside, place
from harness.verdict.times import LATENCY

_TOP = 6.0
_ROW = 9.0
_LEAST_ROW = 4.0
_ROOM_OF_PAIRS = 180.0
_ROOM_OF_INTERVAL = 22.0
_ROOM_OF_TICKS = 18.0
_CAP = 4.0
_EDGE = 0.1
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_MOST_TICKS = 6
_ERRORS_SHOWN = 2.0


@dataclass(frozen=True, slots=True)
class Forest:
    """A drawing, ready to place: paths of dots and lines, the band of the margin, and the axis' words."""

    height: float
    drawn_height: float
    first_stage: str
    second_stage: str
    whiskers: str
    nothing_x: float
    band: tuple[float, float] | None
    interval: str
    centre: str
    ticks: tuple[Tick, ...]
    pairs: int
    confirming: int
    clock: str
    change: str
    margin: str
    is_beyond: bool


def forest_of(duel: Duel, verdict: Verdict | None) -> Forest | None:
    """Draw the judged pairs of a duel, with the interval of the verdict on its latency; None without a pair."""
    clock = (verdict.clock if verdict else None) or duel.clock
    pairs = sorted((pair for pair in duel.pairs if pair.stage and clock in pair.log_ratios), key=lambda one: one.stage)
    if not pairs:
        return None
    points = [pair.log_ratios[clock] for pair in pairs]
    margin = changes.finite(verdict.margin) if verdict else None
    band = None if margin is None or not 0 < margin < 1 else math.log1p(margin)
    low, centre, high = _logs(verdict)
    x = _scale(points, band, [end for end in (low, centre, high) if end is not None])
    row = max(min(_ROW, _ROOM_OF_PAIRS / len(pairs)), _LEAST_ROW)
    heights = [_TOP + row * (number + 0.5) for number in range(len(pairs))]
    drawn = _TOP + row * len(pairs) + _ROOM_OF_INTERVAL
    bar = drawn - _ROOM_OF_INTERVAL / 2
    marks = [(pair.stage, x(point), y) for pair, point, y in zip(pairs, points, heights, strict=True)]
    return Forest(
        height=drawn + _ROOM_OF_TICKS,
        drawn_height=drawn,
        first_stage=dots((at, y) for stage, at, y in marks if stage == 1),
        second_stage=dots((at, y) for stage, at, y in marks if stage == 2),
        whiskers="".join(_whisker(pair, clock, x, y) for pair, y in zip(pairs, heights, strict=True)),
        nothing_x=round(x(0.0), 1),
        band=None if band is None else (round(x(-band), 1), round(x(band) - x(-band), 1)),
        interval="" if low is None or high is None else _bar(x(low), x(high), bar),
        centre="" if centre is None else f"M{x(centre):.1f} {bar - _CAP - 2:.1f}v{2 * _CAP + 4:.1f}",
        ticks=_ticks(x),
        pairs=len(pairs),
        confirming=sum(pair.stage == 2 for pair in pairs),
        clock=clock.words,
        change="" if verdict is None or centre is None else changes.change(verdict.ratio, verdict.low, verdict.high),
        margin="" if band is None else changes.share(margin),
        is_beyond=any(not x.low <= point <= x.high for point in points),
    )


def is_of(verdict: Verdict) -> bool:
    """Whether a verdict is the one that was made of a duel's ratios."""
    return verdict.basis is Basis.LIVE and verdict.metric == LATENCY


def _logs(verdict: Verdict | None) -> tuple[float | None, float | None, float | None]:
    if verdict is None:
        return None, None, None
    found = (changes.finite(value) for value in (verdict.low, verdict.ratio, verdict.high))
    low, centre, high = (math.log(value) if value is not None and value > 0 else None for value in found)
    return low, centre, high


def _scale(points: Sequence[float], band: float | None, interval: Sequence[float]) -> Scale:
    """Choose the ends: no change, the margin and most of the pairs are inside; a stray pair or bar ends at the edge."""
    ordered = sorted(points)
    stray = max(len(ordered) // 10, 0)
    usual = ordered[stray : len(ordered) - stray]
    inside = [0.0, *usual, *((-1.3 * band, 1.3 * band) if band else ())]
    room = max(inside) - min(inside) or 0.01
    inside += [end for end in interval if min(inside) - room <= end <= max(inside) + room]
    room = (max(inside) - min(inside)) * _EDGE
    return Scale(min(inside) - room, max(inside) + room, 0.0, WIDTH)


def _ticks(x: Scale) -> tuple[Tick, ...]:
    """Return round changes along the axis, nought among them, with the fewest that tell something."""
    least, most = math.expm1(x.low), math.expm1(x.high)
    step = next((step for step in _STEPS if (most - least) * 100 / step <= _MOST_TICKS), None)
    if step is None:
        return (Tick(place(x(0.0)), "0 %"),)
    numbers = range(math.ceil(least * 100 / step), math.floor(most * 100 / step) + 1)
    places = [(x(math.log1p(number * step / 100)), number * step) for number in numbers if number * step > -100]
    return tuple(Tick(place(at), _tick(value)) for at, value in places if is_inside(at))


def _tick(percent: float) -> str:
    text = f"{percent:+.2f}".rstrip("0").rstrip(".").replace("-", "−")
    return "0 %" if percent == 0 else f"{text} %"


def _whisker(pair: Pair, clock: Clock, x: Scale, y: float) -> str:
    error = changes.finite(pair.errors.get(clock))
    if not error:
        return ""
    centre = pair.log_ratios[clock]
    return f"M{x(centre - _ERRORS_SHOWN * error):.1f} {y:.1f}H{x(centre + _ERRORS_SHOWN * error):.1f}"


def _bar(start: float, end: float, y: float) -> str:
    cap = f"{y - _CAP:.1f}v{2 * _CAP:.1f}"
    return f"M{start:.1f} {y:.1f}H{end:.1f}M{start:.1f} {cap}M{end:.1f} {cap}"
