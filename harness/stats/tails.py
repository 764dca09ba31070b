"""Whether the slow inferences became slower: a high quantile of each side, over groups of pairs large enough for it.

Pure. Inferences of one process depend on each other, so what repeats is a group of pairs: neighbouring pairs are put
together until either side bounds the quantile by its own order statistics; each group gives one log ratio. Fewer than
four groups claim nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.stats.estimates import percentile, support_needed
from harness.stats.sequential import Interval, interval_at

FEWEST_GROUPS = 4


@dataclass(frozen=True, slots=True)
class Laps:
    """The inferences of one pair: each divided by the usual time of its example."""

    old: tuple[float, ...]
    new: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Why nothing is claimed of a quantile: what there is, and what it needs."""

    inferences: int
    needed: int


def tail_interval(pairs: Sequence[Laps], quantile: float, error_rate: float) -> Interval | Unsupported:
    """The interval of ln(new ÷ old) at the quantile, or why there is none."""
    needed = support_needed(quantile)
    ratios = [_log_ratio(group, quantile) for group in _groups(pairs, needed)]
    if len(ratios) < FEWEST_GROUPS:
        sides = (sum(len(pair.old) for pair in pairs), sum(len(pair.new) for pair in pairs))
        return Unsupported(min(sides), FEWEST_GROUPS * needed)
    return interval_at(ratios, error_rate)


def _groups(pairs: Sequence[Laps], needed: int) -> list[list[Laps]]:
    """As many groups of neighbouring pairs as there can be; what is left over joins the last."""
    groups: list[list[Laps]] = []
    group: list[Laps] = []
    for pair in pairs:
        group.append(pair)
        if min(sum(len(one.old) for one in group), sum(len(one.new) for one in group)) >= needed:
            groups.append(group)
            group = []
    if groups:
        groups[-1].extend(group)
    return groups


def _log_ratio(group: Sequence[Laps], quantile: float) -> float:
    old = percentile([lap for pair in group for lap in pair.old], quantile)
    new = percentile([lap for pair in group for lap in pair.new], quantile)
    return math.log(new / old)
