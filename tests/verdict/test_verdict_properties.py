"""What holds of the judge whatever is measured, and how often it is wrong when nothing has changed."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.comparisons import Clock, Duel, Outcome, Pair, Side, Verdict
from harness.metrics import METRICS, Better
from harness.stats.sequential import LOOKS, Shown
from harness.verdict.stored import judge_stored
from harness.verdict.times import (
    EXACT,
    LATENCY,
    LEAST_MEMORY_BYTES,
    LOADING,
    MEMORY,
    TAILS,
    judge_duel,
    judge_exact,
    judge_memory,
    standing,
)
from tests.comparisons_samples import AGAINST, RATE, duel, own_margin, pair, slowed, swapped
from tests.samples import CELL

REGRESSED, IMPROVED, UNCHANGED = Outcome.REGRESSED, Outcome.IMPROVED, Outcome.UNCHANGED
MIRRORED = {REGRESSED: IMPROVED, IMPROVED: REGRESSED}
BOUND = math.log1p(METRICS[LATENCY].margin)

MOVED = st.sampled_from([-0.2, -0.05, -0.03, -0.025, -0.01, 0.0, 0.01, 0.025, 0.03, 0.05, 0.2])
NOISE = st.sampled_from([0.0, 0.0005, 0.002, 0.005, 0.01, 0.03, 0.1])


@st.composite
def stages(draw: st.DrawFn) -> list[float]:
    """The log ratios of one stage, from very clear to hopeless."""
    centre, noise = draw(MOVED), draw(NOISE)
    return [centre + noise * one for one in draw(st.lists(st.floats(-1, 1), max_size=14))]


@st.composite
def whole_stages(draw: st.DrawFn, centre: float) -> list[float]:
    """Four pairs so close together that the first look decides."""
    return [centre + 0.001 * draw(st.floats(-1, 1)) for _ in range(4)]


@st.composite
def duels(draw: st.DrawFn) -> Duel:
    """Two stages about alike, by a wall clock that tells the same as the time without waiting."""
    first = draw(stages())
    second = draw(stages()) if draw(st.booleans()) else list(first)
    return duel(first, second)


@st.composite
def slow_duels(draw: st.DrawFn) -> Duel:
    """A regression, confirmed; each stage may have been unclear at first."""
    unclear = st.lists(st.floats(-0.3, 0.3), max_size=3)
    made = [[*draw(unclear), *draw(whole_stages(centre))] for centre in (draw(st.floats(0.04, 0.4)) for _ in "ab")]
    one = duel(*made)
    assume(_latency(one).outcome is REGRESSED)
    return one


def _verdicts(one: Duel) -> dict[str | None, Verdict]:
    return {verdict.metric: verdict for verdict in judge_duel(one, own_margin, RATE)}


def _latency(one: Duel) -> Verdict:
    return next(iter(judge_duel(one, own_margin, RATE)))


# Swapping sides.


@given(duels())
def test_swapping_sides_turns_regressed_into_improved_and_back(one: Duel) -> None:
    there, back = _latency(one), _latency(swapped(one))
    assert back.outcome is MIRRORED.get(there.outcome, there.outcome)
    if there.ratio is not None and there.low is not None:
        assert back.ratio == pytest.approx(1 / there.ratio)
        assert back.high == pytest.approx(1 / there.low)
    assert standing(swapped(one), own_margin, RATE).next_stage == standing(one, own_margin, RATE).next_stage


@given(stages(), stages(), st.sampled_from([-0.1, 0.1]))
def test_waiting_is_judged_one_way_only_so_swapping_may_calm_it_and_never_keeps_it(
    first: list[float], second: list[float], waits: float
) -> None:
    """By design: a cell that only waits less is unchanged, and one that only waits more regressed."""
    made = [pair(one, stage, wall=one + waits) for stage, found in ((1, first), (2, second)) for one in found]
    one = duel(pairs=tuple(made))
    outcomes = {_latency(each).outcome for each in (one, swapped(one)) if each.pairs}
    assert outcomes not in ({REGRESSED}, {IMPROVED})


_LAPS = tuple(1 + number / 7_000 for number in range(700))


@st.composite
def told(draw: st.DrawFn, metric: str) -> Duel:
    """Two stages of steady latency, whose pairs tell another metric too."""
    made = []
    for stage in (1, 2):
        centre, noise = draw(MOVED), draw(NOISE)
        for small in (-0.001, 0.001, -0.001, 0.001):
            change = centre + noise * draw(st.floats(-1, 1))
            if metric in TAILS:
                laps = {"old_laps": _LAPS, "new_laps": tuple(lap * math.exp(change) for lap in _LAPS)}
                made.append(pair(small, stage, **laps))
            else:
                values, new = {metric: 2.0}, {metric: 2.0 * math.exp(change)}
                made.append(pair(small, stage, values=values, new_values=new))
    return duel(pairs=tuple(made))


@pytest.mark.parametrize("metric", [*TAILS, *LOADING])
@given(data=st.data())
def test_swapping_sides_mirrors_tails_and_loading(metric: str, data: st.DataObject) -> None:
    one = data.draw(told(metric))
    there, back = _verdicts(one)[metric], _verdicts(swapped(one))[metric]
    assert back.outcome is MIRRORED.get(there.outcome, there.outcome)


MEBI = st.integers(50, 60).map(lambda mebi: mebi * 2.0**20)


@given(st.lists(MEBI, min_size=1, max_size=5), st.lists(MEBI, min_size=1, max_size=5))
def test_swapping_sides_mirrors_memory(olds: list[float], news: list[float]) -> None:
    # Below 400 MiB the margin is 4 MiB either way; above, one per cent of either side differs by a hair.
    assert LEAST_MEMORY_BYTES > 0.01 * 60 * 2**20
    there = judge_memory(CELL, MEMORY, olds, news, 0.01, AGAINST).outcome
    back = judge_memory(CELL, MEMORY, news, olds, 0.01, AGAINST).outcome
    assert back is MIRRORED.get(there, there)


@pytest.mark.parametrize("metric", EXACT)
@given(old=st.integers(0, 9), new=st.integers(0, 9))
def test_swapping_sides_mirrors_what_is_counted(metric: str, old: int, new: int) -> None:
    there = judge_exact(CELL, metric, old, new, 0.0, AGAINST).outcome
    back = judge_exact(CELL, metric, new, old, 0.0, AGAINST).outcome
    if METRICS[metric].better is Better.NEITHER:
        assert back is there
    else:
        assert back is MIRRORED.get(there, there)


@given(st.floats(0.01, 100), st.floats(0.01, 100), st.sampled_from([Clock.WALL, Clock.CORRECTED]))
def test_swapping_sessions_never_keeps_a_change(old: float, new: float, clock: Clock) -> None:
    def said(old: float, new: float) -> Outcome:
        return judge_stored(CELL, LATENCY, [old], [new], 0.03, RATE, "baselines/", "pytest", clock).outcome

    there, back = said(old, new), said(new, old)
    if there in MIRRORED or back in MIRRORED:
        assert back is MIRRORED[there]


# More data.


@given(slow_duels(), st.booleans(), st.data())
def test_more_data_never_undoes_a_proven_verdict(slow: Duel, is_swapped: bool, data: st.DataObject) -> None:
    """Both stages are over: whatever is appended, agreeing or not, is not looked at."""
    one = swapped(slow) if is_swapped else slow
    more = tuple(pair(ratio, stage) for stage in (1, 2) for ratio in data.draw(st.lists(st.floats(-1, 1), max_size=9)))
    assert standing(one, own_margin, RATE).next_stage is None
    longer = replace(one, pairs=(*one.pairs, *more))
    assert replace(_latency(longer), pairs=0) == replace(_latency(one), pairs=0)
    assert standing(longer, own_margin, RATE).next_stage is None


@given(stages(), st.lists(st.floats(-1, 1), max_size=9))
def test_a_stage_that_is_over_stays_as_it_was(found: list[float], more: list[float]) -> None:
    before = standing(duel(found), own_margin, RATE).first
    assume(before.shown is not Shown.NOTHING)
    assert standing(duel([*found, *more]), own_margin, RATE).first == before


@given(slow_duels(), st.permutations(range(8)))
def test_the_pairs_of_two_stages_may_come_mixed(slow: Duel, order: list[int]) -> None:
    def rank(item: tuple[int, Pair]) -> tuple[int, int]:
        return (order[item[0] % 8], item[0])

    mixed = [one for _, one in sorted(enumerate(slow.pairs), key=rank)]
    of_stage = {stage: iter([one for one in slow.pairs if one.stage == stage]) for stage in (1, 2)}
    again = replace(slow, pairs=tuple(next(of_stage[one.stage]) for one in mixed))
    assert _latency(again) == _latency(slow)


# A slow-down.


@given(slow_duels(), st.floats(0, 2))
def test_what_regressed_is_still_regressed_when_it_is_slower_by_the_margin_or_more(slow: Duel, by: float) -> None:
    assert _latency(slowed(slow, BOUND + by)).outcome is REGRESSED


@given(slow_duels(), st.floats(0, BOUND))
def test_what_regressed_never_improved_when_it_is_a_little_slower(slow: Duel, by: float) -> None:
    assert _latency(slowed(slow, by)).outcome is not IMPROVED


@given(st.data(), st.floats(0.04, 0.4), st.floats(0, 2))
def test_what_a_first_look_showed_to_be_slower_is_slower_when_it_is_slower_still(
    data: st.DataObject, centre: float, by: float
) -> None:
    # Of one look this holds for every slow-down. Of several it cannot: an early one, wide and below zero, may come to
    # lie within the margin by less than a margin's shift, before a later one has seen what it would have.
    one = duel(*(data.draw(whole_stages(centre)) for _ in "ab"))
    assert _latency(one).outcome is REGRESSED
    assert _latency(slowed(one, by)).outcome is REGRESSED


# Samples that are none.


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@given(clock=st.sampled_from(list(Clock)))
def test_a_number_that_is_none_makes_no_pair(value: float, clock: Clock) -> None:
    whole = pair(0.0)
    with pytest.raises(ValueError, match="no measurement"):
        replace(whole, log_ratios={**whole.log_ratios, clock: value})
    with pytest.raises(ValueError, match="no measurement"):
        Side({clock: value})
    with pytest.raises(ValueError, match="no measurement"):
        Side({clock: 1.0}, {MEMORY: value})


def test_a_pair_of_no_clock_or_of_no_stage_is_none() -> None:
    whole = pair(0.0)
    with pytest.raises(ValueError, match="compares nothing"):
        replace(whole, log_ratios={})
    for stage in (-1, 3):
        with pytest.raises(ValueError, match=f"not of stage {stage}"):
            replace(whole, stage=stage)


@given(st.lists(st.floats(-1, 1), max_size=3), st.lists(st.floats(-1, 1), max_size=3))
def test_fewer_pairs_than_the_first_look_needs_never_decide_a_time(first: list[float], second: list[float]) -> None:
    laps = (1.0,) * 700
    one = duel(
        pairs=tuple(
            pair(ratio, stage, values={"open_seconds": 1.0}, old_laps=laps, new_laps=laps)
            for stage, found in ((1, first), (2, second))
            for ratio in found
        )
    )
    assert {verdict.outcome for verdict in judge_duel(one, own_margin, RATE)} == {Outcome.INCONCLUSIVE}


@pytest.mark.parametrize("metric", [*TAILS, *LOADING, MEMORY, *EXACT])
@given(side=st.sampled_from(["old", "new"]), count=st.integers(4, 9))
def test_what_only_one_side_tells_is_never_unchanged(metric: str, side: str, count: int) -> None:
    if metric in TAILS:
        sides = {f"{side}_laps": (1.0,) * 2_000}
    else:
        sides = {"values": {metric: 2.0} if side == "old" else {}, "new_values": {metric: 2.0} if side == "new" else {}}
    one = duel(pairs=tuple(pair(0.001 * (-1) ** number, stage, **sides) for stage in (1, 2) for number in range(count)))
    verdicts = _verdicts(one)
    assert verdicts[LATENCY].outcome is UNCHANGED
    assert metric not in verdicts or verdicts[metric].outcome is Outcome.INCONCLUSIVE


# How often it is wrong.

WRONG = 0.1
GATES = 1_000
_SIDE = Side({Clock.CORRECTED: 1.0, Clock.WALL: 1.0})


def _alike(one: float) -> dict[str, float]:
    return {Clock.CORRECTED: one, Clock.WALL: one}


def _pairs(drawn: Callable[[], dict[str, float]]) -> tuple[Pair, ...]:
    """Both stages to their last look; the judge stops where it stops."""
    return tuple(Pair(stage, drawn(), _SIDE, _SIDE, 15, 3.0) for stage in (1, 2) for _ in range(LOOKS[-1]))


def _normal(chance: random.Random) -> float:
    return chance.gauss(0, 1)


def _heavy(chance: random.Random) -> float:
    """Student's t with three degrees of freedom."""
    return chance.gauss(0, 1) / math.sqrt(chance.gammavariate(1.5, 2) / 3)


def _most(rate: float) -> float:
    """What a share of so many gates may be by chance, at three standard errors."""
    return rate + 3 * math.sqrt(rate * (1 - rate) / GATES)


def _gates(drawn: Callable[[], dict[str, float]]) -> Sequence[tuple[Shown, Outcome]]:

    found = []
    for _ in range(GATES):
        one = duel(pairs=_pairs(drawn))
        found.append((standing(one, own_margin, WRONG).first.shown, judge_duel(one, own_margin, WRONG)[0].outcome))
    return found


@pytest.mark.parametrize("drawn", [_normal, _heavy])
def test_unchanged_code_is_called_slower_no_more_often_than_is_said(drawn: Callable[[random.Random], float]) -> None:
    """The noise is many margins wide, so that hardly a gate ends as unchanged: the worst there is for false alarms."""
    chance = random.Random(11)
    found = _gates(lambda: _alike(0.5 * drawn(chance)))
    first = sum(shown is Shown.SLOWER for shown, _ in found) / GATES
    regressed = sum(outcome is REGRESSED for _, outcome in found) / GATES
    improved = sum(outcome is IMPROVED for _, outcome in found) / GATES
    # One stage alone does raise false alarms, so it is the second that takes them away.
    assert 0.03 < first <= _most(WRONG)
    assert regressed <= _most(WRONG**2)
    assert improved <= _most(WRONG**2)


def test_both_clocks_together_are_wrong_no_more_often_than_is_said() -> None:
    """The time without waiting is shown to be unchanged, and waiting is noise: the wall may be wrong in each look."""
    chance = random.Random(12)
    found = _gates(lambda: {Clock.CORRECTED: 0.01 * chance.gauss(0, 1), Clock.WALL: 0.5 * chance.gauss(0, 1)})
    assert sum(shown is Shown.SLOWER for shown, _ in found) / GATES <= _most(2 * WRONG)
    assert sum(outcome is REGRESSED for _, outcome in found) / GATES <= _most(2 * WRONG**2)


def test_a_true_change_of_twice_the_margin_is_found() -> None:
    """Without this, a judge that never says anything would pass all of the above."""
    chance = random.Random(13)
    found = _gates(lambda: _alike(math.log(1.06) + 0.01 * chance.gauss(0, 1)))
    assert sum(outcome is REGRESSED for _, outcome in found) / GATES > 0.99
