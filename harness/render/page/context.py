"""What every view of the page is made of: the rows and the comparison, made once. Decides nothing but what has room.

A page of many cells cannot hold all of each. Owns which cells have an article of their own on it (`detailed`), and
which of these articles are part of the page when it opens (`inline`); every cell has its line in the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.cells import Cell
from harness.comparisons import Outcome
from harness.consequences import of_cells
from harness.render.gate import Comparison, comparison_of
from harness.render.rows import Headline, Row, State, anchor_of, headline_of, rows_of
from harness.render.weights_rows import random_models
from harness.render.worth_rows import WorthBlock, worth_blocks
from harness.results import Run
from harness.worth.standing import Standing
from harness.worth.weighing import worth_of

_PAGE_BYTES = 1_440_000
_LINE_BYTES = 1_060
"""What a cell costs in the views that show all of them: matrix, table, what to ship, trade-off."""

_ARTICLE_BYTES = 10_000
_LEAST_DETAILED = 16
_INLINE_CELLS = 12
_INLINE_OF_MANY = 3

_TELLING_OUTCOMES = (
    Outcome.FAILED,
    Outcome.REGRESSED,
    Outcome.MISSING,
    Outcome.SUSPECT,
    Outcome.INCONCLUSIVE,
    Outcome.IMPROVED,
    Outcome.NOT_COMPARABLE,
    Outcome.NEW,
    Outcome.UNCHANGED,
    Outcome.UNSUPPORTED,
)
_TELLING_STATES = (State.FAILED, State.NOT_MEASURED, State.MEASURED, State.UNSUPPORTED)


@dataclass(frozen=True, slots=True)
class Page:
    """A run, arranged once for all views.

    `detailed` are the cells that have an article of their own on this page; `inline` are those of them whose article
    is there when the page opens, while the others wait in a folded part. `outcomes` has one verdict a judged cell;
    `only_judged` are the cells that verdicts speak of though the run has them not. `anchors` are the fragments that
    lead to a cell: to its article, or to its line in the table.
    """

    run: Run
    rows: tuple[Row, ...]
    headline: Headline
    comparison: Comparison | None
    standings: tuple[Standing, ...]
    worths: tuple[WorthBlock, ...]
    random_models: frozenset[str]
    detailed: frozenset[Cell]
    inline: frozenset[Cell]
    outcomes: Mapping[Cell, Outcome]
    by_cell: Mapping[Cell, Row]
    only_judged: tuple[Cell, ...]
    anchors: frozenset[str]


def page_of(run: Run, only: frozenset[Cell] | None = None) -> Page:
    """Arrange a run. The cells of `only` have an article before any other; without it, those that tell most."""
    rows, standings = rows_of(run), worth_of(run)
    outcomes = of_cells(run.judgement.verdicts) if run.judgement else {}
    told = _most_telling(rows, outcomes, only)
    detailed = told[: _room(len(rows))]
    by_cell = {row.cell: row for row in rows}
    only_judged = tuple(cell for cell in outcomes if cell not in by_cell)
    return Page(
        run=run,
        rows=rows,
        headline=headline_of(run, rows),
        comparison=comparison_of(run),
        standings=standings,
        worths=worth_blocks(run, standings),
        random_models=frozenset(random_models(run.measurements)),
        detailed=frozenset(detailed),
        inline=frozenset(detailed if len(rows) <= _INLINE_CELLS else detailed[:_INLINE_OF_MANY]),
        outcomes=outcomes,
        by_cell=by_cell,
        only_judged=only_judged,
        anchors=frozenset((*(row.anchor for row in rows), *map(anchor_of, only_judged))),
    )


def _room(cells: int) -> int:
    """How many articles fit beside the lines of so many cells."""
    return max(_LEAST_DETAILED, (_PAGE_BYTES - cells * _LINE_BYTES) // _ARTICLE_BYTES)


def _most_telling(rows: Sequence[Row], outcomes: Mapping[Cell, Outcome], only: frozenset[Cell] | None) -> list[Cell]:
    """Order the cells by how much is to be told of them; among equals, in the order of the run."""

    def place(row: Row) -> tuple[bool, int]:
        outcome = outcomes.get(row.cell)
        told = _TELLING_STATES.index(row.state) if outcome is None else _TELLING_OUTCOMES.index(outcome)
        return (only is not None and row.cell not in only, told)

    return [row.cell for row in sorted(rows, key=place)]
