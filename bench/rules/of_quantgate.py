"""Quantgate's own rule, as shipped: `conduct.gate` runs, `verdict` says whether to go on and what is said.

Nothing of the rule is repeated here: the conductor's own gate is run, and only the measuring of a pair is replaced.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from harness.cells import Cell
from harness.comparisons import Clock, Duel, Outcome, Pair, Side
from harness.conduct.duel import PAIR_SECONDS, Manner
from harness.conduct.gate import Bout, Gate
from harness.conduct.pairing import Measured
from harness.errors import RecordUnreadable
from harness.verdict import times as verdict

if TYPE_CHECKING:
    from harness.conduct.duel import Ring

Draw = Callable[[], Pair]


@dataclass(frozen=True, slots=True)
class Ended:
    """How one gate ended: what was said of the latency, which other metrics were called worse, and what it took."""

    outcome: Outcome
    others_worse: tuple[str, ...]
    pairs: int
    measuring_seconds: float
    whole_seconds: float
    is_rebuilt: bool


@dataclass(frozen=True, slots=True)
class Replay:
    """Stands where two sides would be measured, and draws recorded pairs instead: those built anew where asked to."""

    clock: Clock
    as_built: Sequence[Pair]
    rebuilt: Sequence[Pair]
    chance: random.Random
    old: None = None
    new: None = None

    def fight(self, manner: Manner) -> Measured:
        """One pair, with replacement."""
        pairs = self.rebuilt if manner.quads_a_building else self.as_built
        if not pairs:
            raise RecordUnreadable(
                "the gate asked for rebuilt pairs and this trace has none; record one with --quads-a-building 8"
            )
        return Measured(replace(self.chance.choice(pairs), stage=manner.stage), self.clock, ())


class _Deaf:
    """Hears of a gate and keeps nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


def gate(cell: Cell, replay: Replay, margin_of: verdict.MarginOf, rate: float) -> Ended:
    """One gate as it is run, with its trial pairs and its choice to rebuild, on pairs that are drawn."""
    bout = Bout(Duel(cell, "the same"), cast("Ring", replay))
    Gate([bout], margin_of, rate, None, _Deaf(), _Deaf(), lambda _: nullcontext()).run()
    return _ended(bout.duel, margin_of, rate)


def fixed(cell: Cell, clock: Clock, draw: Draw, margin_of: verdict.MarginOf, rate: float) -> Ended:
    """One gate whose pairs are all measured the same way: pairs are drawn for as long as the rule asks for another."""
    duel = Duel(cell, "the same", clock)
    while (stage := verdict.standing(duel, margin_of, rate).next_stage) is not None:
        duel = replace(duel, pairs=(*duel.pairs, replace(draw(), stage=stage)))
    return _ended(duel, margin_of, rate)


def _ended(duel: Duel, margin_of: verdict.MarginOf, rate: float) -> Ended:
    verdicts = verdict.judge_duel(duel, margin_of, rate)
    return Ended(
        outcome=next(one.outcome for one in verdicts if one.metric == verdict.LATENCY),
        others_worse=tuple(
            str(one.metric) for one in verdicts if one.metric != verdict.LATENCY and one.outcome is Outcome.REGRESSED
        ),
        pairs=len(duel.pairs),
        measuring_seconds=sum(map(measuring_seconds, duel.pairs)),
        whole_seconds=sum(pair.seconds for pair in duel.pairs),
        is_rebuilt=duel.pairs[-1].is_rebuilt,
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
