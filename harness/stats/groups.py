"""Examples that belong together count as one: several draws of one text are no several texts.

Pure. What repeats is the group, so that is what intervals are over: ten texts spoken three times would else pass for
thirty, and their interval for narrower than it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.metrics import Pool
from harness.scores import Quality, Score, Terms
from harness.stats.paired import Estimate, estimate

_SUMMED = (Pool.RATIO, Pool.BLEU, Pool.CHRF)


def in_groups(
    pool: Pool, groups: Sequence[str], *sides: Sequence[Terms | None]
) -> tuple[Pool, tuple[tuple[Terms | None, ...], ...]]:
    """The terms of each side, a group at a time, and the pool that makes the same value of them.

    An example without terms on one side is left out on all. Ranks, bins and greatest values have no such sums: there
    examples stay single.
    """
    if len(set(groups)) == len(groups) or pool not in (*_SUMMED, Pool.MEAN, Pool.SHARE):
        return pool, tuple(tuple(side) for side in sides)
    for side in sides:
        if len(side) != len(groups):
            raise ValueError(f"{len(side)} terms are not of {len(groups)} examples")
    told = [all(side[place] is not None for side in sides) for place in range(len(groups))]
    places: dict[str, list[int]] = {}
    for place, group in enumerate(groups):
        places.setdefault(group, []).append(place)
    made = tuple(
        tuple(_summed(pool, [side[place] for place in members if told[place]]) for members in places.values())
        for side in sides
    )
    return pool if pool in _SUMMED else Pool.RATIO, made


def score_estimate(quality: Quality, score: Score, error_rate: float = 0.05) -> Estimate | None:
    """The value of a score with its interval over the examples, or over the groups that these belong to."""
    examples = quality.examples(score.part)
    pool, (terms,) = in_groups(score.pool, examples.groups if examples else (), score.terms)
    return estimate(pool, terms, error_rate)


def _summed(pool: Pool, members: Sequence[Terms | None]) -> Terms | None:
    """The terms of a group: sums, and of a mean also how many it is of."""
    known = [terms for terms in members if terms is not None]
    if not known:
        return None
    sums = tuple(math.fsum(column) for column in zip(*known, strict=True))
    return sums if pool in _SUMMED else (*sums, float(len(known)))
