"""Reads the drawings back: where the marks of a path are, and what a place on an axis means."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.render.page.drawing import WIDTH, Tick

_SECONDS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}


def dots(path: str) -> list[tuple[float, float]]:
    """The dots of a path whose marks follow one another, each from the one before."""
    assert re.fullmatch(r"(m-?\d+( |(?=-))-?\d+h0)*", path), path
    at, found = (0, 0), []
    for x, y in re.findall(r"m(-?\d+) ?(-?\d+)h0", path):
        at = (at[0] + int(x), at[1] + int(y))
        found.append((float(at[0]), float(at[1])))
    return found


def steps(path: str) -> list[tuple[float, float]]:
    """The corners of a path of horizontal and vertical lines, from where it begins."""
    x, y = map(float, re.match(r"M([\d.]+) ([\d.]+)", path).groups())  # type: ignore[union-attr]
    found = [(x, y)]
    for way, length in re.findall(r"([hv])(-?\d+)", path):
        x, y = (x + float(length), y) if way == "h" else (x, y + float(length))
        found.append((x, y))
    return found


def seconds(text: str) -> float:
    """A time as it is written, in seconds."""
    number, unit = text.split(" ")
    return float(number) * _SECONDS[unit]


def time_at(ticks: Sequence[Tick], x: float) -> float:
    """The time at a place, by the words of the axis."""
    (x0, v0), (x1, v1) = [(float(t.place.rstrip("%")) / 100 * WIDTH, seconds(t.text)) for t in (ticks[0], ticks[-1])]
    return v0 + (x - x0) / (x1 - x0) * (v1 - v0)
