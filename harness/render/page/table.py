"""Every cell with every column, one line each, and why some have no numbers. Only arranges rows.

Owns what a column sorts by, and which lines are there when the page opens: a long table is cut into parts that wait.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.cells import Cell
from harness.comparisons import Outcome
from harness.render.figures import Column, Figure
from harness.render.page.context import Page
from harness.render.page.grid import Spot, spots_of
from harness.render.rows import GLYPHS, Row, State, by_reason, shown_columns

_INLINE_LINES = 30
_LINES_OF_A_PART = 200
_CELLS_LISTED = 12
_ELSEWHERE = frozenset(("rate",))
"""What only says the latency again: it stands with the cell."""


@dataclass(frozen=True, slots=True)
class Field:
    """A figure as it stands in the table: `why` is the number of the reason for which it is missing, from 1."""

    figure: Figure
    why: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One cell. `numbers` are what its columns sort by, in their order; `said` is why it has none.

    `anchor` is set where the cell has no article of its own: then its line is where links lead.
    """

    cell: Cell
    spot: Spot
    fields: tuple[Field, ...]
    numbers: str
    said: str = ""
    has_article: bool = True


@dataclass(frozen=True, slots=True)
class Excuse:
    """The cells without numbers that share a reason; `more` of them are not named here."""

    state: State
    glyph: str
    reason: str
    cells: tuple[Row, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Table:
    """The columns worth their place, the lines in parts, and why values are missing."""

    columns: tuple[Column, ...]
    is_judged: bool
    lines: tuple[Line, ...]
    later: tuple[tuple[Line, ...], ...]
    reasons: tuple[str, ...]
    excused: Mapping[State, tuple[Excuse, ...]]
    without_article: int
    alike: tuple[tuple[str, str], ...]
    """The columns that say the same of every cell: their titles, and what they say."""

    usual: str
    """The kind of the lines that are as they should be, mostly most of them: it is written once."""

    glyphs = GLYPHS

    @property
    def width(self) -> int:
        """How many columns there are after the name of the cell and its state."""
        return len(self.columns) + self.is_judged


def view(page: Page) -> Table:
    """Show all cells."""
    worth_it = [column for column in shown_columns(page.rows) if column.key not in _ELSEWHERE]
    alike = {column: text for column in worth_it if (text := _told_of_all(page.rows, column))}
    columns = tuple(column for column in worth_it if column not in alike)
    reasons: dict[str, int] = {}
    spots = spots_of(page)
    lines = [_line(page, cell, spot, columns, reasons) for cell, spot in spots.items()]
    inline = len(lines) if len(lines) <= 3 * _INLINE_LINES else _INLINE_LINES
    return Table(
        columns,
        page.comparison is not None,
        tuple(lines[:inline]),
        tuple(tuple(lines[at : at + _LINES_OF_A_PART]) for at in range(inline, len(lines), _LINES_OF_A_PART)),
        tuple(reasons),
        {state: found for state in State if (found := _excuses(page.rows, state))},
        len(page.rows) - len(page.detailed),
        tuple((column.title, text) for column, text in alike.items()),
        (Outcome.UNCHANGED if page.comparison else State.MEASURED).name.lower(),
    )


def _told_of_all(rows: Sequence[Row], column: Column) -> str:
    """What a column says, where it says the same of all of several cells; empty where it does not."""
    figures = [row.figures[column.key] for row in rows if row.figures]
    texts = {str(figure) for figure in figures}
    return texts.pop() if len(figures) > 1 and len(texts) == 1 and not any(figure.why for figure in figures) else ""


def _line(page: Page, cell: Cell, spot: Spot, columns: Sequence[Column], reasons: dict[str, int]) -> Line:
    row = page.by_cell.get(cell)
    has_article = cell in page.detailed
    verdicts = page.comparison.cells.get(cell, ()) if page.comparison else ()
    if row is None or row.problem is not None:
        said = row.problem.line if row is not None and row.problem is not None else verdicts[0].text
        return Line(cell, spot, (), "", said, has_article=has_article)
    fields = tuple(_field(row.figures[column.key], reasons) for column in columns)
    values = [*([spot.change_size] if page.comparison else []), *(field.figure.value for field in fields)]
    numbers = " ".join("-" if value is None else f"{value:.3g}".replace("e+0", "e") for value in values)
    return Line(cell, spot, fields, numbers, has_article=has_article)


def _field(figure: Figure, reasons: dict[str, int]) -> Field:
    return Field(figure, reasons.setdefault(figure.why, len(reasons) + 1) if figure.why else 0)


def _excuses(rows: Sequence[Row], state: State) -> tuple[Excuse, ...]:
    return tuple(
        Excuse(state, GLYPHS[state], reason, sharing[:_CELLS_LISTED], max(len(sharing) - _CELLS_LISTED, 0))
        for reason, sharing in by_reason(rows, state).items()
    )
