"""A change as somebody published it: two numbers, and what their difference was said to be. Checks that they agree.

Owns the arithmetic of a claim's own numbers. What was measured is no business of this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

FLOORS = {"fp16": 0.5, "bf16": 0.5, "int8": 0.25, "int4": 0.125}
"""The share of fp32's bytes that the weights alone take in so many bits, by how the precision's name begins."""

_SLACK = 0.01
"""A hundredth below the floor is rounding."""


@dataclass(frozen=True, slots=True)
class Said:
    """`before` became `after`, which was called a reduction by `per_cent`, or `times` as little."""

    before: float
    after: float
    unit: str = ""
    per_cent: float | None = None
    times: float | None = None

    def __post_init__(self) -> None:
        if not (self.before > 0 and self.after > 0):
            raise ValueError(f"a published change is between numbers above zero, not {self.before} and {self.after}")

    @property
    def ratio(self) -> float:
        """After ÷ before."""
        return self.after / self.before

    @property
    def ratio_range(self) -> tuple[float, float]:
        """What the ratio may have been before its two numbers were rounded to the digits that were published."""
        return _range(self.after, self.before)

    @property
    def times_range(self) -> tuple[float, float]:
        """The same, as before ÷ after."""
        return _range(self.before, self.after)

    @property
    def disagreement(self) -> str | None:
        """How the two numbers contradict what was said of them; None where rounding explains the difference."""
        low, high = self.ratio_range
        words = f"{_shown(self.before, self.unit)} to {_shown(self.after, self.unit)} is"
        if self.per_cent is not None and not _meet(self.per_cent, 100 * (1 - high), 100 * (1 - low)):
            return f"{words} {100 * (1 - self.ratio):.1f} % less, not {self.per_cent:g} %"
        if self.times is not None and not _meet(self.times, *self.times_range):
            return f"{words} {1 / self.ratio:.3g} times as little, not {self.times:g} times"
        return None


def floor_of(precision: str) -> float | None:
    """The share of fp32's bytes below which no weights of this precision can go; None where none is known."""
    return next((share for begins, share in FLOORS.items() if precision.startswith(begins)), None)


def implausible(ratio: float, precision: str) -> str | None:
    """Why a size, as a share of fp32's, is too small to be explained by the bits of its weights."""
    floor = floor_of(precision)
    if floor is None or ratio >= floor * (1 - _SLACK):
        return None
    return f"{ratio:.3g} is more than {32 * floor:.0f}-bit weights can explain, which leave {floor:g} at the least"


def _range(over: float, under: float) -> tuple[float, float]:
    least = max(under - _half_a_digit(under), under / 2)
    return max(over - _half_a_digit(over), 0.0) / (under + _half_a_digit(under)), (over + _half_a_digit(over)) / least


def _half_a_digit(value: float) -> float:
    """Half a unit of the last digit that a number was written with: 5.2 stands for 5.15 to 5.25."""
    if float(value).is_integer():
        return 0.5
    exponent = Decimal(repr(value)).as_tuple().exponent
    assert isinstance(exponent, int)
    return 0.5 * 10.0**exponent


def _meet(said: float, low: float, high: float) -> bool:
    """Whether what was said, as far as it was rounded, can be the same as what follows from the numbers."""
    half = _half_a_digit(said)
    return said - half <= high and said + half >= low


def _shown(value: float, unit: str) -> str:
    return f"{value:,g} {unit}".rstrip() if value < 1e6 else f"{value:,.0f} {unit}".rstrip()
