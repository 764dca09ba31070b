"""The grid as it is seen at a glance: one block a device, models down, precisions across. Only arranges rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.cells import PRECISIONS
from harness.render.page.context import Page
from harness.render.rows import Row, State
from harness.render.weights_rows import MEANING, WeightsLine, weights_lines


@dataclass(frozen=True, slots=True)
class Line:
    """One model across the precisions; None where the cell is not part of the run."""

    model: str
    rows: tuple[Row | None, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """All cells of one device."""

    device: str
    precisions: tuple[str, ...]
    lines: tuple[Line, ...]


def blocks_of(rows: Iterable[Row]) -> tuple[Block, ...]:
    """Arrange rows by device; devices and models in their order, precisions from wide to narrow."""
    by_device: dict[str, dict[str, dict[str, Row]]] = {}
    for row in rows:
        by_device.setdefault(row.cell.device, {}).setdefault(row.cell.model, {})[row.cell.precision] = row
    return tuple(_block(device, models) for device, models in by_device.items())


def _block(device: str, models: dict[str, dict[str, Row]]) -> Block:
    asked = dict.fromkeys(precision for cells in models.values() for precision in cells)
    known = [precision for precision in PRECISIONS if precision in asked]
    precisions = (*known, *(precision for precision in asked if precision not in PRECISIONS))
    lines = (Line(model, tuple(cells.get(precision) for precision in precisions)) for model, cells in models.items())
    return Block(device, precisions, tuple(lines))


@dataclass(frozen=True, slots=True)
class Matrix:
    """The blocks, and which weights the figures came from."""

    blocks: tuple[Block, ...]
    weights: tuple[WeightsLine, ...]
    meaning: str = MEANING
    State = State


def view(page: Page) -> Matrix:
    """Show every cell at a glance."""
    return Matrix(blocks_of(page.rows), tuple(weights_lines(page.run)))
