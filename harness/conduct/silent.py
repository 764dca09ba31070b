"""A listener that says nothing: for a worker of pytest-xdist, whose controller reads the journal."""

from __future__ import annotations

from harness.cells import Cell
from harness.comparisons import Verdict
from harness.results import Measurement, Phase


class Silent:
    """Nobody listens: a worker of pytest-xdist, whose controller reads the journal."""

    def waiting(self, cell: Cell) -> None:
        """Say nothing."""

    def cell_started(self, cell: Cell) -> None:
        """Say nothing."""

    def phase(self, cell: Cell, phase: Phase) -> None:
        """Say nothing."""

    def cell_finished(self, measurement: Measurement) -> None:
        """Say nothing."""

    def tick(self) -> None:
        """Say nothing."""

    def gate_started(self, comparisons: int, budget_seconds: float | None) -> None:
        """Say nothing."""

    def gate_pair(self, *_: object) -> None:
        """Say nothing."""

    def gate_decided(self, verdict: Verdict) -> None:
        """Say nothing."""
