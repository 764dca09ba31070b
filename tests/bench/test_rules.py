"""The rules that the operating curve asks, on numbers whose answer is known; other tools' where they are installed."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from curves import CHANGES, Gates, Margins, Share, Tally, of_quantgate, of_tool
from operating_curve import _bounds
from rules import TOOLS, Rule, StretchTooShort, Tool
from rules.of_pytest_benchmark import CompareFail
from rules.of_quantgate import Replay, fixed, gate, measuring_seconds, mirrored, slowed
from traces import Recorded, Spell

from harness.cells import Cell
from harness.comparisons import Clock, Outcome, Pair, Side
from harness.conduct.duel import PAIR_SECONDS
from harness.errors import RecordUnreadable
from harness.stats.sequential import LOOKS, STAGE_RATE

CELL = Cell("model", "fp32", "cpu")
MARGINS = Margins(0.03)
REGRESSED, IMPROVED, UNCHANGED, INCONCLUSIVE = (
    Outcome.REGRESSED,
    Outcome.IMPROVED,
    Outcome.UNCHANGED,
    Outcome.INCONCLUSIVE,
)


def pair(ratio: float, *, seconds: float = 0.1, inferences: int = 10) -> Pair:
    old = Side({Clock.WALL: seconds}, {"open_seconds": 0.5}, inferences)
    new = Side({Clock.WALL: seconds * math.exp(ratio)}, {"open_seconds": 0.25}, inferences)
    return Pair(1, {Clock.WALL: ratio}, old, new, 3, 5.0)


def rules_of(name: str) -> tuple[Rule, ...]:
    tool = next(one for one in TOOLS if one.name == name)
    if tool.missing():
        pytest.skip(str(tool.missing()))
    return tool.rules(0.03)


def said(rule: Rule, olds: Sequence[Sequence[float]], news: Sequence[Sequence[float]]) -> Outcome:
    """What a rule says of one process after the other."""
    return rule.decide([rule.feed(one).given for one in olds], [rule.feed(one).given for one in news])


# Quantgate


@pytest.mark.parametrize(
    ("change", "outcome", "stages"),
    # Pairs differ by ±0.1 %: at the first look the half width is below 1 %, whatever t is there.
    [(0.0, UNCHANGED, 1), (math.log(1.1), REGRESSED, 2), (-math.log(1.1), IMPROVED, 2)],
)
def test_a_gate_ends_when_the_shipped_rule_wants_no_other_pair(change: float, outcome: Outcome, stages: int) -> None:
    drawn = iter([pair(change + (0.001 if turn % 2 else -0.001)) for turn in range(100)])
    ended = fixed(CELL, Clock.WALL, lambda: next(drawn), MARGINS, STAGE_RATE)
    assert (ended.outcome, ended.pairs) == (outcome, stages * LOOKS[0])
    assert ended.measuring_seconds == pytest.approx(stages * LOOKS[0] * PAIR_SECONDS)
    assert ended.whole_seconds == pytest.approx(stages * LOOKS[0] * 5.0)


def test_a_gate_whose_pairs_differ_too_much_ends_at_the_last_look_and_cannot_tell() -> None:
    drawn = iter([pair(1.0 if turn % 2 else -1.0) for turn in range(100)])
    ended = fixed(CELL, Clock.WALL, lambda: next(drawn), MARGINS, STAGE_RATE)
    assert (ended.outcome, ended.pairs) == (INCONCLUSIVE, LOOKS[-1])


def test_pairs_of_identical_code_that_scatter_as_a_bell_are_hardly_ever_called_changed() -> None:
    chance = random.Random(7)
    ended = [fixed(CELL, Clock.WALL, lambda: pair(chance.gauss(0.0, 0.02)), MARGINS, STAGE_RATE) for _ in range(600)]
    # Both stages must be wrong the same way: at most 2 × (1 %)² of 600 gates is 0.12 of one.
    assert sum(one.outcome in (REGRESSED, IMPROVED) for one in ended) <= 1
    assert sum(one.outcome is UNCHANGED for one in ended) > 0.95 * 600


def test_exchanging_the_sides_twice_gives_the_pair_back_and_once_turns_its_ratio() -> None:
    one = pair(0.04)
    assert mirrored(one).log_ratios == {"wall": -0.04}
    assert mirrored(one).old.values == {"open_seconds": 0.25}
    assert mirrored(mirrored(one)) == one


def test_a_slowed_pair_has_a_slower_new_side_and_the_same_old_one() -> None:
    slow = slowed(pair(0.01), math.log(1.05))
    assert slow.log_ratios["wall"] == pytest.approx(0.01 + math.log(1.05))
    assert slow.new.seconds["wall"] == pytest.approx(0.1 * math.exp(0.01) * 1.05)
    assert slow.old == pair(0.01).old


@pytest.mark.parametrize(("inferences", "seconds"), [(10, PAIR_SECONDS), (50, 10.0)])
def test_a_pair_is_measured_for_its_seconds_or_longer_where_its_blocks_are(inferences: int, seconds: float) -> None:
    assert measuring_seconds(pair(0.0, inferences=inferences)) == pytest.approx(seconds)


def recorded(*, as_built: float, rebuilt: float | None, error: float) -> Recorded:
    """Pairs that differ by as much; their own quads explain the error."""
    chance = random.Random(1)
    kinds = {False: as_built, True: rebuilt}
    pairs = [
        replace(pair(chance.gauss(0.0, sd)), errors={Clock.WALL: error}, is_rebuilt=is_rebuilt, quads=40)
        for is_rebuilt, sd in kinds.items()
        if sd is not None
        for _ in range(30)
    ]
    return Recorded(CELL, Clock.WALL, tuple(pairs))


def gates(unchanged: int, seed: int = 0) -> Gates:
    return Gates(unchanged, seed, MARGINS, STAGE_RATE)


def test_the_same_seed_draws_the_same_gates() -> None:
    noisy = recorded(as_built=0.02, rebuilt=None, error=0.02)
    curves = [of_quantgate(noisy, gates(8, seed)) for seed in (3, 3, 4)]
    assert curves[0] == curves[1] != curves[2]
    assert [len(curves[0][change].outcomes) for change in (0.0, 0.05)] == [8, 2]


@pytest.mark.parametrize(
    ("error", "is_rebuilt"),
    # Processes that differ by 4 %: where quads explain it all nothing is to be gained, where they explain 0.1 % all is.
    [(0.2, False), (0.001, True)],
)
def test_a_gate_as_it_is_run_chooses_for_itself_whether_to_rebuild(error: float, is_rebuilt: bool) -> None:
    noisy = recorded(as_built=0.04, rebuilt=0.005, error=error)
    chance = random.Random(0)
    replay = Replay(Clock.WALL, noisy.design(is_rebuilt=False), noisy.design(is_rebuilt=True), chance)
    ended = [gate(CELL, replay, MARGINS, STAGE_RATE) for _ in range(20)]
    assert all(one.is_rebuilt is is_rebuilt for one in ended)


def test_the_pairs_of_a_trial_count_as_time_and_not_as_evidence() -> None:
    noisy = recorded(as_built=0.04, rebuilt=0.0005, error=0.0001)
    replay = Replay(Clock.WALL, noisy.design(is_rebuilt=False), noisy.design(is_rebuilt=True), random.Random(0))
    ended = gate(CELL, replay, MARGINS, STAGE_RATE)
    assert (ended.outcome, ended.is_rebuilt) == (UNCHANGED, True)
    assert ended.pairs > LOOKS[0]
    assert ended.measuring_seconds == pytest.approx(ended.pairs * PAIR_SECONDS)


def test_a_trace_without_the_rebuilt_pairs_that_the_gate_wants_is_refused() -> None:
    noisy = recorded(as_built=0.04, rebuilt=None, error=0.001)
    with pytest.raises(RecordUnreadable, match="record one with --quads-a-building"):
        of_quantgate(noisy, gates(2))


# Shares and targets


@pytest.mark.parametrize(
    ("hits", "gates", "most"),
    # Wilson, one-sided: for no hit z² / (n + z²), z² = 2.706.
    [(0, 10_000, 2.706 / 10_002.706), (0, 100, 2.706 / 102.706), (100, 100, 1.0)],
)
def test_a_share_is_told_with_what_it_could_be_at_most(hits: int, gates: int, most: float) -> None:
    assert Share(hits, gates).most == pytest.approx(most, rel=1e-3)


@pytest.mark.parametrize(
    ("pairs", "found", "seconds", "is_rebuilt", "hold"),
    [
        ({False: 30}, 99, 60.0, False, [True] * 6),
        ({False: 29}, 98, 61.0, False, [False, True, True, False, False, True]),
        ({False: 30}, 97, 20.0, True, [False, True, False, False, True, True]),
        ({True: 30}, 99, 21.0, True, [True, True, True, True, False, True]),
    ],
)
def test_each_target_holds_or_not_by_itself(
    pairs: dict[bool, int], found: int, seconds: float, is_rebuilt: bool, hold: list[bool]
) -> None:
    slow = Tally((REGRESSED,) * found + (UNCHANGED,) * (100 - found), (90.0,) * 100)
    same = Tally((UNCHANGED,) * 3_000, (seconds,) * 3_000, are_rebuilt=(is_rebuilt,) * 3_000)
    curve = {0.0: same, **dict.fromkeys(CHANGES[1:], slow)}
    assert [bound.holds for bound in _bounds("model", pairs, curve)] == hold


def test_a_model_without_pairs_meets_no_target() -> None:
    assert [bound.holds for bound in _bounds("model", {}, None)] == [False]


# Other tools


def test_a_tool_that_is_not_installed_says_how_to_get_it() -> None:
    tool = Tool("none", ("no-such-distribution-here",), lambda _: ())
    assert tool.missing() == "no-such-distribution-here not installed: pip install -r bench/requirements.txt"


@pytest.mark.parametrize(
    ("check", "new", "outcome"),
    # Of ten rounds of 0.1 s: all 6 % slower; all 4 % slower; all but one twice as slow, which the minimum does not see.
    [
        ("mean:5%", [0.106] * 11, REGRESSED),
        ("mean:5%", [0.104] * 11, UNCHANGED),
        ("mean:5%", [0.1] * 2 + [0.2] * 9, REGRESSED),
        ("min:5%", [0.1] * 2 + [0.2] * 9, UNCHANGED),
        ("mean:5%", [0.05] * 21, UNCHANGED),
    ],
)
def test_pytest_benchmark_fails_a_field_that_grew_by_more(check: str, new: list[float], outcome: Outcome) -> None:
    assert said(CompareFail(check, "", "AB"), [[0.1] * 11], [new]) is outcome


def test_pytest_benchmark_runs_the_rounds_that_the_first_call_plans_for_a_second() -> None:
    fed = CompareFail("mean:5%", "", "AB").feed([0.25, *[0.3] * 8])
    assert fed.given == (0.3, 0.3, 0.3, 0.3, 0.3)  # four are planned, five are the least
    assert fed.seconds == pytest.approx(1.5)


def test_a_process_that_was_recorded_for_less_than_the_tool_measures_is_refused() -> None:
    with pytest.raises(StretchTooShort, match="record longer stretches"):
        CompareFail("mean:5%", "", "AB").feed([0.1] * 6)


@pytest.mark.parametrize(
    ("name", "seconds", "used"),
    # pyperf: 4 loops of 0.03 s reach 0.1 s; one value thrown away, three kept. asv: 4 calls fill 0.1 s, then 5 samples.
    [("pyperf", 0.03, 16), ("asv", 0.03, 9), ("asv", 0.004, 26 + 5 * 3), ("benchmatrix", 0.03, 34)],
)
def test_a_tool_is_fed_as_many_inferences_as_it_would_time(name: str, seconds: float, used: int) -> None:
    rule = rules_of(name)[0]
    assert rule.feed([seconds] * 400).seconds == pytest.approx(used * seconds, abs=seconds)
    with pytest.raises(StretchTooShort):
        rule.feed([seconds] * (used // 2))


def scattered(usual: float) -> Callable[[float], list[list[float]]]:
    """Twenty processes that differ by up to the scatter, evenly, of inferences that differ by 0.1 %."""

    def processes(scatter: float) -> list[list[float]]:
        levels = [usual * (1 + scatter * (2 * place / 19 - 1)) for place in range(20)]
        return [[level * (1 + 0.001 * (turn % 3 - 1)) for turn in range(60)] for level in levels]

    return processes


@pytest.mark.parametrize(
    ("name", "which", "slower", "scatter", "outcome"),
    [
        ("pyperf", 0, 1.00, 0.02, UNCHANGED),
        ("pyperf", 0, 1.10, 0.02, REGRESSED),
        ("pyperf", 0, 0.90, 0.02, IMPROVED),
        ("pyperf", 1, 1.02, 0.001, UNCHANGED),  # significant, and hidden by --min-speed=3
        ("pyperf", 0, 1.02, 0.001, REGRESSED),
        ("asv", 0, 1.00, 0.01, UNCHANGED),
        ("asv", 0, 1.20, 0.01, REGRESSED),
        ("asv", 0, 0.80, 0.01, IMPROVED),
        ("asv", 0, 1.05, 0.001, UNCHANGED),  # below its factor of 1.1
        ("asv", 1, 1.05, 0.001, REGRESSED),  # above the margin as the factor
        ("asv", 0, 1.20, 0.50, UNCHANGED),  # the samples overlap
        ("benchmatrix", 0, 1.00, 0.001, UNCHANGED),
        ("benchmatrix", 0, 1.20, 0.01, REGRESSED),
        ("benchmatrix", 0, 0.70, 0.01, IMPROVED),
        ("benchmatrix", 0, 1.20, 0.50, INCONCLUSIVE),
        ("benchmatrix", 1, 1.20, 0.01, REGRESSED),
        ("benchmatrix", 1, 1.00, 0.001, UNCHANGED),
    ],
)
def test_a_tool_says_what_its_own_code_says(
    name: str, which: int, slower: float, scatter: float, outcome: Outcome
) -> None:
    rule = rules_of(name)[which]
    count = rule.order.count("A")
    places = [round(19 * place / (count - 1)) for place in range(count)]
    olds, news = scattered(0.03)(scatter), scattered(0.03 * slower)(scatter)
    assert said(rule, [olds[place] for place in places], [news[place] for place in places]) is outcome


@pytest.mark.parametrize(("slower", "word"), [(1.0, "Not significant"), (1.1, "slower"), (0.9, "faster")])
def test_pyperf_is_told_by_its_own_command_to_say_the_same(slower: float, word: str, tmp_path: Path) -> None:
    rule = rules_of("pyperf")[0]
    pyperf = pytest.importorskip("pyperf")
    olds, news = ([rule.feed(process).given for process in scattered(usual)(0.02)] for usual in (0.03, 0.03 * slower))
    for name, runs in (("old.json", olds), ("new.json", news)):
        pyperf.Benchmark(runs).dump(str(tmp_path / name))
    command = [sys.executable, "-m", "pyperf", "compare_to", "old.json", "new.json", "--verbose"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    words = {UNCHANGED: "Not significant", REGRESSED: "slower", IMPROVED: "faster"}
    assert words[rule.decide(olds, news)] == word
    assert word in shown


def test_a_curve_of_a_tool_counts_gates_of_neighbours_both_ways_round() -> None:
    recorded = Recorded(CELL, spells=(Spell(0, ((0.1,) * 14,) * 6),))
    curve = of_tool(CompareFail("mean:5%", "", "AB"), recorded, most=100, seed=0)
    assert curve is not None
    found = {change: (tally.share(REGRESSED).hits, tally.share(REGRESSED).gates) for change, tally in curve.items()}
    assert (found[0.0], found[0.02], found[0.10]) == ((0, 10), (0, 10), (10, 10))
    assert curve[0.0].measuring_seconds == pytest.approx((2.0,) * 10)


def test_a_tool_that_needs_more_processes_than_are_in_a_row_has_no_curve() -> None:
    recorded = Recorded(CELL, spells=(Spell(0, ((0.1,) * 14,) * 3), Spell(0, ((0.1,) * 14,) * 3)))
    assert of_tool(CompareFail("mean:5%", "", "ABBA"), recorded, most=100, seed=0) is None
