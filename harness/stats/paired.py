"""What a metric of quality is on few examples, and by how much it changed on the same ones: values with intervals.

Pure. Shares get Wilson's and Tango's score intervals, everything else a jackknifed t interval over the examples. Under
three examples there is a value and no interval. Refuses sides of unequal length.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.metrics import Pool
from harness.scores import Terms
from harness.stats.estimates import t_quantile
from harness.stats.jackknife import FEWEST, half_width, without_each
from harness.stats.pooling import pooled, present
from harness.stats.proportions import mcnemar as mcnemar  # noqa: PLC0414 - offered here: callers ask one module
from harness.stats.proportions import normal_quantile, tango, wilson

EXACT_FLIPS = 14
"""Up to so many differences every choice of signs is tried: 16,384."""

RANDOM_FLIPS = 5_000
_SEED = 20_240_229


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value over so many examples and its two-sided interval; the ends are None where no interval can be made."""

    value: float
    low: float | None
    high: float | None
    examples: int

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise ValueError(f"an interval has two ends or none, not {self.low} and {self.high}")
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise ValueError(f"the value {self.value} lies outside its interval [{self.low}, {self.high}]")

    def turned(self) -> Estimate:
        """The same with the other sign."""
        if self.low is None or self.high is None:
            return Estimate(-self.value, None, None, self.examples)
        return Estimate(-self.value, -self.high, -self.low, self.examples)


@dataclass(frozen=True, slots=True)
class Flips:
    """Yes or no of the same examples on two sides: of how many only the old says yes, of how many only the new."""

    only_old: int
    only_new: int
    examples: int


def estimate(pool: Pool, terms: Sequence[Terms | None], error_rate: float = 0.05) -> Estimate | None:
    """The value of a metric with the interval that misses it at the error rate; None where there is no value."""
    value = pooled(pool, terms)
    if value is None:
        return None
    kept = present(pool, terms)
    decided = [one for one in map(_decision(pool), kept) if one is not None] if _is_decided(pool, kept) else []
    if decided:
        # Rounding of the sum must not put the value outside.
        share = sum(decided) / len(decided)
        return _estimate(share, wilson(sum(decided), len(decided), error_rate), len(decided))
    without = without_each(pool, kept) if len(kept) >= FEWEST else None
    if without is None:
        return Estimate(value, None, None, len(kept))
    half = half_width(without, error_rate)
    return Estimate(value, value - half, value + half, len(kept))


def difference(
    pool: Pool, old_terms: Sequence[Terms | None], new_terms: Sequence[Terms | None], error_rate: float = 0.05
) -> Estimate | None:
    """New − old over the examples that have terms on both sides, with the interval that misses it at the error rate."""
    olds, news = both(pool, old_terms, new_terms)
    old, new = pooled(pool, olds), pooled(pool, news)
    if old is None or new is None:
        return None
    seen = flips(pool, olds, news)
    if seen is not None:
        change = (seen.only_new - seen.only_old) / seen.examples
        return _estimate(change, tango(seen.only_old, seen.only_new, seen.examples, error_rate), seen.examples)
    change, examples = new - old, len(olds)
    without = _without(pool, olds, news) if examples >= FEWEST else None
    if without is None:
        return Estimate(change, None, None, examples)
    half = half_width(without, error_rate, _unseen(pool, olds, news, without))
    return Estimate(change, change - half, change + half, examples)


def both(
    pool: Pool, old_terms: Sequence[Terms | None], new_terms: Sequence[Terms | None]
) -> tuple[list[Terms], list[Terms]]:
    """The terms of the examples that have some on both sides."""
    if len(old_terms) != len(new_terms):
        raise ValueError(f"{len(old_terms)} and {len(new_terms)} examples are not the same ones")
    pairs = [(old, new) for old, new in zip(old_terms, new_terms, strict=True) if old is not None and new is not None]
    return present(pool, [old for old, _ in pairs]), present(pool, [new for _, new in pairs])


def flips(pool: Pool, olds: Sequence[Terms], news: Sequence[Terms]) -> Flips | None:
    """How many decisions changed either way; None where the metric is no share of the same examples on both sides."""
    if not (_is_decided(pool, olds) and _is_decided(pool, news)):
        return None
    one = _decision(pool)
    sides = [(one(old), one(new), times) for (old, new), times in Counter(zip(olds, news, strict=True)).items()]
    if any((old is None) != (new is None) for old, new, _ in sides):
        return None
    told = [(old, new, times) for old, new, times in sides if old is not None and new is not None]
    if not told:
        return None
    only_old = sum(times for old, new, times in told if old > new)
    only_new = sum(times for old, new, times in told if new > old)
    return Flips(only_old, only_new, sum(times for _, _, times in told))


def sign_flip(differences: Sequence[float], seed: int = _SEED) -> float:
    """The one-sided p of "above zero": how often so great a sum or a greater comes of signs thrown at random.

    Exact where few values differ from zero; else of seeded throws, counting the one that was seen.
    """
    if not all(math.isfinite(one) for one in differences):
        raise ValueError("a difference that is not finite is no measurement")
    sizes = [abs(one) for one in differences if one]
    seen = math.fsum(differences)
    # Sums of the same numbers in another order differ in the last digit.
    least = seen - 1e-9 * math.fsum(sizes)
    if len(sizes) <= EXACT_FLIPS:
        return sum(thrown >= least for thrown in _all_signs(sizes)) / (1 << len(sizes))
    chance = random.Random(seed)  # noqa: S311 - throws signs, keeps no secret
    count = 0
    for _ in range(RANDOM_FLIPS):
        bits = chance.getrandbits(len(sizes))
        count += sum(size if bits >> at & 1 else -size for at, size in enumerate(sizes)) >= least
    return (count + 1) / (RANDOM_FLIPS + 1)


def examples_needed(variance: float, margin: float, rate: float = 0.01, power: float = 0.9) -> int:
    """How many examples tell a loss of the margin from none: (z₁ + z₂)²·variance / margin², each side wrong at `rate`.

    The variance is of one example's difference: of decisions, the share ψ that differs (13·ψ/Δ² at one per cent and
    nine in ten).
    """
    if not (margin > 0 and variance >= 0):
        raise ValueError(f"no number of examples tells a margin of {margin} at a variance of {variance}")
    reach = normal_quantile(1 - rate) + normal_quantile(power)
    return math.ceil(reach**2 * variance / margin**2)


def decisions_needed(differing: float, margin: float, rate: float = 0.01) -> int:
    """The same for decisions of which a share differs: never fewer than show the margin where none differs at all.

    With no difference among n, Tango's interval ends at z²/(n + z²).
    """
    z = normal_quantile(1 - rate)
    return max(examples_needed(differing, margin, rate), math.ceil(z * z * (1 - margin) / margin))


def variance_of(change: Estimate, error_rate: float) -> float:
    """The variance of one example's difference, of which `difference` made this interval at this error rate."""
    if change.low is None or change.high is None:
        raise ValueError("without an interval no variance is known")
    half = (change.high - change.low) / 2
    return change.examples * (half / t_quantile(1 - error_rate / 2, change.examples - 1)) ** 2


def _estimate(value: float, ends: tuple[float, float], examples: int) -> Estimate:
    """An estimate from a score interval; under three examples it has none."""
    if examples < FEWEST:
        return Estimate(value, None, None, examples)
    low, high = ends
    # The halving stops next to the value where the interval is nearly nothing on one side.
    return Estimate(value, min(low, value), max(high, value), examples)


def _decision(pool: Pool) -> Callable[[Terms], int | None]:
    """How one example decides: 1, 0, or not at all (nothing of it is counted)."""
    if pool is Pool.SHARE:
        return lambda terms: int(terms[0])
    return lambda terms: int(terms[0]) if terms[1] else None


def _is_decided(pool: Pool, terms: Sequence[Terms]) -> bool:
    """Whether every example says yes, no or nothing, so that the value is a share of examples."""
    if pool is Pool.RATIO:
        return all(one in ((0, 0), (0, 1), (1, 1)) for one in terms)
    return pool is Pool.SHARE


def _without(pool: Pool, olds: Sequence[Terms], news: Sequence[Terms]) -> list[float] | None:
    """The difference without each example."""
    if olds == news:
        return [0.0] * len(olds) if without_each(pool, olds) is not None else None
    old, new = without_each(pool, olds), without_each(pool, news)
    if old is None or new is None:
        return None
    return [now - before for before, now in zip(old, new, strict=True)]


def _unseen(pool: Pool, olds: Sequence[Terms], news: Sequence[Terms], without: Sequence[float]) -> float:
    """By how much one more example could move a pseudo-value, where what was seen does not tell.

    Ratios of decisions (precision, F1) change by whole examples, few of which are seen to. An order that no example
    broke says nothing of how often one would. What is a number an example tells by its own spread.
    """
    if pool is Pool.RATIO and all(_is_whole(one) for one in (*olds, *news)):
        return max(len(side) / sum(1 for _, counted in side if counted) for side in (olds, news))
    if pool is Pool.RANKED and max(without) == min(without) and olds != news:
        positives = sum(1 for _, label in news if label)
        return len(news) / min(positives, len(news) - positives)
    return 0.0


def _is_whole(terms: Terms) -> bool:
    """Whether a ratio's terms are of one decision: all of it or nothing (F1 counts what is rightly found twice)."""
    share, counted = terms
    return counted in (0, 1, 2) and share in (0, counted)


def _all_signs(sizes: Sequence[float]) -> list[float]:
    """The sum under every choice of signs."""
    found = [0.0]
    for size in sizes:
        found = [one + size for one in found] + [one - size for one in found]
    return found
