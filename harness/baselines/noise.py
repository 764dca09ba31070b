"""When a measurement is too noisy to be what others are judged by. The bounds stand here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from harness.comparisons import Clock
from harness.results import Measurement
from harness.stats.estimates import relative_half_width
from harness.stats.passes import pass_means

MOST_SPREAD = 0.10
"""Relative half width of the 95 % interval over passes. Quiet runs of the zoo have 0.4 to 2.5 %."""

MOST_UNSTEADY_SPREAD = 0.02
"""The same where the warm-up never became flat: then only passes as alike as a flat curve's show that it was."""


BUSY_FRACTION = 0.10
STOLEN_FRACTION = 0.01
"""Of all cores, what others may take. Beyond it two threads of one core share its units, and no clock corrects that."""


def disturbed(measurement: Measurement) -> str | None:
    """Say what else used the machine while a cell was timed; None where it was quiet, or does not say."""
    for condition in measurement.conditions:
        if condition.when != "during":
            continue
        if (condition.other_cpu_fraction or 0.0) > BUSY_FRACTION:
            return f"other processes used {condition.other_cpu_fraction:.0%} of the cores meanwhile"
        if (condition.steal_fraction or 0.0) > STOLEN_FRACTION:
            return f"the host took {condition.steal_fraction:.0%} of the cores meanwhile"
    return None


MOST_SPEED_CHANGE = 1.15
"""How much longer (or shorter) a fixed piece of work may take than in the stored sessions: quiet hours differ by less
than their neighbours outside do. Beyond it the cores are not what they were, whatever the code is."""


def other_speed(now: float | None, before: Sequence[float | None]) -> str | None:
    """Say that the cores themselves ran at another speed than in the stored sessions; None where not, or not known."""
    known = [seconds for seconds in before if seconds]
    if not now or not known:
        return None
    ratio = now / median(known)
    if 1 / MOST_SPEED_CHANGE <= ratio <= MOST_SPEED_CHANGE:
        return None
    if ratio > 1:
        return f"a fixed piece of work took {ratio:.2f} times as long too: the cores are slower than they were"
    return f"a fixed piece of work took {ratio:.2f} of the time too: the cores are faster than they were"


def too_noisy(measurement: Measurement) -> str | None:
    """Say why a measurement's times are no baseline; None where they may be one."""
    assert measurement.sample is not None
    clock = Clock.CORRECTED if measurement.sample.corrected_seconds else Clock.WALL
    means = pass_means(measurement.sample, clock)
    if len(means) < 2:
        return "one pass does not say how noisy it was; measure longer with --cell-seconds"
    if min(means) <= 0:
        return f"a pass took no {clock} time at all; measure longer with --cell-seconds"
    spread = relative_half_width(means)
    if spread > MOST_SPREAD:
        return (
            f"its passes are known to ±{spread:.1%}, and ±{MOST_SPREAD:.0%} is the most;"
            " measure for longer (--cell-seconds 15s) or on a quieter machine"
        )
    steady = measurement.warm_up is None or measurement.warm_up.steady
    if not steady and spread > MOST_UNSTEADY_SPREAD:
        return (
            f"it found no steady state, and its passes are known to ±{spread:.1%} only"
            f" (±{MOST_UNSTEADY_SPREAD:.0%} is the most then); measure again"
        )
    return None
