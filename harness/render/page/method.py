"""How to read the page, the data it was made of, and how it was made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import harness
from harness.comparisons import Basis
from harness.render import machine
from harness.render.asked import command_of
from harness.render.figures import UNPAIRED, Column
from harness.render.page.context import Page
from harness.render.page.downloads import Download, downloads
from harness.render.rows import GLYPHS, State, shown_columns
from harness.render.text import clip, one_line
from harness.render.verdict_rows import GLYPHS as OUTCOME_GLYPHS
from harness.render.verdict_rows import MEANINGS

_COMMAND_SHOWN = 600

_DOCS = (
    ("docs/report.md", "this page"),
    ("docs/gate.md", "how a verdict is reached"),
    ("docs/quality.md", "what outputs are worth"),
    ("docs/baselines.md", "where stored numbers live"),
    ("docs/expectations.md", "margins, budgets, claims and bounds"),
    ("docs/schema/run-1.json", "the schema of run.json"),
)


@dataclass(frozen=True, slots=True)
class Method:
    """The data to take along, how the run was asked for, and the words that the page uses."""

    downloads: tuple[Download, ...]
    command: str
    made: tuple[tuple[str, str], ...]
    errors: tuple[str, ...]
    columns: tuple[Column, ...]
    docs = _DOCS
    State = State
    glyphs = GLYPHS
    meanings = MEANINGS
    outcome_glyphs = OUTCOME_GLYPHS
    unpaired = UNPAIRED


def view(page: Page) -> Method:
    """Explain."""
    return Method(
        downloads(page),
        clip(command_of(page.run.options), _COMMAND_SHOWN),
        _made(page),
        tuple(_errors(page)),
        shown_columns(page.rows),
    )


def _errors(page: Page) -> Iterable[str]:
    """How false alarms are kept rare in this run, in words: of pairs, of stored numbers, of what is counted."""
    if page.comparison is None or not page.comparison.error_control:
        return
    said = page.comparison.error_control
    bases = {one.basis for one in page.run.judgement.verdicts} if page.run.judgement else set()
    yield f"{said[:1].upper()}{said[1:]}."
    yield "That rate is divided among all comparisons, so that many cells make no verdict likelier to be wrong."
    if any(duel.pairs for duel in page.run.duels):
        yield (
            "Live, a change in time is said only where two stages of fresh processes show it, each by itself; when a"
            " stage may be looked at is planned, and each look has its own part of the rate."
        )
        yield "The control, the old side against itself, shows whether the machine keeps to it today."
    if Basis.STORED in bases:
        yield (
            "Against stored numbers, a change in time is said only beyond what sessions on one machine differ by; what"
            " they cannot prove is suspect, and a live comparison settles it."
        )
    yield "What is counted, sizes and weights, is the same every time, and has no error to keep rare."


def _made(page: Page) -> tuple[tuple[str, str], ...]:
    """By what it was measured and shown: versions, the seed, the commit of the suites."""
    run = page.run
    libraries, info = run.environment.libraries, run.environment.info
    found = [
        ("Run", one_line(run.id)),
        ("Record", f"schema {run.schema}"),
        ("Shown by", f"Quantgate {harness.__version__}"),
    ]
    if libraries.get("quantgate"):
        found.append(("Measured by", f"Quantgate {machine.fact_value('quantgate', libraries['quantgate'])}"))
    if libraries.get("python"):
        found.append(("Python", machine.fact_value("python", libraries["python"])))
    found.append(("Libraries", machine.library_line(run.environment)))
    if run.options.get("seed") is not None:
        found.append(("Seed", f"{run.options['seed']}: of weights that are drawn, and of the part of a workload"))
    if info.get("git_commit"):
        dirty = ", with uncommitted changes" if info.get("git_dirty") else ""
        found.append(("Suites", f"commit {one_line(str(info['git_commit']))[:12]}{dirty}"))
    return tuple(found)
