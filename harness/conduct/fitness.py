"""Measures identical code against itself, as the gate measures: what a machine's noise does to it. Decides nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from harness import zoo
from harness.cells import Cell
from harness.comparisons import Duel, Pair
from harness.conduct.arms import here
from harness.conduct.campaign import Campaign, Grid, Listener, worker_environment
from harness.conduct.duel import Corner, Ring
from harness.conduct.gate import Bout, Gate, Onlooker, chance_of
from harness.conduct.order import Order
from harness.errors import HarnessError
from harness.journal import Journal
from harness.probes.condition import Sampler
from harness.results import Condition, Measurement, Status
from harness.verdict.times import LATENCY, MarginOf
from harness.worker.link import Worker

CORRECTED = "corrected_p50_seconds"


class Watcher(Onlooker, Listener, Protocol):
    """Who is told how it goes: as the cells are tried, and as the pairs are measured."""


@dataclass(frozen=True, slots=True)
class Examined:
    """One cell against itself. `uncorrected` is why its time has no part without waiting; None where it has."""

    duel: Duel
    uncorrected: str | None


@dataclass(frozen=True, slots=True)
class Examination:
    """What was measured, and the machine before it and over the whole of it."""

    cells: tuple[Examined, ...]
    before: Condition
    after: Condition


class NothingRuns(HarnessError):
    """No cell that was asked for can be measured on this machine."""


def examine(
    order: Order, grid: Grid, most: int, seconds: float, margin_of: MarginOf, rate: float, watcher: Watcher
) -> Examination:
    """Find the quickest cells, one of each model, and measure pairs of each against itself for so many seconds."""
    device = order.devices[0]
    with tempfile.TemporaryDirectory(prefix="quantgate-doctor-") as folder:
        journal = Journal(Path(folder))
        journal.write("examined")
        campaign = Campaign(order, grid, journal, watcher, grid.cells)
        try:
            quickest = _quickest(grid, campaign.measurement)[:most]
            bouts = [Bout(_duel(one.cell), _ring(order, campaign, one.cell, watcher)) for one in quickest]
            sampler = Sampler()
            # Held throughout, so that waiting for another run takes none of the seconds.
            with campaign.held(quickest[0].cell):
                before = sampler.sample("before", device)
                Gate(
                    bouts,
                    _never_within(margin_of),
                    rate,
                    seconds,
                    watcher,
                    _Forgetful(),
                    lambda _cell: nullcontext(),
                    order.cell_limit_seconds,
                ).run()
                after = sampler.sample("after", device)
        finally:
            campaign.close()
    examined = [Examined(bout.duel, _why_uncorrected(one)) for bout, one in zip(bouts, quickest, strict=True)]
    return Examination(tuple(examined), before, after)


def _never_within(margin_of: MarginOf) -> MarginOf:
    """Margins by which no latency is ever shown to be unchanged: the gate then goes on until the time is spent."""
    return lambda cell, metric: 0.0 if metric == LATENCY else margin_of(cell, metric)


def _quickest(grid: Grid, measurement: Callable[[Cell], Measurement]) -> list[Measurement]:
    """The first cell of each model that can be measured, the quickest first."""
    first = {cell.model: cell for cell in reversed(grid.cells)}
    able = [cell for cell in first.values() if zoo.blocked(grid.models[cell.model].model) is None]
    tried = [measurement(cell) for cell in sorted(able, key=grid.cells.index)]
    measured = [one for one in tried if one.status is Status.MEASURED]
    if not measured:
        raise NothingRuns(_why_nothing(grid, tried))
    return sorted(measured, key=lambda one: one.value(LATENCY) or 0.0)


def _why_nothing(grid: Grid, tried: list[Measurement]) -> str:
    """Why no cell can be measured; each reason ends with what to do where it is a missing package."""
    blocked = [found.text for one in grid.models.values() if (found := zoo.blocked(one.model)) is not None]
    failed = [f"{one.cell}: {one.failure.text if one.failure else one.text}" for one in tried]
    reasons = "; ".join(dict.fromkeys((*blocked, *failed))) or "none is declared"
    return f"no model can be measured, so nothing is told of this machine ({reasons}); quantgate list shows them all"


def _duel(cell: Cell) -> Duel:
    return Duel(cell, "itself", is_control=True)


def _ring(order: Order, campaign: Campaign, cell: Cell, watcher: Watcher) -> Ring:
    arm = here(order.root)
    environment = worker_environment(order.threads)
    corner = Corner(
        arm.label, campaign.assignment(cell), lambda: Worker(environment, python=arm.python, folder=str(arm.root))
    )
    return Ring(
        old=corner,
        new=replace(corner, name=f"{corner.name} again"),
        chance=chance_of(order.seed, cell),
        on_phase=lambda phase: watcher.phase(cell, phase),
        on_tick=watcher.tick,
    )


def _why_uncorrected(measured: Measurement) -> str | None:
    """The stopwatch's own word."""
    reading = measured.reading(CORRECTED)
    return reading.unavailable if reading else "it was not measured"


class _Forgetful:
    """Keeps nothing on disk: an examination that is interrupted is started again."""

    def began(self, duel: Duel) -> None:
        """Keep nothing."""

    def pair(self, duel: Duel, pair: Pair) -> None:
        """Keep nothing."""

    def trial(self, duel: Duel) -> None:
        """Keep nothing."""
