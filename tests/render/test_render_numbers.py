from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics import METRICS
from harness.render import numbers


@pytest.mark.parametrize(
    ("seconds", "half_width", "text"),
    [
        (0.0412, 0.006, "41.2 ms"),
        (0.0412, 0.12, "41 ms"),
        (0.0412, 0.0005, "41.20 ms"),
        (0.0412, None, "41.2 ms"),
        (0.00801, None, "8.01 ms"),
        (0.9996e-3, None, "1.00 ms"),
        (12.34, None, "12.3 s"),
        (125.3, 0.2, "130 s"),
        (3.4e-6, None, "3.40 µs"),
        (5e-9, None, "5.00 ns"),
        (0.0, None, "0 s"),
    ],
)
def test_a_time_has_the_digits_that_its_uncertainty_leaves(seconds: float, half_width: float | None, text: str) -> None:
    assert numbers.seconds(seconds, half_width) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1234, "1.23 kB"), (63_200_000, "63.2 MB"), (999_960, "1.00 MB"), (1.5e9, "1.50 GB")],
)
def test_a_size_is_in_powers_of_ten(size: float, text: str) -> None:
    assert numbers.bytes_(size) == text


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0, "0 %"),
        (0.0004, "<0.1 %"),
        (0.012, "1.2 %"),
        (0.5, "50 %"),
        (0.995, "99.5 %"),
        (0.9996, ">99.9 %"),
        (1, "100 %"),
    ],
)
def test_only_everything_is_called_100_per_cent(fraction: float, text: str) -> None:
    assert numbers.percent(fraction) == text


@given(st.floats(min_value=1e-12, max_value=1 - 1e-12))
def test_a_part_is_never_written_as_all_or_nothing(fraction: float) -> None:
    assert numbers.percent(fraction) not in ("0 %", "0.0 %", "100 %", "100.0 %")


@pytest.mark.parametrize(
    ("relative", "text"),
    [
        (0.006, "±0.6 %"),
        (0.0061, "±0.7 %"),
        (0.00001, "±0.1 %"),
        (0.049, "±4.9 %"),
        (0.1201, "±13 %"),
        (2.0, ">±100 %"),
    ],
)
def test_an_uncertainty_is_rounded_up(relative: float, text: str) -> None:
    assert numbers.half_width(relative) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(0.777, "0.8×"), (1.0, "1.0×"), (0.96, "1.0×"), (1.449, "1.4×"), (0.061, "0.06×"), (12.3, "12×"), (123.0, "120×")],
)
def test_an_unpaired_ratio_is_rounded_to_a_tenth(ratio: float, text: str) -> None:
    assert numbers.rough_times(ratio) == text


@pytest.mark.parametrize(
    ("waited", "text"), [(0.4, "0s"), (59.4, "59s"), (59.6, "1m00s"), (365, "6m05s"), (3725, "1h02m")]
)
def test_a_duration_reads_like_a_clock(waited: float, text: str) -> None:
    assert numbers.duration(waited) == text


@given(st.floats(min_value=1e-9, max_value=9e3))
def test_a_written_time_is_within_half_a_unit_of_its_third_digit(seconds: float) -> None:
    value, unit = numbers.seconds(seconds).split()
    read = float(value) * {"s": 1, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}[unit]
    assert math.isclose(read, seconds, rel_tol=0.0051)


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("weights_covered_fraction", 0.25, "25 %"),
        ("parameters_count", 94_782_722, "94\u00a0782\u00a0722"),
        ("energy_joules_per_inference", 1.234, "1.23 J"),
        ("real_time_factor", 0.0116, "0.0116"),
        ("throughput_per_second", 24.31, "24.3 /s"),
        ("steady_growth_bytes", 0, "0 B"),
    ],
)
def test_a_reading_is_written_in_the_way_of_its_metric(metric: str, value: float, text: str) -> None:
    assert numbers.reading(METRICS[metric], value) == text


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_every_metric_can_be_written(metric: object) -> None:
    assert any(character.isdigit() for character in numbers.reading(metric, 0.5))  # type: ignore[arg-type]
