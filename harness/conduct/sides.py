"""The quality of both sides of a live comparison: the other side's outputs are kept and scored as this side's were.

Both are set beside the *other* side's fp32: had this side's fp32 changed, its own would hide it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from harness.cells import Cell
from harness.comparisons import Duel
from harness.conduct.duel import Corner
from harness.conduct.examining import Examiner, Unanswered
from harness.models import Model
from harness.scores import Quality
from harness.worker import protocol
from harness.worker.link import Worker


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides, each with its outputs. `hold` gives the device of a cell while something runs on it."""

    this: Examiner
    other: Examiner
    models: Mapping[str, Model]
    known: Callable[[Cell], Quality | None]
    hold: Callable[[Cell], AbstractContextManager[None]]

    def examined(self, duel: Duel) -> Duel:
        """The duel with the quality of both sides' outputs."""
        with self.hold(duel.cell):
            old, new = self._both(self.models[duel.cell.model], duel.cell)
        return replace(duel, old_quality=old, new_quality=new)

    def _both(self, model: Model, cell: Cell) -> tuple[Quality, Quality]:
        try:
            self.this.ensure(cell)
            self.other.ensure(cell)
        except Unanswered as unanswered:
            unknown = Quality(problem=str(unanswered))
            return unknown, unknown
        own = self.known(cell)
        old = self.other.quality(model, cell) if own is None or not self._is_alike(model, cell) else own
        if old is own:
            return old, old
        return old, self.this.quality(model, cell, self.other.reference_place(cell))

    def _is_alike(self, model: Model, cell: Cell) -> bool:
        """Whether the sides give the same, bit for bit: then one score serves both."""
        return self.other.has_reference(model, cell) and self.this.gives_as(cell, self.other)


def other_side(
    corners: Mapping[str, Corner],
    folder: Path,
    score: Callable[[], Worker],
    hear: Callable[[Worker, Cell], Worker],
    limit_seconds: float,
) -> Examiner:
    """Who examines the other side, in a folder. A model's corner there says how any cell of the model is hosted."""

    def assignment(cell: Cell) -> protocol.Assignment:
        own = corners[cell.model].assignment
        return msgspec.structs.replace(own, precision=cell.precision, device=cell.device)

    def start() -> Worker:
        return next(iter(corners.values())).start()

    return Examiner(folder, assignment, start, score, hear, limit_seconds)
