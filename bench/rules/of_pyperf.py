"""`pyperf compare_to`: pyperf's own benchmarks of its own runs, and its own comparison with its t-test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import pyperf
from pyperf._compare import CompareData, CompareResult

from harness.comparisons import Outcome

from . import Fed, Rule, StretchTooShort

PROCESSES = 20
VALUES = 3
WARM_UPS = 1
VALUE_SECONDS = 0.1
"""What `Runner` does unless told: 20 processes, each 1 value thrown away and 3 kept, a value of 0.1 s or longer."""


@dataclass(frozen=True, slots=True)
class CompareTo:
    """The comparison of two suites of one benchmark. `min_speed` is its option of that name, in per cent."""

    min_speed: float | None = None
    order: str = "A" * PROCESSES + "B" * PROCESSES
    design: str = f"{PROCESSES} + {PROCESSES} processes, old then new, {VALUES} values of 0.1 s each after a warm-up"

    @property
    def name(self) -> str:
        """As on the command line."""
        option = "" if self.min_speed is None else f" --min-speed={self.min_speed:g}"
        return f"pyperf compare_to{option}"

    def feed(self, seconds: Sequence[float]) -> Fed:
        """The values of one process; the loops are doubled until a value is long enough, as the calibration does."""
        loops, usual = 1, median(seconds)
        while loops * usual < VALUE_SECONDS:
            loops *= 2
        used = seconds[: (WARM_UPS + VALUES) * loops]
        if len(used) < (WARM_UPS + VALUES) * loops:
            raise StretchTooShort("pyperf", (WARM_UPS + VALUES) * loops * usual, sum(seconds))
        values = [sum(used[first : first + loops]) / loops for first in range(0, len(used), loops)]
        run = pyperf.Run(
            values[WARM_UPS:],
            warmups=[(loops, value) for value in values[:WARM_UPS]],
            metadata={"name": "cell", "loops": loops},
            collect_metadata=False,
        )
        return Fed(run, sum(used))

    def decide(self, old: Sequence[pyperf.Run], new: Sequence[pyperf.Run]) -> Outcome:
        """Whether the tool shows the benchmark as significantly slower or faster; else it hides it."""
        sides = (CompareData(side, pyperf.Benchmark(runs)) for side, runs in (("old", old), ("new", new)))
        result = CompareResult(*sides, self.min_speed)
        if not result.significant:
            return Outcome.UNCHANGED
        return Outcome.REGRESSED if result.norm_mean > 1 else Outcome.IMPROVED


def rules(margin: float) -> tuple[Rule, ...]:
    """As it is, and hiding what is below the margin."""
    return CompareTo(), CompareTo(min_speed=round(100 * margin, 6))
