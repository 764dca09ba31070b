"""Measures one arm of one cell in a fresh worker process, and tells of it as it goes."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from harness.cells import Cell, Reason
from harness.conduct.limiting import counted, rates_of
from harness.conduct.patience import Patience, passes_within
from harness.conduct.readings import Replies, readings_of, sample_of, stages_of
from harness.limits import Rates
from harness.models import Model
from harness.results import (
    Condition,
    Fact,
    Failure,
    Measurement,
    Phase,
    PlacementProof,
    Provenance,
    Status,
    WarmUp,
)
from harness.scores import Quality
from harness.worker import protocol
from harness.worker.link import NO_LIMITS, Worker, WorkerLost, WorkerTimedOut
from harness.worker.pace import span
from harness.worker.pool import Pool

Answer = TypeVar("Answer", bound=protocol.Message)

_REFERENCE = "fp32"
_HALVES = ("fp16", "bf16")
_WARM_UP_SHARE = 0.5
_CROWD_SHARE = 0.5
_MIN_PASSES = 3
_MAX_INFERENCES = 5_000
_BLOCK_SECONDS = 1.0
_SMALL_BYTES = 64e6
"""A model in fp32 that is no larger is converted by a process that converted others before."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long a cell may take. `limit_seconds` holds for each step: nothing is waited for longer.

    `fp32_seconds` is a whole inference of fp32 on the same device, where it was measured before.
    `rates_seconds` are for what the machine reaches at its best, which is asked of fp32's workers; none where it is 0.
    """

    timing_seconds: float
    limit_seconds: float
    fp32_seconds: float | None = None
    rates_seconds: float = 0.0


class Watch(Protocol):
    """Who hears of a cell while it is measured."""

    def phase(self, cell: Cell, phase: Phase) -> None:
        """The worker goes on to something else."""

    def block(self, cell: Cell, block: protocol.Block) -> None:
        """A block has been timed."""

    def tick(self) -> None:
        """About a second has passed."""

    def condition(self, cell: Cell, when: str) -> Condition:
        """How the machine is now, as far as it can disturb this cell."""

    def runtime_facts(self, cell: Cell, facts: Mapping[str, Fact]) -> None:
        """What the runtime says of itself: versions, build, instruction sets."""

    def rates(self, cell: Cell, rates: Rates) -> None:
        """What the runtime reaches on the cell's device at its best."""


class _Told(Exception):
    """The worker's reply ends the measuring: it cannot, or something broke."""

    def __init__(self, reply: protocol.CannotRun | protocol.Broke, last_words: str) -> None:
        super().__init__(reply)
        self.reply = reply
        self.last_words = last_words


@dataclass(frozen=True, slots=True)
class Solo:
    """One arm alone: a model at a cell, as an assignment for a worker out of a pool."""

    model: Model
    cell: Cell
    assignment: protocol.Assignment
    pool: Pool
    plan: Plan
    watch: Watch
    answers: Path | None = None
    """Where the outputs are to be kept, if they are."""
    keeps_recordings: bool = False

    def measure(self) -> Measurement:
        """Measure the cell. Whatever happens to the worker, a measurement comes back."""
        start = time.monotonic()
        try:
            measured = self._measure()
        except _Told as told:
            measured = _untold(self.cell, told)
        except WorkerLost as lost:
            if self._is_half and self._patience and lost.phase is Phase.FIRST and isinstance(lost, WorkerTimedOut):
                measured = _too_slow(self.cell, self._patience.exhausted)
            else:
                failure = Failure(lost.phase, lost.text, lost.last_words)
                measured = Measurement(self.cell, Status.FAILED, failure=failure)
        return replace(measured, seconds_spent=time.monotonic() - start)

    def peak_bytes(self) -> float | None:
        """The peak of one more process that does what a measured one does, without a warm-up; None where it failed."""
        try:
            with self._worker() as worker:
                opened = self._ask(worker, protocol.Open(self.assignment), protocol.Opened)
                checked = self._ask(worker, protocol.CheckOutputs(), protocol.Checked)
                block = self._ask(worker, protocol.Time(0.0, _MIN_PASSES, _MAX_INFERENCES), protocol.Block)
                closed = self._ask(worker, protocol.Close(), protocol.Closed)
        except (_Told, WorkerLost):
            return None
        readings = readings_of(self.model, Replies(opened, checked, (block,), closed), sample_of((block,)))
        return next((one.value for one in readings if one.metric == "peak_bytes"), None)

    @property
    def _is_half(self) -> bool:
        """Whether slowness is what a machine without instructions for it is known for; else what hangs has failed."""
        return self.cell.precision in _HALVES

    @property
    def _patience(self) -> Patience | None:
        """How long this precision is waited for; fp32 has nothing to be slower than."""
        if self.cell.precision == _REFERENCE:
            return None
        return Patience(self.plan.limit_seconds, self.plan.fp32_seconds)

    def _measure(self) -> Measurement:
        before = self.watch.condition(self.cell, "before")
        with self._worker() as worker:
            reply = self._answer(worker, protocol.Open(self.assignment))
            if isinstance(reply, protocol.Opened):
                return self._timed(worker, reply, before)
            assert isinstance(reply, protocol.NeedsConversion), reply
        self._convert()
        with self._worker() as worker:
            opened = self._ask(worker, protocol.Open(self.assignment), protocol.Opened)
            return self._timed(worker, opened, before)

    def _convert(self) -> None:
        """Make the artifact, in a process whose memory is nobody's; that of small models is kept for the next."""
        request = protocol.Convert(self.assignment)
        if (self.model.size_bytes or math.inf) <= _SMALL_BYTES:
            self._ask(self._heard(self.pool.converter()), request, protocol.Converted)
            return
        with self._worker() as converter:
            self._ask(converter, request, protocol.Converted)

    def _timed(self, worker: Worker, opened: protocol.Opened, before: Condition) -> Measurement:
        self.watch.runtime_facts(self.cell, opened.versions)
        # The next cell's worker comes up while nothing is timed.
        self.pool.refill()
        checked = self._checked(worker, opened)
        self.pool.settle()
        most = _WARM_UP_SHARE * self.plan.timing_seconds
        warm = self._ask(worker, protocol.WarmUp(most), protocol.Warm)
        blocks = tuple(self._blocks(worker, self._least_passes(checked)))
        during = self.watch.condition(self.cell, "during")
        crowds = tuple(self._crowds(worker, opened))
        quality = self._answers(worker)
        closed = self._ask(worker, protocol.Close(), protocol.Closed)
        sample = sample_of(blocks)
        measured = Measurement(
            cell=self.cell,
            status=Status.MEASURED,
            readings=readings_of(self.model, Replies(opened, checked, blocks, closed, crowds), sample),
            sample=sample,
            warm_up=WarmUp(len(warm.wall_seconds), warm.seconds, warm.steady, warm.wall_seconds),
            provenance=_provenance(self.model, opened),
            placement=msgspec.convert(opened.placement, PlacementProof),
            conditions=(before, during, self.watch.condition(self.cell, "after")),
            notes=(*_notes(warm, checked, opened), *self._fewer_passes(checked)),
            stages=stages_of(self.model, blocks),
            quality=quality,
        )
        return self._limited(worker, measured, sum(checked.first_pass_seconds))

    def _limited(self, worker: Worker, measured: Measurement, pass_seconds: float) -> Measurement:
        """The measurement with the work of fp32, counted when the session is closed: what goes wrong costs no cell."""
        if self.cell.precision != _REFERENCE or not self.plan.rates_seconds:
            return measured
        most = self.plan.limit_seconds
        work = counted(worker, pass_seconds, most)
        rates = rates_of(worker, self.model.runtime, self.assignment, self.plan.rates_seconds, most)
        self.watch.rates(self.cell, rates)
        return replace(measured, work=work)

    def _checked(self, worker: Worker, opened: protocol.Opened) -> protocol.Checked:
        """The outputs of every example; of a precision too slow for that, with the factor against fp32."""
        try:
            return self._ask(worker, protocol.CheckOutputs(self.plan.limit_seconds), protocol.Checked)
        except _Told as told:
            match told.reply, self._patience:
                case protocol.CannotRun(Reason.TOO_SLOW, text), Patience() as patience:
                    slow = patience.slow(opened.first_whole_seconds or opened.first_inference_seconds, text)
                    raise _Told(protocol.CannotRun(Reason.TOO_SLOW, slow), told.last_words) from None
            raise

    def _least_passes(self, checked: protocol.Checked) -> int:
        seconds = checked.first_pass_seconds
        return passes_within(_MIN_PASSES, sum(seconds), len(seconds), self.plan.limit_seconds)

    def _fewer_passes(self, checked: protocol.Checked) -> tuple[str, ...]:
        """What a reader should know where one pass takes so long that fewer were made than usual."""
        least = self._least_passes(checked)
        if least == _MIN_PASSES:
            return ()
        one = f"one takes {span(sum(checked.first_pass_seconds))}, and --cell-limit is {span(self.plan.limit_seconds)}"
        return (f"timed in {least} pass{'es' if least > 1 else ''} instead of {_MIN_PASSES}: {one}",)

    def _crowds(self, worker: Worker, opened: protocol.Opened) -> Iterator[protocol.Crowded]:
        """Many requests at once, where what is measured is a service."""
        for at_once in opened.concurrency:
            request = protocol.Crowd(at_once, _CROWD_SHARE * self.plan.timing_seconds)
            yield self._ask(worker, request, protocol.Crowded)

    def _answers(self, worker: Worker) -> Quality | None:
        """Have the session that was timed give its outputs once more, to be kept; why not, where that fails."""
        if self.answers is None:
            return None
        limit = self.plan.limit_seconds
        reply = worker.ask(protocol.Answer(str(self.answers), self.keeps_recordings, limit), limit)
        match reply:
            case protocol.Broke(phase, text):
                return Quality(problem=f"{phase}: {text}")
            case protocol.CannotRun(reason, text):  # the exam may need what the workload does without
                return Quality(problem=f"{reason}: {text}")
            case _:
                assert isinstance(reply, protocol.Answered), reply
                return None

    def _blocks(self, worker: Worker, least: int) -> Iterator[protocol.Block]:
        """Whole passes until the time is spent, a block at a time, so that little is lost when something dies."""
        left, passes, inferences = self.plan.timing_seconds, 0, 0
        while passes < least or (left > 0 and inferences < _MAX_INFERENCES):
            most = max(1, _MAX_INFERENCES - inferences)
            request = protocol.Time(min(_BLOCK_SECONDS, max(left, 0.0)), 1, most)
            block = self._ask(worker, request, protocol.Block)
            self.watch.block(self.cell, block)
            yield block
            passes += block.passes
            inferences += len(block.wall_seconds)
            left -= sum(block.pass_seconds)

    def _worker(self) -> Worker:
        return self._heard(self.pool.worker())

    def _heard(self, worker: Worker) -> Worker:
        return worker.hear(lambda phase: self.watch.phase(self.cell, phase), self.watch.tick)

    def _answer(self, worker: Worker, request: protocol.Request) -> protocol.Reply:
        limits = self._patience.phase_limits if self._is_half and self._patience else NO_LIMITS
        reply = worker.ask(request, self.plan.limit_seconds, limits)
        if isinstance(reply, protocol.CannotRun | protocol.Broke):
            raise _Told(reply, worker.last_words())
        return reply

    def _ask(self, worker: Worker, request: protocol.Request, wanted: type[Answer]) -> Answer:
        reply = self._answer(worker, request)
        assert isinstance(reply, wanted), reply
        return reply


def _untold(cell: Cell, told: _Told) -> Measurement:
    match told.reply:
        case protocol.CannotRun(reason, text):
            return Measurement(cell, Status.UNSUPPORTED, reason=Reason(reason), text=text)
        case protocol.Broke(phase, text):
            return Measurement(cell, Status.FAILED, failure=Failure(phase, text, told.last_words))


def _too_slow(cell: Cell, text: str) -> Measurement:
    return Measurement(cell, Status.UNSUPPORTED, reason=Reason.TOO_SLOW, text=text)


def _provenance(model: Model, opened: protocol.Opened) -> Provenance:
    artifact = opened.artifact
    return Provenance(
        model=model.name,
        size=model.size,
        weights=artifact.weights,
        reference_digest=artifact.reference_digest,
        artifact_digest=artifact.digest,
        artifact_format=artifact.format,
        artifact_provenance=artifact.provenance,
        workload=opened.workload,
        workload_digest=opened.workload_digest,
        examples=opened.examples,
        calibration_digest=artifact.calibration_digest,
        converted_bytes=artifact.coverage.converted_bytes,
        weight_bytes=artifact.coverage.total_bytes,
        converted_count=artifact.coverage.converted_count,
        weight_count=artifact.coverage.total_count,
        count_by_dtype=opened.count_by_dtype,
        count_by_part=opened.count_by_part,
        left_unconverted=artifact.coverage.left,
        modules_converted=dict(artifact.coverage.modules_converted),
        modules_left=dict(artifact.coverage.modules_left),
    )


def _notes(warm: protocol.Warm, checked: protocol.Checked, opened: protocol.Opened) -> tuple[str, ...]:
    notes = []
    if not warm.steady:
        notes.append(f"no steady state within {len(warm.wall_seconds)} warm-up inferences")
    if checked.audio_note:
        notes.append(checked.audio_note)
    if opened.artifact.coverage.fraction < 1 and not opened.uncounted:
        notes.append(f"{opened.artifact.coverage.fraction:.0%} of the weight bytes converted")
    return tuple(notes)
