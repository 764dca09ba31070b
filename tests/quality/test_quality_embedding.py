"""Embeddings beside fp32's: by themselves, and who is nearest to whom; worked by hand on angles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.quality.embedding import embedding_cosine, neighbour_overlap
from harness.quality.metric import CannotScore, Case

tables = arrays(np.float64, st.tuples(st.integers(3, 14), st.just(4)), elements=st.integers(-9, 9).map(float))


def at(degrees: float) -> Any:
    return np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])


def cases(output: Sequence[float], reference: Sequence[float]) -> tuple[Case, ...]:
    """Embeddings at these angles."""
    return tuple(
        Case(f"e{index}", at(one), at(other)) for index, (one, other) in enumerate(zip(output, reference, strict=True))
    )


@pytest.mark.parametrize(("degrees", "cosine"), [(0, 1.0), (60, 0.5), (90, 0.0), (180, -1.0)])
def test_the_cosine_is_that_of_the_angle(degrees: float, cosine: float) -> None:
    assert embedding_cosine(Case("e1", at(20 + degrees) * 7, at(20))) == pytest.approx((cosine,), abs=1e-12)


def test_who_is_nearest_to_whom_is_counted_example_by_example() -> None:
    """Of five examples two neighbours are asked. The first moves from one end to between the last two.

    Its neighbours are now the last two, and were the next two: none. Of every other one of two is lost: of the second
    and third, the first; of the last two, the third, for the first has come between.
    """
    moved = cases((85.2, 10, 20, 80, 90), (0, 10, 20, 80, 90))
    assert neighbour_overlap(moved) == ((0.0,), (0.5,), (0.5,), (0.5,), (0.5,))


def test_of_three_examples_the_nearest_one_is_asked() -> None:
    assert neighbour_overlap(cases((0, 10, 90), (0, 10, 90))) == ((1.0,), (1.0,), (1.0,))
    assert neighbour_overlap(cases((0, 80, 90), (0, 10, 90))) == ((1.0,), (0.0,), (1.0,))


def test_at_most_five_neighbours_are_asked() -> None:
    """Of 21 examples at 0°, 1°, … 20°, the last goes to −1°: it takes the place of one of five, and loses all five."""
    angles = list(range(21))
    terms = neighbour_overlap(cases([*angles[:20], -1.1], angles))
    assert terms[20] == (0.0,)
    assert terms[0] == (0.8,)
    assert terms[10] == (1.0,)


def test_two_examples_have_no_neighbour_to_lose() -> None:
    assert neighbour_overlap(cases((0, 10), (0, 10))) == (None, None)


def test_which_of_two_copies_comes_first_says_nothing() -> None:
    """Examples two and three are one in fp32: whichever of them the first has nearest is as near."""
    assert neighbour_overlap(cases((0, 10, 9, 90), (0, 10, 10, 90)))[0] == (1.0,)


def test_copies_of_other_lengths_are_as_near_whatever_rounding_says() -> None:
    """One direction in many lengths: every cosine is 1, but for its last digit."""
    one = np.array([0.1, 0.7, -0.3, 1.9])
    copies = tuple(Case(f"e{index}", one * (index + 1) / 7, one * (index + 3) / 3) for index in range(20))
    assert set(neighbour_overlap(copies)) == {(1.0,)}


def test_an_example_that_failed_has_no_neighbours_and_is_nobodys() -> None:
    three = cases((0, 10, 90), (0, 10, 90))
    failed = Case("f", np.zeros(0), at(5), failed="out of memory")
    assert neighbour_overlap((failed, *three)) == (None, (1.0,), (1.0,), (1.0,))
    assert embedding_cosine(failed) is None


def test_embeddings_of_two_lengths_are_named() -> None:
    longer = Case("long", np.ones(3), np.ones(3))
    with pytest.raises(CannotScore, match="embedding of long has 3 numbers and that of e0 2"):
        neighbour_overlap((*cases((0, 10), (0, 10)), longer))


@given(tables)
def test_the_same_embeddings_have_the_same_neighbours_at_any_length(table: Any) -> None:
    scaled = tuple(Case(f"e{index}", row * (index + 1) / 3, row) for index, row in enumerate(table))
    assert set(neighbour_overlap(scaled)) == {(1.0,)}


@given(tables, st.randoms(use_true_random=False))
def test_an_overlap_is_a_share_whatever_came_out(table: Any, draw: Any) -> None:
    mixed = draw.sample(range(len(table)), len(table))
    terms = neighbour_overlap(tuple(Case(f"e{row}", table[other], table[row]) for row, other in enumerate(mixed)))
    assert all(one is not None and 0 <= one[0] <= 1 for one in terms)
