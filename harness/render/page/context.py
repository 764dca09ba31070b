"""What every view of the page is made of: the rows and the comparison, made once. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.cells import Cell
from harness.render.gate import Comparison, comparison_of
from harness.render.rows import Headline, Row, headline_of, rows_of
from harness.render.weights_rows import random_models
from harness.render.worth_rows import WorthBlock, worth_blocks
from harness.results import Run


@dataclass(frozen=True, slots=True)
class Page:
    """A run, arranged once for all views. `detailed` are the cells that have an article of their own on this page."""

    run: Run
    rows: tuple[Row, ...]
    headline: Headline
    comparison: Comparison | None
    worths: tuple[WorthBlock, ...]
    random_models: frozenset[str]
    detailed: frozenset[Cell]

    @property
    def anchors(self) -> frozenset[str]:
        """The fragments that lead somewhere on this page: to a cell's article, or to its line in the table."""
        return frozenset(row.anchor for row in self.rows)

    @property
    def by_cell(self) -> Mapping[Cell, Row]:
        """The rows by their cells."""
        return {row.cell: row for row in self.rows}


def page_of(run: Run) -> Page:
    """Arrange a run."""
    rows = rows_of(run)
    return Page(
        run=run,
        rows=rows,
        headline=headline_of(run, rows),
        comparison=comparison_of(run),
        worths=worth_blocks(run),
        random_models=frozenset(random_models(run.measurements)),
        detailed=frozenset(row.cell for row in rows),
    )
