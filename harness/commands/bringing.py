"""From a model's file on the command line to a declaration of it: what `try` and `quantize` share.

The file is read in a worker; this process imports no runtime.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from harness.bring.declaring import Brought, File
from harness.bring.signature import Given, Shaped, Signature, parse_shapes, shaped, unfit
from harness.cells import Device
from harness.conduct.campaign import worker_environment
from harness.conduct.order import Order
from harness.errors import HarnessError, UsageProblem
from harness.options import cache_folder
from harness.precisions.store import file_digest
from harness.worker import protocol
from harness.worker.link import Worker, WorkerLost
from harness.zoo import Declared

NOISE = (
    "int8-static was calibrated on random noise: its speed and size are those of a real one, its outputs are not;"
    " give --calibration DIR (.npz files of real inputs) before shipping it"
)
_READING_SECONDS = 600.0
_EXAMPLES = 8


@dataclass(frozen=True, slots=True)
class Taken:
    """A model's file as it was read: what makes the declaration, and how its inputs came to be, a line each."""

    brought: Brought
    signature: Signature
    lines: tuple[str, ...]

    def drawing(self, examples: int) -> Brought:
        """The declaration with so many random inputs; real ones stay as they are."""
        return replace(self.brought, examples=examples)


def add_model(command: argparse.ArgumentParser) -> None:
    """Add the file and what says its inputs."""
    command.add_argument("model", type=Path, metavar="MODEL", help="an ONNX, TorchScript or torch.export (.pt2) file")
    command.add_argument(
        "--shape",
        action="append",
        default=[],
        metavar="NAME=1x80",
        help="the shape of an input, or the length of a named dimension (time=400); 1x80:int64 also says the dtype;"
        " repeat it for several",
    )
    command.add_argument(
        "--input",
        action="append",
        default=[],
        type=Path,
        metavar="FILE.npz",
        help="real inputs, an array for each input by its name; repeat it for several (default: seeded random ones)",
    )
    command.add_argument(
        "--calibration",
        type=Path,
        metavar="DIR",
        help="a folder of .npz files to calibrate int8-static on, not those that are measured (default: noise)",
    )
    command.add_argument("--seed", type=int, default=0, metavar="N", help="seed of random inputs (default 0)")
    command.add_argument("--device", default="cpu", metavar="D", help="cpu (default), cuda, cuda:N, mps or coreml")
    command.add_argument("--threads", type=int, default=1, metavar="N", help="threads of the runtime (default 1)")
    command.add_argument("--artifact-cache", metavar="DIR", help="where converted models are kept")


def take(options: argparse.Namespace, needs_inputs: Callable[[Signature], bool] = lambda _: True) -> Taken:
    """Read the file and settle its inputs; every problem with either is one line.

    `needs_inputs`: whether anything will be run through the model; otherwise shapes may stay unknown.
    """
    Device.parse(options.device)
    asked = parse_shapes(options.shape)
    path = _file(options.model, "MODEL")
    real = [_file(one, "--input") for one in options.input]
    calibration = _calibration_files(options.calibration)
    signature, given = inspect(path, (*real, *calibration), options.threads)
    of_real = given[: len(real)]
    is_asked = (bool(asked) or needs_inputs(signature)) and not of_real
    inputs = shaped(signature, asked) if is_asked else _as_given(signature, of_real[0] if of_real else ())
    for file, arrays in zip((*real, *calibration), given, strict=True):
        if problem := unfit(signature, arrays, file.name):
            raise UsageProblem(problem)
    brought = Brought(
        name=model_name(path),
        file=File(str(path), file_digest(path)),
        format=signature.format,
        inputs=inputs,
        examples=_EXAMPLES,
        seed=options.seed,
        real=_files(real),
        calibration=_files(calibration),
    )
    return Taken(brought, signature, tuple(_lines(brought)))


def inspect(path: Path, inputs: Sequence[Path], threads: int) -> tuple[Signature, list[tuple[Given, ...]]]:
    """What a file takes, and what files of inputs hold, read by a worker."""
    request = protocol.Inspect(str(path), tuple(map(str, inputs)))
    try:
        with Worker(worker_environment(threads)) as worker:
            reply = worker.ask(request, _READING_SECONDS)
    except WorkerLost as lost:
        last = lost.last_words.splitlines()[-1:]
        raise HarnessError(f"{path.name} cannot be read: {'; '.join([lost.text, *last])}") from lost
    if isinstance(reply, protocol.Inspected):
        found = [msgspec.convert(one, tuple[Given, ...]) for one in reply.given]
        return msgspec.convert(reply.signature, Signature), found
    assert isinstance(reply, protocol.Broke | protocol.CannotRun), reply
    raise UsageProblem(reply.text)


def assignment_of(order: Order, declared: Declared, precision: str) -> protocol.Assignment:
    """What a worker is told to host, outside a run."""
    return protocol.Assignment(
        module=declared.origin.module,
        root=declared.origin.root,
        model=declared.model.name,
        precision=precision,
        device=str(order.devices[0]),
        store=str(order.cache / "artifacts"),
        made=str(order.cache / "made"),
        threads=order.threads,
        engine=order.engine,
        seed=order.seed,
    )


def model_name(path: Path) -> str:
    """What a file's model is called in cells: its stem, without what a glob or a path would read otherwise."""
    return re.sub(r"[^\w.-]+", "-", path.stem).strip("-.") or "model"


def cache(options: argparse.Namespace) -> Path:
    """Where artifacts are kept."""
    return cache_folder(options.artifact_cache)


def _file(path: Path, what: str) -> Path:
    if not path.exists():
        raise UsageProblem(f"{what} {path} does not exist; check the path")
    if not path.is_file():
        raise UsageProblem(f"{what} {path} is a folder; name a file")
    return path.resolve()


def _calibration_files(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    if not folder.is_dir():
        raise UsageProblem(f"--calibration {folder} is no folder; name one that holds .npz files of inputs")
    found = sorted(folder.glob("*.npz"))
    if not found:
        raise UsageProblem(f"--calibration {folder} holds no .npz file; write some with numpy.savez(path, NAME=array)")
    return [path.resolve() for path in found]


def _files(paths: Iterable[Path]) -> tuple[File, ...]:
    return tuple(File(str(path), file_digest(path)) for path in paths)


def _as_given(signature: Signature, arrays: Sequence[Given]) -> tuple[Shaped, ...]:
    """The inputs in the shapes of a file of real ones; what it lacks is told afterwards."""
    held = {one.name: one for one in arrays}
    return tuple(
        Shaped(one.name, held[one.name].dtype if one.dims is None else one.dtype, held[one.name].shape, one.rows)
        for one in signature.inputs
        if one.name in held
    )


def _lines(brought: Brought) -> Iterable[str]:
    from harness.bring.values import range_words

    for one in brought.inputs:
        yield one.line if brought.real else f"{one.line}, {range_words(one)}"
    if brought.real:
        yield f"inputs from {', '.join(one.name for one in brought.real)}"
    if brought.calibration:
        yield f"calibrated on {len(brought.calibration)} files"
