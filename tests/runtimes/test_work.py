"""Operations by shape, against counting one by one."""

from __future__ import annotations

import pytest

from harness.limits import CallWork
from harness.runtimes.work import Tally, convolution, product, taps


@pytest.mark.parametrize(
    ("near", "far", "size", "stride", "padding", "dilation"),
    [
        (8, 6, 3, 1, 0, 1),
        (8, 8, 3, 1, 1, 1),
        (8, 4, 4, 2, 1, 1),
        (9, 5, 3, 2, 1, 1),
        (1, 1, 7, 1, 3, 1),
        (10, 10, 3, 1, 4, 4),
        (4, 3, 5, 3, 4, 2),
        (3, 9, 3, 1, 7, 1),
    ],
)
def test_taps_are_those_that_a_walk_over_all_of_them_finds(near, far, size, stride, padding, dilation) -> None:
    walked = sum(0 <= place * stride - padding + tap * dilation < near for place in range(far) for tap in range(size))
    assert taps(near, far, size, stride, padding, dilation) == walked


@pytest.mark.parametrize(
    ("shape", "other", "operations"),
    [
        ((3, 10), (10, 20), 2 * 3 * 10 * 20),
        ((5, 3, 10), (10, 20), 5 * 1200),
        ((5, 1, 3, 10), (1, 4, 10, 20), 5 * 4 * 1200),
        ((3, 10), (10,), 2 * 3 * 10),
    ],
)
def test_a_product_is_two_operations_a_pair(shape, other, operations) -> None:
    assert product(shape, other) == operations


def test_a_convolution_in_groups_sees_its_group_alone() -> None:
    # 2 examples, 6 of 3 groups: each of 6 outputs sees 2 inputs, kernel 3, 8 places to 6.
    whole = convolution((2, 6, 8), (6, 2, 3), (2, 6, 6), stride=[1], padding=[0], dilation=[1])
    assert whole == 2 * 2 * 6 * 2 * 3 * 6


def test_a_weight_read_twice_in_a_call_stands_under_two() -> None:
    tally = Tally()
    for _ in range(2):
        tally.compute(10)
        tally.read("loop", 400)
    tally.read("once", 80)
    tally.end_call()
    tally.read("once", 80)
    tally.end_call()
    assert tally.calls() == (CallWork(20.0, {1: 80, 2: 400}), CallWork(0.0, {1: 80}))
