"""Slow inferences: enough of them, in groups of pairs, or nothing is claimed."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.sequential import Interval
from harness.stats.tails import Laps, Unsupported, tail_interval

P95, P99 = 130, 662
"""How many inferences each needs (worked out in test_estimates)."""


def flat(old: float, new: float, count: int) -> Laps:
    """A pair whose inferences all took the same."""
    return Laps((old,) * count, (new,) * count)


def found(pairs: list[Laps], quantile: float = 0.95) -> Interval:
    interval = tail_interval(pairs, quantile, 0.01)
    assert isinstance(interval, Interval)
    return interval


def test_each_pair_large_enough_is_a_group_of_its_own() -> None:
    # Four ratios of ln 1.1, 1.2, 1.1, 1.2: the centre is their mean.
    pairs = [flat(1.0, ratio, P95) for ratio in (1.1, 1.2, 1.1, 1.2)]
    assert found(pairs).pairs == 4
    assert found(pairs).centre == pytest.approx((math.log(1.1) + math.log(1.2)) / 2)


def test_neighbours_are_put_together_until_they_are_enough() -> None:
    # 65 inferences each: two make a group of 130, so eight pairs make four.
    pairs = [flat(1.0, 1.0, 65) for _ in range(8)]
    assert found(pairs).pairs == 4
    assert tail_interval(pairs[:-1], 0.95, 0.01) == Unsupported(7 * 65, 4 * P95)


def test_what_is_left_over_joins_the_last_group() -> None:
    # The fifth pair is too small for a group: its slow inferences are in the fourth, of 230, where they are the slowest
    # 43 %, so the 95th percentile of that group is theirs.
    pairs = [flat(1.0, 1.0, P95) for _ in range(4)] + [Laps((1.0,) * 100, (2.0,) * 100)]
    assert found(pairs).pairs == 4
    assert found(pairs).centre == pytest.approx(math.log(2.0) / 4)


def test_the_side_with_fewer_inferences_decides() -> None:
    uneven = [Laps((1.0,) * 1_000, (1.0,) * 129) for _ in range(4)]
    # 129 is one too few, so two pairs make a group, and four make two.
    assert tail_interval(uneven, 0.95, 0.01) == Unsupported(4 * 129, 4 * P95)
    assert tail_interval([Laps(pair.new, pair.old) for pair in uneven], 0.95, 0.01) == Unsupported(4 * 129, 4 * P95)


@pytest.mark.parametrize(
    ("pairs", "have"),
    [([], 0), ([flat(1.0, 1.0, P95)] * 3, 3 * P95), ([Laps((), ())] * 9, 0), ([Laps((1.0,) * P95, ())] * 9, 0)],
)
def test_a_tail_with_too_few_inferences_claims_nothing(pairs: list[Laps], have: int) -> None:
    assert tail_interval(pairs, 0.95, 0.01) == Unsupported(have, 4 * P95)


def test_a_higher_percentile_needs_more() -> None:
    pairs = [flat(1.0, 1.0, P99 - 1) for _ in range(4)]
    assert isinstance(tail_interval(pairs, 0.95, 0.01), Interval)
    assert tail_interval(pairs, 0.99, 0.01) == Unsupported(4 * (P99 - 1), 4 * P99)


def test_a_change_of_the_slowest_tenth_is_seen_at_the_95th_percentile_and_not_in_the_middle() -> None:
    chance = random.Random(5)

    def side(slow: float) -> tuple[float, ...]:
        return tuple(chance.gauss(1, 0.01) * (slow if number % 10 == 0 else 1) for number in range(200))

    pairs = [Laps(side(1.0), side(1.5)) for _ in range(6)]
    # The slowest 10 % take 1.5 times as long, give or take the 1 % that any inference does.
    assert math.log(1.45) < found(pairs).low < found(pairs).high < math.log(1.55)
    middle = tail_interval(pairs, 0.5, 0.01)
    assert isinstance(middle, Interval)
    assert abs(middle.centre) < 0.02


@given(st.integers(), st.integers(16, 21), st.floats(0.5, 2))
def test_swapping_sides_mirrors_a_tail(seed: int, count: int, slower: float) -> None:
    chance = random.Random(seed)

    def side(factor: float) -> tuple[float, ...]:
        return tuple(factor * chance.uniform(0.5, 2) for _ in range(33))

    pairs = [Laps(side(1.0), side(slower)) for _ in range(count)]
    there, back = found(pairs), found([Laps(pair.new, pair.old) for pair in pairs])
    assert (back.centre, back.low, back.high) == pytest.approx((-there.centre, -there.high, -there.low))


@pytest.mark.parametrize("lap", [math.nan, math.inf])
def test_a_lap_that_is_not_finite_is_refused(lap: float) -> None:
    with pytest.raises(ValueError, match="estimate cannot be made"):
        tail_interval([Laps((1.0,) * P95, (1.0,) * (P95 - 1) + (lap,))] * 4, 0.95, 0.01)
