"""One arm of one cell, hosted in this process: answers the parent's requests in the order of a measurement."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from harness.cells import Device, Reason, Unsupported
from harness.errors import HarnessError
from harness.models import Artifact
from harness.phases import Fact, Phase
from harness.probes.memory import PeakMeter
from harness.runtimes import RUNTIMES, Runtime, Serving, Session, Tuning
from harness.runtimes.rates import MeasuresRates
from harness.worker import protocol
from harness.worker.assigned import Assigned, described
from harness.worker.bench import Bench, peak_of
from harness.worker.serving import weighed
from harness.worker.sets import workload_digest
from harness.worker.trees import declared_models, refuse_modules_of


class Arm:
    """Hosts nothing until it is told to open; then answers until it is told to close."""

    def __init__(self, enter: Callable[[Phase], None]) -> None:
        self._enter = enter
        self._assigned: Assigned | None = None
        self._bench: Bench | None = None

    def answer(self, request: protocol.Request) -> protocol.Reply:  # noqa: C901, PLR0912 - one case a kind of request
        """Do what is asked."""
        match request:
            case protocol.Hello():
                return protocol.Ready()
            case protocol.Check():
                return _check(request)
            case protocol.Declare():
                return declared_models(request)
            case protocol.Inspect():
                self._enter(Phase.REFERENCE)
                from harness.bring.reading import inspected

                return protocol.Inspected(*inspected(Path(request.path), [Path(one) for one in request.inputs]))
            case protocol.Convert(assignment):
                self._enter(Phase.CONVERT)
                converted = protocol.Converted(Assigned(assignment).convert().conversion_seconds)
                refuse_modules_of(assignment.shunned)
                return converted
            case protocol.Open(assignment):
                return self._open(assignment)
            case protocol.CheckOutputs(max_seconds):
                self._enter(Phase.OUTPUTS)
                return self._loaded.check_outputs(max_seconds)
            case protocol.WarmUp(max_seconds):
                self._enter(Phase.WARM_UP)
                return self._loaded.warm_up(max_seconds)
            case protocol.Time():
                self._enter(Phase.TIMING)
                return self._loaded.time(request)
            case protocol.Crowd():
                self._enter(Phase.TIMING)
                return self._loaded.crowd(request)
            case protocol.Lap():
                return self._loaded.lap(request)
            case protocol.Rebuild(padding_bytes):
                return self._loaded.rebuild(padding_bytes)
            case protocol.Answer(folder, is_for_people, max_seconds):
                self._enter(Phase.ANSWERS)
                assert self._assigned is not None
                exam, problem = self._assigned.sets.exam_if_possible()
                if exam is not None and (problem := self._loaded.too_long(exam, max_seconds)):
                    exam = None
                return self._loaded.answer(Path(folder), exam, problem, is_for_people=is_for_people)
            case protocol.Close():
                self._enter(Phase.CLOSE)
                return self._loaded.close()
            case protocol.CountWork():
                self._enter(Phase.LIMIT)
                return self._loaded.count_work()
            case protocol.MeasureRates(seconds):
                self._enter(Phase.LIMIT)
                return self._rates(seconds)
            case protocol.Score():
                self._enter(Phase.QUALITY)
                from harness.worker.scoring import scored

                return protocol.Scored(scored(request))
            case protocol.SelfCheck(kinds):
                self._enter(Phase.QUALITY)
                from harness.worker.scoring import self_checked

                return self_checked(kinds)

    def _rates(self, seconds: float) -> protocol.Rated:
        assert self._assigned is not None
        assignment = self._assigned.assignment
        runtime, _ = _import(self._assigned.model.runtime)
        if not isinstance(runtime, MeasuresRates):
            raise HarnessError(f"{runtime.name} does not say how fast it is at its best")
        tuning = Tuning(assignment.threads, assignment.engine)
        return protocol.Rated(runtime.rates(Device.parse(assignment.device), tuning, seconds))

    @property
    def _loaded(self) -> Bench:
        if self._bench is None:
            raise HarnessError("nothing is open in this worker; this is a defect of Quantgate")
        return self._bench

    def _open(self, assignment: protocol.Assignment) -> protocol.Reply:
        """Load the model the way an application would, and run it once: each step timed and weighed by itself."""
        if assignment.cores:
            os.sched_setaffinity(0, assignment.cores)
        self._enter(Phase.REFERENCE)
        assigned = self._assigned = Assigned(assignment)
        artifact = assigned.find()
        if artifact is None:
            return protocol.NeedsConversion()
        device = Device.parse(assignment.device)
        tuning = Tuning(assignment.threads, assignment.engine, assignment.session_options, assignment.seed)
        peaks = PeakMeter()

        self._enter(Phase.IMPORT)
        # Before anything of the workload is made: that may import numpy, which belongs to a runtime's cold import.
        runtime, import_seconds = _import(assigned.model.runtime)
        workload = assigned.sets.workload()

        self._enter(Phase.OPEN)
        with peaks.phase() as loading:
            start = time.perf_counter()
            session = runtime.open(artifact, device, tuning)
            open_seconds = time.perf_counter() - start

        def reopen() -> Session:
            return runtime.open(artifact, device, tuning)

        load_peak, peaks = weighed(session, peak_of(loading.peak), peaks)

        self._enter(Phase.PLACEMENT)
        placement = _proven(session, assignment.device)

        self._bench = Bench(assigned.model, workload, session, peaks, assignment, reopen)
        # Apart from the inference, which must not take long: what makes an example may import or read a lot.
        self._enter(Phase.INPUTS)
        self._bench.load(0)

        self._enter(Phase.FIRST)
        begun = time.monotonic_ns()
        with peaks.phase() as first:
            first_seconds = self._bench.first_inference()
            whole_seconds = (time.monotonic_ns() - begun) / 1e9

        refuse_modules_of(assignment.shunned)
        contents = session.contents()
        return protocol.Opened(
            artifact=_artifacts(assigned, artifact),
            workload=workload.name,
            workload_digest=workload_digest(workload),
            examples=len(workload.examples),
            import_seconds=import_seconds,
            open_seconds=open_seconds,
            first_inference_seconds=first_seconds,
            load_peak=load_peak,
            first_peak=peak_of(first.peak),
            placement=placement,
            parameter_count=contents.parameter_count,
            count_by_dtype=dict(contents.count_by_dtype),
            count_by_part=dict(contents.count_by_part),
            versions={name: _plain(fact) for name, fact in runtime.versions().items()},
            first_inference_clock_ns=begun,
            uncounted=contents.uncounted,
            concurrency=session.concurrency if isinstance(session, Serving) else (),
            first_whole_seconds=whole_seconds,
        )


def _plain(fact: object) -> Fact:
    """A fact as a record can hold it; libraries have version types of their own."""
    return fact if fact is None or isinstance(fact, bool | int | float) else str(fact)


def _check(request: protocol.Check) -> protocol.Reply:
    runtime, _ = _import(request.runtime)
    runtime.check(Device.parse(request.device), request.precision, Tuning(engine=request.engine))
    return protocol.CheckPassed()


def _import(name: str) -> tuple[Runtime, float]:
    if name not in RUNTIMES:
        raise HarnessError(f"there is no runtime {name!r}; choose {', '.join(RUNTIMES)}")
    start = time.perf_counter()
    try:
        runtime = RUNTIMES[name]()
        runtime.load_library()
    except ImportError as error:
        raise Unsupported(Reason.NO_PACKAGE, f'{error}: pip install "quantgate[{name}]"') from error
    return runtime, time.perf_counter() - start


def _proven(session: Session, device: str) -> dict[str, object]:
    """Where the compute is; an error where that is not where it should be."""
    found = session.placement()
    if found.astray:
        shown = ", ".join(found.astray[:8])
        more = f" and {len(found.astray) - 8} more" if len(found.astray) > 8 else ""
        raise HarnessError(f"not on {device} as asked: {shown}{more}; a number of this cell would be of another device")
    return {"device": found.device, "by_provider": dict(found.by_provider), "astray": list(found.astray)}


def _artifacts(assigned: Assigned, artifact: Artifact) -> protocol.Artifacts:
    return protocol.Artifacts(
        reference_digest=assigned.key.reference,
        digest=artifact.digest,
        format=artifact.format,
        weights=described(assigned.model, assigned.reference),
        provenance=assigned.made_how,
        size_bytes=artifact.size_bytes,
        coverage=artifact.coverage,
        conversion_seconds=artifact.conversion_seconds,
        calibration_digest=assigned.calibration_digest,
    )
