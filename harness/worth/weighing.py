"""Whether a precision is worth shipping: speed, memory, size and quality of a cell beside its fp32, in one sentence.

Pure; reads what a run recorded and measures nothing. What the quality of a cell shows is decided in `verdict.quality`;
here it is weighed against what the precision gains. A number that is not known decides nothing and dominates nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import fmean, median

from harness.cells import AS_IS, Cell
from harness.comparisons import Answer, Duel, Judged, Judgement, Verdict
from harness.consequences import control_tripped
from harness.metrics import METRICS, Better
from harness.quality_metrics import known
from harness.results import Measurement, Run, Status
from harness.scores import Quality, Score
from harness.stats.estimates import relative_half_width
from harness.stats.passes import pass_means
from harness.stats.sequential import STAGE_RATE, Shown, interval_at
from harness.verdict.quality import judge_bound, needed_for_bound
from harness.verdict.times import LATENCY, LEAST_PROCESSES, MEMORY
from harness.verdict.work import for_as_much, work_between, work_ratio
from harness.worth.conclusion import conclusion, over
from harness.worth.dominance import dominated
from harness.worth.standing import BASE, DISTANCES, RATE, ROUGH, SIZE, Lead, Speed, Standing, Worth, metric_words

LEADS = (
    *("accuracy", "frame_f1", "word_error_rate", "decision_agreement", "frame_agreement", "log_mel_distance", "chrf"),
    *("top1_agreement", "token_agreement", "embedding_cosine", "cosine_similarity", "sqnr_db"),
)
"""By which metric quality is told at a glance, the first that a cell has: what people notice stands before the rest."""


def worth_of(run: Run) -> tuple[Standing, ...]:
    """Weigh every precision of a run, fp32 first, model by model and device by device.

    Left out is a model of which nothing but fp32 was to be measured, and a test of somebody's own: there is nothing to
    weigh.
    """
    found = {measurement.cell: measurement for measurement in run.measurements}
    duels = {duel.cell: duel for duel in run.duels if duel.against == BASE and not duel.is_control}
    if run.judgement and control_tripped(run.judgement.controls):
        duels = {}  # a machine that sees changes where there are none has shown nothing
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in dict.fromkeys((*run.planned, *found)):
        groups.setdefault((cell.model, cell.device), []).append(cell)
    said = _said(run.judgement)
    told: list[Standing] = []
    for cells in groups.values():
        if all(cell.precision in (BASE, AS_IS) for cell in cells):
            continue
        ordered = sorted(cells, key=lambda cell: cell.precision != BASE)
        told += dominated([_weighed(cell, found, duels.get(cell), said.get(cell, _NOTHING)) for cell in ordered], found)
    return tuple(told)


def lead_score(measurement: Measurement) -> Score | None:
    """The score by which the quality of a cell is told at a glance; one that may pass a gate before one that may not.

    Of random weights only what is measured against fp32 says anything: there are no right answers to speak of.
    """
    is_random = has_random_weights(measurement)
    scores = [
        score
        for score in (measurement.quality.scores if measurement.quality else ())
        if score.is_judged and score.value is not None and score.better is not Better.NEITHER
        if not is_random or is_of_reference(score.metric)
    ]
    return min(scores, key=lambda score: (not score.is_trusted, _place(score.metric)), default=None)


def unknown_quality(measurement: Measurement) -> str:
    """Why no score tells the quality of a cell; empty where one does."""
    if lead_score(measurement) is not None:
        return ""
    if measurement.quality is None:
        return "quality was not measured"
    return measurement.quality.problem or "no metric of quality that is judged has a value"


def no_result(measurement: Measurement | None) -> str:
    """Why a cell has no result; empty where it has one."""
    if measurement is None:
        return "it was not measured"
    match measurement.status:
        case Status.UNSUPPORTED:
            return f"unsupported, {measurement.reason}: {measurement.text}"
        case Status.FAILED:
            failure = measurement.failure
            assert failure is not None
            return f"failed in {failure.phase}: {failure.text}"
        case Status.MEASURED:
            wrong = measurement.quality.wrong if measurement.quality else None
            return f"its outputs are wrong: {wrong}" if wrong else ""


def _elsewhere(cell: Cell, found: Mapping[Cell, Measurement]) -> str:
    """Where fp32 was measured instead, and how it is measured beside a cell; empty where it was nowhere."""
    devices = [
        other.device
        for other, one in found.items()
        if (other.model, other.precision) == (cell.model, BASE) and one.status is Status.MEASURED
    ]
    beside = f"--cell {cell.model}/{BASE}/{cell.device}"
    return f"it was measured on {', '.join(devices)} alone; {beside} measures it here" if devices else ""


def is_of_reference(metric: str) -> bool:
    """Whether a metric is measured against the outputs of fp32."""
    described = known().get(metric)
    return described is not None and described.of_reference


def _place(metric: str) -> int:
    return LEADS.index(metric) if metric in LEADS else len(LEADS)


def _weighed(
    cell: Cell,
    found: Mapping[Cell, Measurement],
    duel: Duel | None,
    said: _Said,
) -> Standing:
    """One precision beside fp32, as far as it is known."""
    own = found.get(cell)
    why = no_result(own)
    if why or own is None:
        return Standing(cell, Worth.NO_RESULT, f"no result: {why}", why)
    quality, may_be_lost = own.quality, _may_be_lost(said)
    told = Standing(
        cell,
        Worth.BASE,
        "what the others are held against",
        covered=own.value("weights_covered_fraction"),
        decisions=quality.decisions if quality else 0,
        flips=len(quality.flipped) if quality and quality.decisions else None,
        is_same=quality is not None and quality.is_same,
        unknown=unknown_quality(own),
    )
    if cell.precision == BASE:
        speed = Speed(1.0, 1.0, 1.0, Shown.WITHIN, is_paired=True)
        return replace(told, speed=speed, memory=1.0, size=1.0, lead=_lead(own, quality, may_be_lost))
    base = found.get(Cell(cell.model, BASE, cell.device))
    lacks = _elsewhere(cell, found) or no_result(base) if base is None else no_result(base)
    base = None if lacks else base
    if duel and duel.pairs:
        lacks = ""  # the other side of the pairs is fp32, wherever it was not to be measured by itself
    other = base.quality if base else duel.old_quality if duel else None
    told = replace(
        told,
        speed=_speed(own, base, duel),
        memory=_share(MEMORY, own, base, duel),
        size=_share(SIZE, own, base, duel),
        lead=_lead(own, other, may_be_lost),
    )
    broken = [one for one in said.bounds if one.answer is Answer.FAILS and one.accepted is None]
    worth, text = conclusion(told, lacks, broken)
    if has_random_weights(own) and text.startswith("worth it"):
        text = f"{text}; with random weights only its likeness to fp32 is known"
    return replace(told, worth=worth, text=text)


def _speed(own: Measurement, base: Measurement | None, duel: Duel | None) -> Speed | None:
    """The speed-up, of pairs where there are any; for as much work where the two did not do the same."""
    if duel and any(pair.stage > 0 for pair in duel.pairs):
        return _paired_speed(duel)
    if base is None or _workload(own) != _workload(base):
        return None
    work = work_between(base.value, own.value)
    metric = work.metric if work else LATENCY
    now, before = own.value(metric), base.value(metric)
    if not now or not before:
        return None
    times = before / now
    shown = Shown.NOTHING
    if abs(math.log(times)) > math.log1p(ROUGH) + _spread(own) + _spread(base):
        shown = Shown.FASTER if times > 1 else Shown.SLOWER
    return Speed(times, shown=shown, work=work)


def _spread(measurement: Measurement) -> float:
    """How far off the log time may be within its one process; 0 where a single pass cannot say."""
    means = pass_means(measurement.sample) if measurement.sample else ()
    return math.log1p(relative_half_width(means)) if len(means) > 1 else 0.0


def _paired_speed(duel: Duel) -> Speed:
    """The same interval by which claims are judged; of too few pairs for one, their mean, which shows nothing."""
    even, work = for_as_much(duel), work_ratio(duel)
    ratios = [pair.log_ratios[even.clock] for pair in even.pairs if pair.stage > 0]
    if len(ratios) <= LEAST_PROCESSES:
        return Speed(math.exp(-fmean(ratios)), is_paired=True, work=work)
    interval = interval_at(ratios, STAGE_RATE)
    low, times, high = (math.exp(-end) for end in (interval.high, interval.centre, interval.low))
    return Speed(times, low, high, interval.shows(METRICS[LATENCY].margin), True, work)


def _workload(measurement: Measurement) -> str | None:
    return measurement.provenance.workload_digest if measurement.provenance else None


def _share(metric: str, own: Measurement, base: Measurement | None, duel: Duel | None) -> float | None:
    """A metric as a share of fp32's: of the pairs' processes where they tell it, else of the two measurements."""
    pairs = [pair for pair in duel.pairs if pair.stage > 0] if duel else []
    olds = [pair.old.values[metric] for pair in pairs if metric in pair.old.values]
    news = [pair.new.values[metric] for pair in pairs if metric in pair.new.values]
    now, before = own.value(metric), base.value(metric) if base else None
    if olds and news:
        now, before = median(news), median(olds)
    return now / before if now is not None and before else None


def _lead(own: Measurement, other: Quality | None, may_be_lost: Mapping[str, float]) -> Lead | None:
    """What the quality of a cell is, and whether it loses no more of it against fp32 than may be lost."""
    score, quality = lead_score(own), own.quality
    if score is None or quality is None:
        return None
    metric = known().get(score.metric)
    if metric is None:
        return Lead(score, why=f"the package that added {score.metric} is not installed here")
    margin = may_be_lost.get(metric.name, metric.margin)
    if other is None:
        return Lead(score, margin, why="nothing is known of the outputs of fp32 here")
    lacking = _lacking(own, score.metric)
    answer, text, loss = judge_bound(own.cell, metric, margin, other, quality, RATE)
    if loss is None:
        return Lead(score, margin, answer=answer, why=text, lacking=lacking)
    needed = needed_for_bound(metric, margin, other, quality, RATE) if answer is Answer.CANNOT_TELL else None
    return Lead(score, margin, loss, answer, needed, lacking=lacking)


def _lacking(own: Measurement, lead: str) -> str:
    """Which metric of the task would tell more than the lead, and why it has no value; empty where there is none."""
    lacking = [
        score
        for score in (own.quality.scores if own.quality else ())
        if score.is_judged and score.unavailable and score.metric not in DISTANCES
        if _place(score.metric) < _place(lead) and (not has_random_weights(own) or is_of_reference(score.metric))
    ]
    if not lacking:
        return ""
    best = min(lacking, key=lambda score: _place(score.metric))
    return f"{metric_words(best.metric)}: {best.unavailable}"


def has_random_weights(measurement: Measurement) -> bool:
    """Whether a cell was measured with weights drawn at random, so that its answers are worth nothing."""
    return measurement.provenance is not None and measurement.provenance.weights.startswith("random")


def _may_be_lost(said: _Said) -> Mapping[str, float]:
    """How much a cell may lose of each metric against fp32, where that was said: by bounds, or a verdict's margin."""
    lost = {one.metric: one.margin for one in said.verdicts if one.metric is not None and one.margin is not None}
    bounds: dict[str, float] = {}
    for one in said.bounds:
        if one.metric is not None and one.target is not None and over(one) == BASE:
            bounds[one.metric] = min(one.target, bounds.get(one.metric, math.inf))
    return lost | bounds


@dataclass(frozen=True, slots=True)
class _Said:
    """What was judged of a cell: its verdicts, and the bounds on its quality."""

    verdicts: list[Verdict] = field(default_factory=list)
    bounds: list[Judged] = field(default_factory=list)


_NOTHING = _Said()


def _said(judgement: Judgement | None) -> Mapping[Cell, _Said]:
    """What was judged, cell by cell."""
    said: dict[Cell, _Said] = {}
    for verdict in judgement.verdicts if judgement else ():
        said.setdefault(verdict.cell, _Said()).verdicts.append(verdict)
    for judged in judgement.judged if judgement else ():
        if judged.kind == "quality":
            said.setdefault(judged.cell, _Said()).bounds.append(judged)
    return said
