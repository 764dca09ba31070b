"""How numbers are kept: as few digits as say everything, so that a file is small and the same every time."""

from __future__ import annotations

from collections.abc import Sequence

DIGITS = 6
"""Significant digits of a number that is not whole: a millionth, far below any noise. Whole numbers keep all."""

_EXACT_BELOW = 2.0**53


def rounded(number: float) -> int | float:
    """Return what is written for a number; of what was written, the same again."""
    if float(number).is_integer() and abs(number) < _EXACT_BELOW:
        return int(number)
    short = float(f"{number:.{DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < _EXACT_BELOW else short


def thinned(values: Sequence[float], most: int) -> tuple[float, ...]:
    """At most so many of the values, evenly spread from the first to the last."""
    if len(values) <= most:
        return tuple(values)
    return tuple(values[index * (len(values) - 1) // (most - 1)] for index in range(most))
