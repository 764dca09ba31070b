"""How to read the page, and the data it was made of."""

from __future__ import annotations

from dataclasses import dataclass

from harness.render.figures import UNPAIRED, Column
from harness.render.page.context import Page
from harness.render.rows import GLYPHS, State, shown_columns
from harness.render.verdict_rows import GLYPHS as OUTCOME_GLYPHS
from harness.render.verdict_rows import MEANINGS


@dataclass(frozen=True, slots=True)
class Method:
    """The words that the page uses, explained."""

    columns: tuple[Column, ...]
    State = State
    glyphs = GLYPHS
    meanings = MEANINGS
    outcome_glyphs = OUTCOME_GLYPHS
    unpaired = UNPAIRED


def view(page: Page) -> Method:
    """Explain."""
    return Method(shown_columns(page.rows))
