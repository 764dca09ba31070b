"""The records of a stored baseline: one cell on one class of machine, measured in several sessions.

Owns what is kept of a run and what contradicts itself. Reads and writes no file (`files`), judges nothing.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, replace
from statistics import median

from harness.baselines.machine import machine_class, settled
from harness.baselines.numbers import rounded, thinned
from harness.baselines.quality import kept
from harness.cells import Cell
from harness.comparisons import Clock
from harness.metrics import METRICS
from harness.results import Fact, Measurement, Run
from harness.scores import Quality
from harness.stats.passes import pass_means

SCHEMA = 1
"""Raised whenever a reader of older baselines would misunderstand newer ones."""

MOST_SESSIONS = 8
MOST_SAMPLES = 50

SETTINGS = ("engine", "low_memory", "single_core")
"""Options that change what is measured and that no hash tells; threads are part of the machine."""

NOT_KEPT = ("conversion_seconds", "limit_seconds", "limit_share_fraction")
"""Measured once and remembered with the artifact: later runs repeat it, which is no second session."""


@dataclass(frozen=True, slots=True)
class Content:
    """By content, what was measured."""

    artifact_digest: str
    artifact_format: str
    calibration_digest: str | None
    converted_bytes: int
    converted_count: int
    examples: int
    reference_digest: str
    size: str
    weight_bytes: int
    weight_count: int
    weights: str
    workload: str
    workload_digest: str

    def __post_init__(self) -> None:
        if self.converted_bytes > self.weight_bytes or self.converted_count > self.weight_count:
            raise ValueError("more weights were converted than there are")


@dataclass(frozen=True, slots=True)
class Session:
    """What one run measured of the cell. `pass_seconds` are means of whole passes by clock, evenly thinned.

    `libraries` names a set of versions in the baseline. `revision` is the commit of the suites. `quality` is kept of
    the newest session that has one: outputs do not vary as times do, so that a second one tells nothing more.
    """

    run: str
    when: str
    revision: str | None
    is_dirty: bool | None
    libraries: str
    pass_seconds: dict[str, tuple[float, ...]]
    values: dict[str, float]
    quality: Quality | None = None
    fixed_work_seconds: float | None = None

    def __post_init__(self) -> None:
        if not (self.run and self.when):
            raise ValueError("a session is of a run that began at some time")
        if Clock.WALL not in self.pass_seconds:
            raise ValueError(f"session {self.run} has no wall time")
        for clock, seconds in self.pass_seconds.items():
            if clock not in tuple(Clock) or not 1 <= len(seconds) <= MOST_SAMPLES:
                raise ValueError(f"session {self.run} has {len(seconds)} samples of the {clock} time")
            if not all(math.isfinite(one) and one >= 0 for one in seconds):
                raise ValueError(f"session {self.run} has a {clock} time that is no duration")
        for name, value in {**self.values, "fixed work": self.fixed_work_seconds or 0.0}.items():
            if not math.isfinite(value) or value < 0:
                raise ValueError(f"session {self.run}: {name} is {value}, which is no measurement")
        if self.values.get("weights_covered_fraction", 0) > 1:
            raise ValueError(f"session {self.run} covers more than all weights")
        if self.quality is not None and (self.quality.wrong or self.quality.problem):
            raise ValueError(f"session {self.run} has outputs that are no baseline")

    def latency_seconds(self, clock: Clock) -> float | None:
        """The mean seconds of a pass, in the median pass; None where that time was not taken or was nothing."""
        seconds = self.pass_seconds.get(clock)
        return median(seconds) or None if seconds else None


@dataclass(frozen=True, slots=True)
class Baseline:
    """Sessions of one cell on one class of machine, the oldest first. `libraries` are sets of versions by digest."""

    cell: Cell
    content: Content
    identity: dict[str, Fact]
    libraries: dict[str, dict[str, Fact]]
    machine: str
    sessions: tuple[Session, ...]
    settings: dict[str, Fact]
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        runs = [session.run for session in self.sessions]
        order = [_moment(session) for session in self.sessions]
        if not 1 <= len(runs) <= MOST_SESSIONS:
            raise ValueError(f"{len(runs)} sessions, where 1 to {MOST_SESSIONS} are kept")
        if len(set(runs)) < len(runs):
            raise ValueError("a run counts as two sessions")
        if order != sorted(order):
            raise ValueError("the sessions are not in order of time")
        if {session.libraries for session in self.sessions} != set(self.libraries):
            raise ValueError("the sessions name other sets of libraries than there are")
        if self.machine != machine_class(self.identity):
            raise ValueError(f"the machine is called {self.machine}, and its facts say {machine_class(self.identity)}")

    @property
    def newest(self) -> Session:
        """The session that ran last."""
        return self.sessions[-1]

    @property
    def quality(self) -> Quality | None:
        """What the outputs were worth in the newest session that tells."""
        return next((one.quality for one in reversed(self.sessions) if one.quality is not None), None)

    def with_session_of(self, other: Baseline) -> Baseline:
        """Add the sessions of another baseline of the same content; a run counts once, the oldest are dropped."""
        by_run = {session.run: session for session in (*self.sessions, *other.sessions)}
        newest = sorted(by_run.values(), key=_moment)[-MOST_SESSIONS:]
        telling = next((one.run for one in reversed(newest) if one.quality is not None), None)
        sessions = tuple(one if one.run == telling else replace(one, quality=None) for one in newest)
        libraries = self.libraries | other.libraries
        return replace(self, sessions=sessions, libraries={one.libraries: libraries[one.libraries] for one in sessions})


def baseline_of(run: Run, measurement: Measurement) -> Baseline | None:
    """What is kept of one measured cell of a run; None where the cell has no sample, or no word on what it was."""
    known, sample = measurement.provenance, measurement.sample
    if known is None or sample is None:
        return None
    libraries = settled(run.environment.libraries)
    digest = hashlib.sha256(json.dumps(libraries, sort_keys=True).encode()).hexdigest()[:8]
    commit, dirty = run.environment.info.get("git_commit"), run.environment.info.get("git_dirty")
    session = Session(
        run=run.id,
        when=run.started,
        revision=commit if isinstance(commit, str) else None,
        is_dirty=dirty if isinstance(dirty, bool) else None,
        libraries=digest,
        pass_seconds={
            str(clock): tuple(float(rounded(seconds)) for seconds in thinned(means, MOST_SAMPLES))
            for clock in (Clock.CORRECTED, Clock.DEVICE, Clock.WALL)
            if (means := pass_means(sample, clock))
        },
        values={
            reading.metric: float(rounded(reading.value))
            for reading in sorted(measurement.readings, key=lambda reading: reading.metric)
            if reading.value is not None and reading.metric in METRICS and reading.metric not in NOT_KEPT
        },
        quality=kept(measurement.quality),
        fixed_work_seconds=fixed_work_seconds(measurement),
    )
    identity = settled(run.environment.identity)
    return Baseline(
        cell=measurement.cell,
        content=Content(
            artifact_digest=known.artifact_digest,
            artifact_format=known.artifact_format,
            calibration_digest=known.calibration_digest,
            converted_bytes=known.converted_bytes,
            converted_count=known.converted_count,
            examples=known.examples,
            reference_digest=known.reference_digest,
            size=known.size,
            weight_bytes=known.weight_bytes,
            weight_count=known.weight_count,
            weights=known.weights,
            workload=known.workload,
            workload_digest=known.workload_digest,
        ),
        identity=identity,
        libraries={digest: libraries},
        machine=machine_class(identity),
        sessions=(session,),
        settings=settled({name: run.options.get(name) for name in SETTINGS}),
    )


def fixed_work_seconds(measurement: Measurement) -> float | None:
    """What a fixed piece of work took between the blocks of a cell; None where it was not looked at."""
    during = next((one for one in measurement.conditions if one.when == "during"), None)
    seconds = during.fixed_work_seconds if during else None
    return float(rounded(seconds)) if seconds else None


def _moment(session: Session) -> tuple[str, str]:
    """Times are UTC in one form (`journal.now`), so that text sorts as time does."""
    return session.when, session.run
