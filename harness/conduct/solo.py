"""Measures one arm of one cell in a fresh worker process, and tells of it as it goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from harness.cells import Cell, Reason
from harness.conduct.readings import Replies, readings_of, sample_of
from harness.models import Model
from harness.results import (
    Condition,
    Failure,
    Measurement,
    Phase,
    PlacementProof,
    Provenance,
    Status,
    WarmUp,
)
from harness.worker import protocol
from harness.worker.link import Worker, WorkerLost

Answer = TypeVar("Answer", bound=protocol.Message)

_WARM_UP_SHARE = 0.5
_MIN_PASSES = 3
_MAX_PASSES = 2_000
_BLOCK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How long a cell may take. `limit_seconds` holds for each step: nothing is waited for longer."""

    timing_seconds: float
    limit_seconds: float


class Watch(Protocol):
    """Who hears of a cell while it is measured."""

    def phase(self, cell: Cell, phase: Phase) -> None:
        """The worker goes on to something else."""

    def block(self, cell: Cell, block: protocol.Block) -> None:
        """A block has been timed."""

    def tick(self) -> None:
        """About a second has passed."""

    def condition(self, when: str) -> Condition:
        """How the machine is now."""


class _Told(Exception):
    """The worker's reply ends the measuring: it cannot, or something broke."""

    def __init__(self, reply: protocol.CannotRun | protocol.Broke, last_words: str) -> None:
        super().__init__(reply)
        self.reply = reply
        self.last_words = last_words


def measure(
    model: Model,
    cell: Cell,
    assignment: protocol.Assignment,
    environment: Mapping[str, str],
    plan: Plan,
    watch: Watch,
) -> Measurement:
    """Measure a cell. Whatever happens to the worker, a measurement comes back."""
    start = time.monotonic()
    try:
        measured = _measure(model, cell, assignment, environment, plan, watch)
    except _Told as told:
        measured = _untold(cell, told)
    except WorkerLost as lost:
        failure = Failure(lost.phase, lost.text, lost.last_words)
        measured = Measurement(cell, Status.FAILED, failure=failure)
    return replace(measured, seconds_spent=time.monotonic() - start)


def _measure(
    model: Model,
    cell: Cell,
    assignment: protocol.Assignment,
    environment: Mapping[str, str],
    plan: Plan,
    watch: Watch,
) -> Measurement:
    hear = _hearing(cell, watch)
    limit = plan.limit_seconds
    before = watch.condition("before")
    with Worker(environment, **hear) as worker:
        opened = _answer(worker, protocol.Open(assignment), limit)
        if isinstance(opened, protocol.Opened):
            return _time(model, cell, worker, opened, plan, watch, before)
        assert isinstance(opened, protocol.NeedsConversion), opened
    with Worker(environment, **hear) as converter:
        _ask(converter, protocol.Convert(assignment), protocol.Converted, limit)
    with Worker(environment, **hear) as worker:
        opened = _ask(worker, protocol.Open(assignment), protocol.Opened, limit)
        return _time(model, cell, worker, opened, plan, watch, before)


def _time(
    model: Model,
    cell: Cell,
    worker: Worker,
    opened: protocol.Opened,
    plan: Plan,
    watch: Watch,
    before: Condition,
) -> Measurement:
    limit = plan.limit_seconds
    checked = _ask(worker, protocol.CheckOutputs(), protocol.Checked, limit)
    warm = _ask(worker, protocol.WarmUp(_WARM_UP_SHARE * plan.timing_seconds), protocol.Warm, limit)
    blocks: list[protocol.Block] = []
    left, passes = plan.timing_seconds, 0
    while passes < _MIN_PASSES or (left > 0 and passes < _MAX_PASSES):
        request = protocol.Time(min(_BLOCK_SECONDS, max(left, 0.0)), 1, _MAX_PASSES - passes)
        block = _ask(worker, request, protocol.Block, limit)
        watch.block(cell, block)
        blocks.append(block)
        passes += block.passes
        left -= sum(block.pass_seconds)
    during = watch.condition("during")
    closed = _ask(worker, protocol.Close(), protocol.Closed, limit)
    replies = Replies(opened, checked, tuple(blocks), closed)
    sample = sample_of(blocks)
    return Measurement(
        cell=cell,
        status=Status.MEASURED,
        readings=readings_of(model, replies, sample),
        sample=sample,
        warm_up=WarmUp(len(warm.wall_seconds), warm.seconds, warm.steady, warm.wall_seconds),
        provenance=_provenance(model, opened),
        placement=PlacementProof(**opened.placement),
        conditions=(before, during, watch.condition("after")),
        notes=_notes(warm, checked, opened),
    )


def _answer(worker: Worker, request: protocol.Request, limit: float) -> protocol.Reply:
    reply = worker.ask(request, limit)
    if isinstance(reply, protocol.CannotRun | protocol.Broke):
        raise _Told(reply, worker.last_words())
    return reply


def _ask(worker: Worker, request: protocol.Request, wanted: type[Answer], limit: float) -> Answer:
    reply = _answer(worker, request, limit)
    assert isinstance(reply, wanted), reply
    return reply


def _untold(cell: Cell, told: _Told) -> Measurement:
    match told.reply:
        case protocol.CannotRun(reason, text):
            return Measurement(cell, Status.UNSUPPORTED, reason=Reason(reason), text=text)
        case protocol.Broke(phase, text):
            return Measurement(cell, Status.FAILED, failure=Failure(phase, text, told.last_words))


def _hearing(cell: Cell, watch: Watch) -> dict[str, Callable[..., None]]:
    return {"on_phase": lambda phase: watch.phase(cell, phase), "on_tick": watch.tick}


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
        left_unconverted=artifact.coverage.left,
    )


def _notes(warm: protocol.Warm, checked: protocol.Checked, opened: protocol.Opened) -> tuple[str, ...]:
    notes = []
    if not warm.steady:
        notes.append(f"no steady state within {len(warm.wall_seconds)} warm-up inferences")
    if checked.audio_note:
        notes.append(checked.audio_note)
    if opened.artifact.coverage.fraction < 1:
        notes.append(f"{opened.artifact.coverage.fraction:.0%} of the weight bytes converted")
    return tuple(notes)
