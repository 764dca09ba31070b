"""A live comparison over the grid: for each cell the two sides that meet, the null control, and one gate over all.

Decides nothing: who can be compared is found out here, what the pairs show is asked of `verdict`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from harness.cells import Cell, Reason
from harness.comparisons import LOST_SUPPORT, Duel, Outcome
from harness.conduct.arms import Arm, assignment_for, declared_by, environment_for, here
from harness.conduct.asked import cells_asked, model_patterns
from harness.conduct.duel import Corner, CornerLost, Ring
from harness.conduct.examining import REFERENCE_PRECISION
from harness.conduct.gate import Bout, chance_of, quads_a_building
from harness.conduct.order import Order
from harness.conduct.patience import Patience, inference_seconds
from harness.results import Measurement, Phase, Status
from harness.worker import protocol
from harness.worker.link import Worker
from harness.zoo import chosen_names


class Solos(Protocol):
    """Who has measured the cells of this side, each by itself."""

    def measurement(self, cell: Cell) -> Measurement:
        """The measurement of a cell."""

    def assignment(self, cell: Cell) -> protocol.Assignment:
        """What a worker of this side is told to host."""

    def held(self, cell: Cell) -> AbstractContextManager[None]:
        """The device of a cell, for as long as the block takes."""


@dataclass(frozen=True, slots=True)
class Contest:
    """The planned cells against an arm. `declared_here` are this side's models with each precision.

    `before` are duels of the run that is resumed.
    `streaming` are the models whose latency is of a chunk: a pair times them whole.
    """

    order: Order
    arm: Arm
    environment: Mapping[str, str]
    solos: Solos
    planned: tuple[Cell, ...]
    declared_here: frozenset[tuple[str, str]]
    on_phase: Callable[[Cell, Phase], None]
    on_tick: Callable[[], None]
    before: tuple[Duel, ...] = ()
    streaming: frozenset[str] = frozenset()

    def bouts(self) -> tuple[Bout[Ring], ...]:
        """A bout for every cell that has another side, whether it can be measured or not, and the controls."""
        declared = self._declared()
        bouts = [self._bout(cell, declared) for cell in self.planned if cell.precision != self.arm.precision]
        return (*bouts, *self._missing(declared), *self._controls(bouts))

    def _declared(self) -> Mapping[str, protocol.DeclaredModel] | None:
        """What the other side's suites declare; None where they are the same suites."""
        if self.arm.revision is None:
            return None
        found = declared_by(self.arm, self.order.models_folder, self.environment)
        return {model.name: model for model in found.models}

    def _bout(self, cell: Cell, declared: Mapping[str, protocol.DeclaredModel] | None) -> Bout[Ring]:
        duel = Duel(cell, self.arm.label, of=" of whole streams" if cell.model in self.streaming else "")
        measured = self.solos.measurement(cell)
        if measured.failure is not None:
            failure = measured.failure
            return Bout(replace(duel, outcome=Outcome.FAILED, problem=f"{failure.phase}: {failure.text}"))
        there = None if declared is None else declared.get(cell.model)
        if declared is not None and (there is None or cell.precision not in there.precisions):
            return Bout(replace(duel, outcome=Outcome.NEW, problem=f"{self.arm.label} does not declare it"))
        ring = self._ring(cell, there)
        if measured.status is Status.UNSUPPORTED:
            return Bout(self._unsupported(duel, measured, ring))
        return self._resumed(Bout(duel, ring))

    def _unsupported(self, duel: Duel, measured: Measurement, ring: Ring) -> Duel:
        """A cell that cannot run here: whether the other side could is tried, for then something was lost.

        Not where memory is short: nothing was tried here either. What is too slow here has to be quicker there.
        """
        reason = f"{measured.reason}: {measured.text}"
        if self.arm.precision is not None or measured.reason is Reason.TOO_LITTLE_MEMORY:
            return replace(duel, outcome=Outcome.UNSUPPORTED, problem=reason)
        patience = self._patience(duel.cell) if measured.reason is Reason.TOO_SLOW else None
        try:
            with self.solos.held(duel.cell):
                ring.opens(ring.old, self.order.cell_limit_seconds, patience)
        except CornerLost:
            return replace(duel, outcome=Outcome.UNSUPPORTED, problem=reason)
        return replace(
            duel,
            outcome=Outcome.UNSUPPORTED,
            problem=f"{reason}; {ring.old.name} can run it",
            differences=(LOST_SUPPORT,),
        )

    def _patience(self, cell: Cell) -> Patience:
        """How long the other side is waited for, where this one was too slow: as long as this one was."""
        limit, base = self.order.cell_limit_seconds, Cell(cell.model, REFERENCE_PRECISION, cell.device)
        if cell == base:
            return Patience(limit, limit)
        fp32 = inference_seconds(self.solos.measurement(base)) if base in self.planned else None
        return Patience(limit, fp32)

    def _missing(self, declared: Mapping[str, protocol.DeclaredModel] | None) -> Iterator[Bout[Ring]]:
        """Cells that only the other side has, where the same options would have chosen them."""
        if declared is None:
            return
        chosen = chosen_names(declared.values(), model_patterns(self.order), self.order.size)
        wanted = [(model.name, model.precisions) for model in declared.values() if model.name in chosen]
        for cell in cells_asked(self.order, wanted):
            if (cell.model, cell.precision) not in self.declared_here:
                problem = f"{self.arm.label} has this cell, and this side does not declare it"
                yield Bout(Duel(cell, self.arm.label, outcome=Outcome.MISSING, problem=problem))

    def _controls(self, bouts: list[Bout[Ring]]) -> Iterator[Bout[Ring]]:
        """The old side against itself, on the quickest cell that it can open: what trips there does so anywhere."""
        able = [(bout.duel, bout.ring) for bout in bouts if bout.ring is not None]
        for compared, ring in sorted(able, key=lambda one: self._spent(one[0].cell)):
            try:
                with self.solos.held(compared.cell):
                    ring.opens(ring.old, self.order.cell_limit_seconds)
            except CornerLost:
                continue
            itself = f"{ring.old.name}, against itself"
            duel = replace(
                compared,
                against=itself,
                is_control=True,
                pairs=(),
                differences=(),
                old_quality=None,
                new_quality=None,
            )
            twin = replace(ring.old, name=f"{ring.old.name} again")
            chance = chance_of(self.order.seed + 1, compared.cell)
            yield self._resumed(Bout(duel, replace(ring, new=twin, chance=chance)))
            return

    def _spent(self, cell: Cell) -> float:
        return self.solos.measurement(cell).value("latency_seconds") or 0.0

    def _ring(self, cell: Cell, there: protocol.DeclaredModel | None) -> Ring:
        this = here(self.order.root)
        own = self.solos.assignment(cell)
        return Ring(
            old=Corner(self.arm.label, assignment_for(self.arm, own, there), self._starter(self.arm)),
            new=Corner(this.label, own, self._starter(this)),
            chance=chance_of(self.order.seed, cell),
            on_phase=lambda phase: self.on_phase(cell, phase),
            on_tick=self.on_tick,
        )

    def _starter(self, arm: Arm) -> Callable[[], Worker]:
        environment = environment_for(arm, self.environment)
        return lambda: Worker(environment, python=arm.python, folder=str(arm.root))

    def _resumed(self, bout: Bout[Ring]) -> Bout[Ring]:
        """The bout with the pairs that the run had before it was interrupted; what had ended it is tried again."""
        for duel in self.before:
            if (duel.cell, duel.is_control) == (
                bout.duel.cell,
                bout.duel.is_control,
            ) and duel.against == bout.duel.against:
                kept = tuple(one for one in duel.differences if one != LOST_SUPPORT)
                bout.duel = replace(duel, is_spent=False, outcome=None, problem=None, differences=kept)
                trial = [pair for pair in duel.pairs if pair.stage == 0]
                bout.quads_a_building = quads_a_building(trial[-1], self.order.pair_seconds) if trial else None
        return bout
