import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.warmup import Progress, WarmUpRule, WarmUpWatch


def answers(durations: list[float], rule: WarmUpRule | None = None, seconds: float = 0.001) -> list[Progress]:
    """What the watch says after each duration, up to its decision."""
    watch = WarmUpWatch(rule or WarmUpRule())
    said: list[Progress] = []
    for duration in durations:
        said.append(watch.feed(duration, seconds))
        if said[-1] is not Progress.GO_ON:
            break
    return said


def test_a_flat_curve_is_steady_after_the_drop_and_two_windows() -> None:
    assert answers([1.0] * 20) == [Progress.GO_ON] * 12 + [Progress.STEADY]


def test_the_dropped_inferences_have_no_say() -> None:
    assert len(answers([90.0, 50.0, 20.0, *([1.0] * 20)])) == 13


def test_one_outlier_in_each_window_does_not_hold_it_up() -> None:
    window = [1.0, 1.0, 9.0, 1.0, 1.0]
    assert len(answers([1.0] * 3 + window * 2)) == 13


def test_a_falling_curve_goes_on_until_it_is_flat() -> None:
    falling = [2.0 * 0.95**step for step in range(20)]
    flat = [falling[-1]] * 20
    said = answers(falling + flat)
    assert said[-1] is Progress.STEADY
    assert len(said) > len(falling)


@pytest.mark.parametrize(("later", "steady"), [(1.019, True), (0.981, True), (1.021, False), (0.979, False)])
def test_two_percent_decides(later: float, steady: bool) -> None:
    said = answers([1.0] * 8 + [later] * 5)
    assert (said[-1] is Progress.STEADY) is steady


def test_a_curve_that_never_flattens_is_capped_by_count() -> None:
    said = answers([1.1**step for step in range(100)], WarmUpRule(most_inferences=30))
    assert len(said) == 30
    assert said[-1] is Progress.CAPPED


def test_slow_inferences_are_capped_by_their_seconds() -> None:
    said = answers([1.0] * 20, WarmUpRule(most_seconds=10), seconds=4.0)
    assert said == [Progress.GO_ON, Progress.GO_ON, Progress.CAPPED]


def test_steady_at_the_very_cap_is_steady() -> None:
    assert answers([1.0] * 13, WarmUpRule(most_inferences=13))[-1] is Progress.STEADY


def test_the_watch_counts_what_was_spent() -> None:
    watch = WarmUpWatch()
    for _ in range(4):
        watch.feed(1.0, 0.5)
    assert (watch.inferences, watch.seconds) == (4, 2.0)


def test_a_decided_warm_up_takes_no_more() -> None:
    watch = WarmUpWatch(WarmUpRule(most_inferences=1))
    assert watch.feed(1.0, 1.0) is Progress.CAPPED
    with pytest.raises(ValueError, match="already decided"):
        watch.feed(1.0, 1.0)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_durations_that_are_none_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        WarmUpWatch().feed(bad, 1.0)
    with pytest.raises(ValueError, match="above zero"):
        WarmUpWatch().feed(1.0, bad)


@pytest.mark.parametrize(
    "settings", [{"drop": -1}, {"window": 1}, {"tolerance": 0}, {"most_inferences": 0}, {"most_seconds": 0}]
)
def test_rules_that_mean_nothing_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        WarmUpRule(**settings)


@given(st.lists(st.floats(0.5, 2.0), min_size=60, max_size=60))
def test_every_curve_is_decided_within_the_cap(durations: list[float]) -> None:
    assert answers(durations)[-1] in (Progress.STEADY, Progress.CAPPED)
