"""The data of the page, to be taken along: links that hold it themselves, so that no script and no network is needed.

Owns what is in them. Small data is plain; large data is compressed, and of a very large run it is told in fewer words.
"""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.cells import Cell
from harness.comparisons import Outcome
from harness.render import numbers
from harness.render.exports.table import as_csv, plain_text
from harness.render.judged_rows import JudgedRow
from harness.render.page.context import Page
from harness.render.rows import Row, shown_columns
from harness.render.verdict_rows import VerdictRow

PLAIN_BYTES = 16_000
"""What is longer is compressed."""

MOST_VALUES = 3_000
"""So many lines of every value are held by the page; of more, the table of all cells. `quantgate export` has them."""

MANY_CELLS = 300
"""Of more cells what is unchanged goes without its sentence and its values."""

_DIGITS = 4
_NUMBERS = {
    "latency": "latency_seconds",
    "speed": "times_fp32",
    "rate": "inferences_per_second",
    "rtf": "real_time_factor",
    "load": "load_seconds",
    "peak": "peak_bytes",
    "device_peak": "device_peak_bytes",
    "size": "artifact_bytes",
    "covered": "weights_covered_fraction",
    "limit": "limit_share_fraction",
}
"""The columns of numbers by what they are called where no word beside them says their unit; others are texts."""

_NAME_SHOWN = 48


@dataclass(frozen=True, slots=True)
class Download:
    """A link that holds its file: its name, what is in it, and how much."""

    name: str
    href: str
    kind: str
    says: str
    size: str


def downloads(page: Page) -> tuple[Download, ...]:
    """The table of values and the rows of the page."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", page.run.id).strip("-.")[:_NAME_SHOWN] or "run"
    has_all = _values(page) <= MOST_VALUES
    table = as_csv(page.run) if has_all else cells_csv(page)
    what = "a line a metric of a cell" if has_all else "a line a cell; quantgate export csv has every metric"
    shown = "the rows of this page, as it shows them"
    return (
        _download(f"quantgate-{stem}.csv", "text/csv", "CSV", what, table),
        _download(f"quantgate-{stem}.json", "application/json", "JSON", shown, rows_json(page)),
    )


def _download(name: str, media: str, kind: str, says: str, text: str) -> Download:
    data = text.encode()
    size = numbers.bytes_(len(data))
    if len(data) > PLAIN_BYTES:
        data, name, media = gzip.compress(data, 9, mtime=0), f"{name}.gz", "application/gzip"
        size = f"{numbers.bytes_(len(data))}, gzip"
    return Download(name, f"data:{media};base64,{base64.b64encode(data).decode()}", kind, says, size)


def _values(page: Page) -> int:
    """About how many lines every value of the run would take."""
    measured = page.run.measurements
    return sum(len(one.readings) + len(one.quality.scores if one.quality else ()) for one in measured)


def cells_csv(page: Page) -> str:
    """The table of all cells as CSV: numbers in the unit that their heading names, and what was said of them."""
    columns = shown_columns(page.rows)
    heads = (_NUMBERS.get(column.key, column.key) for column in columns)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("model", "precision", "device", "state", "verdict", *heads, "why"))
    for row in page.rows:
        told = [_told(row, column.key) for column in columns]
        parts = (row.cell.model, row.cell.precision, row.cell.device)
        outcome = str(page.outcomes.get(row.cell, ""))
        why = row.problem.line if row.problem else ""
        writer.writerow((*map(plain_text, parts), str(row.state), outcome, *told, plain_text(why)))
    return out.getvalue()


def _told(row: Row, column: str) -> str:
    """A figure as a number, or as the text it is; empty where there is none."""
    figure = row.figures.get(column)
    if figure is None or figure.why:
        return ""
    if column not in _NUMBERS:
        return plain_text(figure.text)
    return "" if figure.value is None else f"{figure.value:.{_DIGITS}g}"


def rows_json(page: Page) -> str:
    """Everything that the page shows in rows: cells with their verdicts, promises; what does not apply is left out."""
    comparison = page.comparison
    verdicts = dict(comparison.cells) if comparison else {}
    is_brief = len(page.rows) > MANY_CELLS
    told: dict[str, Any] = {
        "run": page.run.id,
        "schema": page.run.schema,
        "started": page.run.started,
        "finished": page.run.finished,
        "headline": comparison.headline.sentence if comparison else page.headline.sentence,
        "cells": [_cell(row, verdicts.pop(row.cell, ()), is_brief) for row in page.rows],
    }
    if comparison:
        # A stored cell that nobody declares any more has verdicts, and no row.
        told["other_cells"] = [{**_named(cell), "verdicts": _verdicts(of, is_brief)} for cell, of in verdicts.items()]
        told["promises"] = [_promise(row) for row in comparison.judged]
        told["health"] = dict(comparison.health)
    return json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def _cell(row: Row, verdicts: Sequence[VerdictRow], is_brief: bool) -> dict[str, Any]:
    figures = {key: str(figure) for key, figure in row.figures.items() if not figure.why}
    why = {"why": row.problem.line} if row.problem else {}
    said = {"verdicts": _verdicts(verdicts, is_brief)} if verdicts else {}
    return {**_named(row.cell), "state": str(row.state), **why, **figures, **said}


def _verdicts(rows: Sequence[VerdictRow], is_brief: bool) -> list[dict[str, Any]]:
    return [_verdict(row, is_brief=is_brief and row.outcome is Outcome.UNCHANGED) for row in rows]


def _verdict(row: VerdictRow, *, is_brief: bool) -> dict[str, Any]:
    said = {
        "metric": row.verdict.metric,
        "outcome": str(row.outcome),
        "change": row.change,
        "margin": row.margin,
        "basis": row.basis,
        "could_see": row.could_see.removeprefix("could see "),
        "fatal": row.verdict.is_fatal,
        "accepted": row.accepted,
    }
    more = {
        "old": row.old,
        "new": row.new,
        "text": row.text,
        "cause": row.cause,
        "differences": list(row.differences),
        "settle": row.settle,
    }
    return _without_nothing(said if is_brief else said | more)


def _promise(row: JudgedRow) -> dict[str, Any]:
    return _without_nothing(
        {
            **_named(row.judged.cell),
            "kind": row.kind,
            "name": row.name,
            "answer": str(row.judged.answer),
            "fatal": row.judged.is_fatal,
            "text": row.text,
            "source": row.source,
            "accepted": row.accepted,
        }
    )


def _named(cell: Cell) -> dict[str, str]:
    return {"model": cell.model, "precision": cell.precision, "device": cell.device}


def _without_nothing(found: dict[str, Any]) -> dict[str, Any]:
    """Leave out what does not apply: an empty text, a dash, a verdict that is not fatal."""
    return {key: value for key, value in found.items() if value not in ("", numbers.DASH, None, [], False)}
