"""`quantgate quantize`: writes the artifact of a precision, or of every one, and says how much of it was converted.

The conversion runs in a worker, by the very recipes that are measured; here files are copied, whole or not at all.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from harness.bring.declaring import declare
from harness.bring.signature import Signature
from harness.cells import PRECISIONS, Device
from harness.commands import bringing, try_model
from harness.commands.bringing import NOISE, Taken, assignment_of
from harness.commands.exits import Exit
from harness.conduct.campaign import worker_environment
from harness.conduct.order import Order
from harness.errors import HarnessError, UsageProblem, suggestion
from harness.journal import replace_file
from harness.models import Artifact
from harness.precisions.store import file_digest
from harness.worker import protocol
from harness.worker.assigned import Assigned
from harness.worker.link import Worker, WorkerLost

MANIFEST = "quantgate.json"
_SCHEMA = 1
_CONVERTING_SECONDS = 3_600.0
_BASE = "fp32"


@dataclass(frozen=True, slots=True)
class Written:
    """One precision: the file that was written, or why there is none. `covered` is the share of the weight bytes.

    `left` are the largest weights that were not converted; `versions` the libraries that took part.
    """

    precision: str
    file: str | None = None
    digest: str | None = None
    bytes: int | None = None
    covered: float | None = None
    converted: int = 0
    of: int = 0
    left: tuple[str, ...] = ()
    versions: dict[str, str | None] | None = None
    calibration: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What lies in a folder of artifacts: of which model, and each of them. fp32 is the model's own file."""

    model: str
    reference: str
    reference_digest: str
    reference_bytes: int
    artifacts: tuple[Written, ...]
    schema: int = _SCHEMA


def add(commands: argparse._SubParsersAction[Any]) -> None:  # argparse gives the type no public name
    """Declare the command."""
    command = commands.add_parser(
        "quantize",
        help="write a model's file at another precision, or at all of them, and say what of it was converted",
        description="Converts an ONNX or TorchScript file with the recipes that quantgate measures. -o names a file, or"
        f" with --all a folder, in which {MANIFEST} says what lies there; quantgate pick --artifacts reads it. A"
        " conversion that converted nothing is an error, and no file is left of it. Exit codes: 0, 1 nothing was"
        " written, 2 usage.",
    )
    bringing.add_model(command)
    command.add_argument(
        "--precision", metavar="P", help=f"which: {', '.join(one for one in PRECISIONS if one != _BASE)}"
    )
    command.add_argument("--all", action="store_true", help="every precision that has a recipe for the file")
    command.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="the file; with --all a folder"
    )
    command.add_argument("--force", action="store_true", help="write over what is there")
    command.add_argument(
        "--benchmark", action="store_true", help="then measure what was written, as quantgate try does"
    )
    try_model.add_measuring(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write, print, and say by the exit code whether anything was written."""
    precisions = _precisions(options)
    if options.benchmark:
        try_model.budget_of(options)
    is_drawn = "int8-static" in precisions and options.calibration is None

    def needs_inputs(signature: Signature) -> bool:
        return options.benchmark or (is_drawn and signature.format == "onnx")

    taken = bringing.take(options, needs_inputs)
    if taken.brought.format == "torch-export":
        raise UsageProblem(
            f"{taken.brought.file.name} is a torch.export file, whose artifacts are weights for this very module and no"
            " file of their own; quantgate try measures them, and quantizing before torch.export.save writes them"
        )
    targets = _targets(options, taken, precisions)
    with tempfile.TemporaryDirectory(prefix="quantgate-quantize-") as made:
        order = Order(
            root=Path(made),
            devices=(Device.parse(options.device),),
            threads=options.threads,
            seed=options.seed,
            cache=bringing.cache(options),
        )
        written = tuple(_write(order, taken, precision, targets[precision]) for precision in precisions)
    return _told(options, taken, written)


def _precisions(options: argparse.Namespace) -> tuple[str, ...]:
    if options.all == (options.precision is not None):
        raise UsageProblem("give either --precision P or --all")
    if options.all:
        return tuple(one for one in PRECISIONS if one != _BASE)
    if options.precision not in PRECISIONS:
        raise UsageProblem(
            f"--precision {options.precision}: no such precision; {suggestion(options.precision, PRECISIONS)}"
        )
    if options.precision == _BASE:
        raise UsageProblem("--precision fp32 is the file as it is; copy it")
    return (options.precision,)


def _targets(options: argparse.Namespace, taken: Taken, precisions: tuple[str, ...]) -> dict[str, Path]:
    """Where each precision goes; what is there is not written over unless that was said."""
    suffix, name = Path(taken.brought.file.name).suffix, taken.brought.name
    output: Path = options.output
    if options.all or output.is_dir():
        if output.exists() and not output.is_dir():
            raise UsageProblem(f"-o {output} is a file; with --all name a folder")
        targets = {precision: output / f"{name}.{precision}{suffix}" for precision in precisions}
    else:
        if not output.parent.is_dir():
            raise UsageProblem(f"-o {output}: there is no folder {output.parent}; make it first")
        targets = {precisions[0]: output}
    there = [path for path in targets.values() if path.exists()]
    if there and not options.force:
        raise UsageProblem(f"{there[0]} exists; give --force to write over it, or another -o")
    source = Path(taken.brought.file.path)
    if any(path.exists() and path.samefile(source) for path in targets.values()):
        raise UsageProblem(f"-o {output} is the model itself; write the artifact elsewhere")
    return targets


def _write(order: Order, taken: Taken, precision: str, target: Path) -> Written:
    """Convert in a worker, then copy what the store holds."""
    declared = declare(taken.brought, order.root)
    assignment = assignment_of(order, declared, precision)
    try:
        with Worker(worker_environment(order.threads)) as worker:
            reply = worker.ask(protocol.Convert(assignment), _CONVERTING_SECONDS)
    except WorkerLost as lost:
        last = lost.last_words.splitlines()[-1:]
        return Written(precision, why=f"{lost.phase}: {'; '.join([lost.text, *last])}")
    match reply:
        case protocol.CannotRun(reason, text):
            return Written(precision, why=f"{reason}: {text}")
        case protocol.Broke(_, text):
            return Written(precision, why=text)
    with _imported_for_now(str(order.root)):
        assigned = Assigned(assignment)
        artifact = assigned.find()
    if artifact is None:
        raise HarnessError("the artifact is no longer where it was put; is another process emptying the cache?")
    copy_whole(artifact.path, target)
    return _written(artifact, target, assigned)


def _written(artifact: Artifact, target: Path, assigned: Assigned) -> Written:
    coverage = artifact.coverage
    calibration = assigned.calibration.name if assigned.calibration else None
    return Written(
        precision=artifact.precision,
        file=target.name,
        digest=artifact.digest,
        bytes=artifact.size_bytes,
        covered=coverage.fraction,
        converted=coverage.converted_count,
        of=coverage.total_count,
        left=coverage.left,
        versions=dict(assigned.key.libraries),
        calibration=calibration,
    )


@contextmanager
def _imported_for_now(root: str) -> Iterator[None]:
    """Let a declaration be imported from a folder that will be gone, and leave no trace of it in this process."""
    before = set(sys.modules)
    try:
        yield
    finally:
        sys.path[:] = [one for one in sys.path if one != root]
        for name in set(sys.modules) - before:
            if name.startswith("brought_"):
                del sys.modules[name]


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file so that a reader sees what was there before or all of the new one."""
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, scratch)
        scratch.replace(target)
    except OSError as error:
        raise HarnessError(f"{target} cannot be written: {error.strerror}; make room or choose another -o") from error
    finally:
        scratch.unlink(missing_ok=True)


def _told(options: argparse.Namespace, taken: Taken, written: tuple[Written, ...]) -> int:
    began = time.monotonic()
    reference = Path(taken.brought.file.path)
    size = reference.stat().st_size
    manifest = Manifest(taken.brought.name, taken.brought.file.name, file_digest(reference), size, written)
    done = [one for one in written if one.file]
    if options.all and done:
        replace_file(options.output / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    is_json = options.format == "json"
    if is_json and not options.benchmark:
        print(msgspec.json.format(msgspec.json.encode(manifest), indent=1).decode())
    else:
        stream = sys.stderr if is_json else sys.stdout
        print("\n".join(_line(one, size) for one in written), file=stream, flush=True)
    is_noise = any(one.precision == "int8-static" for one in done) and not taken.brought.calibration
    if is_noise and not options.benchmark:
        print(f"quantgate: {NOISE}", file=sys.stderr)
    if not done:
        if not options.all:
            print(f"quantgate: nothing was written; {written[0].precision}: {written[0].why}", file=sys.stderr)
        return Exit.REGRESSION
    if options.benchmark:
        print(file=sys.stderr if is_json else sys.stdout)
        return try_model.try_taken(options, taken, (_BASE, *(one.precision for one in done)), began)
    return Exit.PASS


def _line(one: Written, reference_bytes: int) -> str:
    """One precision as it is told."""
    from harness.render import numbers

    if one.file is None or one.bytes is None or one.covered is None:
        return f"∅ {one.precision}: {one.why}"
    size = f"{numbers.bytes_(one.bytes)}, {numbers.percent(one.bytes / reference_bytes)} of fp32"
    said = f"✓ {one.precision}: {one.file}, {size}; {numbers.percent(one.covered)} of the weight bytes converted"
    if one.covered < 1 and one.left:
        said += f"\n    left as they were: {', '.join(one.left)}"
    return said
