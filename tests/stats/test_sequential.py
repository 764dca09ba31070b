"""The t interval, its planned looks, and what a run may get wrong."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.sequential import (
    LOOKS,
    RUN_RATE,
    SPENT,
    Interval,
    Shown,
    interval_at,
    look,
    looks_until,
    next_look,
    rebuild_pays,
    run_rate,
    stage_rate,
    trimmed_error,
    trimmed_log_ratio,
)

RATIOS = st.lists(st.floats(-1, 1), min_size=3, max_size=40)
MARGIN = 0.03
BOUND = math.log(1.03)


def test_the_shares_of_the_looks_are_the_whole_error_rate_and_no_more() -> None:
    assert sum(Fraction(str(share)) for share in SPENT) == 1
    assert len(SPENT) == len(LOOKS)
    assert all(share > 0 for share in SPENT)
    assert list(LOOKS) == sorted(set(LOOKS))


@pytest.mark.parametrize(
    # One-sided points of Student's t, as printed in every table of it.
    ("pairs", "error_rate", "t"),
    [(3, 0.05, 2.920), (4, 0.01, 4.541), (4, 0.001, 10.215), (6, 0.005, 4.032), (9, 0.01, 2.896), (25, 0.001, 3.467)],
)
def test_an_interval_is_students_t_on_each_side(pairs: int, error_rate: float, t: float) -> None:
    # 1, 2, …, n: the mean is (n + 1)/2, the variance n(n + 1)/12, so the standard error is √((n + 1)/12).
    found = interval_at([float(number + 1) for number in range(pairs)], error_rate)
    error = math.sqrt((pairs + 1) / 12)
    assert found.centre == pytest.approx((pairs + 1) / 2)
    assert (found.high - found.centre) / error == pytest.approx(t, abs=0.0006)
    assert (found.centre - found.low) / error == pytest.approx(t, abs=0.0006)
    assert found.pairs == pairs


def test_a_look_spends_its_own_share_only() -> None:
    # Four pairs leave 3 degrees of freedom, whose distribution is known in closed form:
    # P(T > t) = 1/2 - (u/(1 + u²) + atan u)/π with u = t/√3. The first look spends 15 % of the error rate.
    found = look([-1.0, 1.0, -1.0, 1.0], 0.01)
    u = found.high / (1 / math.sqrt(3)) / math.sqrt(3)  # the standard error of ±1 four times is √(4/3)/2 = 1/√3
    assert 0.5 - (u / (1 + u * u) + math.atan(u)) / math.pi == pytest.approx(0.0015, rel=1e-9)


@pytest.mark.parametrize("planned", LOOKS)
def test_every_look_is_the_interval_at_its_share(planned: int) -> None:
    ratios = [math.sin(number) for number in range(planned)]
    share = dict(zip(LOOKS, SPENT, strict=True))[planned]
    assert look(ratios, 0.01) == interval_at(ratios, 0.01 * share)


@pytest.mark.parametrize("pairs", [0, 1, 2, 3, 5, 7, 24, 26, 35, 37, 72])
def test_looking_when_no_look_was_planned_is_refused(pairs: int) -> None:
    with pytest.raises(ValueError, match=f"{pairs} pairs are none of the planned looks"):
        look([0.0] * pairs, 0.01)


@pytest.mark.parametrize("pairs", [0, 1, 2])
def test_too_few_pairs_have_no_interval(pairs: int) -> None:
    with pytest.raises(ValueError, match="three are the least"):
        interval_at([0.0] * pairs, 0.01)


@pytest.mark.parametrize("error_rate", [0.0, -0.01, 0.5, 1.0, math.nan, math.inf])
def test_an_error_rate_that_is_none_is_refused(error_rate: float) -> None:
    with pytest.raises(ValueError, match="error rate"):
        interval_at([0.0, 0.1, 0.2], error_rate)


@pytest.mark.parametrize("ratio", [math.nan, math.inf, -math.inf])
@given(ratios=RATIOS, where=st.integers(0, 40))
def test_what_is_not_finite_is_no_measurement(ratio: float, ratios: list[float], where: int) -> None:
    ratios.insert(where, ratio)
    with pytest.raises(ValueError, match="not finite"):
        interval_at(ratios, 0.01)


@given(ratios=RATIOS)
def test_swapping_sides_mirrors_the_interval(ratios: list[float]) -> None:
    there, back = interval_at(ratios, 0.01), interval_at([-ratio for ratio in ratios], 0.01)
    assert (back.centre, back.low, back.high) == (-there.centre, -there.high, -there.low)


@given(ratios=RATIOS, rates=st.tuples(st.floats(1e-6, 0.4), st.floats(1e-6, 0.4)))
def test_a_smaller_error_rate_never_shows_more(ratios: list[float], rates: tuple[float, float]) -> None:
    careful, bold = (interval_at(ratios, rate) for rate in sorted(rates))
    assert careful.low <= bold.low
    assert bold.high <= careful.high


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (-0.02, 0.02, Shown.WITHIN),
        (0.01, 0.02, Shown.WITHIN),
        (-0.02, -0.01, Shown.WITHIN),
        (0.01, 0.04, Shown.SLOWER),
        (0.04, 0.05, Shown.SLOWER),
        (-0.04, -0.01, Shown.FASTER),
        (-0.05, -0.04, Shown.FASTER),
        (-0.01, 0.04, Shown.NOTHING),
        (-0.04, 0.01, Shown.NOTHING),
        (-0.04, 0.04, Shown.NOTHING),
        # The margin is of the ratio: its logarithm, 0.02956, is less than 0.03.
        (-0.0295, 0.0295, Shown.WITHIN),
        (0.001, 0.0298, Shown.SLOWER),
        (-0.0298, -0.001, Shown.FASTER),
        # On the margin is not within it, and at zero is not above it.
        (0.001, BOUND, Shown.SLOWER),
        (-BOUND, -0.001, Shown.FASTER),
        (0.0, BOUND, Shown.NOTHING),
        (-BOUND, 0.0, Shown.NOTHING),
    ],
)
def test_what_an_interval_shows(low: float, high: float, shown: Shown) -> None:
    assert Interval((low + high) / 2, low, high, 4).shows(MARGIN) is shown


@given(low=st.floats(-1, 1), width=st.floats(0, 1), by=st.floats(0, 1), margin=st.floats(0.001, 0.5))
def test_slower_stays_slower_where_the_new_side_is_slower_still(
    low: float, width: float, by: float, margin: float
) -> None:
    now, later = Interval(low, low, low + width, 4), Interval(low, low + by, low + width + by, 4)
    if now.shows(margin) is Shown.SLOWER:
        assert later.shows(margin) is Shown.SLOWER
    if now.shows(margin) is not Shown.FASTER:
        assert later.shows(margin) is not Shown.FASTER


def test_what_could_be_seen_is_the_half_width_as_a_ratio() -> None:
    assert Interval(0.5, 0.5 - math.log(1.2), 0.5 + math.log(1.2), 4).could_see == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("pairs", "following", "behind"),
    [(0, 4, 0), (3, 4, 0), (4, 6, 1), (5, 6, 1), (6, 9, 2), (25, 36, 6), (35, 36, 6), (36, None, 7), (99, None, 7)],
)
def test_looks_ahead_and_behind(pairs: int, following: int | None, behind: int) -> None:
    assert next_look(pairs) == following
    assert looks_until(pairs) == (4, 6, 9, 13, 18, 25, 36)[:behind]


@pytest.mark.parametrize(
    # √(1 % / n), and never above 1 %: n comparisons that two stages must agree on are wrong n · rate² of the time.
    ("comparisons", "rate", "run"),
    [(1, 0.01, 0.0001), (7, 0.01, 0.0007), (100, 0.01, 0.01), (400, 0.005, 0.01), (10_000, 0.001, 0.01)],
)
def test_the_rate_of_a_stage_bounds_the_rate_of_the_run(comparisons: int, rate: float, run: float) -> None:
    assert stage_rate(comparisons) == pytest.approx(rate)
    assert run_rate(comparisons) == pytest.approx(run)


def test_a_run_that_was_measured_at_another_rate_is_wrong_at_that_rate() -> None:
    # Seven comparisons at half a per cent a stage: 7 · 0.005².
    assert run_rate(7, 0.005) == pytest.approx(0.000175)


@given(st.integers(1, 10**6))
def test_no_run_is_wrong_more_often_than_it_says(comparisons: int) -> None:
    assert run_rate(comparisons) <= RUN_RATE * (1 + 1e-12)


@pytest.mark.parametrize("comparisons", [0, -1])
def test_a_run_that_compares_nothing_has_no_rate(comparisons: int) -> None:
    with pytest.raises(ValueError, match="without a comparison"):
        stage_rate(comparisons)


def test_a_pairs_value_leaves_out_the_extreme_fifths() -> None:
    assert trimmed_log_ratio([0.1, 0.2, 0.3, 0.4, 9.0]) == pytest.approx(0.3)
    with pytest.raises(ValueError, match="3 quads or more, got 2"):
        trimmed_log_ratio([0.1, 0.2])


def test_the_error_of_a_trimmed_mean_is_of_the_winsorised_values() -> None:
    # 1, 2, 3, 4, 99 become 2, 2, 3, 4, 4: mean 3, squares 1 + 1 + 0 + 1 + 1 = 4, variance 1, √(1/5) ÷ (1 - 2/5).
    assert trimmed_error([3.0, 1.0, 99.0, 2.0, 4.0]) == pytest.approx(math.sqrt(0.2) / 0.6)
    # Of three values none is cut: 1, 2, 3 has variance 1, and the error is √(1/3).
    assert trimmed_error([1.0, 2.0, 3.0]) == pytest.approx(math.sqrt(1 / 3))


@pytest.mark.parametrize(
    # Between -d, 0, d the variance is d²; it must exceed four times the quads' own, and as often as quads are lost.
    ("apart", "error", "dilution", "pays"),
    [
        (2.1, 1.0, 1.0, True),
        (1.9, 1.0, 1.0, False),
        (2.1, 1.0, 2.0, False),
        (2.9, 1.0, 2.0, True),
        (0.1, 0.0, 1.0, True),
    ],
)
def test_rebuilding_pays_where_processes_differ_by_more_than_their_quads(
    apart: float, error: float, dilution: float, pays: bool
) -> None:
    assert rebuild_pays([-apart, 0.0, apart], [error] * 3, dilution) is pays


def _normal(chance: random.Random) -> float:
    return chance.gauss(0, 1)


def _heavy(chance: random.Random) -> float:
    """Student's t with three degrees of freedom: no fourth moment."""
    return chance.gauss(0, 1) / math.sqrt(chance.gammavariate(1.5, 2) / 3)


def _skewed(chance: random.Random) -> float:
    """The difference of two log-normals that share a factor: what two sides of one process pair look like at worst."""
    return math.exp(chance.gauss(0, 1)) - math.exp(chance.gauss(0, 1))


@pytest.mark.parametrize("drawn", [_normal, _heavy, _skewed])
def test_looking_seven_times_is_wrong_no_more_often_than_the_rate(drawn: Callable[[random.Random], float]) -> None:
    chance, gates, rate = random.Random(3), 2_000, 0.1
    above = below = 0
    for _ in range(gates):
        ratios = [drawn(chance) for _ in range(LOOKS[-1])]
        intervals = [look(ratios[:planned], rate) for planned in LOOKS]
        above += any(interval.low > 0 for interval in intervals)
        below += any(interval.high < 0 for interval in intervals)
    most = rate + 3 * math.sqrt(rate * (1 - rate) / gates)  # 12 %
    assert above / gates <= most
    assert below / gates <= most
    # Not by never showing anything: one look at the last, largest share alone would be wrong 2 % of the time.
    assert above + below > 2 * 0.015 * gates
