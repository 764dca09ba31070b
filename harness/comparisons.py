"""The records of a comparison: pairs of processes, what was compared of a cell, and the verdicts made of them.

Owns the words; decides nothing (that is `verdict`) and measures nothing. Additions here keep the schema number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from harness.cells import Cell
from harness.scores import Quality


class Outcome(StrEnum):
    """What is said of one metric of a cell, or of a cell as a whole."""

    REGRESSED = "regressed"
    IMPROVED = "improved"
    UNCHANGED = "unchanged"
    INCONCLUSIVE = "inconclusive"
    SUSPECT = "suspect"
    NEW = "new"
    MISSING = "missing"
    NOT_COMPARABLE = "not-comparable"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"


class Basis(StrEnum):
    """What a verdict rests on."""

    LIVE = "live"
    STORED = "stored"
    EXACT = "exact"


class Clock(StrEnum):
    """Which time of a pair. `CORRECTED` is without waiting for a core; `CPU` only explains, it is not judged."""

    WALL = "wall"
    CORRECTED = "corrected"
    CPU = "cpu"
    DEVICE = "device"

    @property
    def words(self) -> str:
        """What the clock counts, as a person says it."""
        match self:
            case Clock.WALL:
                return "the wall clock"
            case Clock.CORRECTED:
                return "the time without waiting for a core"
            case Clock.CPU:
                return "the time on the CPU"
            case Clock.DEVICE:
                return "the device's own clock"


@dataclass(frozen=True, slots=True)
class Side:
    """One process of a pair: what it needed. `seconds` is by clock, the mean of one inference over the pair's blocks.

    `values` holds the other metrics of this process by name; a metric that could not be read is not in it.
    """

    seconds: dict[str, float]
    values: dict[str, float] = field(default_factory=dict)
    inferences: int = 0

    def __post_init__(self) -> None:
        for name, value in (*self.seconds.items(), *self.values.items()):
            if not math.isfinite(value) or value < 0:
                raise ValueError(f"{name} is {value}, which is no measurement")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two fresh processes, timed in turns. Stage 0 was a trial of how to measure, and is not judged.

    `log_ratios` is ln(new ÷ old) by clock; above zero is slower.
    `errors` is the standard error of each within this pair. `old_laps` and `new_laps` are single inferences, each
    divided by the usual time of its example: what the tails are made of. They stay in the journal only.
    """

    stage: int
    log_ratios: dict[str, float]
    old: Side
    new: Side
    quads: int
    seconds: float
    errors: dict[str, float] = field(default_factory=dict)
    is_rebuilt: bool = False
    old_laps: tuple[float, ...] = ()
    new_laps: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.stage not in (0, 1, 2):
            raise ValueError(f"a pair is of the trial, of the first stage or of the second, not of stage {self.stage}")
        if not self.log_ratios:
            raise ValueError("a pair without a ratio compares nothing")
        for clock, ratio in self.log_ratios.items():
            if not math.isfinite(ratio):
                raise ValueError(f"the log ratio of the {clock} time is {ratio}, which is no measurement")
            if clock not in self.old.seconds or clock not in self.new.seconds:
                raise ValueError(f"a ratio of the {clock} time needs that time of both sides")
        for lap in (*self.old_laps, *self.new_laps):
            if not math.isfinite(lap) or lap < 0:
                raise ValueError(f"a lap is {lap}, which is no measurement")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something by which the two sides differ besides the number: a library's version, the weights, the workload."""

    key: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.key}: {self.old} → {self.new}"


LOST_SUPPORT = Difference("support", "can run it", "cannot")
"""Marks a cell that cannot run here, and could on the other side: what makes an unsupported cell a loss."""


@dataclass(frozen=True, slots=True)
class Duel:
    """All that was measured of one cell against its other side. `clock` decides; `problem` is why there is no pair.

    `of` says what was timed where it is not one inference: " of whole streams", whose chunks a cell's latency is of.
    `is_control` marks the null control: the old side against itself. `is_spent`: the time budget ended it.
    `old_quality` and `new_quality` are of both sides' outputs against the old side's fp32.
    """

    cell: Cell
    against: str
    clock: Clock = Clock.WALL
    pairs: tuple[Pair, ...] = ()
    differences: tuple[Difference, ...] = ()
    problem: str | None = None
    outcome: Outcome | None = None
    is_control: bool = False
    is_spent: bool = False
    of: str = ""
    old_quality: Quality | None = None
    new_quality: Quality | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of one metric of one cell; `metric` is None where it is said of the whole cell.

    `old` and `new` are values in the metric's unit; `ratio` is new ÷ old with its interval. `could_see` is the smallest
    relative change that the data could have shown. `settle` is the one command that would tell. `cause` names what kind
    of regression it is ("waiting"). `accepted` is the reason by which a bound was loosened. `clock` is the one that
    decided, for a time that was judged live. Of quality, `change` is new − old with its interval, over so many
    `examples`; it, the margin and what could have been seen are in the metric's unit.
    """

    cell: Cell
    metric: str | None
    outcome: Outcome
    text: str
    against: str
    basis: Basis = Basis.LIVE
    old: float | None = None
    new: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    margin: float | None = None
    could_see: float | None = None
    pairs: int = 0
    cause: str | None = None
    differences: tuple[Difference, ...] = ()
    settle: str | None = None
    accepted: str | None = None
    is_fatal: bool = False
    clock: Clock | None = None
    of: str = ""
    change: float | None = None
    change_low: float | None = None
    change_high: float | None = None
    examples: int = 0


class Answer(StrEnum):
    """What is said of a claim or a budget."""

    HOLDS = "holds"
    FAILS = "fails"
    CANNOT_TELL = "cannot tell"
    MET = "met"
    MISSED = "missed"
    NUMBERS_DISAGREE = "its own numbers disagree"
    NEEDS_CHECKPOINT = "needs a checkpoint"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim, a budget or a bound on quality, judged for one cell.

    Of a budget: its metric (of a `stage`, where it names one), the value that was found, and the target. Of a bound on
    quality: its metric, what was lost in its unit (below zero: gained) with its interval, and what may be; `over` is
    the precision that it is held against. `accepted` is the reason by which a bound was loosened. Of a claim: the ratio
    that was found, with its interval, and what was `claimed`, in words, up to its `best` where a range was; `is_rough`
    where its two cells were timed one after the other and not in turns. `is_floor`: the target is the least that is
    asked for, and not the most; None in records from before this was written down.
    """

    kind: str
    name: str
    cell: Cell
    answer: Answer
    text: str
    source: str = ""
    is_fatal: bool = False
    metric: str | None = None
    value: float | None = None
    target: float | None = None
    over: str = ""
    accepted: str | None = None
    low: float | None = None
    high: float | None = None
    is_rough: bool = False
    stage: str = ""
    claimed: str = ""
    best: float | None = None
    is_floor: bool | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the stored baseline of a cell came from: its newest session's commit and time, and the class of machine.

    `sessions` has the seconds of whole passes of each session by the wall clock, the oldest session first.
    """

    cell: Cell
    machine: str
    commit: str | None
    measured: str
    sessions: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """Every verdict of a run, with how sure the whole is. `problems` are lines about baselines that could not be read.

    `error_rate` bounds the chance of any false alarm about times in the run; each of `comparisons` had `stage_rate` a
    stage. `quality_rate` bounds that about quality: None where all outputs were the same, so that none can be.
    """

    against: str
    profile: str
    verdicts: tuple[Verdict, ...]
    controls: tuple[Verdict, ...] = ()
    judged: tuple[Judged, ...] = ()
    problems: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    error_rate: float | None = None
    comparisons: int = 0
    stage_rate: float | None = None
    quality_rate: float | None = None
    origins: tuple[Origin, ...] = ()
