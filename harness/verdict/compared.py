"""One metric of quality on two sides: what was lost on the same examples from one to the other, or why nobody knows.

Pure; says neither whether a loss matters nor what follows (`quality`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.comparisons import Difference, Outcome
from harness.metrics import Better, Pool
from harness.quality_metrics import known
from harness.scores import Examples, Quality, Score
from harness.stats.groups import in_groups
from harness.stats.jackknife import FEWEST
from harness.stats.paired import Estimate, Flips, both, difference, flips

_LIKENESS, _ROUNDING_DB = "sqnr_db", 90.0
"""From so many decibels on, only the rounding of fp32 is left: the same graph, summed in another order, lies at 99.9
and more; weights in fp16 at 72, with noise of a thousandth at 65."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One metric on two sides: what was lost from old to new, in its unit, and what that rests on.

    `worse` and `better` are the decisions that changed either way; None where the metric is none of decisions.
    `is_rounded`: every example has the same terms, and both sides are fp32's outputs up to rounding.
    """

    loss: Estimate
    pool: Pool
    is_equal: bool
    is_same: bool
    one_sided: int
    losses: tuple[float, ...] = ()
    worse: int | None = None
    better: int = 0
    is_rounded: bool = False


@dataclass(frozen=True, slots=True)
class Cannot:
    """Why two sides of a metric are not compared."""

    text: str
    outcome: Outcome = Outcome.INCONCLUSIVE
    differences: tuple[Difference, ...] = ()


def judged_metrics(old: Quality, new: Quality) -> tuple[str, ...]:
    """What can fail a gate and has a value on either side; where neither way is better nothing can be lost."""
    scores = [score for score in (*new.scores, *old.scores) if score.value is not None]
    judged = {score.metric for score in scores if score.is_judged and score.better is not Better.NEITHER}
    return tuple(dict.fromkeys(score.metric for score in scores if score.metric in judged))


def sign_of(better: Better) -> int:
    """What makes a change a loss."""
    return -1 if better is Better.HIGHER else 1


def compared(name: str, old: Quality, new: Quality, error_rate: float) -> Compared | Cannot:
    """The loss of a metric from old to new with its two-sided interval, or why there is none."""
    before, after = old.score(name), new.score(name)
    for score, quality, side, lacking in (
        (before, old, "the other side", Outcome.NEW),
        (after, new, "this side", Outcome.MISSING),
    ):
        if score is None or score.value is None:
            why = quality.problem if score is None else score.unavailable
            # Where nothing at all could be scored, nothing is shown of the outputs.
            outcome = Outcome.INCONCLUSIVE if quality.problem else lacking
            return Cannot(f"{side} does not have it: {why or 'it does not apply there'}", outcome)
    assert before is not None
    assert after is not None
    if differing := _other_examples(before, after, old, new):
        return Cannot(f"it is of other examples: {differing}", Outcome.NOT_COMPARABLE, (differing,))
    if moved := _other_reference(name, old, new):
        text = (
            "fp32 itself gives other outputs than then, and this is measured against them; --against REF compares live"
        )
        return Cannot(text, Outcome.NOT_COMPARABLE, (moved,))
    if untrusted := after.untrusted or before.untrusted:
        return Cannot(f"its self-check failed on this machine: {untrusted}")
    examples = new.examples(after.part)
    pool, (thens, nows) = in_groups(after.pool, examples.groups if examples else (), before.terms, after.terms)
    change = difference(pool, thens, nows, error_rate)
    if change is None:
        return Cannot("no example has it on both sides")
    olds, news = both(pool, thens, nows)
    singles = both(after.pool, before.terms, after.terms)
    has = [(one is not None, other is not None) for one, other in zip(before.terms, after.terms, strict=True)]
    is_equal = before.terms == after.terms
    is_same = is_equal and bool(new.outputs_digest) and old.outputs_digest == new.outputs_digest
    sign = sign_of(after.better)
    loss = change if sign > 0 else change.turned()
    is_rounded = is_equal and _differ_by_rounding(old, new)
    found = Compared(loss, pool, is_equal, is_same, sum(one != other for one, other in has), is_rounded=is_rounded)
    if is_same:
        end = None if loss.examples < FEWEST else 0.0
        return replace(found, loss=Estimate(0.0, end, end, loss.examples))
    if pool is Pool.MEAN:
        losses = tuple(sign * (now - then) for (then,), (now,) in zip(olds, news, strict=True))
        return replace(found, losses=losses)
    return _with_flips(found, flips(after.pool, *singles), sign)


def _differ_by_rounding(old: Quality, new: Quality) -> bool:
    """Whether both sides lie so close to the same outputs of fp32 that only rounding is left between them."""
    if not old.reference_digest or old.reference_digest != new.reference_digest:
        return False
    scores = [side.score(_LIKENESS) for side in (old, new)]
    return all(
        score is not None
        and score.is_trusted
        and all(terms is not None and terms[0] >= _ROUNDING_DB for terms in score.terms)
        for score in scores
    )


def _with_flips(found: Compared, seen: Flips | None, sign: int) -> Compared:
    if seen is None:
        return found
    worse, better = (seen.only_new, seen.only_old) if sign > 0 else (seen.only_old, seen.only_new)
    return replace(found, worse=worse, better=better)


def _other_examples(before: Score, after: Score, old: Quality, new: Quality) -> Difference | None:
    """By what two scores are not of the same examples, or not made of them in the same way."""
    then, now = old.examples(before.part), new.examples(after.part)
    if before.part is not after.part:
        return Difference("part", before.part, after.part)
    if then is None or now is None or then.digest != now.digest or len(before.terms) != len(after.terms):
        return Difference(f"{after.part} examples", _named(then), _named(now))
    return Difference("pool", before.pool, after.pool) if before.pool is not after.pool else None


def _other_reference(name: str, old: Quality, new: Quality) -> Difference | None:
    """That two likenesses are to different outputs of fp32: then neither says which is the better."""
    metric = known().get(name)
    if metric is None or not metric.of_reference:
        return None
    then, now = old.reference_digest[:12], new.reference_digest[:12]
    return Difference(f"outputs of {new.reference}", then, now) if then and now and then != now else None


def _named(examples: Examples | None) -> str:
    return "none" if examples is None else f"{examples.name} {examples.digest[:12]}"
