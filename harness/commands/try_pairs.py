"""The pairs of a trial: which precisions are timed in turns with fp32 in the time that is left, and the timing of them.

Where the time is short, those that look best are compared, enough pairs each to show something, and the others are not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.cells import Cell
from harness.comparisons import Judgement
from harness.conduct.arms import Against, open_arm
from harness.conduct.campaign import Campaign, worker_environment
from harness.conduct.contest import Contest
from harness.conduct.gate import Gate
from harness.conduct.order import Order
from harness.duel_events import DuelKeeper
from harness.journal import Journal, fold
from harness.judging import Bench
from harness.render.progress import Progress
from harness.results import Measurement
from harness.verdict.times import LATENCY, LEAST_PROCESSES
from harness.worth.standing import BASE

_WANTED = LEAST_PROCESSES + 3
"""Pairs of a precision that show more than that they differ."""

_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.3, 3.0
_WORKER_SECONDS = 0.5
_STARTING = ("import_seconds", "open_seconds", "first_inference_seconds")


@dataclass(frozen=True, slots=True)
class Pairing:
    """Who is compared, whether beside them fp32 is with itself, and how long a pair times."""

    cells: tuple[Cell, ...]
    has_control: bool
    pair_seconds: float


def pairing(measured: Sequence[Measurement], left_seconds: float) -> Pairing:
    """Choose of what was measured by itself, fp32 among it, as many as there is time for: the quickest first."""
    others = [one for one in measured if one.cell.precision != BASE]
    ordered = sorted(others, key=lambda one: one.value(LATENCY) or math.inf)
    starting = 2 * max(map(_starting_seconds, measured), default=0.0)
    a_cell = (starting + _SHORTEST_SECONDS) * _WANTED
    affordable = max(int(left_seconds / a_cell), 1)
    chosen = [one.cell for one in ordered[:affordable]]
    has_control = affordable > len(chosen)
    bouts = max(len(chosen) + has_control, 1)
    timing = left_seconds / bouts / _WANTED - starting
    return Pairing(tuple(chosen), has_control, min(max(timing, _SHORTEST_SECONDS), _LONGEST_SECONDS))


def _starting_seconds(measurement: Measurement) -> float:
    """How long a process of a cell takes before it can be timed."""
    return _WORKER_SECONDS + math.fsum(measurement.value(name) or 0.0 for name in _STARTING)


@dataclass(frozen=True, slots=True)
class Fight:
    """What the pairs of a trial are measured and judged with."""

    order: Order
    bench: Bench
    campaign: Campaign
    journal: Journal
    progress: Progress

    def judged(self, chosen: Pairing, left_seconds: float) -> Judgement:
        """Measure pairs until all is decided or the time is spent, and judge them."""
        order = replace(self.order, pair_seconds=chosen.pair_seconds)
        environment = worker_environment(order.threads)
        planned = len(self.campaign.planned)
        with open_arm(Against.parse(f"precision={BASE}"), order.root) as arm:
            contest = Contest(
                order,
                arm,
                environment,
                self.campaign,
                chosen.cells,
                self.bench.declared,
                self.progress.phase,
                self.progress.tick,
            )
            bouts = [one for one in contest.bouts() if chosen.has_control or not one.duel.is_control]
            Gate(
                bouts,
                self.bench.margin,
                self.bench.live_rate(planned),
                left_seconds,
                self.progress,
                DuelKeeper(self.journal),
                self.campaign.held,
                order.cell_limit_seconds,
                order.pair_seconds,
            ).run()
        return self.bench.live(fold(self.journal.folder), [bout.duel for bout in bouts])
