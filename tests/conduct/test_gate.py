"""Whose turn it is, what ends a duel, and what is written down when. Pairs here are numbers; nothing is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, cycle
from typing import Any, cast

import pytest

from harness.cells import Cell
from harness.comparisons import LOST_SUPPORT, Clock, Difference, Duel, Outcome, Pair, Side, Verdict
from harness.conduct.duel import Corner, CornerLost, Manner, NotConverted, Ring
from harness.conduct.gate import Bout, Gate, chance_of, quads_a_building
from harness.conduct.pairing import Measured, OtherWork
from harness.verdict.times import judge_duel

A, B, C = (Cell(name, "fp32", "cpu") for name in "abc")
SAME, SLOWER, FASTER = 0.0, 0.10, -0.10
RATE, MARGIN, PAIR_SECONDS = 0.01, 0.03, 3.0
LIBRARY = Difference("engine", "1.0", "1.1")


def steadily(centre: float) -> Iterator[float]:
    """Log ratios that decide at the first look: a thousandth to either side of a centre."""
    return cycle((centre - 0.001, centre + 0.001))


def undecided() -> Iterator[float]:
    """Log ratios that never decide: they lie 20 % to either side of nothing."""
    return cycle((-0.2, 0.2))


def made(ratio: float, stage: int, **more: Any) -> Pair:
    sides = (Side({Clock.WALL: 1.0}, {"open_seconds": 0.001}), Side({Clock.WALL: 1.0}, {"open_seconds": 0.001}))
    plain: dict[str, Any] = {"quads": 4, "seconds": PAIR_SECONDS, "errors": {Clock.WALL: 0.1}}
    return Pair(stage, {Clock.WALL: ratio}, *sides, **{**plain, **more})


@dataclass
class Scene:
    """A clock, rings that answer from a script, and everything that happened, in order."""

    now: float = 0.0
    events: list[tuple[Any, ...]] = field(default_factory=list)
    held: list[Cell] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    def bout(self, cell: Cell, ratios: Any, *pairs: Pair, **more: Any) -> Bout:
        """A bout whose pairs have these log ratios; what is an exception is raised instead."""
        return Bout(Duel(cell, "the past", pairs=pairs, **more), cast("Ring", _Ring(self, cell, iter(ratios))))

    def gate(self, *bouts: Bout, budget: float | None = None, **more: Any) -> Gate:
        """A gate over bouts; a margin of 3 %."""
        return Gate(
            bouts,
            lambda _cell, _metric: MARGIN,
            RATE,
            budget,
            _Onlooker(self),
            _Keeper(self),
            self.hold,
            pair_seconds=PAIR_SECONDS,
            clock=lambda: self.now,
            **more,
        )

    @contextmanager
    def hold(self, cell: Cell) -> Iterator[None]:
        """Lend the device of a cell."""
        self.held.append(cell)
        try:
            yield
        finally:
            self.held.pop()

    def of(self, *kinds: str) -> list[tuple[Any, ...]]:
        """What happened of some kinds, without saying which where it is one."""
        return [event[1:] if len(kinds) == 1 else event for event in self.events if event[0] in kinds]

    def turns(self) -> str:
        """Whose pair was measured, in order: a letter a pair, upper case for a second stage."""
        return "".join(cell.model.upper() if stage == 2 else cell.model for cell, stage, _ in self.of("measured"))


class _Ring:
    def __init__(self, scene: Scene, cell: Cell, ratios: Iterator[Any]) -> None:
        self._scene, self._cell, self._ratios = scene, cell, ratios
        never = cast("Callable[[], Any]", None)
        self.old, self.new = Corner("the past", cast("Any", None), never), Corner("here", cast("Any", None), never)

    fight = Ring.fight

    def pair(self, manner: Manner) -> Measured:
        assert self._scene.held == [self._cell]
        found = next(self._ratios)
        if callable(found):
            raise found(self)
        self._scene.now += PAIR_SECONDS
        self._scene.events.append(("measured", self._cell, manner.stage, manner))
        pair = made(found, manner.stage, is_rebuilt=manner.quads_a_building is not None, **self._scene.details)
        return Measured(pair, Clock.WALL, (LIBRARY,))

    def convert(self, corner: Corner) -> None:
        assert self._scene.held == [self._cell]
        self._scene.events.append(("converted", corner.name))


class _Keeper:
    def __init__(self, scene: Scene) -> None:
        self._note = scene.events.append

    def began(self, duel: Duel) -> None:
        self._note(("began", duel))

    def pair(self, duel: Duel, pair: Pair) -> None:
        self._note(("kept", duel.cell, pair))

    def trial(self, duel: Duel) -> None:
        self._note(("trial", duel.cell))


class _Onlooker:
    def __init__(self, scene: Scene) -> None:
        self._note = scene.events.append

    def waiting(self, cell: Cell) -> None:
        raise AssertionError("whoever holds the device says this")

    phase = tick = waiting

    def gate_started(self, comparisons: int, budget_seconds: float | None) -> None:
        self._note(("started", comparisons, budget_seconds))

    def gate_pair(self, *told: Any) -> None:
        self._note(("told", *told))

    def gate_decided(self, verdict: Verdict) -> None:
        self._note(("decided", verdict))


def latency(bout: Bout) -> Verdict:
    return judge_duel(bout.duel, lambda _cell, _metric: MARGIN, RATE)[0]


# Whose turn it is


@pytest.mark.parametrize(
    ("centre", "turns", "outcome"),
    [
        (SAME, "aaaa", Outcome.UNCHANGED),
        (SLOWER, "aaaaAAAA", Outcome.REGRESSED),
        (FASTER, "aaaaAAAA", Outcome.IMPROVED),
    ],
)
def test_a_clear_cell_is_measured_to_its_first_look_and_a_change_once_more(centre, turns, outcome) -> None:
    scene = Scene()
    bout = scene.bout(A, steadily(centre))
    scene.gate(bout).run()
    assert scene.turns() == turns
    assert latency(bout).outcome is outcome


def test_looks_come_round_by_round_each_cell_up_to_its_next_look() -> None:
    scene = Scene()
    scene.gate(scene.bout(A, undecided()), scene.bout(B, steadily(SAME)), scene.bout(C, undecided())).run()
    assert scene.turns().startswith("aaaabbbbccccaaccaaaccc")
    assert scene.turns().count("b") == 4


def test_what_never_decides_is_measured_to_the_last_look_and_no_further() -> None:
    scene = Scene()
    bout = scene.bout(A, undecided())
    scene.gate(bout).run()
    assert scene.turns() == "a" * 36
    assert latency(bout).outcome is Outcome.INCONCLUSIVE
    assert not bout.duel.is_spent


def test_confirmations_come_after_the_first_stages_of_the_other_cells() -> None:
    scene = Scene()
    scene.gate(scene.bout(A, steadily(SLOWER)), scene.bout(B, undecided())).run()
    assert scene.turns() == "aaaa" + "b" * 36 + "AAAA"


def test_when_time_is_short_confirmations_come_first() -> None:
    # 40 s: after both first looks (24 s) 16 s are left, less than one and a half times the 12 s that a confirmation
    # takes. After it 4 s are left, enough for one pair.
    scene = Scene()
    a, b = scene.bout(A, steadily(SLOWER)), scene.bout(B, undecided())
    scene.gate(a, b, budget=40.0).run()
    assert scene.turns() == "aaaabbbbAAAAb"
    assert latency(a).outcome is Outcome.REGRESSED
    assert (latency(b).outcome, b.duel.is_spent) == (Outcome.INCONCLUSIVE, True)


def test_several_changes_are_confirmed_one_after_the_other() -> None:
    scene = Scene()
    scene.gate(scene.bout(A, steadily(SLOWER)), scene.bout(B, steadily(FASTER))).run()
    assert scene.turns() == "aaaabbbbAAAABBBB"


def test_a_second_stage_that_sees_nothing_wins_over_the_first() -> None:
    scene = Scene()
    bout = scene.bout(A, chain([SLOWER, SLOWER + 0.001] * 2, steadily(SAME)))
    scene.gate(bout).run()
    assert scene.turns() == "aaaaAAAA"
    assert latency(bout).outcome is Outcome.UNCHANGED


# What time is left


def test_a_spent_budget_ends_every_open_cell_and_says_so() -> None:
    scene = Scene()
    a, b = scene.bout(A, undecided()), scene.bout(B, undecided())
    scene.gate(a, b, budget=14.0).run()
    assert scene.turns() == "aaaab"
    assert a.duel.is_spent
    assert b.duel.is_spent
    assert "its time ended first" in latency(a).text
    assert latency(b).outcome is Outcome.INCONCLUSIVE
    spent = [duel.cell for (duel,) in scene.of("began") if duel.is_spent]
    assert sorted(spent, key=str) == [A, B]


@pytest.mark.parametrize(("budget", "turns"), [(1.0, "a"), (3.0, "a"), (3.5, "ab"), (9.0, "aab")])
def test_a_pair_begins_only_where_it_would_end_in_time_and_the_first_while_there_is_time(budget, turns) -> None:
    scene = Scene()
    scene.gate(scene.bout(A, undecided()), scene.bout(B, undecided()), budget=budget).run()
    assert scene.turns() == turns


def test_the_time_left_and_what_is_open_are_told_after_each_pair() -> None:
    scene = Scene()
    scene.gate(scene.bout(A, steadily(SAME)), scene.bout(B, steadily(SLOWER)), budget=100.0).run()
    told = scene.of("told")
    assert [(cell, stage, pairs) for cell, stage, pairs, *_ in told] == [
        *((A, 1, count) for count in (1, 2, 3, 4)),
        *((B, 1, count) for count in (1, 2, 3, 4)),
        *((B, 2, count) for count in (1, 2, 3, 4)),
    ]
    assert [undecided for *_, undecided, _ in told] == [2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 0]
    assert [left for *_, left in told] == [100.0 - PAIR_SECONDS * count for count in range(1, 13)]
    *_, low, high, _, _ = told[3]
    assert low < 0 < high
    assert told[2][3:5] == (None, None)


# What is written down, and when


def test_every_pair_is_kept_before_the_next_begins_and_its_duel_before_its_first() -> None:
    scene = Scene()
    scene.gate(scene.bout(A, steadily(SLOWER)), scene.bout(B, steadily(SAME))).run()
    happened = [event[0] for event in scene.of("measured", "kept", "began")]
    first = ["measured", "began", "kept"]
    rest = ["measured", "kept"]
    assert happened == [*first, *rest * 3, *first, *rest * 3, *rest * 4]
    for (duel,) in scene.of("began"):
        assert (duel.clock, duel.differences, duel.pairs) == (Clock.WALL, (LIBRARY,), ())


def test_a_pair_without_the_clock_that_decides_is_a_trial_and_another_takes_its_place() -> None:
    scene = Scene()
    odd = Pair(1, {Clock.WALL: 5.0}, Side({Clock.WALL: 1.0}), Side({Clock.WALL: 1.0}), quads=4, seconds=PAIR_SECONDS)
    bout = scene.bout(A, ())
    ring = cast("Any", bout.ring)
    told = steadily(SAME)
    turns = iter([False, False, True, *[False] * 20])

    def fight(manner: Manner) -> Measured:
        if next(turns):
            return Measured(replace(odd, stage=manner.stage), Clock.WALL, ())
        ratio = next(told)
        both = Side({Clock.WALL: 1.0, Clock.CORRECTED: 1.0})
        ratios = {Clock.WALL: ratio, Clock.CORRECTED: ratio}
        return Measured(Pair(manner.stage, ratios, both, both, quads=4, seconds=1.0), Clock.CORRECTED, ())

    ring.fight = fight
    scene.gate(bout).run()
    assert [pair.stage for pair in bout.duel.pairs].count(0) == 1
    verdict = next(one for one in judge_duel(bout.duel, lambda _cell, _metric: MARGIN, RATE) if one.metric)
    assert (verdict.outcome, verdict.clock) == (Outcome.UNCHANGED, Clock.CORRECTED)


def test_a_resumed_duel_goes_on_from_its_pairs_and_measures_none_again() -> None:
    scene = Scene()
    before = (made(0.001, 1), made(-0.001, 1), made(0.001, 1))
    bout = scene.bout(A, steadily(SAME), *before)
    scene.gate(bout).run()
    assert scene.turns() == "a"
    assert bout.duel.pairs[:3] == before
    assert len(scene.of("kept")) == 1
    assert not scene.of("began")


def test_a_resumed_duel_that_was_decided_measures_nothing() -> None:
    scene = Scene()
    bout = scene.bout(A, iter(()), *(made(0.001 * (-1) ** number, 1) for number in range(4)))
    scene.gate(bout).run()
    assert scene.turns() == ""
    assert [verdict.outcome for (verdict,) in scene.of("decided")] == [Outcome.UNCHANGED]


def test_each_cell_is_told_decided_once_and_the_control_never() -> None:
    scene = Scene()
    control = scene.bout(A, steadily(SAME), is_control=True)
    silent = Bout(Duel(C, "the past", outcome=Outcome.NEW, problem="it is new"))
    scene.gate(scene.bout(A, steadily(SAME)), scene.bout(B, undecided()), silent, control).run()
    assert [(verdict.cell, verdict.outcome) for (verdict,) in scene.of("decided")] == [
        (C, Outcome.NEW),
        (A, Outcome.UNCHANGED),
        (B, Outcome.INCONCLUSIVE),
    ]
    assert scene.of("started") == [(3, None)]
    assert scene.turns().count("a") == 8


# What ends a duel otherwise


def lost(side: str, *, is_unable: bool = False, last_words: str = "") -> Callable[[Any], Exception]:
    return lambda ring: CornerLost(getattr(ring, side), "opening: it broke", last_words, is_unable=is_unable)


@pytest.mark.parametrize(
    ("problem", "outcome", "text", "differences"),
    [
        (
            lost("old", last_words="a\nb\nkilled"),
            Outcome.NOT_COMPARABLE,
            "the other side, the past, cannot be measured: opening: it broke; its last words: killed",
            (),
        ),
        (
            lost("old", is_unable=True),
            Outcome.NOT_COMPARABLE,
            "the other side, the past, cannot be measured: opening: it broke",
            (),
        ),
        (lost("new", last_words="so long"), Outcome.FAILED, "opening: it broke; its last words: so long", ()),
        (lost("new", is_unable=True), Outcome.UNSUPPORTED, "opening: it broke; the past can run it", (LOST_SUPPORT,)),
        (
            lambda _ring: OtherWork((Difference("workload", "one", "two"),)),
            Outcome.NOT_COMPARABLE,
            "the two sides do not do the same work: compare them after the workload has settled",
            (Difference("workload", "one", "two"),),
        ),
    ],
)
def test_a_side_that_cannot_go_on_ends_its_own_duel_and_says_which_and_why(problem, outcome, text, differences) -> None:
    scene = Scene()
    bout = scene.bout(A, [problem])
    scene.gate(bout, scene.bout(B, steadily(SAME))).run()
    assert (bout.duel.outcome, bout.duel.problem, bout.duel.differences) == (outcome, text, differences)
    assert scene.of("began")[0] == (bout.duel,)
    assert scene.turns() == "bbbb"
    assert scene.held == []


def test_a_side_lost_in_the_middle_keeps_what_was_known() -> None:
    scene = Scene()
    bout = scene.bout(A, [SAME, SAME, lost("new")])
    scene.gate(bout).run()
    assert bout.duel.outcome is Outcome.FAILED
    assert len(bout.duel.pairs) == 2
    assert bout.duel.differences == (LIBRARY,)


def lacking(side: str) -> Callable[[Any], Exception]:
    return lambda ring: NotConverted(getattr(ring, side))


@pytest.mark.parametrize(
    ("missing", "converted"),
    [
        ((lacking("old"),), ["the past"]),
        ((lacking("new"),), ["here"]),
        ((lacking("new"), lacking("old")), ["here", "the past"]),
    ],
)
def test_artifacts_that_the_store_lacks_are_made_first(missing: Any, converted: list[str]) -> None:
    scene = Scene()
    bout = scene.bout(A, chain(missing, steadily(SAME)))
    scene.gate(bout).run()
    assert [name for (name,) in scene.of("converted")] == converted
    assert latency(bout).outcome is Outcome.UNCHANGED


def test_an_artifact_that_is_lacking_however_often_it_is_made_ends_its_own_duel() -> None:
    scene = Scene()
    bout = scene.bout(A, [lacking("old")] * 3)
    scene.gate(bout, scene.bout(B, steadily(SAME))).run()
    assert bout.duel.outcome is Outcome.NOT_COMPARABLE
    assert "make its reference the same every time" in (bout.duel.problem or "")
    assert scene.turns() == "bbbb"


# Laying the models anew


def test_where_processes_keep_a_speed_of_their_own_three_pairs_become_a_trial_and_models_are_laid_anew() -> None:
    # Within a pair the error is 0.1 %, between pairs they lie 5 % to either side: four times the variance is nothing.
    scene = Scene(details={"quads": 100, "errors": {Clock.WALL: 0.001}})
    bout = scene.bout(A, chain([0.05, -0.05, 0.05], steadily(SAME)))
    scene.gate(bout).run()
    assert scene.of("trial") == [(A,)]
    assert [pair.stage for pair in bout.duel.pairs] == [0, 0, 0, 1, 1, 1, 1]
    # A quad takes 0.03 s and building both sides 0.002 s: after every quad building takes no longer than timing.
    assert [manner.quads_a_building for *_, manner in scene.of("measured")] == [None] * 3 + [1] * 4
    assert latency(bout).outcome is Outcome.UNCHANGED
    kinds = [event[0] for event in scene.of("kept", "trial")]
    assert kinds == ["kept"] * 3 + ["trial"] + ["kept"] * 4


@pytest.mark.parametrize(
    "details",
    [
        {"quads": 100, "errors": {Clock.WALL: 0.1}},  # pairs differ no more than their own quads do
        {"quads": 3, "errors": {Clock.WALL: 0.001}},  # too few quads to build anew four times
    ],
)
def test_where_it_would_not_pay_nothing_is_laid_anew(details: dict[str, Any]) -> None:
    scene = Scene(details=details)
    scene.gate(scene.bout(A, chain([0.05, -0.05, 0.05], steadily(SAME)))).run()
    assert not scene.of("trial")
    assert {manner.quads_a_building for *_, manner in scene.of("measured")} == {None}


def test_where_pairs_lie_has_no_part_in_the_choice() -> None:
    trials = []
    for shift in (0.0, 0.3, -0.3):
        scene = Scene(details={"quads": 100, "errors": {Clock.WALL: 0.001}})
        scene.gate(scene.bout(A, chain([0.05 + shift, -0.05 + shift, 0.05 + shift], steadily(shift)))).run()
        trials.append(len(scene.of("trial")))
    assert trials == [1, 1, 1]


@pytest.mark.parametrize(
    ("quads", "open_seconds", "expected"),
    [
        (100, 0.001, 1),  # a quad of 0.03 s, building 0.002 s
        (100, 0.03, 2),  # building 0.06 s: two quads
        (100, 0.375, 25),  # building 0.75 s: 25 quads, exactly four buildings
        (100, 0.39, None),  # building 0.78 s: 26 quads, fewer than four buildings
        (3, 0.001, None),
    ],
)
def test_models_are_laid_anew_so_that_building_takes_no_longer_than_timing(quads, open_seconds, expected) -> None:
    side = Side({Clock.WALL: 1.0}, {"open_seconds": open_seconds})
    pair = replace(made(0.0, 1, quads=quads), old=side, new=side)
    assert quads_a_building(pair, PAIR_SECONDS) == expected


def test_a_pair_that_does_not_tell_how_long_opening_took_is_no_ground_to_build_anew() -> None:
    silent = Side({Clock.WALL: 1.0})
    assert quads_a_building(replace(made(0.0, 1, quads=100), old=silent), PAIR_SECONDS) is None


# Chance


def test_chance_is_the_same_for_a_seed_and_a_cell_and_another_otherwise() -> None:
    first = [chance_of(seed, cell).random() for seed, cell in ((0, A), (0, A), (1, A), (0, B))]
    assert first[0] == first[1]
    assert len(set(first)) == 3
