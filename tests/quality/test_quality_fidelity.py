"""How far outputs are from fp32's, as one vector: worked by hand, and what holds whatever the numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.quality.fidelity import cosine_similarity, largest_difference, sqnr_db
from harness.quality.metric import CannotScore, Case

ALL = (sqnr_db, cosine_similarity, largest_difference)

finite = st.floats(-1e6, 1e6, allow_subnormal=False)
vectors = st.lists(finite, min_size=2, max_size=20)


def case(output: Any, reference: Any, failed: str | None = None) -> Case:
    return Case("e1", np.array(output), None if reference is None else np.array(reference), failed=failed)


@pytest.mark.parametrize(
    ("output", "reference", "decibels", "cosine", "difference"),
    [
        # 3² + 4² = 25 over 0.5² = 0.25 is 20 dB; 3·3 + 4·4.5 = 27 over 5·√29.25
        ([3.0, 4.5], [3.0, 4.0], 20.0, 27 / (5 * math.sqrt(29.25)), 0.5),
        # turned over: the difference is twice the signal, its energy four times
        ([-3.0, -4.0], [3.0, 4.0], -10 * math.log10(4), -1.0, 8.0),
        ([3.0, 4.0], [3.0, 4.0], 100.0, 1.0, 0.0),
        ([0.0, 0.0], [3.0, 4.0], 0.0, 0.0, 4.0),
        ([3.0, 4.0], [0.0, 0.0], -100.0, 0.0, 4.0),
        ([0.0, 0.0], [0.0, 0.0], 100.0, 1.0, 0.0),
        # 120 dB and −240 dB, but for the cap
        ([1.0 + 1e-6, 0.0], [1.0, 0.0], 100.0, 1.0, 1e-6),
        ([1e12, 0.0], [1.0, 0.0], -100.0, 1.0, 1e12 - 1),
        # squares of these overflow: a tenth off is 20 dB
        ([1.1e200, 0.0], [1e200, 0.0], 20.0, 1.0, 1e199),
        # and those of these are 0
        ([1.1e-200, 0.0], [1e-200, 0.0], 20.0, 1.0, 1e-201),
    ],
)
def test_fidelity_is_what_it_is_by_hand(
    output: list[float], reference: list[float], decibels: float, cosine: float, difference: float
) -> None:
    one = case(output, reference)
    assert sqnr_db(one) == pytest.approx((decibels,), abs=1e-6)
    assert cosine_similarity(one) == pytest.approx((cosine,), abs=1e-12)
    assert largest_difference(one) == pytest.approx((difference,), rel=1e-6)


def test_one_number_has_no_direction() -> None:
    assert cosine_similarity(case([2.0], [1.0])) is None


def test_a_single_number_has_no_direction() -> None:
    one = case([0.2], [0.9])
    assert cosine_similarity(one) is None
    assert largest_difference(one) == pytest.approx((0.7,))


def test_small_integers_do_not_wrap_around() -> None:
    one = Case("e1", np.array([-100], dtype=np.int8), np.array([100], dtype=np.int8))
    assert largest_difference(one) == (200.0,)


def test_the_largest_difference_of_the_largest_numbers_is_a_number() -> None:
    assert largest_difference(case([1.7e308], [-1.7e308])) == (pytest.approx(1.797e308, rel=1e-3),)


@pytest.mark.parametrize("terms", ALL)
@pytest.mark.parametrize(
    "one",
    [
        case([1.0, 2.0], [1.0]),
        case([[1.0, 2.0]], [[1.0], [2.0]]),
        case([1.0], None),
        case([], [1.0], failed="out of memory"),
        case([], []),
    ],
    ids=["longer", "other shape", "no reference", "failed", "empty"],
)
def test_what_cannot_be_laid_beside_its_reference_has_no_terms(terms: Any, one: Case) -> None:
    assert terms(one) is None


@pytest.mark.parametrize("terms", ALL)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_an_output_that_is_not_finite_is_no_score(terms: Any, bad: float) -> None:
    with pytest.raises(CannotScore, match="e1 has outputs that are not finite"):
        terms(case([1.0, bad], [1.0, 2.0]))


@given(vectors, st.integers(0, 10**6), st.floats(1e-3, 1.0), st.floats(1.5, 10.0))
def test_more_noise_is_a_lower_sqnr_and_a_larger_difference(
    values: list[float], seed: int, share: float, more: float
) -> None:
    reference = np.array(values)
    loudest = np.abs(reference).max()
    assume(loudest > 1e-3)
    noise = np.random.default_rng(seed).choice([-1.0, 0.5, 1.0], len(values)) * loudest
    little, much = (case(reference + by * noise, reference) for by in (share, share * more))
    assert sqnr_db(little) > sqnr_db(much)
    assert largest_difference(little) < largest_difference(much)


@given(vectors.flatmap(lambda one: st.tuples(st.just(one), st.lists(finite, min_size=len(one), max_size=len(one)))))
def test_cosine_and_difference_do_not_care_which_is_the_reference(pair: tuple[list[float], list[float]]) -> None:
    there, back = case(*pair), case(*reversed(pair))
    assert cosine_similarity(there) == pytest.approx(cosine_similarity(back), abs=1e-12)
    assert largest_difference(there) == largest_difference(back)
    assert -1 <= cosine_similarity(there)[0] <= 1
    assert -100 <= sqnr_db(there)[0] <= 100


@given(vectors, vectors, st.floats(0.01, 100.0))
def test_both_sides_louder_by_as_much_are_as_near(one: list[float], other: list[float], gain: float) -> None:
    length = min(len(one), len(other))
    output, reference = np.array(one[:length]), np.array(other[:length])
    louder = case(output * gain, reference * gain)
    assume(np.abs(reference).max() > 1e-3 and np.abs(output - reference).max() > 1e-3)
    assert sqnr_db(louder) == pytest.approx(sqnr_db(case(output, reference)), abs=1e-5)
    assert cosine_similarity(louder) == pytest.approx(cosine_similarity(case(output, reference)), abs=1e-9)
