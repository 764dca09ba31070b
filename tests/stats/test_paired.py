"""Intervals over examples and paired differences; t quantiles of two degrees of freedom are 4.3027 at 95 %."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics import Pool
from harness.scores import Terms
from harness.stats.jackknife import half_width, without_each
from harness.stats.paired import (
    Estimate,
    decisions_needed,
    difference,
    estimate,
    examples_needed,
    flips,
    sign_flip,
    variance_of,
)
from harness.stats.pooling import pooled
from harness.stats.proportions import tango, wilson
from tests.stats.test_pooling import DOGS_BLEU, DOGS_CHRF

T2 = 4.302653


def ones(*values: float) -> list[Terms | None]:
    return [(value,) for value in values]


def assert_near(found: Estimate | None, value: float, half: float, examples: int) -> None:
    assert found is not None
    near = pytest.approx((value, value - half, value + half, examples), rel=1e-4, abs=1e-12)
    assert (found.value, found.low, found.high, found.examples) == near


# Values.


def test_the_interval_of_a_mean_is_students() -> None:
    # 1, 2, 6: the standard deviation is √7, so 4.3027·√(7/3).
    assert_near(estimate(Pool.MEAN, ones(1, 2, 6)), 3, T2 * math.sqrt(7 / 3), 3)


def test_the_interval_of_a_ratio_is_jackknifed() -> None:
    # 6/12 is 0.5; without each 5/10, 4/8 and 3/6: the same, so nothing is uncertain.
    assert estimate(Pool.RATIO, [(1, 2), (2, 4), (3, 6)]) == Estimate(0.5, 0.5, 0.5, 3)
    # 4/12; without each 3/10, 2/8 and 3/6. Their mean is 0.35, squares sum to 0.035; half = t·√(2²·0.035/2/3).
    found = estimate(Pool.RATIO, [(1, 2), (2, 4), (1, 6)])
    assert found is not None
    assert found.high == pytest.approx(1 / 3 + T2 * math.sqrt(4 * 0.035 / 6))


@pytest.mark.parametrize("pool", [Pool.SHARE, Pool.RATIO])
def test_a_share_of_examples_has_wilsons_interval(pool: Pool) -> None:
    terms = {
        Pool.SHARE: [*ones(*[1] * 5, *[0] * 115), None],
        # Of 150 examples 120 are counted: recall, say.
        Pool.RATIO: [*[(1.0, 1.0)] * 5, *[(0.0, 1.0)] * 115, *[(0.0, 0.0)] * 30],
    }[pool]
    assert estimate(pool, terms) == Estimate(5 / 120, *wilson(5, 120, 0.05), 120)


@pytest.mark.parametrize(
    ("pool", "terms"),
    [
        (Pool.MEAN, ones(1, 2)),
        (Pool.SHARE, ones(1, 1)),
        (Pool.GREATEST, ones(1, 2, 3, 4)),
        # Without the one positive example there is no area.
        (Pool.RANKED, [(0.1, 0), (0.2, 0), (0.9, 1), (0.3, 0)]),
        (Pool.RATIO, [(3, 9), (0, 0), (0, 0)]),
    ],
)
def test_where_no_interval_can_be_made_there_is_none(pool: Pool, terms: list[Terms | None]) -> None:
    found = estimate(pool, terms)
    assert found is not None
    assert (found.low, found.high) == (None, None)


def test_without_a_value_there_is_no_estimate() -> None:
    assert estimate(Pool.MEAN, [None, None, None]) is None
    assert difference(Pool.RATIO, [(0, 0)] * 3, [(0, 0)] * 3) is None


# What each pool would be without one example, against doing it.


@settings(deadline=None)
@given(
    st.sampled_from(
        [
            (Pool.MEAN, [(1.0,), (4.0,), (-2.5,), (7.0,)]),
            (Pool.RATIO, [(1.0, 3.0), (2.0, 9.0), (0.0, 4.0), (5.0, 5.0)]),
            (Pool.RANKED, [(0.9, 1.0), (0.5, 1.0), (0.5, 0.0), (0.6, 0.0), (0.1, 0.0), (0.3, 1.0)]),
            (Pool.CALIBRATED, [(0.9, 1.0), (0.55, 1.0), (0.5, 0.0), (0.6, 0.0), (0.1, 0.0)]),
            (Pool.BLEU, [*DOGS_BLEU, (9, 8, 7, 9, 5, 8, 4, 7, 2, 6), (8, 9, 6, 8, 4, 7, 3, 6, 1, 5)]),
            (Pool.CHRF, [*DOGS_CHRF, tuple(reversed(DOGS_CHRF[0]))]),
        ]
    )
)
def test_leaving_one_out_is_what_it_says(case: tuple[Pool, list[Terms]]) -> None:
    pool, terms = case
    by_hand = [pooled(pool, [*terms[:at], *terms[at + 1 :]]) for at in range(len(terms))]
    assert without_each(pool, terms) == pytest.approx(by_hand)


def test_two_examples_show_no_spread() -> None:
    with pytest.raises(ValueError, match="3 are the least"):
        half_width([1.0, 2.0], 0.05)


# Differences.


def test_a_difference_is_new_less_old_with_the_paired_interval() -> None:
    # Differences 1, 0, 2: mean 1, standard deviation 1.
    assert_near(difference(Pool.MEAN, ones(1, 2, 3), ones(2, 2, 5)), 1, T2 / math.sqrt(3), 3)


def test_pairing_takes_away_what_examples_differ_by() -> None:
    olds, news = ones(1, 50, 900, 20), ones(2, 51, 901, 21)
    assert_near(difference(Pool.MEAN, olds, news), 1, 0, 4)


def test_the_same_terms_differ_by_exactly_nothing() -> None:
    terms: list[Terms | None] = [(0.1, 0.3), (0.7, 0.9), (0.2, 1.3)]
    assert difference(Pool.RATIO, terms, terms) == Estimate(0, 0, 0, 3)


def test_a_share_gets_tangos_interval() -> None:
    # Seven right on the old side only, one on the new only, thirteen alike; one has nothing on the new side.
    olds = ones(*[1] * 7, 0, *[1] * 13, 1)
    news = [*ones(*[0] * 7, 1, *[1] * 13), None]
    assert difference(Pool.SHARE, olds, news) == Estimate(-6 / 21, *tango(7, 1, 21, 0.05), 21)


def test_recall_is_a_share_of_what_is_positive() -> None:
    olds: list[Terms | None] = [*[(1.0, 1.0)] * 20, *[(0.0, 0.0)] * 80]
    news: list[Terms | None] = [(0.0, 1.0), *[(1.0, 1.0)] * 19, *[(0.0, 0.0)] * 80]
    assert difference(Pool.RATIO, olds, news) == Estimate(-1 / 20, *tango(1, 0, 20, 0.05), 20)
    kept = [one for one in olds if one is not None], [one for one in news if one is not None]
    assert flips(Pool.RATIO, *kept) is not None


def test_precision_that_never_changed_in_a_few_examples_may_yet() -> None:
    # Eight called positive on both sides, one more on the new one, rightly. Two pseudo-values of ±n/8 are added.
    olds: list[Terms | None] = [*[(1.0, 1.0)] * 8, (0.0, 0.0), (0.0, 0.0)]
    news: list[Terms | None] = [*[(1.0, 1.0)] * 8, (1.0, 1.0), (0.0, 0.0)]
    # t of nine degrees is 2.2622; no example's leaving changes the ratio of 1, so √(2·(10/8)²/9/10) is left.
    assert_near(difference(Pool.RATIO, olds, news), 0, 2.2622 * math.sqrt(2 * (10 / 8) ** 2 / 90), 10)


def test_an_order_that_no_example_broke_is_not_certain() -> None:
    olds: list[Terms | None] = [(0.9, 1), (0.8, 1), (0.2, 0), (0.1, 0)]
    news: list[Terms | None] = [(0.7, 1), (0.6, 1), (0.3, 0), (0.2, 0)]
    found = difference(Pool.RANKED, olds, news)
    assert found is not None
    assert found.value == 0
    assert found.high is not None
    assert found.high > 1
    assert difference(Pool.RANKED, olds, olds) == Estimate(0, 0, 0, 4)


def test_sides_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="3 and 2 examples"):
        difference(Pool.MEAN, ones(1, 2, 3), ones(1, 2))


@pytest.mark.parametrize(("low", "high"), [(None, 1.0), (2.0, 3.0), (-1.0, 0.0)])
def test_an_interval_that_misses_its_value_is_refused(low: float | None, high: float) -> None:
    with pytest.raises(ValueError, match="interval"):
        Estimate(1.0, low, high, 5)


sides = st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=3, max_size=20)


@given(sides)
def test_swapping_the_sides_turns_the_difference(pairs: list[tuple[float, float]]) -> None:
    olds, news = ones(*(old for old, _ in pairs)), ones(*(new for _, new in pairs))
    there, back = difference(Pool.MEAN, olds, news), difference(Pool.MEAN, news, olds)
    assert there is not None
    assert back is not None
    turned = back.turned()
    assert (there.value, there.low, there.high) == pytest.approx((turned.value, turned.low, turned.high), abs=1e-9)


def test_the_jackknife_of_a_ratio_is_wrong_about_as_often_as_it_says() -> None:
    """Word errors of 40 utterances, the new side with one per cent more: 95 % intervals of 400 seeded draws."""
    chance = random.Random(11)
    missed = 0
    for _ in range(400):
        olds: list[Terms | None] = []
        news: list[Terms | None] = []
        for _ in range(40):
            words = chance.randint(4, 20)
            errors = [sum(chance.random() < rate for _ in range(words)) for rate in (0.10, 0.11)]
            olds.append((errors[0], words))
            news.append((errors[1], words))
        found = difference(Pool.RATIO, olds, news)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        missed += not found.low <= 0.01 <= found.high
    # 20 of 400 are meant; the binomial's standard deviation is 4.4.
    assert missed <= 34


# Sign flips.


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([1, 2, 3], 1 / 8),
        # 6 and 4 (twice: −1 + 2 + 3 only) of the eight sums reach four.
        ([-1, 2, 3], 2 / 8),
        ([0, 0, 1], 1 / 2),
        ([], 1.0),
        ([0, 0], 1.0),
        ([-1, -1], 1.0),
        # All the same: one choice of 2¹⁴.
        ([0.1] * 14, 2**-14),
    ],
)
def test_few_signs_are_all_tried(differences: list[float], p: float) -> None:
    assert sign_flip(differences) == pytest.approx(p)


def test_many_signs_are_thrown_the_same_way_each_time() -> None:
    chance = random.Random(3)
    differences = [chance.gauss(0.2, 1) for _ in range(60)]
    # By the normal distribution: the sum in its standard deviations under random signs.
    z = sum(differences) / math.sqrt(sum(one * one for one in differences))
    found = sign_flip(differences)
    assert found == sign_flip(differences)
    assert found == pytest.approx(0.5 * math.erfc(z / math.sqrt(2)), abs=0.02)
    assert sign_flip([1.0] * 60) == pytest.approx(1 / 5001)


def test_a_difference_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        sign_flip([1.0, math.nan])


# How many examples.


@pytest.mark.parametrize(("differing", "margin", "about"), [(0.05, 0.01, 6_500), (0.05, 0.02, 1_630)])
def test_examples_needed_are_thirteen_times_the_share_over_the_margin_squared(
    differing: float, margin: float, about: int
) -> None:
    assert examples_needed(differing, margin) == pytest.approx(about, rel=0.005)
    assert decisions_needed(differing, margin) == examples_needed(differing, margin)


@pytest.mark.parametrize("margin", [0.01, 0.02, 0.1])
def test_where_no_decision_differs_so_many_examples_just_show_it(margin: float) -> None:
    needed = decisions_needed(0.0, margin)
    assert tango(0, 0, needed, 0.02)[1] <= margin + 1e-9
    assert tango(0, 0, needed - 1, 0.02)[1] > margin


@pytest.mark.parametrize(("variance", "margin"), [(0.1, 0.0), (-0.1, 0.1)])
def test_no_number_of_examples_tells_nothing(variance: float, margin: float) -> None:
    with pytest.raises(ValueError, match="no number of examples"):
        examples_needed(variance, margin)


def test_the_variance_of_one_example_is_read_off_the_interval() -> None:
    found = difference(Pool.MEAN, ones(1, 2, 3), ones(2, 2, 5))
    assert found is not None
    assert variance_of(found, 0.05) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="without an interval"):
        variance_of(Estimate(1.0, None, None, 2), 0.05)
