"""One more session against those that are stored."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.sessions import session_interval

LOGS = st.lists(st.floats(-5, 5), min_size=1, max_size=8)
T_99 = {3: 4.541, 4: 3.747, 30: 2.457}
"""One-sided 1 % points of Student's t by degrees of freedom, as printed."""


def test_one_stored_session_differs_by_what_sessions_usually_do() -> None:
    # Spread 0.1 known as from thirty degrees; the old and the new session both vary: √2.
    found = session_interval([1.0], [1.5], usual_spread=0.1, error_rate=0.01)
    assert found.centre == pytest.approx(0.5)
    assert found.high - 0.5 == pytest.approx(T_99[30] * 0.1 * math.sqrt(2), rel=1e-3)
    assert 0.5 - found.low == pytest.approx(T_99[30] * 0.1 * math.sqrt(2), rel=1e-3)
    assert found.pairs == 1


@pytest.mark.parametrize(
    # Until there are four, the usual spread, 0.2, stands for theirs where theirs is smaller.
    ("olds", "variance", "freedom"),
    [
        ([0.0, 0.2], 0.04, 30),
        ([0.0, 0.3, 0.6], 0.18 / 2, 30),
        ([0.0, 0.1, 0.2], 0.04, 30),
        ([0.0, 0.2, 0.4, 0.6], 0.2 / 3, 3),
    ],
)
def test_several_sessions_tell_their_own_spread(olds: list[float], variance: float, freedom: int) -> None:
    found = session_interval(olds, [0.5], usual_spread=0.2, error_rate=0.01)
    half = T_99[freedom] * math.sqrt(variance) * math.sqrt(1 + 1 / len(olds))
    assert found.centre == pytest.approx(0.5 - sum(olds) / len(olds))
    assert found.high - found.centre == pytest.approx(half, rel=1e-3)
    assert found.centre - found.low == pytest.approx(half, rel=1e-3)


def test_more_values_of_one_new_session_say_no_more_of_how_sessions_differ() -> None:
    one = session_interval([0.0, 0.1], [0.3], usual_spread=0.1, error_rate=0.01)
    many = session_interval([0.0, 0.1], [0.2, 0.3, 0.4], usual_spread=0.1, error_rate=0.01)
    assert (many.centre, many.low, many.high) == pytest.approx((one.centre, one.low, one.high))


@given(olds=st.lists(st.floats(-5, 5), min_size=1, max_size=3), news=LOGS, spread=st.floats(0.01, 1))
def test_a_few_sessions_that_agree_do_not_hide_the_usual_spread(
    olds: list[float], news: list[float], spread: float
) -> None:
    found = session_interval(olds, news, usual_spread=spread, error_rate=0.01)
    least = spread * math.sqrt(1 + 1 / len(olds))
    assert (found.high - found.low) / 2 > 2.3263 * least  # the normal distribution's point, which Student's exceeds


@given(old=st.floats(-5, 5), new=st.floats(-5, 5))
def test_swapping_two_sessions_mirrors_the_interval(old: float, new: float) -> None:
    there = session_interval([old], [new], usual_spread=0.1, error_rate=0.01)
    back = session_interval([new], [old], usual_spread=0.1, error_rate=0.01)
    assert (back.centre, back.low, back.high) == pytest.approx((-there.centre, -there.high, -there.low))


@pytest.mark.parametrize(("olds", "news"), [([], [1.0]), ([1.0], []), ([], [])])
def test_one_side_alone_is_no_change(olds: list[float], news: list[float]) -> None:
    with pytest.raises(ValueError, match="a stored session and a new one"):
        session_interval(olds, news, usual_spread=0.1, error_rate=0.01)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@given(olds=LOGS, news=LOGS)
def test_what_is_not_finite_is_refused_on_either_side(value: float, olds: list[float], news: list[float]) -> None:
    for sides in (([*olds, value], news), (olds, [*news, value])):
        with pytest.raises(ValueError, match="not finite"):
            session_interval(*sides, usual_spread=0.1, error_rate=0.01)
