"""What is said of tests with a benchmark: of pairs of processes, or of one run against stored files.

Glue: what is said of a time is decided in `verdict`, what follows from it in `consequences`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.baselines.comparing import hours_apart
from harness.baselines.noise import disturbed
from harness.benchmarks import stored
from harness.benchmarks.own import cell_of
from harness.cells import Cell, measuring
from harness.comparisons import LOST_SUPPORT, Basis, Clock, Difference, Duel, Judgement, Origin, Outcome, Verdict
from harness.judging import Bench
from harness.results import Measurement, Run, Status
from harness.stats.sequential import RUN_RATE
from harness.verdict.stored import judge_stored
from harness.verdict.times import LATENCY

_CPU_TIMERS = ("process_time", "thread_time")
_OF = " (the median round)"


def judge_live(bench: Bench, run: Run, duels: Sequence[Duel]) -> Judgement:
    """The judgement of pairs: of a test, its time is judged, and nothing else of the process that it runs in."""
    whole = bench.live(run, duels)
    return replace(
        whole,
        verdicts=tuple(one for one in whole.verdicts if one.metric in (None, LATENCY)),
        controls=tuple(one for one in whole.controls if one.metric in (None, LATENCY)),
    )


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a run is held against: stored files, this machine as pytest-benchmark describes it, each test's timer.

    `gone` are tests that are stored and that this side does not have any more.
    """

    baseline: stored.Baseline | None
    machine: Mapping[str, Any]
    timers: Mapping[Cell, str]
    gone: tuple[str, ...] = ()

    def judge(self, bench: Bench, run: Run) -> Judgement:
        """The judgement of one run of each test against the stored ones."""
        against = self.baseline.describe() if self.baseline else "no stored file"
        made = bench.made(run, against, self._verdicts(bench, run, against))
        if self.baseline is None:
            return made
        made = replace(made, origins=tuple(self._origins(run, self.baseline)))
        compared = sum(one.metric is not None for one in made.verdicts)
        return replace(made, comparisons=compared, error_rate=RUN_RATE) if compared else made

    def _verdicts(self, bench: Bench, run: Run, against: str) -> Iterator[Verdict]:
        rate = RUN_RATE / max(len(run.measurements), 1)
        for measured in run.measurements:
            yield self._verdict(bench, measured, rate, against)
        for test in self.gone:
            text = "it is stored, and this side does not have it any more; store again where that is meant"
            yield _whole(cell_of(test), Outcome.MISSING, text, against)

    def _verdict(self, bench: Bench, measured: Measurement, rate: float, against: str) -> Verdict:
        cell, baseline = measured.cell, self.baseline
        sessions = baseline.sessions(cell.model) if baseline else ()
        if measured.failure is not None:
            return _whole(cell, Outcome.FAILED, f"{measured.failure.phase}: {measured.failure.text}", against)
        if measured.status is Status.UNSUPPORTED:
            verdict = _whole(cell, Outcome.UNSUPPORTED, f"{measured.reason}: {measured.text}", against)
            return replace(verdict, differences=(LOST_SUPPORT,)) if sessions else verdict
        if baseline is None or not sessions:
            return _whole(cell, Outcome.NEW, f"nothing is stored of it; {stored.HOW_TO_STORE}", against)
        machine = baseline.newest.machine_info
        if found := (*stored.machine_differences(machine, self.machine), *self._timer(cell, sessions[-1][1])):
            keys = ", ".join(one.key for one in found)
            verdict = _whole(cell, Outcome.NOT_COMPARABLE, f"it was stored under other conditions: {keys}", against)
            return replace(verdict, differences=found)
        now = measured.value(LATENCY)
        assert now is not None
        judged = judge_stored(
            cell,
            LATENCY,
            hours_apart([when for when, _ in sessions], [one.stats.median for _, one in sessions]),
            [now],
            bench.margin(cell, LATENCY),
            rate,
            against,
            _settling(cell, baseline),
            Clock.CPU if self.timers.get(cell) in _CPU_TIMERS else Clock.WALL,
            disturbed(measured),
        )
        return replace(
            judged,
            of=_OF,
            settle=judged.settle or None,
            differences=stored.named_differences(machine, self.machine),
        )

    def _timer(self, cell: Cell, one: stored.Stored) -> tuple[Difference, ...]:
        """Another timer counts other seconds."""
        now = self.timers.get(cell, "")
        # As pytest-benchmark writes it: with its module, or without.
        then = one.options.timer.rpartition(".")[2]
        return (Difference("timer", then, now),) if then != now else ()

    def _origins(self, run: Run, baseline: stored.Baseline) -> Iterable[Origin]:
        for measured in run.measurements:
            if sessions := baseline.sessions(measured.cell.model):
                medians = tuple((one.stats.median,) for _, one in sessions)
                cpu = str(baseline.newest.machine_info.get("machine", ""))
                yield Origin(measured.cell, cpu, baseline.revision, sessions[-1][0], medians)


def _settling(cell: Cell, baseline: stored.Baseline) -> str:
    """The command that tells: a live comparison with the revision that was stored; none where that is not known."""
    revision = baseline.revision
    return f"{measuring(cell)} --against {shlex.quote(revision[:12])}" if revision else ""


def _whole(cell: Cell, outcome: Outcome, text: str, against: str) -> Verdict:
    return Verdict(cell, None, outcome, text, against, Basis.STORED)
