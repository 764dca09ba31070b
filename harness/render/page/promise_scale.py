"""Where the marks of a promise go: what was asked in the middle, what was found to its right where it is kept. Pure.

Owns the two scales. Of ratios, times and sizes it is logarithmic in value ÷ target; of losses of quality, which may be
nought and less, it is linear in shares of what may be lost. On both, better is to the right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from harness.comparisons import Judged
from harness.render.changes import finite

WIDTH, HEIGHT = 168.0, 22.0

_EDGE = 8.0
_CENTRE, _MIDDLE = WIDTH / 2, HEIGHT / 2
_REACH = _CENTRE - _EDGE
_FACTORS = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0)
_SHARES = (1.0, 2.0, 3.0, 5.0, 10.0, 30.0)
_INSIDE = 0.9
"""How many of the ends must lie on the axis; what lies beyond it ends in an arrow."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale that rows share: how far it reaches to either side, and the words at its ends and its middle."""

    is_linear: bool
    reach: float
    left: str
    middle: str
    right: str


@dataclass(frozen=True, slots=True)
class Marks:
    """The drawing of one promise: paths of a claimed range, of the interval, and of the point or the arrow."""

    claimed: str
    whisker: str
    point: str
    arrow: str


def axis_of(judged: Iterable[Judged], *, is_linear: bool) -> Axis | None:
    """Choose the scale of these promises; None where none of them can be placed."""
    ends = [abs(end) for one in judged for end in (_log(one, one.value), _share(one, one.value))[is_linear] or ()]
    if not ends:
        return None
    ordered = sorted(ends)
    needed = ordered[math.ceil(len(ordered) * _INSIDE) - 1]
    if is_linear:
        reach = next((one for one in _SHARES if one >= needed), _SHARES[-1])
        return Axis(True, reach, f"{reach + 1:g}× as much", "allowed", "nothing" if reach == 1 else "gained")
    factor = next((one for one in _FACTORS if math.log(one) >= needed), _FACTORS[-1])
    return Axis(False, math.log(factor), f"{factor:g}× worse", "as asked", f"{factor:g}× better")


def marks_of(judged: Judged, axis: Axis | None) -> Marks | None:
    """Place a promise; None where it has no number, or which side of its target is better is not known."""
    if axis is None:
        return None
    place = _share if axis.is_linear else _log
    centre = place(judged, judged.value)
    if not centre:
        return None
    (at,) = centre
    ends = sorted(end for bound in (judged.low, judged.high) for end in place(judged, bound) or ())
    best = None if axis.is_linear else place(judged, judged.best)
    is_beyond = abs(at) > axis.reach
    x = _x(at, axis)
    return Marks(
        claimed=_box(_x(best[0], axis)) if best else "",
        whisker=f"M{_x(ends[0], axis):.1f} {_MIDDLE:g}H{_x(ends[-1], axis):.1f}" if len(ends) == 2 else "",
        point="" if is_beyond else f"M{x:.1f} {_MIDDLE:g}h0",
        arrow=_arrow(x, to_the_right=at > 0) if is_beyond else "",
    )


def _x(place: float, axis: Axis) -> float:
    return _CENTRE + max(-1.0, min(1.0, place / axis.reach)) * _REACH


def _box(end: float) -> str:
    """What was claimed from the target to its good end."""
    return f"M{_CENTRE:g} {_MIDDLE - 6:g}H{end:.1f}v12H{_CENTRE:g}z"


def _arrow(x: float, *, to_the_right: bool) -> str:
    tip = 6.0 if to_the_right else -6.0
    return f"M{x:.1f} {_MIDDLE - 5:g}l{tip:g} 5l{-tip:g} 5z"


def _log(judged: Judged, value: float | None) -> tuple[float, ...]:
    """How much better than asked on the scale of ratios, in ln; nothing where that is not known."""
    value, target = finite(value), finite(judged.target)
    if value is None or target is None or judged.is_floor is None or value <= 0 or target <= 0:
        return ()
    better = math.log(value / target)
    return (better if judged.is_floor else -better,)


def _share(judged: Judged, lost: float | None) -> tuple[float, ...]:
    """How much of what may be lost is left; nothing where that is not known."""
    lost, target = finite(lost), finite(judged.target)
    return () if lost is None or target is None or target <= 0 else (1 - lost / target,)
