"""Where a comparison stands while it goes on, in words. Pure: the caller has the stream and the clock."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from harness.cells import Cell
from harness.render import changes, numbers
from harness.render.rows import cell_name
from harness.render.text import one_line, shorten

_STAGES = {0: "trial", 2: "confirming"}


@dataclass(frozen=True, slots=True)
class GateStanding:
    """How many comparisons there are, how many are decided, and what the latest pair told."""

    comparisons: int
    decided: int = 0
    doing: str = ""
    undecided: int | None = None
    left_seconds: float | None = None

    def with_pair(
        self,
        cell: Cell,
        stage: int,
        pairs: int,
        low: float | None,
        high: float | None,
        undecided: int,
        left_seconds: float | None,
        width: int,
    ) -> GateStanding:
        """Return the standing after another pair; `low` and `high` are log ratios."""
        name = shorten(one_line(cell_name(cell)), width)
        count = f"{pairs} pair{'s' if pairs != 1 else ''}"
        phrases = (_STAGES.get(stage, ""), count, _interval(low, high))
        doing = f"{name}: {', '.join(phrase for phrase in phrases if phrase)}"
        return replace(self, doing=doing, undecided=undecided, left_seconds=left_seconds)

    def with_decision(self) -> GateStanding:
        """Return the standing after another comparison is decided."""
        undecided = None if self.undecided is None else max(self.undecided - 1, 0)
        return replace(self, decided=self.decided + 1, doing="", undecided=undecided)

    @property
    def place(self) -> str:
        """Which of how many the latest decision is."""
        return f"{self.decided:>{len(str(self.comparisons))}}/{self.comparisons}"

    @property
    def left(self) -> str:
        """How much of the time budget is left."""
        left = changes.finite(self.left_seconds)
        return "" if left is None else f"{numbers.duration(left)} left"

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        undecided = self.comparisons - self.decided if self.undecided is None else self.undecided
        return " · ".join(part for part in (self.doing, f"{undecided} undecided", self.left) if part)


def opening(comparisons: int, budget_seconds: float | None) -> str:
    """Return what is said before the first pair."""
    count = f"{comparisons} comparison{'s' if comparisons != 1 else ''}"
    budget = changes.finite(budget_seconds)
    return f"{count}, until decided" if budget is None else f"{count}, at most {numbers.duration(budget)}"


def _interval(low: float | None, high: float | None) -> str:
    low, high = (_ratio(log) for log in (low, high))
    return "" if low is None or high is None else changes.span(low, high)


def _ratio(log: float | None) -> float | None:
    log = changes.finite(log)
    return None if log is None or abs(log) > 50 else math.exp(log)
