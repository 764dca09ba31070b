"""Where one test meets itself of another side: two fresh processes of pytest, timed in turns. Decides nothing."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.benchmarks.pairing import made
from harness.benchmarks.turns import Place, Process, Report, in_turns
from harness.conduct.duel import CornerLost, Manner
from harness.conduct.pairing import Measured


@dataclass(slots=True)
class TestRing:
    """A test and its two places. `is_alone` is whether one thread does all its work, as the first pair has shown."""

    __test__ = False

    test: str
    old: Place
    new: Place
    chance: random.Random
    on_tick: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.monotonic
    is_alone: bool | None = field(default=None)

    def fight(self, manner: Manner) -> Measured:
        """Measure one pair of fresh processes."""
        began = self.clock()
        core, seed = self._core(), self.chance.randrange(1, 1 << 32)
        with (
            self._process(self.old, core, seed) as old,
            self._process(self.new, core, seed) as new,
        ):
            reports = in_turns(old, new, self.chance, manner.limit_seconds)
            for process, report in zip((old, new), reports, strict=True):
                if (why := unusable(report)) is not None:
                    raise process.lost(why)
        if self.is_alone is None:
            self.is_alone = all(report.is_alone and report.is_corrected for report in reports)
        return made(*reports, stage=manner.stage, seconds=self.clock() - began, is_alone=self.is_alone)

    def runs(self, place: Place, limit_seconds: float) -> bool:
        """Whether the test gives a time at a place."""
        try:
            return unusable(place.alone(self.test, limit_seconds, self.on_tick)) is None
        except CornerLost:
            return False

    def _process(self, place: Place, core: int | None, seed: int) -> Process:
        return Process(place, self.test, place.file_of(self.test), core=core, hash_seed=seed, on_tick=self.on_tick)

    def _core(self) -> int | None:
        """One core for both sides, another for each pair, once it is known that neither needs two (see `duel.Ring`)."""
        if not self.is_alone or not hasattr(os, "sched_getaffinity"):
            return None
        return self.chance.choice(sorted(os.sched_getaffinity(0)))


def unusable(report: Report) -> str | None:
    """Why a process has told no time; None where it has."""
    if report.strays:
        return (
            f"{report.strays[0]} was imported from the working tree, not from the other side's; compare with"
            " --against python=PATH, an environment that has the other side's installed"
        )
    match report.outcome:
        case "passed" if report.turns:
            return None
        case "passed":
            return "the test passed, and timed nothing with its fixture `benchmark`"
        case "absent":
            return f"the test is not there ({report.text})"
        case outcome:
            return f"the test {'was skipped' if outcome == 'skipped' else outcome}: {report.text}"
