"""What follows from verdicts: budgets and bounds, what is fatal under which profile, whether a run may be green.

Pure, like `verdict`, which decides what is said of a metric; here it is decided what that means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.cells import Cell
from harness.comparisons import LOST_SUPPORT, Answer, Judged, Judgement, Outcome, Verdict
from harness.expectations import Budget, QualityBound
from harness.quality_metrics import known
from harness.results import Measurement, Status
from harness.scores import Quality, Score
from harness.stats.groups import score_estimate
from harness.verdict.claims import keeps, lacks_training
from harness.verdict.quality import judge_bound
from harness.verdict.times import LATENCY, LOADING, MEMORY, TAILS

COMPARED = (Outcome.REGRESSED, Outcome.IMPROVED, Outcome.UNCHANGED, Outcome.INCONCLUSIVE, Outcome.SUSPECT)
DECIDED = (Outcome.REGRESSED, Outcome.IMPROVED, Outcome.UNCHANGED)
_WORST_FIRST = (
    Outcome.FAILED,
    Outcome.REGRESSED,
    Outcome.MISSING,
    Outcome.SUSPECT,
    Outcome.NOT_COMPARABLE,
    Outcome.INCONCLUSIVE,
    Outcome.NEW,
    Outcome.UNSUPPORTED,
    Outcome.IMPROVED,
    Outcome.UNCHANGED,
)


@dataclass(frozen=True, slots=True)
class Profile:
    """How long a run may compare, and what makes it red. `must_compare`: that nothing could be compared is no pass."""

    name: str
    budget_seconds: float
    fatal: frozenset[Outcome]
    fails_undecided: bool = False
    fails_expectations: bool = False
    fails_quality: bool = True
    tries_other_kernels: bool = False
    must_compare: bool = False


_ALWAYS = frozenset((Outcome.REGRESSED, Outcome.FAILED, Outcome.MISSING))

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("smoke", 120.0, frozenset((Outcome.FAILED,)), fails_quality=False),
        Profile("gate", 1_800.0, _ALWAYS),
        Profile(
            "nightly",
            14_400.0,
            _ALWAYS,
            fails_undecided=True,
            fails_expectations=True,
            tries_other_kernels=True,
            must_compare=True,
        ),
    )
}


def weighed(verdict: Verdict, profile: Profile, decided_before: frozenset[Cell]) -> Verdict:
    """The verdict with whether it makes the run red."""
    return replace(verdict, is_fatal=_is_fatal(verdict, profile, decided_before))


def _is_fatal(verdict: Verdict, profile: Profile, decided_before: frozenset[Cell]) -> bool:
    if verdict.accepted is not None:
        return False
    match verdict.outcome:
        case Outcome.UNSUPPORTED:
            return LOST_SUPPORT in verdict.differences and Outcome.MISSING in profile.fatal
        case Outcome.INCONCLUSIVE:
            return profile.fails_undecided and verdict.metric == LATENCY and verdict.cell in decided_before
        case outcome:
            return outcome in profile.fatal


def decided_cells(judgement: Judgement | None) -> frozenset[Cell]:
    """The cells whose latency an earlier run could decide."""
    verdicts = judgement.verdicts if judgement else ()
    return frozenset(one.cell for one in verdicts if one.metric == LATENCY and one.outcome in DECIDED)


def of_cells(verdicts: Iterable[Verdict]) -> Mapping[Cell, Outcome]:
    """One outcome a cell: the worst of its latency and memory, and of whatever else is worse under every gate."""
    found: dict[Cell, Outcome] = {}
    other: dict[Cell, Outcome] = {}
    for verdict in verdicts:
        speaks = verdict.metric in (None, LATENCY, MEMORY) or verdict.outcome in _ALWAYS
        kept = found if speaks else other
        kept[verdict.cell] = min(kept.get(verdict.cell, verdict.outcome), verdict.outcome, key=_WORST_FIRST.index)
    return other | found


def is_aside(verdict: Verdict) -> bool:
    """Whether a verdict is of a metric that never prolongs the measuring, and undecided: told in passing."""
    return verdict.outcome is Outcome.INCONCLUSIVE and verdict.metric in (*TAILS, *LOADING)


def compared_cells(judgement: Judgement) -> tuple[Cell, ...]:
    """The cells of which any metric was compared at all."""
    compared = (one.cell for one in judgement.verdicts if one.metric is not None and one.outcome in COMPARED)
    return tuple(dict.fromkeys(compared))


def downgraded(verdicts: Sequence[Verdict], controls: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Where a null control showed a change between the old side and itself, no timing of the run is believed."""
    if not control_tripped(controls):
        return tuple(verdicts)
    return tuple(
        replace(
            verdict,
            outcome=Outcome.INCONCLUSIVE,
            text=f"not believed, because the control of this run tripped; it would have been {verdict.outcome}",
            cause=None,
        )
        if verdict.metric is not None and verdict.could_see is not None and verdict.outcome in DECIDED
        else verdict
        for verdict in verdicts
    )


def control_tripped(controls: Iterable[Verdict]) -> bool:
    """Whether the machine showed a change where there was none."""
    return any(one.metric == LATENCY and one.outcome in (Outcome.REGRESSED, Outcome.IMPROVED) for one in controls)


def judge_budget(budget: Budget, measurement: Measurement, *, is_fatal: bool) -> Judged:
    """Whether an absolute target is met, and by how much. Of quality: met by more than its examples leave open."""
    quality = measurement.quality
    score = quality.score(budget.metric) if quality else None
    if quality is not None and score is not None and measurement.status is Status.MEASURED:
        return _judge_quality_budget(budget, measurement.cell, quality, score, is_fatal=is_fatal)
    cell = measurement.cell
    if budget.stage and measurement.status is Status.MEASURED and budget.stage not in measurement.stages:
        # A budget that limits nothing would be taken for one that is met.
        has = f"it has {', '.join(measurement.stages)}" if measurement.stages else "the model has none"
        text = f"no stage {budget.stage!r}: {has}"
        return Judged("budget", budget.name, cell, Answer.CANNOT_TELL, text, budget.source, is_fatal)
    value = _limited(budget, measurement)
    if value is None:
        reading = measurement.reading(budget.metric)
        why = (reading.unavailable if reading else None) or f"the cell is {measurement.status}"
        return Judged("budget", budget.name, cell, Answer.CANNOT_TELL, f"no {budget.metric}: {why}", budget.source)
    target = budget.bound.at_most if budget.bound.at_most is not None else budget.bound.at_least
    assert target is not None
    is_met = keeps(value, budget.bound)
    share = f" ({abs(value / target - 1):.0%})" if target else ""
    off = f"{abs(value - target):.3g}{share}"
    text = f"{f'{budget.stage} {budget.metric}'.lstrip()} is {value:.4g}, {budget.bound}: "
    text += f"met, {off} to spare" if is_met else f"missed by {off}"
    answer = Answer.MET if is_met else Answer.MISSED
    is_fatal = is_fatal and not is_met
    return Judged(
        "budget",
        budget.name,
        cell,
        answer,
        text,
        budget.source,
        is_fatal,
        budget.metric,
        value,
        target,
        stage=budget.stage,
        is_floor=budget.bound.at_least is not None,
    )


def _limited(budget: Budget, measurement: Measurement) -> float | None:
    """What a budget limits: a metric of the cell, or the time of one of its stages."""
    if measurement.status is not Status.MEASURED:
        return None
    return measurement.stages.get(budget.stage) if budget.stage else measurement.value(budget.metric)


def _judge_quality_budget(budget: Budget, cell: Cell, quality: Quality, score: Score, *, is_fatal: bool) -> Judged:
    """Whether all that the examples leave open meets the target."""

    def say(answer: Answer, text: str, target: float | None = None) -> Judged:
        missed = is_fatal and answer is Answer.MISSED
        return Judged(
            "budget", budget.name, cell, answer, text, budget.source, missed, budget.metric, score.value, target
        )

    if not score.is_trusted:
        return say(Answer.CANNOT_TELL, f"no {budget.metric}: {score.unavailable or score.untrusted}")
    target = budget.bound.at_most if budget.bound.at_most is not None else budget.bound.at_least
    found = score_estimate(quality, score)
    if found is None or found.low is None or found.high is None:
        return say(Answer.CANNOT_TELL, f"too few examples to say how far off {budget.metric} is", target)
    text = f"{budget.metric} is {found.value:.3g} [{found.low:.3g}, {found.high:.3g}] of {found.examples} examples"
    kept = [keeps(end, budget.bound) for end in (found.low, found.high)]
    answer = Answer.MET if all(kept) else Answer.CANNOT_TELL if any(kept) else Answer.MISSED
    judged = say(answer, f"{text}, {budget.bound}: {answer}", target)
    return replace(judged, low=found.low, high=found.high, is_floor=budget.bound.at_least is not None)


def judge_quality_bound(bound: QualityBound, found: Measurement, over: Measurement | None, *, is_fatal: bool) -> Judged:
    """Whether a cell loses at most so much of its quality against the same model at another precision."""
    cell, metric = found.cell, known().get(bound.metric)

    def say(answer: Answer, text: str) -> Judged:
        fails = is_fatal and answer is Answer.FAILS
        return Judged("quality", bound.name, cell, answer, text, bound.source, fails, bound.metric, over=bound.over)

    if found.status is Status.MEASURED and (why := lacks_training(found, bound.metric)) is not None:
        return say(Answer.NEEDS_CHECKPOINT, why)
    if found.status is Status.MEASURED and found.quality is not None and found.quality.problem is None:
        has = [score.metric for score in found.quality.scores]
        if bound.metric not in has:
            # A bound that guards nothing would be taken for one that holds.
            text = f"its outputs have no {bound.metric}: name one of {', '.join(has) or 'none'}, or other cells"
            return replace(say(Answer.CANNOT_TELL, text), is_fatal=is_fatal)
    if metric is None:
        return say(Answer.CANNOT_TELL, f"the metric {bound.metric} is not installed here")
    if over is None or over.quality is None or found.quality is None:
        if found.status is Status.UNSUPPORTED:
            return say(Answer.CANNOT_TELL, f"the cell is {found.status}")
        which = cell.precision if found.quality is None else bound.over
        return say(Answer.CANNOT_TELL, f"nothing is known of the outputs of {which} here; measure it too")
    answer, text, estimate = judge_bound(cell, metric, bound.loses_at_most, over.quality, found.quality)
    judged = say(answer, text)
    judged = replace(judged, target=bound.loses_at_most, is_floor=False)
    return judged if estimate is None else replace(judged, value=estimate.value, low=estimate.low, high=estimate.high)


def unimproved(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """What became worse in quality is not called better in anything else: a fast wrong model is no result."""
    quality = {name for name, metric in known().items() if metric.is_quality}
    worse = {
        one.cell: f"{one.metric or 'the cell'} has {'become worse' if one.metric else 'failed'}"
        for one in verdicts
        if (one.outcome is Outcome.REGRESSED and one.metric in quality)
        or (one.outcome is Outcome.FAILED and one.metric is None)
    }
    return tuple(
        replace(one, outcome=Outcome.INCONCLUSIVE, text=f"{one.text}; not called improved, because {worse[one.cell]}")
        if one.outcome is Outcome.IMPROVED and one.cell in worse
        else one
        for one in verdicts
    )


def fatal_lines(judgement: Judgement) -> tuple[str, ...]:
    """What makes a run red, a line each."""
    verdicts = (
        f"{one.cell} {one.metric or ''}: {one.outcome}: {one.text}" for one in judgement.verdicts if one.is_fatal
    )
    judged = (
        f"{one.cell} {one.kind} {one.name!r}: {one.answer}: {one.text}" for one in judgement.judged if one.is_fatal
    )
    return (*verdicts, *judged)
