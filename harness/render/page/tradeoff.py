"""Latency against quality lost, a plot a model and device. Pure geometry."""

from __future__ import annotations

from harness.render.page.context import Page


def view(page: Page) -> object | None:
    """Draw what there is to weigh."""
    del page
    return None
