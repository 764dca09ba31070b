"""One run over the grid: what is planned, who is measured, what is already known. The journal is its memory.

With several processes (pytest-xdist) each has a campaign on the same journal: whoever holds the device's lease
measures, and everybody reads what was measured.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Protocol

from harness import zoo
from harness.cells import Cell, Device, Reason
from harness.conduct.asked import cells_asked, model_patterns, refuse_what_takes_nothing
from harness.conduct.examining import OUTPUTS_FOLDER, REFERENCE_DEVICE, Examiner
from harness.conduct.order import Order
from harness.conduct.patience import inference_seconds
from harness.conduct.records import Records, settings_of
from harness.conduct.room import too_little
from harness.conduct.solo import Plan, Solo
from harness.errors import UsageProblem
from harness.journal import Finished, Journal
from harness.limits import Rates
from harness.models import Model
from harness.probes import Unavailable
from harness.probes.condition import Sampler
from harness.probes.room import available_bytes
from harness.results import Condition, Fact, Measurement, Phase, Status
from harness.runtimes import RUNTIMES
from harness.scores import Quality
from harness.worker import protocol
from harness.worker.lease import lease
from harness.worker.link import Worker
from harness.worker.pool import Pool

QUIET_THREADS = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0", "KMP_BLOCKTIME": "0"}
"""Idle threads of a pool sleep instead of spinning: two spinning threads on two busy cores are 5-8 x slower."""

_RATES_SECONDS, _MORE_RATES_SECONDS = 1.0, 0.3
"""For what the machine reaches at its best: the first time, and again with every fp32, when it may be quieter."""

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


class Listener(Protocol):
    """Who is told how the run goes."""

    def waiting(self, cell: Cell) -> None:
        """Another process measures on the cell's device; asked again and again until it is free."""

    def cell_started(self, cell: Cell) -> None:
        """The measuring of a cell begins."""

    def phase(self, cell: Cell, phase: Phase) -> None:
        """The worker goes on to something else."""

    def cell_finished(self, measurement: Measurement) -> None:
        """A cell's measurement is known."""

    def tick(self) -> None:
        """About a second has passed."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The chosen models and the cells made of them."""

    models: Mapping[str, zoo.Declared]
    cells: tuple[Cell, ...]
    declared: tuple[zoo.Declared, ...] = ()


def plan(order: Order) -> Grid:
    """Choose models and make cells; refuse patterns that match nothing."""
    declared = zoo.discover(order.root, order.models_folder)
    if not declared:
        raise UsageProblem(
            f"no models are declared in {order.root / order.models_folder}; add one, set [tool.quantgate] models, or,"
            " where that is not your project, run pytest in it or give --rootdir"
        )
    for name in order.checkpoints:
        _check_checkpoint(name, declared)
    chosen = zoo.choose(declared, model_patterns(order), order.size)
    if order.cells:
        chosen = zoo.choose_all(chosen, order.models)
    offered = [(one.model.name, one.model.precisions) for one in chosen]
    refuse_what_takes_nothing(order, offered)
    cells = cells_asked(order, offered)
    return Grid({one.model.name: one for one in chosen}, cells, declared)


class Campaign:
    """Measures cells once each, in this process or by reading what another process measured."""

    def __init__(
        self, order: Order, grid: Grid, journal: Journal, listener: Listener, planned: tuple[Cell, ...]
    ) -> None:
        self._order = order
        self._grid = grid
        self._journal = journal
        self._listener = listener
        self._known: dict[Cell, Measurement] = {}
        self._absent: dict[tuple[str, str], Measurement] = {}
        self._finished = Finished(journal.folder)
        self._sampler = Sampler()
        self._records = Records(order.cache, settings_of(order))
        self.planned = planned
        self._current: Cell | None = None
        self._rated: set[tuple[str, str]] = set()
        self._pool = Pool(worker_environment(order.threads), self._more_is_to_come)
        self.examiner = Examiner(
            journal.folder / OUTPUTS_FOLDER,
            self.assignment,
            self._pool.fresh,
            self.score_worker,
            self.heard,
            order.cell_limit_seconds,
        )

    def remember(self) -> None:
        """Take over what the journal already holds: of another process, or of the run that is resumed."""
        self._known.update((cell, found) for cell, found in self._finished.cells().items() if cell in self._grid.cells)

    def prepare(self) -> None:
        """Have a worker come up for the first cell."""
        self._pool.refill()
        self._pool.settle()

    def close(self) -> None:
        """Let go of what was kept for cells that will not come."""
        self._pool.close()

    def measurement(self, cell: Cell) -> Measurement:
        """The measurement of a cell; measured now where nobody has."""
        if cell not in self._known:
            with self.held(cell):
                self.remember()
                if cell not in self._known:
                    self._known[cell] = self._measure(cell)
        return self._known[cell]

    @property
    def models(self) -> Mapping[str, Model]:
        """The chosen models by name."""
        return {name: one.model for name, one in self._grid.models.items()}

    def quality(self, cell: Cell) -> Quality | None:
        """What the outputs of a measured cell are worth; None where nothing is known of them."""
        found = self.measurement(cell).quality
        return None if found is None or found.problem else found

    def score_worker(self) -> Worker:
        """A worker that scores outputs, of whichever side: one ruler for both."""
        return self._pool.fresh()

    @property
    def streaming(self) -> frozenset[str]:
        """The models of which each chunk is timed by itself."""
        return frozenset(name for name, one in self._grid.models.items() if one.model.streaming)

    def weigh(self, cell: Cell, processes: int) -> tuple[float, ...]:
        """The peaks of further processes of a cell that was measured before; fewer where one of them fails."""
        solo = self._solo(cell, self._grid.models[cell.model])
        with self.held(cell):
            peaks = [solo.peak_bytes() for _ in range(processes)]
        return tuple(peak for peak in peaks if peak is not None)

    def held(self, cell: Cell) -> AbstractContextManager[None]:
        """The device of a cell, for as long as the block takes; another run's turn is waited for."""
        return lease((_leased(cell),), on_wait=lambda: self._listener.waiting(cell))

    def _more_is_to_come(self) -> bool:
        """Whether a cell is left beside the one being measured."""
        return any(cell not in self._known and cell != self._current for cell in self.planned)

    def _measure(self, cell: Cell) -> Measurement:
        self._current = cell
        self._journal.write("cell-started", cell)
        self._listener.cell_started(cell)
        declared = self._grid.models[cell.model]
        measured = self._without_a_worker(cell, declared) or self._solo(cell, declared).measure()
        if measured.status is Status.MEASURED and self._order.examines:
            measured = self._examined(declared.model, measured)
        if measured.reason is Reason.NO_DEVICE:  # a package may be missing to this one model alone
            self._absent[(declared.model.runtime, cell.device)] = measured
        self._journal.write("cell-finished", cell, measurement=measured)
        self._listener.cell_finished(measured)
        return measured

    def _examined(self, model: Model, measured: Measurement) -> Measurement:
        """The measurement with the quality of its outputs.

        fp32 and the metrics run on the CPU: of a cell of another device, they wait until nobody is timed there.
        """
        cpu = Cell(measured.cell.model, measured.cell.precision, REFERENCE_DEVICE)
        with nullcontext() if _leased(cpu) == _leased(measured.cell) else self.held(cpu):
            return self._scored(model, measured)

    def _scored(self, model: Model, measured: Measurement) -> Measurement:
        found = self.examiner.examined(model, measured)
        if not self._order.tries_other_kernels or found.quality is None or found.quality.problem:
            return found
        options = RUNTIMES[model.runtime]().other_kernels(found.cell.precision)
        sensitivity = tuple(self.examiner.sensitivity(model, found.cell, options))
        return replace(found, quality=replace(found.quality, sensitivity=sensitivity))

    def heard(self, worker: Worker, cell: Cell) -> Worker:
        """A worker whose phases and ticks are told of a cell: of the one being measured, whatever is run for it."""
        current = self._current
        told = cell if current is None or current in self._known else current
        return worker.hear(lambda phase: self.phase(told, phase), self.tick)

    def _without_a_worker(self, cell: Cell, declared: zoo.Declared) -> Measurement | None:
        """Whether it is known beforehand that a cell cannot run: a package or the device is not there."""
        if found := zoo.blocked(declared.model):
            return Measurement(cell, Status.UNSUPPORTED, reason=found.reason, text=found.text)
        if absent := self._absent.get((declared.model.runtime, cell.device)):
            return Measurement(cell, Status.UNSUPPORTED, reason=absent.reason, text=absent.text)
        if why := self._lacks_room(cell, declared.model):
            return Measurement(cell, Status.UNSUPPORTED, reason=Reason.TOO_LITTLE_MEMORY, text=why)
        return None

    def _lacks_room(self, cell: Cell, model: Model) -> str | None:
        available = available_bytes()
        if isinstance(available, Unavailable):
            return None
        return too_little(available, peak_bytes=self._records.peak_bytes(cell), weight_bytes=model.size_bytes)

    def _solo(self, cell: Cell, declared: zoo.Declared) -> Solo:
        return Solo(
            declared.model,
            cell,
            self.assignment(cell),
            self._pool,
            Plan(
                self._order.timing_seconds(declared.model.size),
                self._order.cell_limit_seconds,
                self._fp32_seconds(cell),
                self._rates_seconds(cell, declared.model),
            ),
            self,
            self.examiner.place(cell) if self._order.examines else None,
            self._order.keeps_outputs,
        )

    def _fp32_seconds(self, cell: Cell) -> float | None:
        """An inference of fp32 beside a cell, where this run has measured it before."""
        found = self._known.get(Cell(cell.model, "fp32", cell.device))
        return None if found is None else inference_seconds(found)

    def assignment(self, cell: Cell) -> protocol.Assignment:
        """What a worker is told to host."""
        order, declared = self._order, self._grid.models[cell.model]
        checkpoint = order.checkpoints.get(cell.model)
        return protocol.Assignment(
            module=declared.origin.module,
            root=declared.origin.root,
            model=cell.model,
            precision=cell.precision,
            device=cell.device,
            store=str(order.cache / "artifacts"),
            made=str(order.cache / "made"),
            threads=order.threads,
            engine=order.engine,
            cores=(max(os.sched_getaffinity(0)),) if order.single_core else None,
            checkpoint=str(checkpoint) if checkpoint else None,
            seed=order.seed,
            sample_percent=order.sample_percent,
            low_memory=order.low_memory,
        )

    # What a worker's conductor tells us (`solo.Watch`).

    def phase(self, cell: Cell, phase: Phase) -> None:
        """Note what the worker does now, for whoever reads the journal after a crash."""
        self._journal.write("phase", cell, phase=phase)
        self._listener.phase(cell, phase)

    def block(self, cell: Cell, block: protocol.Block) -> None:
        """Keep every timed block at once. The worker waits meanwhile, so that the cores' own speed can be looked at."""
        self._journal.write("block", cell, wall_seconds=block.wall_seconds, example_ids=block.example_ids)
        self._sampler.time_fixed_work()

    def tick(self) -> None:
        """Pass on that time goes by."""
        self._listener.tick()

    def condition(self, cell: Cell, when: str) -> Condition:
        """How the machine is now."""
        return self._sampler.sample(when, Device.parse(cell.device))

    def rates(self, cell: Cell, rates: Rates) -> None:
        """Keep what the runtime reaches at its best: the run takes the best of all."""
        self._rated.add((rates.runtime, rates.device))
        self._journal.write("rates", cell, rates=rates)

    def _rates_seconds(self, cell: Cell, model: Model) -> float:
        return _MORE_RATES_SECONDS if (model.runtime, cell.device) in self._rated else _RATES_SECONDS

    def runtime_facts(self, cell: Cell, facts: Mapping[str, Fact]) -> None:
        """Keep what the runtime said of itself: it becomes part of the run's libraries."""
        runtime = self._grid.models[cell.model].model.runtime
        self._journal.write("runtime", cell, facts={f"{runtime}: {name}": fact for name, fact in facts.items()})


def worker_environment(threads: int) -> dict[str, str]:
    """The environment variables that every worker is started with."""
    counts = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    return {**counts, **QUIET_THREADS, **OFFLINE}


def _leased(cell: Cell) -> str:
    """`cuda` and `cuda:0` are one device."""
    device = Device.parse(cell.device)
    return f"cuda:{device.index or 0}" if device.kind == "cuda" else device.kind


def _check_checkpoint(name: str, declared: tuple[zoo.Declared, ...]) -> None:
    takers = [one.model.name for one in declared if one.model.takes_checkpoint]
    if name not in takers:
        raise UsageProblem(
            f"--checkpoint {name}: no such model takes one; those that do: {', '.join(takers) or 'none'}"
        )
