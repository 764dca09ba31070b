"""A run over somebody's own tests that use pytest-benchmark's fixture: what they tell, and the comparison of it.

In place of a campaign, pytest itself measures each test once; a live comparison then runs them in pairs of processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from harness import journal as journals
from harness.baselines.approvals import read_acceptances
from harness.benchmark_judging import Shelf, judge_live
from harness.benchmarks import stored
from harness.benchmarks.live import Live, Selection, place_of
from harness.benchmarks.own import FEWEST_ROUNDS, Told, cell_of, measurement
from harness.benchmarks.ring import unusable
from harness.cells import AS_IS, Cell
from harness.comparisons import Duel, Judgement
from harness.conduct.arms import here
from harness.conduct.duel import CornerLost
from harness.conduct.order import Benchmarks, Order
from harness.conduct.silent import Silent
from harness.consequences import PROFILES
from harness.duel_events import DuelKeeper
from harness.errors import UsageProblem
from harness.expectations_file import read_expectations
from harness.journal import Journal
from harness.judging import Bench
from harness.match import refuse_absent
from harness.probes.machine import describe
from harness.results import Measurement
from harness.run_folder import is_first
from harness.session import Session
from harness.worker.lease import lease

_DEVICE = "cpu"


class BenchmarkSession(Session):
    """What this process knows of such a run."""

    def __init__(self, config: pytest.Config, order: Order) -> None:
        super().__init__(config, order)
        assert order.benchmarks is not None
        self._benchmarks: Benchmarks = order.benchmarks
        self._baseline: stored.Baseline | None = None
        self._selection = Selection((), frozenset())
        self._measured: dict[Cell, Measurement] = {}
        self._timers: dict[Cell, str] = {}
        self._planned_tests: tuple[Cell, ...] = ()

    @property
    def compares(self) -> bool:
        """A comparison is what was asked for."""
        return True

    def cells(self) -> tuple[Cell, ...]:
        """A suite asks for the grid: its cells and other people's tests are not judged in one run."""
        self.problem = UsageProblem(
            "--gate-benchmarks judges tests with a benchmark, and a suite of models was collected too; name the folder"
            " of the tests, and run the suite by itself"
        )
        return ()

    def in_turn(self) -> tuple[Cell, ...]:
        """Tests stay in the order in which pytest found them."""
        return ()

    def begin_tests(self, selection: Selection, chosen: tuple[str, ...]) -> None:
        """Begin with the chosen tests; refuse, before anything is measured, what could not be compared with."""
        order, cells = self._order, tuple(map(cell_of, chosen))
        if order.against is not None:
            refuse_absent(order.against, order.root)
        else:
            asked = self._benchmarks
            machine = stored.machine_folder()
            self._baseline = stored.find(asked.storage, asked.stored, asked.folder, machine)
        self._bench = self._read_bench(cells)
        self._selection = selection
        self._planned_tests = cells
        is_first(self.folder)
        journal = Journal(self.folder)
        environment = describe(order.root, threads=order.threads)
        journal.write("run-started", environment=environment, options=order.recorded(), planned=cells)
        journal.write("asked", compares=True, has_gate=order.has_gate)
        if self._progress is not None:
            self._progress.started(len(cells), cells=cells, environment=environment)

    def _read_bench(self, cells: tuple[Cell, ...]) -> Bench:
        order = self._order
        expectations = read_expectations(order.expectations, is_named=order.expects)
        if order.expects:
            expectations.check([(cell.model, (AS_IS,)) for cell in cells])
        # What is claimed and bounded there is of models.
        of_tests = replace(expectations, claims=(), quality=())
        return Bench(order, of_tests, frozenset(), self._decided_before, read_acceptances(order.baselines))

    def started_test(self, test: str) -> None:
        """A test begins."""
        cell = cell_of(test)
        Journal(self.folder).write("cell-started", cell)
        if self._progress is not None:
            self._progress.cell_started(cell)

    def ended_test(self, test: str, told: Told) -> None:
        """A test has ended, with whatever it told."""
        if len(told.seconds) == FEWEST_ROUNDS - 1:
            self._once_more(test, told)
        found = measurement(test, told)
        self._measured[found.cell] = found
        self._timers[found.cell] = told.timer
        Journal(self.folder).write("cell-finished", found.cell, measurement=found)
        if self._progress is not None:
            self._progress.cell_finished(found)

    def follow(self) -> None:
        """Nobody else measures anything of this run."""

    def _once_more(self, test: str, told: Told) -> None:
        """One round says nothing of how rounds scatter: a process of its own makes another."""
        place = place_of(here(self._order.root), self._order)
        try:
            report = place.alone(test, self._order.cell_limit_seconds, self._onlooker.tick)
        except CornerLost as lost:
            told.failure = f"a second run of it, by itself: {lost.text}"
            return
        if (why := unusable(report)) is not None:
            told.failure = f"a second run of it, by itself: {why}"
            return
        told.seconds += [seconds / report.iterations for seconds in report.seconds]

    @property
    def _onlooker(self) -> Any:
        return self._progress or Silent()

    def compare(self) -> None:
        """Compare now what the tests have told."""
        if self._planned_tests:
            self.judgement()

    def _judge(self) -> Judgement:
        assert self._bench is not None
        if self._order.against is None:
            return self._shelf().judge(self._bench, journals.fold(self.folder))
        journal = Journal(self.folder)
        live = Live(
            self._order,
            self._benchmarks.folder,
            self._selection,
            {cell: self._measured[cell] for cell in self._planned_tests if cell in self._measured},
            self._onlooker,
            DuelKeeper(journal),
            self._held,
            self.folder / "build.log",
        )
        budget = self._order.time_budget_seconds or PROFILES[self._order.profile].budget_seconds
        rate = self._bench.live_rate(len(self._planned_tests))
        duels = live.fight(self._bench.margin, rate, budget)
        return self._judged_live(duels)

    def _judged_live(self, duels: tuple[Duel, ...]) -> Judgement:
        assert self._bench is not None
        return judge_live(self._bench, journals.fold(self.folder), duels)

    def _shelf(self) -> Shelf:
        return Shelf(self._baseline, self._machine(), self._timers, tuple(self._gone()))

    def _machine(self) -> Mapping[str, Any]:
        """The machine as pytest-benchmark describes it: that takes a second, and is needed beside a stored one only."""
        if self._baseline is None:
            return {}
        hook = self._config.hook
        found: dict[str, Any] = hook.pytest_benchmark_generate_machine_info(config=self._config)
        hook.pytest_benchmark_update_machine_info(config=self._config, machine_info=found)
        return found

    def _gone(self) -> list[str]:
        """Stored tests that this run would have taken, and that are not there."""
        tests = [one.fullname for one in self._baseline.newest.benchmarks] if self._baseline else []
        order, folder = self._order, self._benchmarks.folder
        selection = self._selection
        return [test for test in tests if test not in selection.found and selection.takes(test, folder, order.root)]

    def _held(self, cell: Cell) -> AbstractContextManager[None]:
        return lease((_DEVICE,), on_wait=lambda: self._onlooker.waiting(cell))

    @property
    def idle(self) -> str:
        """Why nothing was judged: this run was asked to judge tests, and no other kind of it."""
        if self._took_part:
            return ""
        said = "no test that uses the fixture `benchmark` was chosen, so nothing was compared: this run is not green"
        return f"{said}; name the tests that do"

    def _last_word(self, *, complete: bool) -> Judgement | None:
        """The judgement of the run as it ended: of an interrupted one, what its pairs can tell."""
        if self._judgement is not None or complete:
            return self._judgement
        duels = journals.duels(self.folder)
        return self._judged_live(tuple(replace(duel, is_spent=True) for duel in duels)) if duels else None

    @property
    def _took_part(self) -> bool:
        return bool(self._planned_tests)
