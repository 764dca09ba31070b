"""What a pooled value would be without each example in turn, and the t interval that makes.

Pure. Tukey's pseudo-values: n·θ − (n − 1)·θ₋ᵢ, whose spread is that of the value over examples (Efron & Tibshirani, An
Introduction to the Bootstrap, ch. 11). For a mean they are the examples themselves. The greatest of examples has no
such interval, and none is claimed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import assert_never

from harness.metrics import Pool
from harness.scores import Terms
from harness.stats.estimates import t_quantile
from harness.stats.pooling import area, of_sums, parts, placements, sums

FEWEST = 3
"""Examples that an interval needs."""


def without_each(pool: Pool, terms: Sequence[Terms]) -> list[float] | None:
    """The value without each example; None where one cannot be left out, or leaving it out tells nothing."""
    match pool:
        case Pool.GREATEST:
            return None
        case Pool.RANKED:
            return _areas_without(terms)
        case Pool.MEAN | Pool.SHARE | Pool.RATIO | Pool.CALIBRATED | Pool.BLEU | Pool.CHRF:
            totals = sums(pool, terms)
            left = (
                of_sums(pool, [total - part for total, part in zip(totals, parts(pool, one), strict=True)])
                for one in terms
            )
            found = [value for value in left if value is not None]
            return found if len(found) == len(terms) else None
        case _:
            assert_never(pool)


def half_width(without: Sequence[float], error_rate: float, unseen: float = 0.0) -> float:
    """How far a value may lie from what all examples would give: half of the two-sided t interval.

    `unseen` is by how much one more example could move a pseudo-value, either way: two such are put to those that were
    seen, as Bonett and Price (2012) do for shares. What never changed in few examples may yet change.
    """
    examples = len(without)
    if examples < FEWEST:
        raise ValueError(f"{examples} examples cannot show how far examples differ; {FEWEST} are the least")
    middle = math.fsum(without) / examples
    squares = (examples - 1) ** 2 * math.fsum((value - middle) ** 2 for value in without) + 2 * unseen**2
    return t_quantile(1 - error_rate / 2, examples - 1) * math.sqrt(squares / (examples - 1) / examples)


def _areas_without(terms: Sequence[Terms]) -> list[float] | None:
    wins, whole = placements(terms), area(terms)
    positives = sum(1 for _, label in terms if label)
    negatives = len(terms) - positives
    if whole is None or min(positives, negatives) < 2:
        return None
    won = whole * positives * negatives
    return [
        (won - win) / ((positives - 1) * negatives if label else positives * (negatives - 1))
        for win, (_, label) in zip(wins, terms, strict=True)
    ]
