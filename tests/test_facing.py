"""What a run will be held against, and what can be said of a cell as soon as it is measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.baselines.accepting import file_run
from harness.baselines.comparing import compare_stored, gather, stored_rate
from harness.baselines.store import Store
from harness.comparisons import Outcome
from harness.conduct.arms import Against
from harness.conduct.order import Order
from harness.expectations import Margins
from harness.facing import Early, outlook_of
from harness.render.head import Facing
from harness.results import Run
from tests.baselines.made import CELL, OTHER, measured, run

USUAL = Margins()


def facing_of(order: Order, now: Run, *, compares: bool = True) -> Facing | None:
    return outlook_of(order, USUAL, now, compares=compares).facing


def early_of(order: Order, now: Run) -> Early | None:
    return outlook_of(order, USUAL, now, compares=True).early


@pytest.fixture
def order(tmp_path: Path) -> Order:
    """An order whose store holds one session of one cell."""
    store = Store(tmp_path / "baselines")
    assert list(file_run(store, run(measured())))
    return Order(root=tmp_path, baselines=tmp_path / "baselines")


def test_where_nothing_is_compared_nothing_is_faced(order: Order) -> None:
    now = run(measured(), id="run-2")
    assert facing_of(order, now, compares=False) is None
    assert facing_of(order, replace(now, planned=())) is None


def test_stored_baselines_of_this_machine_are_counted_apart_from_others(order: Order) -> None:
    now = run(measured(), measured(OTHER), id="run-2")
    here = facing_of(order, now)
    assert here is not None
    assert [one.cell for one in here.origins] == [CELL]
    assert here.margins == (("latency_seconds", USUAL.margin(CELL, "latency_seconds")), ("peak_bytes", 0.01))
    moved = replace(now.environment, identity={**now.environment.identity, "usable_cores": 64})
    there = facing_of(order, replace(now, environment=moved))
    assert there is not None
    assert (there.origins, there.elsewhere) == ((), 1)


def test_a_library_that_changed_since_is_named_and_one_that_only_one_side_knows_is_not(order: Order) -> None:
    now = run(measured(), id="run-2")
    key = next(iter(now.environment.libraries))
    libraries = {**now.environment.libraries, key: "another", "news": "1"}
    elsewhere = replace(now, environment=replace(now.environment, libraries=libraries))
    faced = facing_of(order, elsewhere)
    assert faced is not None
    assert [(one.key, one.new) for one in faced.differences] == [(key, "another")]


def test_a_live_comparison_names_its_other_side_and_reads_no_store(order: Order) -> None:
    live = replace(order, against=Against.parse("main"), baselines=Path("/nowhere"))
    now = run(measured())
    faced = facing_of(live, now)
    assert faced is not None
    assert (faced.against, faced.origins) == ("main", ())
    assert early_of(live, now) is None


@pytest.mark.parametrize("seconds", [0.010, 0.080])
def test_what_is_said_early_of_a_cell_is_what_is_said_of_it_in_the_end(order: Order, seconds: float) -> None:
    slow = measured(seconds=(seconds,) * 4, latency_seconds=seconds)
    now = run(slow, id="run-2", day=2)
    early = early_of(order, now)
    assert early is not None
    said = early.verdict(slow)
    shelf = gather(Store(order.baselines), now.planned, now.environment.identity)
    last = compare_stored(now, shelf, USUAL.margin, stored_rate(shelf))
    assert said == next(one for one in last if one.metric == "latency_seconds")
    assert said is not None
    assert (said.outcome is Outcome.SUSPECT) == (seconds > 0.05)


def test_of_a_cell_that_is_not_stored_nothing_is_said(order: Order) -> None:
    early = early_of(order, run(measured(), id="run-2"))
    assert early is not None
    assert early.verdict(measured(OTHER)) is None


def test_an_empty_store_has_nothing_to_say(order: Order, tmp_path: Path) -> None:
    assert early_of(replace(order, baselines=tmp_path / "none"), run(measured())) is None
