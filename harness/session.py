"""One pytest process's part in a run: its folder, its campaign, its listener. The journal holds everything else."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TextIO, cast

import pytest

from harness import journal as journals
from harness.baselines.store import any_baseline
from harness.cells import Cell
from harness.comparisons import Judgement
from harness.conduct.asked import choices_of
from harness.conduct.campaign import Campaign, Grid, plan
from harness.conduct.examining import OUTPUTS_FOLDER
from harness.conduct.order import Order
from harness.conduct.records import Records, largest_first, settings_of, spent_seconds
from harness.conduct.silent import Silent
from harness.conduct.support import Support
from harness.consequences import PROFILES
from harness.ending import Ending, ending_of
from harness.errors import HarnessError, UsageProblem
from harness.facing import Outlook, outlook_of
from harness.journal import Journal
from harness.judging import Bench, bench_of
from harness.match import Match, refuse_absent
from harness.probes.machine import describe
from harness.pytest_stream import PytestStream
from harness.render.ci.where import page_of_ci
from harness.render.progress import Progress
from harness.render.surfaces import write_all
from harness.results import FailedTest, Failure, Measurement, Run
from harness.run_folder import SUITES, check_same, choose_folder, decided_before, is_first
from harness.zoo import source_digest

_ABOUT_SECONDS_A_CELL = 6.0


class Session:
    """What this process knows of the run. `problem` is what went wrong with it as a whole."""

    def __init__(self, config: pytest.Config, order: Order) -> None:
        given: str | None = getattr(config, "workerinput", {}).get("quantgate_folder")
        self._config = config
        self._order = order
        self._grid: Grid | None = None
        self._bench: Bench | None = None
        self._campaign: Campaign | None = None
        self._judgement: Judgement | None = None
        self._unjudged: HarnessError | None = None
        self._is_told_unjudged = False
        self._decided_before = decided_before(order)
        self._records = Records(order.cache, settings_of(order))
        self._followed: set[Cell] = set()
        self._told: set[Cell] = set()
        self.is_xdist_worker = given is not None
        self._progress = None if self.is_xdist_worker else Progress(cast("TextIO", PytestStream(config)))
        self.folder = Path(given) if given else choose_folder(order)
        self._finished = journals.Finished(self.folder)
        self.problem: HarnessError | None = None
        self.run: Run | None = None
        self._failed_tests: dict[str, FailedTest] = {}
        self._report: Path | None = None

    def cells(self) -> tuple[Cell, ...]:
        """The grid's cells; none where the grid means nothing, which is the run's problem, told after collection."""
        if self._grid is None and self.problem is None:
            try:
                self._grid = self._planned()
            except HarnessError as error:
                self.problem = error
        return self._grid.cells if self._grid else ()

    def _planned(self) -> Grid:
        """The grid, where all that it will be judged by is there too: nothing is measured in vain."""
        grid = plan(self._order)
        self._bench = bench_of(self._order, grid.declared, self._decided_before)
        if self._order.against is not None:
            refuse_absent(self._order.against, self._order.root)
        return grid

    def in_turn(self) -> tuple[Cell, ...]:
        """The grid's cells as they are to be measured: by what earlier runs took, the largest first.

        With pytest-xdist all processes must have one order, and what is recorded may change while they come up.
        """
        if self.is_xdist_worker:
            return self.cells()
        return largest_first(self.cells(), lambda cell: self._records.seconds(cell, self._order.cell_seconds))

    def begin(self, planned: tuple[Cell, ...]) -> None:
        """Start the run, or join the one that another process has started."""
        assert self._grid is not None
        journal = Journal(self.folder)
        options = {**self._order.recorded(), SUITES: source_digest(self._order.root, self._order.models_folder)}
        if self._order.resume and not self.is_xdist_worker:
            check_same(self.folder, options)
            journal.write_after_crash("run-resumed")
        elif is_first(self.folder):
            journal.write(
                "run-started",
                environment=describe(self._order.root, threads=self._order.threads),
                options=options,
                planned=planned,
            )
        if not self.is_xdist_worker:
            journal.write("asked", compares=self.compares, has_gate=self._order.has_gate)
        self._campaign = Campaign(self._order, self._grid, journal, self._progress or Silent(), planned)
        self._campaign.remember()
        self._announce()
        self._campaign.prepare()

    def measurement(self, cell: Cell) -> Measurement:
        """The measurement of a cell of the grid."""
        if self._campaign is None:
            raise UsageProblem(f"{cell} was not part of the collection; ask for it through the `cell` fixture")
        return self._campaign.measurement(cell)

    @property
    def compares(self) -> bool:
        """Whether a comparison was asked for: live, by the profile, or because results were accepted before."""
        must = self._order.against is not None or PROFILES[self._order.profile].must_compare
        return must or any_baseline(self._order.baselines)

    @property
    def planned(self) -> tuple[Cell, ...]:
        """The cells that this run measures."""
        return self._campaign.planned if self._campaign else ()

    @property
    def judges(self) -> bool:
        """Whether anything will be judged: a comparison, or targets and bounds that need none."""
        return self.compares or (self._bench is not None and self._bench.has_promises)

    def promised(self) -> tuple[Cell, ...]:
        """The cells of the grid of which claims, budgets or bounds will be judged."""
        cells = self.cells()
        if self._bench is None or not self.judges:
            return ()
        expected = self._bench.expectations
        return tuple(
            cell
            for cell in cells
            if expected.budgets_of(cell)
            or expected.quality_of(cell)
            or any(claim.fits(cell) for claim in expected.claims)
        )

    def judgement(self) -> Judgement:
        """Every verdict of the run. The first who asks has what is not yet measured measured, and compared."""
        if self._unjudged is not None:
            raise self._unjudged
        if self._judgement is None:
            try:
                self._judgement = self._judge()
            except HarnessError as error:
                self._unjudged = error
                raise
        return self._judgement

    def compare(self) -> None:
        """Compare now what was to be compared, if nobody asked before."""
        if self.compares and self._campaign is not None and not self.is_xdist_worker:
            self.judgement()

    def _judge(self) -> Judgement:
        if self._campaign is None or self._bench is None or self._grid is None:
            raise UsageProblem("nothing of this run was measured, so nothing can be judged")
        for cell in self._campaign.planned:
            self._campaign.measurement(cell)
        match = Match(self._order, self._bench, self._campaign, Journal(self.folder), self._progress or Silent())
        return match.live() if self._order.against else match.stored()

    def told(self, cell: Cell, failure: Failure) -> str:
        """What a test says of a failed cell: everything the first time, a word afterwards."""
        if cell in self._told:
            return f"{cell} was not measured; its first test says why"
        self._told.add(cell)
        words = f"\n{failure.last_words}" if failure.last_words else ""
        return f"{cell}: {failure.phase}: {failure.text}{words}"

    def follow(self) -> None:
        """Tell what other processes have measured since the last time (pytest-xdist's controller measures nothing)."""
        if self._campaign is not None or self._progress is None or not self._has_begun:
            return
        if not self._followed:
            self._announce()
        for cell, measurement in self._finished.cells().items():
            if cell not in self._followed:
                self._followed.add(cell)
                self._progress.cell_finished(measurement)

    def untold(self, problem: HarnessError) -> str:
        """What a test says where nothing could be judged: everything the first time, a word afterwards."""
        is_first, self._is_told_unjudged = not self._is_told_unjudged, True
        return str(problem) if is_first else "nothing could be judged; the first test of a verdict says why"

    def _announce(self) -> None:
        """Say what is planned, on what machine."""
        if self._progress is not None:
            run = journals.fold(self.folder)
            outlook = self._outlook(run)
            self._progress.started(
                len(run.planned),
                cells=run.planned,
                environment=run.environment,
                about_seconds=sum(map(self._about_seconds, run.planned)),
                auto=[choice.words for choice in choices_of(self._order).values()],
                facing=outlook.facing,
                early=outlook.early.verdict if outlook.early else None,
                load=os.getloadavg()[0],
                now=journals.now(),
            )

    def _outlook(self, run: Run) -> Outlook:
        """What the run is held against, as far as it is known by now."""
        if self._bench is None:
            return Outlook()
        return outlook_of(self._order, self._bench.expectations.margins, run, compares=self.compares)

    def _about_seconds(self, cell: Cell) -> float:
        """How long a cell will take: as it did before, else as cells usually do."""
        known = self._records.seconds(cell, self._order.cell_seconds)
        return _ABOUT_SECONDS_A_CELL + self._order.cell_seconds * 1.5 if known is None else known

    def test_failed(self, name: str, text: str) -> None:
        """Remember that a test failed: whoever shows the run must not call it green."""
        self._failed_tests.setdefault(name, FailedTest(name, text))

    def some_test_failed(self) -> None:
        """Pytest says that something failed: a module that could not be collected has no test of its own to tell."""
        if not self._failed_tests:
            self.test_failed("the collection", "pytest counts a failure that belongs to no test")

    @property
    def ending(self) -> Ending | None:
        """How the run ended; None where there was no run, or it is not this process's to end."""
        return ending_of(self.run) if self.run else None

    @property
    def idle(self) -> str:
        """Why nothing began though a comparison was asked for; empty where a run began, or none was asked for."""
        if self._order.against is None or self._took_part:
            return ""
        said = "no test of a cell was chosen, so nothing was compared: this run is not green"
        return f"{said}; name the folder of the suites"

    def finish(self, *, complete: bool) -> None:
        """End the run: record, report, the pointer to the newest. What was measured is kept whatever happened."""
        if self._campaign is not None:
            self._campaign.close()
        if self.is_xdist_worker or not self._took_part:
            return
        self.follow()
        journal = Journal(self.folder)
        judgement = self._last_word(complete=complete)
        if judgement is not None:
            journal.write("judged", judgement=judgement)
        for failed in self._failed_tests.values():
            journal.write("test-failed", name=failed.name, text=failed.text)
        if self.problem is not None:
            journal.write("trouble", text=str(self.problem), is_usage=isinstance(self.problem, UsageProblem))
        if complete:
            journal.write("run-finished")
        self.run = journals.fold(self.folder)
        support = Support(self._order.cache)
        for measurement in self.run.measurements:
            support.learn(measurement)
        support.save()
        self._records.learn(self.run.measurements, spent_seconds(self.folder), self._order.cell_seconds)
        self._records.save()
        journals.write_run(self.folder, self.run)
        if complete and not self._order.keeps_outputs:
            shutil.rmtree(self.folder / OUTPUTS_FOLDER, ignore_errors=True)
        journals.point_latest(self.folder)
        self._report = self._written(self.run)

    def _written(self, run: Run) -> Path:
        """Write what shows the run. A printer that breaks costs neither the record nor the words of the terminal."""
        try:
            return write_all(run, self.folder, page_of_ci(os.environ))
        except HarnessError:
            raise
        except Exception as error:
            said = f"the record is kept, and not all that shows it could be made ({type(error).__name__}: {error})"
            raise HarnessError(f"{said}; `quantgate report {self.folder}` tells where: please report it") from error

    def _last_word(self, *, complete: bool) -> Judgement | None:
        """The judgement of the run as it ended: of an interrupted one, what its pairs can tell."""
        if self._judgement is not None:
            return self._judgement
        bench = self._bench or bench_of(self._order, plan(self._order).declared, self._decided_before)
        if not (self.compares or bench.has_promises):
            return None
        run = journals.fold(self.folder)
        if self._order.against is None:
            return bench.stored(run) if complete else None
        duels = journals.duels(self.folder)
        return bench.live(run, [replace(duel, is_spent=True) for duel in duels]) if duels else None

    def show(self) -> None:
        """Show the final table, and where the report is."""
        if self._progress is not None and self.run is not None:
            shown = os.path.relpath(self._report) if self._report else None
            self._progress.finished(self.run, report=shown)

    def hide(self) -> None:
        """Take the live bar away, because somebody else writes."""
        if self._progress is not None:
            self._progress.hide()

    @property
    def _took_part(self) -> bool:
        """Whether this run is this process's to end: it measured, or its workers did."""
        has_workers = self._config.pluginmanager.hasplugin("dsession")
        return self._campaign is not None or (has_workers and self._has_begun)

    @property
    def _has_begun(self) -> bool:
        return (self.folder / journals.EVENTS_FILE).exists()
