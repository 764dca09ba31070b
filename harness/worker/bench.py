"""A loaded model and its workload: looks at the outputs, warms up, times, counts. How an example is run: `runner`."""

from __future__ import annotations

import gc
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import WorkloadProblem
from harness.limits import Work
from harness.models import Arrays, GivesTokens, Model, Workload
from harness.probes import Unavailable
from harness.probes.memory import Peak, PeakMeter
from harness.probes.stopwatch import Lap, Playback, StreamLap, quiet_collector
from harness.runtimes import Serving, Session
from harness.runtimes.work import CountsWork, Drive
from harness.scores import Part
from harness.worker import protocol
from harness.worker.answers import clear, digest_of, joined, keep, keep_part, outputs_digest
from harness.worker.outputs import Made, made_of, no_output, usable
from harness.worker.pace import exam_too_long, refuse_hopeless
from harness.worker.record import Record, all_or_none
from harness.worker.runner import Runner
from harness.worker.serving import crowded, listened

if TYPE_CHECKING:
    from harness.worker.counters import DeviceCounters

_MOST_WARM_UP_INFERENCES = 300


class Bench:
    """Runs the examples of one workload on one session."""

    def __init__(
        self,
        model: Model,
        workload: Workload,
        session: Session,
        peaks: PeakMeter,
        assignment: protocol.Assignment,
        reopen: Callable[[], Session],
    ) -> None:
        self._model = model
        self._workload = workload
        self._examples = workload.examples
        self._runner = Runner(model, workload.examples, session, assignment)
        self._reopen = reopen
        self._padding = b""
        self._quiet = ExitStack()
        self._peaks = peaks
        self._steady: protocol.Peak | None = None
        self._closed: protocol.Closed | None = None
        self._seen: list[bytes] = []
        self._made: dict[int, Made] = {}
        self._makes = model.audio is not None or any(isinstance(one, GivesTokens) for one in model.meanings)
        self._first_pass: list[float] = []
        self._leading_silence: list[float | None] = []
        self._timing = False
        self._counters: DeviceCounters | None = None

    def load(self, index: int) -> None:
        """Make the inputs of an example beforehand."""
        self._runner.load(index)

    def first_inference(self) -> float:
        """Run the first example once, cold. Of a stream, the time to its first chunk."""
        lap = self._runner.stream(0)
        if not lap.chunk_seconds:
            raise no_output(self._examples[0].id)
        return lap.wall_seconds if self._model.stages else lap.chunk_seconds[0]

    def check_outputs(self, max_seconds: float | None = None) -> protocol.Checked:
        """Run every example once and look: finite numbers, and audio where audio is promised."""
        heard: list[Playback | None] = []
        chunks: list[int] = []
        tokens = 0
        self._first_pass.clear()
        self._seen.clear()
        for index, example in enumerate(self._examples):
            lap = self._runner.stream(index, keep=True)
            usable(lap.chunks, example.id)
            self._refuse_other_stages(lap, example.id)
            self._seen.append(outputs_digest(joined(lap.chunks)))
            tokens += made_of(self._model, lap.chunks).tokens or 0
            self._first_pass.append(lap.wall_seconds)
            refuse_hopeless(sum(self._first_pass), index + 1, len(self._examples), max_seconds)
            chunks.append(len(lap.chunks))
            heard.append(self._runner.hear(lap))
        played = [None if one is None else one.first_audible_seconds for one in heard]
        self._leading_silence = [
            None if audible is None else audible - lap for audible, lap in zip(played, self._first_pass, strict=True)
        ]
        made = [None if one is None else one.audio_seconds for one in heard]
        given = [example.audio_seconds for example in self._examples]
        silent = [
            example.id for example, one, at in zip(self._examples, heard, played, strict=True) if one and at is None
        ]
        return protocol.Checked(
            first_pass_seconds=tuple(self._first_pass),
            audio_seconds=tuple(made if self._model.audio else given),
            first_audible_seconds=tuple(played),
            chunks=tuple(chunks),
            audio_note=f"no audible sample in {', '.join(silent)}" if silent else None,
            tokens=tokens or None,
        )

    def warm_up(self, max_seconds: float) -> protocol.Warm:
        """Run the examples in turn until the curve is flat. Each is compared with its own second pass.

        The first pass, of `check_outputs`, paid for what a new shape costs once; it compares with nothing. Where a pass
        is longer than the warm-up may be, it has to do.
        """
        # Not above: nothing that the first inference can do without is imported before it.
        from harness.stats.warmup import Progress, WarmUpRule, WarmUpWatch

        usual, laps = self._first_pass, list[float]()
        if sum(usual) < max_seconds:
            usual = [self._runner.whole(index).wall_seconds for index in range(len(self._examples))]
            laps.extend(usual)
        watch = WarmUpWatch(WarmUpRule(most_inferences=_MOST_WARM_UP_INFERENCES, most_seconds=max_seconds))
        while watch.progress is Progress.GO_ON:
            index = watch.inferences % len(self._examples)
            wall = self._runner.whole(index).wall_seconds
            watch.feed(wall / usual[index], wall)
            laps.append(wall)
        return protocol.Warm(tuple(laps), watch.progress is Progress.STEADY, sum(laps))

    def time(self, request: protocol.Time) -> protocol.Block:
        """Time whole passes, so that every example has the same weight."""
        self._begin()
        record = Record()
        spent = 0.0
        with quiet_collector():
            while len(record.pass_seconds) < request.min_passes or (
                spent < request.seconds and len(record.wall) < request.max_inferences
            ):
                seconds = sum(self._timed(index, record) for index in range(len(self._examples)))
                record.pass_seconds.append(seconds)
                spent += seconds
        return record.block(self._runner.uncorrected)

    def crowd(self, request: protocol.Crowd) -> protocol.Crowded:
        """Have a service answer many requests at once; the peaks of the timing are taken before."""
        self._end_counting()
        inputs = [self._runner.load(index) for index in range(len(self._examples))]
        return crowded(self._runner.session, inputs, request)

    def lap(self, request: protocol.Lap) -> protocol.Laps:
        """Time one example as a whole until the seconds are spent, once at least."""
        if not self._timing:
            self._begin()
            # For the whole of a duel: a collection a block would be work that only Quantgate makes.
            self._quiet.enter_context(quiet_collector())
        made = self._made_by(request.example)
        work = self._runner.work(self._runner.load(request.example))
        for _ in range(request.discard):
            work()
        laps: list[Lap] = []
        device: list[float | None] = []
        spent = 0.0
        cpu = time.process_time_ns()
        while not laps or spent < request.seconds:
            laps.append(self._runner.stopwatch.time(work))
            device.append(self._runner.device_seconds())
            spent += laps[-1].wall_seconds
        cpu = time.process_time_ns() - cpu
        return protocol.Laps(
            wall_seconds=tuple(lap.wall_seconds for lap in laps),
            corrected_seconds=all_or_none([lap.corrected_seconds for lap in laps]),
            device_seconds=all_or_none(device),
            cpu_seconds=None if isinstance(self._runner.session, Serving) else cpu / 1e9,
            audio_seconds=made.audio_seconds,
            tokens=made.tokens,
        )

    def _made_by(self, index: int) -> Made:
        """What an example makes; it is run once for that, before it is timed for the first time."""
        if index not in self._made:
            self._made[index] = made_of(self._model, self._runner.given(index)) if self._makes else Made()
        return self._made[index]

    def rebuild(self, padding_bytes: int) -> protocol.Rebuilt:
        """Open the model anew, elsewhere in memory. The steady peak is that of the session before the first time."""
        if self._timing and self._steady is None:
            self._steady = peak_of(self._peaks.stop())
        start = time.perf_counter()
        self._runner.session.close()
        gc.collect()
        self._padding = bytes(padding_bytes)
        self._runner.session = self._reopen()
        return protocol.Rebuilt(time.perf_counter() - start)

    def answer(
        self, folder: Path, exam: Workload | None, exam_problem: str = "", *, is_for_people: bool = False
    ) -> protocol.Answered:
        """Keep what comes out, of the examples that were timed and of the exam. Nothing of it counts as the model's."""
        start = time.perf_counter()
        self._end_counting()
        clear(folder)
        audio = self._model.audio if is_for_people else None
        timed, digest = keep_part(folder, Part.TIMED, self._workload, self._runner.given, may_fail=False, audio=audio)
        examined, exam_digest = None, ""
        if exam is not None:
            if self._model.exam_draws:
                self._runner.session.close()
                self._runner.session = self._reopen()
            examined, exam_digest = keep_part(
                folder, Part.EXAM, exam, lambda index: self._examined(exam, index), may_fail=True, audio=audio
            )
        steady = not self._seen or digest == digest_of(self._seen)
        seconds = time.perf_counter() - start
        return keep(folder, protocol.Answered(digest, exam_digest, steady, timed, examined, seconds, exam_problem))

    def too_long(self, exam: Workload, max_seconds: float | None) -> str:
        """Why there is no time for an exam at the pace of the examples that were timed; empty where there is."""
        timed = len(self._first_pass)
        return exam_too_long(sum(self._first_pass) / timed, timed, len(exam.examples), max_seconds) if timed else ""

    def _examined(self, exam: Workload, index: int) -> Sequence[Arrays]:
        """What comes out of an example of the exam."""
        drive = self._model.exam_drive or self._model.drive
        example = exam.examples[index]
        return usable(tuple(drive(self._runner.session.call, example.load())), example.id)

    def close(self) -> protocol.Closed:
        """Give the peaks and counters of the timing, and let the session go."""
        closed = self._end_counting()
        self._quiet.close()
        self._runner.stopwatch.close()
        self._runner.session.close()
        return closed

    def count_work(self) -> protocol.Counted:
        """What a pass does at least, counted on a session of its own. Why not, where this kind cannot be watched."""
        if not isinstance(self._runner.session, CountsWork):
            why = f"{self._model.runtime} does not show what is computed"
            return protocol.Counted(Work(self._model.runtime, unavailable=why))
        session = self._reopen()
        try:
            assert isinstance(session, CountsWork)
            drives = [self._driven_by(index) for index in range(len(self._examples))]
            return protocol.Counted(Work(self._model.runtime, session.work_of(drives)))
        finally:
            session.close()

    def _driven_by(self, index: int) -> Drive:
        return lambda call: deque(self._model.drive(call, self._runner.load(index)), maxlen=0)

    def _end_counting(self) -> protocol.Closed:
        """The peaks and counters as they stood when the timing was over."""
        if self._closed is None:
            if self._steady is None:
                self._steady = peak_of(self._peaks.stop() if self._timing else Unavailable("nothing was timed"))
            self._closed = self._counting.closed(self._steady, self._runner.session.device_memory())
        return self._closed

    def _begin(self) -> None:
        """Start to count, at the first timed inference."""
        if not self._timing:
            self._timing = True
            self._counting.start(self._runner.session.device_memory())
            self._runner.session.reset_device_memory()
            self._peaks.start()

    @property
    def _counting(self) -> DeviceCounters:
        """The counters, opened when they are first needed."""
        if self._counters is None:
            from harness.worker.counters import DeviceCounters

            self._counters = DeviceCounters(self._runner.device)
        return self._counters

    def _timed(self, index: int, record: Record) -> float:
        """Time one example, note what was seen of it, return its seconds."""
        name = self._examples[index].id
        if self._model.streaming:
            lap = self._runner.stream(index, keep=self._model.audio is not None)
            record.add_stream(name, lap, self._runner.hear(lap))
            return lap.wall_seconds
        if self._model.stages:
            lap = self._runner.stream(index)
            silence = self._leading_silence[index]
            record.add_stages(name, lap, None if silence is None else lap.wall_seconds + silence)
            return lap.wall_seconds
        wall, corrected = self._runner.whole(index)
        if served := self._runner.served():
            heard = listened(served, self._model.audio).first_audible_seconds if self._model.audio else None
            record.add_served(name, wall, served.first_byte_seconds, heard)
            return wall
        silence = self._leading_silence[index]
        record.add(name, wall, corrected, self._runner.device_seconds(), None if silence is None else wall + silence)
        return wall

    def _refuse_other_stages(self, lap: StreamLap, example: str) -> None:
        """Stages that a drive leaves out would lend their names to others."""
        stages = self._model.stages
        if stages and len(lap.chunks) != len(stages):
            raise WorkloadProblem(
                f"example {example!r} gave {len(lap.chunks)} outputs for the stages {', '.join(stages)};"
                " have the drive function yield one a stage"
            )


def peak_of(found: Peak | Unavailable) -> protocol.Peak:
    """A phase's peak as it is told to the parent."""
    match found:
        case Unavailable(why):
            return protocol.Peak(unavailable=why)
        case Peak():
            return protocol.Peak(found.start_bytes, found.peak_bytes, note=found.note)
