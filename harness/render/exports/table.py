"""The run as CSV: a line a metric of a cell, a line with the reason where a cell gave none."""

from __future__ import annotations

import csv
import io

from harness.render.exports.values import Value, values_of
from harness.results import Run

COLUMNS = (
    *("model", "precision", "device", "state", "metric", "unit", "better"),
    *("value", "low", "high", "verdict", "note"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(run: Run) -> str:
    """Write the table, with a header; a number is written as it was measured, an empty one was not."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_line(value) for value in values_of(run))
    return out.getvalue()


def _line(value: Value) -> tuple[str, ...]:
    cell = value.cell
    words = (
        *map(plain_text, (cell.model, cell.precision, cell.device)),
        str(value.state),
        plain_text(value.metric or ""),
    )
    numbers = ("" if one is None else repr(float(one)) for one in (value.value, value.low, value.high))
    return (*words, plain_text(value.unit), str(value.better), *numbers, value.outcome, plain_text(value.note))


def plain_text(text: str) -> str:
    """A text that a spreadsheet would run as a formula is quoted, as spreadsheets quote."""
    return f"'{text}" if text.startswith(_FORMULA) else text
