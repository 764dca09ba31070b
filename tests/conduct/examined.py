"""One side of a comparison whose models are small, real and in two precisions, and who counts its workers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from harness.cells import Cell
from harness.conduct.examining import Examiner
from harness.models import Decides, Model
from harness.quality.metric import Kind
from harness.results import Measurement
from harness.worker.link import Worker
from harness.worker.protocol import Assignment
from tests.fakes import declare, root_onnx
from tests.samples import MEASURED, model

FP32, INT8 = Cell("tone", "fp32", "cpu"), Cell("tone", "int8-dynamic", "cpu")
ROOTS = """
labelled = zip((4, 9, 16, 25), "nyyy")
return Workload("roots", 1, [Example(str(v), lambda v=v: root_of(v), label=l) for v, l in labelled], "4 to 25")
"""
BOTH = """
from dataclasses import replace
from harness.models import Decides
MODELS = (replace(
    MODELS[0],
    precisions={precisions},
    meanings=(Decides("y", threshold=2.5, positive="y"),),
    given={{"int8-dynamic": lambda setting: FileReference(HERE / "int8.onnx", "onnx", "made for a test")}},
),)
"""


@dataclass
class Side:
    """A folder of declarations, and the examiner of what they give: `tone` is yes where a root is above 2.5."""

    folder: Path
    store: Path
    fp32_weight: float = 1.0
    int8_weight: float = 1.0
    precisions: tuple[str, ...] = ("fp32", "int8-dynamic")
    more: dict[str, Any] = field(default_factory=dict)
    after: str = ""
    checks: bool = False
    """Whether metrics check themselves here; else that is taken for done."""
    sessions: int = 0
    scorers: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        root_onnx(self.folder / "root.onnx", self.fp32_weight)
        root_onnx(self.folder / "int8.onnx", self.int8_weight)
        self._declared = declare(
            self.folder,
            store=self.store,
            after=BOTH.format(precisions=self.precisions) + self.after,
            **{"workload": ROOTS, **self.more},
        )
        self.outputs = self.folder / "outputs"
        self.examiner = Examiner(self.outputs, self._assignment, self._start, self._score, _unheard, 60.0)
        if not self.checks:
            self.examiner._checked.update({kind: {} for kind in Kind})

    @property
    def model(self) -> Model:
        """What the parent knows of it."""
        return model(precisions=self.precisions, meanings=(Decides("y", threshold=2.5, positive="y"),))

    def measured(self, cell: Cell) -> Measurement:
        """What comes of a cell after its outputs were kept."""
        self.examiner.ensure(cell)
        return self.examiner.examined(self.model, replace(MEASURED, cell=cell))

    def _assignment(self, cell: Cell) -> Assignment:
        return msgspec.structs.replace(self._declared, precision=cell.precision)

    def _start(self) -> Worker:
        self.sessions += 1
        return Worker({})

    def _score(self) -> Worker:
        self.scorers += 1
        return Worker({})


def _unheard(worker: Worker, _cell: Cell) -> Worker:
    return worker
