"""A run against stored baselines: which numbers may be compared, handed one by one to `verdict`, which decides."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from harness.baselines.comparability import incomparable, named
from harness.baselines.comparing_quality import Sides, compare_quality, sides_of
from harness.baselines.machine import Identity, machine_differences, settled
from harness.baselines.noise import disturbed, other_speed
from harness.baselines.records import Baseline, Session, baseline_of
from harness.baselines.store import Store
from harness.cells import Cell, measuring
from harness.comparisons import LOST_SUPPORT, Basis, Clock, Difference, Origin, Outcome, Verdict
from harness.errors import RecordUnreadable
from harness.results import Measurement, Run, Status
from harness.stats.sequential import RUN_RATE
from harness.verdict.quality import quality_comparisons
from harness.verdict.stored import judge_stored
from harness.verdict.times import EXACT, LATENCY, LOADING, MEMORY, judge_exact, judge_memory
from harness.verdict.work import Work, said_so, with_decisions, work_between

NO_BASELINE = "no baseline"
"""What `Verdict.against` says where there is nothing stored of a cell."""

TIMED = (LATENCY, *LOADING)
"""What can raise a false alarm: one comparison each of every cell."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The baselines of some cells: on this class of machine, on another one only, or there and not to be read."""

    here: dict[Cell, Baseline] = field(default_factory=dict)
    elsewhere: dict[Cell, Baseline] = field(default_factory=dict)
    unreadable: dict[Cell, str] = field(default_factory=dict)

    @property
    def problems(self) -> tuple[str, ...]:
        """One line for each file that could not be read."""
        return tuple(dict.fromkeys(self.unreadable.values()))


def gather(store: Store, cells: Iterable[Cell], identity: Identity) -> Shelf:
    """Read the baselines of these cells. A file that cannot be read costs its own cell only."""
    shelf = Shelf()
    for cell in cells:
        try:
            found = store.find(cell, identity)
            if found is not None:
                shelf.here[cell] = found
            elif others := store.elsewhere(cell, identity):
                shelf.elsewhere[cell] = min(others, key=lambda one: len(machine_differences(one.identity, identity)))
        except RecordUnreadable as error:
            shelf.unreadable[cell] = str(error)
    return shelf


def shelf_of(run: Run) -> Shelf:
    """Let a run stand for baselines of one session each. What it did not measure is not on the shelf."""
    found = {one.cell: baseline_of(run, one) for one in run.measurements if one.status is Status.MEASURED}
    return Shelf({cell: baseline for cell, baseline in found.items() if baseline is not None})


def origins_of(shelf: Shelf) -> tuple[Origin, ...]:
    """Where the baselines that a run is held against came from, and what each of their sessions measured."""
    return tuple(
        Origin(
            cell=cell,
            machine=baseline.machine,
            commit=baseline.newest.revision,
            measured=baseline.newest.when,
            sessions=tuple(session.pass_seconds[Clock.WALL] for session in baseline.sessions),
        )
        for cell, baseline in shelf.here.items()
    )


def compare_stored(
    run: Run,
    shelf: Shelf,
    margin_of: Callable[[Cell, str], float],
    rate: float,
    more_peaks: Mapping[Cell, Sequence[float]] = MappingProxyType({}),
) -> tuple[Verdict, ...]:
    """Judge every cell of a run; `rate` is the chance of a false alarm in each comparison of a time.

    What is said of quality has a chance of its own, `chance_of_quality`. `more_peaks` are peaks of further processes,
    for the cells that were weighed again.
    """
    measured = {one.cell: one for one in run.measurements}
    sides = _sides(run, shelf)
    quality_rate = RUN_RATE / max(_in_quality(sides), 1)
    found: list[Verdict] = []
    for cell in dict.fromkeys((*run.planned, *measured)):
        told = _cell(run, cell, measured.get(cell), shelf, margin_of, rate, more_peaks.get(cell, ()))
        both = sides.get(cell)
        found += [with_decisions(one, both.old, both.new) if both and one.metric == LATENCY else one for one in told]
        if cell in sides:
            found += compare_quality(cell, sides[cell], margin_of, quality_rate)
    return tuple(found)


def stored_rate(shelf: Shelf) -> float:
    """The chance of a false alarm in each comparison of a time, so that all of a run keep to `RUN_RATE`."""
    return RUN_RATE / stored_comparisons(shelf)


def stored_comparisons(shelf: Shelf) -> int:
    """How many comparisons of a time there are at most."""
    return max(len(shelf.here), 1) * len(TIMED)


def chance_of_quality(run: Run, shelf: Shelf) -> float:
    """The chance of any false alarm in what `compare_stored` says of quality: none where all outputs are the same."""
    return RUN_RATE if _in_quality(_sides(run, shelf)) else 0.0


def _in_quality(sides: Mapping[Cell, Sides]) -> int:
    return quality_comparisons((one.old, one.new) for one in sides.values())


def _sides(run: Run, shelf: Shelf) -> dict[Cell, Sides]:
    """The quality of every cell that may be compared with what is stored of it."""
    found: dict[Cell, Sides] = {}
    for one in run.measurements:
        old = shelf.here.get(one.cell)
        new = baseline_of(run, one) if one.status is Status.MEASURED else None
        if old is None or new is None or one.cell in shelf.unreadable or incomparable(old, new):
            continue
        if sides := sides_of(old.quality, one.quality, describe(old), named(old, new)):
            found[one.cell] = sides
    return found


def _cell(
    run: Run,
    cell: Cell,
    measurement: Measurement | None,
    shelf: Shelf,
    margin_of: Callable[[Cell, str], float],
    rate: float,
    more_peaks: Sequence[float],
) -> Iterator[Verdict]:
    old = shelf.here.get(cell)
    against = NO_BASELINE if old is None else describe(old)
    if measurement is None or measurement.status is not Status.MEASURED:
        yield _not_measured(cell, measurement, against, old)
        return
    new = baseline_of(run, measurement)
    if cell in shelf.unreadable:
        yield _whole(cell, Outcome.NOT_COMPARABLE, shelf.unreadable[cell], "a baseline that cannot be read")
    elif new is None:
        text = "the run does not tell the hashes of what it measured; measure again"
        yield _whole(cell, Outcome.NOT_COMPARABLE, text, against)
    elif old is None and cell in shelf.elsewhere:
        other = shelf.elsewhere[cell]
        found = machine_differences(other.identity, settled(run.environment.identity))
        yield _not_comparable(cell, found, describe(other), "the baseline is of another class of machine")
    elif old is None:
        yield _whole(cell, Outcome.NEW, "nothing is stored of this cell yet; quantgate accept --new", against)
    elif found := incomparable(old, new):
        yield _not_comparable(cell, found, against, "the baseline is of something else")
    else:
        beside = named(old, new)
        for verdict in _metrics(old, new, measurement, margin_of, rate, more_peaks):
            yield replace(verdict, differences=(*beside, *verdict.differences), settle=verdict.settle or None)


def _not_measured(cell: Cell, measurement: Measurement | None, against: str, old: Baseline | None) -> Verdict:
    before = f"; on {old.newest.when[:10]} it was measured (run {old.newest.run})" if old else ""
    if measurement is None:
        return _whole(cell, Outcome.MISSING, f"it was not measured{before}", against)
    if measurement.failure is not None:
        return _whole(cell, Outcome.FAILED, f"{measurement.failure.phase}: {measurement.failure.text}", against)
    verdict = _whole(cell, Outcome.UNSUPPORTED, f"{measurement.reason}: {measurement.text}{before}", against)
    return replace(verdict, differences=(LOST_SUPPORT,)) if old else verdict


def undeclared(cell: Cell) -> Verdict:
    """A baseline of a cell that nobody declares any more."""
    text = "a baseline is stored, and no model declares this cell any more; remove the file where that is meant"
    return _whole(cell, Outcome.MISSING, text, "its baseline")


def _metrics(
    old: Baseline,
    new: Baseline,
    measurement: Measurement,
    margin_of: Callable[[Cell, str], float],
    rate: float,
    more_peaks: Sequence[float],
) -> Iterator[Verdict]:
    cell, against, settle = old.cell, describe(old), settling(old) or ""
    work = work_between(old.newest.values.get, new.newest.values.get)
    speeds = [one.fixed_work_seconds for one in old.sessions]
    busy = disturbed(measurement) or other_speed(new.newest.fixed_work_seconds, speeds)
    for metric in (LATENCY, *LOADING, MEMORY, *EXACT):
        clock = _clock(old, new) if metric == LATENCY else Clock.WALL
        as_much = work if metric == LATENCY else None
        told = [(one, _value(one, metric, clock, as_much, old.content.examples)) for one in old.sessions]
        sessions = [one for one, found in told if found is not None]
        olds = [found for _, found in told if found is not None]
        value = _value(new.newest, metric, clock, as_much, new.content.examples)
        if value is None and not olds:
            continue
        if value is None:
            reading = measurement.reading(metric)
            why = (reading and reading.unavailable) or "it was not recorded"
            yield Verdict(cell, metric, Outcome.MISSING, f"stored, and not measured now: {why}", against, Basis.STORED)
        elif not olds:
            text = "measured now, and not stored; quantgate accept --new"
            yield Verdict(cell, metric, Outcome.NEW, text, against, Basis.STORED, new=value)
        elif metric in EXACT:
            yield judge_exact(cell, metric, olds[-1], value, margin_of(cell, metric), against)
        elif metric == MEMORY:
            yield judge_memory(cell, metric, olds, [value, *more_peaks], margin_of(cell, metric), against)
        else:
            apart = hours_apart([one.when for one in sessions], olds)
            judged = judge_stored(
                cell, metric, apart, [value], margin_of(cell, metric), rate, against, settle, clock, busy
            )
            yield said_so(judged, as_much)


def _clock(old: Baseline, new: Baseline) -> Clock:
    """The time without waiting for a core, where both sides have it."""
    clock = Clock.CORRECTED
    both = new.newest.latency_seconds(clock) and any(one.latency_seconds(clock) for one in old.sessions)
    return clock if both else Clock.WALL


def hours_apart(whens: Sequence[str], values: Sequence[float]) -> tuple[float, ...]:
    """Values of sessions that lie within an hour of the one before, as one: they tell of one hour of the machine."""
    groups: list[list[float]] = []
    last: datetime | None = None
    for when, value in sorted(zip(whens, values, strict=True)):
        now = _time(when)
        if last is None or now is None or now - last >= timedelta(hours=1):
            groups.append([])
        groups[-1].append(value)
        last = now
    return tuple(geometric_middle(group) for group in groups)


def geometric_middle(values: Sequence[float]) -> float:
    """The mean of positive values on the scale of ratios."""
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def _time(when: str) -> datetime | None:
    """A time; UTC where it names no zone, as pytest-benchmark once stored it."""
    try:
        found = datetime.fromisoformat(when)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _value(session: Session, metric: str, clock: Clock, as_much: Work | None = None, examples: int = 1) -> float | None:
    """A metric of a session; a duration of nothing is none, and has no ratio. A latency is for as much work, if asked.

    What a session made is of a whole pass, and its latency of one inference.
    """
    if metric == LATENCY:
        seconds = session.latency_seconds(clock)
        made = session.values.get(as_much.reading) if as_much else examples
        return seconds * examples / made if seconds and made else None
    value = session.values.get(metric)
    return value or None if metric in LOADING or metric == MEMORY else value


def describe(baseline: Baseline) -> str:
    """Which baseline, in a few words."""
    newest, count = baseline.newest, len(baseline.sessions)
    sessions = "1 session" if count == 1 else f"{count} sessions"
    return f"baseline of {newest.when[:10]}, {sessions}, {_revision(newest)}"


def _revision(session: Session) -> str:
    if session.revision is None:
        return "no revision"
    return f"revision {session.revision[:10]}{' with uncommitted changes' if session.is_dirty else ''}"


def settling(baseline: Baseline) -> str | None:
    """The one command that tells: a live comparison with the newest revision that was measured as committed."""
    known = [one for one in baseline.sessions if one.revision]
    if not known:
        return None
    best = next((one for one in reversed(known) if not one.is_dirty), known[-1])
    return f"{measuring(baseline.cell)} --against {shlex.quote(best.revision or '')}"


def _whole(cell: Cell, outcome: Outcome, text: str, against: str) -> Verdict:
    return Verdict(cell, None, outcome, text, against, Basis.STORED)


def _not_comparable(cell: Cell, found: tuple[Difference, ...], against: str, text: str) -> Verdict:
    keys = ", ".join(one.key for one in found)
    whole = _whole(cell, Outcome.NOT_COMPARABLE, f"{text}: {keys}", against)
    return replace(whole, differences=found)
