"""`quantgate compare`: two stored runs, without pytest. The first plays a baseline of one session."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from harness import journal
from harness.baselines.comparing import TIMED, chance_of_quality, compare_stored, shelf_of
from harness.commands.exits import Exit
from harness.comparisons import Judgement, Outcome, Verdict
from harness.consequences import COMPARED, PROFILES, unimproved, weighed
from harness.expectations_file import read_expectations
from harness.results import Run
from harness.stats.sequential import RUN_RATE

_UNDECIDED = (Outcome.INCONCLUSIVE, Outcome.SUSPECT)
_STATES = {
    Exit.PASS: "nothing got worse",
    Exit.REGRESSION: "worse",
    Exit.INCONCLUSIVE: "not decided",
    Exit.NOTHING_COMPARABLE: "nothing comparable",
}
_EXPECTATIONS = Path("suites/expectations.toml")


def add(commands: argparse._SubParsersAction[Any]) -> None:  # argparse gives the type no public name
    """Declare the command."""
    compare = commands.add_parser("compare", help="compare two stored runs; one session each shows large changes only")
    compare.add_argument("old", type=Path, metavar="RUN_A", help="the run that is held as the baseline: folder or file")
    compare.add_argument("new", type=Path, metavar="RUN_B", help="the run that is judged")
    compare.add_argument("--format", choices=("table", "json"), default="table", help="how to print (default: table)")
    compare.add_argument(
        "--expectations", type=Path, metavar="FILE", help=f"margins (default: {_EXPECTATIONS} where there is one)"
    )
    compare.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Judge the second run by the first, print, and say by the exit code what came of it."""
    old, new = journal.read_run(options.old), journal.read_run(options.new)
    expected = read_expectations(options.expectations or _EXPECTATIONS, is_named=options.expectations is not None)
    shelf = shelf_of(old)
    times = len(TIMED) * max(1, len(shelf.here))
    asked = _with_cells_of(new, old)
    verdicts = unimproved(compare_stored(asked, shelf, expected.margins.margin, RUN_RATE / times))
    judgement = Judgement(
        against=f"run {old.id}",
        profile="compare",
        verdicts=tuple(weighed(verdict, PROFILES["gate"], frozenset()) for verdict in verdicts),
        error_rate=RUN_RATE + chance_of_quality(asked, shelf),
        comparisons=times,
        stage_rate=RUN_RATE / times,
    )
    code = exit_of(judgement.verdicts)
    if options.format == "json":
        print(msgspec.json.format(msgspec.json.encode(judgement), indent=1).decode())
    else:
        print(_table(judgement))
        print(_headline(new, judgement, code))
    return code


def exit_of(verdicts: Sequence[Verdict]) -> Exit:
    """What a script is told: the worst first; that nothing was compared is never a pass."""
    if any(verdict.is_fatal for verdict in verdicts):
        return Exit.REGRESSION
    if not any(verdict.outcome in COMPARED for verdict in verdicts):
        return Exit.NOTHING_COMPARABLE
    return Exit.INCONCLUSIVE if any(verdict.outcome in _UNDECIDED for verdict in verdicts) else Exit.PASS


def _with_cells_of(new: Run, old: Run) -> Run:
    """The new run as if it had been asked for all cells of the old one: what it lacks is missing, not passed over."""
    measured = shelf_of(old).here
    return replace(new, planned=tuple(dict.fromkeys((*new.planned, *measured))))


def _headline(new: Run, judgement: Judgement, code: Exit) -> str:
    from harness.render.gate import gate_headline

    found = gate_headline(new, judgement)
    return " · ".join((_STATES[code], found.coverage, *found.rest))


def _table(judgement: Judgement) -> str:
    from tabulate import tabulate

    from harness.render.verdict_rows import verdict_row, worst_first

    rows = worst_first(map(verdict_row, judgement.verdicts))
    lines = [
        (f"{row.glyph} {row.outcome}", row.name, row.metric, row.values, row.change, row.margin, "; ".join(row.remarks))
        for row in rows
    ]
    head = ("verdict", "cell", "metric", "A → B", "B ÷ A", "margin", "why")
    table: str = tabulate(lines, headers=head, tablefmt="simple", disable_numparse=True, maxcolwidths=[*[None] * 6, 60])
    settles = tuple(dict.fromkeys(row.settle for row in rows if row.settle))
    return "\n".join((table, *(("", "To settle what is not decided, live:") if settles else ()), *settles, ""))
