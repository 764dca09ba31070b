"""`pytest --benchmark-compare --benchmark-compare-fail=FIELD:N%`: the tool's own statistics and its own check."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_benchmark.stats import Stats
from pytest_benchmark.utils import parse_compare_fail

from harness.comparisons import Outcome

from . import Fed, Rule, StretchTooShort

MAX_SECONDS = 1.0
"""`--benchmark-max-time`, as it is unless told."""

MIN_ROUNDS = 5
"""`--benchmark-min-rounds`, as it is unless told."""

_ENOUGH = 0.8
"""Of the second: the number of rounds is planned from one inference, so that a run may end earlier."""


def rounds_of(seconds: Sequence[float]) -> Sequence[float]:
    """The rounds of one run: as many as the first call says that a second holds, and five in any case."""
    planned = max(MIN_ROUNDS, math.ceil(MAX_SECONDS / seconds[0]))
    taken = seconds[1 : 1 + planned]
    if len(taken) < planned and (len(taken) < MIN_ROUNDS or sum(taken) < _ENOUGH * MAX_SECONDS):
        raise StretchTooShort("pytest-benchmark", max(MAX_SECONDS, planned * seconds[0]), sum(seconds))
    return taken


@dataclass(frozen=True, slots=True)
class CompareFail:
    """One run of the tool a process; where there are several of a side, their rounds are pooled."""

    check: str
    design: str
    order: str

    @property
    def name(self) -> str:
        """As on the command line, and of how many processes a side."""
        processes = self.order.count("A")
        return f"pytest-benchmark {self.check}" + (f", {processes} processes" if processes > 1 else "")

    def feed(self, seconds: Sequence[float]) -> Fed:
        """The rounds of one run."""
        rounds = tuple(rounds_of(seconds))
        return Fed(rounds, sum(rounds))

    def decide(self, old: Sequence[Sequence[float]], new: Sequence[Sequence[float]]) -> Outcome:
        """Whether the new run fails the check against the old one. It has no word for faster, nor for "cannot tell"."""
        check = parse_compare_fail(self.check)
        fails = check.fails({check.field: _field(new, check.field)}, {check.field: _field(old, check.field)})
        return Outcome.REGRESSED if fails else Outcome.UNCHANGED


def _field(runs: Sequence[Sequence[float]], field: str) -> float:
    stats = Stats()
    for rounds in runs:
        for seconds in rounds:
            stats.update(seconds)
    value: float = getattr(stats, field)
    return value


def rules(margin: float) -> tuple[Rule, ...]:
    """The mean and the minimum of one run each at 5 % and at the margin, and the minimum of ten processes a side."""
    alone = "1 + 1 processes, old then new, rounds for 1 s"
    percents = sorted({5, max(1, round(100 * margin))}, reverse=True)
    return (
        *(CompareFail(f"mean:{percent}%", alone, "AB") for percent in percents),
        CompareFail("min:5%", alone, "AB"),
        CompareFail("min:5%", "10 + 10 processes in turns, rounds pooled by hand", "ABBA" * 5),
    )
