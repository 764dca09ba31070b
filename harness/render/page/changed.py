"""What changed: verdicts from the worst on, what shares a reason together."""

from __future__ import annotations

from dataclasses import dataclass

from harness.render.gate import Comparison
from harness.render.page.context import Page
from harness.render.verdict_rows import GLYPHS

_MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Changed:
    """The comparison, and how many verdicts have a line here."""

    comparison: Comparison
    most_rows: int = _MOST_ROWS
    glyphs = GLYPHS


def view(page: Page) -> Changed | None:
    """Show verdicts where there are some."""
    return Changed(page.comparison) if page.comparison else None
