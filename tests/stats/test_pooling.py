"""The value of every pool, worked by hand; of BLEU and chrF++ as sacrebleu 2.6.0 prints it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics import Pool
from harness.scores import Terms
from harness.stats.pooling import BINS, placements, pooled

# corpus_score of BLEU() and CHRF(word_order=2), and their statistics, for these hypotheses and references:
# "the cat sat on the mat" / "the cat sat on a mat" and
# "a small dog barked loudly at night" / "a little dog barked at night";
DOGS_BLEU = [(6, 6, 5, 6, 3, 5, 2, 4, 1, 3), (7, 6, 5, 7, 2, 6, 0, 5, 0, 4)]
DOGS_CHRF = [
    (17, 15, 14, 16, 14, 12, 15, 13, 10, 14, 12, 8, 13, 11, 7, 12, 10, 6, 6, 6, 5, 5, 5, 3),
    (28, 23, 19, 27, 22, 15, 26, 21, 12, 25, 20, 10, 24, 19, 8, 23, 18, 6, 7, 6, 5, 6, 5, 2),
]
# "one two three four five" / "one two three five four" and "six seven" / "eight nine ten", which share nothing longer
# than a word: every longer order is smoothed;
NUMBERS_BLEU = [(5, 5, 5, 5, 0, 4, 0, 3, 0, 2), (2, 3, 0, 2, 0, 1, 0, 0, 0, 0)]
# "hello there" / "hello there my friend" and "no" / "no": too short for 3-grams.
HELLO_BLEU = [(2, 4, 2, 2, 1, 1, 0, 0, 0, 0), (1, 1, 1, 1, 0, 0, 0, 0, 0, 0)]
HELLO_CHRF = [
    (10, 18, 10, 9, 17, 9, 8, 16, 8, 7, 15, 7, 6, 14, 6, 5, 13, 5, 2, 4, 2, 1, 3, 1),
    (2, 2, 2, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0),
]
PERFECT_BLEU = (5, 5, 5, 5, 4, 4, 3, 3, 2, 2)
PERFECT_CHRF = (9, 9, 9, 8, 8, 8, 7, 7, 7, 6, 6, 6, 5, 5, 5, 4, 4, 4, 2, 2, 2, 1, 1, 1)


@pytest.mark.parametrize(
    ("pool", "terms", "value"),
    [
        (Pool.MEAN, [(1,), (2,), (6,)], 3),
        (Pool.MEAN, [(1,), None, (6,)], 3.5),
        (Pool.SHARE, [(1,), (0,), (1,), (1,)], 0.75),
        # Ten errors in a hundred words, not the mean of 100 % and 9.2 %.
        (Pool.RATIO, [(1, 1), (9, 98), (0, 1)], 0.1),
        (Pool.GREATEST, [(-3,), (-1,), (-2,)], -1),
        # Of four pairs of a positive and a negative example three are ordered rightly.
        (Pool.RANKED, [(0.9, 1), (0.4, 1), (0.6, 0), (0.1, 0)], 0.75),
        # One pair tied, one won.
        (Pool.RANKED, [(0.5, 1), (0.5, 0), (0.2, 0)], 0.75),
        # Bin 0.2–0.3: |0.5 − 1| over two examples; bin 0.9–1.0: |1.0 + 0.9 − 2| over two; (0.5 + 0.1) / 4.
        (Pool.CALIBRATED, [(0.25, 1), (0.25, 0), (1.0, 1), (0.9, 1)], 0.15),
        (Pool.BLEU, DOGS_BLEU, 32.45867991875758),
        (Pool.BLEU, NUMBERS_BLEU, 12.039282772551354),
        (Pool.BLEU, HELLO_BLEU, 0.0),
        (Pool.BLEU, [PERFECT_BLEU], 100),
        # A quarter too short: 100·exp(1 − 4/3).
        (Pool.BLEU, [(6, 8, 6, 6, 5, 5, 4, 4, 3, 3)], 100 * math.exp(1 - 4 / 3)),
        (Pool.BLEU, [(0, 8, 0, 0, 0, 0, 0, 0, 0, 0)], 0.0),
        (Pool.CHRF, DOGS_CHRF, 61.47070328832949),
        (Pool.CHRF, HELLO_CHRF, 53.92916106411588),
        (Pool.CHRF, [PERFECT_CHRF], 100),
        (Pool.CHRF, [(0, 9, 0) * 8], 0.0),
        (Pool.CHRF, [(4, 9, 0) * 8], 0.0),
    ],
)
def test_the_value_of_a_pool(pool: Pool, terms: list[Terms | None], value: float) -> None:
    assert pooled(pool, terms) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(
    ("pool", "terms"),
    [
        *((pool, []) for pool in Pool),
        *((pool, [None, None]) for pool in Pool),
        (Pool.RATIO, [(0, 0), (0, 0)]),
        (Pool.RANKED, [(0.3, 1), (0.9, 1)]),
        (Pool.RANKED, [(0.3, 0)]),
        (Pool.BLEU, [(3, 0, 0, 3, 0, 2, 0, 1, 0, 0)]),
        (Pool.CHRF, [(3, 0, 0) * 8]),
    ],
)
def test_nothing_to_divide_by_is_no_value(pool: Pool, terms: list[Terms | None]) -> None:
    assert pooled(pool, terms) is None


@pytest.mark.parametrize(
    ("pool", "terms", "words"),
    [
        (Pool.MEAN, (1.0, 2.0), "1 numbers"),
        (Pool.RATIO, (1.0,), "2 numbers"),
        (Pool.BLEU, (1.0, 2.0), "10 numbers"),
        (Pool.CHRF, (1.0, 2.0), "24 numbers"),
        (Pool.MEAN, (math.nan,), "finite"),
        (Pool.RATIO, (1.0, math.inf), "finite"),
        (Pool.RATIO, (1.0, -1.0), "not below zero"),
        (Pool.SHARE, (0.5,), "0 and 1"),
        (Pool.RANKED, (0.5, 2.0), "0 and 1"),
        (Pool.CALIBRATED, (1.5, 1.0), "between 0 and 1"),
    ],
)
def test_terms_of_another_pool_are_refused(pool: Pool, terms: Terms, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        pooled(pool, [terms])


@pytest.mark.parametrize(
    ("pool", "fine", "terms"),
    [
        (Pool.MEAN, (2.5,), (1.0, 2.0)),
        (Pool.MEAN, (2.5,), (math.inf,)),
        (Pool.SHARE, (1.0,), (0.5,)),
        (Pool.SHARE, (1.0,), (math.nan,)),
        (Pool.SHARE, (1.0,), (1.0, 0.0)),
    ],
)
def test_one_among_many_that_is_not_of_the_pool_is_refused_wherever_it_stands(
    pool: Pool, fine: Terms, terms: Terms
) -> None:
    many: list[Terms | None] = [fine] * 50
    assert pooled(pool, many) == fine[0]
    for at in (0, 25, 50):
        with pytest.raises(ValueError):
            pooled(pool, [*many[:at], terms, *many[at:]])


numbers = st.floats(-1e6, 1e6)
shares = st.floats(0, 1)
labels = st.sampled_from((0.0, 1.0))


@given(st.lists(st.tuples(st.sampled_from((0.1, 0.2, 0.5, 0.9)), labels), min_size=1, max_size=20))
def test_the_area_counts_every_pair(terms: list[Terms]) -> None:
    positives = [score for score, label in terms if label]
    negatives = [score for score, label in terms if not label]
    pairs = [(one > other) + (one == other) / 2 for one in positives for other in negatives]
    found = pooled(Pool.RANKED, terms)
    assert found == (pytest.approx(sum(pairs) / len(pairs)) if pairs else None)


@given(st.lists(st.tuples(shares, labels), min_size=2, max_size=20))
def test_turning_labels_and_scores_around_keeps_the_area(terms: list[Terms]) -> None:
    turned = [(1 - score, 1 - label) for score, label in terms]
    # 1 − x may round two scores onto one.
    if len({score for score, _ in turned}) == len({score for score, _ in terms}):
        assert pooled(Pool.RANKED, turned) == pytest.approx(pooled(Pool.RANKED, terms))


def test_ties_are_half_a_win_on_either_side() -> None:
    assert placements([(0.5, 1), (0.5, 0), (0.2, 0), (0.9, 1)]) == [1.5, 1.5, 2.0, 2.0]


@given(st.lists(st.tuples(shares, labels), min_size=1, max_size=40))
def test_calibration_is_between_perfect_and_never_right(terms: list[Terms]) -> None:
    found = pooled(Pool.CALIBRATED, terms)
    assert found is not None
    assert 0 <= found <= 1


def test_a_probability_of_one_is_of_the_last_bin() -> None:
    edge = 1 - 1 / BINS
    assert pooled(Pool.CALIBRATED, [(1.0, 1), (edge + 0.01, 1)]) == pytest.approx((0 + 0.09) / 2)


@given(st.lists(st.tuples(numbers), min_size=1, max_size=20))
def test_the_order_of_examples_is_of_no_matter(terms: list[Terms]) -> None:
    mixed = sorted(terms)
    assert pooled(Pool.MEAN, mixed) == pooled(Pool.MEAN, terms)
    assert pooled(Pool.GREATEST, mixed) == pooled(Pool.GREATEST, terms)
