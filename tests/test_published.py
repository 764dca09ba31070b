"""A published change: whether its own numbers agree, with allowance for the digits they were rounded to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.published import Said, implausible


@pytest.mark.parametrize(
    ("said", "disagreement"),
    [
        # 1 − 0.16 / 5.2 = 0.96923; with rounding 96.80 to 97.05, and 84 stands for 83.5 to 84.5.
        (Said(5.2, 0.16, "s", per_cent=84), "5.2 s to 0.16 s is 96.9 % less, not 84 %"),
        # 1 − 0.16 / 1.01 = 0.84158; with rounding 83.58 to 84.73.
        (Said(1.01, 0.16, "s", per_cent=84.1), None),
        # 85 stands for 84.5 to 85.5, of which rounding explains up to 84.73.
        (Said(1.01, 0.16, "s", per_cent=85), None),
        (Said(1.01, 0.16, "s", per_cent=86), "1.01 s to 0.16 s is 84.2 % less, not 86 %"),
        (Said(1781, 890, "MB", times=2), None),
        # 877 / 258 = 3.3992; with rounding 3.391 to 3.408, and 4 stands for 3.5 to 4.5.
        (Said(877, 258, "ms", times=4), "877 ms to 258 ms is 3.4 times as little, not 4 times"),
        (Said(803, 200, "MB"), None),
    ],
)
def test_numbers_that_contradict_each_other_are_told(said: Said, disagreement: str | None) -> None:
    assert said.disagreement == disagreement


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_a_share_that_was_worked_out_from_the_numbers_agrees_with_them(before: int, after: int) -> None:
    per_cent = round(100 * (1 - after / before), 1)
    assert Said(before, after, per_cent=per_cent).disagreement is None
    more, less = max(before, after), min(before, after)
    assert Said(more, less, times=round(more / less, 2)).disagreement is None


def test_what_was_rounded_leaves_a_range() -> None:
    # 890.5 / 1780.5 and 889.5 / 1781.5
    assert Said(1781, 890).ratio_range == pytest.approx((0.499298, 0.500140), abs=1e-6)
    # 5.15 / 0.165 and 5.25 / 0.155
    assert Said(5.2, 0.16).times_range == pytest.approx((31.2121, 33.8710), abs=1e-4)


@pytest.mark.parametrize("numbers", [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0)])
def test_a_change_from_or_to_nothing_is_refused(numbers: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="above zero"):
        Said(*numbers)


@pytest.mark.parametrize(
    ("ratio", "precision", "bits"),
    [
        (34.18 / 361.57, "int8-dynamic", 8),
        (0.25, "int8-static", None),
        (0.2, "int8-static", 8),
        (0.125, "int4-weight-only", None),
        (0.1, "int4-weight-only", 4),
        (890 / 1781, "fp16", None),
        (0.4, "bf16", 16),
        (0.01, "fp32", None),
    ],
)
def test_a_size_below_what_the_bits_leave_is_told(ratio: float, precision: str, bits: int | None) -> None:
    found = implausible(ratio, precision)
    assert (found is None) == (bits is None)
    if found is not None:
        assert f"more than {bits}-bit weights can explain" in found
