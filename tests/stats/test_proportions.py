"""Shares and their differences, against published examples and against a direct search of the likelihood."""

from __future__ import annotations

import math
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.proportions import mcnemar, normal_quantile, tango, wilson


@pytest.mark.parametrize(
    ("only_old", "only_new", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 0.5),
        (0, 1, 1.0),
        # (1 + 6) / 64 and (1 + 8) / 256: five of six, and seven of eight.
        (5, 1, 7 / 64),
        # Airway hyper-responsiveness of 21 children (Bentur et al. 2009, in Fagerland, Lydersen & Laake 2013,
        # BMC Med Res Methodol 13:91): two-sided exact p = 0.070.
        (7, 1, 0.070 / 2),
        (3, 3, 42 / 64),
    ],
)
def test_mcnemar_is_the_binomial_tail(only_old: int, only_new: int, p: float) -> None:
    assert mcnemar(only_old, only_new) == pytest.approx(p, abs=2e-4)


def test_mcnemar_of_thousands_is_still_a_chance() -> None:
    # A standard deviation above the middle of 10,000 throws: 15.87 %, half a throw more for the step.
    assert mcnemar(5050, 4950) == pytest.approx(0.1611, abs=5e-4)


@given(st.integers(0, 60), st.integers(0, 60))
def test_either_side_is_worse_or_both_are_as_seen(one: int, other: int) -> None:
    exactly = comb(one + other, one) / 2 ** (one + other)
    assert mcnemar(one, other) + mcnemar(other, one) == pytest.approx(1 + exactly)


@pytest.mark.parametrize(
    ("yes", "examples", "low", "high"),
    # Newcombe 1998, Stat Med 17:857, table I, the score method without correction.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_is_as_published(yes: int, examples: int, low: float, high: float) -> None:
    assert wilson(yes, examples, 0.05) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("only_old", "only_new", "examples", "low", "high"),
    [
        # The same 21 children: Fagerland, Lydersen & Laake 2014, Stat Med 33:2850, Tango's row.
        (7, 1, 21, -0.517, -0.026),
        (1, 7, 21, 0.026, 0.517),
        # None differs: z²/(n + z²) with z = 1.96 is 3.8415 / 103.8415.
        (0, 0, 100, -0.0370, 0.0370),
    ],
)
def test_tango_is_as_published(only_old: int, only_new: int, examples: int, low: float, high: float) -> None:
    assert tango(only_old, only_new, examples, 0.05) == pytest.approx((low, high), abs=5e-4)


@pytest.mark.parametrize(("only_old", "only_new", "examples"), [(7, 1, 21), (5, 1, 120), (0, 3, 40), (12, 9, 60)])
@pytest.mark.parametrize("error_rate", [0.05, 0.02])
def test_tango_ends_where_the_score_of_the_likelihood_says(
    only_old: int, only_new: int, examples: int, error_rate: float
) -> None:
    z = normal_quantile(1 - error_rate / 2)
    low, high = tango(only_old, only_new, examples, error_rate)
    assert _score(only_new, only_old, examples, low) == pytest.approx(z, abs=2e-3)
    assert _score(only_new, only_old, examples, high) == pytest.approx(-z, abs=2e-3)


def _score(b: int, c: int, n: int, difference: float) -> float:
    """The score statistic at a difference, its other parameter found by searching the likelihood: no formula of it."""
    least = max(0.0, -difference)
    most = min(1.0, (1 - difference) / 2)

    def likelihood(q: float) -> float:
        cells = ((b, q + difference), (c, q), (n - b - c, 1 - 2 * q - difference))
        return sum(count * math.log(max(share, 1e-300)) for count, share in cells if count)

    low, high = least, most
    for _ in range(200):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        if likelihood(left) < likelihood(right):
            low = left
        else:
            high = right
    q = (low + high) / 2
    return (b - c - n * difference) / math.sqrt(n * (2 * q + difference - difference**2))


counts = st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 60)).filter(lambda three: sum(three) > 0)


@settings(deadline=None)
@given(counts)
def test_tango_holds_what_was_seen_and_swaps_with_the_sides(three: tuple[int, int, int]) -> None:
    only_old, only_new, alike = three
    examples = only_old + only_new + alike
    low, high = tango(only_old, only_new, examples, 0.02)
    assert -1 <= low <= (only_new - only_old) / examples + 1e-12
    assert (only_new - only_old) / examples - 1e-12 <= high <= 1
    turned = tango(only_new, only_old, examples, 0.02)
    assert turned == pytest.approx((-high, -low), abs=1e-9)


@pytest.mark.parametrize(("worse", "better"), [(0.01, 0.01), (0.02, 0.0), (0.04, 0.0), (0.03, 0.02)])
def test_tango_at_one_per_cent_a_side_is_wrong_about_so_often(worse: float, better: float) -> None:
    """Every outcome of 100 examples with its chance: nothing is simulated. A percentile bootstrap is wrong 23 %."""
    examples, true = 100, better - worse
    missed = {"below": 0.0, "above": 0.0}
    for b in range(20):
        for c in range(20):
            chance = (
                comb(examples, b)
                * comb(examples - b, c)
                * (worse**b * better**c * (1 - worse - better) ** (examples - b - c))
            )
            if chance > 1e-9:
                low, high = tango(b, c, examples, 0.02)
                missed["below"] += chance * (high < true)
                missed["above"] += chance * (low > true)
    assert max(missed.values()) < 0.012


@pytest.mark.parametrize(
    "refused",
    [
        lambda: mcnemar(-1, 2),
        lambda: wilson(3, 2, 0.05),
        lambda: wilson(0, 0, 0.05),
        lambda: tango(2, 2, 3, 0.05),
        lambda: tango(0, 0, 0, 0.05),
        lambda: normal_quantile(1.0),
    ],
)
def test_counts_of_nothing_are_refused(refused: object) -> None:
    with pytest.raises(ValueError, match=r"no share|no examples|between 0 and 1"):
        refused()  # type: ignore[operator]
