"""The records: frozen, refused when they make no sense, and the same after a trip through JSON.

Owns what is written to `events.jsonl` and `run.json`. Decides nothing and measures nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from harness.cells import Cell, Reason
from harness.comparisons import Duel, Judgement
from harness.limits import Rates, Work
from harness.metrics import METRICS
from harness.phases import Fact as Fact  # noqa: PLC0414 - offered here too: records are made of them
from harness.phases import Phase as Phase  # noqa: PLC0414
from harness.scores import Quality

SCHEMA = 1
"""Raised whenever a reader of older records would misunderstand newer ones."""


class Status(StrEnum):
    """How the measuring of a cell ended."""

    MEASURED = "measured"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds per inference, one entry an inference, in the order measured. `passes` whole passes of the workload."""

    example_ids: tuple[str, ...]
    wall_seconds: tuple[float, ...]
    corrected_seconds: tuple[float, ...] | None = None
    device_seconds: tuple[float, ...] | None = None
    passes: int = 1

    def __post_init__(self) -> None:
        if len(self.wall_seconds) < 2:
            raise ValueError(f"a sample needs two inferences or more, got {len(self.wall_seconds)}")
        for name, values in (
            ("example_ids", self.example_ids),
            ("corrected_seconds", self.corrected_seconds),
            ("device_seconds", self.device_seconds),
        ):
            if values is not None and len(values) != len(self.wall_seconds):
                raise ValueError(f"{name} has {len(values)} entries for {len(self.wall_seconds)} inferences")
        if not all(math.isfinite(seconds) and seconds > 0 for seconds in self.wall_seconds):
            raise ValueError("wall_seconds must be finite and above zero")
        _refuse_no_duration("corrected_seconds", self.corrected_seconds or ())
        _refuse_no_duration("device_seconds", self.device_seconds or ())
        if self.passes < 1:
            raise ValueError(f"a sample is of one whole pass or more, not {self.passes}")


@dataclass(frozen=True, slots=True)
class Reading:
    """The value of one metric, or why there is none. Never 0 for "not measured"."""

    metric: str
    value: float | None = None
    unavailable: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise ValueError(f"{self.metric!r} is not a metric")
        if (self.value is None) == (self.unavailable is None):
            raise ValueError(f"{self.metric} needs either a value or why it is unavailable")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.metric} is {self.value}, which is no measurement")


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What was thrown away before timing: inferences made, and whether the curve had become flat."""

    inferences: int
    seconds: float
    steady: bool
    wall_seconds: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        _refuse_no_duration("the warm-up", (self.seconds, *self.wall_seconds))


@dataclass(frozen=True, slots=True)
class Provenance:
    """By content, what was measured: two records compare only where these agree."""

    model: str
    size: str
    weights: str
    reference_digest: str
    artifact_digest: str
    artifact_format: str
    artifact_provenance: str
    workload: str
    workload_digest: str
    examples: int
    calibration_digest: str | None = None
    converted_bytes: int = 0
    weight_bytes: int = 0
    converted_count: int = 0
    weight_count: int = 0
    count_by_dtype: dict[str, int] = field(default_factory=dict)
    count_by_part: dict[str, int] = field(default_factory=dict)
    left_unconverted: tuple[str, ...] = ()
    modules_converted: dict[str, int] = field(default_factory=dict)
    modules_left: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlacementProof:
    """Where the runtime says the compute is: nodes (or parameters) counted by provider."""

    device: str
    by_provider: dict[str, int]
    astray: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """The machine at one moment: whatever could disturb a timing. None: this machine does not say."""

    when: str
    load_1m: float | None = None
    other_cpu_fraction: float | None = None
    steal_fraction: float | None = None
    pressure_some_fraction: float | None = None
    frequency_hz: float | None = None
    governor: str | None = None
    temperature_celsius: float | None = None
    throttled: str | None = None
    gpu_processes: int | None = None
    fixed_work_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong: in which phase, in one line, with the last words of the process."""

    phase: Phase
    text: str
    last_words: str = ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """Everything known of one cell after it was measured, or why it was not."""

    cell: Cell
    status: Status
    readings: tuple[Reading, ...] = ()
    sample: Sample | None = None
    warm_up: WarmUp | None = None
    provenance: Provenance | None = None
    placement: PlacementProof | None = None
    conditions: tuple[Condition, ...] = ()
    reason: Reason | None = None
    failure: Failure | None = None
    text: str = ""
    notes: tuple[str, ...] = ()
    stages: dict[str, float] = field(default_factory=dict)
    seconds_spent: float = 0.0
    quality: Quality | None = None
    work: Work | None = None

    def __post_init__(self) -> None:
        if (self.status is Status.FAILED) != (self.failure is not None):
            raise ValueError(f"{self.cell}: a failure is recorded when, and only when, the cell failed")
        if (self.status is Status.UNSUPPORTED) != (self.reason is not None):
            raise ValueError(f"{self.cell}: a reason is recorded when, and only when, the cell is unsupported")
        if self.status is Status.MEASURED and self.sample is None:
            raise ValueError(f"{self.cell}: measured without a sample")
        names = [reading.metric for reading in self.readings]
        if len(names) != len(set(names)):
            raise ValueError(f"{self.cell}: a metric is reported twice")
        _refuse_no_duration(f"{self.cell}: stages", (*self.stages.values(), self.seconds_spent))

    def reading(self, metric: str) -> Reading | None:
        """Return the reading of a metric, or None where the metric does not apply to this cell."""
        return next((reading for reading in self.readings if reading.metric == metric), None)

    def value(self, metric: str) -> float | None:
        """Return the value of a metric, or None where there is none; `reading` says why."""
        found = self.reading(metric)
        if found is not None:
            return found.value
        score = self.quality.score(metric) if self.quality else None
        return None if score is None else score.value


@dataclass(frozen=True, slots=True)
class Environment:
    """The machine, in three parts that differ in what a difference means.

    Holds no user name, host name, home path or secret.
    """

    identity: dict[str, Fact] = field(default_factory=dict)
    libraries: dict[str, Fact] = field(default_factory=dict)
    info: dict[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FailedTest:
    """A test of the run that failed, and the first line of what it said."""

    name: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a run could not be judged. `is_usage`: what was asked for means nothing."""

    text: str
    is_usage: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its environment and its cells. `complete` is false where a planned cell has no result.

    `finished` is None of a run that was interrupted. `compares`: a comparison was asked for, live, by the
    profile, or because results were accepted before.
    """

    id: str
    started: str
    environment: Environment
    options: dict[str, Fact]
    planned: tuple[Cell, ...]
    measurements: tuple[Measurement, ...]
    complete: bool
    finished: str | None = None
    duels: tuple[Duel, ...] = ()
    judgement: Judgement | None = None
    schema: int = SCHEMA
    rates: tuple[Rates, ...] = ()
    compares: bool = False
    failed_tests: tuple[FailedTest, ...] = ()
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One line of `events.jsonl`. `body` depends on `kind`; unknown kinds are passed over by readers."""

    at: str
    kind: str
    cell: Cell | None = None
    body: dict[str, Any] = field(default_factory=dict)


def _refuse_no_duration(name: str, seconds: Iterable[float]) -> None:
    """Refuse what no clock shows; NaN would also be lost on the way through JSON."""
    for one in seconds:
        if not (math.isfinite(one) and one >= 0):
            raise ValueError(f"{name}: {one} is no duration")
