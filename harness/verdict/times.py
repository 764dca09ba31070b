"""Decides of times, memory and counts: numbers of two sides come in, verdicts go out. No clock, file or test runner.

How a time is judged live (docs/gate.md says why):

1. Pairs of fresh processes give one log ratio each. At planned numbers of pairs a t interval is looked at. Within the
   margin on both sides: unchanged. Above zero and not within: slower. Below zero and not within: faster. Else go on.
2. Slower and faster must be seen again, in a second stage on other processes: both agree, or it is not said. A second
   stage that says within wins.
3. The time without waiting for a core decides where there is one; where it says within and the wall clock says slower,
   the cell regressed, and the cause is waiting.

Everything else a pair tells (tails, loading) is judged once a stage, from the pairs that the latency needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from harness.cells import Cell
from harness.comparisons import Basis, Clock, Duel, Outcome, Pair, Verdict
from harness.metrics import METRICS, Better
from harness.stats.sequential import Interval, Shown, interval_at, look, looks_until, next_look
from harness.stats.tails import Laps, Unsupported, tail_interval
from harness.verdict.work import for_as_much, guard, work_ratio

MarginOf = Callable[[Cell, str], float]

LATENCY = "latency_seconds"
TAILS = {"latency_p95_seconds": 0.95, "latency_p99_seconds": 0.99}
LOADING = ("import_seconds", "open_seconds", "first_inference_seconds")
EXACT = ("artifact_bytes", "parameters_count", "weights_covered_fraction")
MEMORY = "peak_bytes"
OF_WORK = (LATENCY, *TAILS)
"""Times that are longer where more is made: see `work`."""

TIMED = 2 * 2 + len(TAILS) + len(LOADING)
"""How many comparisons of one cell could raise a false alarm: tails, loading, and for the latency each of the four ways
in which two clocks can agree over two stages."""

LEAST_MEMORY_BYTES = 4 * 2**20
LEAST_PROCESSES = 3


@dataclass(frozen=True, slots=True)
class Stage:
    """What one stage has shown of the latency, by which clock, at which look; `interval` is None before the first."""

    shown: Shown
    clock: Clock
    interval: Interval | None

    @property
    def pairs(self) -> int:
        """How many pairs the stage rests on."""
        return self.interval.pairs if self.interval else 0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a duel stands: its stages so far, and which stage another pair would tell more of; None: it is over."""

    first: Stage
    second: Stage
    next_stage: int | None


def standing(duel: Duel, margin_of: MarginOf, rate: float) -> Standing:
    """What the pairs so far have shown, and whether another one is needed."""
    duel = for_as_much(duel)
    margin = margin_of(duel.cell, LATENCY)
    first, second = (_stage(_of_stage(duel, number), duel.clock, margin, rate) for number in (1, 2))
    made = len(_of_stage(duel, 1)), len(_of_stage(duel, 2))
    if first.shown is Shown.NOTHING:
        return Standing(first, second, 1 if next_look(made[0]) else None)
    latency_asks = first.shown is not Shown.WITHIN and second.shown is Shown.NOTHING and next_look(made[1]) is not None
    other_asks = made[1] < first.pairs and any(
        _at(duel, 1, first.pairs, metric, margin_of, rate) is Shown.SLOWER for metric in (*TAILS, *LOADING)
    )
    return Standing(first, second, 2 if latency_asks or other_asks else None)


def judge_duel(duel: Duel, margin_of: MarginOf, rate: float) -> tuple[Verdict, ...]:
    """Every verdict that a duel supports; one about the whole cell where a side could not be measured."""
    if duel.outcome or not duel.pairs:
        outcome = duel.outcome or Outcome.INCONCLUSIVE
        text = duel.problem or "no pair was measured before the time was spent"
        return (Verdict(duel.cell, None, outcome, text, duel.against, differences=duel.differences),)
    work, duel = work_ratio(duel), for_as_much(duel)
    stands = standing(duel, margin_of, rate)
    passing = (_other(duel, stands, metric, margin_of, rate) for metric in (*TAILS, *LOADING))
    counted = (_counted(duel, metric, margin_of(duel.cell, metric)) for metric in (MEMORY, *EXACT))
    times = (_latency(duel, stands, margin_of), *(one for one in passing if one))
    guarded = (guard(one, duel, work) if one.metric in OF_WORK else one for one in times)
    return (*guarded, *(one for one in counted if one))


def _of_stage(duel: Duel, number: int) -> list[Pair]:
    return [pair for pair in duel.pairs if pair.stage == number]


def _stage(pairs: Sequence[Pair], clock: Clock, margin: float, rate: float) -> Stage:
    """Look at the planned numbers of pairs in turn; the first look that shows something ends the stage."""
    interval = None
    for planned in looks_until(len(pairs)):
        interval = look([pair.log_ratios[clock] for pair in pairs[:planned]], rate)
        shown = interval.shows(margin)
        if shown is Shown.WITHIN and clock is Clock.CORRECTED:
            wall = look([pair.log_ratios[Clock.WALL] for pair in pairs[:planned]], rate)
            if wall.shows(margin) is Shown.SLOWER:
                return Stage(Shown.SLOWER, Clock.WALL, wall)
        if shown is not Shown.NOTHING:
            return Stage(shown, clock, interval)
    return Stage(Shown.NOTHING, clock, interval)


def _latency(duel: Duel, stands: Standing, margin_of: MarginOf) -> Verdict:
    first, second = stands.first, stands.second
    outcome, text = _agreed(first.shown, second.shown, has_second=second.interval is not None)
    # The second stage was not chosen for what it showed, so its interval is not flattered by the choice.
    shown = second if second.interval and outcome is not Outcome.INCONCLUSIVE else first
    pairs = _of_stage(duel, 2 if shown is second else 1)[: shown.pairs or None]
    regressed = outcome is Outcome.REGRESSED
    if outcome is Outcome.INCONCLUSIVE and duel.is_spent:
        text += ": the run or its time ended first; give it a longer --time-budget"
    verdict = Verdict(
        duel.cell,
        LATENCY,
        outcome,
        f"{text}, by {shown.clock.words}",
        duel.against,
        old=_centre([pair.old.seconds[shown.clock] for pair in pairs]),
        new=_centre([pair.new.seconds[shown.clock] for pair in pairs]),
        margin=margin_of(duel.cell, LATENCY),
        pairs=len(duel.pairs),
        cause=_cause(pairs, shown.clock) if regressed else None,
        differences=duel.differences,
        clock=shown.clock,
        of=duel.of,
    )
    return with_interval(shown.interval, verdict)


def _agreed(first: Shown, second: Shown, *, has_second: bool) -> tuple[Outcome, str]:
    """What two stages say together."""
    words = {Shown.SLOWER: "slower", Shown.FASTER: "faster"}
    if first is Shown.NOTHING:
        return Outcome.INCONCLUSIVE, "neither a change nor its absence was shown"
    if first is Shown.WITHIN:
        return Outcome.UNCHANGED, "shown to be within the margin"
    if not has_second or second is Shown.NOTHING:
        return Outcome.INCONCLUSIVE, f"{words[first]} in a first stage, and not confirmed in fresh processes"
    if second is Shown.WITHIN:
        return Outcome.UNCHANGED, f"{words[first]} in a first stage, within the margin in fresh processes"
    if second is not first:
        return Outcome.INCONCLUSIVE, "slower in one stage and faster in the other"
    return _outcome(first), f"{words[first]}, confirmed in fresh processes"


def _outcome(shown: Shown, better: Better = Better.LOWER) -> Outcome:
    match shown:
        case Shown.WITHIN:
            return Outcome.UNCHANGED
        case Shown.NOTHING:
            return Outcome.INCONCLUSIVE
        case Shown.SLOWER | Shown.FASTER:
            grew = shown is Shown.SLOWER
            return Outcome.REGRESSED if grew == (better is Better.LOWER) else Outcome.IMPROVED


def _cause(pairs: Sequence[Pair], clock: Clock) -> str | None:
    """Why a time grew, where that can be told: it passed without computing."""
    if clock is Clock.WALL and all(Clock.CORRECTED in pair.log_ratios for pair in pairs):
        return "waiting for a core"
    if len(pairs) < LEAST_PROCESSES or any(Clock.CPU not in pair.log_ratios for pair in pairs):
        return None
    idle = interval_at([pair.log_ratios[clock] - pair.log_ratios[Clock.CPU] for pair in pairs], 0.01)
    computing = median(pair.log_ratios[Clock.CPU] for pair in pairs)
    return "waiting" if idle.low > 0 and computing < idle.centre else None


def _other(duel: Duel, stands: Standing, metric: str, margin_of: MarginOf, rate: float) -> Verdict | None:
    """Tails and loading: one look a stage, over the pairs that the latency needed; regressed only where both agree."""
    found = [_interval(duel, number, count, metric, rate) for number, count in _counts(stands)]
    first = found[0]
    if first is None:
        return None
    margin = margin_of(duel.cell, metric)
    if isinstance(first, Unsupported):
        text = f"not judged: {first.inferences} inferences a side, {first.needed} are needed"
        return Verdict(duel.cell, metric, Outcome.INCONCLUSIVE, text, duel.against, margin=margin)
    second = found[1] if isinstance(found[1], Interval) else None
    seen = second.shows(margin) if second else Shown.NOTHING
    outcome, text = _agreed(first.shows(margin), seen, has_second=second is not None)
    shown = second if second and outcome is not Outcome.INCONCLUSIVE else first
    olds, news = _values(duel, metric)
    verdict = Verdict(duel.cell, metric, outcome, text, duel.against, margin=margin, pairs=len(duel.pairs))
    return with_interval(shown, replace(verdict, old=_centre(olds), new=_centre(news)))


def _counts(stands: Standing) -> tuple[tuple[int, int], tuple[int, int]]:
    """How many pairs of each stage tell of tails and loading: a second stage may have gone on for them alone."""
    return (1, stands.first.pairs), (2, max(stands.first.pairs, stands.second.pairs))


def _at(duel: Duel, number: int, count: int, metric: str, margin_of: MarginOf, rate: float) -> Shown:
    found = _interval(duel, number, count, metric, rate)
    return found.shows(margin_of(duel.cell, metric)) if isinstance(found, Interval) else Shown.NOTHING


def _interval(duel: Duel, number: int, count: int, metric: str, rate: float) -> Interval | Unsupported | None:
    """The interval of one stage's pairs; None where there are too few pairs to say anything."""
    pairs = _of_stage(duel, number)[:count]
    if len(pairs) < LEAST_PROCESSES:
        return None
    if metric in TAILS:
        return tail_interval([Laps(pair.old_laps, pair.new_laps) for pair in pairs], TAILS[metric], rate)
    values = [(pair.old.values.get(metric), pair.new.values.get(metric)) for pair in pairs]
    ratios = [math.log(new / old) for old, new in values if old and new]
    return interval_at(ratios, rate) if len(ratios) == len(pairs) else None


def _counted(duel: Duel, metric: str, margin: float) -> Verdict | None:
    """What every process counts for itself: its peak, and what is the same each time. None where neither side does."""
    olds, news = _values(duel, metric)
    if not olds and not news:
        return None
    if not (olds and news):
        text = "only one side tells it"
        return Verdict(duel.cell, metric, Outcome.INCONCLUSIVE, text, duel.against, Basis.EXACT, margin=margin)
    if metric == MEMORY:
        return judge_memory(duel.cell, metric, olds, news, margin, duel.against)
    return judge_exact(duel.cell, metric, olds[0], news[0], margin, duel.against)


def _values(duel: Duel, metric: str) -> tuple[list[float], list[float]]:
    olds = [pair.old.values[metric] for pair in duel.pairs if metric in pair.old.values]
    news = [pair.new.values[metric] for pair in duel.pairs if metric in pair.new.values]
    return olds, news


def judge_exact(cell: Cell, metric: str, old: float, new: float, margin: float, against: str) -> Verdict:
    """A number that is the same every time it is counted: any change beyond the margin is one."""
    better = METRICS[metric].better
    ratio = new / old if old else (1.0 if new == old else None)
    if not (math.isfinite(old) and math.isfinite(new)):
        raise ValueError(f"{metric} is {old} and {new}, which is no measurement")
    if abs(new - old) <= margin * abs(old):
        outcome, text = Outcome.UNCHANGED, "the same" if new == old else "within the margin"
    elif better is Better.NEITHER:
        outcome, text = Outcome.REGRESSED, "changed, and neither way is better: accept it if it was meant"
    else:
        is_worse = (new > old) == (better is Better.LOWER)
        outcome, text = (Outcome.REGRESSED, "worse") if is_worse else (Outcome.IMPROVED, "better")
    return Verdict(
        cell, metric, outcome, f"{text}, counted", against, Basis.EXACT, old, new, ratio, ratio, ratio, margin=margin
    )


def judge_memory(
    cell: Cell, metric: str, olds: Sequence[float], news: Sequence[float], margin: float, against: str
) -> Verdict:
    """Peaks of fresh processes: the medians differ by more than the margin, and the sides do not overlap."""
    if not (olds and news and all(math.isfinite(peak) and peak > 0 for peak in (*olds, *news))):
        raise ValueError(f"{metric} is {list(olds)} and {list(news)}, which is no measurement")
    old, new = median(olds), median(news)
    most = max(margin * old, LEAST_MEMORY_BYTES)
    fewest = min(len(olds), len(news))
    if abs(new - old) <= most:
        outcome, text = Outcome.UNCHANGED, "the medians differ by no more than the margin"
    elif fewest < LEAST_PROCESSES:
        outcome, text = (
            Outcome.INCONCLUSIVE,
            f"{fewest} process{'es' * (fewest != 1)} on a side, {LEAST_PROCESSES} are needed",
        )
    elif min(news) > max(olds):
        outcome, text = Outcome.REGRESSED, "every process needed more than any of the other side"
    elif max(news) < min(olds):
        outcome, text = Outcome.IMPROVED, "every process needed less than any of the other side"
    else:
        outcome, text = Outcome.INCONCLUSIVE, "the medians differ, and the processes overlap"
    low, high = min(news) / max(olds), max(news) / min(olds)
    return Verdict(
        cell, metric, outcome, text, against, Basis.EXACT, old, new, new / old, low, high, most / old, pairs=fewest
    )


def _centre(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def with_interval(interval: Interval | None, verdict: Verdict) -> Verdict:
    """The verdict with the ratio that the interval tells, and what its width could have shown."""
    if interval is None:
        return verdict
    ratio, low, high = (math.exp(log) for log in (interval.centre, interval.low, interval.high))
    return replace(verdict, ratio=ratio, low=low, high=high, could_see=interval.could_see)
