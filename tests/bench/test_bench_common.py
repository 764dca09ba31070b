"""The parts that the scripts of bench/ share: fair orders, medians of paired ratios, bounds that say no."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest

from bench.common import Bound, conclude, cpu_share, first_and_last, median_ranks, mirrored, ratio_of, rounds


@pytest.mark.parametrize(
    ("bound", "holds"),
    [
        (Bound("at most", 1.15, most=1.15), True),
        (Bound("at most", 1.16, most=1.15), False),
        (Bound("between", 0.97, most=1.02, least=0.98), False),
        (Bound("between", 1.0, most=1.02, least=0.98), True),
        (Bound("no number", math.nan, most=1.15), False),
    ],
)
def test_a_bound_holds_only_between_its_ends(bound: Bound, holds: bool) -> None:
    assert bound.holds is holds
    assert str(bound).startswith("PASS" if holds else "FAIL")


@pytest.mark.parametrize(
    ("values", "code"),
    [((1.0, 1.1), 0), ((1.0, 1.2), 1), ((), 1)],
    ids=["all hold", "one fails", "nothing was measured"],
)
def test_the_exit_code_is_zero_only_where_every_bound_holds_and_there_is_one(
    values: tuple[float, ...], code: int
) -> None:
    assert conclude([Bound("ratio", value, most=1.15) for value in values]) == code


def test_a_ratio_is_the_median_of_the_pairs_and_not_the_ratio_of_the_medians() -> None:
    pairs = [(2.0, 1.0), (3.0, 3.0), (30.0, 10.0), (8.0, 4.0), (100.0, 1.0)]  # ratios 2, 1, 3, 2, 100
    assert ratio_of(pairs).median == 2.0


def test_few_pairs_are_bounded_by_their_range() -> None:
    found = ratio_of([(1.0, 1.0), (2.0, 1.0), (3.0, 1.0)])
    assert (found.low, found.high, found.pairs) == (1.0, 3.0, 3)


@pytest.mark.parametrize(
    ("count", "ranks"),
    # Of n tosses of a coin: P(heads = 0) = 2^-n. Six: 1/64 < 2.5 %, with one head 7/64. Ten: 11/1024 < 2.5 % < 56/1024.
    [(1, (0, 0)), (5, (0, 4)), (6, (0, 5)), (9, (1, 7)), (10, (1, 8))],
)
def test_the_interval_of_a_median_is_that_of_a_coin(count: int, ranks: tuple[int, int]) -> None:
    assert median_ranks(count) == ranks


def test_no_pairs_are_no_ratio() -> None:
    with pytest.raises(ValueError, match="give the script more time"):
        ratio_of([])


def test_arms_come_in_a_mirrored_order_that_chance_chooses() -> None:
    chooser = random.Random(0)
    seen = Counter(mirrored(("a", "b"), chooser) for _ in range(200))
    assert set(seen) == {("a", "b", "b", "a"), ("b", "a", "a", "b")}
    assert min(seen.values()) > 60


def test_a_share_is_how_far_the_counter_went_in_the_time_that_went_by() -> None:
    assert cpu_share(*first_and_last([(10.0, 5.0), (11.0, 5.1), (14.0, 6.0)])) == pytest.approx(0.25)


def test_one_look_shows_no_movement() -> None:
    with pytest.raises(ValueError, match="give the cell more time"):
        first_and_last([(10.0, 5.0)])


def test_a_round_is_made_even_where_there_is_no_time() -> None:
    clock = iter([0.0, 5.0, 6.0])
    assert list(rounds(1.0, lambda: next(clock))) == [0]


def test_rounds_go_on_until_the_time_is_spent() -> None:
    clock = iter([0.0, 0.4, 0.8, 1.2])
    assert list(rounds(1.0, lambda: next(clock))) == [0, 1, 2]
