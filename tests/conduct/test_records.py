"""What cells took before: kept between runs, and the order that follows from it."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cells import Cell, Device, Reason, expand
from harness.conduct.order import Order
from harness.conduct.records import Past, Records, largest_first, settings_of, spent_seconds
from harness.journal import Journal
from harness.results import Measurement, Reading, Status
from tests.samples import CELL, FAILED, MEASURED, OTHER, THIRD, UNSUPPORTED

WEIGHED = replace(MEASURED, readings=(Reading("peak_bytes", 5e8),))


def test_what_a_cell_took_is_known_to_the_next_run(tmp_path: Path) -> None:
    records = Records(tmp_path / "cache")
    records.learn((WEIGHED, UNSUPPORTED), {CELL: 12.0, OTHER: 1.5}, 3.0)
    assert records.past(CELL) is None  # the run that learns goes by what was known before
    records.save()
    after = Records(tmp_path / "cache")
    assert after.past(CELL) == Past(12.0, 3.0, 5e8)
    assert after.past(OTHER) == Past(1.5, 3.0, None)
    assert after.past(THIRD) is None


def test_what_failed_or_was_measured_by_another_run_teaches_nothing(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.learn((FAILED, MEASURED), {THIRD: 600.0}, 3.0)
    records.save()
    assert not (tmp_path / "cells.json").exists()


def test_a_cell_that_did_not_fit_leaves_what_was_known_of_it(tmp_path: Path) -> None:
    before = Records(tmp_path)
    before.learn((WEIGHED,), {CELL: 12.0}, 3.0)
    before.save()
    refused = Measurement(CELL, Status.UNSUPPORTED, reason=Reason.TOO_LITTLE_MEMORY, text="needs 9 GB")
    again = Records(tmp_path)
    again.learn((refused,), {CELL: 0.01}, 3.0)
    again.save()
    assert Records(tmp_path).past(CELL) == Past(12.0, 3.0, 5e8)


@pytest.mark.parametrize(
    ("changed", "peak"),
    [
        ({}, 5e8),
        ({"cell_seconds": 9.0}, 5e8),
        ({"low_memory": True}, None),  # what a refusal advises must be tried
        ({"sample_percent": 10.0}, None),
        ({"engine": "fbgemm"}, None),
        ({"checkpoints": {"tone": Path("w.pt")}}, None),
    ],
)
def test_a_peak_counts_where_the_cell_is_measured_as_it_was_then(tmp_path: Path, changed: Any, peak: Any) -> None:
    before = Records(tmp_path, settings_of(Order(tmp_path)))
    before.learn((WEIGHED,), {CELL: 12.0}, 3.0)
    before.save()
    now = Records(tmp_path, settings_of(Order(tmp_path, **changed)))
    assert now.peak_bytes(CELL) == peak
    assert now.seconds(CELL, 3.0) == 12.0
    assert now.peak_bytes(OTHER) is None


def test_two_runs_that_end_together_keep_what_both_learnt(tmp_path: Path) -> None:
    one, two = Records(tmp_path), Records(tmp_path)
    one.learn((MEASURED,), {CELL: 2.0}, 3.0)
    two.learn((UNSUPPORTED,), {OTHER: 3.0}, 3.0)
    one.save()
    two.save()
    after = Records(tmp_path)
    assert (after.seconds(CELL, 3.0), after.seconds(OTHER, 3.0)) == (2.0, 3.0)


@pytest.mark.parametrize(("cell_seconds", "seconds"), [(3.0, 20.0), (5.0, 23.0), (1.0, 17.0)])
def test_a_longer_timing_takes_so_much_longer_and_its_warm_up(
    tmp_path: Path, cell_seconds: float, seconds: float
) -> None:
    records = Records(tmp_path)
    records.learn((MEASURED,), {CELL: 20.0}, 3.0)
    records.save()
    assert Records(tmp_path).seconds(CELL, cell_seconds) == seconds


@pytest.mark.parametrize("content", [b"", b"{", b'{"tone/fp32/cpu": 3}', b"[]"])
def test_a_file_that_is_spoilt_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cells.json").write_bytes(content)
    records = Records(tmp_path)
    assert records.past(CELL) is None
    records.learn((MEASURED,), {CELL: 2.0}, 3.0)
    records.save()
    assert Records(tmp_path).seconds(CELL, 3.0) == 2.0


def test_a_cache_that_cannot_be_written_costs_no_run(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    records = Records(tmp_path / "cache")
    records.learn((MEASURED,), {CELL: 2.0}, 3.0)
    records.save()


def test_a_cell_takes_from_its_start_to_its_end_by_the_journal(tmp_path: Path) -> None:
    seconds = count(0, 4)
    journal = Journal(tmp_path, lambda: f"2030-01-01T00:00:{next(seconds):02d}.000+00:00")
    journal.write("cell-started", CELL)  # second 0
    journal.write("phase", CELL, phase="open")
    journal.write("cell-finished", CELL)  # second 8
    journal.write("cell-started", OTHER)
    journal.write("cell-started", OTHER)  # second 16: resumed
    journal.write("cell-finished", OTHER)  # second 20
    journal.write("cell-started", THIRD)
    assert spent_seconds(tmp_path) == {CELL: 8.0, OTHER: 4.0}


CELLS = expand([("small", ("fp32", "fp16")), ("large", ("fp16", "fp32", "bf16")), ("new", ("fp32",))], [Device("cpu")])


def names(cells: tuple[Cell, ...]) -> list[str]:
    return [f"{cell.model}/{cell.precision}" for cell in cells]


def test_the_longest_model_comes_first_its_fp32_before_all_and_what_is_unknown_last() -> None:
    took = {"small/fp32": 3.0, "small/fp16": 5.0, "large/fp16": 40.0, "large/fp32": 20.0}
    ordered = largest_first(CELLS, lambda cell: took.get(f"{cell.model}/{cell.precision}"))
    assert names(ordered) == ["large/fp32", "large/fp16", "large/bf16", "small/fp32", "small/fp16", "new/fp32"]


def test_without_records_the_order_is_as_declared() -> None:
    assert largest_first(CELLS, lambda _: None) == CELLS


@given(st.lists(st.none() | st.floats(0, 1e4), min_size=len(CELLS), max_size=len(CELLS)))
def test_every_cell_keeps_its_turn_behind_its_model_s_fp32(seconds: list[float | None]) -> None:
    took = dict(zip(CELLS, seconds, strict=True))
    ordered = largest_first(CELLS, took.get)
    assert sorted(ordered) == sorted(CELLS)
    if any(one is not None for one in seconds):
        for model in ("small", "large", "new"):
            of_it = [cell for cell in ordered if cell.model == model]
            assert of_it[0].precision == "fp32"
            start = ordered.index(of_it[0])
            assert list(ordered[start : start + len(of_it)]) == of_it
