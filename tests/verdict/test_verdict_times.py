"""Every branch of the judge. Numbers are worked by hand: four pairs ±0.001 around a centre have a standard error of
0.001 / √3, and the first look at one per cent multiplies it by t = 8.9 (P(T₃ > t) = 0.15 %): a half width of 0.0051.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from harness.comparisons import Basis, Clock, Duel, Outcome, Pair, Verdict
from harness.stats.sequential import LOOKS, Shown
from harness.verdict.stored import judge_stored
from harness.verdict.times import (
    EXACT,
    LATENCY,
    LOADING,
    MEMORY,
    TAILS,
    TIMED,
    judge_duel,
    judge_exact,
    judge_memory,
    standing,
)
from tests.comparisons_samples import (
    AGAINST,
    FASTER,
    LIBRARY,
    NONE_SEEN,
    RATE,
    SLOWER,
    UNCLEAR,
    around,
    duel,
    own_margin,
    pair,
    pairs,
)
from tests.samples import CELL

REGRESSED, IMPROVED, UNCHANGED = Outcome.REGRESSED, Outcome.IMPROVED, Outcome.UNCHANGED
INCONCLUSIVE, SUSPECT = Outcome.INCONCLUSIVE, Outcome.SUSPECT
HALF = 8.9 * 0.001 / math.sqrt(3)
MB = 2.0**20


def judged(one: Duel, metric: str | None = LATENCY) -> Verdict:
    """The verdict on a metric, of which there is one."""
    (found,) = (verdict for verdict in judge_duel(one, own_margin, RATE) if verdict.metric == metric)
    return found


def asked(one: Duel) -> int | None:
    return standing(one, own_margin, RATE).next_stage


# The latency: two stages.

UNSURE = around(NONE_SEEN, UNCLEAR)


@pytest.mark.parametrize(
    ("first", "second", "outcome", "words", "next_stage"),
    [
        ([], [], None, "", 1),
        ([0.5] * 3, [], INCONCLUSIVE, "neither a change nor its absence", 1),
        (UNSURE, [], INCONCLUSIVE, "neither a change nor its absence", 1),
        (around(NONE_SEEN, UNCLEAR, 36), [], INCONCLUSIVE, "neither a change nor its absence", None),
        (around(NONE_SEEN), [], UNCHANGED, "shown to be within the margin", None),
        (around(0.02), [], UNCHANGED, "shown to be within the margin", None),
        (around(-0.02), [], UNCHANGED, "shown to be within the margin", None),
        (around(SLOWER), [], INCONCLUSIVE, "slower in a first stage, and not confirmed", 2),
        (around(FASTER), [], INCONCLUSIVE, "faster in a first stage, and not confirmed", 2),
        (around(SLOWER), [0.05] * 3, INCONCLUSIVE, "slower in a first stage, and not confirmed", 2),
        (around(SLOWER), UNSURE, INCONCLUSIVE, "slower in a first stage, and not confirmed", 2),
        (around(FASTER), UNSURE, INCONCLUSIVE, "faster in a first stage, and not confirmed", 2),
        (around(SLOWER), around(NONE_SEEN, UNCLEAR, 36), INCONCLUSIVE, "slower in a first stage, and not", None),
        (around(SLOWER), around(SLOWER), REGRESSED, "slower, confirmed in fresh processes", None),
        (around(FASTER), around(FASTER), IMPROVED, "faster, confirmed in fresh processes", None),
        (around(SLOWER), around(NONE_SEEN), UNCHANGED, "slower in a first stage, within the margin in fresh", None),
        (around(FASTER), around(NONE_SEEN), UNCHANGED, "faster in a first stage, within the margin in fresh", None),
        (around(SLOWER), around(FASTER), INCONCLUSIVE, "slower in one stage and faster in the other", None),
        # 0.0245 ± 0.0051 reaches over the margin of 0.0296 and not to zero: slower, though by less than the margin.
        (around(0.0250), around(0.0250), REGRESSED, "slower, confirmed", None),
    ],
)
def test_two_stages_decide_together(
    first: list[float], second: list[float], outcome: Outcome | None, words: str, next_stage: int | None
) -> None:
    one = duel(first, second)
    assert asked(one) == next_stage
    if outcome is not None:
        found = judged(one)
        assert found.outcome is outcome
        assert found.text.startswith(words)


def test_a_margin_of_the_file_decides_and_not_the_metrics_own() -> None:
    latency, *_ = judge_duel(duel(around(SLOWER), around(SLOWER)), lambda _cell, _metric: 0.10, RATE)
    assert (latency.outcome, latency.margin) == (UNCHANGED, 0.10)
    assert standing(duel(around(SLOWER)), lambda _cell, _metric: 0.10, RATE).next_stage is None


def test_a_smaller_error_rate_needs_more() -> None:
    # At 1 % the half width is 0.0051, so 0.006 is above zero; at 0.1 ‰ P(T₃ > t) = 0.0015 % makes t = 41: 0.024.
    one = duel(around(0.008, 0.001))
    assert standing(one, lambda *_: 0.01, RATE).first.shown is Shown.SLOWER
    assert standing(one, lambda *_: 0.01, RATE / 100).first.shown is Shown.NOTHING


@pytest.mark.parametrize("planned", LOOKS[:-1])
def test_pairs_between_two_looks_show_nothing_yet(planned: int) -> None:
    until = duel(around(NONE_SEEN, UNCLEAR, planned))
    wide = standing(until, own_margin, RATE).first
    after = duel([*around(NONE_SEEN, UNCLEAR, planned), 0.0])
    assert wide.pairs == planned
    assert asked(after) == 1
    if planned + 1 not in LOOKS:
        assert standing(after, own_margin, RATE).first == wide


def test_before_the_first_look_there_is_no_interval() -> None:
    stands = standing(duel([0.5] * 3), own_margin, RATE)
    assert (stands.first.shown, stands.first.interval, stands.first.pairs) == (Shown.NOTHING, None, 0)
    found = judged(duel([0.5] * 3))
    assert (found.ratio, found.low, found.could_see) == (None, None, None)
    assert found.pairs == 3


def test_a_trial_is_not_judged() -> None:
    trial = tuple(pair(0.5, stage=0) for _ in range(4))
    assert asked(duel(pairs=trial)) == 1
    found = judged(duel(pairs=trial))
    assert (found.outcome, found.old, found.new, found.ratio) == (INCONCLUSIVE, None, None, None)
    assert judged(duel(pairs=(*trial, *pairs(around(NONE_SEEN))))).outcome is UNCHANGED


def test_the_time_spent_is_named_where_nothing_was_shown() -> None:
    assert "its time ended first" in judged(duel(UNSURE, is_spent=True)).text
    assert "its time ended first" not in judged(duel(UNSURE)).text
    assert "its time ended first" not in judged(duel(around(NONE_SEEN), is_spent=True)).text


def test_the_numbers_told_are_those_of_the_second_stage() -> None:
    found = judged(duel(around(0.09), around(SLOWER)))
    assert found.ratio == pytest.approx(math.exp(0.05))
    assert found.low == pytest.approx(math.exp(0.05 - HALF), rel=1e-4)
    assert found.high == pytest.approx(math.exp(0.05 + HALF), rel=1e-4)
    assert found.could_see == pytest.approx(math.expm1(HALF), rel=1e-2)
    # The old side takes 40 ms; the medians of the new side are of 0.049, 0.051, 0.049, 0.051.
    assert found.old == pytest.approx(0.04)
    assert found.new == pytest.approx(0.04 * (math.exp(0.049) + math.exp(0.051)) / 2)
    assert (found.pairs, found.margin, found.basis, found.clock) == (8, 0.03, Basis.LIVE, Clock.CORRECTED)


def test_the_numbers_of_a_change_that_was_not_confirmed_are_those_of_the_first_stage() -> None:
    assert judged(duel(around(SLOWER), UNSURE)).ratio == pytest.approx(math.exp(0.05))


def test_what_differs_between_the_sides_is_told() -> None:
    assert judged(duel(around(NONE_SEEN), differences=(LIBRARY,))).differences == (LIBRARY,)
    gone = duel(problem="it broke", outcome=Outcome.FAILED, differences=(LIBRARY,))
    assert judged(gone, None).differences == (LIBRARY,)


# Clocks.


def by_clocks(corrected: float, wall: float, **more: float) -> Duel:
    """Two stages of four pairs, by the corrected clock and by the wall."""
    alike = zip(around(corrected), around(wall), strict=True)
    both = [(one, other) for one, other in alike]
    return duel(pairs=tuple(pair(one, stage, wall=other, **more) for stage in (1, 2) for one, other in both))


@pytest.mark.parametrize(
    ("corrected", "wall", "outcome", "clock"),
    [
        (NONE_SEEN, NONE_SEEN, UNCHANGED, Clock.CORRECTED),
        (NONE_SEEN, SLOWER, REGRESSED, Clock.WALL),
        # Waiting less is no merit of the code: only the wall says it.
        (NONE_SEEN, FASTER, UNCHANGED, Clock.CORRECTED),
        (SLOWER, NONE_SEEN, REGRESSED, Clock.CORRECTED),
        (SLOWER, FASTER, REGRESSED, Clock.CORRECTED),
        (FASTER, SLOWER, IMPROVED, Clock.CORRECTED),
    ],
)
def test_the_time_without_waiting_decides_unless_only_waiting_grew(
    corrected: float, wall: float, outcome: Outcome, clock: Clock
) -> None:
    found = judged(by_clocks(corrected, wall))
    assert (found.outcome, found.clock) == (outcome, clock)
    assert found.text.endswith(clock.words)


def test_a_regression_that_only_waits_is_named_so() -> None:
    found = judged(by_clocks(NONE_SEEN, SLOWER))
    assert found.cause == "waiting for a core"
    assert found.ratio == pytest.approx(math.exp(0.05))
    assert found.new == pytest.approx(0.04 * math.exp(0.05), rel=1e-4)


def test_waiting_needs_a_second_stage_too() -> None:
    once = replace(by_clocks(NONE_SEEN, SLOWER), pairs=by_clocks(NONE_SEEN, SLOWER).pairs[:4])
    assert judged(once).outcome is INCONCLUSIVE
    assert asked(once) == 2
    calm = replace(once, pairs=(*once.pairs, *pairs([], around(NONE_SEEN))))
    assert judged(calm).outcome is UNCHANGED


@pytest.mark.parametrize("clock", [Clock.WALL, Clock.DEVICE])
def test_where_another_clock_decides_it_decides_alone(clock: Clock) -> None:
    def timed(ratio: float, wall: float) -> Pair:
        made = pair(ratio, 1)
        seconds = {Clock.DEVICE: 0.04, Clock.WALL: 0.04}
        return replace(
            made,
            log_ratios={Clock.DEVICE: ratio, Clock.WALL: ratio if clock is Clock.WALL else wall},
            old=replace(made.old, seconds=seconds),
            new=replace(made.new, seconds=seconds),
        )

    made = tuple(timed(ratio, SLOWER) for ratio in around(NONE_SEEN))
    assert judged(duel(pairs=made, clock=clock)).outcome is UNCHANGED


@pytest.mark.parametrize(
    ("cpu", "cause"),
    [
        # Longer by 5 %, and the processor worked as long as before: a sleep.
        (0.0, "waiting"),
        # Of 5 %, 2 % was worked and 3 % was not: mostly waiting.
        (0.02, "waiting"),
        # 3 % worked, 2 % not: not mostly.
        (0.03, None),
        (0.05, None),
        (None, None),
    ],
)
def test_time_that_passes_without_computing_is_waiting(cpu: float | None, cause: str | None) -> None:
    slow = tuple(pair(ratio, stage, cpu=cpu) for stage in (1, 2) for ratio in around(SLOWER, 0.0005))
    found = judged(duel(pairs=slow))
    assert (found.outcome, found.cause) == (REGRESSED, cause)


def test_a_cause_is_given_to_regressions_only() -> None:
    fast = tuple(pair(ratio, stage, cpu=-0.2) for stage in (1, 2) for ratio in around(FASTER))
    assert (judged(duel(pairs=fast)).outcome, judged(duel(pairs=fast)).cause) == (IMPROVED, None)


# Nothing to judge.


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.UNSUPPORTED, Outcome.NOT_COMPARABLE, Outcome.NEW])
def test_a_side_that_could_not_be_measured_is_one_verdict_on_the_whole_cell(outcome: Outcome) -> None:
    (found,) = judge_duel(duel(around(NONE_SEEN), outcome=outcome, problem="it broke"), own_margin, RATE)
    assert (found.metric, found.outcome, found.text, found.against) == (None, outcome, "it broke", AGAINST)


def test_no_pair_is_no_verdict() -> None:
    (found,) = judge_duel(duel(), own_margin, RATE)
    assert (found.metric, found.outcome) == (None, INCONCLUSIVE)
    assert found.text == "no pair was measured before the time was spent"


# Tails and loading.

P95, OPEN = "latency_p95_seconds", "open_seconds"
USUAL = (1.0,) * 130
SLOW = (1.0,) * 100 + (1.5,) * 30


def with_tails(first: Sequence[tuple[float, ...]], second: Sequence[tuple[float, ...]] = ()) -> Duel:
    """Pairs whose latency is the same, with these laps on the new side."""
    made = [(1, laps) for laps in first] + [(2, laps) for laps in second]
    centred = (-0.001, 0.001)
    return duel(
        pairs=tuple(
            pair(centred[number % 2], stage, old_laps=USUAL, new_laps=laps) for number, (stage, laps) in enumerate(made)
        )
    )


@pytest.mark.parametrize(
    ("first", "second", "outcome", "next_stage"),
    [
        ([USUAL] * 4, [], UNCHANGED, None),
        ([SLOW] * 4, [], INCONCLUSIVE, 2),
        ([SLOW] * 4, [SLOW] * 3, INCONCLUSIVE, 2),
        ([SLOW] * 4, [SLOW] * 4, REGRESSED, None),
        ([SLOW] * 4, [USUAL] * 4, UNCHANGED, None),
        # An improvement in passing is not worth a second stage, and is not said without one.
        ([tuple(0.5 * lap for lap in USUAL)] * 4, [], INCONCLUSIVE, None),
        ([tuple(0.5 * lap for lap in USUAL)] * 4, [tuple(0.5 * lap for lap in USUAL)] * 4, IMPROVED, None),
    ],
)
def test_a_slower_tail_alone_needs_a_second_stage(
    first: list[tuple[float, ...]], second: list[tuple[float, ...]], outcome: Outcome, next_stage: int | None
) -> None:
    one = with_tails(first, second)
    assert asked(one) == next_stage
    assert judged(one, P95).outcome is outcome
    assert judged(one).outcome is UNCHANGED


def test_a_tail_with_too_few_inferences_claims_nothing_and_asks_for_nothing() -> None:
    one = with_tails([SLOW[1:]] * 4)
    found = judged(one, P95)
    assert (found.outcome, found.ratio) == (INCONCLUSIVE, None)
    assert found.text == "not judged: 516 inferences a side, 520 are needed"  # 4 · 129, and 4 groups of 130
    assert asked(one) is None


def test_every_percentile_has_its_own_support_and_margin() -> None:
    # 520 inferences a side are enough for the 95th percentile, and 4 · 662 = 2648 for the 99th.
    one = with_tails([SLOW] * 4)
    assert judged(one, "latency_p99_seconds").text == "not judged: 520 inferences a side, 2648 are needed"
    assert (judged(one, P95).margin, judged(one, "latency_p99_seconds").margin) == (0.10, 0.15)


def test_a_second_stage_that_was_asked_for_by_a_tail_counts_whole() -> None:
    # 65 inferences a pair: two pairs make a group, so four groups need eight pairs. The latency of the first stage was
    # wide until nine pairs; that of the second is narrow after four, which are too few for the tail.
    first = [pair(ratio, 1, old_laps=USUAL[:65], new_laps=SLOW[65:]) for ratio in around(0.0, 0.012, 9)]
    second = [pair(ratio, 2, old_laps=USUAL[:65], new_laps=SLOW[65:]) for ratio in around(0.0, 0.001, 9)]
    assert standing(duel(pairs=tuple(first)), own_margin, RATE).first.pairs == 9
    assert [asked(duel(pairs=(*first, *second[:made]))) for made in (0, 4, 8, 9)] == [2, 2, 2, None]
    assert judged(duel(pairs=(*first, *second)), P95).outcome is REGRESSED


@pytest.mark.parametrize("metric", LOADING)
@pytest.mark.parametrize(
    ("first", "second", "outcome", "next_stage"),
    [
        (NONE_SEEN, None, UNCHANGED, None),
        (0.3, None, INCONCLUSIVE, 2),
        (0.3, 0.3, REGRESSED, None),
        (0.3, NONE_SEEN, UNCHANGED, None),
        (-0.3, -0.3, IMPROVED, None),
        (-0.3, None, INCONCLUSIVE, None),
    ],
)
def test_loading_is_judged_by_processes_and_confirmed(
    metric: str, first: float, second: float | None, outcome: Outcome, next_stage: int | None
) -> None:
    made = tuple(
        pair(small, stage, values={metric: 2.0}, new_values={metric: 2.0 * math.exp(change + small)})
        for stage, change in ((1, first), (2, second))
        if change is not None
        for small in around(0.0)
    )
    one = duel(pairs=made)
    found = judged(one, metric)
    assert (found.outcome, found.margin) == (outcome, 0.15)
    assert asked(one) == next_stage
    assert found.old == pytest.approx(2.0)


@pytest.mark.parametrize(
    "lacking",
    [
        {"new_values": {OPEN: 2.0}},
        {"values": {OPEN: 2.0}, "new_values": {}},
        {"values": {OPEN: 2.0}, "new_values": {OPEN: 0.0}},
    ],
)
def test_a_metric_that_one_side_of_one_pair_lacks_is_not_judged(lacking: dict[str, dict[str, float]]) -> None:
    whole = tuple(pair(ratio, values={OPEN: 2.0}) for ratio in around(0.0))
    assert judged(duel(pairs=whole), OPEN).outcome is UNCHANGED
    one = duel(pairs=(*whole[:3], pair(0.001, **lacking)))
    assert [verdict.metric for verdict in judge_duel(one, own_margin, RATE)] == [LATENCY, *TAILS]


def test_a_ratio_by_a_clock_that_a_side_lacks_is_refused_at_birth() -> None:
    whole = pair(0.0)
    with pytest.raises(ValueError, match="corrected"):
        replace(whole, new=replace(whole.new, seconds={Clock.WALL: 0.04}))


@pytest.mark.parametrize("lap", [-1.0, math.nan, math.inf])
@pytest.mark.parametrize("side", ["old_laps", "new_laps"])
def test_a_lap_that_is_no_duration_is_refused_at_birth(side: str, lap: float) -> None:
    with pytest.raises(ValueError, match="lap"):
        pair(0.0, **{side: (1.0, lap)})


def test_how_many_comparisons_of_a_cell_could_be_wrong() -> None:
    # Either clock with either in two stages, p95 and p99, and import, opening and the first inference.
    assert TIMED == 9


# Counted numbers.


@pytest.mark.parametrize(
    ("metric", "old", "new", "margin", "outcome", "words"),
    [
        ("artifact_bytes", 100, 100, 0.0, UNCHANGED, "the same, counted"),
        ("artifact_bytes", 100, 101, 0.0, REGRESSED, "worse, counted"),
        ("artifact_bytes", 100, 99, 0.0, IMPROVED, "better, counted"),
        ("artifact_bytes", 100, 101, 0.01, UNCHANGED, "within the margin, counted"),
        ("artifact_bytes", 100, 99, 0.01, UNCHANGED, "within the margin, counted"),
        ("artifact_bytes", 100, 102, 0.01, REGRESSED, "worse, counted"),
        ("artifact_bytes", 0, 0, 0.0, UNCHANGED, "the same, counted"),
        ("artifact_bytes", 0, 1, 0.5, REGRESSED, "worse, counted"),
        ("weights_covered_fraction", 0.5, 0.4, 0.0, REGRESSED, "worse, counted"),
        ("weights_covered_fraction", 0.5, 0.6, 0.0, IMPROVED, "better, counted"),
        ("parameters_count", 10, 11, 0.0, REGRESSED, "changed, and neither way is better"),
        ("parameters_count", 10, 9, 0.0, REGRESSED, "changed, and neither way is better"),
        ("parameters_count", 10, 10, 0.0, UNCHANGED, "the same, counted"),
    ],
)
def test_a_counted_number_is_compared_as_it_is(
    metric: str, old: float, new: float, margin: float, outcome: Outcome, words: str
) -> None:
    found = judge_exact(CELL, metric, old, new, margin, AGAINST)
    assert (found.outcome, found.basis, found.old, found.new) == (outcome, Basis.EXACT, old, new)
    assert found.text.startswith(words)
    assert found.ratio == (new / old if old else 1.0 if new == old else None)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("sides", [lambda number: (number, 1.0), lambda number: (1.0, number), lambda n: (n, n)])
def test_a_counted_number_that_is_none_is_refused(sides: Callable[[float], tuple[float, float]], number: float) -> None:
    with pytest.raises(ValueError, match="no measurement"):
        judge_exact(CELL, "artifact_bytes", *sides(number), 0.5, AGAINST)


@pytest.mark.parametrize("metric", EXACT)
def test_a_duel_tells_counted_numbers_of_both_sides_and_never_of_one(metric: str) -> None:
    both = duel(pairs=(pair(values={metric: 5.0}),))
    assert judged(both, metric).outcome is UNCHANGED
    for sides in ({"values": {metric: 5.0}, "new_values": {}}, {"new_values": {metric: 5.0}}):
        found = judge_duel(duel(pairs=(pair(**sides),)), own_margin, RATE)
        assert [verdict.metric for verdict in found if verdict.outcome is UNCHANGED] == []


# Memory.


@pytest.mark.parametrize(
    # Margin: the larger of 1 % and 4 MiB.
    ("olds", "news", "outcome", "words"),
    [
        ([1000, 1001, 1002], [1000, 1001, 1002], UNCHANGED, "the medians differ by no more"),
        ([1000] * 3, [1010] * 3, UNCHANGED, "the medians differ by no more"),
        ([1000] * 3, [1011] * 3, REGRESSED, "every process needed more"),
        ([1000] * 3, [989] * 3, IMPROVED, "every process needed less"),
        ([100] * 3, [104] * 3, UNCHANGED, "the medians differ by no more"),
        ([100] * 3, [105] * 3, REGRESSED, "every process needed more"),
        ([100] * 3, [95] * 3, IMPROVED, "every process needed less"),
        ([1000, 1000, 1030], [1025] * 3, INCONCLUSIVE, "the medians differ, and the processes overlap"),
        ([1000] * 3, [980, 980, 1001], INCONCLUSIVE, "the medians differ, and the processes overlap"),
        ([1000] * 3, [1030, 1030, 1000], INCONCLUSIVE, "the medians differ, and the processes overlap"),
        ([1000] * 2, [1100] * 9, INCONCLUSIVE, "2 processes on a side, 3 are needed"),
        ([1000] * 9, [1100] * 2, INCONCLUSIVE, "2 processes on a side, 3 are needed"),
        ([1000], [900], INCONCLUSIVE, "1 process on a side, 3 are needed"),
    ],
)
def test_memory_is_judged_by_medians_and_overlap(
    olds: list[float], news: list[float], outcome: Outcome, words: str
) -> None:
    found = judge_memory(CELL, MEMORY, [one * MB for one in olds], [one * MB for one in news], 0.01, AGAINST)
    assert found.outcome is outcome
    assert found.text.startswith(words)
    assert (found.basis, found.pairs) == (Basis.EXACT, min(len(olds), len(news)))
    assert (found.low, found.high) == (min(news) / max(olds), max(news) / min(olds))


def test_the_margin_told_of_memory_is_the_one_that_was_used() -> None:
    # 4 MiB of 100 MiB is 4 %; of 1000 MiB it is 0.4 %, less than 1 %.
    assert judge_memory(CELL, MEMORY, [100 * MB], [100 * MB], 0.01, AGAINST).margin == pytest.approx(0.04)
    assert judge_memory(CELL, MEMORY, [1000 * MB], [1000 * MB], 0.01, AGAINST).margin == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("olds", "news"),
    [
        ([], [100.0]),
        ([100.0], []),
        ([math.nan, 100.0, 100.0], [100.0] * 3),
        ([100.0] * 3, [math.nan, 100.0, 100.0]),
        ([100.0] * 3, [100.0, 100.0, math.inf]),
        ([0.0] * 3, [100.0] * 3),
        ([100.0] * 3, [0.0] * 3),
    ],
)
def test_peaks_that_are_none_are_refused(olds: list[float], news: list[float]) -> None:
    with pytest.raises(ValueError, match="no measurement"):
        judge_memory(CELL, MEMORY, olds, news, 0.01, AGAINST)


def test_a_duel_weighs_every_process_and_never_one_side() -> None:
    heavy = {"values": {MEMORY: 1000 * MB}, "new_values": {MEMORY: 1100 * MB}}
    assert judged(duel(pairs=(pair(**heavy),) * 3), MEMORY).outcome is REGRESSED
    # A trial of how to time is as good a process to weigh.
    trial = (pair(stage=0, **heavy), *(pair(**heavy),) * 2)
    assert judged(duel(pairs=trial), MEMORY).outcome is REGRESSED
    for sides in ({"values": {MEMORY: MB}, "new_values": {}}, {"new_values": {MEMORY: MB}}):
        assert judged(duel(pairs=(pair(**sides),) * 3), MEMORY).outcome is INCONCLUSIVE


# Against stored sessions.

# One stored session by the corrected clock: t = 2.457 (30 degrees, 1 %) · 0.12 · √2 = 0.417 either way.
WAYS = 2.457 * 0.12 * math.sqrt(2)


def stored(*new: float, sessions: Sequence[float] = (1.0,), margin: float = 0.03, rate: float = RATE) -> Verdict:
    return judge_stored(CELL, LATENCY, sessions, new, margin, rate, "baselines/", "pytest it", Clock.CORRECTED)


@pytest.mark.parametrize(
    ("change", "outcome", "words", "has_command"),
    [
        (0.0, INCONCLUSIVE, "not slower than sessions differ", True),
        (0.02, INCONCLUSIVE, "not slower than sessions differ", True),
        (0.05, SUSPECT, "slower, but no more than sessions differ", True),
        (WAYS - 0.01, SUSPECT, "slower, but no more than sessions differ", True),
        (WAYS + 0.01, REGRESSED, "slower by more than sessions differ", False),
        (-0.05, INCONCLUSIVE, "not slower than sessions differ", True),
        (-WAYS + 0.01, INCONCLUSIVE, "not slower than sessions differ", True),
        (-WAYS - 0.01, IMPROVED, "faster by more than sessions differ", False),
    ],
)
def test_a_stored_time_says_no_more_than_sessions_allow(
    change: float, outcome: Outcome, words: str, has_command: bool
) -> None:
    found = stored(math.exp(change))
    assert found.outcome is outcome
    assert found.text.startswith(words)
    assert (found.settle == "pytest it") is has_command
    assert (found.basis, found.clock, found.margin) == (Basis.STORED, Clock.CORRECTED, 0.03)
    assert (found.old, found.new, found.ratio) == pytest.approx((1.0, math.exp(change), math.exp(change)))


# Four sessions ±0.001: variance 4 · 10⁻⁶ / 3, t = 4.541, √(1 + 1/4): a half width of 0.0059.
STEADY = [math.exp(one) for one in around(0.0)]


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        (0.0, UNCHANGED),
        (0.02, UNCHANGED),
        (-0.02, UNCHANGED),
        # Beyond zero, reaching over the margin of 0.0296, and not beyond it: no regression is said.
        (0.027, INCONCLUSIVE),
        (0.031, REGRESSED),
        (-0.027, INCONCLUSIVE),
        (-0.031, IMPROVED),
    ],
)
def test_sessions_that_hardly_differ_show_small_changes(change: float, outcome: Outcome) -> None:
    assert stored(math.exp(change), sessions=STEADY).outcome is outcome


def test_the_wall_clock_of_other_sessions_is_trusted_less() -> None:
    # 4.541 · 0.5 · √2 = 3.2 either way: three times as slow is still only suspect.
    wall = judge_stored(CELL, LATENCY, [1.0], [3.0], 0.03, RATE, "baselines/", "pytest it", Clock.WALL)
    assert wall.outcome is SUSPECT
    assert stored(3.0).outcome is REGRESSED


@pytest.mark.parametrize(
    ("sessions", "new"),
    [([], [1.0]), ([1.0], []), ([math.nan], [1.0]), ([1.0], [math.inf]), ([0.0], [1.0]), ([1.0], [-1.0])],
)
def test_a_stored_time_that_is_none_is_refused(sessions: list[float], new: list[float]) -> None:
    with pytest.raises(ValueError):
        stored(*new, sessions=sessions)


@pytest.mark.parametrize(("new", "quiet", "busy"), [(3.0, REGRESSED, SUSPECT), (0.3, IMPROVED, INCONCLUSIVE)])
def test_a_machine_that_others_used_meanwhile_shows_no_change_against_what_is_stored(
    new: float, quiet: Outcome, busy: Outcome
) -> None:
    arguments = (CELL, LATENCY, [1.0], [new], 0.03, RATE, "baselines/", "pytest it", Clock.CORRECTED)
    assert judge_stored(*arguments).outcome is quiet
    found = judge_stored(*arguments, "other processes used 60% of the cores meanwhile")
    assert (found.outcome, found.settle) == (busy, "pytest it")
    assert "other processes used 60% of the cores meanwhile: a live comparison would tell" in found.text


@pytest.mark.parametrize("is_old", [True, False], ids=["old", "new"])
@pytest.mark.parametrize("metric", [MEMORY, *EXACT])
def test_what_only_one_side_tells_is_inconclusive_and_not_passed_over(metric: str, is_old: bool) -> None:
    one = duel(around(NONE_SEEN))
    told = ({metric: 1.0}, {}) if is_old else ({}, {metric: 1.0})
    pairs = (replace(p, old=replace(p.old, values=told[0]), new=replace(p.new, values=told[1])) for p in one.pairs)
    found = judged(replace(one, pairs=tuple(pairs)), metric)
    assert (found.outcome, found.text) == (INCONCLUSIVE, "only one side tells it")
