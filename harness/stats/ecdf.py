"""How values are spread: the share of them at or below each, with a band around it, and where their median lies. Pure.

Both intervals ask nothing of the shape of the distribution, and both ask that the values are independent: whoever
shows them says of what they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.stats.estimates import Estimate, median

FEWEST = 6
"""Values below which no two of them bound the median at 95 %: the least and the greatest of five do at 93.75 %."""


@dataclass(frozen=True, slots=True)
class Step:
    """At `value` the share of values at or below it becomes `share`; the true share is in [low, high]."""

    value: float
    share: float
    low: float
    high: float


def ecdf(values: Sequence[float], error_rate: float = 0.05) -> tuple[Step, ...]:
    """Return the steps of the empirical distribution function, one a distinct value, with a band for the whole curve.

    With probability 1 − error_rate the band holds the true curve everywhere: Dvoretzky, Kiefer & Wolfowitz (1956) with
    the constant of Massart (1990).
    """
    half = band_half_width(len(values), error_rate)
    ordered = sorted(_finite(values))
    steps = []
    for place, value in enumerate(ordered, 1):
        if place == len(ordered) or ordered[place] != value:
            share = place / len(ordered)
            steps.append(Step(value, share, max(share - half, 0.0), min(share + half, 1.0)))
    return tuple(steps)


def band_half_width(count: int, error_rate: float = 0.05) -> float:
    """Return √(ln(2/α) / 2n): how far the curve of `count` values may be from the true one, anywhere."""
    if count < 1:
        raise ValueError("no values have no distribution")
    if not 0 < error_rate < 1:
        raise ValueError(f"an error rate lies between 0 and 1, not at {error_rate}")
    return math.sqrt(math.log(2 / error_rate) / (2 * count))


def median_interval(values: Sequence[float], error_rate: float = 0.05) -> Estimate | None:
    """Return the median between two of the values that bound it; None where there are too few for that.

    The k-th least and the k-th greatest of n values hold the true median unless fewer than k lie on one side of it:
    with probability 1 − 2·P(B < k), B binomial over n and a half. The greatest such k is taken. (David & Nagaraja,
    Order Statistics, §7.1.)
    """
    ordered = sorted(_finite(values))
    outside, rank = 0.0, 0
    for fewer in range(len(ordered) // 2):
        outside += 2 * math.comb(len(ordered), fewer) / 2 ** len(ordered)
        if outside > error_rate:
            break
        rank = fewer + 1
    return None if rank == 0 else Estimate(median(ordered), ordered[rank - 1], ordered[-rank])


def _finite(values: Sequence[float]) -> Sequence[float]:
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f"{value} has no place among the values")
    return values
