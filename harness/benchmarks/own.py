"""What a test that used pytest-benchmark's fixture in this very process told: a measurement, as of a cell."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from harness.benchmarks.side import ROUNDS_KEPT
from harness.cells import AS_IS, Cell, Reason
from harness.results import Condition, Failure, Measurement, Phase, Reading, Sample, Status

FEWEST_ROUNDS = 2
"""One round is no sample: it says nothing of how rounds scatter."""


def cell_of(test: str) -> Cell:
    """The cell that stands for a test."""
    return Cell(test, AS_IS, "cpu")


@dataclass(slots=True)
class Told:
    """What is known of a test while it runs: seconds of one call, a round each, and how it ended otherwise."""

    seconds: list[float] = field(default_factory=list)
    iterations: int = 1
    timer: str = ""
    conditions: list[Condition] = field(default_factory=list)
    failure: str = ""
    skipped: str = ""
    spent_seconds: float = 0.0

    def read(self, fixture: Any) -> None:
        """Take over what pytest-benchmark's fixture has recorded; nothing where it was not used."""
        stats = getattr(fixture, "stats", None)
        if stats is not None:
            self.iterations = stats.iterations
            self.timer = getattr(stats.options.get("timer"), "__name__", "")
            self.seconds = list(stats.stats.data)  # of one call each: it has divided them by the calls of a round


def measurement(test: str, told: Told) -> Measurement:
    """The measurement of a test that ended, with two rounds or more, or without any."""
    cell, conditions = cell_of(test), tuple(told.conditions)
    if told.failure:
        failure = Failure(Phase.TIMING, told.failure)
        return Measurement(
            cell, Status.FAILED, failure=failure, conditions=conditions, seconds_spent=told.spent_seconds
        )
    if told.skipped or not told.seconds:
        text = told.skipped or "it passed, and timed nothing with its fixture `benchmark`"
        return Measurement(cell, Status.UNSUPPORTED, reason=Reason.SKIPPED, text=text, conditions=conditions)
    if not all(math.isfinite(seconds) and seconds > 0 for seconds in told.seconds):
        text = "its timer counted rounds of no time; give it more to do, or another --benchmark-timer"
        return Measurement(cell, Status.FAILED, failure=Failure(Phase.TIMING, text), conditions=conditions)
    kept = _kept(told.seconds)
    return Measurement(
        cell,
        Status.MEASURED,
        readings=_readings(told.seconds, _note(told, len(kept))),
        # A test has one example, its call: each round is a whole pass.
        sample=Sample(("round",) * len(kept), kept, passes=len(kept)),
        conditions=conditions,
        seconds_spent=told.spent_seconds,
    )


def _readings(seconds: Sequence[float], note: str) -> tuple[Reading, ...]:
    return (
        Reading("latency_seconds", median(seconds), note=f"the median of {note}"),
        Reading("latency_p50_seconds", median(seconds)),
        Reading("throughput_per_second", len(seconds) / math.fsum(seconds)),
        Reading("peak_bytes", unavailable="the process is pytest's: its peak says nothing of one test"),
    )


def _kept(seconds: Sequence[float]) -> tuple[float, ...]:
    """The rounds that go into the record: of very many some by chance, for every so many would miss what comes so."""
    if len(seconds) <= ROUNDS_KEPT:
        return tuple(seconds)
    chance = random.Random(0)  # noqa: S311 - no secret depends on it
    return tuple(seconds[at] for at in sorted(chance.sample(range(len(seconds)), ROUNDS_KEPT)))


def _note(told: Told, kept: int) -> str:
    calls = "" if told.iterations == 1 else f" of {told.iterations:,} calls"
    note = f"{len(told.seconds):,} rounds{calls} by pytest-benchmark"
    return f"{note}; {kept:,} of them, by chance, are kept here" if kept < len(told.seconds) else note
