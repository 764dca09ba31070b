"""How far a distribution over choices is from fp32's: worked by hand, and what holds of every distribution."""

from __future__ import annotations

import math
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.quality import logits
from harness.quality.logits import kl_divergence, top1_agreement
from harness.quality.metric import CannotScore, Case

some_logits = arrays(np.float64, (3, 4), elements=st.floats(-30, 30))


def case(output: Any, reference: Any, failed: str | None = None) -> Case:
    return Case("e1", np.array(output, dtype=float), None if reference is None else np.array(reference), failed=failed)


def test_divergence_is_summed_over_positions() -> None:
    half, quarter = np.log([0.5, 0.5]), np.log([0.25, 0.75])
    by_hand = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)  # 0.1438
    assert kl_divergence(case([quarter, half], [half, half])) == pytest.approx((by_hand, 2.0))


def test_divergence_is_from_the_reference_and_not_from_the_output() -> None:
    half, quarter = np.log([0.5, 0.5]), np.log([0.25, 0.75])
    by_hand = 0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)  # 0.1308
    assert kl_divergence(case(half, quarter)) == pytest.approx((by_hand, 1.0))


@pytest.mark.parametrize("logit", [1e3, 1e12])
def test_what_the_reference_is_sure_of_and_the_output_sure_against_diverges_by_the_logit(logit: float) -> None:
    assert kl_divergence(case([0.0, logit], [logit, 0.0])) == pytest.approx((logit, 1.0))


@pytest.mark.parametrize(
    ("output", "reference", "terms"),
    [
        ([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]], [[0.0, 0.0, 9.0], [0.0, 9.0, 0.0]], (1.0, 2.0)),
        ([1.0, 2.0], [3.0, 4.0], (1.0, 1.0)),
        ([[[1.0, 2.0]], [[2.0, 1.0]], [[1.0, 2.0]]], [[[1.0, 2.0]]] * 3, (2.0, 3.0)),
        # both like two choices equally: the first counts
        ([5.0, 5.0, 1.0], [2.0, 1.0, 1.0], (1.0, 1.0)),
        ([5.0, 5.0, 1.0], [1.0, 2.0, 1.0], (0.0, 1.0)),
    ],
)
def test_first_choices_are_counted_position_by_position(
    output: Any, reference: Any, terms: tuple[float, float]
) -> None:
    assert top1_agreement(case(output, reference)) == terms


@pytest.mark.parametrize("terms", [top1_agreement, kl_divergence])
def test_other_lengths_have_no_terms_and_other_than_numbers_no_score(terms: Any) -> None:
    assert terms(case([[1.0, 2.0]], [[1.0, 2.0], [1.0, 2.0]])) is None
    assert terms(case([1.0, 2.0], None)) is None
    assert terms(case([], [1.0, 2.0], failed="killed")) is None
    with pytest.raises(CannotScore, match="not finite"):
        terms(case([1.0, math.nan], [1.0, 2.0]))


def test_logits_looked_at_in_pieces_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    one = case(draw.standard_normal((7, 5)), draw.standard_normal((7, 5)))
    whole = top1_agreement(one), kl_divergence(one)
    monkeypatch.setattr(logits, "NUMBERS_AT_ONCE", 11)  # two rows a piece
    assert (top1_agreement(one), kl_divergence(one)) == (whole[0], pytest.approx(whole[1]))


def test_a_large_vocabulary_is_not_held_in_float64() -> None:
    output = np.zeros((64, 2**16), dtype=np.float32)
    one = Case("e1", output, output)
    tracemalloc.start()
    kl_divergence(one)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < output.nbytes * 2


@given(some_logits, some_logits)
def test_divergence_is_never_below_zero(output: Any, reference: Any) -> None:
    terms = kl_divergence(case(output, reference))
    assert terms is not None
    assert terms[0] >= 0.0


@given(some_logits, arrays(np.float64, (3, 1), elements=st.floats(-50, 50)))
def test_logits_that_differ_by_a_constant_are_one_distribution(some: Any, constant: Any) -> None:
    assert kl_divergence(case(some + constant, some)) == pytest.approx((0.0, 3.0), abs=1e-12)


@given(some_logits, st.integers(0, 3), st.floats(0.5, 5))
def test_one_logit_that_differs_is_another_distribution(some: Any, choice: int, by: float) -> None:
    """Choices that have hardly a share may move unseen: only logits within 3 of each other are asked here."""
    near = np.clip(some, -1.5, 1.5)
    moved = near.copy()
    moved[:, choice] += by
    assert kl_divergence(case(moved, near))[0] > 1e-4


@given(some_logits, some_logits)
def test_agreement_does_not_care_which_is_the_reference(one: Any, other: Any) -> None:
    assert top1_agreement(case(one, other)) == top1_agreement(case(other, one))


@given(arrays(np.float64, (2, 3), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_whatever_the_logits_the_divergence_is_a_number(some: Any) -> None:
    terms = kl_divergence(case(some, np.roll(some, 1, axis=-1)))
    assert terms is not None
    assert all(math.isfinite(term) for term in terms)
