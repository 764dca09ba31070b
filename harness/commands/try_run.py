"""A run over a brought model without pytest: a trial, every precision by itself, then pairs beside fp32, and a report.

Glue: who measures is `conduct`, who judges is `judging`. Whatever ends it, the folder holds what was measured.
"""

from __future__ import annotations

import secrets
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from harness import journal as journals
from harness.bring.declaring import declare
from harness.cells import expand
from harness.commands.bringing import Taken, assignment_of
from harness.commands.try_pairs import Fight, pairing
from harness.conduct.arms import Against
from harness.conduct.campaign import Campaign, Grid, worker_environment
from harness.conduct.examining import OUTPUTS_FOLDER
from harness.conduct.order import Order
from harness.conduct.support import Support
from harness.errors import HarnessError, UsageProblem
from harness.journal import Journal
from harness.judging import bench_of
from harness.phases import Phase
from harness.probes.machine import describe
from harness.render.page.assemble import write_report
from harness.render.progress import Progress
from harness.results import Run, Status
from harness.worker import protocol
from harness.worker.link import Worker, WorkerLost
from harness.worth.standing import BASE
from harness.zoo import Declared

_FEWEST_EXAMPLES, _MOST_EXAMPLES = 3, 16
_PASSES = 8
"""How often about a cell runs each of its inputs by itself."""

_SOLO_SHARE = 0.2
_PAIRS_SHARE = 0.25
_LONGEST_CELL_SECONDS = 2.0
_ENDING_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Trying:
    """What is to be tried. `began` is when the budget began to run."""

    order: Order
    taken: Taken
    precisions: tuple[str, ...]
    folder: Path
    began: float

    @property
    def budget_seconds(self) -> float:
        """How long all of it may take."""
        return self.order.time_budget_seconds or 60.0

    @property
    def spent_seconds(self) -> float:
        """How long it has taken."""
        return time.monotonic() - self.began


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it."""

    run: Run
    folder: Path
    report: Path


def measure(trying: Trying, stream: TextIO) -> Tried:
    """Measure everything that was asked for; Ctrl-C ends it early, and leaves a report."""
    usual = trial(trying)
    others = max(len(trying.precisions) - 1, 1)
    a_cell = trying.budget_seconds * _SOLO_SHARE / (others + 1)
    examples = _MOST_EXAMPLES if usual is None else round(a_cell / (_PASSES * usual))
    examples = min(max(examples, _FEWEST_EXAMPLES), _MOST_EXAMPLES)
    declared = declare(trying.taken.drawing(examples), trying.folder)
    order = replace(
        trying.order,
        models=declared.model.name,
        against=Against.parse(f"precision={BASE}"),
        has_gate=False,
        cell_seconds=min(a_cell / 2, _LONGEST_CELL_SECONDS),
        precisions=",".join(trying.precisions),
    )
    grid = _grid(declared, order, trying.precisions)
    folder = _new_folder(order.reports)
    journal = Journal(folder)
    environment = describe(order.root, threads=order.threads)
    journal.write("run-started", environment=environment, options=order.recorded(), planned=grid.cells)
    journals.point_latest(folder)
    progress = Progress(stream)
    progress.started(len(grid.cells), cells=grid.cells, environment=environment, about_seconds=trying.budget_seconds)
    campaign = Campaign(order, grid, journal, progress, grid.cells)
    try:
        with suppress(KeyboardInterrupt):
            _measured(trying, order, grid, campaign, journal, progress)
    finally:
        campaign.close()
        progress.hide()
        run = _kept(order, folder)
    return Tried(run, folder, write_report(run, folder))


def _measured(
    trying: Trying, order: Order, grid: Grid, campaign: Campaign, journal: Journal, progress: Progress
) -> None:
    campaign.prepare()
    found = [campaign.measurement(cell) for cell in grid.cells]
    ran = [one for one in found if one.status is Status.MEASURED]
    has_base = any(one.cell.precision == BASE for one in ran)
    if has_base and len(ran) > 1:
        # Never nothing: what was measured one after the other tells a factor at best.
        left = max(trying.budget_seconds - trying.spent_seconds - _ENDING_SECONDS, trying.budget_seconds * _PAIRS_SHARE)
        fight = Fight(order, bench_of(order, grid.declared, frozenset()), campaign, journal, progress)
        journal.write("judged", judgement=fight.judged(pairing(ran, left), left))
    journal.write("run-finished")


def trial(trying: Trying) -> float | None:
    """Run fp32 once on one input: refuse here, in one line, what the model does not take. Seconds an inference.

    None where the machine cannot run it: every cell then says so.
    """
    order = trying.order
    declared = declare(trying.taken.drawing(1), trying.folder)
    assignment = assignment_of(order, declared, BASE)
    try:
        reply = _tried(order, assignment)
        if isinstance(reply, protocol.NeedsConversion):
            with Worker(worker_environment(order.threads)) as worker:
                made = worker.ask(protocol.Convert(assignment), order.cell_limit_seconds)
            reply = _tried(order, assignment) if isinstance(made, protocol.Converted) else made
    except WorkerLost as lost:
        last = lost.last_words.splitlines()[-1:]
        raise HarnessError(f"the model could not be tried: {lost.phase}: {'; '.join([lost.text, *last])}") from lost
    match reply:
        case protocol.Laps(wall_seconds=seconds):
            return min(seconds)
        case protocol.Broke(Phase.INPUTS | Phase.FIRST, text):
            raise UsageProblem(f"the model does not run on these inputs: {text}{_guessed(trying.taken)}")
        case protocol.Broke(_, text):
            raise UsageProblem(text)
        case _:
            return None


def _tried(order: Order, assignment: protocol.Assignment) -> protocol.Reply:
    """What a fresh worker says to opening the model; where that succeeds, how long an inference takes."""
    with Worker(worker_environment(order.threads)) as worker:
        opened = worker.ask(protocol.Open(assignment), order.cell_limit_seconds)
        if not isinstance(opened, protocol.Opened):
            return opened
        return worker.ask(protocol.Lap(0, 0.0, 1), order.cell_limit_seconds)


def _guessed(taken: Taken) -> str:
    """The shapes that nobody asked for, for they are what is probably wrong."""
    guessed = [one.line for one in taken.brought.inputs if one.assumed]
    if not guessed:
        return ""
    return f"; the shapes were guessed, {'; '.join(guessed)}"


def _grid(declared: Declared, order: Order, precisions: tuple[str, ...]) -> Grid:
    cells = expand([(declared.model.name, precisions)], order.devices)
    return Grid({declared.model.name: declared}, cells, (declared,))


def _new_folder(reports: Path) -> Path:
    """A new folder of a run, named by the time; the suffix keeps two apart that start in the same second."""
    folder = reports.absolute() / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}-{secrets.token_hex(2)}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise HarnessError(f"{folder} cannot be made: {error.strerror}; choose another place with --reports") from error
    return folder


def _kept(order: Order, folder: Path) -> Run:
    """The run out of its events, written down; what was learnt of the machine is kept too."""
    run = journals.fold(folder)
    support = Support(order.cache)
    for measurement in run.measurements:
        support.learn(measurement)
    support.save()
    journals.write_run(folder, run)
    shutil.rmtree(folder / OUTPUTS_FOLDER, ignore_errors=True)
    return run
