"""Has a damaged model answer and be scored by real workers, as a run does it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from common import CPU

from harness.cells import Cell
from harness.conduct.campaign import worker_environment
from harness.conduct.examining import Examiner
from harness.models import FileReference, Model, Setting
from harness.scores import Quality
from harness.worker.link import Worker
from harness.worker.protocol import Assignment
from quality.cases import Damage
from quality.declared import WEIGHTS, variant

if TYPE_CHECKING:
    import onnx

_BENCH = Path(__file__).parents[1]
_LIMIT_SECONDS = 900.0


class Keeper:
    """Keeps and scores the outputs of one model under `folder`; artifacts of the undamaged model stay in the cache."""

    def __init__(self, model: Model, folder: Path, cache: Path) -> None:
        self.model = model
        self._folder = folder
        self._made = cache / "made"
        self._plain = Assignment(
            module="quality.declared",
            root=str(_BENCH),
            model=model.name,
            precision="fp32",
            device=str(CPU),
            store=str(cache / "artifacts"),
            made=str(self._made),
        )
        self._assigned: dict[Cell, Assignment] = {}
        environment = worker_environment(self._plain.threads)
        self._examiner = Examiner(
            folder / "outputs",
            self._assigned.__getitem__,
            lambda: Worker(environment),
            lambda: Worker(environment),
            lambda worker, _: worker,
            _LIMIT_SECONDS,
        )
        self._base = self._cell("undamaged", "fp32")

    def base(self) -> Quality:
        """The model as it is, scored against itself."""
        return self._quality(self._base, self._plain)

    def again(self, name: str, kind: str | None = None, **assigned: Any) -> Quality:
        """Another session of the model, or of one of its declarations, assigned otherwise."""
        model = self.model.name if kind is None else variant(self.model.name, kind)
        changed = msgspec.structs.replace(self._plain, model=model, **assigned)
        return self._quality(self._cell(name, "fp32"), changed)

    def damaged(self, damage: Damage) -> Quality:
        """The model with a damage. Raises Unanswered where nothing comes of it."""
        cell = self._cell(damage.name, damage.precision)
        if damage.weights is None:
            model = self.model.name if damage.kind is None else variant(self.model.name, damage.kind)
            changed = msgspec.structs.replace(self._plain, model=model, precision=damage.precision)
            return self._quality(cell, changed)
        workbench = self._folder / "damaged"
        workbench.mkdir(parents=True)
        try:
            file = self._write(damage.weights, workbench / "damaged.onnx")
            changed = msgspec.structs.replace(
                self._plain,
                model=variant(self.model.name, WEIGHTS),
                checkpoint=str(file),
                store=str(workbench / "artifacts"),
            )
            return self._quality(cell, changed)
        finally:
            shutil.rmtree(workbench)

    def _quality(self, cell: Cell, assignment: Assignment) -> Quality:
        self._assigned[cell] = assignment
        self._examiner.ensure(cell)
        found = self._examiner.quality(self.model, cell, beside=self._examiner.place(self._base))
        if found.problem is not None:
            raise RuntimeError(f"the outputs of {cell.model} were kept and cannot be scored: {found.problem}")
        if cell != self._base:
            shutil.rmtree(self._examiner.place(cell))
        return found

    def _write(self, damage: Callable[[onnx.ModelProto], object], target: Path) -> Path:
        """The shipped file with its weights damaged."""
        import onnx

        reference = self.model.reference(Setting(self._made))
        assert isinstance(reference, FileReference)
        model = onnx.load(reference.path)
        damage(model)
        onnx.save(model, target)
        return target

    def _cell(self, name: str, precision: str) -> Cell:
        """A cell of its own for each damage: it names the folder of its outputs."""
        return Cell(f"{self.model.name} {quote(name)}", precision, str(CPU))
