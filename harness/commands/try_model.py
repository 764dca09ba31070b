"""`quantgate try`: a model's file, every precision this machine can run, and which of them is worth it."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from harness.cells import PRECISIONS, Device, matches
from harness.commands import bringing
from harness.commands.bringing import NOISE, Taken
from harness.commands.exits import Exit
from harness.commands.try_run import Trying, measure
from harness.commands.try_words import told, told_json
from harness.conduct.order import Order
from harness.errors import UsageProblem
from harness.options import seconds
from harness.results import Run, Status

_LEAST_SECONDS = 5.0


def add(commands: argparse._SubParsersAction[Any]) -> None:  # argparse gives the type no public name
    """Declare the command."""
    command = commands.add_parser(
        "try",
        help="a model's file: every precision this machine can run, beside fp32, and which is worth it (a minute)",
        description="Takes an ONNX, TorchScript or torch.export file as it is: makes inputs from its signature,"
        " converts it to every precision, measures each by itself and in pairs of processes beside fp32, and says what"
        " it gains and what its outputs lose. Prints a table and writes reports/<run>/report.html. Exit codes: 0, 1"
        " where every precision failed, 2 usage: no model, or it does not take these inputs.",
    )
    bringing.add_model(command)
    command.add_argument(
        "--precision", default="*", metavar="GLOB", help=f"of these only (fp32 always): {', '.join(PRECISIONS)}"
    )
    add_measuring(command)
    command.set_defaults(run=run)


def add_measuring(command: argparse.ArgumentParser) -> None:
    """Add what says how it is measured and told."""
    command.add_argument("--time-budget", default="60s", metavar="T", help="about how long it may take (default 60s)")
    command.add_argument(
        "--reports", type=Path, default=Path("reports"), metavar="DIR", help="where runs are written (default reports/)"
    )
    command.add_argument("--format", choices=("table", "json"), default="table", help="how to print (default: table)")


def run(options: argparse.Namespace) -> int:
    """Try the file, print, and say by the exit code whether anything ran."""
    began = time.monotonic()
    precisions = chosen_precisions(options.precision)
    budget_of(options)
    return try_taken(options, bringing.take(options), precisions, began)


def budget_of(options: argparse.Namespace) -> float:
    """How long it may take."""
    budget = seconds(options.time_budget, "--time-budget")
    if budget < _LEAST_SECONDS:
        raise UsageProblem(
            f"--time-budget {options.time_budget}: {_LEAST_SECONDS:g} s are the least that tell anything"
        )
    return budget


def try_taken(options: argparse.Namespace, taken: Taken, precisions: tuple[str, ...], began: float) -> int:
    """Measure and tell of a file that has been read."""
    budget = budget_of(options)
    with tempfile.TemporaryDirectory(prefix="quantgate-try-") as made:
        folder = Path(made)
        order = Order(
            root=folder,
            devices=(Device.parse(options.device),),
            threads=options.threads,
            seed=options.seed,
            cache=bringing.cache(options),
            reports=options.reports,
            baselines=folder / "baselines",
            expectations=folder / "expectations.toml",
            time_budget_seconds=budget,
        )
        is_plain = options.format == "table"
        if is_plain:
            print("\n".join(_head(taken)), flush=True)
        found = measure(Trying(order, taken, precisions, folder, began), sys.stderr)
    notes = notes_of(taken, found.run)
    if is_plain:
        print(told(found.run, sys.stdout, notes, os.path.relpath(found.report)))
    else:
        print(msgspec.json.format(msgspec.json.encode(told_json(found, taken, notes)), indent=1).decode())
    if not found.run.complete:
        print("quantgate: interrupted; the report holds what was measured", file=sys.stderr)
        return 130
    return exit_of(found.run)


def chosen_precisions(pattern: str) -> tuple[str, ...]:
    """The precisions that a glob asks for; fp32 among them, for the others are held against it."""
    for one in pattern.split(","):
        if not any(matches(precision, one) for precision in PRECISIONS):
            raise UsageProblem(f"--precision {one}: no such precision; there are {', '.join(PRECISIONS)}")
    return tuple(one for one in PRECISIONS if one == "fp32" or matches(one, pattern))


def exit_of(run: Run) -> Exit:
    """What a script is told: fine where any precision beside fp32 ran, or fp32 where it alone was asked for."""
    ran = [one.cell.precision for one in run.measurements if one.status is Status.MEASURED]
    others = [cell for cell in run.planned if cell.precision != "fp32"]
    is_fine = any(precision != "fp32" for precision in ran) if others else bool(ran)
    return Exit.PASS if is_fine else Exit.REGRESSION


def notes_of(taken: Taken, run: Run) -> tuple[str, ...]:
    """What has to be known to use the numbers."""
    notes = []
    if not taken.brought.real:
        notes.append(
            "quality is of random inputs: it shows whether outputs stay those of fp32; give real ones with --input"
        )
    is_static = any(one.cell.precision == "int8-static" and one.status is Status.MEASURED for one in run.measurements)
    if is_static and not taken.brought.calibration:
        notes.append(NOISE)
    return tuple(notes)


def _head(taken: Taken) -> list[str]:
    brought = taken.brought
    return [f"{brought.file.name} ({brought.format})", *(f"  {line}" for line in taken.lines), ""]
