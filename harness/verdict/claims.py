"""Whether a published figure holds here: its ratio and how well that is known, from pairs, from counts, or roughly.

Owns the answers about claims. A claim is asked of numbers that there are; what was not measured is said to be so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import median

from harness.cells import Cell
from harness.comparisons import Answer, Duel, Judged
from harness.expectations import Bound, Claim, Quantity
from harness.published import implausible
from harness.quality_metrics import known
from harness.results import Measurement, Status
from harness.stats.passes import pass_means
from harness.stats.sequential import STAGE_RATE, interval_at
from harness.verdict.quality import judge_bound
from harness.verdict.times import LEAST_PROCESSES
from harness.verdict.work import for_as_much, work_between

APART = 0.2
"""Two cells timed one after the other differed by 8 to 19 % where there was no difference: a shared machine drifts."""

WEIGHED_APART = 0.03
"""What peaks of single processes of one cell differ by, generously."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """What a claim is about, as it was found. `how` it was found: counted, paired where it is empty, or roughly."""

    low: float
    middle: float
    high: float
    how: str = ""
    is_rough: bool = False


def judge_claim(
    claim: Claim,
    cell: Cell,
    duel: Duel | None,
    own: Measurement | None = None,
    other: Measurement | None = None,
    *,
    is_fatal: bool,
) -> Judged:
    """Whether a published figure holds: of pairs with the other side where there are any, else of both measurements.

    `own` and `other` are the cell and the other side by themselves. What is counted needs no pairs; what was timed one
    after the other is known roughly, and fails no gate.
    """
    if claim.quantity is Quantity.ACCURACY:
        return _judge_accuracy(claim, cell, own, other, is_fatal=is_fatal)
    found = _found(claim, cell, duel, own, other)
    if isinstance(found, Ratio):
        answer, text = _answer(claim, found), _words(claim, found)
        if answer is Answer.CANNOT_TELL and found.is_rough and claim.over_model is None:
            text = f"{text}; pytest --against precision={claim.over} tells it in pairs"
    else:
        answer, text = Answer.CANNOT_TELL, found
    own_numbers = claim.said.disagreement if claim.said else None
    if own_numbers is not None:
        text = f"{own_numbers}; by its two numbers it {_verb(answer)} here: {text}"
        answer = Answer.NUMBERS_DISAGREE
    if (excess := _excess(claim, cell)) is not None:
        text = f"{text}; {excess}"
    ratio = found if isinstance(found, Ratio) else None
    return Judged(
        kind="claim",
        name=claim.name,
        cell=cell,
        answer=answer,
        text=text,
        source=claim.source,
        is_fatal=is_fatal and answer is Answer.FAILS and ratio is not None and not ratio.is_rough,
        value=ratio.middle if ratio else None,
        target=_target(claim.bound),
        over=claim.other_side,
        low=ratio.low if ratio else None,
        high=ratio.high if ratio else None,
        is_rough=ratio is not None and ratio.is_rough,
        claimed=_claimed(claim),
        best=claim.best,
        is_floor=claim.bound.at_least is not None,
    )


def unmeasured(claim: Claim, cell: Cell, why: str) -> Judged:
    """The answer to a claim about cells that a run does not have."""
    own_numbers = claim.said.disagreement if claim.said else None
    answer = Answer.NOT_MEASURED if own_numbers is None else Answer.NUMBERS_DISAGREE
    text = "; ".join(part for part in (own_numbers, why, _excess(claim, cell)) if part)
    return Judged(
        "claim",
        claim.name,
        cell,
        answer,
        text,
        claim.source,
        target=_target(claim.bound),
        over=claim.other_side,
        claimed=_claimed(claim),
        best=claim.best,
        is_floor=claim.bound.at_least is not None,
    )


def lacks_training(measurement: Measurement, metric: str) -> str | None:
    """Why a cell has no such quality, where that is because its weights were drawn at random; None where it is not."""
    provenance, quality = measurement.provenance, measurement.quality
    if provenance is None or not provenance.weights.startswith("random"):
        return None
    if quality is None or quality.problem is not None or ((score := quality.score(metric)) and score.value is not None):
        return None
    model = measurement.cell.model
    return f"{metric} needs trained weights, these are {provenance.weights}: give --checkpoint {model}=PATH"


def keeps(value: float, bound: Bound) -> bool:
    """Whether a value is within a bound."""
    return value <= bound.at_most if bound.at_most is not None else value >= (bound.at_least or 0.0)


def _found(
    claim: Claim, cell: Cell, duel: Duel | None, own: Measurement | None, other: Measurement | None
) -> Ratio | str:
    """What the claim is about, or why it is not known."""
    if own is not None and own.status is not Status.MEASURED:
        return f"the cell is {_state(own)}"
    if claim.quantity in (Quantity.SIZE, Quantity.BYTES):
        counted = _counted(claim, cell, own, other)
        if counted is not None:
            return counted
    if duel is not None and duel.pairs:
        return _paired(claim, cell, duel)
    if duel is not None and duel.problem:
        return f"not measured in pairs; pytest --against precision={claim.over} does: {duel.problem}"
    if own is None or other is None:
        return _no_other_side(claim, cell)
    if other.status is not Status.MEASURED:
        return f"{other.cell} is {_state(other)}"
    return _rough(claim, cell, own, other)


def _no_other_side(claim: Claim, cell: Cell) -> str:
    if claim.quantity is Quantity.BYTES:
        return "the size of its artifact is not known"
    if claim.over_model is not None:
        return f"{claim.other(cell)} was not measured in this run; measure both"
    return f"not measured in pairs; pytest --against precision={claim.over} does"


def _counted(claim: Claim, cell: Cell, own: Measurement | None, other: Measurement | None) -> Ratio | None:
    size = own.value(claim.metric(cell)) if own else None
    if claim.quantity is Quantity.BYTES:
        return None if size is None else Ratio(size, size, size, "counted")
    over = other.value(claim.metric(cell)) if other else None
    return Ratio(size / over, size / over, size / over, "counted") if size and over else None


def _paired(claim: Claim, cell: Cell, duel: Duel) -> Ratio | str:
    """The claimed ratio with its interval, or why there is none. For speed it is old time over new."""
    pairs = [pair for pair in duel.pairs if pair.stage > 0]
    if claim.quantity is Quantity.SPEED:
        # A side that made less of it is not faster: speed is of as much audio, of as many tokens.
        pairs = [pair for pair in for_as_much(duel).pairs if pair.stage > 0]
        if len(pairs) <= LEAST_PROCESSES:
            return f"{len(pairs)} pairs are too few; {LEAST_PROCESSES + 1} are needed"
        interval = interval_at([pair.log_ratios[duel.clock] for pair in pairs], STAGE_RATE)
        return Ratio(math.exp(-interval.high), math.exp(-interval.centre), math.exp(-interval.low))
    metric = claim.metric(cell)
    olds = [pair.old.values[metric] for pair in pairs if metric in pair.old.values]
    news = [pair.new.values[metric] for pair in pairs if metric in pair.new.values]
    told = min(len(olds), len(news))
    if told < LEAST_PROCESSES:
        return f"{told} pairs tell {metric} of both sides; {LEAST_PROCESSES} are needed"
    return Ratio(min(news) / max(olds), median(news) / median(olds), max(news) / min(olds))


def _rough(claim: Claim, cell: Cell, own: Measurement, other: Measurement) -> Ratio | str:
    """The ratio of two cells that were measured one after the other, with what such cells may be off by."""
    metric = claim.metric(cell)
    values = [one.value(metric) for one in (own, other)]
    for one, value in zip((own, other), values, strict=True):
        if not value:
            reading = one.reading(metric)
            why = (reading.unavailable if reading else None) or "it has none"
            return f"no {metric} of {one.cell}: {why}"
    new, old = (value or 0.0 for value in values)
    is_weighed = claim.quantity is Quantity.MEMORY
    off = WEIGHED_APART if is_weighed else APART + _spread(own) + _spread(other)
    ratio, how = new / old, "one after the other"
    if claim.quantity is Quantity.SPEED:
        ratio, of = _speed(own, other)
        how += of
    return Ratio(ratio / (1 + off), ratio, ratio * (1 + off), how, is_rough=True)


def _speed(own: Measurement, other: Measurement) -> tuple[float, str]:
    """Old time over new of a whole pass: a stream's latency is of a chunk. As in pairs, of as much audio or tokens."""
    work = work_between(other.value, own.value)
    makes = 1.0 if work is None else work.ratio
    words = "" if work is None else f", judged{work.unit_words}"
    return makes * _pass_seconds(other) / _pass_seconds(own), words


def _pass_seconds(measurement: Measurement) -> float:
    latency, sample = measurement.value("latency_seconds"), measurement.sample
    assert latency is not None
    return latency * len(sample.wall_seconds) / sample.passes if sample else latency


def _spread(measurement: Measurement) -> float:
    """Half the range of a sample's passes, as a share of their median."""
    passes = pass_means(measurement.sample) if measurement.sample else ()
    return (max(passes) - min(passes)) / 2 / median(passes) if passes else 0.0


def _answer(claim: Claim, found: Ratio) -> Answer:
    kept = [keeps(end, claim.bound) for end in (found.low, found.high)]
    if all(kept):
        return Answer.HOLDS
    return Answer.CANNOT_TELL if any(kept) else Answer.FAILS


def _words(claim: Claim, found: Ratio) -> str:
    quantity = claim.quantity.replace("_", " ")
    if claim.quantity is Quantity.BYTES:
        return f"{found.middle / 1e6:,.4g} MB, counted, claimed {_claimed(claim)}{_beyond(claim, found)}"
    about = "≈ " * found.is_rough
    text = f"{quantity} {about}{found.middle:.3g} × {claim.other_side}"
    if found.low < found.high:
        text += f" [{found.low:.3g}, {found.high:.3g}]"
    if found.how:
        text += f", {found.how}"
    return f"{text}, claimed {_claimed(claim)}{_beyond(claim, found)}"


def _claimed(claim: Claim) -> str:
    target = _target(claim.bound)
    is_bytes = claim.quantity is Quantity.BYTES
    shown = f"{target / 1e6:,.4g} MB" if is_bytes else f"{target:.3g}"
    if claim.best is not None:
        best = f"{claim.best / 1e6:,.4g} MB" if is_bytes else f"{claim.best:g}"
        return " to ".join((shown, best) if claim.bound.at_least is not None else (best, shown))
    return f"{'at most' if claim.bound.at_most is not None else 'at least'} {shown}"


def _beyond(claim: Claim, found: Ratio) -> str:
    """Whether the whole of what was found lies beyond the good end of a claimed range."""
    if claim.best is None:
        return ""
    is_better = found.low > claim.best if claim.bound.at_least is not None else found.high < claim.best
    return ": better than claimed" if is_better else ""


def _excess(claim: Claim, cell: Cell) -> str | None:
    """Whether a size was claimed that the bits of the precision cannot explain."""
    if claim.quantity is not Quantity.SIZE or claim.over != "fp32":
        return None
    stated = claim.said.ratio_range[1] if claim.said else claim.best or _target(claim.bound)
    why = implausible(stated, cell.precision)
    return None if why is None else f"the claimed {why}"


def _target(bound: Bound) -> float:
    target = bound.at_most if bound.at_most is not None else bound.at_least
    assert target is not None
    return target


def _verb(answer: Answer) -> str:
    match answer:
        case Answer.HOLDS | Answer.FAILS:
            return str(answer)
        case _:
            return "cannot be told"


def _state(measurement: Measurement) -> str:
    if measurement.failure is not None:
        return f"{measurement.status}: {measurement.failure.phase}: {measurement.failure.text}"
    return f"{measurement.status}: {measurement.reason}: {measurement.text}"


def _judge_accuracy(
    claim: Claim, cell: Cell, own: Measurement | None, other: Measurement | None, *, is_fatal: bool
) -> Judged:
    """What is lost of the accuracy on the same examples, as a bound on quality is judged."""
    metric, at_most = known()[claim.metric(cell)], _target(claim.bound)

    def say(answer: Answer, text: str) -> Judged:
        fails = is_fatal and answer is Answer.FAILS
        over = claim.other_side
        judged = Judged("claim", claim.name, cell, answer, text, claim.source, fails, metric.name, None, at_most, over)
        return replace(judged, claimed=_claimed(claim), best=claim.best, is_floor=claim.bound.at_least is not None)

    if own is None or other is None:
        which = claim.other(cell) if own is not None else cell
        return say(Answer.CANNOT_TELL, f"{which} was not measured in this run; measure both")
    for one in (own, other):
        if one.status is not Status.MEASURED:
            return say(Answer.CANNOT_TELL, f"{one.cell} is {_state(one)}")
        if (why := lacks_training(one, metric.name)) is not None:
            return say(Answer.NEEDS_CHECKPOINT, why)
        if one.quality is None or one.quality.score(metric.name) is None:
            why = one.quality.problem if one.quality and one.quality.problem else f"its outputs have no {metric.name}"
            return say(Answer.CANNOT_TELL, f"{one.cell}: {why}")
    assert own.quality is not None
    assert other.quality is not None
    answer, text, lost = judge_bound(cell, metric, at_most, other.quality, own.quality)
    judged = say(answer, text)
    return judged if lost is None else replace(judged, value=lost.value, low=lost.low, high=lost.high)
