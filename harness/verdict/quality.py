"""Decides about quality, as `verdict` does about time: example by example, with what few examples cannot tell said.

How a change is judged (docs/quality.md says why):

1. The same outputs, bit for bit, are unchanged; so are outputs that differ by rounding only (both sides 90 dB or more
   above their distance from the same fp32) where no example differs by the metric. Other examples are not comparable. A
   metric that failed its self-check decides nothing; one that only the other side has is missing, and fails.
2. Else the loss (how much worse, in the metric's unit) gets an interval over the examples, wrong on either side at the
   rate. Within the margin on both sides: unchanged. Above zero and not within: regressed. Below zero: improved. Else
   inconclusive, with how many examples would tell. Of decisions, McNemar's exact test must agree that a side is worse.
3. A margin of nothing is counted on these very examples, where they are decisions.

Pure; no clock, file or test runner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from harness.cells import Cell
from harness.comparisons import Answer, Basis, Difference, Outcome, Verdict
from harness.metrics import Better, Metric, Pool
from harness.scores import Quality, Score
from harness.stats.jackknife import FEWEST
from harness.stats.paired import (
    Estimate,
    decisions_needed,
    examples_needed,
    variance_of,
)
from harness.stats.proportions import mcnemar
from harness.verdict.compared import Cannot, Compared, compared, judged_metrics, sign_of
from harness.verdict.words import amount, decisions, loss_words, needed_words, one_sided_words, sign_words, span

MarginOf = Callable[[Cell, str], float]

SAME = "the outputs are the same, bit for bit"
ROUNDED = "the same on every example, and the outputs differ by rounding only"


def judge_quality(
    cell: Cell, old: Quality, new: Quality, margin_of: MarginOf, rate: float, against: str, basis: Basis
) -> tuple[Verdict, ...]:
    """A verdict on every judged metric that either side has; one on the whole cell where its outputs are wrong.

    `rate` is the chance, of each metric, that a change is said where there is none.
    """
    if new.wrong:
        return (Verdict(cell, None, Outcome.FAILED, f"its outputs are wrong: {new.wrong}", against, basis),)
    names = judged_metrics(old, new)
    problem = new.problem or old.problem
    if not names and problem:
        text = f"nothing is known of its quality: {problem}"
        return (Verdict(cell, None, Outcome.INCONCLUSIVE, text, against, basis),)
    unknown = Verdict(cell, None, Outcome.INCONCLUSIVE, "", against, basis)
    return tuple(
        _verdict(name, replace(unknown, metric=name, margin=margin_of(cell, name)), old, new, rate) for name in names
    )


def quality_comparisons(pairs: Iterable[tuple[Quality | None, Quality | None]]) -> int:
    """How many verdicts on the quality of these cells, old and new, could raise a false alarm.

    Those are of metrics that both sides have and whose examples are not all the same on both.
    """
    return sum(
        isinstance(found, Compared) and not found.is_equal
        for old, new in pairs
        if old is not None and new is not None and not new.wrong
        for name in judged_metrics(old, new)
        for found in (compared(name, old, new, 0.05),)
    )


def judge_bound(
    cell: Cell, metric: Metric, loses_at_most: float, over: Quality, found: Quality, rate: float = 0.05
) -> tuple[Answer, str, Estimate | None]:
    """Whether a cell loses at most so much of a metric over another one, usually its fp32; with the loss, in its unit.

    The interval misses the loss at `rate`, half of it on either side.
    """
    if metric.better is Better.NEITHER:
        raise ValueError(f"neither way of {metric.name} is better, so none of it can be lost")
    if found.wrong:
        return Answer.FAILS, f"its outputs are wrong: {found.wrong}", None
    if over.wrong:
        return Answer.CANNOT_TELL, f"the outputs it is compared with are wrong: {over.wrong}", None
    lost = compared(metric.name, over, found, rate)
    if isinstance(lost, Cannot):
        return Answer.CANNOT_TELL, lost.text, None
    return *_bounded(cell, metric.unit, loses_at_most, lost, rate), lost.loss


def _bounded(cell: Cell, unit: str, loses_at_most: float, lost: Compared, rate: float) -> tuple[Answer, str]:
    """What the interval of a loss says of a bound."""
    loss = lost.loss
    said = f"{cell.precision} {loss_words(loss, unit)}, where {amount(loses_at_most, unit)} may be lost"
    if loss.low is None or loss.high is None:
        return Answer.CANNOT_TELL, f"{said}: {_no_interval(lost)}"
    if lost.is_same:
        return Answer.HOLDS, f"{SAME}, on {loss.examples} examples"
    if lost.worse is not None:
        said += f"; {decisions(lost.worse, lost.better, loss.examples)}"
    if lost.one_sided:
        said += f"; {one_sided_words(lost.one_sided)}"
    if loss.low > loses_at_most:
        return Answer.FAILS, said
    if loss.high <= loses_at_most and not lost.one_sided:
        return Answer.HOLDS, said
    return Answer.CANNOT_TELL, f"{said}: {needed_words(_needed(lost, loses_at_most, rate / 2), loss.examples)}"


def needed_for_bound(
    metric: Metric, loses_at_most: float, over: Quality, found: Quality, rate: float = 0.05
) -> int | None:
    """About how many examples would tell what `judge_bound` cannot; None where no number of them is known."""
    lost = compared(metric.name, over, found, rate)
    if isinstance(lost, Cannot) or lost.loss.low is None:
        return None
    return _needed(lost, loses_at_most, rate / 2)


def wrong(quality: Quality, known: Mapping[str, Metric]) -> str | None:
    """Why the outputs are no result at all: a trusted score lies beyond what its metric calls unusable.

    One example out of several condemns nothing, where examples only say yes or no.
    """
    for score in quality.scores:
        metric = known.get(score.metric)
        if metric is None or metric.unusable is None or score.value is None or not score.is_trusted:
            continue
        sign = sign_of(metric.better)
        if sign * (score.value - metric.unusable) <= 0 or _is_a_single_one(score, metric.better):
            continue
        side = "above" if sign > 0 else "below"
        limit = amount(metric.unusable, metric.unit)
        return f"{metric.name} is {amount(score.value, metric.unit)}, and {side} {limit} the outputs are no result"
    return None


def _is_a_single_one(score: Score, better: Better) -> bool:
    """Whether only one of several examples went wrong."""
    if score.pool is not Pool.SHARE:
        return False
    right = 1.0 if better is Better.HIGHER else 0.0
    told = [terms[0] == right for terms in score.terms if terms is not None]
    return len(told) > 1 and told.count(False) == 1


def _verdict(name: str, blank: Verdict, old: Quality, new: Quality, rate: float) -> Verdict:
    """The verdict on one metric, begun in `blank`."""
    before, after = old.score(name), new.score(name)
    score = after or before
    assert score is not None
    olds, news = (None if one is None else one.value for one in (before, after))
    margin = blank.margin or 0.0
    blank = replace(blank, old=olds, new=news)
    found = compared(name, old, new, 2 * rate)
    if isinstance(found, Cannot):
        return replace(blank, outcome=found.outcome, text=found.text, differences=found.differences)
    loss = found.loss
    change = loss if score.better is Better.LOWER else loss.turned()
    blank = replace(
        blank,
        change=change.value,
        change_low=change.low,
        change_high=change.high,
        examples=loss.examples,
        could_see=None if loss.low is None or loss.high is None else (loss.high - loss.low) / 2,
        differences=_made_otherwise(before, after),
    )
    if found.is_same:
        return replace(blank, outcome=Outcome.UNCHANGED, text=SAME, basis=Basis.EXACT, could_see=None)
    if found.is_rounded:
        # Nothing is inferred of other examples here, so that an interval would say what the verdict does not rest on.
        alike = replace(blank, change_low=change.value, change_high=change.value)
        return replace(alike, outcome=Outcome.UNCHANGED, text=ROUNDED, basis=Basis.EXACT, could_see=None)
    outcome, text = _decided(found, margin, rate)
    basis = blank.basis
    if margin == 0 and found.worse is not None:
        outcome, text, basis = _counted(found.worse, found.better)
    told = [text, *_details(found, outcome, score.unit)]
    if found.one_sided:
        told.append(one_sided_words(found.one_sided))
        outcome = outcome if outcome is Outcome.REGRESSED else Outcome.INCONCLUSIVE
    elif outcome is Outcome.INCONCLUSIVE and margin > 0 and loss.low is not None:
        told.append(needed_words(_needed(found, margin, rate), loss.examples))
    return replace(blank, outcome=outcome, text="; ".join(told), basis=basis)


def _decided(found: Compared, margin: float, rate: float) -> tuple[Outcome, str]:
    """What the interval of the loss shows, as `Interval.shows` says it of times."""
    loss = found.loss
    if loss.low is None or loss.high is None:
        if found.is_equal and found.worse is None:
            return Outcome.UNCHANGED, f"the same, from {_examples(loss.examples)}"
        return Outcome.INCONCLUSIVE, _no_interval(found)
    is_none = loss.low == loss.high == 0
    if is_none or (-margin < loss.low and loss.high < margin):
        return Outcome.UNCHANGED, "the same on every example" if found.is_equal else "shown to be within the margin"
    is_worse, is_better = loss.low > 0, loss.high < 0
    if found.worse is not None:
        is_worse = is_worse and mcnemar(found.worse, found.better) <= rate
        is_better = is_better and mcnemar(found.better, found.worse) <= rate
    if is_worse:
        return Outcome.REGRESSED, "worse"
    if is_better:
        return Outcome.IMPROVED, "better"
    return Outcome.INCONCLUSIVE, "neither a change nor its absence was shown"


def _counted(worse: int, better: int) -> tuple[Outcome, str, Basis]:
    """None may be lost: what counts is these very examples."""
    if worse > better:
        return Outcome.REGRESSED, "worse, and none may be lost: counted", Basis.EXACT
    if better > worse:
        return Outcome.IMPROVED, "better, counted", Basis.EXACT
    if not worse:
        return Outcome.UNCHANGED, "the same on every example, counted", Basis.EXACT
    return Outcome.INCONCLUSIVE, "as many are worse as are better", Basis.EXACT


def _details(found: Compared, outcome: Outcome, unit: str) -> Iterable[str]:
    """What a verdict rests on, in words."""
    loss = found.loss
    if loss.low is not None and loss.high is not None and not found.is_equal:
        yield f"{loss_words(loss, unit)}, from {_examples(loss.examples)}"
    if found.worse is not None:
        yield decisions(found.worse, found.better, loss.examples)
    elif found.losses and outcome in (Outcome.REGRESSED, Outcome.IMPROVED):
        yield sign_words(found.losses, is_worse=outcome is Outcome.REGRESSED)
    if outcome is Outcome.INCONCLUSIVE and loss.low is not None and loss.high is not None:
        yield f"a change of {span((loss.high - loss.low) / 2, unit)} could have been seen"


def _no_interval(found: Compared) -> str:
    examples = found.loss.examples
    if found.pool is Pool.GREATEST:
        return f"the greatest of {_examples(examples)} has no interval: it is shown, and cannot be judged"
    if examples < FEWEST:
        return f"from {_examples(examples)}, and {FEWEST} are the fewest that show how far examples differ"
    return f"it hangs on a single one of {_examples(examples)}; more are needed"


def _needed(found: Compared, margin: float, rate: float) -> int | None:
    """How many examples would tell, where that can be said."""
    loss = found.loss
    if margin <= 0:
        return None
    if found.worse is not None:
        variance = (found.worse + found.better) / loss.examples
        count = decisions_needed(variance, margin, rate)
    else:
        variance = variance_of(loss, 2 * rate)
        count = examples_needed(variance, margin, rate)
    if count <= loss.examples and loss.value != margin:
        # More are needed because the loss is no longer nothing: it lies near the margin.
        count = examples_needed(variance, abs(margin - loss.value), rate)
    return count if count > loss.examples else None


def _examples(count: int) -> str:
    return f"{count} example{'s' * (count != 1)}"


def _made_otherwise(before: Score | None, after: Score | None) -> tuple[Difference, ...]:
    """What a value hangs on besides the outputs (a speech recogniser's version), where the sides say otherwise."""
    if before is None or after is None or before.note == after.note:
        return ()
    return (Difference(f"{after.metric} is", before.note or "as usual", after.note or "as usual"),)
