"""Which artifact an application should load: the fastest that is worth it within limits, and what comes after it.

Pure. Weighs nothing anew: speed, memory, size and quality beside fp32 are those of a run's standings. What is not shown
does not qualify, and stays listed with why; fp32 is what is left, where it keeps the limits itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.cells import Cell
from harness.comparisons import Answer, Judgement
from harness.phases import Fact as Fact  # noqa: PLC0414 - offered here too: what is told is made of it
from harness.results import Measurement, Run, Status
from harness.stats.sequential import Shown
from harness.verdict.times import LATENCY, MEMORY
from harness.verdict.words import amount
from harness.worth.standing import BASE, NOTABLE, SIZE, Lead, Speed, Standing, Worth
from harness.worth.weighing import worth_of


@dataclass(frozen=True, slots=True)
class Limits:
    """What an application can bear. None: any memory, and as much loss as the run allows."""

    memory_bytes: float | None = None
    loss: float | None = None


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
class Pick:
    """What to load of one model on one device: the first, then what to fall back on, each with why it comes there.

    `problem` is why nothing is named; `others` do not qualify, each with why.
    """

    model: str
    device: str
    run: str
    machine: dict[str, Fact]
    load: Candidate | None
    fallbacks: tuple[Candidate, ...]
    others: tuple[Candidate, ...]
    problem: str = ""


def candidates_of(run: Run) -> tuple[Candidate, ...]:
    """Every precision of a run with its numbers, fp32 first."""
    found = {one.cell: one for one in run.measurements}
    standings = worth_of(run) or tuple(_alone(one) for one in run.measurements)
    return tuple(_candidate(one, found.get(one.cell)) for one in standings)


def picks(run: Run, limits: Limits) -> tuple[Pick, ...]:
    """A pick for every model and device of a run."""
    found = {one.cell: one for one in run.measurements}
    standings = {one.cell: one for one in worth_of(run)}
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in dict.fromkeys((*run.planned, *found)):
        groups.setdefault((cell.model, cell.device), []).append(cell)
    return tuple(
        _pick(run, [standings.get(cell) or _of_cell(cell, found) for cell in cells], found, limits)
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


def _pick(run: Run, standings: Sequence[Standing], found: Mapping[Cell, Measurement], limits: Limits) -> Pick:
    cell = standings[0].cell
    pick = Pick(cell.model, cell.device, run.id, dict(run.environment.identity), None, (), ())
    base = next((one for one in standings if one.cell.precision == BASE), None)
    told = {one.cell: _candidate(one, found.get(one.cell)) for one in standings}
    if base is None or base.worth is Worth.NO_RESULT:
        lacks = base.why if base else "it was not to be measured"
        listed = tuple(replace(one, why=one.why or "nothing to hold it against") for one in told.values())
        problem = f"fp32 has no result ({lacks}), and everything is held against it; measure it too"
        return replace(pick, others=listed, problem=problem)
    reasons = {one.cell: _disqualified(one, found, limits, run.judgement) for one in standings}
    able = sorted((one for one in standings if not reasons[one.cell]), key=_rank)
    others = tuple(replace(told[one.cell], why=reasons[one.cell]) for one in standings if reasons[one.cell])
    if not able:
        return replace(pick, others=others, problem=f"nothing qualifies, not even fp32: {reasons[base.cell]}")
    ranked = [
        replace(told[one.cell], why=_first_words(one, others) if place == 0 else _after_words(one, able[place - 1]))
        for place, one in enumerate(able)
    ]
    return replace(pick, load=ranked[0], fallbacks=tuple(ranked[1:]), others=others)


def _disqualified(one: Standing, found: Mapping[Cell, Measurement], limits: Limits, judgement: Judgement | None) -> str:
    """Why a precision is not to be loaded; empty where it may be."""
    if one.worth is Worth.NO_RESULT:
        return one.why
    too_large = _too_large(found.get(one.cell), limits.memory_bytes)
    if one.cell.precision == BASE:
        return too_large
    return _loses(one, limits.loss) or _broken(one.cell, judgement) or _slow(one.speed) or too_large


def _too_large(measurement: Measurement | None, most: float | None) -> str:
    if most is None:
        return ""
    peak = measurement.value(MEMORY) if measurement else None
    if peak is None:
        return "how much memory it needs is not known"
    return f"it needs {_mb(peak)}, and {_mb(most)} may be used" if peak > most else ""


def _mb(count: float) -> str:
    return f"{count / 1e6:,.0f} MB"


def _loses(one: Standing, most: float | None) -> str:
    """Why its quality does not do, by the loss that was asked for, else by the margin of the run."""
    if one.is_same:
        return ""
    lead = one.lead
    if lead is None:
        return f"what its outputs are worth is not known: {one.unknown}"
    answer = lead.answer if most is None else _answer(lead, most)
    if answer is Answer.HOLDS:
        return ""
    allowed = lead.margin_words if most is None else amount(most, lead.score.unit)
    if answer is Answer.FAILS:
        return f"its {lead.loss_words}, where {allowed} may be lost"
    why = lead.why or f"its {lead.loss_words}, which does not show that at most {allowed} is lost"
    return f"whether its quality holds cannot be told: {why}"


def _answer(lead: Lead, most: float) -> Answer:
    loss = lead.loss
    if loss is None or loss.low is None or loss.high is None:
        return Answer.CANNOT_TELL
    if loss.high <= most:
        return Answer.HOLDS
    return Answer.FAILS if loss.low > most else Answer.CANNOT_TELL


def _broken(cell: Cell, judgement: Judgement | None) -> str:
    for one in judgement.judged if judgement else ():
        is_bound = one.kind == "quality" and one.cell == cell
        if is_bound and one.answer is Answer.FAILS and one.accepted is None:
            return f"it breaks the bound {one.name!r}: {one.text}"
    return ""


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
        return f"about {speed.times:.2g}×, {'of too few pairs' if speed.is_paired else 'not measured in pairs'}"
    return f"{speed.times:.2f}× [{speed.low:.2f}, {speed.high:.2f}]"


def _rank(one: Standing) -> tuple[int, float]:
    """What is shown to be faster first, the fastest of it; then what saves something; then fp32; then the rest."""
    speed = one.speed
    times = speed.times if speed else 1.0
    if speed is not None and speed.shown is Shown.FASTER:
        return 0, -times
    if one.cell.precision == BASE:
        return 2, 0.0
    return (1 if _saves(one) else 3), _needed(one)


def _saves(one: Standing) -> bool:
    return any(share is not None and share <= 1 - NOTABLE for share in (one.size, one.memory))


def _needed(one: Standing) -> float:
    """The smaller of the shares of file and memory: of two that are as fast, the smaller comes first."""
    return min((share for share in (one.size, one.memory) if share is not None), default=math.inf)


def _first_words(one: Standing, others: Sequence[Candidate]) -> str:
    if one.cell.precision == BASE:
        beaten = f"; {len(others)} others do not qualify" if others else ""
        return f"no other precision is shown to be better here{beaten}"
    return one.sentence


def _after_words(one: Standing, before: Standing) -> str:
    """Why a precision comes after another."""
    name = before.cell.precision
    if one.cell.precision == BASE:
        return f"after {name}: the reference itself, which always answers as it should"
    mine, theirs = one.speed, before.speed
    if mine and theirs and mine.shown is Shown.FASTER:
        return f"after {name}: {mine.times:.2f}× as fast as fp32, where {name} is {theirs.times:.2f}×"
    if theirs and theirs.shown is Shown.FASTER:
        return f"after {name}: as fast as fp32, no faster"
    if before.cell.precision == BASE:
        return f"after {name}: as fast, and it saves nothing worth a word"
    return f"after {name}: as fast as fp32 like it, and saves less"


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
