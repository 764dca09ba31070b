"""Measures two arms in turns: two fresh processes, one example at a time, ABBA or BAAB by chance. Makes one Pair.

Decides nothing. What the pairs of a cell show, and whether another is needed, is asked of `verdict`.
"""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import TypeVar

import msgspec

from harness.comparisons import Clock, Difference, Pair, Side
from harness.results import Phase
from harness.stats.sequential import FEWEST_QUADS, trimmed_error, trimmed_log_ratio
from harness.worker import protocol
from harness.worker.link import Worker, WorkerLost

Answer = TypeVar("Answer", bound=protocol.Message)

PAIR_SECONDS = 3.0
BLOCK_SECONDS = 0.010
_LONGEST_SECONDS = 8.0
_LAPS_KEPT = 1_000
_PADDING_BYTES = 1 << 20
_WARM_INFERENCES = 2
_CONVERTING_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True)
class Corner:
    """One side of a duel: what its workers host, and what they are started with."""

    name: str
    assignment: protocol.Assignment
    start: Callable[[], Worker]


class CornerLost(Exception):
    """One side cannot be measured: it broke, or it cannot run here (`is_unable`)."""

    def __init__(self, corner: Corner, text: str, last_words: str = "", *, is_unable: bool = False) -> None:
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


class OtherWork(Exception):
    """The two sides would not do the same work; `differences` say by what."""

    def __init__(self, differences: tuple[Difference, ...]) -> None:
        super().__init__(", ".join(map(str, differences)))
        self.differences = differences


@dataclass(frozen=True, slots=True)
class Manner:
    """How a pair is measured. `quads_a_building`: lay both models anew after so many quads; None: never."""

    stage: int = 1
    quads_a_building: int | None = None
    seconds: float = PAIR_SECONDS
    limit_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Measured:
    """A pair, by which clock it decides, and what differs between its sides."""

    pair: Pair
    clock: Clock
    differences: tuple[Difference, ...]


@dataclass(slots=True)
class _Arm:
    """One process of a pair while it lives."""

    corner: Corner
    worker: Worker
    limit_seconds: float
    opened: protocol.Opened | None = None
    closed: protocol.Closed | None = None
    laps: dict[int, list[protocol.Laps]] = field(default_factory=dict)

    def ask(self, request: protocol.Request, wanted: type[Answer]) -> Answer:
        """Ask, and refuse every answer but the one wanted."""
        try:
            reply = self.worker.ask(request, self.limit_seconds)
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

    def opens(self, corner: Corner, limit_seconds: float) -> None:
        """Prove that a side can be opened at all; CornerLost says why not."""
        with self._worker(corner) as worker:
            try:
                _Arm(corner, worker, limit_seconds).ask(protocol.Open(corner.assignment), protocol.Opened)
            except NotConverted:
                pass
            else:
                return
        self.convert(corner)
        with self._worker(corner) as worker:
            try:
                _Arm(corner, worker, limit_seconds).ask(protocol.Open(corner.assignment), protocol.Opened)
            except NotConverted as missing:
                raise missing.again() from missing

    def pair(self, manner: Manner) -> Measured:
        """Measure one pair of fresh processes."""
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
            differences = _differences(old, new)
            # Where starting takes long, timing a little longer costs little: what repeats is the process.
            starting = min((self.clock() - began) / 2, _LONGEST_SECONDS)
            quads = self._quads(old, new, manner, max(manner.seconds, starting))
            for arm in arms:
                arm.closed = arm.ask(protocol.Close(), protocol.Closed)
        return _measured(old, new, quads, differences, manner, self.clock() - began, self.chance)

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

    def _quads(self, old: _Arm, new: _Arm, manner: Manner, seconds: float) -> list[_Quad]:
        """Quads of blocks until the seconds are spent, three at least, over examples taken in a random order."""
        assert new.opened is not None
        examples, usual = self._warm(old, new, seconds)
        # The first inference after the other process had the core is slower; in long ones it does not count.
        discard = 1 if usual < BLOCK_SECONDS else 0
        quads: list[_Quad] = []
        began = self.clock()
        while len(quads) < FEWEST_QUADS or self.clock() - began < seconds:
            example = examples[len(quads) % len(examples)]
            if manner.quads_a_building and quads and len(quads) % manner.quads_a_building == 0:
                self._rebuild(old, new, example)
            sides = self._shuffled(old, new)
            blocks: dict[str, list[protocol.Laps]] = {"old": [], "new": []}
            for arm in (*sides, *reversed(sides)):
                blocks["old" if arm is old else "new"].append(arm.lap(example, BLOCK_SECONDS, discard))
            quads.append(_Quad(example, tuple(blocks["old"]), tuple(blocks["new"])))
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


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class _Quad:
    """Two blocks of either side around each other, of one example."""

    example: int
    old: tuple[protocol.Laps, ...]
    new: tuple[protocol.Laps, ...]

    def seconds(self, clock: Clock) -> tuple[float, float] | None:
        """The mean of one inference on either side by a clock; None where the clock is silent."""
        old, new = (_mean_seconds(blocks, clock) for blocks in (self.old, self.new))
        return (old, new) if old and new else None


def _mean_seconds(blocks: tuple[protocol.Laps, ...], clock: Clock) -> float | None:
    inferences = sum(len(block.wall_seconds) for block in blocks)
    if clock is Clock.CPU:
        return math.fsum(block.cpu_seconds for block in blocks) / inferences
    laps = [_laps(block, clock) for block in blocks]
    known = [lap for lap in laps if lap is not None]
    return math.fsum(sum(lap) for lap in known) / inferences if len(known) == len(laps) else None


def _laps(block: protocol.Laps, clock: Clock) -> tuple[float, ...] | None:
    match clock:
        case Clock.CORRECTED:
            return block.corrected_seconds
        case Clock.DEVICE:
            return block.device_seconds
        case _:
            return block.wall_seconds


def _measured(
    old: _Arm,
    new: _Arm,
    quads: list[_Quad],
    differences: tuple[Difference, ...],
    manner: Manner,
    seconds: float,
    chance: random.Random,
) -> Measured:
    """Make the record of a pair out of its quads."""
    by_clock = {clock: [quad.seconds(clock) for quad in quads] for clock in Clock}
    whole = {clock: [one for one in found if one is not None] for clock, found in by_clock.items()}
    silent = [clock for clock, found in whole.items() if len(found) < len(quads)]
    ratios = {
        clock: [math.log(now / before) for before, now in found]
        for clock, found in whole.items()
        if clock not in silent
    }
    decides = next(clock for clock in (Clock.CORRECTED, Clock.DEVICE, Clock.WALL) if clock in ratios)
    sides = [
        Side(
            seconds={clock: math.fsum(one[index] for one in whole[clock]) / len(quads) for clock in ratios},
            values=_values(arm),
            inferences=sum(len(block.wall_seconds) for quad in quads for block in (quad.old, quad.new)[index]),
        )
        for index, arm in enumerate((old, new))
    ]
    pair = Pair(
        stage=manner.stage,
        log_ratios={clock: trimmed_log_ratio(found) for clock, found in ratios.items()},
        errors={clock: trimmed_error(found) for clock, found in ratios.items()},
        old=sides[0],
        new=sides[1],
        quads=len(quads),
        seconds=seconds,
        is_rebuilt=manner.quads_a_building is not None,
        old_laps=_normalised(quads, decides, 0, chance),
        new_laps=_normalised(quads, decides, 1, chance),
    )
    return Measured(pair, decides, differences)


def _normalised(quads: list[_Quad], clock: Clock, side: int, chance: random.Random) -> tuple[float, ...]:
    """Single inferences of one side, each divided by the old side's median for its example.

    Where they are many, some by chance: every so many would miss a slow one that comes every so many.
    """
    olds: dict[int, list[float]] = {}
    for quad in quads:
        for block in quad.old:
            olds.setdefault(quad.example, []).extend(_laps(block, clock) or ())
    usual = {example: median(laps) for example, laps in olds.items()}
    laps = [
        lap / usual[quad.example]
        for quad in quads
        for block in (quad.old, quad.new)[side]
        for lap in (_laps(block, clock) or ())
    ]
    kept = chance.sample(laps, _LAPS_KEPT) if len(laps) > _LAPS_KEPT else laps
    return tuple(float(f"{lap:.4g}") for lap in kept)


def _values(arm: _Arm) -> dict[str, float]:
    """What a process tells besides its laps. Peaks count where it ran to its end; what is unknown is left out."""
    opened, closed = arm.opened, arm.closed
    assert opened is not None
    assert closed is not None
    peaks = [peak.peak_bytes for peak in (opened.load_peak, opened.first_peak, closed.steady_peak)]
    known = [peak for peak in peaks if peak is not None]
    coverage = opened.artifact.coverage
    return {
        "import_seconds": opened.import_seconds,
        "open_seconds": opened.open_seconds,
        "first_inference_seconds": opened.first_inference_seconds,
        "artifact_bytes": float(opened.artifact.size_bytes),
        "parameters_count": float(opened.parameter_count),
        **({"weights_covered_fraction": coverage.fraction} if coverage.total_bytes else {}),
        **({"peak_bytes": float(max(known))} if len(known) == len(peaks) else {}),
        **({} if closed.device_peak_bytes is None else {"device_peak_bytes": float(closed.device_peak_bytes)}),
    }


def _differences(old: _Arm, new: _Arm) -> tuple[Difference, ...]:
    """By what the sides differ besides the code; another workload is refused."""
    assert old.opened is not None
    assert new.opened is not None
    if old.opened.workload_digest != new.opened.workload_digest:
        raise OtherWork((Difference("workload", old.opened.workload_digest[:12], new.opened.workload_digest[:12]),))
    is_other_precision = old.corner.assignment.precision != new.corner.assignment.precision
    sides: list[Mapping[str, object]] = [
        {
            "weights": arm.opened.artifact.reference_digest[:12],
            # Another precision is another artifact: that is no news.
            **({"artifact": arm.opened.artifact.digest[:12]} if not is_other_precision else {}),
            "calibration": (arm.opened.artifact.calibration_digest or "none")[:12],
            **arm.opened.versions,
        }
        for arm in (old, new)
        if arm.opened is not None
    ]
    keys = dict.fromkeys((*sides[0], *sides[1]))
    return tuple(
        Difference(key, str(sides[0].get(key, "absent")), str(sides[1].get(key, "absent")))
        for key in keys
        if sides[0].get(key) != sides[1].get(key)
    )
