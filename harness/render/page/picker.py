"""What to ship: each precision beside fp32 of its model, and whether it is worth it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.render.page.context import Page
from harness.render.worth_rows import TITLES, WorthBlock


@dataclass(frozen=True, slots=True)
class Pick:
    """A block a model and device."""

    blocks: tuple[WorthBlock, ...]
    titles = TITLES


def view(page: Page) -> Pick | None:
    """Show what is worth it, where anything was measured beside fp32."""
    return Pick(page.worths) if page.worths else None
