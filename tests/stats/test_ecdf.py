"""The spread of values, with bounds worked by hand: by (1/2)^n, and by ln 40 = 3.688879."""

from __future__ import annotations

import math
import random

import pytest

from harness.stats.ecdf import FEWEST, band_half_width, ecdf, median_interval


@pytest.mark.parametrize(
    ("count", "half"),
    [(50, 0.192065), (9, 0.452701), (200, 0.0960323)],  # √(3.688879 / 100), √(3.688879 / 18), √(3.688879 / 400)
)
def test_the_band_is_that_of_massarts_constant(count: int, half: float) -> None:
    assert band_half_width(count) == pytest.approx(half, rel=1e-4)


def test_each_distinct_value_is_a_step_to_the_share_at_or_below_it() -> None:
    steps = ecdf([3.0, 1.0, 2.0, 2.0])
    assert [(step.value, step.share) for step in steps] == [(1.0, 0.25), (2.0, 0.75), (3.0, 1.0)]


def test_the_band_ends_at_nothing_and_at_everything() -> None:
    least, *_, greatest = ecdf([float(number) for number in range(50)])
    assert (least.low, least.high) == (0.0, pytest.approx(0.02 + 0.192065, abs=1e-5))
    assert (greatest.low, greatest.high) == (pytest.approx(1 - 0.192065, abs=1e-5), 1.0)


@pytest.mark.parametrize(
    ("count", "places"),
    [
        (6, (1, 6)),  # outside: 2·1/64 = 3.1 %; with the next 2·7/64 = 22 %
        (9, (2, 8)),  # 2·(1 + 9)/512 = 3.9 %; with the next 2·46/512 = 18 %
        (12, (3, 10)),  # 2·(1 + 12 + 66)/4096 = 3.9 %; with the next 15 %
        (20, (6, 15)),  # 2·21700/1048576 = 4.1 %; with the next 11.5 %
    ],
)
def test_the_median_is_bounded_by_the_innermost_values_that_do(count: int, places: tuple[int, int]) -> None:
    found = median_interval([float(place) for place in range(1, count + 1)])
    assert found is not None
    assert (found.low, found.high) == places
    assert found.value == (count + 1) / 2


def test_too_few_values_bound_no_median() -> None:
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0]) is None
    assert median_interval([float(place) for place in range(FEWEST)]) is not None
    assert median_interval([]) is None


def test_both_cover_what_they_say_of_a_lopsided_distribution() -> None:
    """Exponential times: the median is ln 2, the true curve 1 − exp(−t). In 400 draws 95 % is at least 92 %."""
    chance, held = random.Random(1), [0, 0]
    for _ in range(400):
        values = [chance.expovariate(1.0) for _ in range(25)]
        found = median_interval(values)
        assert found is not None
        held[0] += found.low <= math.log(2) <= found.high
        steps, before = ecdf(values), 0.0
        inside = True
        for step in steps:
            true = 1 - math.exp(-step.value)
            inside &= step.low <= true <= step.high and true <= before + band_half_width(25) + 1e-12
            before = step.share
        held[1] += inside
    assert min(held) >= 0.92 * 400


@pytest.mark.parametrize("odd", [math.nan, math.inf])
def test_what_is_no_number_is_refused(odd: float) -> None:
    with pytest.raises(ValueError, match="no place"):
        ecdf([1.0, odd])
    with pytest.raises(ValueError, match="no place"):
        median_interval([1.0, odd])


def test_nothing_has_no_distribution() -> None:
    with pytest.raises(ValueError, match="no values"):
        ecdf([])
    with pytest.raises(ValueError, match="error rate"):
        band_half_width(5, 0.0)
