"""A duel is written down pair by pair, and read again as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cells import Cell
from harness.comparisons import Clock, Duel, Outcome
from harness.duel_events import DUEL, PAIR, TRIAL, DuelKeeper, duels_of, without_laps
from harness.journal import Journal, duels
from harness.results import Event
from tests.comparisons_samples import LIBRARY, around, duel, pair
from tests.samples import CELL, OTHER


class Kept:
    """Events in memory, as the journal would decode them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keeper = DuelKeeper(Journal(folder))

    def read(self) -> tuple[Duel, ...]:
        return duels(self.folder)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


WHOLE = duel(around(0.0), around(0.05), differences=(LIBRARY,), is_spent=True)


def write(kept: Kept, one: Duel) -> None:
    kept.keeper.began(one)
    for each in one.pairs:
        kept.keeper.pair(one, each)


def test_a_duel_comes_back_as_it_was(kept: Kept) -> None:
    laps = pair(0.1, cpu=0.2, old_laps=(1.0, 1.5), new_laps=(1.25, 2.0), errors={Clock.WALL: 0.5}, is_rebuilt=True)
    one = replace(WHOLE, pairs=(*WHOLE.pairs, laps))
    write(kept, one)
    assert kept.read() == (one,)


def test_a_clock_that_was_read_again_finds_its_ratio(kept: Kept) -> None:
    write(kept, WHOLE)
    (back,) = kept.read()
    assert back.clock is Clock.CORRECTED
    assert back.pairs[0].log_ratios[Clock.CORRECTED] == WHOLE.pairs[0].log_ratios[Clock.CORRECTED]


def test_the_control_of_a_cell_is_another_duel_than_the_cells_own(kept: Kept) -> None:
    own, control = duel([0.1]), duel([0.2], is_control=True)
    kept.keeper.began(own)
    kept.keeper.began(control)
    kept.keeper.pair(control, control.pairs[0])
    kept.keeper.pair(own, own.pairs[0])
    assert kept.read() == (own, control)


def test_cells_come_in_the_order_begun(kept: Kept) -> None:
    kept.keeper.began(replace(duel(), cell=OTHER))
    kept.keeper.began(duel())
    assert [one.cell for one in kept.read()] == [OTHER, CELL]


def test_a_trial_takes_the_pairs_before_it_out_and_none_after(kept: Kept) -> None:
    kept.keeper.began(duel())
    for ratio in (0.1, 0.2):
        kept.keeper.pair(duel(), pair(ratio))
    kept.keeper.trial(duel())
    kept.keeper.pair(duel(), pair(0.3))
    (back,) = kept.read()
    assert back.pairs == (pair(0.1, 0), pair(0.2, 0), pair(0.3, 1))


def test_what_is_learnt_later_replaces_what_was_known_and_keeps_the_pairs(kept: Kept) -> None:
    write(kept, duel([0.1], clock=Clock.WALL))
    ended = duel([0.1], outcome=Outcome.FAILED, problem="it broke")
    kept.keeper.began(ended)
    assert kept.read() == (ended,)


def test_the_journal_holds_each_pair_once(kept: Kept) -> None:
    write(kept, WHOLE)
    lines = (kept.folder / "events.jsonl").read_text().splitlines()
    assert [line.count('"log_ratios"') for line in lines] == [0] + [1] * 8


GOOD = Event("now", DUEL, CELL, {"duel": {"cell": CELL, "against": "main"}})


@pytest.mark.parametrize(
    "event",
    [
        Event("now", PAIR, CELL, {"is_control": False, "pair": {"stage": 1}}),
        Event("now", PAIR, CELL, {"is_control": False}),
        Event("now", PAIR, CELL, {"pair": {}}),
        Event("now", PAIR, OTHER, {"is_control": False, "pair": {}}),
        Event("now", PAIR, CELL, {"is_control": True, "pair": {}}),
        Event("now", TRIAL, OTHER, {"is_control": False}),
        Event("now", TRIAL, None, {"is_control": False}),
        Event("now", DUEL, CELL, {}),
        Event("now", DUEL, CELL, {"duel": {"cell": CELL}}),
        Event("now", "something-newer", CELL, {"duel": 3}),
    ],
)
def test_an_event_that_cannot_be_read_is_passed_over(event: Event) -> None:
    read = duels_of([GOOD, event, replace(GOOD, cell=OTHER, body={"duel": {"cell": OTHER, "against": "main"}})])
    assert read == (Duel(CELL, "main"), Duel(OTHER, "main"))


@pytest.mark.parametrize(
    "broken",
    [
        {"stage": 3},
        {"log_ratios": {}},
        {"log_ratios": {"wall": "much"}},
        {"old": {"seconds": {"wall": -1.0}}},
        {"new": {"seconds": {"wall": 1.0}, "values": {"peak_bytes": -1.0}}},
    ],
)
def test_a_pair_that_makes_no_sense_does_not_come_back(broken: dict[str, Any]) -> None:
    whole = {
        "stage": 1,
        "log_ratios": {"wall": 0.1},
        "old": {"seconds": {"wall": 1.0}},
        "new": {"seconds": {"wall": 1.1}},
        "quads": 3,
        "seconds": 3.0,
    }

    def read(body: dict[str, Any]) -> int:
        (one,) = duels_of([GOOD, Event("now", PAIR, CELL, {"is_control": False, "pair": body})])
        return len(one.pairs)

    assert read(whole) == 1
    assert read(whole | broken) == 0


def test_a_record_keeps_no_single_inference() -> None:
    one = duel(pairs=(pair(0.1, old_laps=(1.0,), new_laps=(2.0,)), pair(0.2)))
    assert without_laps(one) == duel([0.1, 0.2])
    assert without_laps(one).cell == Cell("tone", "fp32", "cpu")
