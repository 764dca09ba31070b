from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.render.changes import arrow, bound, change, farthest, relative_half_width, share, span, values, within


@pytest.mark.parametrize(
    ("ratio", "low", "high", "written"),
    [
        (1.034, 1.021, 1.048, "+3.4 % [+2.1, +4.8]"),
        (1.0, 0.98764, 1.01236, "0.0 % [−1.3, +1.3]"),
        (1.004, 1.0004, 1.0076, "+0.40 % [+0.04, +0.76]"),
        (1.05, 1.0001, 1.1, "+5.0 % [+0.0, +10.0]"),
        (0.97, 0.9, 0.9999, "−3.0 % [−10.0, −0.0]"),
        (1.2, 0.9, 1.5, "+20 % [−10, +50]"),
        (2.31, 2.28, 2.34, "2.31 × [2.28, 2.34]"),
        (0.31, 0.302, 0.318, "0.310 × [0.302, 0.318]"),
        (3.0, 1.4, 6.6, "3.0 × [1.4, 6.6]"),
        (1.03, 0.5, 5000.0, "+3 % [−50, >+100000]"),
        (1 + 312 / 18_700_000, None, None, "+0.0017 %"),
        (1.0347, 1.0347, 1.0347, "+3.47 %"),
        (1.0000000001, None, None, "<+0.0001 %"),
        (1.0, 1.0, 1.0, "0 %"),
        (1.034, None, 1.048, "+3.40 % [–, +4.80]"),
        (2.5, None, None, "2.50 ×"),
        (None, 0.9, 1.1, "–"),
        (math.nan, 0.9, 1.1, "–"),
        (math.inf, None, None, "–"),
        (1.034, -math.inf, math.inf, "+3.40 %"),
    ],
)
def test_a_change_is_written_with_the_digits_that_its_interval_leaves(
    ratio: float | None, low: float | None, high: float | None, written: str
) -> None:
    assert change(ratio, low, high) == written


def number(text: str) -> float:
    return float(text.replace("−", "-"))


@given(st.floats(0.5, 1.99), st.floats(1e-6, 0.4), st.floats(1e-6, 0.4))
def test_the_interval_shown_holds_the_interval_and_never_hides_on_which_side_of_nought_it_lies(
    ratio: float, below: float, above: float
) -> None:
    low, high = ratio - below, ratio + above
    shown = re.fullmatch(r"[+−]?[\d.]+ % \[([+−]?[\d.]+), ([+−]?[\d.]+)\]", change(ratio, low, high))
    assert shown is not None
    least, most = shown.groups()
    assert number(least) <= (low - 1) * 100 + 1e-5
    assert number(most) >= (high - 1) * 100 - 1e-5
    assert least.startswith("+") == (low > 1)
    assert most.startswith("−") == (high < 1)


ODD = st.sampled_from([None, math.nan, math.inf, -math.inf, 0.0, -0.0])
ANY = st.one_of(ODD, st.floats(1e-12, 1e15), st.floats(-1e15, -1e-12))


@given(ANY, ANY, ANY)
def test_no_number_is_too_odd_to_be_written(ratio: float | None, low: float | None, high: float | None) -> None:
    shown = change(ratio, low, high) + "".join(values("latency_seconds", ratio, high, low)) + bound(low) + share(high)
    assert not re.search("nan|inf", shown)
    assert len(shown) < 400


@pytest.mark.parametrize(
    ("metric", "old", "new", "half", "written"),
    [
        ("latency_seconds", 0.0412, 0.0426, 0.01, ("41.2 ms", "42.6 ms")),
        ("latency_seconds", 0.998, 1.02, 0.01, ("0.998 s", "1.02 s")),
        ("latency_seconds", 0.04120, 0.04121, 0.01, ("41.2 ms", "41.2 ms")),
        ("artifact_bytes", 18_700_000, 18_700_312, None, ("18.7000 MB", "18.7003 MB")),
        ("artifact_bytes", 18_700_000, 18_700_000, None, ("18.7 MB", "18.7 MB")),
        ("artifact_bytes", 1_000, 10_000_000_000, None, ("1.00 kB", "10.0 GB")),
        ("artifact_bytes", 0, 12, None, ("0 B", "12 B")),
        ("weights_covered_fraction", 0.9998, 1.0, None, ("99.98 %", "100 %")),
        ("parameters_count", 15_750_000, 15_750_001, None, ("15\u00a0750\u00a0000", "15\u00a0750\u00a0001")),
        ("throughput_per_second", 24.3, 22.0, None, ("24.3 /s", "22.0 /s")),
        ("energy_joules_per_inference", 1.5, 1.25, None, ("1.50 J", "1.25 J")),
        ("real_time_factor", 0.0116, 0.0149, None, ("0.0116", "0.0149")),
        ("a_metric_of_tomorrow", 1.5, 2.5, None, ("1.50", "2.50")),
        ("latency_seconds", None, 0.0426, None, ("–", "42.6 ms")),
        ("latency_seconds", math.nan, math.inf, None, ("–", "–")),
        (None, None, None, None, ("–", "–")),
    ],
)
def test_two_values_share_a_unit_and_differ_where_they_certainly_do(
    metric: str | None, old: float | None, new: float | None, half: float | None, written: tuple[str, str]
) -> None:
    assert values(metric, old, new, half) == written


@pytest.mark.parametrize(
    ("old", "new", "written"),
    [
        ("41.2 ms", "42.6 ms", "41.2 → 42.6 ms"),
        ("1.00 kB", "10.0 GB", "1.00 kB → 10.0 GB"),
        ("0.0116", "0.0149", "0.0116 → 0.0149"),
        ("1.29 MB", "1.29 MB", "1.29 MB"),
        ("–", "42.6 ms", "– → 42.6 ms"),
    ],
)
def test_a_unit_that_both_have_is_written_once(old: str, new: str, written: str) -> None:
    assert arrow(old, new) == written


@pytest.mark.parametrize(
    ("fraction", "written"),
    [(0.0704, "7.1 %"), (0.07, "7 %"), (0.00123, "0.13 %"), (0.0, "0 %"), (1.31, "140 %"), (None, "–")],
)
def test_a_bound_is_rounded_up(fraction: float | None, written: str) -> None:
    assert bound(fraction) == written


@pytest.mark.parametrize(("fraction", "written"), [(0.03, "3 %"), (0.005, "0.5 %"), (0.0, "0 %"), (math.nan, "–")])
def test_a_margin_is_written_as_it_was_set(fraction: float, written: str) -> None:
    assert share(fraction) == written


def test_an_interval_alone_is_rounded_outwards() -> None:
    assert span(0.98764, 1.0207) == "[−1.3, +2.1] %"
    assert span(1.02, 1.02) == "[+2.0, +2.0] %"


def test_how_far_and_how_wide_an_interval_is() -> None:
    assert farthest(0.99, 1.02) == pytest.approx(0.02)
    assert farthest(0.97, 1.02) == pytest.approx(0.03)
    assert farthest(None, 1.02) is None
    assert relative_half_width(2.0, 1.9, 2.1) == pytest.approx(0.05)
    assert relative_half_width(2.0, 2.0, 2.0) is None
    assert relative_half_width(math.nan, 1.9, 2.1) is None


@pytest.mark.parametrize(
    ("low", "high", "written"),
    [
        # Half the width is 0.03, 0.3 and 30: two digits of it are 3, 2 and no decimals.
        (1.34, 1.40, ("1.370", "[1.340, 1.400]")),
        (1.07, 1.67, ("1.37", "[1.07, 1.67]")),
        (-28.63, 31.37, ("1", "[−29, 32]")),
        (1.37, 1.37, ("1.37", "")),
        (None, 1.4, ("1.37", "")),
        (math.nan, 1.4, ("1.37", "")),
    ],
)
def test_a_value_has_the_digits_of_its_interval(
    low: float | None, high: float | None, written: tuple[str, str]
) -> None:
    assert within(1.37, low, high) == written
