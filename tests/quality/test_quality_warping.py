"""Time warping, by hand and against the plain recurrence over the whole table."""

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.quality.warping import warped_distance


def column(*values: float) -> Any:
    return np.array(values, dtype=float)[:, None]


def total_and_pairs(one: Any, other: Any) -> tuple[float, int]:
    """The cheapest path by the textbook's table, and how many pairs it has."""
    best: dict[tuple[int, int], tuple[float, int]] = {(-1, -1): (0.0, 0)}
    for i, j in product(range(len(one)), range(len(other))):
        cost, pairs = min(best.get(way, (math.inf, 0)) for way in ((i - 1, j - 1), (i - 1, j), (i, j - 1)))
        best[i, j] = cost + math.dist(one[i], other[j]), pairs + 1
    return best[len(one) - 1, len(other) - 1]


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ((0, 3), (0, 3), 0.0),
        ((0, 0, 3, 3, 3), (0, 3), 0.0),  # only slower
        ((0, 0), (1,), 1.0),  # two pairs, each 1 apart
        ((0, 3), (0, 1, 3), 1 / 3),  # 0-0, 0-1, 3-3
        ((5,), (2,), 3.0),
    ],
)
def test_the_mean_distance_on_the_cheapest_path(
    one: tuple[float, ...], other: tuple[float, ...], distance: float
) -> None:
    assert warped_distance(column(*one), column(*other)) == pytest.approx(distance)


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 12))
def test_it_is_what_the_whole_table_gives_and_the_same_from_either_side(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = rng.standard_normal((rows, 3)), rng.standard_normal((columns, 3))
    total, pairs = total_and_pairs(one, other)
    assert warped_distance(one, other) == pytest.approx(total / pairs)
    assert warped_distance(other, one) == pytest.approx(total / pairs)


def test_a_sequence_without_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="without rows"):
        warped_distance(np.zeros((0, 2)), np.zeros((3, 2)))
