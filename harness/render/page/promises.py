"""Claims, budgets and bounds: what was promised, and what was measured."""

from __future__ import annotations

from harness.render.gate import Comparison
from harness.render.page.context import Page


def view(page: Page) -> Comparison | None:
    """Show them where there are some."""
    return page.comparison if page.comparison and page.comparison.judged else None
