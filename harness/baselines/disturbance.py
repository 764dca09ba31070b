"""What disturbed the measuring of a run, cell by cell, and whether something that was said of a cell rests on it.

Decides nothing anew: the bounds are those of `noise`, and verdicts are read as they were given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from harness.baselines.noise import disturbed, other_speed
from harness.baselines.records import fixed_work_seconds
from harness.cells import Cell
from harness.comparisons import Basis, Outcome, Verdict
from harness.results import Condition, Measurement, Run
from harness.verdict.times import LATENCY, LOADING, TAILS

_TIMES = (LATENCY, *LOADING, *TAILS)
_OTHER_SPEED = "a fixed piece of work took"
"""How `noise.other_speed` begins, which a verdict repeats that was held back because of it."""


class Bearing(StrEnum):
    """What a disturbance means for what was said of the cell's times, the gravest first."""

    RESTS = "a verdict rests on it"
    HELD_BACK = "held back"
    WITHIN = "unchanged in spite of it"
    UNDECIDED = "undecided"
    IN_TURNS = "judged in turns"
    NOT_JUDGED = "no time was judged"


@dataclass(frozen=True, slots=True)
class Disturbed:
    """A cell that was disturbed while it was timed: by whom, by what else, how the machine was, and what that means.

    `work_ratio` is what a fixed piece of work took, over the median of the run's cells.
    """

    cell: Cell
    busy: str | None
    otherwise: tuple[str, ...]
    during: Condition
    work_ratio: float | None
    bearing: Bearing


@dataclass(frozen=True, slots=True)
class Noise:
    """All that disturbed a run, the gravest first, and how it was where nothing did.

    `timed` cells have a condition of while they were timed; of `silent` ones the machine does not say who used it.
    """

    disturbed: tuple[Disturbed, ...]
    timed: int
    silent: int
    most_other_cpu: float | None
    most_steal: float | None

    def count(self, bearing: Bearing) -> int:
        """How many cells it means this for."""
        return sum(one.bearing is bearing for one in self.disturbed)


def noise_of(run: Run) -> Noise:
    """Look through the conditions of every cell of a run."""
    told = [(one, during) for one in run.measurements if (during := _during(one)) is not None]
    work = [seconds for one, _ in told if (seconds := fixed_work_seconds(one)) is not None]
    usual = median(work) if work else None
    verdicts: dict[Cell, list[Verdict]] = {}
    for verdict in run.judgement.verdicts if run.judgement else ():
        if verdict.metric in _TIMES:
            verdicts.setdefault(verdict.cell, []).append(verdict)
    found = [_disturbed(one, during, usual, verdicts.get(one.cell, ())) for one, during in told]
    grave = list(Bearing)
    return Noise(
        disturbed=tuple(sorted(filter(None, found), key=lambda one: (grave.index(one.bearing), -_taken(one.during)))),
        timed=len(told),
        silent=sum(during.other_cpu_fraction is None for _, during in told),
        most_other_cpu=_most(during.other_cpu_fraction for _, during in told),
        most_steal=_most(during.steal_fraction for _, during in told),
    )


def bearing_of(verdicts: Sequence[Verdict], busy: str | None) -> Bearing:
    """What a disturbance of a cell means for the verdicts on its times: on its latency, where there is one.

    Live ones are made of pairs of other processes, which take turns. Of stored ones, a change that a disturbed
    measurement showed was held back when it was judged.
    """
    own = [one for one in verdicts if one.metric == LATENCY] or verdicts
    return min((_bearing(one, busy) for one in own), key=list(Bearing).index, default=Bearing.NOT_JUDGED)


def _bearing(verdict: Verdict, busy: str | None) -> Bearing:
    if verdict.basis is not Basis.STORED:
        return Bearing.IN_TURNS
    match verdict.outcome:
        case Outcome.REGRESSED | Outcome.IMPROVED:
            return Bearing.RESTS
        case Outcome.UNCHANGED:
            return Bearing.WITHIN
        case Outcome.SUSPECT | Outcome.INCONCLUSIVE:
            return Bearing.HELD_BACK if _is_held_back(verdict, busy) else Bearing.UNDECIDED
        case _:
            return Bearing.NOT_JUDGED


def _is_held_back(verdict: Verdict, busy: str | None) -> bool:
    return (busy is not None and f"but {busy}" in verdict.text) or f"but {_OTHER_SPEED}" in verdict.text


def _disturbed(
    one: Measurement, during: Condition, usual: float | None, verdicts: Sequence[Verdict]
) -> Disturbed | None:
    busy, otherwise = disturbed(one), tuple(_otherwise(one, during, usual, verdicts))
    if busy is None and not otherwise:
        return None
    return Disturbed(one.cell, busy, otherwise, during, _work_ratio(one, usual), bearing_of(verdicts, busy))


def _otherwise(one: Measurement, during: Condition, usual: float | None, verdicts: Sequence[Verdict]) -> Iterable[str]:
    if during.throttled not in (None, "no"):
        yield f"the cores were held back: {during.throttled}"
    if other_speed(fixed_work_seconds(one), [usual]) is not None:
        yield "the cores ran at another speed than in most cells"
    elif any(f"but {_OTHER_SPEED}" in verdict.text for verdict in verdicts):
        yield "the cores ran at another speed than in the stored sessions"


def _work_ratio(one: Measurement, usual: float | None) -> float | None:
    own = fixed_work_seconds(one)
    return own / usual if own and usual else None


def _during(one: Measurement) -> Condition | None:
    return next((condition for condition in one.conditions if condition.when == "during"), None)


def _taken(condition: Condition) -> float:
    return (condition.other_cpu_fraction or 0.0) + (condition.steal_fraction or 0.0)


def _most(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
