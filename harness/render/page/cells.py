"""Cell by cell: all that is known of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.cells import Cell
from harness.comparisons import Duel
from harness.render.figures import Column
from harness.render.page.context import Page
from harness.render.page.detail import Detail, detail_of
from harness.render.page.forest import WIDTH as FOREST_WIDTH
from harness.render.page.forest import Forest, forest_of, is_of
from harness.render.page.strip import HEIGHT, WIDTH
from harness.render.rows import shown_columns

_MARKS_OF_A_CELL = 300
_MARKS_OF_A_PAGE = 40_000


@dataclass(frozen=True, slots=True)
class Cells:
    """The details in the order of the rows, and the pairs of each that was compared live."""

    details: tuple[Detail, ...]
    columns: tuple[Column, ...]
    duels: Mapping[Cell, Duel]
    forests: Mapping[Cell, Forest]
    strip_size = (WIDTH, HEIGHT)
    forest_width = FOREST_WIDTH


def view(page: Page) -> Cells:
    """Show what is known of each cell."""
    marks = max(min(_MARKS_OF_A_CELL, _MARKS_OF_A_PAGE // max(len(page.rows), 1)), 40)
    return Cells(
        tuple(detail_of(row, marks) for row in page.rows if row.cell in page.detailed),
        shown_columns(page.rows),
        {duel.cell: duel for duel in page.run.duels if not duel.is_control},
        _forests(page),
    )


def _forests(page: Page) -> dict[Cell, Forest]:
    """Draw the pairs of every cell, with the verdict that was made of them."""
    cells = page.comparison.cells if page.comparison else {}
    drawn = {
        duel.cell: forest_of(duel, next((row.verdict for row in cells.get(duel.cell, ()) if is_of(row.verdict)), None))
        for duel in page.run.duels
        if not duel.is_control
    }
    return {cell: forest for cell, forest in drawn.items() if forest is not None}
