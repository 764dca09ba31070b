"""Latency against quality lost, a plot a model and device. Pure geometry."""

from __future__ import annotations

from harness.cells import Cell
from harness.render.page.context import Page
from harness.render.rows import anchor_of


def view(page: Page) -> object | None:
    """Draw what there is to weigh."""
    del page
    return None


def block_anchor(model: str, device: str) -> str:
    """The fragment that leads to the numbers of one model on one device."""
    return "t=" + anchor_of(Cell(model, "", device)).removeprefix("c=")
