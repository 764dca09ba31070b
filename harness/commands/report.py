"""`quantgate report`: the page of a run, made again from its records."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from harness import journal
from harness.commands.exits import Exit


def add(commands: argparse._SubParsersAction[Any]) -> None:  # argparse gives the type no public name
    """Declare the command."""
    report = commands.add_parser("report", help="write report.html of a run again, from its records alone")
    report.add_argument("folder", type=Path, nargs="?", default=Path("reports/latest"), metavar="RUN")
    report.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the page and say where it is."""
    from harness.render.page.assemble import write_report

    found = journal.read_run(options.folder)
    folder = options.folder if options.folder.is_dir() else options.folder.parent
    print(write_report(found, folder))
    return Exit.PASS
