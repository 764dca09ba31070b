"""Traces: the same after a trip through their file, refused when they make no sense, drawn from as recorded."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
from traces import Recorded, Spell, Trace, pooled, read, slim, spread, windows, write

from harness.cells import Cell
from harness.comparisons import Clock, Pair, Side
from harness.errors import RecordUnreadable

CELL = Cell("model", "fp32", "cpu")
ONE_SPELL = """{"schema": 1, "machine": {}, "recorded": [
    {"cell": {"model": "m", "precision": "fp32", "device": "cpu"}, "spells": [{"example": 0, "stretches": [%s]}]}
]}"""


def pair(ratio: float, *, clock: Clock = Clock.WALL, error: float = 0.0, is_rebuilt: bool = False) -> Pair:
    side = Side({clock: 1.0}, {"open_seconds": 0.5}, 3)
    laps = (1.0, 1.0)
    return Pair(1, {clock: ratio}, side, side, 3, 4.0, {clock: error}, is_rebuilt, laps, laps)


def trace(*recorded: Recorded) -> Trace:
    return Trace({"cpu_model": "a model", "usable_cores": 2, "gpu_name": None}, recorded)


def test_a_trace_is_the_same_after_a_trip_through_its_file(tmp_path: Path) -> None:
    spells = (Spell(2, ((0.1, 0.2), (0.3, 0.4, 0.5))),)
    made = trace(Recorded(CELL, Clock.WALL, (pair(0.01), pair(-0.02, is_rebuilt=True)), spells, (0.5,)))
    write(made, tmp_path / "trace.json")
    assert read(tmp_path / "trace.json") == made
    assert [file.name for file in tmp_path.iterdir()] == ["trace.json"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"schema": 1, "machine": {}, "recorded"', "is no trace"),
        ("[]", "is no trace"),
        ('{"machine": {}, "recorded": []}', "is no trace"),
        ('{"schema": 2, "machine": {}, "recorded": []}', "is of schema 2, this version reads 1"),
        (ONE_SPELL % "[0.1, 0.0]", "finite and above zero"),
        (ONE_SPELL % "[0.1]", "two inferences or more"),
    ],
    ids=["truncated", "not a trace", "no number", "newer", "no duration", "one inference"],
)
def test_a_corrupt_trace_is_refused_with_the_next_step(content: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "trace.json").write_text(content)
    with pytest.raises(RecordUnreadable, match=says) as refused:
        read(tmp_path / "trace.json")
    assert "--record" in str(refused.value)


def test_a_trace_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(RecordUnreadable, match="make one with --record"):
        read(tmp_path / "none.json")


def test_pairs_without_the_ratio_that_decides_are_refused() -> None:
    with pytest.raises(ValueError, match="corrected time, which decides"):
        Recorded(CELL, Clock.CORRECTED, (pair(0.01),))


def test_several_recordings_of_a_cell_are_put_together_and_their_spells_stay_apart() -> None:
    spell = Spell(0, ((0.1, 0.1),))
    other = Cell("another", "fp32", "cpu")
    first = trace(Recorded(CELL, Clock.WALL, (pair(0.01),), (spell,), (1.0,)), Recorded(other, spells=(spell,)))
    second = trace(Recorded(CELL, Clock.WALL, (pair(0.02),), (spell,), (2.0,)))
    assert pooled([first, second]) == (
        Recorded(other, spells=(spell,)),
        Recorded(CELL, Clock.WALL, (pair(0.01), pair(0.02)), (spell, spell), (1.0, 2.0)),
    )


def test_recordings_that_are_decided_by_different_clocks_are_not_put_together() -> None:
    walls = trace(Recorded(CELL, Clock.WALL, (pair(0.01),)))
    corrected = trace(Recorded(CELL, Clock.CORRECTED, (pair(0.01, clock=Clock.CORRECTED),)))
    with pytest.raises(RecordUnreadable, match="corrected and wall time"):
        pooled([walls, corrected])


def test_a_window_is_of_neighbours_in_the_order_of_the_tool_with_the_sides_both_ways_round() -> None:
    spells = [Spell(0, ((0.1, 0.1),) * 5), Spell(0, ((0.1, 0.1),) * 3)]
    found = {(one.spell, one.old, one.new) for one in windows(spells, "ABBA", 100, random.Random(0))}
    # Five processes hold two runs of four, three hold none; each run has two ways round.
    assert found == {
        (0, (0, 3), (1, 2)),
        (0, (1, 2), (0, 3)),
        (0, (1, 4), (2, 3)),
        (0, (2, 3), (1, 4)),
    }


def test_no_more_windows_are_taken_than_asked_for_and_none_twice() -> None:
    found = windows([Spell(0, ((0.1, 0.1),) * 50)], "AB", 20, random.Random(0))
    assert len(found) == len(set(found)) == 20


def test_the_spread_of_pairs_is_told_with_what_their_quads_explain() -> None:
    # Ratios 0.01, 0.03, 0.01, 0.03: mean 0.02, deviations of 0.01 in turn; variance 4 × 0.0001 / 3.
    seen = spread([pair(0.01, error=0.01), pair(0.03, error=0.01)] * 2, Clock.WALL)
    assert seen.bias == pytest.approx(0.02)
    assert seen.sd == pytest.approx(math.sqrt(4e-4 / 3))
    assert seen.within == pytest.approx(0.75)
    assert seen.neighbours == pytest.approx(-1.0)


def test_a_pair_is_kept_without_its_single_inferences() -> None:
    kept = slim(pair(0.0123456789))
    assert (kept.old_laps, kept.new_laps) == ((), ())
    assert kept.log_ratios == {"wall": 0.0123457}
    assert kept.old.values == {"open_seconds": 0.5}
