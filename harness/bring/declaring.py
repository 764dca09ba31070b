"""A declaration made of a model's file: written as a small module, so that a worker imports it like any other.

Importing it imports no runtime. What the inputs are stands in one JSON file beside the module.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.bring.reading import FORMATS
from harness.bring.signature import Shaped
from harness.bring.values import random_inputs, read_inputs
from harness.cells import PRECISIONS
from harness.journal import replace_file
from harness.models import Arrays, Example, FileReference, Model, Reference, Workload
from harness.zoo import Declared, Origin

CALIBRATION_EXAMPLES = 16
_VERSION = 1
_MODULE = '''"""A model's file, brought without a declaration; written by quantgate and thrown away after the run."""

from pathlib import Path

from harness.bring.declaring import read_model

MODELS = (read_model(Path(__file__).with_suffix(".json")),)
'''


@dataclass(frozen=True, slots=True)
class File:
    """A file by its path here and by its content."""

    path: str
    digest: str

    @property
    def name(self) -> str:
        """What it is called, without where it lies."""
        return Path(self.path).name


@dataclass(frozen=True, slots=True)
class Brought:
    """All that makes a declaration of a file. `real` are files of inputs; without any, `examples` are drawn."""

    name: str
    file: File
    format: str
    inputs: tuple[Shaped, ...]
    examples: int
    seed: int = 0
    real: tuple[File, ...] = ()
    calibration: tuple[File, ...] = ()

    @property
    def content(self) -> str:
        """What decides the inputs, and no path."""
        drawn = [[one.name, one.dtype, one.shape, one.rows] for one in self.inputs]
        if self.real:
            return msgspec.json.encode([one.digest for one in self.real]).decode()
        return msgspec.json.encode([drawn, self.examples, self.seed]).decode()


def declare(brought: Brought, folder: Path) -> Declared:
    """Write the declaration into a folder, and give it as the parent knows it."""
    raw = msgspec.json.encode(brought)
    module = f"brought_{hashlib.sha256(raw).hexdigest()[:12]}"
    replace_file(folder / f"{module}.json", raw)
    replace_file(folder / f"{module}.py", _MODULE.encode())
    return Declared(model_of(brought), Origin(module, str(folder)))


def read_model(path: Path) -> Model:
    """Read a declaration that was written; in the worker."""
    return model_of(msgspec.json.decode(path.read_bytes(), type=Brought))


def model_of(brought: Brought) -> Model:
    """Make the declaration of a file. Every precision is asked for: what cannot be is a row with its reason."""
    return Model(
        name=brought.name,
        family=brought.name,
        task="brought",
        runtime=FORMATS[brought.format],
        precisions=PRECISIONS,
        licence="of the file",
        weights=f"file {brought.file.name}",
        reference=lambda _: _reference(brought),
        workload=lambda _: _workload(brought),
        calibration=lambda _: _calibration(brought),
    )


def _reference(brought: Brought) -> Reference:
    path = Path(brought.file.path)
    if brought.format == "torch-export":
        from harness.bring.exported import reference

        return reference(path, brought.file.digest)
    return FileReference(path, brought.format, f"file {brought.file.name}")


def _workload(brought: Brought) -> Workload:
    if brought.real:
        return Workload("given inputs", _VERSION, _real(brought.real), brought.content)
    name = f"random inputs, seed {brought.seed}"
    return Workload(name, _VERSION, _drawn(brought, brought.examples, "measured"), brought.content)


def _calibration(brought: Brought) -> Workload:
    """The inputs for static quantization: files, or noise drawn apart from what is measured."""
    if brought.calibration:
        content = msgspec.json.encode([one.digest for one in brought.calibration]).decode()
        return Workload("given calibration", _VERSION, _real(brought.calibration), content)
    drawn = _drawn(brought, CALIBRATION_EXAMPLES, "calibration")
    return Workload(f"random calibration, seed {brought.seed}", _VERSION, drawn, f"noise {brought.content}")


def _drawn(brought: Brought, count: int, purpose: str) -> tuple[Example, ...]:
    def make(index: int) -> Arrays:
        return random_inputs(brought.inputs, brought.seed, index, purpose)

    return tuple(Example(f"random-{index}", lambda index=index: make(index)) for index in range(count))  # type: ignore[misc]


def _real(files: tuple[File, ...]) -> tuple[Example, ...]:
    names = [Path(one.name).stem for one in files]
    ids = [name if names.count(name) == 1 else f"{name}-{place}" for place, name in enumerate(names)]
    return tuple(
        Example(name, lambda path=one.path: read_inputs(Path(path)))  # type: ignore[misc]
        for name, one in zip(ids, files, strict=True)
    )
