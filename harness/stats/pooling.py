"""How the terms of single examples make the value of a metric: one definition a pool, and what one example adds to it.

Pure. Owns the formulas of the values; computes no terms (that is `harness.quality`) and no interval (`jackknife`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from typing import assert_never

from harness.metrics import Pool
from harness.scores import Terms

BINS = 10
"""Of equal width, by which probabilities are put together to see how far they lie from what happened."""

WORD_ORDERS = 4
"""BLEU counts n-grams of one to so many words."""

CHRF_ORDERS = 8
"""chrF++ counts n-grams of one to six characters, then of one and two words."""

CHRF_BETA = 2
"""By how much recall weighs more than precision in chrF++."""

SUMMED = frozenset({Pool.MEAN, Pool.SHARE, Pool.RATIO, Pool.CALIBRATED, Pool.BLEU, Pool.CHRF})
"""Pools whose value is a function of sums over the examples; see `parts` and `of_sums`."""

_TERMS = {
    Pool.MEAN: 1,
    Pool.SHARE: 1,
    Pool.RATIO: 2,
    Pool.GREATEST: 1,
    Pool.RANKED: 2,
    Pool.CALIBRATED: 2,
    Pool.BLEU: 2 + 2 * WORD_ORDERS,
    Pool.CHRF: 3 * CHRF_ORDERS,
}


def pooled(pool: Pool, terms: Sequence[Terms | None]) -> float | None:
    """The value of a metric; None where no example has one, or nothing is there to be divided by."""
    kept = present(pool, terms)
    if not kept:
        return None
    match pool:
        case Pool.GREATEST:
            return max(term for (term,) in kept)
        case Pool.RANKED:
            return area(kept)
        case Pool.MEAN | Pool.SHARE | Pool.RATIO | Pool.CALIBRATED | Pool.BLEU | Pool.CHRF:
            return of_sums(pool, sums(pool, kept))
        case _:
            assert_never(pool)


def present(pool: Pool, terms: Sequence[Terms | None]) -> list[Terms]:
    """The terms of the examples that have some; refuses terms that this pool cannot be made of."""
    kept = [one for one in terms if one is not None]
    if not _are_fine(pool, kept):
        for one in kept:
            check(pool, one)
    return kept


def _are_fine(pool: Pool, kept: Sequence[Terms]) -> bool:
    """Whether `check` need not look at each: all of them at once, as a page of a thousand cells compares millions."""
    if pool not in (Pool.MEAN, Pool.SHARE) or set(map(len, kept)) != {1}:
        return False
    numbers = set(chain.from_iterable(kept))
    return numbers <= {0, 1} if pool is Pool.SHARE else all(map(math.isfinite, numbers))


def check(pool: Pool, terms: Terms) -> None:
    """Refuse terms of one example that the pool cannot be made of."""
    if len(terms) != _TERMS[pool]:
        raise ValueError(f"an example adds {_TERMS[pool]} numbers to a {pool} metric, not {len(terms)}")
    if not all(math.isfinite(term) for term in terms):
        raise ValueError(f"{terms} are no terms of a {pool} metric: each must be finite")
    label = terms[0] if pool is Pool.SHARE else terms[1] if pool in (Pool.RANKED, Pool.CALIBRATED) else 0
    if label not in (0, 1):
        raise ValueError(f"a {pool} metric knows 0 and 1, not {label}")
    if pool is Pool.CALIBRATED and not 0 <= terms[0] <= 1:
        raise ValueError(f"a probability lies between 0 and 1, not at {terms[0]}")
    if pool in (Pool.RATIO, Pool.BLEU, Pool.CHRF) and min(terms[1:]) < 0:
        raise ValueError(f"{terms} are no terms of a {pool} metric: what is counted is not below zero")


def parts(pool: Pool, terms: Terms) -> tuple[float, ...]:
    """What one example adds to the sums that the value is made of."""
    match pool:
        case Pool.MEAN | Pool.SHARE:
            return (terms[0], 1.0)
        case Pool.RATIO | Pool.BLEU | Pool.CHRF:
            return terms
        case Pool.CALIBRATED:
            probability, label = terms
            row = [0.0] * (2 * BINS)
            at = min(int(probability * BINS), BINS - 1)
            row[2 * at : 2 * at + 2] = [1.0, probability - label]
            return tuple(row)
        case Pool.GREATEST | Pool.RANKED:
            raise ValueError(f"a {pool} metric is not made of sums")
        case _:
            assert_never(pool)


def sums(pool: Pool, terms: Sequence[Terms]) -> tuple[float, ...]:
    """What all examples add up to."""
    if pool in (Pool.MEAN, Pool.SHARE):
        return math.fsum(chain.from_iterable(terms)), float(len(terms))
    return tuple(math.fsum(column) for column in zip(*(parts(pool, one) for one in terms), strict=True))


def of_sums(pool: Pool, totals: Sequence[float]) -> float | None:
    """The value of a metric whose pool is one of `SUMMED`."""
    match pool:
        case Pool.MEAN | Pool.SHARE | Pool.RATIO:
            return totals[0] / totals[1] if totals[1] else None
        case Pool.CALIBRATED:
            examples = math.fsum(totals[::2])
            return math.fsum(abs(gap) for gap in totals[1::2]) / examples if examples else None
        case Pool.BLEU:
            return _bleu(totals)
        case Pool.CHRF:
            return _chrf(totals)
        case Pool.GREATEST | Pool.RANKED:
            raise ValueError(f"a {pool} metric is not made of sums")
        case _:
            assert_never(pool)


def area(terms: Sequence[Terms]) -> float | None:
    """The area under the ROC curve: how often a positive example scores above a negative one, ties counting half.

    That is the statistic of Mann and Whitney (1947) over all such pairs. None where a class is absent.
    """
    wins = placements(terms)
    positives = [win for win, (_, label) in zip(wins, terms, strict=True) if label]
    others = len(terms) - len(positives)
    return math.fsum(positives) / (len(positives) * others) if positives and others else None


def placements(terms: Sequence[Terms]) -> list[float]:
    """Of each example, over how many of the other class it wins (a positive one by the higher score); ties are half."""
    ordered = sorted(range(len(terms)), key=lambda index: terms[index][0])
    whole = {label: sum(1 for _, found in terms if found == label) for label in (0, 1)}
    below = {0: 0, 1: 0}
    wins = [0.0] * len(terms)
    start = 0
    while start < len(ordered):
        score = terms[ordered[start]][0]
        end = start
        tied = {0: 0, 1: 0}
        while end < len(ordered) and terms[ordered[end]][0] == score:
            tied[int(terms[ordered[end]][1])] += 1
            end += 1
        for index in ordered[start:end]:
            if terms[index][1]:
                wins[index] = below[0] + tied[0] / 2
            else:
                wins[index] = whole[1] - below[1] - tied[1] / 2
        for label in (0, 1):
            below[label] += tied[label]
        start = end
    return wins


def _bleu(totals: Sequence[float]) -> float | None:
    """BLEU of a corpus (Papineni et al. 2002), 0 to 100.

    An order without a match counts as half a match, the next such order as a quarter (Chen & Cherry 2014, method 3).
    """
    made, wanted = totals[:2]
    matches, counted = totals[2::2], totals[3::2]
    if not wanted:
        return None
    if not any(matches) or not all(counted):
        return 0.0
    logs, halved = [], 1.0
    for match, count in zip(matches, counted, strict=True):
        halved = halved if match else halved / 2
        logs.append(math.log((match or halved) / count))
    brevity = min(0.0, 1 - wanted / made)
    return 100 * math.exp(brevity + math.fsum(logs) / WORD_ORDERS)


def _chrf(totals: Sequence[float]) -> float | None:
    """chrF++ of a corpus (Popović 2017), 0 to 100: precision and recall are means over the orders that both have."""
    orders = [totals[start : start + 3] for start in range(0, len(totals), 3)]
    if not any(wanted for _, wanted, _ in orders):
        return None
    both = [(made, wanted, common) for made, wanted, common in orders if made and wanted]
    if not both:
        return 0.0
    precision = math.fsum(common / made for made, _, common in both) / len(both)
    recall = math.fsum(common / wanted for _, wanted, common in both) / len(both)
    weight = CHRF_BETA**2
    weighed = weight * precision + recall
    return 100 * (1 + weight) * precision * recall / weighed if weighed else 0.0
