"""The store: a machine class from facts, a place for every cell, and what is found there."""

from pathlib import Path
from typing import Any

import pytest

from harness.baselines.machine import machine_class
from harness.baselines.records import baseline_of
from harness.baselines.store import Store
from harness.cells import Cell
from harness.errors import RecordUnreadable
from tests.baselines.made import CELL, IDENTITY, OTHER, measured, run


def stored(store: Store, cell: Cell = CELL, **of_run: Any) -> Path:
    one = measured(cell)
    found = baseline_of(run(one, **of_run), one)
    assert found is not None
    assert store.write(found)
    return store.path(cell, found.identity)


def test_a_machine_class_reads_as_the_machine() -> None:
    name = machine_class({**IDENTITY, "gpu_name": "NVIDIA H200"})
    assert name.startswith("abacus-family-1_2-cores_1-threads_nvidia-h200_")


@pytest.mark.parametrize(
    "other", [{"threads": 2}, {"cpu_isa": "avx"}, {"gpu_name": "some"}, {"usable_cores": 1.5}, {"os": "Darwin"}]
)
def test_any_fact_of_the_identity_makes_another_class(other: dict[str, Any]) -> None:
    assert machine_class({**IDENTITY, **other}) != machine_class(IDENTITY)


def test_a_whole_number_is_the_same_fact_however_json_wrote_it() -> None:
    assert machine_class({**IDENTITY, "usable_cores": 2.0}) == machine_class(IDENTITY)


@pytest.mark.parametrize(
    "named",
    [
        Cell("tone", "fp16", "cuda:1"),
        Cell("../../escape", "fp16", "cpu"),
        Cell("a/b", "fp16", "cpu"),
        Cell("v2.5-x_y", "fp16", "cpu"),
        Cell("..", "fp16", "cpu"),
        Cell("Ton°", "fp16", "cpu"),
        Cell("x" * 300, "fp16", "cpu"),
    ],
    ids=str,
)
def test_every_name_has_a_place_of_its_own_below_the_machine(tmp_path: Path, named: Cell) -> None:
    path = stored(Store(tmp_path), named).resolve()
    assert path.is_relative_to(tmp_path)
    assert len(path.relative_to(tmp_path).parts) == 3
    found = Store(tmp_path).find(named, IDENTITY)
    assert found is not None
    assert found.cell == named


def test_names_that_differ_in_forbidden_signs_only_do_not_share_a_place(tmp_path: Path) -> None:
    assert len({Store(tmp_path).path(Cell(name, "fp16", "cpu"), IDENTITY) for name in ("a/b", "a:b", "a-b")}) == 3


def test_a_file_of_another_cell_is_not_taken_for_this_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    stored(store).rename(store.path(OTHER, IDENTITY))
    with pytest.raises(RecordUnreadable, match=r"is of tone/fp32/cpu; put it back"):
        store.find(OTHER, IDENTITY)


def test_a_file_of_another_machine_is_not_taken_for_this_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = stored(store, identity={"threads": 4})
    here = store.path(CELL, IDENTITY)
    here.parent.mkdir(parents=True)
    path.rename(here)
    with pytest.raises(RecordUnreadable, match="is of the machine"):
        store.find(CELL, IDENTITY)


def test_elsewhere_are_the_other_machines_only(tmp_path: Path) -> None:
    store = Store(tmp_path)
    stored(store)
    stored(store, identity={"threads": 4})
    assert [one.identity["threads"] for one in store.elsewhere(CELL, IDENTITY)] == [4]


def test_messages_do_not_tell_where_the_project_lies(tmp_path: Path) -> None:
    store = Store(tmp_path)
    stored(store).write_bytes(b"{")
    with pytest.raises(RecordUnreadable) as caught:
        store.find(CELL, IDENTITY)
    assert str(tmp_path) not in str(caught.value)
    assert str(caught.value).startswith("baselines/")


def test_a_folder_in_the_place_of_a_file_is_told_in_one_line(tmp_path: Path) -> None:
    Store(tmp_path).path(CELL, IDENTITY).mkdir(parents=True)
    with pytest.raises(RecordUnreadable, match="cannot be read"):
        Store(tmp_path).find(CELL, IDENTITY)
