"""Where the marks of a strip of samples go: inferences in the order measured, warm-up first. Pure geometry.

Owns the scales of the drawing. A crowd of samples is thinned so that the least and the most of each stretch stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.render import numbers
from harness.render.page.drawing import WIDTH, Scale, dots
from harness.results import Measurement
from harness.stats.estimates import median

HEIGHT = 96.0
_TOP = 8.0
_BOTTOM = 8.0


@dataclass(frozen=True, slots=True)
class Strip:
    """A drawing, ready to place: two paths of dots, the median's height, where timing begins, and the axis' words."""

    warm_up: str
    timed: str
    median_y: float
    timing_x: float | None
    least: str
    middle: str
    most: str
    inferences: int
    warm_up_inferences: int
    beyond: bool
    thinned: bool


def strip_of(measurement: Measurement, limit: int) -> Strip | None:
    """Draw the samples of a cell with at most about `limit` marks; None where there is no sample."""
    if measurement.sample is None:
        return None
    timed = measurement.sample.wall_seconds
    warm = measurement.warm_up.wall_seconds if measurement.warm_up else ()
    everything = (*warm, *timed)
    x = Scale(0, max(len(everything) - 1, 1), 6, WIDTH - 6)
    # The first inference can take twice as long: the scale is that of the timed ones, or they would lie in one line.
    y = Scale(min(timed), max(timed), HEIGHT - _BOTTOM, _TOP)
    kept = thin(everything, limit)
    return Strip(
        warm_up=dots([(x(i), y(everything[i])) for i in kept if i < len(warm)]),
        timed=dots([(x(i), y(everything[i])) for i in kept if i >= len(warm)]),
        median_y=round(y(median(timed)), 1),
        timing_x=round(x(len(warm) - 0.5), 1) if warm else None,
        least=numbers.seconds(min(timed)),
        middle=numbers.seconds(median(timed)),
        most=numbers.seconds(max(timed)),
        inferences=len(timed),
        warm_up_inferences=len(warm),
        beyond=any(not y.low <= seconds <= y.high for seconds in warm),
        thinned=len(kept) < len(everything),
    )


def thin(values: Sequence[float], limit: int) -> tuple[int, ...]:
    """Return the places to keep, in order: all, or of every stretch the least and the most."""
    if len(values) <= limit:
        return tuple(range(len(values)))
    stretches = max(limit // 2, 1)
    bounds = [len(values) * i // stretches for i in range(stretches + 1)]
    kept: set[int] = set()
    for start, stop in pairwise(bounds):
        kept.add(min(range(start, stop), key=values.__getitem__))
        kept.add(max(range(start, stop), key=values.__getitem__))
    return tuple(sorted(kept))
