"""`quantgate pick`: which artifact an application should load, by what a run measured, and what to fall back on."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from harness import journal
from harness.cells import Device, matches
from harness.commands.exits import Exit
from harness.commands.quantizing import MANIFEST
from harness.commands.quantizing import Manifest as FolderManifest
from harness.errors import UsageProblem
from harness.options import cache_folder
from harness.precisions.store import Manifest as StoreManifest
from harness.precisions.store import file_digest
from harness.worth.picking import Limits, Pick, picks
from harness.worth.standing import BASE
from harness.worth.terms import Candidate

_UNITS = {"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What `pick --format json` prints."""

    picks: tuple[Pick, ...]
    schema: int = _SCHEMA


def add(commands: argparse._SubParsersAction[Any]) -> None:  # argparse gives the type no public name
    """Declare the command."""
    command = commands.add_parser(
        "pick",
        help="which artifact an application should load, by what was measured, and what to fall back on",
        description="Reads runs (of quantgate try, or of pytest) and names for each model and device the fastest"
        " precision that keeps its quality, needs no more memory than allowed and is no slower than fp32; with the"
        " evidence, the fallback order, and why each other one does not qualify. Measures nothing. Exit codes: 0, 2"
        " usage, 11 nothing can be named: no run of it, fp32 has no result, or nothing keeps the limits.",
    )
    command.add_argument(
        "runs",
        type=Path,
        nargs="*",
        metavar="RUN",
        help="folders or records of runs; of each model and device the newest counts (default reports/latest)",
    )
    command.add_argument("--model", default="*", metavar="GLOB", help="of these models only")
    command.add_argument("--device", metavar="D", help="on this device only: cpu, cuda, cuda:N, mps, coreml")
    command.add_argument("--max-memory", metavar="SIZE", help="the peak an application can bear: 300MB, 1.5GiB")
    command.add_argument(
        "--max-loss",
        type=float,
        metavar="X",
        help="how much of the leading metric may be lost against fp32, in its unit (default: the margin of the run)",
    )
    command.add_argument(
        "--artifacts", type=Path, metavar="DIR", help="a folder that quantgate quantize --all wrote: name its files"
    )
    command.add_argument("--artifact-cache", metavar="DIR", help="where converted models are kept")
    command.add_argument("--format", choices=("table", "json"), default="table", help="how to print (default: table)")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Pick, print, and say by the exit code whether there was anything to pick from."""
    limits = Limits(None if options.max_memory is None else memory_bytes(options.max_memory), options.max_loss)
    device = None if options.device is None else str(Device.parse(options.device))
    runs = [journal.read_run(path) for path in options.runs or [Path("reports/latest")]]
    newest = sorted(runs, key=lambda one: one.started, reverse=True)
    made: dict[tuple[str, str], Pick] = {}
    for one in newest:
        for pick in picks(one, limits):
            if matches(pick.model, options.model) and device in (None, pick.device):
                made.setdefault((pick.model, pick.device), pick)
    files = Files(options.artifacts, cache_folder(options.artifact_cache))
    told = tuple(_with_files(pick, files) for pick in made.values())
    if options.format == "json":
        print(msgspec.json.format(msgspec.json.encode(Answer(told)), indent=1).decode())
    elif told:
        print("\n\n".join("\n".join(lines(pick)) for pick in told))
    if not told:
        wanted = " ".join(part for part in (options.model if options.model != "*" else "", device or "") if part)
        problem = f"no run holds a cell of {wanted or 'any model'}; measure it with quantgate try or pytest"
        print(f"quantgate: {problem}", file=sys.stderr)
        return Exit.NOTHING_COMPARABLE
    return exit_of(told)


def exit_of(told: Sequence[Pick]) -> Exit:
    """What a script is told: that nothing is named is never a pass."""
    return Exit.NOTHING_COMPARABLE if any(pick.load is None for pick in told) else Exit.PASS


def memory_bytes(text: str) -> float:
    """Read a size: `300MB`, `1.5GiB`, or a bare number of bytes."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip())
    if not found or found[2].upper() not in _UNITS:
        raise UsageProblem(f"--max-memory {text!r} is no size; write 300MB or 1.5GiB")
    return float(found[1]) * _UNITS[found[2].upper()]


@dataclass(frozen=True, slots=True)
class Files:
    """Where artifacts lie: first a folder that was written for an application, then the store."""

    folder: Path | None
    cache: Path

    def named(self) -> dict[str, Path]:
        """The files by what they should hold."""
        return dict((*self._stored(), *self._written()))

    def _stored(self) -> Iterator[tuple[str, Path]]:
        for manifest in sorted((self.cache / "artifacts").glob("*/manifest.json")):
            try:
                told = msgspec.json.decode(manifest.read_bytes(), type=StoreManifest)
            except (OSError, ValueError, msgspec.DecodeError):
                continue  # the store makes such an entry anew
            if told.file is not None:
                yield told.digest, manifest.with_name(told.file)

    def _written(self) -> Iterator[tuple[str, Path]]:
        if self.folder is None:
            return
        path = self.folder / MANIFEST
        try:
            told = msgspec.json.decode(path.read_bytes(), type=FolderManifest)
        except OSError as error:
            raise UsageProblem(
                f"--artifacts {self.folder} has no {MANIFEST}; name a folder that quantgate quantize --all wrote"
            ) from error
        except (ValueError, msgspec.DecodeError) as error:
            raise UsageProblem(f"{path} is no manifest ({error}); write the folder again") from error
        for one in told.artifacts:
            if one.file and one.digest:
                yield one.digest, self.folder / one.file


def _with_files(pick: Pick, files: Files) -> Pick:
    """The pick with the files that hold what it names, each looked at: other bytes are another artifact."""
    named = files.named()

    def found(one: Candidate) -> Candidate:
        path = named.get(one.digest or "")
        if path is None or not path.is_file() or file_digest(path) != one.digest:
            return one
        return replace(one, file=os.path.abspath(path))  # noqa: PTH100 - a link stays what the user made it

    return replace(
        pick,
        load=None if pick.load is None else found(pick.load),
        fallbacks=tuple(map(found, pick.fallbacks)),
    )


def lines(pick: Pick) -> Iterable[str]:
    """A pick as it is told."""
    yield f"{pick.model} on {pick.device}: " + (f"load {pick.load.precision}" if pick.load else pick.problem)
    if pick.load:
        yield f"  file      {_file(pick.load)}"
        yield f"  why       {pick.load.why}"
        yield f"  evidence  {_evidence(pick.load)}"
    for place, one in enumerate(pick.fallbacks):
        yield f"  {'then' if place == 0 else '':9} {one.precision}: {one.why} ({_evidence(one)})"
    for place, one in enumerate(pick.others):
        yield f"  {'not' if place == 0 else '':9} {one.precision}: {one.why}"
    facts = [str(pick.machine[key]) for key in ("cpu_model", "gpu_name", "architecture") if pick.machine.get(key)]
    yield f"  run       {pick.run}, on {' · '.join(facts) or 'an unknown machine'}"


def _file(one: Candidate) -> str:
    told = f"(sha256 {(one.digest or '')[:12]})"
    if one.digest is None:
        return "not known"
    if one.format == "torch-state":
        return f"no file of its own: tensors for the module that was measured, {one.file or 'not in the store'} {told}"
    if one.file:
        return f"{one.file} {told}"
    return f"{'the file of the model itself' if one.precision == BASE else 'not in the store here'} {told}"


def _evidence(one: Candidate) -> str:
    from harness.render import numbers

    said = []
    if one.times_fp32 is not None and one.precision != BASE:
        if one.low is not None and one.high is not None:
            said.append(f"{one.times_fp32:.2f}× fp32 [{one.low:.2f}, {one.high:.2f}], in pairs")
        else:
            said.append(f"about {one.times_fp32:.2g}× fp32, {'too few pairs' if one.paired else 'not in pairs'}")
    if one.latency_seconds is not None:
        said.append(numbers.seconds(one.latency_seconds))
    if one.peak_bytes is not None:
        said.append(f"peak {numbers.bytes_(one.peak_bytes)}")
    if one.artifact_bytes is not None:
        said.append(f"file {numbers.bytes_(one.artifact_bytes)}")
    if one.loss is not None and one.loss.value is not None and one.precision != BASE:
        unit = f" {one.loss.unit}" if one.loss.unit else ""
        span = "" if one.loss.low is None else f" [{one.loss.low:.3g}, {one.loss.high:.3g}]"
        name = numbers.metric_words(one.loss.metric)
        said.append(f"loses {one.loss.value:.3g}{span}{unit} of {name}, on {one.loss.examples} examples")
    return ", ".join(said) or "nothing was measured"
