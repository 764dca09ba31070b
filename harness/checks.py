"""What tests of a gate hold: what was said of one cell, what was promised of it, and what no cell of the run shows.

Each fails with a table and without a traceback, and skips where nothing was said. Decides nothing: what makes a run red
comes with the verdicts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import pytest

from harness.cells import Cell
from harness.comparisons import Judged, Verdict
from harness.quality_metrics import known
from harness.session import Session


class Verdicts:
    """What was said of one cell. A test asks it to check the metrics it is about."""

    def __init__(self, cell: Cell, session: Session) -> None:
        self._cell = cell
        self._session = session

    def all(self) -> tuple[Verdict, ...]:
        """Every verdict of the cell."""
        return tuple(one for one in self._session.judgement().verdicts if one.cell == self._cell)

    def check(self, *metrics: str) -> None:
        """Fail, with a table, where one of the metrics (all, if none is named) makes the run red."""
        told = [one for one in self.all() if not metrics or one.metric in (None, *metrics)]
        if any(one.is_fatal for one in told):
            _fail_with_table(told)
        whole = [one for one in told if one.metric is None]
        if whole:
            pytest.skip(f"{whole[0].outcome}: {whole[0].text}")
        if not told:
            pytest.skip(f"nothing was said of its {', '.join(metrics) or 'metrics'}: it has no other side, or no value")

    def check_quality(self) -> None:
        """Fail, with a table, where what came out has become worse by any metric of quality."""
        self.check(*(name for name, metric in known().items() if metric.is_quality))


class Promises:
    """What was promised of one cell: claims, budgets and bounds on its quality."""

    def __init__(self, cell: Cell, session: Session) -> None:
        self._cell = cell
        self._session = session

    def all(self) -> tuple[Judged, ...]:
        """Everything that was promised of the cell, with its answer."""
        return tuple(one for one in self._session.judgement().judged if one.cell == self._cell)

    def check(self) -> None:
        """Fail, with a table, where a promise that is not kept makes the run red."""
        told = self.all()
        if any(one.is_fatal for one in told):
            from harness.render.promise_terminal import promise_table

            pytest.fail(promise_table(told), pytrace=False)
        if not told:
            pytest.skip("nothing was promised of it on this machine")


class Absent:
    """What was said of cells that this run has not: those that are stored, and not declared any more."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self) -> tuple[Verdict, ...]:
        """Every verdict on a cell that has no test in this run."""
        here = frozenset(self._session.planned)
        return tuple(one for one in self._session.judgement().verdicts if one.cell not in here)

    def check(self) -> None:
        """Fail, with a table, where a cell that is missing makes the run red."""
        told = self.all()
        if any(one.is_fatal for one in told):
            _fail_with_table(told)


def _fail_with_table(told: Sequence[Verdict]) -> NoReturn:
    """Show what is to be said of each cell, one below the other."""
    from harness.render.gate_terminal import cell_table

    by_cell: dict[Cell, list[Verdict]] = {}
    for one in told:
        by_cell.setdefault(one.cell, []).append(one)
    pytest.fail("\n\n".join(map(cell_table, by_cell.values())), pytrace=False)
