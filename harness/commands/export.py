"""`quantgate export`: the numbers of a run in a format that another tool reads."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness import journal
from harness.commands.exits import Exit
from harness.errors import RecordUnwritable
from harness.results import Run


def _csv(run: Run) -> str:
    from harness.render.exports.table import as_csv

    return as_csv(run)


def _pytest_benchmark(run: Run) -> str:
    from harness.render.exports.benchmarks import pytest_benchmark

    return pytest_benchmark(run)


def _github_smaller(run: Run) -> str:
    from harness.render.exports.trackers import smaller_is_better

    return smaller_is_better(run)


def _github_bigger(run: Run) -> str:
    from harness.render.exports.trackers import bigger_is_better

    return bigger_is_better(run)


def _bencher(run: Run) -> str:
    from harness.render.exports.trackers import bencher

    return bencher(run)


def _openmetrics(run: Run) -> str:
    from harness.render.exports.openmetrics import openmetrics

    return openmetrics(run)


def _gitlab(run: Run) -> str:
    from harness.render.exports.openmetrics import gitlab_metrics

    return gitlab_metrics(run)


FORMATS: Mapping[str, tuple[Callable[[Run], str], str]] = {
    "csv": (_csv, "a line a metric of a cell"),
    "pytest-benchmark": (_pytest_benchmark, "for `pytest-benchmark compare`"),
    "github-smaller": (_github_smaller, "github-action-benchmark, customSmallerIsBetter"),
    "github-bigger": (_github_bigger, "github-action-benchmark, customBiggerIsBetter"),
    "bencher": (_bencher, "Bencher Metric Format"),
    "openmetrics": (_openmetrics, "OpenMetrics text, values as measured"),
    "gitlab": (_gitlab, "metrics.txt of GitLab: judged values, rounded to their margins"),
}


def add(commands: argparse._SubParsersAction[Any]) -> None:  # argparse gives the type no public name
    """Declare the command."""
    export = commands.add_parser(
        "export",
        help="the numbers of a run for other tools: CSV, pytest-benchmark, Bencher, OpenMetrics …",
        description="Writes the numbers of a run, with their intervals and verdicts, in a format of another tool."
        " What was not measured is left out where the format has no word for it; CSV has the reason.",
        epilog="formats:\n" + "\n".join(f"  {name:17} {words}" for name, (_, words) in FORMATS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    export.add_argument(
        "folder", type=Path, nargs="?", default=Path("reports/latest"), metavar="RUN", help="(default reports/latest)"
    )
    export.add_argument("--format", choices=tuple(FORMATS), required=True, metavar="F", help="one of those below")
    export.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write (default: standard output)")
    export.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the document, or write it to a file."""
    make, _ = FORMATS[options.format]
    text = make(journal.read_run(options.folder))
    if options.output is None:
        sys.stdout.write(text)
        return Exit.PASS
    try:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RecordUnwritable(f"{options.output} cannot be written: {error.strerror}; give another -o") from error
    print(options.output)
    return Exit.PASS
