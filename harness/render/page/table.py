"""Every cell with every column, one line each, and why some have no numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.render.figures import Column
from harness.render.page.context import Page
from harness.render.rows import GLYPHS, Row, State, by_reason, shown_columns


@dataclass(frozen=True, slots=True)
class Table:
    """The columns worth their place, and the cells without numbers under the reasons they share."""

    columns: tuple[Column, ...]
    excused: tuple[tuple[State, Mapping[str, tuple[Row, ...]]], ...]
    glyphs = GLYPHS


def view(page: Page) -> Table:
    """Show all cells."""
    excused = [(state, found) for state in State if (found := by_reason(page.rows, state))]
    return Table(shown_columns(page.rows), tuple(excused))
