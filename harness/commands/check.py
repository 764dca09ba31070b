"""`quantgate check`: how a stored run ended, as an exit code, and that enough of it was compared at all.

For the last job of a pipeline, which always runs: a gate that compared nothing must not be green.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from harness import journal
from harness.commands.exits import Exit
from harness.consequences import compared_cells
from harness.ending import Word, ending_of
from harness.errors import UsageProblem
from harness.results import Run, Status

_REASONS = 5
_REASON_SHOWN = 600


def add(commands: argparse._SubParsersAction[Any]) -> None:  # argparse gives the type no public name
    """Declare the command."""
    check = commands.add_parser(
        "check",
        help="how a stored run ended, as an exit code; fails where too few cells were compared",
        description="Prints how a stored run ended, and ends as it ended: 0 fine, 1 something is worse, failed or"
        " missing, 10 undecided or interrupted, 11 nothing, or fewer cells than asked for, compared or measured.",
    )
    check.add_argument(
        "folder", type=Path, nargs="?", default=Path("reports/latest"), metavar="RUN", help="(default reports/latest)"
    )
    check.add_argument("--compared", type=int, metavar="N", help="at least so many cells (default 1)")
    check.add_argument(
        "--measured", type=int, metavar="N", help="at least so many cells; alone, nothing need be compared"
    )
    check.add_argument(
        "--undecided-passes", action="store_true", help="end with 0 also where something could not be decided"
    )
    check.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Say how the run ended; the worst that can be said of it is the exit code."""
    from harness.render.rows import headline_of, rows_of
    from harness.render.text import clip, one_line

    for name in ("compared", "measured"):
        asked = getattr(options, name)
        if asked is not None and asked < 1:
            raise UsageProblem(f"--{name} {asked} asks for nothing; give 1 or more")
    found = journal.read_run(options.folder)
    ending = ending_of(found)
    print(f"{ending.word} · {_compared(found)} · {headline_of(found, rows_of(found)).coverage}")
    for reason in ending.reasons[:_REASONS]:
        # A dash before it: a CI obeys lines that begin with two colons, and a record may be a stranger's.
        print(f"- {clip(one_line(reason), _REASON_SHOWN)}")
    if len(ending.reasons) > _REASONS:
        print(f"  +{len(ending.reasons) - _REASONS} more")
    if ending.command_code == Exit.REGRESSION:
        return Exit.REGRESSION
    lacking = _lacking(found, options)
    if lacking:
        print(f"  {lacking}")
    if ending.word is Word.INTERRUPTED:
        return Exit.INCONCLUSIVE
    if lacking:
        return Exit.NOTHING_COMPARABLE
    if ending.word is Word.UNDECIDED and not options.undecided_passes:
        return Exit.INCONCLUSIVE
    return Exit.PASS


def _compared(found: Run) -> str:
    verdicts = found.judgement.verdicts if found.judgement else ()
    # A cell that only a verdict speaks of is missing: it counts as one that was not compared, as in the headline.
    cells = len({*found.planned, *(one.cell for one in found.measurements), *(one.cell for one in verdicts)})
    count = len(compared_cells(found.judgement)) if found.judgement else 0
    return f"compared {count} of {cells} cells"


def _lacking(found: Run, options: argparse.Namespace) -> str:
    """What there is too little of; empty where there is enough. `--measured` alone asks for no comparison."""
    measured = sum(one.status is Status.MEASURED for one in found.measurements)
    if options.measured is not None and measured < options.measured:
        return f"measured {measured}, where at least {options.measured} had to be"
    asked = options.compared if options.compared is not None else int(options.measured is None)
    compared = len(compared_cells(found.judgement)) if found.judgement else 0
    return "" if compared >= asked else f"compared {compared}, where at least {asked} had to be"
