"""Estimates from a list of numbers: centres, percentiles that the sample supports, intervals by Student's t.

Owns the definitions. Refuses too few values, NaN, and logarithms of nothing; knows no clock, file or metric.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and the interval it is believed to be in."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(number) for number in (self.value, self.low, self.high)):
            raise ValueError(f"an estimate must be finite, got {self.value} in [{self.low}, {self.high}]")
        if not self.low <= self.value <= self.high:
            raise ValueError(f"the value {self.value} lies outside its interval [{self.low}, {self.high}]")


def median(values: Sequence[float]) -> float:
    """Return the middle value, or the mean of the two in the middle."""
    return percentile(values, 0.5)


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean."""
    return _mean(_checked(values))


def trimmed_mean(values: Sequence[float], trim: float = 0.2) -> float:
    """Return the mean of what is left after the share `trim`, rounded down, is cut off at either end."""
    if not 0 <= trim < 0.5:
        raise ValueError(f"a share of 0 up to 0.5 can be cut off at either end, not {trim}")
    ordered = sorted(_checked(values))
    # Nudged, because 0.2 × 15 is 3 and must not become 2.999….
    cut = int(trim * len(ordered) + 1e-9)
    return _mean(ordered[cut : len(ordered) - cut])


def percentile(values: Sequence[float], quantile: float) -> float:
    """Return the quantile (0 to 1) by linear interpolation: rank 1 + (n - 1)·q of the ordered values.

    Definition 7 of Hyndman & Fan (1996), which is also numpy's default. Ask `percentile_supported` before showing it.
    """
    if not 0 <= quantile <= 1:
        raise ValueError(f"a quantile lies between 0 and 1, not at {quantile}")
    ordered = sorted(_checked(values))
    rank = (len(ordered) - 1) * quantile
    below = math.floor(rank)
    above = min(below + 1, len(ordered) - 1)
    share = rank - below
    return ordered[below] + share * (ordered[above] - ordered[below]) if share else ordered[below]


def support_needed(quantile: float, confidence: float = 0.99) -> int:
    """Return how many samples a percentile needs before it may be shown.

    A percentile is supported when the sample bounds it, whatever the distribution, by an order statistic that is not
    the extreme itself (one outlier must not decide). The second-largest of n values exceeds the true q-quantile unless
    at most one value does: with probability 1 - [qⁿ + n·qⁿ⁻¹·(1 - q)]. That must reach the confidence on the side with
    the fewer values. (David & Nagaraja, Order Statistics, §7.1.)
    """
    if not 0 < quantile < 1:
        raise ValueError(f"a percentile that can be supported lies between 0 and 1, not at {quantile}")
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not at {confidence}")
    inner = max(quantile, 1 - quantile)
    low, high = 1, 2
    while not _bounded(inner, high, confidence):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _bounded(inner, middle, confidence) else (middle, high)
    return high


def percentile_supported(quantile: float, count: int, confidence: float = 0.99) -> bool:
    """Return whether `count` samples are enough to show the percentile; see `support_needed`."""
    return count >= support_needed(quantile, confidence)


def _bounded(inner: float, count: int, confidence: float) -> bool:
    """Return whether an order statistic short of the extreme bounds the quantile at this confidence."""
    at_most_one = math.exp((count - 1) * math.log(inner)) * (inner + count * (1 - inner))
    return at_most_one <= 1 - confidence


def geometric_mean(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Return the geometric mean with its two-sided t interval, made on the logarithms.

    The values must be independent: inferences of one process are not, means of several processes are.
    """
    logs = _logs(values)
    centre, half = _mean(logs), _half_width(logs, confidence)
    return Estimate(math.exp(centre), math.exp(centre - half), math.exp(centre + half))


def relative_half_width(values: Sequence[float], confidence: float = 0.95) -> float:
    """Return how far off the geometric mean may be, as a share of it: exp(half width of the mean log) - 1."""
    return math.expm1(_half_width(_logs(values), confidence))


def t_quantile(probability: float, freedom: float) -> float:
    """Return the quantile of Student's t distribution, exact to about twelve digits."""
    if not 0 < probability < 1:
        raise ValueError(f"a probability lies between 0 and 1, not at {probability}")
    if not (math.isfinite(freedom) and freedom > 0):
        raise ValueError(f"degrees of freedom must be above zero, not {freedom}")
    if probability == 0.5:
        return 0.0
    tail = _positive_t(min(probability, 1 - probability), float(freedom))
    return tail if probability > 0.5 else -tail


@lru_cache(maxsize=256)
def _positive_t(tail: float, freedom: float) -> float:
    """Return the t above which a share `tail` (below a half) of the distribution lies, by halving an interval."""
    low, high = 0.0, 1.0
    while _t_tail(high, freedom) > tail:
        low, high = high, high * 2
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if _t_tail(middle, freedom) > tail else (low, middle)
    return middle


def _t_tail(t: float, freedom: float) -> float:
    """Return the share of the distribution above a positive t: half of I_x(ν/2, 1/2) at x = ν/(ν + t²)."""
    return _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t), t * t / (freedom + t * t)) / 2


def _incomplete_beta(a: float, b: float, x: float, rest: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b); `rest` is 1 - x without its rounding error."""
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, rest, x)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(rest)
    return math.exp(scale) / a * _beta_fraction(a, b, x)


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Evaluate the continued fraction of DLMF 8.17.22 from the front, by Lentz's method."""
    tiny = 1e-300
    upper, lower = 1.0, 1 - (a + b) * x / (a + 1)
    lower = 1 / (lower if abs(lower) > tiny else tiny)
    value = lower
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        change = 1.0
        for term in (even, odd):
            lower = 1 + term * lower
            lower = 1 / (lower if abs(lower) > tiny else tiny)
            upper = 1 + term / upper
            upper = upper if abs(upper) > tiny else tiny
            change = lower * upper
            value *= change
        if abs(change - 1) < 1e-15:
            return value
    raise ArithmeticError(f"the incomplete beta function did not settle at a={a}, b={b}, x={x}")


def _half_width(values: Sequence[float], confidence: float) -> float:
    """Return the half width of the two-sided t interval of the mean."""
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not at {confidence}")
    centre = _mean(values)
    variance = math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1)
    return t_quantile((1 + confidence) / 2, len(values) - 1) * math.sqrt(variance / len(values))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _checked(values: Sequence[float]) -> Sequence[float]:
    """Refuse what no estimate can be made of."""
    if len(values) < 2:
        raise ValueError(f"an estimate needs two values or more, got {len(values)}")
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f"an estimate cannot be made of {value}")
    return values


def _logs(values: Sequence[float]) -> list[float]:
    """Return the natural logarithms of values that must all be above zero."""
    for value in _checked(values):
        if value <= 0:
            raise ValueError(f"the logarithm of {value} is undefined; every value must be above zero")
    return [math.log(value) for value in values]
