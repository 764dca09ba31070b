"""Turns a Run into rows, once. Every printer shows these rows, so that all of them say the same.

Owns what is shown of a cell and in which words a missing value is excused. Holds no threshold and decides nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from harness.cells import Cell, measuring
from harness.ending import Ending, Tone, Word, ending_of
from harness.render.figures import COLUMNS, REFERENCE, Column, Figure, Problem
from harness.render.quality_rows import quality_notes
from harness.results import Measurement, Run, Status


class State(StrEnum):
    """What can be said of a planned cell."""

    MEASURED = "measured"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"
    NOT_MEASURED = "not measured"


GLYPHS: Mapping[State, str] = {
    State.MEASURED: "●",
    State.UNSUPPORTED: "∅",
    State.FAILED: "✕",
    State.NOT_MEASURED: "◌",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A cell as it is shown. `figures` has the key of every column asked for; none where it was not measured."""

    number: int
    cell: Cell
    state: State
    figures: Mapping[str, Figure]
    problem: Problem | None
    notes: tuple[str, ...]
    measurement: Measurement | None
    reference: Measurement | None = None
    """The fp32 that it is set beside, where that has a result."""

    @property
    def name(self) -> str:
        """The cell as a person says it."""
        return cell_name(self.cell)

    @property
    def glyph(self) -> str:
        """The sign of the cell's state."""
        return GLYPHS[self.state]

    @property
    def anchor(self) -> str:
        """The fragment that leads to the cell."""
        return anchor_of(self.cell)

    @property
    def rerun(self) -> str:
        """The command that measures this cell again."""
        return measuring(self.cell)


@dataclass(frozen=True, slots=True)
class Headline:
    """How much of what was planned was measured."""

    planned: int
    counts: Mapping[State, int]
    ending: Ending

    @property
    def state(self) -> str:
        """One word for how the run ended."""
        is_fine = self.ending.word in (Word.MEASURED, Word.PASSED, Word.UNDECIDED, Word.UNGATED)
        return "complete" if is_fine else str(self.ending.word)

    @property
    def tone(self) -> Tone:
        """The state as one of three words for printers that colour."""
        return self.ending.tone

    @property
    def coverage(self) -> str:
        """What was measured, of how many."""
        return f"measured {self.counts[State.MEASURED]} of {self.planned}"

    @property
    def rest(self) -> tuple[tuple[State, int], ...]:
        """The other states that occur, counted."""
        return tuple((state, n) for state, n in self.counts.items() if n and state is not State.MEASURED)

    @property
    def sentence(self) -> str:
        """The headline in words, the same everywhere."""
        return " · ".join((self.state, *self.phrases))

    @property
    def phrases(self) -> tuple[str, ...]:
        """How much was measured, and what else came of it, without the word for how the run ended."""
        return (self.coverage, *(f"{n} {state}" for state, n in self.rest))


def cell_name(cell: Cell) -> str:
    """Return a cell as a person says it."""
    return f"{cell.model} {cell.precision} {cell.device}"


def anchor_of(cell: Cell) -> str:
    """Return the fragment that leads to a cell: `c=model/precision/device`."""
    anchor = "c=" + "/".join(quote(part, safe=":") for part in (cell.model, cell.precision, cell.device))
    if len(anchor) <= 200:
        return anchor
    return f"{anchor[:120]}~{hashlib.sha256(anchor.encode()).hexdigest()[:16]}"


def headline_of(run: Run, rows: Iterable[Row]) -> Headline:
    """Count the rows by state."""
    states = [row.state for row in rows]
    return Headline(len(states), {state: states.count(state) for state in State}, ending_of(run))


def rows_of(run: Run, columns: Sequence[Column] = COLUMNS) -> tuple[Row, ...]:
    """Make a row for every planned cell, in the order planned, and for whatever was measured beside the plan."""
    found = {measurement.cell: measurement for measurement in run.measurements}
    cells = dict.fromkeys((*run.planned, *found))
    missing = (
        Problem("not recorded", "planned, but nothing was recorded of it; pytest --resume measures it")
        if run.complete
        else Problem("interrupted", "the run ended before its turn; pytest --resume goes on from there")
    )
    return tuple(
        measured_row(number, found[cell], reference_of(cell, found), columns)
        if cell in found
        else Row(number, cell, State.NOT_MEASURED, {}, missing, (), None)
        for number, cell in enumerate(cells, 1)
    )


def measured_row(
    number: int, measurement: Measurement, reference: Measurement | None, columns: Sequence[Column] = COLUMNS
) -> Row:
    """Make the row of a cell; `reference` is the fp32 cell of its model, where it is known: see `reference_of`."""
    state, problem = _state(measurement)
    beside = _beside(reference)
    figures = {} if problem else {column.key: column.figure(measurement, beside) for column in columns}
    notes = (*measurement.notes, *quality_notes(measurement.quality))
    fp32 = None if isinstance(beside, Problem) or beside.cell == measurement.cell else beside
    return Row(number, measurement.cell, state, figures, problem, notes, measurement, fp32)


def reference_of(cell: Cell, found: Mapping[Cell, Measurement]) -> Measurement | None:
    """The fp32 that a cell is set beside: of its own device, else of one that fp32 was measured on instead."""
    if own := found.get(Cell(cell.model, REFERENCE, cell.device)):
        return own
    elsewhere = (one for other, one in found.items() if (other.model, other.precision) == (cell.model, REFERENCE))
    return next((one for one in elsewhere if one.status is Status.MEASURED), None)


def by_reason(rows: Iterable[Row], state: State) -> Mapping[str, tuple[Row, ...]]:
    """Return the cells of a state that have no numbers, under each reason they share."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row.state is state and row.problem is not None:
            found.setdefault(row.problem.line, []).append(row)
    return {reason: tuple(sharing) for reason, sharing in found.items()}


def shown_columns(rows: Iterable[Row]) -> tuple[Column, ...]:
    """Return the columns worth their place: those for audio or a device only where some cell has a value."""
    filled = {key for row in rows for key, figure in row.figures.items() if not figure.why}
    return tuple(column for column in COLUMNS if column.always or column.key in filled)


def _state(measurement: Measurement) -> tuple[State, Problem | None]:
    match measurement.status:
        case Status.MEASURED:
            return State.MEASURED, None
        case Status.UNSUPPORTED:
            return State.UNSUPPORTED, Problem(str(measurement.reason), measurement.text)
        case Status.FAILED:
            failure = measurement.failure
            assert failure is not None
            return State.FAILED, Problem(f"failed in {failure.phase}", failure.text, failure.last_words)


def _beside(reference: Measurement | None) -> Measurement | Problem:
    """Return the fp32 measurement, or why nothing can be set beside it."""
    if reference is None:
        return Problem("no fp32", "fp32 of this model was not measured")
    _, problem = _state(reference)
    return reference if problem is None else Problem("no fp32", f"fp32 has no value: {problem.line}")
