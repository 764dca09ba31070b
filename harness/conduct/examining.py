"""Has the outputs of cells kept by the sessions that gave them, and scored beside fp32 in processes of their own.

Knows one side of a comparison; decides nothing, and computes nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import msgspec

from harness.cells import Cell
from harness.models import Model
from harness.quality.metric import Kind, kinds_of
from harness.results import Failure, Measurement, Phase, Status
from harness.scores import Quality, Sensitivity
from harness.worker import protocol
from harness.worker.answers import INDEX_FILE, kept
from harness.worker.link import Worker, WorkerLost

Answer = TypeVar("Answer", bound=protocol.Message)

OUTPUTS_FOLDER = "outputs"
REFERENCE_PRECISION, REFERENCE_DEVICE = "fp32", "cpu"
_REFERENCE = f"{REFERENCE_PRECISION} on {REFERENCE_DEVICE}"


class Unanswered(Exception):
    """No outputs, or no scores, could be had; the text says why."""


@dataclass(slots=True)
class Examiner:
    """One side's outputs. `assignment` is what its workers host; `start` starts one of them, `score` one that scores.

    `hear` lets a worker's phases and ticks be heard for a cell.
    """

    folder: Path
    assignment: Callable[[Cell], protocol.Assignment]
    start: Callable[[], Worker]
    score: Callable[[], Worker]
    hear: Callable[[Worker, Cell], Worker]
    limit_seconds: float
    _checked: dict[Kind, dict[str, str]] = field(default_factory=dict)
    _unreferenced: dict[str, str] = field(default_factory=dict)

    def place(self, cell: Cell) -> Path:
        """Where the outputs of a cell are kept."""
        return self.folder.joinpath(*(quote(part, safe=":") for part in (cell.model, cell.precision, cell.device)))

    def examined(self, model: Model, measurement: Measurement) -> Measurement:
        """The measurement with what its outputs are worth. Wrong outputs make it a failed one, its numbers kept."""
        if measurement.quality is not None:  # its outputs could not be kept
            return measurement
        quality = self.quality(model, measurement.cell)
        if quality.wrong is None:
            return replace(measurement, quality=quality)
        failure = Failure(Phase.QUALITY, f"the outputs are wrong: {quality.wrong}")
        return replace(measurement, quality=quality, status=Status.FAILED, failure=failure)

    def quality(self, model: Model, cell: Cell, beside: Path | None = None) -> Quality:
        """What the outputs of a cell are worth beside fp32's (or beside those of a folder)."""
        try:
            reference, problem = self._reference(model, cell) if beside is None else (beside, "")
            return self._scored(model, cell, self.place(cell), reference, problem)
        except Unanswered as unanswered:
            return Quality(problem=str(unanswered))

    def gives_as(self, cell: Cell, other: Examiner) -> bool:
        """Whether a cell and its fp32 give here what they give on another side, bit for bit."""
        places = ((self.place(cell), other.place(cell)), (self.reference_place(cell), other.reference_place(cell)))
        pairs = [(_digests(ours), _digests(theirs)) for ours, theirs in places]
        return all(ours is not None and ours == theirs for ours, theirs in pairs)

    def sensitivity(self, model: Model, cell: Cell, options: Mapping[str, Mapping[str, str]]) -> Iterable[Sensitivity]:
        """What other session options do to the outputs of the same artifact."""
        for name, given in options.items():
            own = self.assignment(cell)
            other = msgspec.structs.replace(own, session_options={**own.session_options, **given})
            place = self.place(cell).with_name(f"{self.place(cell).name}~{quote(name)}")
            try:
                self._answer(cell, other, place)
                found = self._scored(model, cell, place, self.place(cell))
            except Unanswered as unanswered:
                yield Sensitivity(name, 0, 0, 0.0, problem=str(unanswered))
            else:
                yield _sensitivity(name, found)

    def reference_place(self, cell: Cell) -> Path:
        """Where the outputs of a cell's fp32 are kept."""
        return self.place(Cell(cell.model, REFERENCE_PRECISION, REFERENCE_DEVICE))

    def has_reference(self, model: Model, cell: Cell) -> bool:
        """Whether fp32's outputs are there, or can be made."""
        return self._reference(model, cell)[0] is not None

    def ensure(self, cell: Cell) -> None:
        """Have the outputs of a cell kept, where no measuring has done so."""
        if not (self.place(cell) / INDEX_FILE).exists():
            self._answer(cell, self.assignment(cell), self.place(cell))

    def _reference(self, model: Model, cell: Cell) -> tuple[Path | None, str]:
        """Where fp32's outputs are, and why there are none; made where nobody has."""
        reference = Cell(cell.model, REFERENCE_PRECISION, REFERENCE_DEVICE)
        if REFERENCE_PRECISION not in model.precisions:
            return None, f"the model has no {REFERENCE_PRECISION}"
        if cell.model not in self._unreferenced:
            try:
                self.ensure(reference)
            except Unanswered as unanswered:
                self._unreferenced[cell.model] = f"{_REFERENCE} gave nothing: {unanswered}"
        problem = self._unreferenced.get(cell.model, "")
        return None if problem else self.place(reference), problem

    def _scored(self, model: Model, cell: Cell, place: Path, reference: Path | None, problem: str = "") -> Quality:
        untrusted = self._untrusted(model, cell)
        request = protocol.Score(
            self.assignment(cell), str(place), str(reference) if reference else None, _REFERENCE, problem, untrusted
        )
        with self.hear(self.score(), cell) as worker:
            return self._ask(worker, request, protocol.Scored).quality

    def _untrusted(self, model: Model, cell: Cell) -> dict[str, str]:
        """The metrics that failed their self-check here; each kind checks itself once a run."""
        kinds = kinds_of(model)
        for kind in kinds:
            if kind not in self._checked:
                with self.hear(self.score(), cell) as worker:
                    told = self._ask(worker, protocol.SelfCheck((kind,)), protocol.SelfChecked)
                self._checked[kind] = told.failed
        return {name: why for kind in kinds for name, why in self._checked[kind].items()}

    def _answer(self, cell: Cell, assignment: protocol.Assignment, place: Path) -> None:
        """Open, answer, close: nothing is timed."""
        for _ in range(2):
            with self.hear(self.start(), cell) as worker:
                opened = self._any(worker, protocol.Open(assignment))
                if not isinstance(opened, protocol.NeedsConversion):
                    self._ask(worker, protocol.Answer(str(place)), protocol.Answered)
                    return
            with self.hear(self.start(), cell) as worker:
                self._ask(worker, protocol.Convert(assignment), protocol.Converted)
        raise Unanswered("its artifact is not found each time it is made; make its reference the same every time")

    def _ask(self, worker: Worker, request: protocol.Request, wanted: type[Answer]) -> Answer:
        reply = self._any(worker, request)
        assert isinstance(reply, wanted), reply
        return reply

    def _any(self, worker: Worker, request: protocol.Request) -> protocol.Reply:
        try:
            reply = worker.ask(request, self.limit_seconds)
        except WorkerLost as lost:
            raise Unanswered(f"{lost.phase}: {lost.text}") from lost
        match reply:
            case protocol.CannotRun(reason, text):
                raise Unanswered(f"{reason}: {text}")
            case protocol.Broke(phase, text):
                raise Unanswered(f"{phase}: {text}")
            case _:
                return reply


def _digests(place: Path) -> tuple[str, str] | None:
    """What is kept in a folder, by content."""
    found = kept(place)
    return None if found is None else (found.answered.outputs_digest, found.answered.exam_outputs_digest)


def _sensitivity(name: str, found: Quality) -> Sensitivity:
    """The finding, out of the scores of the outputs under other options beside those under the usual ones."""
    largest = found.score("largest_difference")
    difference = largest.value or 0.0 if largest else 0.0
    frames = found.score("frame_agreement")
    if frames is not None and frames.value is not None:
        counted = [terms for terms in frames.terms if terms is not None]
        of = sum(terms[1] for terms in counted)
        return Sensitivity(name, round(of - sum(terms[0] for terms in counted)), round(of), difference)
    return Sensitivity(name, len(found.flipped), found.decisions, difference, found.flipped)
