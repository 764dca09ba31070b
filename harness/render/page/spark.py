"""Where the marks of a spark line go: what a latency's verdict was made of, in the order measured. Pure geometry.

Owns the scale of the drawing: ln(new ÷ old) upwards, so that up is slower, and the band of the margin either way.
A unit is a tenth of a pixel, so that whole numbers say enough: a page has many of these.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.comparisons import Basis, Duel, Origin, Verdict
from harness.render import changes
from harness.render.page.drawing import Scale, dots
from harness.render.page.forest import is_of
from harness.render.page.strip import thin
from harness.results import Measurement
from harness.stats.passes import pass_means
from harness.verdict.times import LATENCY

WIDTH, HEIGHT = 920, 220

_SIDE, _EDGE = 40.0, 35.0
_MOST_MARKS = 40
_BANDS_SHOWN = 1.4


@dataclass(frozen=True, slots=True)
class Spark:
    """A drawing, ready to place: a line through all marks, those before and those that confirm, and the margin."""

    line: str
    before: str
    after: str
    nothing_y: int
    band: tuple[int, int] | None
    says: str


def spark_of(
    verdict: Verdict, duel: Duel | None, origin: Origin | None, measurement: Measurement | None
) -> Spark | None:
    """Draw what a verdict on a latency was made of: its pairs, or the stored sessions and then now; else None."""
    if is_of(verdict) and duel is not None:
        return _of_pairs(verdict, duel)
    if verdict.basis is Basis.STORED and verdict.metric == LATENCY and origin is not None and measurement is not None:
        return _of_sessions(verdict, origin, measurement)
    return None


def _of_pairs(verdict: Verdict, duel: Duel) -> Spark | None:
    clock = verdict.clock or duel.clock
    pairs = sorted((pair for pair in duel.pairs if pair.stage and clock in pair.log_ratios), key=lambda one: one.stage)
    if len(pairs) < 2:
        return None
    points = [pair.log_ratios[clock] for pair in pairs]
    first = sum(pair.stage == 1 for pair in pairs)
    says = f"{len(pairs)} pairs in order, {_percent(min(points))} to {_percent(max(points))}"
    return _drawn(points, first, verdict, says)


def _of_sessions(verdict: Verdict, origin: Origin, measurement: Measurement) -> Spark | None:
    means = [_mean(session) for session in origin.sessions]
    stored = [mean for mean in means if mean is not None]
    now = _mean(pass_means(measurement.sample)) if measurement.sample else None
    if now is None or not stored:
        return None
    usual = math.fsum(math.log(mean) for mean in stored) / len(stored)
    points = [math.log(mean) - usual for mean in (*stored, now)]
    count = "1 session" if len(stored) == 1 else f"{len(stored)} sessions"
    return _drawn(points, len(stored), verdict, f"{count} and now, {_percent(points[-1])} off their middle")


def _mean(seconds: Sequence[float]) -> float | None:
    """The mean of a session's passes; None where that is no time."""
    found = math.fsum(seconds) / len(seconds) if seconds else 0.0
    return found if math.isfinite(found) and found > 0 else None


def _drawn(points: Sequence[float], before: int, verdict: Verdict, says: str) -> Spark:
    margin = changes.finite(verdict.margin)
    band = None if margin is None or not 0 < margin < 1 else math.log1p(margin)
    y = _scale(points, band)
    x = Scale(0, max(len(points) - 1, 1), _SIDE, WIDTH - _SIDE)
    kept = thin(points, _MOST_MARKS)
    places = [(round(x(at)), round(y(points[at]))) for at in kept]
    return Spark(
        line=_line(places),
        before=dots(place for at, place in zip(kept, places, strict=True) if at < before),
        after=dots(place for at, place in zip(kept, places, strict=True) if at >= before),
        nothing_y=round(y(0.0)),
        band=None if band is None else (round(y(band)), round(y(-band)) - round(y(band))),
        says=says if band is None else f"{says}; margin {changes.share(margin)}",
    )


def _scale(points: Sequence[float], band: float | None) -> Scale:
    """Choose the ends: no change and all marks are inside, and a margin is never drawn wider than the picture."""
    inside = [0.0, *points, *((-_BANDS_SHOWN * band, _BANDS_SHOWN * band) if band else ())]
    low, high = min(inside), max(inside)
    room = 0.0 if high > low else 0.01
    return Scale(low - room, high + room, HEIGHT - _EDGE, _EDGE)


def _line(places: Sequence[tuple[int, int]]) -> str:
    """Return a path through places, each step from the one before."""
    steps = "".join(f"l{to[0] - at[0]} {to[1] - at[1]}" for at, to in pairwise(places))
    return f"M{places[0][0]} {places[0][1]}{steps}".replace(" -", "-")


def _percent(log_ratio: float) -> str:
    return changes.change(round(math.exp(min(log_ratio, 700.0)), 4))
