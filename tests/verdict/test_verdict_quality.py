"""Every branch of the judge of quality. Tango at two hundred examples of which none differs ends at z²/(n + z²): with
one per cent a side, 5.41 / 205.4 = 0.0263.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cells import Cell
from harness.comparisons import Answer, Basis, Outcome, Verdict
from harness.metrics import Metric
from harness.quality_metrics import QUALITY
from harness.scores import Part, Quality, Terms
from harness.verdict.quality import SAME, judge_bound, judge_quality, needed_for_bound, quality_comparisons, wrong
from tests.quality_samples import decided, numbers, other, quality, score
from tests.samples import CELL

REGRESSED, IMPROVED, UNCHANGED = Outcome.REGRESSED, Outcome.IMPROVED, Outcome.UNCHANGED
INCONCLUSIVE, MISSING, NEW = Outcome.INCONCLUSIVE, Outcome.MISSING, Outcome.NEW
RATE = 0.01
LOUD = [10.0, 11.0, 12.0, 13.0, 14.0]
"""Five decibels, each of one example."""


def own_margin(_cell: Cell, metric: str) -> float:
    return QUALITY[metric].margin


def judged(old: Quality, new: Quality, margin: float | None = None, rate: float = RATE) -> Verdict:
    """The verdict, of which there is one."""
    margin_of = own_margin if margin is None else lambda *_: margin
    (found,) = judge_quality(CELL, old, new, margin_of, rate, "origin/main", Basis.LIVE)
    return found


def sides(metric: str, olds: Sequence[Terms | None], news: Sequence[Terms | None]) -> tuple[Quality, Quality]:
    """Two sides with other outputs and these terms."""
    return quality(score(metric, olds)), other(quality(score(metric, news)))


# Where nothing is computed.


@pytest.mark.parametrize(("part", "metric"), [(Part.TIMED, "sqnr_db"), (Part.EXAM, "accuracy")])
@pytest.mark.parametrize("count", [1, 60])
def test_the_same_outputs_are_unchanged_however_few(part: Part, metric: str, count: int) -> None:
    one = quality(score(metric, numbers(*[1.0] * count), part))
    found = judged(one, one)
    assert (found.outcome, found.basis, found.text, found.change) == (UNCHANGED, Basis.EXACT, SAME, 0)
    assert (found.old, found.new, found.margin, found.examples) == (1, 1, QUALITY[metric].margin, count)


def test_the_same_timed_outputs_say_nothing_of_an_exam_that_changed() -> None:
    olds, news = (quality(score("accuracy", decided(*counts), Part.EXAM)) for counts in ((50, 10), (30, 30)))
    assert judged(olds, news).outcome is REGRESSED


def test_outputs_without_a_digest_are_not_the_same() -> None:
    one = quality(score("accuracy", decided(60)), outputs_digest="")
    assert judged(one, one).outcome is INCONCLUSIVE


def test_other_examples_are_not_comparable_and_named() -> None:
    old, new = quality(score("sqnr_db", numbers(*LOUD))), quality(score("sqnr_db", numbers(*LOUD, 15.0)))
    found = judged(old, new)
    assert found.outcome is Outcome.NOT_COMPARABLE
    (differing,) = found.differences
    assert differing.key == "timed examples"
    assert str(differing) in found.text


def test_an_exam_is_not_compared_with_what_was_timed() -> None:
    old, new = (quality(score("accuracy", decided(60), part)) for part in Part)
    assert judged(old, new).outcome is Outcome.NOT_COMPARABLE


@pytest.mark.parametrize("at", [0, 1])
def test_a_metric_that_failed_its_self_check_decides_nothing(at: int) -> None:
    both = [quality(score("sqnr_db", numbers(*LOUD))) for _ in range(2)]
    both[at] = quality(score("sqnr_db", numbers(*LOUD), untrusted="noise raised it"))
    found = judged(both[0], both[1])
    assert found.outcome is INCONCLUSIVE
    assert found.text == "its self-check failed on this machine: noise raised it"
    assert (found.old, found.new) == (12, 12)


@pytest.mark.parametrize(
    ("side", "words", "lost", "gained"),
    [
        (quality(score("sqnr_db", (), value=None, unavailable="other shapes")), "other shapes", MISSING, NEW),
        (quality(), "it does not apply there", MISSING, NEW),
        (quality(problem="the worker died"), "the worker died", INCONCLUSIVE, INCONCLUSIVE),
    ],
)
def test_what_this_side_lacks_is_missing_and_what_the_other_lacks_is_new(
    side: Quality, words: str, lost: Outcome, gained: Outcome
) -> None:
    has = quality(score("sqnr_db", numbers(*LOUD)))
    for found, who, outcome in ((judged(has, side), "this side", lost), (judged(side, has), "the other side", gained)):
        assert (found.outcome, found.text) == (outcome, f"{who} does not have it: {words}")


def test_outputs_that_differ_by_rounding_only_are_unchanged_where_no_example_differs() -> None:
    def side(outputs: str, likeness: float, *right: int) -> Quality:
        scores = (
            score("sqnr_db", numbers(likeness, 100.0, 100.0)),
            score("accuracy", [(float(one),) for one in right]),
        )
        return quality(*scores, outputs_digest=outputs, reference_digest="fp32")

    def accuracy(old: Quality, new: Quality) -> Verdict:
        found = judge_quality(CELL, old, new, own_margin, RATE, "main", Basis.LIVE)
        return next(one for one in found if one.metric == "accuracy")

    old = side("then", 100.0, 1, 1, 0)
    rounded = accuracy(old, side("now", 90.0, 1, 1, 0))
    assert (rounded.outcome, rounded.basis) == (UNCHANGED, Basis.EXACT)
    assert rounded.text == "the same on every example, and the outputs differ by rounding only"
    assert accuracy(old, side("now", 89.9, 1, 1, 0)).outcome is INCONCLUSIVE
    assert accuracy(old, side("now", 100.0, 1, 0, 1)).outcome is INCONCLUSIVE
    beside_nothing = [replace(one, reference_digest="") for one in (old, side("now", 100.0, 1, 1, 0))]
    assert accuracy(*beside_nothing).outcome is INCONCLUSIVE


@pytest.mark.parametrize(
    ("now", "outcome"), [((0, 0, 0, 0), UNCHANGED), ((0, 0, 1, 0), REGRESSED)], ids=["none", "one more"]
)
def test_draws_of_one_text_that_fail_are_counted_one_by_one(now: tuple[int, ...], outcome: Outcome) -> None:
    def side(outputs: str, *failed: int) -> Quality:
        found = quality(score("failed_share", [(float(one),) for one in failed]), outputs_digest=outputs)
        assert found.timed is not None
        return replace(found, timed=replace(found.timed, groups=("a", "a", "b", "b")))

    found = judged(side("then", 0, 0, 0, 0), side("now", *now))
    assert (found.outcome, found.basis) == (outcome, Basis.EXACT)


def test_what_both_sides_lack_or_nobody_judges_has_no_verdict() -> None:
    silent = score("dnsmos", (), value=None, unavailable="speechmos is not installed")
    shown = score("largest_difference", numbers(*LOUD))
    neither = score("positive_share", decided(5), is_judged=True)
    one = quality(silent, shown, neither)
    assert judge_quality(CELL, one, other(one), own_margin, RATE, "main", Basis.LIVE) == ()


def test_a_cell_of_whose_quality_nothing_is_known_says_so() -> None:
    found = judged(quality(), quality(problem="the worker died"))
    assert (found.metric, found.outcome) == (None, INCONCLUSIVE)
    assert "the worker died" in found.text


def test_wrong_outputs_fail_and_are_better_in_nothing() -> None:
    old, new = sides("sqnr_db", numbers(*LOUD), numbers(*(one + 50 for one in LOUD)))
    found = judged(old, replace(new, wrong="they are silent"))
    assert (found.metric, found.outcome) == (None, Outcome.FAILED)
    assert found.text == "its outputs are wrong: they are silent"


def test_every_judged_metric_of_either_side_has_a_verdict() -> None:
    old = quality(score("sqnr_db", numbers(*LOUD)), score("accuracy", decided(9), Part.EXAM))
    new = quality(score("sqnr_db", numbers(*LOUD)), score("auc", [(0.1, 0), (0.9, 1)], Part.EXAM))
    found = judge_quality(CELL, old, new, own_margin, RATE, "main", Basis.STORED)
    assert [one.metric for one in found] == ["sqnr_db", "auc", "accuracy"]
    assert [one.basis for one in found] == [Basis.EXACT, Basis.STORED, Basis.STORED]


# Numbers.


@pytest.mark.parametrize(
    ("change", "wobble", "outcome", "words"),
    [
        # t of four degrees at one per cent is 3.747; a wobble of ±w in five examples has a half width near 2·w.
        (-5.0, 0.1, REGRESSED, "worse; loses 5"),
        (5.0, 0.1, IMPROVED, "better; gains 5"),
        (-1.0, 0.1, UNCHANGED, "shown to be within the margin; loses 1"),
        (1.0, 0.1, UNCHANGED, "shown to be within the margin; gains 1"),
        # Reaches over the margin of 3 dB and not to zero: worse, though by less than the margin.
        (-2.9, 0.5, REGRESSED, "worse"),
        (0.0, 5.0, INCONCLUSIVE, "neither a change nor its absence was shown"),
        (-3.0, 5.0, INCONCLUSIVE, "neither a change nor its absence was shown"),
    ],
)
def test_a_number_is_judged_by_its_interval(change: float, wobble: float, outcome: Outcome, words: str) -> None:
    waves = (0.0, wobble, -wobble, wobble, -wobble)
    news = [one + change + wave for one, wave in zip(LOUD, waves, strict=True)]
    found = judged(*sides("sqnr_db", numbers(*LOUD), numbers(*news)))
    assert found.outcome is outcome
    assert found.text.startswith(words)
    assert found.change == pytest.approx(change)
    assert found.change_low is not None
    assert found.change_high is not None
    assert found.change_low < change < found.change_high
    assert found.could_see == pytest.approx((found.change_high - found.change_low) / 2)
    assert (found.ratio, found.low, found.basis, found.examples) == (None, None, Basis.LIVE, 5)


def test_the_interval_is_wrong_at_the_rate_on_either_side() -> None:
    # Differences −1, 0, −2, −1 of four examples: mean −1, deviation √(2/3); t of three at one per cent is 4.5407.
    found = judged(*sides("sqnr_db", numbers(5, 5, 5, 5), numbers(4, 5, 3, 4)))
    half = 4.5407 * (2 / 3) ** 0.5 / 2
    assert (found.change_low, found.change_high) == pytest.approx((-1 - half, -1 + half), rel=1e-4)


def test_lower_is_better_where_a_metric_says_so() -> None:
    olds, news = numbers(0.5, 0.6, 0.7, 0.8), numbers(1.5, 1.61, 1.7, 1.8)
    worse, better = (judged(*sides("log_mel_distance", *pair), margin=0.1) for pair in ((olds, news), (news, olds)))
    assert (worse.outcome, better.outcome) == (REGRESSED, IMPROVED)
    assert worse.change is not None
    assert worse.change > 0


def test_a_shown_change_of_numbers_counts_the_examples() -> None:
    found = judged(*sides("sqnr_db", numbers(*LOUD), numbers(*(one - 5 - one / 100 for one in LOUD))))
    # All five are worse: one choice of signs in 2⁵.
    assert "worse on 5 of 5, sign-flip p = 0.031" in found.text


@pytest.mark.parametrize("count", [1, 2])
def test_under_three_examples_show_nothing_unless_they_are_the_same(count: int) -> None:
    changed = judged(*sides("sqnr_db", numbers(*[10.0] * count), numbers(*[1.0] * count)))
    assert (changed.outcome, changed.change, changed.change_low) == (INCONCLUSIVE, -9, None)
    assert f"from {count} example" in changed.text
    same = judged(*sides("sqnr_db", numbers(*[10.0] * count), numbers(*[10.0] * count)))
    assert (same.outcome, same.text) == (UNCHANGED, f"the same, from {count} example{'s' * (count > 1)}")


def test_the_greatest_of_some_examples_is_not_judged() -> None:
    shown = replace(score("largest_difference", numbers(*LOUD)), is_judged=True)
    more = replace(score("largest_difference", numbers(*[one * 2 for one in LOUD])), is_judged=True)
    found = judged(quality(shown), other(quality(more)), margin=0.1)
    assert found.outcome is INCONCLUSIVE
    assert "the greatest of 5 examples has no interval" in found.text


def test_a_margin_of_nothing_lets_any_shown_loss_of_numbers_through_as_one() -> None:
    waves = (0.01, -0.01, 0.01, -0.01, 0.0)
    found = [
        judged(
            *sides("sqnr_db", numbers(*LOUD), numbers(*(one + by + w for one, w in zip(LOUD, waves, strict=True)))), 0
        )
        for by in (-0.1, 0.1, 0.0)
    ]
    assert [one.outcome for one in found] == [REGRESSED, IMPROVED, INCONCLUSIVE]
    assert "would tell" not in found[2].text
    assert judged(*sides("sqnr_db", numbers(*LOUD), numbers(*LOUD)), 0).outcome is UNCHANGED


def test_an_example_with_a_value_on_one_side_only_keeps_all_from_being_well() -> None:
    news: list[Terms | None] = [*numbers(*(one + 5.0 + one / 100 for one in LOUD[:4])), None]
    found = judged(*sides("sqnr_db", numbers(*LOUD), news))
    assert (found.outcome, found.examples) == (INCONCLUSIVE, 4)
    assert "1 example has it on one side only" in found.text
    worse: list[Terms | None] = [*numbers(*(one - 5.0 - one / 100 for one in LOUD[:4])), None]
    assert judged(*sides("sqnr_db", numbers(*LOUD), worse)).outcome is REGRESSED


def test_what_else_a_value_hangs_on_is_named() -> None:
    old = quality(score("word_error_rate", [(1.0, 9.0)] * 4, note="heard by one recogniser"))
    new = other(quality(score("word_error_rate", [(1.0, 9.0)] * 4, note="heard by another")))
    (differing,) = judged(old, new).differences
    assert str(differing) == "word_error_rate is: heard by one recogniser → heard by another"


# Decisions.


def flipped(worse: int, better: int, examples: int) -> tuple[Quality, Quality]:
    """Accuracy on two sides: so many are right on the old only, so many on the new only, the rest on both."""
    alike = examples - worse - better
    olds = [*decided(worse), *decided(0, better), *decided(alike)]
    return sides("accuracy", olds, [*decided(0, worse), *decided(better), *decided(alike)])


@pytest.mark.parametrize(
    ("worse", "better", "examples", "margin", "outcome"),
    [
        # p = 2⁻⁷ < 1 %; of seven, six are not enough.
        (7, 0, 120, 0.02, REGRESSED),
        (6, 0, 120, 0.02, INCONCLUSIVE),
        (0, 7, 120, 0.02, IMPROVED),
        (0, 0, 200, 0.027, UNCHANGED),
        (0, 0, 200, 0.026, INCONCLUSIVE),
        (5, 1, 120, 0.02, INCONCLUSIVE),
        # p = 1/1024, and Tango ends at 0.035: worse by less than the margin is within it.
        (10, 0, 1000, 0.04, UNCHANGED),
        (10, 0, 1000, 0.02, REGRESSED),
    ],
)
def test_decisions_are_judged_by_tango_and_mcnemar(
    worse: int, better: int, examples: int, margin: float, outcome: Outcome
) -> None:
    found = judged(*flipped(worse, better, examples), margin)
    assert found.outcome is outcome
    assert found.change == pytest.approx((better - worse) / examples)


def test_decisions_say_how_many_became_worse_and_how_many_would_tell() -> None:
    # (6 + 1) / 64 by McNemar; ψ = 6/120 = 5 % at a margin of 2 pp needs 13·ψ/Δ² examples.
    text = judged(*flipped(5, 1, 120)).text
    assert "5 of 120 decided worse, 1 better, McNemar p = 0.11" in text
    assert text.endswith("about 1,630 examples would tell; there are 120")


def test_of_what_is_better_lower_the_new_ones_are_worse() -> None:
    found = judged(*sides("failed_share", decided(0, 40), [*decided(8), *decided(0, 32)]), 0.1)
    assert "8 of 40 decided worse, 0 better" in found.text
    assert found.outcome is REGRESSED


@pytest.mark.parametrize(
    ("worse", "better", "outcome", "words"),
    [
        (1, 0, REGRESSED, "worse, and none may be lost: counted"),
        (2, 1, REGRESSED, "worse, and none may be lost: counted"),
        (0, 1, IMPROVED, "better, counted"),
        (1, 1, INCONCLUSIVE, "as many are worse as are better"),
        (0, 0, UNCHANGED, "the same on every example, counted"),
    ],
)
@pytest.mark.parametrize("examples", [2, 20])
def test_where_none_may_fail_more_each_one_counts(
    worse: int, better: int, outcome: Outcome, words: str, examples: int
) -> None:
    if worse + better > examples:
        examples = worse + better
    alike = examples - worse - better
    olds = [*decided(0, worse), *decided(better), *decided(0, alike)]
    news = [*decided(worse), *decided(0, better), *decided(0, alike)]
    found = judged(*sides("failed_share", olds, news))
    assert (found.outcome, found.basis) == (outcome, Basis.EXACT)
    assert found.text.startswith(words)


@settings(deadline=None)
@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 100), st.sampled_from((0.0, 0.02, 0.1)))
def test_swapping_the_sides_never_keeps_a_verdict_of_change(worse: int, better: int, alike: int, margin: float) -> None:
    if not worse + better + alike:
        return
    old, new = flipped(worse, better, worse + better + alike)
    there, back = judged(old, new, margin).outcome, judged(new, old, margin).outcome
    turned = {REGRESSED: IMPROVED, IMPROVED: REGRESSED}
    assert back is turned.get(there, there)


@given(st.lists(st.floats(-50, 50), min_size=3, max_size=12), st.floats(-20, 20))
def test_swapping_the_sides_of_numbers_turns_the_verdict(olds: list[float], shift: float) -> None:
    news = [one * 0.9 + shift for one in olds]
    old, new = sides("sqnr_db", numbers(*olds), numbers(*news))
    there, back = judged(old, new), judged(new, old)
    turned = {REGRESSED: IMPROVED, IMPROVED: REGRESSED}
    assert back.outcome is turned.get(there.outcome, there.outcome)


# How many could raise a false alarm.


def test_only_what_differs_and_is_judged_can_raise_a_false_alarm() -> None:
    same = quality(score("sqnr_db", numbers(*LOUD)), score("accuracy", decided(9), Part.EXAM))
    one_changed = other(quality(score("sqnr_db", numbers(*LOUD[::-1])), score("accuracy", decided(9), Part.EXAM)))
    untrusted = quality(
        score("sqnr_db", numbers(*LOUD[::-1]), untrusted="no"), score("auc", [(0.1, 0), (0.9, 1)], Part.EXAM)
    )
    assert quality_comparisons([(same, same), (same, None), (None, same)]) == 0
    assert quality_comparisons([(same, one_changed), (one_changed, same)]) == 2
    assert quality_comparisons([(same, replace(one_changed, wrong="silent")), (same, untrusted)]) == 0


# Bounds.

ACCURACY, SQNR = QUALITY["accuracy"], QUALITY["sqnr_db"]


def bound(old: Quality, new: Quality, at_most: float, metric: Metric = ACCURACY) -> tuple[Answer, str]:
    answer, text, _ = judge_bound(CELL, metric, at_most, old, new)
    return answer, text


@pytest.mark.parametrize(
    ("worse", "better", "examples", "at_most", "answer"),
    [
        # With none of n changed Tango ends at 3.8415 / (n + 3.8415): 0.0188 at 200.
        (0, 0, 200, 0.02, Answer.HOLDS),
        (0, 0, 180, 0.02, Answer.CANNOT_TELL),
        (0, 0, 2, 1.0, Answer.CANNOT_TELL),
        (60, 0, 120, 0.02, Answer.FAILS),
        (5, 1, 120, 0.02, Answer.CANNOT_TELL),
        (5, 1, 120, 0.2, Answer.HOLDS),
    ],
)
def test_a_bound_on_decisions(worse: int, better: int, examples: int, at_most: float, answer: Answer) -> None:
    old, new = flipped(worse, better, examples)
    found, text, loss = judge_bound(CELL, ACCURACY, at_most, old, new)
    assert found is answer
    assert loss is not None
    assert loss.value == pytest.approx((worse - better) / examples)
    assert f"{CELL.precision} " in text


def test_a_bound_that_cannot_be_told_says_what_would() -> None:
    old, new = flipped(5, 1, 120)
    answer, text = bound(old, new, 0.02)
    assert answer is Answer.CANNOT_TELL
    # 1.96 + 1.2816 squared, times 5 % over the margin squared: 1,313.
    assert text.endswith("about 1,310 examples would tell; there are 120")
    assert needed_for_bound(ACCURACY, 0.02, old, new) == 1314
    assert needed_for_bound(ACCURACY, 0.0, old, new) is None
    assert needed_for_bound(ACCURACY, 0.02, old, quality()) is None


@pytest.mark.parametrize(
    ("change", "at_most", "answer"),
    [(-1.0, 3.0, Answer.HOLDS), (1.0, 0.0, Answer.HOLDS), (-5.0, 3.0, Answer.FAILS), (-3.0, 3.0, Answer.CANNOT_TELL)],
)
def test_a_bound_on_numbers(change: float, at_most: float, answer: Answer) -> None:
    news = [one + change + wave for one, wave in zip(LOUD, (0.0, 0.1, -0.1, 0.1, -0.1), strict=True)]
    assert bound(*sides("sqnr_db", numbers(*LOUD), numbers(*news)), at_most, SQNR)[0] is answer


def test_two_examples_hold_nothing_and_the_same_outputs_of_three_hold_all() -> None:
    two, three = (quality(score("sqnr_db", numbers(*LOUD[:count]))) for count in (2, 3))
    answer, text = bound(two, two, 3.0, SQNR)
    assert (answer, "3 are the fewest" in text) == (Answer.CANNOT_TELL, True)
    assert bound(three, three, 0.0, SQNR) == (Answer.HOLDS, f"{SAME}, on 3 examples")


FINE = quality(score("sqnr_db", numbers(*LOUD)))


@pytest.mark.parametrize(
    ("over", "found", "answer", "words"),
    [
        (FINE, replace(FINE, wrong="silent"), Answer.FAILS, "its outputs are wrong: silent"),
        (replace(FINE, wrong="silent"), FINE, Answer.CANNOT_TELL, "compared with are wrong: silent"),
        (FINE, quality(score("sqnr_db", numbers(*LOUD), untrusted="no")), Answer.CANNOT_TELL, "self-check failed"),
        (FINE, quality(), Answer.CANNOT_TELL, "this side does not have it"),
        (quality(), FINE, Answer.CANNOT_TELL, "the other side does not have it"),
        (FINE, quality(score("sqnr_db", numbers(*LOUD, 1.0))), Answer.CANNOT_TELL, "other examples"),
    ],
)
def test_what_cannot_be_trusted_cannot_hold(over: Quality, found: Quality, answer: Answer, words: str) -> None:
    told, text = bound(over, found, 100.0, SQNR)
    assert told is answer
    assert words in text


def test_an_example_that_lost_its_value_keeps_a_bound_from_holding() -> None:
    news: list[Terms | None] = [*numbers(*(one + one / 100 for one in LOUD[:4])), None]
    answer, text = bound(*sides("sqnr_db", numbers(*LOUD), news), 3.0, SQNR)
    assert (answer, "1 example has it on one side only" in text) == (Answer.CANNOT_TELL, True)


def test_what_has_no_worse_way_has_no_bound() -> None:
    with pytest.raises(ValueError, match="neither way of positive_share is better"):
        bound(FINE, FINE, 0.1, QUALITY["positive_share"])


# Wrong outputs.


@pytest.mark.parametrize(
    ("metric", "terms", "more", "text"),
    [
        (
            "decision_agreement",
            decided(13, 12),
            {},
            "decision_agreement is 0.52, and below 0.7 the outputs are no result",
        ),
        ("decision_agreement", decided(7, 3), {}, None),
        # One of three is below 0.7 too, and is one example.
        ("decision_agreement", decided(2, 1), {}, None),
        ("decision_agreement", decided(0, 1), {}, "decision_agreement is 0, and below"),
        ("failed_share", decided(2, 1), {}, "failed_share is 0.667, and above 0.5 the outputs are no result"),
        ("failed_share", decided(1, 1), {}, None),
        (
            "log_mel_distance",
            numbers(3.5),
            {},
            "log_mel_distance is 3.5 ln, and above 1.5 ln the outputs are no result",
        ),
        ("log_mel_distance", numbers(3.5), {"untrusted": "no"}, None),
        ("log_mel_distance", (), {"value": None, "unavailable": "no audio"}, None),
        ("sqnr_db", numbers(-50.0), {}, None),
    ],
)
def test_outputs_beyond_use_are_wrong(
    metric: str, terms: Sequence[Terms | None], more: dict[str, Any], text: str | None
) -> None:
    found = wrong(quality(score("accuracy", decided(1, 9), Part.EXAM), score(metric, terms, **more)), QUALITY)
    assert found == text if text is None else (found or "").startswith(text)


def test_a_metric_that_is_not_installed_condemns_nothing() -> None:
    assert wrong(quality(score("log_mel_distance", numbers(9.0))), {}) is None
