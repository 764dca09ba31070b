"""`quantgate accept`: first baselines from runs (`--new`), or one tolerated change. Both end up in git, for review."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from harness import journal
from harness.baselines.accepting import Fate, Filed, file_run
from harness.baselines.approvals import NAME, append_acceptance
from harness.baselines.store import FOLDER, Store
from harness.baselines.tolerating import acceptance_of
from harness.commands.exits import Exit
from harness.commands.project import add_root, project_root
from harness.errors import UsageProblem

_LATEST = Path("reports/latest")


def add(commands: argparse._SubParsersAction[Any]) -> None:  # argparse gives the type no public name
    """Declare the command."""
    accept = commands.add_parser(
        "accept",
        help="store baselines of a run (--new), or tolerate one change, with a reason",
        usage="quantgate accept --new [RUN ...]\n"
        "       quantgate accept CELL --metric M --reason TEXT [--expires DATE] [--run RUN]",
    )
    accept.add_argument("words", nargs="*", metavar="CELL | RUN", help="a cell (model/precision/device), or runs")
    accept.add_argument("--new", action="store_true", help="store the cells of these runs (default: reports/latest)")
    accept.add_argument("--metric", metavar="M", help="the metric whose change is tolerated")
    accept.add_argument("--reason", metavar="TEXT", help="why; it is read in review and shown in every report")
    accept.add_argument("--expires", metavar="DATE", help="the last day on which it holds, as 2030-12-31")
    accept.add_argument("--run", dest="judged", type=Path, metavar="RUN", help="the run that showed the change")
    add_root(accept)
    accept.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Store or tolerate, as asked."""
    return _store(options) if options.new else _tolerate(options)


def _store(options: argparse.Namespace) -> int:
    if any((options.metric, options.reason, options.expires, options.judged)):
        raise UsageProblem("accept --new takes runs only; name a CELL instead of --new to tolerate one change")
    store = Store(project_root(options.root) / FOLDER)
    runs = [journal.read_run(Path(word)) for word in options.words or [_LATEST]]
    filed: list[Filed] = []
    for one in sorted(runs, key=lambda run: (run.started, run.id)):
        print(f"run {one.id}")
        if one.environment.info.get("git_dirty"):
            print("  note: measured with uncommitted changes; a live comparison will see the commit without them")
        for found in file_run(store, one):
            print(f"  {found.fate:<11} {found.cell}: {found.text}")
            filed.append(found)
    counts = {fate: sum(one.fate is fate for one in filed) for fate in Fate}
    print(", ".join(f"{count} {fate}" for fate, count in counts.items() if count) or "no cell")
    if not any(counts[fate] for fate in (Fate.WRITTEN, Fate.ADDED, Fate.KEPT)):
        raise UsageProblem("nothing was accepted; the lines above say why")
    print(f"commit {FOLDER}/ and have it reviewed")
    return Exit.PASS


def _tolerate(options: argparse.Namespace) -> int:
    if len(options.words) != 1 or not options.metric:
        raise UsageProblem("write accept --new [RUN ...], or accept CELL --metric M --reason TEXT")
    if options.reason is None:
        raise UsageProblem("a change is tolerated for a reason, and it was not given; write --reason 'why'")
    folder = project_root(options.root, needs_models=False) / FOLDER
    entry = acceptance_of(
        journal.read_run(options.judged or _LATEST),
        options.words[0],
        options.metric,
        options.reason,
        _day(options.expires),
        datetime.now(UTC).date(),
    )
    append_acceptance(folder, entry)
    bound = entry.limit or f"up to {entry.new:g}"
    until = f", until {entry.expires}" if entry.expires else ", with no last day"
    print(f"accepted {entry.cell} {entry.metric} {bound}{until}; commit {NAME} and have it reviewed")
    return Exit.PASS


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise UsageProblem(f"--expires {text!r} is no day; write one as 2030-12-31") from error
