import math
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import harness
from harness.stats.estimates import (
    Estimate,
    geometric_mean,
    mean,
    median,
    percentile,
    percentile_supported,
    relative_half_width,
    support_needed,
    t_quantile,
    trimmed_mean,
)

SAMPLES = st.lists(st.floats(1e-6, 1e3), min_size=2, max_size=60)


@pytest.mark.parametrize(("values", "middle"), [([3, 1, 2], 2), ([4, 1, 3, 2], 2.5), ([7, 7], 7)])
def test_the_median_is_the_middle_or_the_mean_of_two(values: list[float], middle: float) -> None:
    assert median(values) == middle


def test_the_trimmed_mean_cuts_a_fifth_at_either_end() -> None:
    # Ten values: two go at either end, 3..8 stay, whose mean is 5.5; the outlier has no say.
    assert trimmed_mean([1, 2, 3, 4, 5, 6, 7, 8, 9, 1000]) == 5.5
    # Four values: a fifth of four is less than one, so none goes.
    assert trimmed_mean([1, 2, 3, 10]) == 4


@pytest.mark.parametrize("count", [5, 10, 15, 35, 55, 1005])
def test_the_number_cut_off_is_a_whole_fifth_in_spite_of_rounding(count: int) -> None:
    fifth = count // 5
    low_end = [-1e9] * fifth
    high_end = [1e9] * fifth
    assert trimmed_mean([*low_end, *([2.0] * (count - 2 * fifth)), *high_end]) == 2.0


@pytest.mark.parametrize(
    ("quantile", "expected"),
    # Rank 1 + (5 - 1)·q of 10, 20, 30, 40, 50.
    [(0, 10), (0.25, 20), (0.5, 30), (0.9, 46), (0.95, 48), (1, 50)],
)
def test_a_percentile_interpolates_between_ranks(quantile: float, expected: float) -> None:
    assert percentile([50, 30, 10, 20, 40], quantile) == pytest.approx(expected)


@pytest.mark.parametrize(("quantile", "needed"), [(0.99, 662), (0.95, 130), (0.90, 64), (0.5, 11)])
def test_a_percentile_is_supported_from_a_known_count_on(quantile: float, needed: int) -> None:
    assert support_needed(quantile) == needed
    assert percentile_supported(quantile, needed)
    assert not percentile_supported(quantile, needed - 1)


def test_the_count_for_the_median_can_be_worked_out_by_coins() -> None:
    # At most one head in n throws: (1 + n) / 2^n. For 11: 12/2048 = 0.59 %. For 10: 11/1024 = 1.07 %.
    assert 12 / 2048 <= 0.01 < 11 / 1024
    assert support_needed(0.5, confidence=0.99) == 11


def test_a_low_percentile_needs_as_many_samples_as_its_mirror_image() -> None:
    assert support_needed(0.05) == support_needed(0.95)


# Published two-sided tables (e.g. NIST/SEMATECH e-Handbook 1.3.6.7.2), three decimals.
TABLE = [
    (0.975, 1, 12.706),
    (0.995, 1, 63.657),
    (0.999, 1, 318.309),
    (0.95, 2, 2.920),
    (0.975, 2, 4.303),
    (0.999, 3, 10.215),
    (0.90, 4, 1.533),
    (0.975, 5, 2.571),
    (0.995, 9, 3.250),
    (0.975, 10, 2.228),
    (0.99, 24, 2.492),
    (0.975, 30, 2.042),
    (0.95, 60, 1.671),
    (0.975, 100, 1.984),
    (0.975, 1_000_000, 1.960),
]


@pytest.mark.parametrize(("probability", "freedom", "published"), TABLE)
def test_t_quantiles_agree_with_the_published_table(probability: float, freedom: int, published: float) -> None:
    assert round(t_quantile(probability, freedom), 3) == published
    assert round(t_quantile(1 - probability, freedom), 3) == -published


@pytest.mark.parametrize("probability", [0.6, 0.9, 0.975, 0.9995])
def test_t_quantiles_agree_with_closed_forms(probability: float) -> None:
    # One degree of freedom is Cauchy; two have t = (2p - 1)·sqrt(2 / (4p(1 - p))).
    assert t_quantile(probability, 1) == pytest.approx(math.tan(math.pi * (probability - 0.5)), rel=1e-11)
    p = probability
    assert t_quantile(p, 2) == pytest.approx((2 * p - 1) * math.sqrt(2 / (4 * p * (1 - p))), rel=1e-11)


def test_the_middle_of_the_t_distribution_is_zero() -> None:
    assert t_quantile(0.5, 7) == 0


def test_the_interval_is_the_textbook_one_on_logarithms() -> None:
    # Logs 0, 1, 2: mean 1, sd 1, n 3; half width 4.302653 / sqrt(3) = 2.484138.
    values = [1.0, math.e, math.e**2]
    found = geometric_mean(values, confidence=0.95)
    assert found.value == pytest.approx(math.e)
    assert math.log(found.high) == pytest.approx(1 + 2.484138, abs=1e-6)
    assert math.log(found.low) == pytest.approx(1 - 2.484138, abs=1e-6)
    assert relative_half_width(values) == pytest.approx(math.exp(2.484138) - 1, rel=1e-6)


def test_equal_values_leave_no_doubt() -> None:
    assert relative_half_width([0.25, 0.25, 0.25]) == 0


@given(SAMPLES, st.floats(0.1, 10))
def test_another_unit_does_not_change_the_relative_width(values: list[float], factor: float) -> None:
    scaled = [value * factor for value in values]
    assert relative_half_width(scaled) == pytest.approx(relative_half_width(values), rel=1e-6, abs=1e-9)


@given(SAMPLES)
def test_centres_lie_within_the_values(values: list[float]) -> None:
    slack = 1e-9 * max(values)
    for centre in (mean(values), median(values), trimmed_mean(values), geometric_mean(values).value):
        assert min(values) - slack <= centre <= max(values) + slack


@given(SAMPLES, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_percentile_is_never_lower(values: list[float], one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert percentile(values, low) <= percentile(values, high) + 1e-9 * max(values)


ESTIMATORS = [mean, median, trimmed_mean, geometric_mean, relative_half_width]


@pytest.mark.parametrize("estimate", ESTIMATORS)
@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.nan], [math.inf, 1.0]])
def test_too_few_or_no_numbers_are_refused(estimate, values: list[float]) -> None:
    with pytest.raises(ValueError, match=r"two values or more|cannot be made of"):
        estimate(values)


@pytest.mark.parametrize("estimate", [geometric_mean, relative_half_width])
@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_logarithms_of_nothing_are_refused(estimate, bad: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        estimate([1.0, bad])


@pytest.mark.parametrize(
    "call",
    [
        lambda: percentile([1, 2], 1.1),
        lambda: support_needed(1.0),
        lambda: support_needed(0.5, confidence=1.0),
        lambda: trimmed_mean([1, 2], 0.5),
        lambda: t_quantile(0.0, 3),
        lambda: t_quantile(0.9, 0),
        lambda: geometric_mean([1, 2], confidence=0),
        lambda: Estimate(1.0, 2.0, 3.0),
        lambda: Estimate(math.nan, 0.0, 3.0),
    ],
)
def test_questions_without_an_answer_are_refused(call) -> None:
    with pytest.raises(ValueError):
        call()


def test_the_statistics_import_nothing_heavy() -> None:
    heavy = ["numpy", "torch", "onnxruntime", "pytest", "psutil", "statistics", "decimal"]
    code = (
        "import sys, harness.stats.estimates, harness.stats.warmup; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    root = Path(harness.__file__).parents[1]
    shown = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert shown.stdout.strip() == "[]"
