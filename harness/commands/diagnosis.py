"""What pairs of identical code say of a machine: what a gate could see here, and what to do about the noise. Pure.

Asks `verdict` whether identical code was called changed, and `stats.sequential` how wide its intervals will be.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev

from harness.baselines.noise import BUSY_FRACTION, STOLEN_FRACTION
from harness.cells import Cell
from harness.comparisons import Clock, Duel, Pair, Verdict
from harness.consequences import PROFILES, control_tripped
from harness.render.changes import bound, change, share
from harness.render.numbers import percent
from harness.results import Condition
from harness.stats.estimates import t_quantile
from harness.stats.sequential import LOOKS, SPENT
from harness.verdict.times import LATENCY, LEAST_MEMORY_BYTES, MEMORY, MarginOf, judge_duel

FEWEST_PAIRS = LOOKS[0]
SHOWN_LOOKS = LOOKS[::2]
_NINE_OF_TEN = 1.645
"""Standard errors that a change must lie beyond the bound for both stages to find it in nine gates of ten."""

OWN_SPEED = 0.75
"""From this share of the variance on, processes are said to keep speeds of their own; the gate asks as much."""

_ROUGH = 0.02
_HALF_PERCENT = 0.005


@dataclass(frozen=True, slots=True)
class Spread:
    """How far pairs of identical code differ by one clock: the standard deviation of ln(new ÷ old), 0.01 is 1 %.

    `within` is what the quads of one pair leave uncertain of it; None where this clock does not tell.
    """

    sd: float
    within: float | None

    @property
    def own_speed(self) -> float | None:
        """The share of the variance that lies between processes; a process then keeps a speed of its own."""
        if self.within is None or self.sd == 0:
            return None
        return max(0.0, 1 - (self.within / self.sd) ** 2)


@dataclass(frozen=True, slots=True)
class Reach:
    """What so many pairs can see. `waiting` is the smallest change of the wall clock, where another clock decides."""

    pairs: int
    change: float
    waiting: float | None
    unchanged_seconds: float
    confirmed_seconds: float


@dataclass(frozen=True, slots=True)
class Peaks:
    """Peak memory of identical processes. `margin_bytes` is what the gate lets pass."""

    processes: int
    low_bytes: float
    high_bytes: float
    margin_bytes: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one cell. `pairs_needed` is None where the margin is out of reach of every planned look."""

    cell: Cell
    clock: Clock
    uncorrected: str | None
    pairs: int
    trial_pairs: int
    pair_seconds: float
    spreads: Mapping[Clock, Spread]
    bias: float
    bias_error: float
    margin: float
    reaches: tuple[Reach, ...]
    pairs_needed: int | None
    seconds_needed: float | None
    peaks: Peaks | None
    is_rebuilt: bool
    control: Verdict

    @property
    def is_tripped(self) -> bool:
        """Whether identical code was called changed."""
        return control_tripped((self.control,))

    @property
    def best(self) -> float:
        """The smallest change that the last planned look can see."""
        return self.reaches[-1].change


@dataclass(frozen=True, slots=True)
class TooFew:
    """A cell that could not be measured often enough to say anything; `text` says why and what to do."""

    cell: Cell
    pairs: int
    text: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else is known of the machine: how much of it one may use, how it was asked to be used, how it was."""

    usable_cores: float
    threads: int
    device: str
    cells: int
    before: Condition
    after: Condition


def reach(sd: float, pairs: int, rate: float) -> float:
    """The smallest relative change that a gate finds, nine times in ten, when it looks at so many pairs.

    It is also the smallest margin within which unchanged code is shown to be, nine times in ten.
    """
    share = rate * SPENT[LOOKS.index(pairs)]
    return math.expm1((t_quantile(1 - share, pairs - 1) + _NINE_OF_TEN) * sd / math.sqrt(pairs))


def spread_of(pairs: Sequence[Pair], clock: Clock) -> Spread:
    """How far the pairs differ by a clock that each of them has."""
    errors = [pair.errors[clock] for pair in pairs if clock in pair.errors]
    within = math.sqrt(fmean(error**2 for error in errors)) if len(errors) == len(pairs) else None
    return Spread(stdev(pair.log_ratios[clock] for pair in pairs), within)


def seen(duel: Duel, uncorrected: str | None, margin_of: MarginOf, rate: float) -> Seen | TooFew:
    """What the pairs of a cell against itself tell."""
    pairs = [pair for pair in duel.pairs if pair.stage > 0]
    if duel.problem is not None:
        return TooFew(duel.cell, len(pairs), f"{duel.problem}; run pytest on this cell to see it alone")
    if len(pairs) < FEWEST_PAIRS:
        a_pair = median(pair.seconds for pair in duel.pairs) if duel.pairs else None
        much = f"--seconds {_enough(a_pair)}" if a_pair else "more --seconds"
        text = f"{len(pairs)} pairs are too few, {FEWEST_PAIRS} are the least; give {much} or a quicker --model"
        return TooFew(duel.cell, len(pairs), text)
    spreads = {clock: spread_of(pairs, clock) for clock in Clock if all(clock in pair.log_ratios for pair in pairs)}
    margin, sd = margin_of(duel.cell, LATENCY), spreads[duel.clock].sd
    trial = [pair for pair in duel.pairs if pair.stage == 0]
    a_pair = median(pair.seconds for pair in pairs)
    tried = math.fsum(pair.seconds for pair in trial)
    ratios = [pair.log_ratios[duel.clock] for pair in pairs]
    wall = spreads[Clock.WALL].sd if duel.clock is not Clock.WALL else None
    needed = next((look for look in LOOKS if reach(sd, look, rate) <= margin), None)
    return Seen(
        cell=duel.cell,
        clock=duel.clock,
        uncorrected=None if Clock.CORRECTED in spreads else uncorrected,
        pairs=len(pairs),
        trial_pairs=len(trial),
        pair_seconds=a_pair,
        spreads=spreads,
        bias=fmean(ratios),
        bias_error=sd / math.sqrt(len(pairs)),
        margin=margin,
        reaches=tuple(
            Reach(
                look,
                reach(sd, look, rate),
                None if wall is None else reach(wall, look, rate),
                tried + look * a_pair,
                tried + 2 * look * a_pair,
            )
            for look in SHOWN_LOOKS
        ),
        pairs_needed=needed,
        seconds_needed=None if needed is None else tried + needed * a_pair,
        peaks=_peaks(pairs, margin_of(duel.cell, MEMORY)),
        is_rebuilt=bool(trial),
        control=next(one for one in judge_duel(duel, margin_of, rate) if one.metric == LATENCY),
    )


def _enough(a_pair: float) -> int:
    """Seconds for nine pairs, rounded up to tens: a spread of fewer is a guess."""
    return math.ceil(9 * a_pair / 10) * 10


def _peaks(pairs: Sequence[Pair], margin: float) -> Peaks | None:
    found = [side.values[MEMORY] for pair in pairs for side in (pair.old, pair.new) if MEMORY in side.values]
    if not found:
        return None
    return Peaks(len(found), min(found), max(found), max(margin * median(found), LEAST_MEMORY_BYTES))


def advice(one: Seen, around: Surroundings) -> tuple[str, ...]:
    """What to do about the noise that was found, what matters most first; nothing where nothing is to be done."""
    return (*_of_the_control(one), *_of_the_machine(one, around), *_of_the_reach(one, around))


def _of_the_control(one: Seen) -> Iterator[str]:
    if one.is_tripped:
        yield (
            f"identical code was called {one.control.outcome} by {_signed(one.bias)} in two stages of fresh processes:"
            " believe no timing of this machine as it is now; mend what is named below, then run doctor again"
        )


def _of_the_machine(one: Seen, around: Surroundings) -> Iterator[str]:
    after = around.after
    others, stolen = after.other_cpu_fraction or 0.0, after.steal_fraction or 0.0
    wall, own = one.spreads[Clock.WALL].sd, one.spreads[one.clock].sd
    is_on_gpu = around.device.startswith("cuda")
    if others > BUSY_FRACTION:
        yield (
            f"other processes used {percent(others)} of the cores while this ran: stop them (top shows them), or gate"
            " where nothing else runs"
        )
    elif (after.load_1m or 0.0) > around.usable_cores + 1:
        yield f"the load is {after.load_1m:.1f} on {around.usable_cores:g} cores: stop other work (top shows it)"
    if one.clock is Clock.CORRECTED and wall > max(2 * own, _ROUGH):
        yield (
            f"by the wall clock pairs differ {wall / own:.1f} times as much ({percent(wall)}) as without waiting for a"
            f" core: processes compete for cores. Verdicts hold, as waiting does not decide; a change that only waits"
            f" shows from {bound(one.reaches[-1].waiting)} on"
        )
    if stolen > STOLEN_FRACTION:
        yield (
            f"the host took {percent(stolen)} of the cores away (steal): nothing inside this machine helps; take a"
            " dedicated host or an hour when the others sleep"
        )
    throttled = after.throttled
    if throttled is not None and throttled != "no":
        remedy = "lower its load or power limit" if is_on_gpu else "cool it, or raise the quota of its control group"
        yield f"it was held back ({throttled}): {remedy}"
    governor = after.governor
    if governor is not None and governor != "performance" and not is_on_gpu:
        yield (
            f"the frequency governor is {governor}, which changes the speed while it is measured:"
            " sudo cpupower frequency-set -g performance"
        )
    if after.gpu_processes and is_on_gpu:
        yield f"{after.gpu_processes} other processes hold the GPU: end them (nvidia-smi shows them)"
    yield from _of_the_threads(one, around, is_on_gpu=is_on_gpu)


def _of_the_threads(one: Seen, around: Surroundings, *, is_on_gpu: bool) -> Iterator[str]:
    if is_on_gpu:
        return
    if around.threads > around.usable_cores:
        yield f"{around.threads} threads share {around.usable_cores:g} cores: use no more --threads than cores"
    if around.threads > 1:
        yield (
            f"with {around.threads} threads the time spent waiting for a core cannot be told apart: --threads 1 (or"
            " --single-core, which also keeps every process on one core) sees smaller changes"
        )
    elif one.uncorrected is not None:
        yield (
            f"there is no time without waiting for a core ({one.uncorrected}): the wall clock decides, so whatever else"
            " runs here is in the numbers; gate on Linux, where it can be taken out"
        )


def _of_the_reach(one: Seen, around: Surroundings) -> Iterator[str]:
    own_speed = one.spreads[one.clock].own_speed
    if own_speed is not None and own_speed > OWN_SPEED and one.pairs_needed != LOOKS[0]:
        how = (
            "even though the models are laid anew in memory within each"
            if one.is_rebuilt
            else "and laying the models anew within each would not pay"
        )
        yield (
            f"{percent(own_speed)} of the variance is between processes, {how}: more pairs help, longer ones do not, so"
            " give a gate more --time-budget"
        )
    if one.peaks is not None and one.peaks.high_bytes - one.peaks.low_bytes > one.peaks.margin_bytes:
        apart = (one.peaks.high_bytes - one.peaks.low_bytes) / 2**20
        yield (
            f"peaks of identical processes lie {apart:.1f} MiB apart, more than their margin of"
            f" {one.peaks.margin_bytes / 2**20:.1f} MiB: widen peak_bytes of {one.cell} in expectations.toml"
        )
    if one.pairs_needed is None:
        yield (
            f"a margin of {share(one.margin)} is out of reach: with {LOOKS[-1]} pairs the smallest is"
            f" {bound(one.best)}. Mend what is named above, or set latency_seconds = {_margin_for(one.best):g} for"
            f" {one.cell.model}/*/* in expectations.toml"
        )
    elif one.seconds_needed is not None and one.seconds_needed * around.cells > PROFILES["gate"].budget_seconds:
        budget = PROFILES["gate"].budget_seconds
        yield (
            f"the {budget / 60:.0f} minutes of the gate profile decide about {budget / one.seconds_needed:.0f} cells"
            f" like this one, and there are {around.cells}: give --time-budget"
            f" {math.ceil(one.seconds_needed * around.cells / 60)}m, or fewer cells a run with --model"
        )


def _margin_for(change: float) -> float:
    """A margin that can be kept, in half per cents."""
    return round(math.ceil(change / _HALF_PERCENT - 1e-9) * _HALF_PERCENT, 4)


def _signed(log_ratio: float) -> str:
    return change(math.exp(log_ratio))
