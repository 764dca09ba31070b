from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from fixed_judgement import AGAINST, CONTROL, DUELS, FP32, TURN_STATIC, VERDICTS, live, pairs
from paths import dots

from harness.comparisons import Clock, Duel, Outcome, Verdict
from harness.render.page.drawing import WIDTH
from harness.render.page.forest import Forest, forest_of

VERDICT = next(verdict for verdict in VERDICTS if verdict.cell == TURN_STATIC and verdict.clock)
DUEL = next(duel for duel in DUELS if duel.cell == TURN_STATIC)


def drawn(duel: Duel = DUEL, verdict: Verdict | None = VERDICT) -> Forest:
    found = forest_of(duel, verdict)
    assert found is not None
    return found


def value_at(forest: Forest, x: float) -> float:
    """The log ratio at a place, by the words of the axis."""
    (x0, v0), (x1, v1) = [
        (
            float(tick.place.rstrip("%")) / 100 * WIDTH,
            math.log1p(float(tick.text.rstrip(" %").replace("−", "-")) / 100),
        )
        for tick in (forest.ticks[0], forest.ticks[-1])
    ]
    return v0 + (x - x0) / (x1 - x0) * (v1 - v0)


def test_every_judged_pair_has_a_mark_of_its_stage_at_its_ratio_by_the_clock_that_decided() -> None:
    forest = drawn()
    for stage, path in ((1, forest.first_stage), (2, forest.second_stage)):
        expected = [pair.log_ratios[Clock.WALL] for pair in DUEL.pairs if pair.stage == stage]
        assert [value_at(forest, x) for x, _ in dots(path)] == pytest.approx(expected, abs=0.001)
    assert (forest.pairs, forest.confirming) == (12, 6)
    assert forest.clock == Clock.WALL.words


def test_the_duels_clock_is_shown_where_the_verdict_names_none() -> None:
    forest = drawn(DUEL, replace(VERDICT, clock=None))
    expected = [pair.log_ratios[Clock.CORRECTED] for pair in DUEL.pairs if pair.stage == 1]
    assert [value_at(forest, x) for x, _ in dots(forest.first_stage)] == pytest.approx(expected, abs=0.001)


def test_the_band_is_the_margin_and_the_line_is_no_change() -> None:
    forest = drawn()
    assert forest.band is not None
    start, width = forest.band
    assert value_at(forest, start) == pytest.approx(-math.log(1.03), abs=0.001)
    assert value_at(forest, start + width) == pytest.approx(math.log(1.03), abs=0.001)
    assert value_at(forest, forest.nothing_x) == pytest.approx(0, abs=0.001)


def test_the_bar_is_the_verdicts_interval() -> None:
    forest = drawn()
    start, end = map(float, re.findall(r"M([\d.]+) [\d.]+H([\d.]+)", forest.interval)[0])
    assert VERDICT.low is not None
    assert VERDICT.high is not None
    assert value_at(forest, start) == pytest.approx(math.log(VERDICT.low), abs=0.001)
    assert value_at(forest, end) == pytest.approx(math.log(VERDICT.high), abs=0.001)


def test_a_stray_pair_is_drawn_at_the_edge_and_said_to_lie_beyond() -> None:
    usual = pairs(0.0, first=20)
    stray = (*usual[:-1], replace(usual[-1], log_ratios={Clock.CORRECTED: 3.0}))
    forest = drawn(Duel(FP32, AGAINST, pairs=stray), CONTROL)
    assert forest.is_beyond
    assert max(x for x, _ in dots(forest.first_stage)) == WIDTH
    assert not drawn(Duel(FP32, AGAINST, pairs=usual), CONTROL).is_beyond


@pytest.mark.parametrize("change", [-0.9, -0.0005, 0.0, 0.0005, 0.03, 1.3, 30.0])
def test_the_axis_has_a_few_round_words_whatever_the_change(change: float) -> None:
    duel = Duel(FP32, AGAINST, pairs=pairs(change, first=4, wobble=0.0003))
    forest = drawn(duel, live(FP32, Outcome.REGRESSED, "", 1.0, change, 0.0003, margin=0.0001, clock=None))
    assert 1 <= len(forest.ticks) <= 8
    assert len({tick.text for tick in forest.ticks}) == len(forest.ticks)
    assert all(re.fullmatch(r"0 %|[+−][\d.]+ %", tick.text) for tick in forest.ticks)


def test_fifty_pairs_take_little_more_room_than_twenty() -> None:
    many, few = (drawn(Duel(FP32, AGAINST, pairs=pairs(0.0, first=n))) for n in (50, 20))
    assert many.height < few.height * 1.2


def test_without_pairs_there_is_no_drawing() -> None:
    assert forest_of(Duel(FP32, AGAINST, problem="no side"), None) is None
    trial = tuple(pair for pair in DUEL.pairs if pair.stage == 0)
    assert trial
    assert forest_of(Duel(FP32, AGAINST, pairs=trial), None) is None


@pytest.mark.parametrize("odd", [math.nan, math.inf, -1.0, 0.0, None])
def test_a_verdict_without_sensible_numbers_leaves_the_pairs(odd: float | None) -> None:
    forest = drawn(DUEL, replace(VERDICT, ratio=odd, low=odd, high=odd, margin=odd))
    assert len(dots(forest.first_stage)) == 6
    assert forest.interval == forest.centre == forest.change == forest.margin == ""
    assert forest.band is None
