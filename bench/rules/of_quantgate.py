"""Quantgate's own rule, as shipped: `verdict.standing` says whether to go on and `verdict.judge_duel` what is said.

Nothing of the rule is repeated here: a gate is a duel that grows pair by pair, as the conductor lets it grow.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from harness import verdict
from harness.cells import Cell
from harness.comparisons import Clock, Duel, Outcome, Pair, Side
from harness.conduct.duel import PAIR_SECONDS

Draw = Callable[[], Pair]


@dataclass(frozen=True, slots=True)
class Ended:
    """How one gate ended: what was said of the latency, which other metrics were called worse, and what it took."""

    outcome: Outcome
    others_worse: tuple[str, ...]
    pairs: int
    measuring_seconds: float
    whole_seconds: float


def gate(cell: Cell, clock: Clock, draw: Draw, margin_of: verdict.MarginOf, rate: float) -> Ended:
    """Let pairs be drawn for as long as the rule asks for another, then have it judged."""
    duel = Duel(cell, "the same", clock)
    while (stage := verdict.standing(duel, margin_of, rate).next_stage) is not None:
        duel = replace(duel, pairs=(*duel.pairs, replace(draw(), stage=stage)))
    verdicts = verdict.judge_duel(duel, margin_of, rate)
    return Ended(
        outcome=next(one.outcome for one in verdicts if one.metric == verdict.LATENCY),
        others_worse=tuple(
            str(one.metric) for one in verdicts if one.metric != verdict.LATENCY and one.outcome is Outcome.REGRESSED
        ),
        pairs=len(duel.pairs),
        measuring_seconds=sum(map(measuring_seconds, duel.pairs)),
        whole_seconds=sum(pair.seconds for pair in duel.pairs),
    )


def measuring_seconds(pair: Pair) -> float:
    """The seconds in which blocks of both processes alternated, buildings between them included.

    A pair is measured for `PAIR_SECONDS`; for longer where the fewest blocks that make one need longer.
    """
    timed = sum(side.seconds[Clock.WALL] * side.inferences for side in (pair.old, pair.new))
    return max(PAIR_SECONDS, timed)


def mirrored(pair: Pair) -> Pair:
    """The same two processes with their names exchanged: both ran the same code, so it was as likely."""
    turned = {clock: -ratio for clock, ratio in pair.log_ratios.items()}
    return replace(pair, log_ratios=turned, old=pair.new, new=pair.old, old_laps=pair.new_laps, new_laps=pair.old_laps)


def slowed(pair: Pair, log_factor: float) -> Pair:
    """The pair as it would be, had every inference of the new side needed so much longer."""
    if not log_factor:
        return pair
    seconds = {clock: value * math.exp(log_factor) for clock, value in pair.new.seconds.items()}
    return replace(
        pair,
        log_ratios={clock: ratio + log_factor for clock, ratio in pair.log_ratios.items()},
        new=Side(seconds, pair.new.values, pair.new.inferences),
    )
