"""The shape that stands for a precision in a plot: outlines of equal area, so that only memory makes one larger.

Pure. Owns which precision has which shape, on the whole page the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.cells import PRECISIONS


@dataclass(frozen=True, slots=True)
class Shape:
    """An outline around nought, with the area of a circle whose radius is 1: a word for it, and a path."""

    name: str
    path: str
    reach: float


def _outline(name: str, points: Sequence[tuple[float, float]]) -> Shape:
    """Scale a polygon to an area of π (by the formula of Gauss)."""
    turned = [*points[1:], points[0]]
    area = abs(sum(x * b - a * y for (x, y), (a, b) in zip(points, turned, strict=True))) / 2
    scale = math.sqrt(math.pi / area)
    corners = [(x * scale, y * scale) for x, y in points]
    path = "M" + "L".join(f"{x:.3f} {y:.3f}" for x, y in corners) + "Z"
    return Shape(name, path, max(math.hypot(x, y) for x, y in corners))


def _regular(name: str, corners: int, turn: float = 0.0, inner: float | None = None) -> Shape:
    """A regular polygon with its first corner on top, turned by so much of a circle; a star with an inner radius."""
    count = corners if inner is None else 2 * corners
    points = []
    for number in range(count):
        angle = 2 * math.pi * (number / count + turn) - math.pi / 2
        radius = 1.0 if inner is None or number % 2 == 0 else inner
        points.append((radius * math.cos(angle), radius * math.sin(angle)))
    return _outline(name, points)


_THIN = 0.36
_CROSS = (
    *((-_THIN, -1), (_THIN, -1), (_THIN, -_THIN), (1, -_THIN), (1, _THIN), (_THIN, _THIN)),
    *((_THIN, 1), (-_THIN, 1), (-_THIN, _THIN), (-1, _THIN), (-1, -_THIN), (-_THIN, -_THIN)),
)
SHAPES = (
    Shape("circle", "M-1 0A1 1 0 1 1 1 0A1 1 0 1 1 -1 0Z", 1.0),
    _regular("square", 4, turn=1 / 8),
    _regular("diamond", 4),
    _regular("triangle", 3),
    _regular("wedge", 3, turn=1 / 2),
    _outline("cross", _CROSS),
    _regular("star", 5, inner=0.45),
    _regular("hexagon", 6),
    _regular("arrow", 3, turn=1 / 4),
    _regular("flag", 3, turn=3 / 4),
)


def shapes_of(precisions: Iterable[str]) -> Mapping[str, Shape]:
    """Give each precision its shape: known ones always the same, others what is left, in their order."""
    asked = tuple(dict.fromkeys(precisions))
    ordered = (*PRECISIONS, *(one for one in asked if one not in PRECISIONS))
    given = {one: SHAPES[place % len(SHAPES)] for place, one in enumerate(ordered)}
    return {one: given[one] for one in asked}
