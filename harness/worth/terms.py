"""What decides which artifact an application should load, before any limit is known: the terms of every precision.

Pure. Weighs nothing anew: speed, memory, size and quality beside fp32 are those of a run's standings. Names none of
them: that is `picking`, and whoever asks the same with limits of their own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.cells import Cell
from harness.comparisons import Answer
from harness.results import Measurement, Run, Status
from harness.stats.sequential import Shown
from harness.verdict.times import LATENCY, MEMORY
from harness.worth.standing import BASE, NOTABLE, SIZE, Lead, Speed, Standing, Worth
from harness.worth.weighing import worth_of

SENTENCES: Mapping[str, str] = {
    "fails": "its {told}, where {allowed} may be lost",
    "unshown": "that at most {allowed} is lost is not shown: its {told}",
    "cannot": "whether its quality holds cannot be told: {why}",
    "unweighed": "how much memory it needs is not known",
    "large": "it needs {peak}, and {most} may be used",
    "none": "nothing qualifies, not even fp32: {why}",
    "first": "no other precision is shown to be better here",
    "other": "; the other does not qualify",
    "others": "; {count} others do not qualify",
    "reference": "after {name}: the reference itself, which always answers as it should",
    "faster": "after {name}: {times} as fast as fp32, where {name} is {theirs}",
    "slower": "after {name}: as fast as fp32, no faster",
    "idle": "after {name}: as fast, and it saves nothing worth a word",
    "less": "after {name}: as fast as fp32 like it, and saves less",
}
"""What is said of a precision as the limits are; the page, which asks with others, says it in these words."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What is lost of the leading metric against fp32, in its unit: above 0 is worse. `allowed` is what may be."""

    metric: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    allowed: float | None
    answer: str
    examples: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """One precision with all that is known of it. `times_fp32` is how many times as fast as fp32 it is.

    `paired`: the speed is of pairs of fresh processes; otherwise it is rough, and has no interval.
    `digest` is the artifact's; `file` is where it lies, where it was found.
    """

    precision: str
    status: str
    sentence: str
    times_fp32: float | None = None
    low: float | None = None
    high: float | None = None
    paired: bool = False
    latency_seconds: float | None = None
    peak_bytes: float | None = None
    artifact_bytes: float | None = None
    covered: float | None = None
    loss: Loss | None = None
    digest: str | None = None
    format: str | None = None
    file: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """How much is lost of the leading metric, as far as it is known, so that any limit can be held against it."""

    metric: str
    unit: str
    low: float | None
    high: float | None
    words: str
    why: str


@dataclass(frozen=True, slots=True)
class Terms:
    """All that one precision is picked by, before any limit is known.

    `fixed`: why it is not to be loaded whatever the limits are. `told` is None where it loses nothing, and `loses` is
    why its quality does not do by the margin of the run. `times` says how many times as fast as fp32.
    """

    precision: str
    is_base: bool
    fixed: str
    told: Told | None
    loses: str
    peak_bytes: float | None
    rank: tuple[int, float]
    times: str
    sentence: str

    @property
    def is_faster(self) -> bool:
        """Whether it is shown to be faster than fp32."""
        return self.rank[0] == _FASTER


@dataclass(frozen=True, slots=True)
class Question:
    """The precisions of one model on one device, each with its terms: `answer` names one within limits.

    `problem` is why none can be named, whatever the limits are.
    """

    model: str
    device: str
    terms: tuple[Terms, ...]
    told: tuple[Candidate, ...]
    problem: str


_FASTER, _SAVES, _BASE, _REST = range(4)


def candidates_of(run: Run) -> tuple[Candidate, ...]:
    """Every precision of a run with its numbers, fp32 first."""
    found = {one.cell: one for one in run.measurements}
    standings = worth_of(run) or tuple(_alone(one) for one in run.measurements)
    return tuple(_candidate(one, found.get(one.cell)) for one in standings)


def questions(run: Run, standings: Sequence[Standing]) -> tuple[Question, ...]:
    """What a pick is made of, for every model and device of a run whose standings these are."""
    found = {one.cell: one for one in run.measurements}
    known = {one.cell: one for one in standings}
    broken: dict[Cell, str] = {}
    for one in run.judgement.judged if run.judgement else ():
        if one.kind == "quality" and one.answer is Answer.FAILS and one.accepted is None:
            broken.setdefault(one.cell, f"it breaks the bound {one.name!r}: {one.text}")
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in dict.fromkeys((*run.planned, *found)):
        groups.setdefault((cell.model, cell.device), []).append(cell)
    return tuple(
        _question([known.get(cell) or _of_cell(cell, found) for cell in cells], found, broken)
        for cells in groups.values()
    )


def _of_cell(cell: Cell, found: Mapping[Cell, Measurement]) -> Standing:
    """The standing of a cell beside which nothing was to be measured."""
    if cell in found:
        return _alone(found[cell])
    return Standing(cell, Worth.NO_RESULT, "no result: not measured", "not measured")


def _alone(measurement: Measurement) -> Standing:
    if measurement.status is not Status.MEASURED:
        why = measurement.failure.text if measurement.failure else measurement.text
        return Standing(measurement.cell, Worth.NO_RESULT, f"no result: {why}", why)
    is_base = measurement.cell.precision == BASE
    text = "what the others are held against" if is_base else "fp32 beside it was not measured"
    worth = Worth.BASE if is_base else Worth.CANNOT_TELL
    speed = Speed(1.0, 1.0, 1.0, Shown.WITHIN, is_paired=True) if is_base else None
    return Standing(measurement.cell, worth, text, speed=speed)


def _question(standings: Sequence[Standing], found: Mapping[Cell, Measurement], broken: Mapping[Cell, str]) -> Question:
    cell = standings[0].cell
    base = next((one for one in standings if one.cell.precision == BASE), None)
    problem = ""
    if base is None or base.worth is Worth.NO_RESULT:
        lacks = base.why if base else "it was not to be measured"
        problem = f"fp32 has no result ({lacks}), and everything is held against it; measure it too"
    return Question(
        cell.model,
        cell.device,
        tuple(_terms(one, found.get(one.cell), broken.get(one.cell, "")) for one in standings),
        tuple(_candidate(one, found.get(one.cell)) for one in standings),
        problem,
    )


def _terms(one: Standing, measurement: Measurement | None, broken: str) -> Terms:
    is_base = one.cell.precision == BASE
    told = None if one.lead is None or one.is_same else _told(one.lead)
    return Terms(
        precision=one.cell.precision,
        is_base=is_base,
        fixed=_never(one, broken, is_base=is_base),
        told=told,
        loses="" if told is None or one.lead is None else why_not(told, one.lead.answer, one.lead.margin_words),
        peak_bytes=measurement.value(MEMORY) if measurement else None,
        rank=_rank(one),
        times=one.speed.words if one.speed else "",
        sentence=one.sentence,
    )


def _never(one: Standing, broken: str, *, is_base: bool) -> str:
    """Why no limits at all let a precision be loaded; empty where some do."""
    if one.worth is Worth.NO_RESULT:
        return one.why
    if is_base:
        return ""
    unknown = "" if one.lead or one.is_same else f"what its outputs are worth is not known: {one.unknown}"
    return broken or _slow(one.speed) or unknown


def _told(lead: Lead) -> Told:
    low, high = (lead.loss.low, lead.loss.high) if lead.loss else (None, None)
    return Told(lead.score.metric, lead.score.unit, low, high, lead.loss_words, lead.why)


def why_not(told: Told, answer: Answer, allowed: str) -> str:
    """Why a quality does not do where so much may be lost; empty where it does."""
    if answer is Answer.HOLDS:
        return ""
    if answer is Answer.FAILS:
        return SENTENCES["fails"].format(told=told.words, allowed=allowed)
    if told.why:
        return SENTENCES["cannot"].format(why=told.why)
    return SENTENCES["unshown"].format(told=told.words, allowed=allowed)


def _slow(speed: Speed | None) -> str:
    """Why its speed does not do: slower than fp32, or not shown to be as fast."""
    if speed is None:
        return "how fast it is beside fp32 is not known"
    match speed.shown:
        case Shown.FASTER | Shown.WITHIN:
            return ""
        case Shown.SLOWER:
            return f"it is slower than fp32 here ({_times(speed)})"
        case Shown.NOTHING:
            return f"that it is as fast as fp32 is not shown ({_times(speed)})"


def _times(speed: Speed) -> str:
    if speed.low is None or speed.high is None:
        return f"{speed.words}, {'of too few pairs' if speed.is_paired else 'not measured in pairs'}"
    return f"{speed.words} [{speed.low:.2f}, {speed.high:.2f}]"


def _rank(one: Standing) -> tuple[int, float]:
    """What is shown to be faster first, the fastest of it; then what saves something; then fp32; then the rest."""
    if one.speed is not None and one.speed.shown is Shown.FASTER:
        return _FASTER, -one.speed.times
    if one.cell.precision == BASE:
        return _BASE, 0.0
    return (_SAVES if _saves(one) else _REST), _needed(one)


def _saves(one: Standing) -> bool:
    return any(share is not None and share <= 1 - NOTABLE for share in (one.size, one.memory))


def _needed(one: Standing) -> float:
    """The smaller of the shares of file and memory: of two that are as fast, the smaller comes first."""
    return min((share for share in (one.size, one.memory) if share is not None), default=math.inf)


def _candidate(one: Standing, measurement: Measurement | None) -> Candidate:
    provenance = measurement.provenance if measurement else None
    speed = one.speed
    return Candidate(
        precision=one.cell.precision,
        status=str(one.worth),
        sentence=one.sentence,
        times_fp32=speed.times if speed else None,
        low=speed.low if speed else None,
        high=speed.high if speed else None,
        paired=speed is not None and speed.is_paired,
        latency_seconds=measurement.value(LATENCY) if measurement else None,
        peak_bytes=measurement.value(MEMORY) if measurement else None,
        artifact_bytes=measurement.value(SIZE) if measurement else None,
        covered=measurement.value("weights_covered_fraction") if measurement else None,
        loss=_loss(one.lead),
        digest=provenance.artifact_digest if provenance else None,
        format=provenance.artifact_format if provenance else None,
        why=one.why,
    )


def _loss(lead: Lead | None) -> Loss | None:
    if lead is None:
        return None
    loss = lead.shown_loss
    return Loss(
        metric=lead.score.metric,
        unit=lead.score.unit,
        value=loss.value if loss else None,
        low=loss.low if loss else None,
        high=loss.high if loss else None,
        allowed=lead.margin,
        answer=str(lead.answer),
        examples=loss.examples if loss else 0,
    )
