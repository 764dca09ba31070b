"""Who is measured longer: pairs go to the cells that are undecided, until all are decided or the time is spent.

Asks `verdict` where a duel stands and obeys; holds no threshold of its own. Every pair is kept before the next begins.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from harness.cells import Cell
from harness.comparisons import LOST_SUPPORT, Difference, Duel, Outcome, Pair, Verdict
from harness.conduct.duel import PAIR_SECONDS, CornerLost, Manner, Named
from harness.conduct.pairing import Measured, OtherWork
from harness.results import Phase
from harness.stats.sequential import looks_until, rebuild_pays
from harness.verdict.times import LATENCY, MarginOf, Standing, judge_duel, standing

_TRIAL_PAIRS = 3
_FEWEST_BUILDINGS = 4


class Onlooker(Protocol):
    """Who is told how the comparing goes."""

    def waiting(self, cell: Cell) -> None:
        """Another process measures on the cell's device."""

    def phase(self, cell: Cell, phase: Phase) -> None:
        """A worker goes on to something else."""

    def tick(self) -> None:
        """About a second has passed."""

    def gate_started(self, comparisons: int, budget_seconds: float | None) -> None:
        """The comparing of so many cells begins."""

    def gate_pair(
        self,
        cell: Cell,
        stage: int,
        pairs: int,
        low: float | None,
        high: float | None,
        undecided: int,
        left_seconds: float | None,
    ) -> None:
        """Another pair has been measured; `low` and `high` bound the log ratio at the last look."""

    def gate_decided(self, verdict: Verdict) -> None:
        """The latency of a cell is decided, or no more can be done for it."""


class Keeper(Protocol):
    """Who writes down what must survive this process."""

    def began(self, duel: Duel) -> None:
        """A duel has begun, or more is known of it than before; its pairs are kept one by one."""

    def pair(self, duel: Duel, pair: Pair) -> None:
        """A pair has been measured."""

    def trial(self, duel: Duel) -> None:
        """The pairs so far were a trial, and are not judged."""


class Meeting(Protocol):
    """Where two sides meet, whatever they are: models in workers (`duel.Ring`), or a test in processes of pytest."""

    @property
    def old(self) -> Named:
        """The side that is compared with."""

    @property
    def new(self) -> Named:
        """The side that is judged."""

    def fight(self, manner: Manner) -> Measured:
        """Measure one pair of fresh processes."""


Met = TypeVar("Met", bound=Meeting)


@dataclass(slots=True)
class Bout(Generic[Met]):
    """A duel as it goes on. `ring` is None where there is nothing to measure: the duel says why."""

    duel: Duel
    ring: Met | None = None
    quads_a_building: int | None = None
    is_told: bool = False


@dataclass(slots=True)
class Gate:
    """Runs duels side by side until each is decided. `hold` gives the device of a cell for as long as a pair takes."""

    bouts: Sequence[Bout[Any]]
    margin_of: MarginOf
    rate: float
    budget_seconds: float | None
    onlooker: Onlooker
    keeper: Keeper
    hold: Callable[[Cell], AbstractContextManager[None]]
    limit_seconds: float = 600.0
    pair_seconds: float = PAIR_SECONDS
    clock: Callable[[], float] = time.monotonic
    _began: float = math.nan

    def run(self) -> None:
        """Measure until nothing is undecided or the budget is spent. What was measured before is taken into account."""
        self._began = self.clock()
        told = sum(not bout.duel.is_control for bout in self.bouts)
        self.onlooker.gate_started(told or len(self.bouts), self.budget_seconds)
        self._tell_decided()
        while bout := self._next():
            if self._cannot_afford(bout):
                bout.duel = replace(bout.duel, is_spent=True)
                self.keeper.began(bout.duel)
            else:
                self._measure(bout)
            self._tell_decided()

    def _next(self) -> Bout[Any] | None:
        """Whose turn it is: first stages in rounds, by looks; then confirmations, after the other cells.

        When the time left is just enough for the confirmations, they come first: a change that was seen and not
        confirmed is worth nothing, while a cell that stays undecided has lost only a better bound.
        """
        open_bouts = [(bout, self._stands(bout)) for bout in self.bouts if self._is_open(bout)]
        first = [bout for bout, stands in open_bouts if stands.next_stage == 1]
        second = [bout for bout, stands in open_bouts if stands.next_stage == 2]
        if second and (not first or self._left() < 1.5 * math.fsum(self._confirming(bout) for bout in second)):
            return second[0]
        return min(first, key=_turn, default=None)

    def _is_open(self, bout: Bout[Any]) -> bool:
        return bout.ring is not None and not bout.duel.is_spent and bout.duel.outcome is None

    def _stands(self, bout: Bout[Any]) -> Standing:
        return standing(bout.duel, self.margin_of, self.rate)

    def _measure(self, bout: Bout[Any]) -> None:
        """One more pair of a bout."""
        assert bout.ring is not None
        stage = self._stands(bout).next_stage
        assert stage is not None
        manner = Manner(stage, bout.quads_a_building, self.pair_seconds, self.limit_seconds)
        try:
            with self.hold(bout.duel.cell):
                measured = bout.ring.fight(manner)
        except CornerLost as lost:
            self._end(bout, *_lost(bout.ring, lost), lost)
            return
        except OtherWork as other:
            text = "the two sides do not do the same work: compare them after the workload has settled"
            self._end(bout, Outcome.NOT_COMPARABLE, text, other)
            return
        if not bout.duel.pairs:
            bout.duel = replace(bout.duel, clock=measured.clock, differences=measured.differences)
            self.keeper.began(bout.duel)
        pair = measured.pair
        if bout.duel.clock not in pair.log_ratios:
            pair = replace(pair, stage=0)  # it cannot stand beside the others, and is no reason to end with them
        self.keeper.pair(bout.duel, pair)
        bout.duel = replace(bout.duel, pairs=(*bout.duel.pairs, pair))
        self._consider_rebuilding(bout)
        self._tell_pair(bout, stage)

    def _end(self, bout: Bout[Any], outcome: Outcome, text: str, why: Exception) -> None:
        differences: tuple[Difference, ...] = bout.duel.differences
        if isinstance(why, OtherWork):
            differences = (*differences, *why.differences)
        if outcome is Outcome.UNSUPPORTED:
            differences = (*differences, LOST_SUPPORT)
        bout.duel = replace(bout.duel, outcome=outcome, problem=text, differences=differences)
        self.keeper.began(bout.duel)

    def _consider_rebuilding(self, bout: Bout[Any]) -> None:
        """After a few pairs: where processes keep a speed of their own, start over and lay the models anew in each.

        The pairs so far become a trial that is not judged. What is looked at is how far pairs scatter, not where they
        lie, so the choice favours no verdict.
        """
        made = [pair for pair in bout.duel.pairs if pair.stage == 1]
        if len(made) != _TRIAL_PAIRS or bout.quads_a_building or any(pair.stage == 0 for pair in bout.duel.pairs):
            return
        quads = quads_a_building(made[-1], self.pair_seconds)
        if quads is None:
            return
        clock = bout.duel.clock
        ratios, errors = [pair.log_ratios[clock] for pair in made], [pair.errors[clock] for pair in made]
        if not rebuild_pays(ratios, errors, _dilution(made[-1], quads, self.pair_seconds)):
            return
        bout.quads_a_building = quads
        bout.duel = replace(bout.duel, pairs=tuple(replace(pair, stage=0) for pair in bout.duel.pairs))
        self.keeper.trial(bout.duel)

    def _left(self) -> float:
        spent = self.clock() - self._began
        return math.inf if self.budget_seconds is None else self.budget_seconds - spent

    def _cannot_afford(self, bout: Bout[Any]) -> bool:
        """Whether the next pair would not end in time; the first may always begin while there is time."""
        usual = max((pair.seconds for pair in bout.duel.pairs), default=0.0)
        return self._left() <= usual

    def _confirming(self, bout: Bout[Any]) -> float:
        """About how long a second stage takes: as many pairs as the first."""
        pairs = [pair for pair in bout.duel.pairs if pair.stage == 1]
        return math.fsum(pair.seconds for pair in pairs)

    def _tell_pair(self, bout: Bout[Any], stage: int) -> None:
        stands = self._stands(bout)
        interval = (stands.second if stage == 2 else stands.first).interval
        made = sum(pair.stage == stage for pair in bout.duel.pairs)
        left = self._left()
        self.onlooker.gate_pair(
            bout.duel.cell,
            stage,
            made,
            interval.low if interval else None,
            interval.high if interval else None,
            sum(self._is_open(one) and self._stands(one).next_stage is not None for one in self.bouts),
            None if math.isinf(left) else left,
        )

    def _tell_decided(self) -> None:
        for bout in self.bouts:
            is_over = not self._is_open(bout) or self._stands(bout).next_stage is None
            if is_over and not bout.is_told:
                bout.is_told = True
                if not bout.duel.is_control:
                    self.onlooker.gate_decided(_headmost(judge_duel(bout.duel, self.margin_of, self.rate)))


def chance_of(seed: int, cell: Cell) -> random.Random:
    """The chance by which a cell's orders are drawn: the same for the same seed, another for another cell."""
    return random.Random(f"{seed}/{cell}")  # noqa: S311 - no secret depends on it


def _turn(bout: Bout[Any]) -> tuple[int, int]:
    """Whose turn is next: the one that has been looked at least often, and of these the one nearest to its look.

    So looks come round by round, and a short budget ends with some cells decided rather than with all of them begun.
    """
    made = sum(pair.stage == 1 for pair in bout.duel.pairs)
    return len(looks_until(made)), -made


def quads_a_building(pair: Pair, seconds: float = PAIR_SECONDS) -> int | None:
    """After how many quads to build anew, so that building takes no longer than timing; None where that is too few."""
    building = _building_seconds(pair)
    quads = math.ceil(building / (seconds / pair.quads)) if math.isfinite(building) else pair.quads
    return quads if quads * _FEWEST_BUILDINGS <= pair.quads else None


def _dilution(pair: Pair, quads: int, seconds: float) -> float:
    """How many times fewer quads fit into a pair when both models are built anew after each so many."""
    a_quad = seconds / pair.quads
    # Warming up after a building takes one inference a side more than it discards: about a quad.
    return (quads * a_quad + _building_seconds(pair) + a_quad) / (quads * a_quad)


def _building_seconds(pair: Pair) -> float:
    return pair.old.values.get("open_seconds", math.inf) + pair.new.values.get("open_seconds", math.inf)


def _lost(ring: Meeting, lost: CornerLost) -> tuple[Outcome, str]:
    last = lost.last_words.splitlines()[-1:]
    words = f"; its last words: {last[0][-200:]}" if last else ""
    if lost.corner is not ring.new:
        return Outcome.NOT_COMPARABLE, f"the other side, {lost.corner.name}, cannot be measured: {lost.text}{words}"
    if lost.is_unable:
        return Outcome.UNSUPPORTED, f"{lost.text}; {ring.old.name} can run it"
    return Outcome.FAILED, f"{lost.text}{words}"


def _headmost(verdicts: Sequence[Verdict]) -> Verdict:
    return next((verdict for verdict in verdicts if verdict.metric in (None, LATENCY)), verdicts[0])
