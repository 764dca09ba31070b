"""Draws of one text are one text: the value is the same, and how sure it is does not grow with the draws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics import Better, Pool
from harness.scores import Examples, Part, Quality, Score
from harness.stats.groups import in_groups, score_estimate
from harness.stats.paired import difference, estimate
from harness.stats.pooling import pooled

TEXTS = st.lists(st.tuples(st.integers(0, 5), st.integers(5, 9)), min_size=4, max_size=12)


def test_terms_of_a_group_are_added_up_and_a_mean_becomes_a_ratio() -> None:
    errors = ((1.0, 4.0), (2.0, 4.0), (0.0, 3.0))
    assert in_groups(Pool.RATIO, ("a", "a", "b"), errors) == (Pool.RATIO, (((3.0, 8.0), (0.0, 3.0)),))
    scores = ((3.0,), (4.0,), (2.0,))
    assert in_groups(Pool.MEAN, ("a", "b", "a"), scores) == (Pool.RATIO, (((5.0, 2.0), (4.0, 1.0)),))


def test_what_one_side_lacks_is_left_out_on_both() -> None:
    pool, (old, new) = in_groups(Pool.MEAN, ("a", "a", "b"), ((1.0,), None, None), ((5.0,), (9.0,), (7.0,)))
    assert (pool, old, new) == (Pool.RATIO, ((1.0, 1.0), None), ((5.0, 1.0), None))


@pytest.mark.parametrize("groups", [(), ("a", "b", "c")])
def test_examples_that_are_each_by_themselves_stay_as_they_are(groups: tuple[str, ...]) -> None:
    terms = ((1.0,), (0.0,), None)
    assert in_groups(Pool.SHARE, groups, terms) == (Pool.SHARE, (terms,))


def test_ranks_have_no_sums() -> None:
    terms = ((0.2, 0.0), (0.9, 1.0), (0.8, 1.0))
    assert in_groups(Pool.RANKED, ("a", "a", "b"), terms) == (Pool.RANKED, (terms,))


def test_groups_of_other_examples_are_refused() -> None:
    with pytest.raises(ValueError, match="2 terms are not of 3 examples"):
        in_groups(Pool.MEAN, ("a", "a", "b"), ((1.0,), (2.0,)))


@given(TEXTS, st.integers(2, 4))
def test_repeating_every_text_changes_neither_the_value_nor_its_interval(
    texts: list[tuple[int, int]], draws: int
) -> None:
    once = tuple((float(errors), float(words)) for errors, words in texts)
    often = tuple(one for one in once for _ in range(draws))
    names = tuple(str(place) for place in range(len(once)) for _ in range(draws))
    pool, (grouped,) = in_groups(Pool.RATIO, names, often)
    assert pooled(pool, grouped) == pytest.approx(pooled(Pool.RATIO, often))
    found, alone = estimate(pool, grouped), estimate(Pool.RATIO, once)
    assert found is not None
    assert alone is not None
    assert (found.low, found.high) == pytest.approx((alone.low, alone.high))
    naive = estimate(Pool.RATIO, often)
    assert naive is not None
    assert naive.high <= found.high + 1e-12


def test_the_difference_of_draws_is_over_texts() -> None:
    names = ("a", "a", "b", "b", "c", "c")
    olds = tuple((float(one), 10.0) for one in (0, 0, 1, 1, 2, 2))
    news = tuple((float(one), 10.0) for one in (1, 1, 1, 1, 4, 4))
    pool, (old, new) = in_groups(Pool.RATIO, names, olds, news)
    found = difference(pool, old, new)
    assert found is not None
    assert (found.value, found.examples) == (pytest.approx(0.1), 3)


def test_a_score_s_interval_is_over_the_groups_of_its_examples() -> None:
    terms = ((1.0, 10.0), (3.0, 10.0), (0.0, 10.0), (2.0, 10.0), (5.0, 10.0), (1.0, 10.0))
    score = Score("word_error_rate", Part.EXAM, "", Better.LOWER, Pool.RATIO, 0.2, terms)
    ids = ("a#1", "a#2", "b#1", "b#2", "c#1", "c#2")
    quality = Quality(exam=Examples("heard", "d", ids, groups=("a", "a", "b", "b", "c", "c")), scores=(score,))
    found = score_estimate(quality, score)
    assert found is not None
    assert (found.value, found.examples) == (pytest.approx(0.2), 3)
