"""A model as it is declared, and the examples that an assignment takes of its sets; its own code, run and explained."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from harness import zoo
from harness.cells import Reason, Unsupported
from harness.errors import HarnessError, ModelProblem
from harness.models import Model, Setting, Workload
from harness.sampling import balanced_part
from harness.worker.protocol import Assignment

Made = TypeVar("Made")


class Sets:
    """What a model is measured and examined with."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        origin = zoo.Origin(assignment.module, assignment.root)
        self.model = _declared(assignment.model, zoo.load(origin))
        self.setting = Setting(
            made=Path(assignment.made),
            checkpoint=Path(assignment.checkpoint) if assignment.checkpoint else None,
            seed=assignment.seed,
        )

    def workload(self) -> Workload:
        """The examples to time: the model's own, or a balanced part of them."""
        return self._part(self.own(lambda: self.model.workload(self.setting), "its workload"))

    def exam(self) -> Workload | None:
        """The examples to examine it with, or a balanced part of them; None where the model has none."""
        make = self.model.exam
        whole = None if make is None else self.own(lambda: make(self.setting), "its exam")
        return None if whole is None else self._part(whole)

    def exam_if_possible(self) -> tuple[Workload | None, str]:
        """The exam, or why it cannot be made here: that costs its metrics, and not the cell."""
        try:
            return self.exam(), ""
        except Unsupported as missing:
            return None, missing.text

    def _part(self, whole: Workload) -> Workload:
        part = balanced_part(whole.examples, self.assignment.sample_percent, self.assignment.seed)
        return Workload(whole.name, whole.version, part, whole.content)

    def own(self, work: Callable[[], Made], what: str) -> Made:
        """Run a model's own code; what it raises is told as its problem, in one line."""
        try:
            return work()
        except HarnessError:
            raise
        except ModuleNotFoundError as error:
            extra = f'pip install "quantgate[{self.model.runtime}]"'
            raise Unsupported(Reason.NO_PACKAGE, f"{what} needs {error.name}: {extra}") from error
        except MemoryError:
            raise
        except FileNotFoundError as error:
            raise ModelProblem(
                f"{what}: {error.filename} does not exist; check the path in model {self.model.name!r}"
            ) from None
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise
            raise ModelProblem(
                f"{what} raised {type(error).__name__}: {error}; mend model {self.model.name!r}"
            ) from error


def _declared(name: str, declared: tuple[zoo.Declared, ...]) -> Model:
    for one in declared:
        if one.model.name == name:
            return one.model
    raise ModelProblem(f"model {name!r} is no longer declared; its file has changed: start the run again")


def workload_digest(workload: Workload) -> str:
    """What a workload is, by content and by the examples taken."""
    parts = (workload.name, workload.version, workload.content, [example.id for example in workload.examples])
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
