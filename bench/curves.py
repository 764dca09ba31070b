"""Curves: what a rule says of gates that are drawn from traces, at each change; counted, with what it took.

Pure and seeded. The rules are called, nothing of theirs is known here.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

from rules import Fed, Rule
from rules.of_quantgate import Ended, Replay, fixed, gate, mirrored, slowed
from traces import Recorded, Spell, Window, windows

from harness.cells import Cell
from harness.comparisons import Clock, Outcome, Pair
from harness.metrics import METRICS
from harness.verdict.times import LATENCY

CHANGES = (0.0, 0.01, 0.02, 0.03, 0.05, 0.10)
"""By how much the new side is made slower."""

_Z = 1.645
"""Of a one-sided 95 % limit."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many of so many gates. `most` is the upper 95 % limit (Wilson): none of a hundred is not yet never."""

    hits: int
    gates: int

    @property
    def value(self) -> float:
        """The share."""
        return self.hits / self.gates

    @property
    def most(self) -> float:
        """What the share could be at most."""
        spread = _Z * math.sqrt(self.value * (1 - self.value) / self.gates + _Z**2 / (4 * self.gates**2))
        return (self.value + _Z**2 / (2 * self.gates) + spread) / (1 + _Z**2 / self.gates)

    def __str__(self) -> str:
        return f"{100 * self.value:.{1 if 0 < self.hits < self.gates else 0}f} %"


@dataclass(frozen=True, slots=True)
class Tally:
    """The gates of one rule at one change. `whole_seconds` are with all that processes do besides being timed."""

    outcomes: tuple[Outcome, ...]
    measuring_seconds: tuple[float, ...]
    whole_seconds: tuple[float, ...] = ()
    others_worse: tuple[str, ...] = ()
    are_rebuilt: tuple[bool, ...] = ()

    @property
    def rebuilt(self) -> Share:
        """In how many the judged pairs were rebuilt."""
        return Share(sum(self.are_rebuilt), len(self.outcomes))

    def share(self, *wanted: Outcome) -> Share:
        """How many said one of these."""
        return Share(sum(outcome in wanted for outcome in self.outcomes), len(self.outcomes))

    @property
    def decided(self) -> Share:
        """How many said anything but that they cannot tell."""
        undecided = self.share(Outcome.INCONCLUSIVE)
        return Share(undecided.gates - undecided.hits, undecided.gates)


Curve = dict[float, Tally]


@dataclass(frozen=True, slots=True)
class Margins:
    """The margin of the latency, and of every other metric the one that it has unless told."""

    latency: float

    def __call__(self, _: Cell, metric: str) -> float:
        """What a metric of a cell may change by."""
        return self.latency if metric == LATENCY else METRICS[metric].margin


@dataclass(frozen=True, slots=True)
class Gates:
    """How gates are drawn: how many where nothing changed, by which seed, judged with which margins and error rate.

    An alarm is rare and needs many; what is found is counted on a quarter of them.
    """

    unchanged: int
    seed: int
    margins: Margins
    rate: float

    def at(self, change: float) -> int:
        """How many at this change."""
        return max(1, self.unchanged // 4) if change else self.unchanged

    def chance(self, change: float) -> random.Random:
        """The chance of this change's gates, whichever other changes are asked for."""
        return random.Random(f"{self.seed} {change}")


def of_quantgate(recorded: Recorded, gates: Gates) -> Curve:
    """Gates as they are run, which choose by themselves whether to rebuild; on all cores, a change each."""
    return _by_change(partial(_run, recorded, gates))


def of_design(recorded: Recorded, gates: Gates, *, is_rebuilt: bool) -> Curve:
    """Gates whose pairs were all measured one way."""
    return _by_change(partial(_run_fixed, recorded, gates, is_rebuilt))


def _by_change(run: Callable[[float], Tally]) -> Curve:
    with ProcessPoolExecutor() as pool:
        return dict(zip(CHANGES, pool.map(run, CHANGES), strict=True))


def _run(recorded: Recorded, gates: Gates, change: float) -> Tally:
    as_built, rebuilt = (_either(recorded.design(is_rebuilt=is_rebuilt), change) for is_rebuilt in (False, True))
    replay = Replay(recorded.clock or Clock.WALL, as_built, rebuilt, gates.chance(change))
    return _counted([gate(recorded.cell, replay, gates.margins, gates.rate) for _ in range(gates.at(change))])


def _run_fixed(recorded: Recorded, gates: Gates, is_rebuilt: bool, change: float) -> Tally:
    draw = partial(gates.chance(change).choice, _either(recorded.design(is_rebuilt=is_rebuilt), change))
    clock = recorded.clock or Clock.WALL
    return _counted([fixed(recorded.cell, clock, draw, gates.margins, gates.rate) for _ in range(gates.at(change))])


def _either(pairs: Sequence[Pair], change: float) -> list[Pair]:
    """The pairs, either of their sides as likely the new one, and that one slower."""
    return [slowed(side, math.log1p(change)) for pair in pairs for side in (pair, mirrored(pair))]


def _counted(ended: Sequence[Ended]) -> Tally:
    return Tally(
        tuple(one.outcome for one in ended),
        tuple(one.measuring_seconds for one in ended),
        tuple(one.whole_seconds for one in ended),
        tuple(metric for one in ended for metric in one.others_worse),
        tuple(one.is_rebuilt for one in ended),
    )


def of_tool(rule: Rule, recorded: Recorded, most: int, seed: int) -> Curve | None:
    """Gates of neighbouring processes in the order of the tool; None where no spell is long enough for one."""
    chosen = windows(recorded.spells, rule.order, most, random.Random(seed))
    if not chosen:
        return None
    olds = [_fed(rule, spell, 1.0) for spell in recorded.spells]
    return {
        change: _tally(rule, chosen, olds, [_fed(rule, spell, 1 + change) for spell in recorded.spells])
        for change in CHANGES
    }


def _fed(rule: Rule, spell: Spell, factor: float) -> list[Fed]:
    return [rule.feed([factor * seconds for seconds in stretch]) for stretch in spell.stretches]


def _tally(rule: Rule, chosen: Sequence[Window], olds: list[list[Fed]], news: list[list[Fed]]) -> Tally:
    outcomes, taken = [], []
    for window in chosen:
        old = [olds[window.spell][place] for place in window.old]
        new = [news[window.spell][place] for place in window.new]
        outcomes.append(rule.decide([fed.given for fed in old], [fed.given for fed in new]))
        taken.append(sum(fed.seconds for fed in (*old, *new)))
    return Tally(tuple(outcomes), tuple(taken))
