"""`quantgate report`: what shows a run, made again from its records alone; several runs on one page, side by side."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from harness import journal
from harness.cells import Cell, CellGlob, matches
from harness.commands.exits import Exit
from harness.errors import HarnessError, UsageProblem, suggestion
from harness.results import Run
from harness.untrusted import read_untrusted, refusing


def add(commands: argparse._SubParsersAction[Any]) -> None:  # argparse gives the type no public name
    """Declare the command."""
    report = commands.add_parser(
        "report",
        help="show a run again from its records alone, or several runs side by side",
        description="Of one run: writes the page and the files for a CI into its folder, from run.json, or from"
        " events.jsonl where the run was killed. Of several: writes one page with a column for each. Needs no runtime.",
    )
    report.add_argument(
        "runs",
        type=Path,
        nargs="*",
        metavar="RUN",
        help="the folder of a run, its run.json or its events.jsonl (default: reports/latest)",
    )
    report.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="where the page goes; a folder (as out/) takes all files of one run (default: the run's folder, or"
        " side-by-side.html here)",
    )
    report.add_argument(
        "--cell",
        action="append",
        default=[],
        metavar="M/P/D",
        help="give these cells, MODEL/PRECISION/DEVICE, globs too, their full detail; of several runs, show only them",
    )
    report.add_argument(
        "--untrusted",
        action="store_true",
        help="the record is a stranger's: read run.json as hostile input, or refuse it in one line",
    )
    report.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write what was asked for, and say where it is."""
    paths = options.runs or [Path("reports/latest")]
    runs = [read_untrusted(path) if options.untrusted else journal.read_run(path) for path in paths]
    chosen = Chosen(tuple(CellGlob.parse(text) for text in options.cell))
    chosen.refuse_idle(cell for one in runs for cell in cells_of(one))
    output = None if options.output is None else _place(options.output)
    try:
        print(
            _one(runs[0], paths[0], output, chosen, is_strangers=options.untrusted)
            if len(runs) == 1
            else _several(runs, output, chosen)
        )
    except HarnessError as error:
        if output is None:
            raise HarnessError(f"{error}, or name another place with -o") from error
        raise
    except Exception as error:
        if not options.untrusted:
            raise
        raise refusing(paths[0], error) from error
    return Exit.PASS


def _place(text: str) -> Path:
    """Where to write. A folder that is named as one is made."""
    place = Path(text)
    if text.endswith("/"):
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageProblem(f"-o {text} cannot be made: {error.strerror}; name another place") from error
    return place


class Chosen:
    """The cells that `--cell` picks; all where it was not given."""

    def __init__(self, globs: tuple[CellGlob, ...]) -> None:
        self._globs = globs

    def __bool__(self) -> bool:
        return bool(self._globs)

    def __str__(self) -> str:
        return ", ".join(map(str, self._globs))

    def takes(self, cell: Cell) -> bool:
        """Whether a cell is picked."""
        return not self._globs or any(_fits(glob, cell) for glob in self._globs)

    def refuse_idle(self, cells: Iterable[Cell]) -> None:
        """Refuse a glob that picks nothing: a page without the cell that was asked for would be taken for its page."""
        there = tuple(dict.fromkeys(cells))
        for glob in self._globs:
            if not any(_fits(glob, cell) for cell in there):
                raise UsageProblem(f"--cell {glob} is of no cell of the run; {suggestion(str(glob), map(str, there))}")


def cells_of(one: Run) -> tuple[Cell, ...]:
    """Every cell that a run planned or measured."""
    return tuple(dict.fromkeys((*one.planned, *(measurement.cell for measurement in one.measurements))))


def _fits(glob: CellGlob, cell: Cell) -> bool:
    return (
        matches(cell.model, glob.model)
        and matches(cell.precision, glob.precision)
        and (matches(cell.device, glob.device) or matches(cell.device.partition(":")[0], glob.device))
    )


def _one(found: Run, path: Path, output: Path | None, chosen: Chosen, *, is_strangers: bool) -> Path:
    from harness.render.ci.where import page_of_ci
    from harness.render.page.assemble import render_html
    from harness.render.surfaces import write_all

    only = frozenset(filter(chosen.takes, cells_of(found))) if chosen else None
    if output is not None and not output.is_dir():
        return _write(output, lambda: render_html(found, only))
    folder = output or (path if path.is_dir() else path.parent)
    return write_all(found, folder, page_of_ci(os.environ), only, is_strangers=is_strangers)


def _several(runs: Sequence[Run], output: Path | None, chosen: Chosen) -> Path:
    from harness.render.page.side_by_side import MOST_RUNS, SIDE_FILE, render_side_by_side

    if len(runs) > MOST_RUNS:
        raise UsageProblem(f"{len(runs)} runs do not fit side by side; name {MOST_RUNS} or fewer")
    target = Path(SIDE_FILE) if output is None else output / SIDE_FILE if output.is_dir() else output
    return _write(target, lambda: render_side_by_side(runs, chosen.takes, str(chosen)))


def _write(file: Path, make: Callable[[], str]) -> Path:
    if not file.parent.is_dir():
        raise UsageProblem(f"{file.parent} is no folder; make it, or name another place with -o")
    return journal.replace_file(file, make().encode())
