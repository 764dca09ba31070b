"""How `try` tells what it found: a table, a sentence a precision, and what could not run; and the same as JSON."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TextIO

from harness.commands.bringing import Taken
from harness.commands.try_run import Tried
from harness.consequences import control_tripped
from harness.render import numbers
from harness.render.look import Look, look_of
from harness.render.rows import Row, State, by_reason, rows_of
from harness.render.text import one_line, visible
from harness.render.worth_rows import PAIRED, WorthRow, worth_row
from harness.results import Run
from harness.verdict.times import LATENCY
from harness.worth.picking import Fact
from harness.worth.standing import Worth
from harness.worth.terms import Candidate, candidates_of
from harness.worth.weighing import worth_of

_TITLES = ("precision", "latency", "× fp32", "memory", "size", "covered", "outputs")
_TRIPPED = "identical code was called different on this machine, so no speed-up is shown; quantgate doctor says more"


@dataclass(frozen=True, slots=True)
class Told:
    """What `try --format json` prints. `inputs` say how they came to be; `precisions` are fp32 first."""

    model: str
    device: str
    run: str
    report: str
    complete: bool
    format: str
    digest: str
    inputs: tuple[str, ...]
    precisions: tuple[Candidate, ...]
    notes: tuple[str, ...]
    machine: dict[str, Fact]


def told_json(found: Tried, taken: Taken, notes: Sequence[str]) -> Told:
    """The same as values."""
    run = found.run
    return Told(
        model=run.planned[0].model,
        device=run.planned[0].device,
        run=run.id,
        report=os.path.relpath(found.report),
        complete=run.complete,
        format=taken.brought.format,
        digest=taken.brought.file.digest,
        inputs=taken.lines,
        precisions=candidates_of(run),
        notes=tuple(notes),
        machine=run.environment.identity,
    )


def told(run: Run, stream: TextIO, notes: Sequence[str], report: str) -> str:
    """Everything that is said at the end."""
    look = look_of(stream, os.environ)
    rows = rows_of(run)
    weighed = [worth_row(one) for one in worth_of(run)]
    if run.judgement and control_tripped(run.judgement.controls):
        notes = (_TRIPPED, *notes)
    parts = [
        _table(weighed, run, look),
        "\n".join(_sentence(one, look) for one in weighed if one.worth not in (Worth.BASE, Worth.NO_RESULT)),
        _reasons(rows, look),
        "\n".join(_wrapped(f"note  {note}", look, "      ") for note in notes),
        f"report  {visible(report)}",
    ]
    return look.fit("\n\n".join(part for part in parts if part))


def in_words_of_try(sentence: str) -> str:
    """A sentence whose next step is a run of pytest, with the next step that is open here."""
    return sentence.replace("pytest --against precision=fp32 would tell", "a longer --time-budget would tell").replace(
        "more pairs would tell", "a longer --time-budget would tell"
    )


def _table(weighed: Iterable[WorthRow], run: Run, look: Look) -> str:
    """The numbers of what ran."""
    from tabulate import tabulate

    found = {one.cell: one for one in run.measurements}
    body = []
    has_rough = False
    for one in weighed:
        if one.worth is Worth.NO_RESULT:
            continue
        latency = found[one.cell].value(LATENCY) if one.cell in found else None
        spent = numbers.DASH if latency is None else numbers.seconds(latency)
        figures = (one.speed, one.memory, one.size, one.covered, replace(one.quality, aside=""))
        has_rough |= one.speed.text.startswith("≈")
        body.append([one.cell.precision, spent, *map(str, figures)])
    if not body:
        return "nothing could be measured"
    align = ("left", *["right"] * (len(_TITLES) - 1))
    table: str = tabulate(body, _TITLES, tablefmt="simple", disable_numparse=True, colalign=align)
    foot = ["memory, size: of fp32's; covered: share of the weight bytes converted; outputs: beside those of fp32"]
    foot += [PAIRED] * any("[" in line for line in table.splitlines()[2:])
    foot += ["≈ of too few pairs, or of none: a factor, no more; a longer --time-budget tells it"] * has_rough
    return "\n".join([table, *(_wrapped(line, look, "") for line in foot)])


def _sentence(row: WorthRow, look: Look) -> str:
    return _wrapped(f"{row.glyph} {in_words_of_try(row.sentence)}", look, "    ")


def _reasons(rows: Sequence[Row], look: Look) -> str:
    """What did not run, each reason once with the precisions that it holds for."""
    lines = []
    for state in (State.FAILED, State.UNSUPPORTED, State.NOT_MEASURED):
        for reason, held in by_reason(rows, state).items():
            names = ", ".join(row.cell.precision for row in held)
            lines.append(_wrapped(f"{held[0].glyph} {names}: {state}: {one_line(reason)}", look, "    "))
    return "\n".join(lines)


def _wrapped(text: str, look: Look, rest: str) -> str:
    return textwrap.fill(look.fit(text), look.width, subsequent_indent=rest, break_on_hyphens=False)
