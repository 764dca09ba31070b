"""Shares of examples, and how two sides' shares of the same examples differ: Wilson, McNemar and Tango.

Pure. What differs between two sides is counted in examples: those of which only the old side says yes, and only the
new. Wald's interval and the percentile bootstrap are not here: on 100 examples they are wrong several times too often.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist


def normal_quantile(probability: float) -> float:
    """Return the quantile of the normal distribution."""
    if not 0 < probability < 1:
        raise ValueError(f"a probability lies between 0 and 1, not at {probability}")
    return NormalDist().inv_cdf(probability)


def wilson(yes: int, examples: int, error_rate: float) -> tuple[float, float]:
    """Return the two-sided score interval of a share (Wilson 1927)."""
    if not 0 <= yes <= examples or not examples:
        raise ValueError(f"{yes} of {examples} examples are no share")
    z = normal_quantile(1 - error_rate / 2)
    share, more = yes / examples, z * z / examples
    centre = share + more / 2
    half = z * math.sqrt(share * (1 - share) / examples + more / (4 * examples))
    # The ends are exact where they are known: rounding would leave 1 − 1e-16.
    low = 0.0 if yes == 0 else (centre - half) / (1 + more)
    high = 1.0 if yes == examples else (centre + half) / (1 + more)
    return low, high


def mcnemar(only_old: int, only_new: int) -> float:
    """Return the exact one-sided p of "new is worse" (McNemar 1947, by the binomial distribution).

    `only_old` examples are right on the old side only. Where the sides are alike, each differing example is as likely
    to be one as the other; p is the chance of so many or more.
    """
    if only_old < 0 or only_new < 0:
        raise ValueError(f"{only_old} and {only_new} count no examples")
    differing = only_old + only_new
    ways = math.comb(differing, only_old)
    at_least = ways
    for count in range(only_old, differing):
        ways = ways * (differing - count) // (count + 1)
        at_least += ways
    return at_least / (1 << differing)


@lru_cache(maxsize=4096)
def tango(only_old: int, only_new: int, examples: int, error_rate: float) -> tuple[float, float]:
    """Return the two-sided score interval of new − old, shares of the same examples (Tango 1998, Stat Med 17:891).

    It holds every difference that the score test does not reject; what is unknown besides (the share of examples that
    only the new side has) is what is likeliest at that difference.
    """
    if min(only_old, only_new) < 0 or only_old + only_new > examples or not examples:
        raise ValueError(f"{only_old} and {only_new} of {examples} examples are no shares")
    z = normal_quantile(1 - error_rate / 2)
    centre = (only_new - only_old) / examples

    def score(difference: float) -> float:
        return _score(only_new, only_old, examples, difference)

    low = -1.0 if score(-1.0) <= z else _where(lambda at: score(at) <= z, -1.0, centre)
    high = 1.0 if score(1.0) >= -z else _where(lambda at: score(at) < -z, centre, 1.0)
    return low, high


def _score(b: int, c: int, n: int, difference: float) -> float:
    """Return how many standard errors (b − c)/n lies above a difference of two shares; infinite where it cannot be."""
    gap = b - c - n * difference
    linear = (2 * n - b + c) * difference - b - c
    product = c * difference * (1 - difference)
    fewer = (math.sqrt(max(linear * linear + 8 * n * product, 0.0)) - linear) / (4 * n)
    variance = n * (2 * fewer + difference * (1 - difference))
    if variance > 1e-12 * n:
        return gap / math.sqrt(variance)
    return math.copysign(math.inf, gap) if abs(gap) > 1e-9 * n else 0.0


def _where(reached: Callable[[float], bool], low: float, high: float) -> float:
    """Return the first point between `low` (not reached) and `high` (reached), by halving."""
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
