"""How the times of two sides are drawn: read back by the words of the axis, against times chosen by hand."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from fixed_judgement import AGAINST, DUELS, TURN_STATIC
from fixed_run import PLANNED, measured, unsupported
from hypothesis import given
from hypothesis import strategies as st
from paths import dots, steps, time_at

from harness.cells import Reason
from harness.comparisons import Clock, Duel, Origin, Pair
from harness.comparisons import Side as PairSide
from harness.render.page.drawing import WIDTH, Scale, every, time_ticks
from harness.render.page.spread import (
    Side,
    Spread,
    spread_of_pairs,
    spread_of_passes,
    spread_of_sessions,
)
from harness.results import Measurement, Sample

CELL = PLANNED[0]
OLD = (0.010, 0.011, 0.012, 0.013, 0.014, 0.015)
NEW = (0.016, 0.017, 0.018, 0.0188, 0.020, 0.021)


def duel(olds: Sequence[float], news: Sequence[float], stage: int = 1) -> Duel:
    def pair(old: float, new: float) -> Pair:
        sides = (PairSide({Clock.WALL: old}), PairSide({Clock.WALL: new}))
        return Pair(stage, {Clock.WALL: math.log(new / old)}, *sides, quads=1, seconds=1.0)

    return Duel(CELL, AGAINST, Clock.WALL, tuple(pair(old, new) for old, new in zip(olds, news, strict=True)))


def drawn(spread: Spread | None) -> Spread:
    assert spread is not None
    return spread


def of_passes(*means: float) -> Measurement:
    """A cell whose passes took so long: one example, twice a pass."""
    wall = tuple(seconds for mean in means for seconds in (mean * 0.9, mean * 1.1))
    return measured(CELL, 0.01, 1, 1.0, sample=Sample(("a",) * len(wall), wall, passes=len(means)), warm_up=None)


def bar_of(side: Side, spread: Spread) -> tuple[float, float, float]:
    low, high, middle = re.match(r"M(\d+) \d+H([\d.]+).*M([\d.]+) \d+v\d+$", side.bar).groups()  # type: ignore[union-attr]
    return tuple(time_at(spread.ticks, float(x)) for x in (low, middle, high))  # type: ignore[return-value]


def test_every_process_is_a_dot_at_its_time_and_the_bar_is_the_medians_interval() -> None:
    spread = drawn(spread_of_pairs(duel(OLD, NEW), None))
    for side, times in zip(spread.sides, (OLD, NEW), strict=True):
        assert [time_at(spread.ticks, x) for x, _ in dots(side.dots)] == pytest.approx(times, abs=2e-5)
        # Of six the least and the greatest bound the median at 96.9 %; the four between them do not at 95 %.
        assert bar_of(side, spread) == pytest.approx((times[0], (times[2] + times[3]) / 2, times[-1]), abs=2e-5)


def test_the_curve_rises_by_a_sixth_at_every_time_and_is_half_way_up_at_the_line() -> None:
    spread = drawn(spread_of_pairs(duel(OLD, NEW), None))
    assert spread.half_y is not None
    top, foot = spread.field_y, spread.drawn_height
    assert spread.half_y == pytest.approx((top + foot) / 2)
    for side, times in zip(spread.sides, (OLD, NEW), strict=True):
        corners = steps(side.curve)
        assert corners[0] == (0.0, foot)
        assert corners[-1][0] == WIDTH
        after = [(time_at(spread.ticks, x), (foot - y) / (foot - top)) for x, y in corners[2:-1:2]]
        expected = [(time, share / 6) for share, time in enumerate(times, 1)]
        assert [at for at, _ in after] == pytest.approx([at for at, _ in expected], abs=2e-5)
        assert [share for _, share in after] == pytest.approx([share for _, share in expected], abs=0.01)


def test_the_band_is_as_high_as_that_of_dvoretzky_kiefer_and_wolfowitz() -> None:
    spread = drawn(spread_of_pairs(duel(OLD, NEW), None))
    corners = steps(spread.sides[0].band)
    share = [(spread.drawn_height - y) / (spread.drawn_height - spread.field_y) for _, y in corners]
    # √(ln 40 / 12) = 0.5544: before the first time up to it, after the last from 1 less it.
    assert share[0] == pytest.approx(0.554, abs=0.01)
    assert min(s for (x, _), s in zip(corners, share, strict=True) if x == WIDTH) == pytest.approx(0.446, abs=0.01)
    assert corners[-1] == (0.0, spread.drawn_height)


def test_five_processes_have_dots_and_the_words_why_there_is_no_more() -> None:
    spread = drawn(spread_of_pairs(duel(OLD[:5], NEW[:5]), None))
    assert [len(dots(side.dots)) for side in spread.sides] == [5, 5]
    assert not any(side.bar or side.curve or side.band for side in spread.sides)
    assert spread.half_y is None
    assert "5 processes a side are too few for a curve, and to bound a median at 95 % (6 do)." in spread.caption
    assert spread.sides[0].words == "old 12.0 ms, median of 5"


def test_the_words_of_a_side_have_no_more_digits_than_its_interval() -> None:
    spread = drawn(spread_of_pairs(duel(OLD, NEW), None))
    assert spread.sides[0].words == "old 12 ms, 10 to 15 ms, median of 6"
    assert spread.name.startswith("Seconds by process: old 12 ms, 10 to 15 ms, median of 6; new 18 ms")


def test_the_trial_is_not_drawn_and_the_clock_is_the_one_that_decided() -> None:
    assert spread_of_pairs(duel(OLD, NEW, stage=0), None) is None
    assert spread_of_pairs(Duel(CELL, AGAINST, problem="no side"), None) is None
    found = next(one for one in DUELS if one.cell == TURN_STATIC)
    wall = drawn(spread_of_pairs(replace(found, clock=Clock.WALL), None))
    corrected = drawn(spread_of_pairs(found, None))
    assert Clock.CORRECTED.words in corrected.caption
    assert Clock.CORRECTED.words not in wall.caption


def test_each_stored_session_has_a_row_and_now_has_its_own() -> None:
    sessions = ((0.010, 0.011, 0.012), (), (0.014, 0.015, 0.016, 0.017))
    spread = drawn(spread_of_sessions(Origin(CELL, "m", "abc", "then", sessions), of_passes(*NEW)))
    baseline, now = spread.sides
    rows = sorted({y for _, y in dots(baseline.dots)})
    assert [[time_at(spread.ticks, x) for x, y in dots(baseline.dots) if y == row] for row in rows] == [
        pytest.approx(sessions[0], abs=2e-5),
        pytest.approx(sessions[2], abs=2e-5),
    ]
    assert [time_at(spread.ticks, x) for x, _ in dots(now.dots)] == pytest.approx(NEW, abs=2e-5)
    assert "2 sessions, a row each, the oldest on top" in spread.caption
    assert "Sessions differ by more than their passes" in spread.caption


def test_without_stored_passes_there_are_no_two_sides() -> None:
    assert spread_of_sessions(Origin(CELL, "m", "abc", "then"), of_passes(*NEW)) is None
    unmeasured = unsupported(CELL, Reason.NO_KERNEL, "no kernel")
    assert spread_of_sessions(Origin(CELL, "m", "abc", "then", ((0.1, 0.2),)), unmeasured) is None


def test_a_run_by_itself_is_drawn_alone() -> None:
    spread = drawn(spread_of_passes(of_passes(*NEW)))
    assert [side.words for side in spread.sides] == ["now 18 ms, 16 to 21 ms, median of 6"]
    assert "All are of one process" in spread.caption


def test_few_passes_of_a_run_by_itself_are_dots_and_one_is_nothing() -> None:
    spread = drawn(spread_of_passes(of_passes(*NEW[:5])))
    assert len(dots(spread.sides[0].dots)) == 5
    assert spread.half_y is None
    assert "5 passes are too few for a curve, and to bound a median at 95 % (6 do)." in spread.caption
    assert spread_of_passes(of_passes(NEW[0])) is None


def test_a_stray_time_does_not_flatten_the_rest_and_is_said_to_lie_beyond() -> None:
    usual = tuple(0.010 + number * 1e-4 for number in range(20))
    spread = drawn(spread_of_passes(of_passes(*usual, 5.0)))
    xs = [x for x, _ in dots(spread.sides[0].dots)]
    assert max(xs) == WIDTH
    assert xs[-2] - xs[0] > WIDTH / 3
    assert "1 beyond the frame is drawn at its edge" in spread.caption


def test_of_a_crowd_both_ends_are_drawn_and_it_is_said() -> None:
    spread = drawn(spread_of_passes(of_passes(*(0.010 + number * 1e-5 for number in range(400)))))
    xs = [x for x, _ in dots(spread.sides[0].dots)]
    assert len(xs) == 48
    assert [time_at(spread.ticks, x) for x in (xs[0], xs[-1])] == pytest.approx([0.010, 0.01399], abs=1e-5)
    assert len(spread.sides[0].curve) < 400
    assert "only some dots are drawn" in spread.caption


@given(st.lists(st.floats(min_value=1e-7, max_value=1e3), min_size=6, max_size=90))
def test_everything_is_inside_the_frame_whatever_the_times(times: list[float]) -> None:
    spread = drawn(spread_of_pairs(duel(times, times[::-1]), None))
    for side in spread.sides:
        corners = [*dots(side.dots), *steps(side.curve), *steps(side.band)]
        assert all(0 <= x <= WIDTH and 0 <= y <= spread.drawn_height for x, y in corners)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.0, 0.010, ["2 ms", "4 ms", "6 ms", "8 ms"]),
        (0.0412, 0.0431, ["41.5 ms", "42.0 ms", "42.5 ms"]),
        (0.95, 1.45, ["1.0 s", "1.1 s", "1.2 s", "1.3 s", "1.4 s"]),
        (3.2e-6, 3.9e-6, ["3.4 µs", "3.6 µs", "3.8 µs"]),
    ],
)
def test_the_axis_has_a_few_round_times_in_one_unit(low: float, high: float, words: list[str]) -> None:
    assert [tick.text for tick in time_ticks(Scale(low, high, 0.0, WIDTH))] == words


def test_some_of_many_are_taken_evenly_with_both_ends() -> None:
    assert every(range(10), 4) == (0, 3, 6, 9)
    assert every(range(3), 4) == (0, 1, 2)
