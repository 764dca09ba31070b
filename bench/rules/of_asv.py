"""`asv continuous`: asv's own statistics of the samples, and the comparison that its exit code rests on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from asv.commands.compare import _is_result_better
from asv_runner.statistics import compute_stats

from harness.comparisons import Outcome

from . import Fed, Rule, StretchTooShort

ROUNDS = 2
SAMPLES = 5
SAMPLE_SECONDS = 0.01
WARM_UP_SECONDS = 0.1
"""What a `time_` benchmark does unless told: 2 rounds, in each 5 samples of 10 ms or longer after 0.1 s of warm-up."""


@dataclass(frozen=True, slots=True)
class Continuous:
    """The comparison of two revisions whose rounds are interleaved, as asv does unless told."""

    factor: float
    order: str = "ABBA"
    design: str = f"{ROUNDS} + {ROUNDS} processes in turns, {SAMPLES} samples of 10 ms each after 0.1 s"

    @property
    def name(self) -> str:
        """As on the command line."""
        return f"asv continuous -f {self.factor:g}"

    def feed(self, seconds: Sequence[float]) -> Fed:
        """The samples of one round: each the mean of the calls that fill 10 ms."""
        first, warm = 0, 0.0
        while warm < WARM_UP_SECONDS and first < len(seconds):
            warm += seconds[first]
            first += 1
        number = max(1, math.ceil(SAMPLE_SECONDS / median(seconds)))
        used = seconds[first : first + SAMPLES * number]
        if len(used) < SAMPLES * number:
            raise StretchTooShort("asv", WARM_UP_SECONDS + SAMPLES * number * median(seconds), sum(seconds))
        samples = [sum(used[at : at + number]) / number for at in range(0, len(used), number)]
        return Fed((samples, number), warm + sum(used))

    def decide(self, old: Sequence[tuple[list[float], int]], new: Sequence[tuple[list[float], int]]) -> Outcome:
        """Which mark its table shows: "+", "-" or none."""
        (old_time, *old_stats), (new_time, *new_stats) = _result(old), _result(new)
        if _is_result_better(new_time, old_time, new_stats, old_stats, self.factor):
            return Outcome.IMPROVED
        if _is_result_better(old_time, new_time, old_stats, new_stats, self.factor):
            return Outcome.REGRESSED
        return Outcome.UNCHANGED


def _result(rounds: Sequence[tuple[list[float], int]]) -> tuple[float, dict[str, float], list[float]]:
    """The result, its statistics and its samples, as `asv` stores them of a benchmark with several rounds."""
    samples = [sample for taken, _ in rounds for sample in taken]
    result, stats = compute_stats(samples, rounds[0][1])
    return result, stats, samples


def rules(margin: float) -> tuple[Rule, ...]:
    """With the factor that it has unless told, and with the margin as the factor."""
    return Continuous(1.1), Continuous(1 + margin)
