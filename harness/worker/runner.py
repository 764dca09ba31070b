"""Runs one example at a time on a session: makes its inputs, drives the model, times it, hears what comes.

Owns how an example is called, and by which clocks. What is run when, and what is kept of it, is the bench's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from harness.cells import Device
from harness.errors import WorkloadProblem
from harness.models import Arrays, Example, Model, once
from harness.probes.stopwatch import Lap, Playback, Stopwatch, StreamLap, play
from harness.runtimes import Served, Serving, Session
from harness.worker import protocol
from harness.worker.outputs import usable
from harness.worker.serving import UNCORRECTED, listened, serving


class Runner:
    """One session and the examples of one workload. `session` may be exchanged for one that was opened anew."""

    def __init__(
        self, model: Model, examples: Sequence[Example], session: Session, assignment: protocol.Assignment
    ) -> None:
        self.session = session
        self.device = Device.parse(assignment.device)
        self._model = model
        self._examples = examples
        self._keeps_inputs = not assignment.low_memory
        self._inputs: dict[int, Arrays] = {}
        self._calls_on_device: list[float | None] = []
        is_elsewhere = isinstance(session, Serving)
        alone = assignment.threads == 1 and self.device.kind == "cpu" and not is_elsewhere
        self.stopwatch = Stopwatch(corrected=alone)
        self.uncorrected = (
            "a chunk is timed by its arrival; the correction holds for whole calls"
            if model.streaming
            else UNCORRECTED
            if is_elsewhere
            else self.stopwatch.uncorrected
        )

    def load(self, index: int) -> Arrays:
        """The inputs of an example; kept for the next time unless memory is short."""
        if index in self._inputs:
            return self._inputs[index]
        example = self._examples[index]
        try:
            inputs = example.load()
        except Exception as error:
            raise WorkloadProblem(
                f"example {example.id!r} cannot be made: {type(error).__name__}: {error}; mend the workload"
            ) from error
        if self._keeps_inputs:
            self._inputs[index] = inputs
        return inputs

    def given(self, index: int) -> Sequence[Arrays]:
        """What comes out of a timed example."""
        chunks = tuple(self._model.drive(self.session.call, self.load(index)))
        return usable(chunks, self._examples[index].id)

    def whole(self, index: int) -> Lap:
        """Time an example from its beginning to its end."""
        return self.stopwatch.time(self.work(self.load(index)))

    def stream(self, index: int, *, keep: bool = False) -> StreamLap:
        """Time an example chunk by chunk; with `keep` the chunks come back."""
        inputs = self.load(index)
        return self.stopwatch.stream(lambda: self._model.drive(self.session.call, inputs), keep=keep)

    def work(self, inputs: Arrays) -> Callable[[], object]:
        """One example as a call; a single call of the model is timed without a generator around it."""
        call, drive = self.session.call, self._model.drive
        if drive is once:
            return lambda: call(inputs)
        if self.device.kind == "cpu":
            return lambda: deque(drive(call, inputs), maxlen=0)
        self._calls_on_device = []

        def every_call() -> None:
            self._calls_on_device.clear()
            deque(drive(self._call_on_device, inputs), maxlen=0)

        return every_call

    def _call_on_device(self, inputs: Arrays) -> Arrays:
        outputs = self.session.call(inputs)
        self._calls_on_device.append(self.session.device_seconds())
        return outputs

    def device_seconds(self) -> float | None:
        """Time of the last example on the device: of all its calls, since a session knows only the last of them."""
        if self._model.drive is once:
            return self.session.device_seconds()
        known = [seconds for seconds in self._calls_on_device if seconds is not None]
        return sum(known) if known and len(known) == len(self._calls_on_device) else None

    def served(self) -> Served | None:
        """What a client noticed of the last request, where an inference is a request to a service."""
        service = serving(self.session, self._model)
        return service.served() if service else None

    def hear(self, lap: StreamLap) -> Playback | None:
        """What a listener hears of an example, where audio is promised."""
        audio = self._model.audio
        if audio is None:
            return None
        if served := self.served():
            return listened(served, audio)
        sounding = [
            (at, chunk[audio.output])
            for at, chunk in zip(lap.arrival_seconds, lap.chunks, strict=True)
            if audio.output in chunk
        ]
        if not sounding:
            return None
        return play([at for at, _ in sounding], [sound for _, sound in sounding], audio.sample_rate)
