"""When enough pairs have been compared: a t interval on log ratios, looked at a few times, at a stated error rate.

Pure. One value a pair of fresh processes comes in, because processes, not inferences, are what repeats; an interval and
what it shows comes out. The chance that any of the looks excludes the truth on one side is at most `error_rate`: each
look spends a share of it, and the shares sum to one (the union bound; nothing is left over for looking often).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.stats.estimates import t_quantile, trimmed_mean

LOOKS = (4, 6, 9, 13, 18, 25, 36)
"""Numbers of pairs at which the interval is looked at."""

SPENT = (0.15, 0.08, 0.10, 0.13, 0.16, 0.18, 0.20)
"""Share of the error rate that each look spends: little while few pairs make the t interval wide."""

FEWEST_QUADS = 3
STAGE_RATE = 0.01
RUN_RATE = 0.01


class Shown(StrEnum):
    """What an interval shows about a margin."""

    SLOWER = "slower"
    FASTER = "faster"
    WITHIN = "within"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the log ratio, new over old, lies, after so many pairs."""

    centre: float
    low: float
    high: float
    pairs: int

    @property
    def could_see(self) -> float:
        """The smallest relative change that an interval of this width can tell from none."""
        return math.expm1((self.high - self.low) / 2)

    def shows(self, margin: float) -> Shown:
        """Within the margin on both sides; or away from zero and not shown to be within; or nothing yet."""
        bound = math.log1p(margin)
        if -bound < self.low and self.high < bound:
            return Shown.WITHIN
        if self.low > 0:
            return Shown.SLOWER
        if self.high < 0:
            return Shown.FASTER
        return Shown.NOTHING


def interval_at(log_ratios: Sequence[float], error_rate: float) -> Interval:
    """The t interval that is wrong on either side with the error rate each."""
    pairs = len(log_ratios)
    if pairs < 3:
        raise ValueError(f"{pairs} pairs cannot show how far pairs differ; three are the least")
    if not 0 < error_rate < 0.5:
        raise ValueError(f"an error rate lies between 0 and 0.5, not at {error_rate}")
    if not all(math.isfinite(ratio) for ratio in log_ratios):
        raise ValueError("a log ratio that is not finite is no measurement")
    centre = math.fsum(log_ratios) / pairs
    spread = math.sqrt(math.fsum((ratio - centre) ** 2 for ratio in log_ratios) / (pairs - 1))
    half = t_quantile(1 - error_rate, pairs - 1) * spread / math.sqrt(pairs)
    return Interval(centre, centre - half, centre + half, pairs)


def look(log_ratios: Sequence[float], error_rate: float) -> Interval:
    """The interval at a planned look, which spends that look's share of the error rate."""
    pairs = len(log_ratios)
    if pairs not in LOOKS:
        raise ValueError(f"{pairs} pairs are none of the planned looks {LOOKS}")
    return interval_at(log_ratios, error_rate * SPENT[LOOKS.index(pairs)])


def next_look(pairs: int) -> int | None:
    """How many pairs the next look needs; None after the last."""
    return next((planned for planned in LOOKS if planned > pairs), None)


def looks_until(pairs: int) -> tuple[int, ...]:
    """The planned looks that so many pairs have reached."""
    return tuple(planned for planned in LOOKS if planned <= pairs)


def stage_rate(comparisons: int, run_rate: float = RUN_RATE) -> float:
    """The error rate of one stage such that a whole run raises a false alarm at most at `run_rate`.

    A change is reported only when two stages on different processes both show it, so one comparison is wrong at most at
    the square of a stage's rate, and n comparisons at n times that (the union bound). Never above one per cent.
    """
    if comparisons < 1:
        raise ValueError("a run without a comparison has no error rate")
    return min(STAGE_RATE, math.sqrt(run_rate / comparisons))


def run_rate(comparisons: int, rate: float | None = None) -> float:
    """The chance, at most, of any false alarm among so many comparisons; at a stage's rate, theirs unless told."""
    return comparisons * (rate or stage_rate(comparisons)) ** 2


def trimmed_log_ratio(log_ratios: Sequence[float]) -> float:
    """One pair's value: the mean of its quads' log ratios without the lowest and highest fifth."""
    if len(log_ratios) < FEWEST_QUADS:
        raise ValueError(f"a pair needs {FEWEST_QUADS} quads or more, got {len(log_ratios)}")
    return trimmed_mean(log_ratios)


def trimmed_error(log_ratios: Sequence[float]) -> float:
    """The standard error of a trimmed mean, from winsorised values (Tukey & McLaughlin 1963)."""
    count = len(log_ratios)
    cut = int(0.2 * count + 1e-9)
    ordered = sorted(log_ratios)
    held = [min(max(value, ordered[cut]), ordered[count - 1 - cut]) for value in ordered]
    centre = math.fsum(held) / count
    variance = math.fsum((value - centre) ** 2 for value in held) / (count - 1)
    return math.sqrt(variance / count) / (1 - 2 * cut / count)


def rebuild_pays(log_ratios: Sequence[float], errors: Sequence[float], dilution: float) -> bool:
    """Whether laying memory anew within each process is worth its time.

    It takes away what processes differ by beyond their own quads, and costs quads: with so many fewer (`dilution`), the
    variance within a pair grows alike. Between pairs there must be four times that; for a handful of pairs less is
    chance. A wrong answer costs time, never truth.
    """
    centre = math.fsum(log_ratios) / len(log_ratios)
    between = math.fsum((ratio - centre) ** 2 for ratio in log_ratios) / (len(log_ratios) - 1)
    within = math.fsum(error**2 for error in errors) / len(errors)
    return between > 4 * within * dilution
