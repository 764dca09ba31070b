"""Measures two arms in turns: two fresh processes, one example at a time, ABBA or BAAB by chance.

Decides nothing. What was timed becomes a Pair in `pairing`; what the pairs of a cell show, and whether another is
needed, is asked of `verdict`.
"""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Protocol, TypeVar

import msgspec

from harness.conduct.pairing import Measured, Quad, Told, differences_between, measured
from harness.conduct.patience import Patience
from harness.results import Phase
from harness.stats.sequential import FEWEST_QUADS
from harness.worker import protocol
from harness.worker.link import NO_LIMITS, Worker, WorkerLost

Answer = TypeVar("Answer", bound=protocol.Message)
Item = TypeVar("Item")

PAIR_SECONDS = 3.0
BLOCK_SECONDS = 0.010
_LONGEST_SECONDS = 8.0
_PADDING_BYTES = 1 << 20
_WARM_INFERENCES = 2
_CONVERTING_SECONDS = 3_600.0


class Named(Protocol):
    """One side, whatever is measured of it."""

    @property
    def name(self) -> str:
        """What records call it."""


@dataclass(frozen=True, slots=True)
class Corner:
    """One side of a duel: what its workers host, and what they are started with."""

    name: str
    assignment: protocol.Assignment
    start: Callable[[], Worker]


class CornerLost(Exception):
    """One side cannot be measured: it broke, or it cannot run here (`is_unable`)."""

    def __init__(self, corner: Named, text: str, last_words: str = "", *, is_unable: bool = False) -> None:
        super().__init__(text)
        self.corner = corner
        self.text = text
        self.last_words = last_words
        self.is_unable = is_unable


class NotConverted(Exception):
    """The store lacks the artifact of one side: `Ring.convert` makes it."""

    def __init__(self, corner: Corner) -> None:
        super().__init__(corner.name)
        self.corner = corner

    def again(self) -> CornerLost:
        """What it means where the artifact has been made, and is lacking still."""
        text = "its artifact is not found each time it is made; make its reference the same every time"
        return CornerLost(self.corner, text)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a pair is measured. `quads_a_building`: lay both models anew after so many quads; None: never."""

    stage: int = 1
    quads_a_building: int | None = None
    seconds: float = PAIR_SECONDS
    limit_seconds: float = 600.0


@dataclass(slots=True)
class _Arm:
    """One process of a pair while it lives."""

    corner: Corner
    worker: Worker
    limit_seconds: float
    patience: Patience | None = None
    opened: protocol.Opened | None = None
    closed: protocol.Closed | None = None

    def ask(self, request: protocol.Request, wanted: type[Answer]) -> Answer:
        """Ask, and refuse every answer but the one wanted."""
        try:
            limits = self.patience.phase_limits if self.patience else NO_LIMITS
            reply = self.worker.ask(request, self.limit_seconds, limits)
        except WorkerLost as lost:
            raise CornerLost(self.corner, f"{lost.phase}: {lost.text}", lost.last_words) from lost
        match reply:
            case protocol.NeedsConversion():
                raise NotConverted(self.corner)
            case protocol.CannotRun(reason, text):
                raise CornerLost(self.corner, f"{reason}: {text}", is_unable=True)
            case protocol.Broke(phase, text):
                raise CornerLost(self.corner, f"{phase}: {text}")
            case _:
                assert isinstance(reply, wanted), reply
                return reply

    def lap(self, example: int, seconds: float, discard: int) -> protocol.Laps:
        """Time one block."""
        return self.ask(protocol.Lap(example, seconds, discard), protocol.Laps)

    def told(self) -> Told:
        """What the process has said of itself, from its opening to its end."""
        assert self.opened is not None
        assert self.closed is not None
        return Told(self.opened, self.closed)


@dataclass(frozen=True, slots=True)
class Ring:
    """Where two corners meet: the same chance for both of starting, opening and being timed first."""

    old: Corner
    new: Corner
    chance: random.Random
    on_phase: Callable[[Phase], None] = lambda _phase: None
    on_tick: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.monotonic

    def convert(self, corner: Corner) -> None:
        """Have the artifact of a side made, in a process of its own."""
        with self._worker(corner) as worker:
            _Arm(corner, worker, _CONVERTING_SECONDS).ask(protocol.Convert(corner.assignment), protocol.Converted)

    def opens(self, corner: Corner, limit_seconds: float, patience: Patience | None = None) -> None:
        """Prove that a side can be opened at all; CornerLost says why not.

        With `patience` it also has to be as quick as a cell by itself must be: in its first inference, and a pass.
        """
        try:
            self._opens(corner, limit_seconds, patience)
        except NotConverted:
            self.convert(corner)
            try:
                self._opens(corner, limit_seconds, patience)
            except NotConverted as missing:
                raise missing.again() from missing

    def _opens(self, corner: Corner, limit_seconds: float, patience: Patience | None) -> None:
        with self._worker(corner) as worker:
            arm = _Arm(corner, worker, limit_seconds, patience)
            arm.ask(protocol.Open(corner.assignment), protocol.Opened)
            if patience is not None:
                arm.ask(protocol.CheckOutputs(limit_seconds), protocol.Checked)

    def fight(self, manner: Manner) -> Measured:
        """A pair; the artifact of either side is made first where the store lacks it."""
        for _ in (self.old, self.new):
            try:
                return self.pair(manner)
            except NotConverted as missing:
                self.convert(missing.corner)
        try:
            return self.pair(manner)
        except NotConverted as missing:
            raise missing.again() from missing

    def pair(self, manner: Manner) -> Measured:
        """Measure one pair of fresh processes; NotConverted where the store lacks the artifact of a side."""
        began = self.clock()
        core = self._core()
        with ExitStack() as stack:
            arms = [
                _Arm(corner, stack.enter_context(self._worker(corner)), manner.limit_seconds)
                for corner in self._shuffled(self.old, self.new)
            ]
            for arm in arms:
                arm.ask(protocol.Hello(), protocol.Ready)
            for arm in self._shuffled(*arms):
                assignment = msgspec.structs.replace(arm.corner.assignment, cores=core or arm.corner.assignment.cores)
                arm.opened = arm.ask(protocol.Open(assignment), protocol.Opened)
            old, new = sorted(arms, key=lambda arm: arm.corner is self.new)
            assert old.opened is not None
            assert new.opened is not None
            is_other_precision = self.old.assignment.precision != self.new.assignment.precision
            differences = differences_between(old.opened, new.opened, is_other_precision=is_other_precision)
            # Where starting takes long, timing a little longer costs little: what repeats is the process.
            starting = min((self.clock() - began) / 2, _LONGEST_SECONDS)
            quads = self._quads(old, new, manner, max(manner.seconds, starting))
            for arm in arms:
                arm.closed = arm.ask(protocol.Close(), protocol.Closed)
        return measured(
            quads,
            old.told(),
            new.told(),
            differences,
            self.chance,
            stage=manner.stage,
            seconds=self.clock() - began,
            is_rebuilt=manner.quads_a_building is not None,
        )

    def _core(self) -> tuple[int, ...] | None:
        """One core for both sides, where each works with one thread on the CPU: another for each pair, by chance.

        Left alone, the two processes stay on cores of their own, and whatever disturbs one of these makes that side
        slower for the whole pair. On one core the same disturbance meets both, in turns.
        """
        sides = [corner.assignment for corner in (self.old, self.new)]
        alone = all(side.threads == 1 and side.device == "cpu" and side.cores is None for side in sides)
        if not alone or not hasattr(os, "sched_getaffinity"):
            return None
        return (self.chance.choice(sorted(os.sched_getaffinity(0))),)

    def _quads(self, old: _Arm, new: _Arm, manner: Manner, seconds: float) -> list[Quad]:
        """Quads of blocks until the seconds are spent, three at least, over examples taken in a random order."""
        examples, usual = self._warm(old, new, seconds)
        # The first inference after the other process had the core is slower; in long ones it does not count.
        discard = 1 if usual < BLOCK_SECONDS else 0
        quads: list[Quad] = []
        began = self.clock()
        while len(quads) < FEWEST_QUADS or self.clock() - began < seconds:
            example = examples[len(quads) % len(examples)]
            if manner.quads_a_building and quads and len(quads) % manner.quads_a_building == 0:
                self._rebuild(old, new, example)
            sides = self._shuffled(old, new)
            blocks: dict[str, list[protocol.Laps]] = {"old": [], "new": []}
            for arm in (*sides, *reversed(sides)):
                blocks["old" if arm is old else "new"].append(arm.lap(example, BLOCK_SECONDS, discard))
            quads.append(Quad(example, tuple(blocks["old"]), tuple(blocks["new"])))
        return quads

    def _warm(self, old: _Arm, new: _Arm, seconds: float) -> tuple[list[int], float]:
        """Run what will be timed a few times; take as many examples as a pair has time for, at random."""
        assert new.opened is not None
        order = self.chance.sample(range(new.opened.examples), new.opened.examples)
        taken: list[int] = []
        usual: list[float] = []
        while len(taken) < len(order) and 4 * math.fsum(usual) < seconds:
            example = order[len(taken)]
            laps = [arm.lap(example, 0.0, _WARM_INFERENCES - 1) for arm in self._shuffled(old, new)]
            usual.append(max(lap.wall_seconds[-1] for lap in laps))
            taken.append(example)
        return taken, median(usual)

    def _rebuild(self, old: _Arm, new: _Arm, example: int) -> None:
        """Lay both models anew in memory, in random order, each behind padding of a random size."""
        for arm in self._shuffled(old, new):
            arm.ask(protocol.Rebuild(self.chance.randrange(_PADDING_BYTES)), protocol.Rebuilt)
            arm.lap(example, 0.0, _WARM_INFERENCES - 1)

    def _shuffled(self, *arms: Item) -> list[Item]:
        return self.chance.sample(arms, len(arms))

    def _worker(self, corner: Corner) -> Worker:
        return corner.start().hear(self.on_phase, self.on_tick)
