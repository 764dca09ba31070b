"""What the drawings share: a straight scale, paths of dots and steps, round words along an axis. Pure geometry.

Paths are written in whole pixels of a drawing `WIDTH` wide, each mark relative to the one before: a page has many.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH = 640.0

_LEAST_TICK, _MOST_TICK = 0.07, 0.93
_MOST_TICKS = 5
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight line from values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the pixel of a value, at the edge for one beyond it; the middle where all values are the same."""
        if self.high == self.low:
            return (self.start + self.end) / 2
        inside = min(max(value, self.low), self.high)
        return self.start + (inside - self.low) / (self.high - self.low) * (self.end - self.start)


@dataclass(frozen=True, slots=True)
class Tick:
    """A word beneath the drawing, and where, in per cent of the width."""

    place: str
    text: str


def place(at: float) -> str:
    """Write where a pixel is, for words that are not stretched with the drawing."""
    return f"{at / WIDTH * 100:.2f}%"


def is_inside(at: float) -> bool:
    """Whether a word centred on a pixel stays within the drawing."""
    return _LEAST_TICK <= at / WIDTH <= _MOST_TICK


def dots(points: Iterable[tuple[float, float]]) -> str:
    """Return a path of lines without length: with round caps each is a dot, and all of them are one element."""
    path, before = [], (0, 0)
    for x, y in points:
        at = (round(x), round(y))
        path.append(f"m{at[0] - before[0]} {at[1] - before[1]}h0")
        before = at
    return "".join(path).replace(" -", "-")


def corners(points: Iterable[tuple[float, float]]) -> str:
    """Return a path along corners that lie beside or above one another; what does not turn is one line."""
    at: tuple[int, int] | None = None
    start, moves = "", list[tuple[str, int]]()
    for x, y in points:
        to = (round(x), round(y))
        if at is None:
            start = f"M{to[0]} {to[1]}"
        else:
            for way, length in (("h", to[0] - at[0]), ("v", to[1] - at[1])):
                if length and moves and moves[-1][0] == way:
                    moves[-1] = (way, moves[-1][1] + length)
                elif length:
                    moves.append((way, length))
        at = to
    return start + "".join(f"{way}{length}" for way, length in moves)


def bar(low: float, centre: float, high: float, y: float, cap: float = 4.0) -> str:
    """Return an interval as a line with caps, and a longer stroke through it where the value is."""
    ends = "".join(f"M{x:.0f} {y - cap:.0f}v{2 * cap:.0f}" for x in (low, high))
    return f"M{low:.0f} {y:.0f}H{high:.0f}{ends}M{centre:.0f} {y - cap - 2:.0f}v{2 * cap + 4:.0f}"


def time_ticks(x: Scale) -> tuple[Tick, ...]:
    """Return a few round times along the axis, in one unit."""
    size, unit = next((step for step in _UNITS if max(abs(x.low), abs(x.high)) >= step[0]), _UNITS[-1])
    step = _round_step((x.high - x.low) / size)
    if step is None:
        return ()
    decimals = max(-math.floor(math.log10(step) + 1e-9), 0)
    numbers = range(math.ceil(x.low / size / step), math.floor(x.high / size / step) + 1)
    places = ((x(number * step * size), f"{number * step:.{decimals}f} {unit}") for number in numbers)
    return tuple(Tick(place(at), text) for at, text in places if is_inside(at))


def every(values: Sequence[int], most: int) -> tuple[int, ...]:
    """Return at most so many of the values, evenly, with the first and the last."""
    if len(values) <= most:
        return tuple(values)
    return tuple(values[round(number * (len(values) - 1) / (most - 1))] for number in range(most))


def _round_step(span: float) -> float | None:
    """Return the smallest step of 1, 2 or 5 in some power of ten that goes into the span only a few times."""
    if not span > 0:
        return None
    power = 10.0 ** math.floor(math.log10(span / _MOST_TICKS))
    return next(step * power for step in (1, 2, 5, 10) if span / (step * power) <= _MOST_TICKS)
