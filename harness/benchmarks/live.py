"""A live comparison of tests: which the other side has, a bout for each, the null control, and one gate over all.

Glue between the other side (`conduct.arms`), the rings and the gate; decides nothing.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from harness.benchmarks.own import cell_of
from harness.benchmarks.ring import TestRing
from harness.benchmarks.turns import Place, Report
from harness.cells import Cell
from harness.comparisons import LOST_SUPPORT, Duel, Outcome
from harness.conduct.arms import Arm, here, open_arm
from harness.conduct.duel import CornerLost
from harness.conduct.gate import Bout, Gate, Keeper, Onlooker, chance_of
from harness.conduct.order import Order
from harness.results import Measurement, Status
from harness.verdict.times import MarginOf

TestBout = Bout[TestRing]
_TICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Selection:
    """What pytest was asked to run: `targets` as written, and every test with a benchmark that it then found.

    What options left out is among `found`: it is there, and nobody misses it.
    """

    targets: tuple[str, ...]
    found: frozenset[str]

    def takes(self, test: str, folder: Path, root: Path) -> bool:
        """Whether a test would have been chosen by the targets."""
        return not self.targets or any(_is_of(test, target, folder, root) for target in self.targets)


@dataclass(frozen=True, slots=True)
class Live:
    """The tests of a run against another side. Each has run by itself before, with the measurement it gave.

    `folder` is where pytest was started, which its targets are relative to.
    """

    order: Order
    folder: Path
    selection: Selection
    measured: Mapping[Cell, Measurement]
    onlooker: Onlooker
    keeper: Keeper
    hold: Callable[[Cell], AbstractContextManager[None]]
    build_log: Path

    def fight(self, margin_of: MarginOf, rate: float, budget_seconds: float) -> tuple[Duel, ...]:
        """Pairs of processes of both sides until every test is decided or the time is spent."""
        order = self.order
        assert order.against is not None
        with open_arm(order.against, order.root, build=order.build, build_log=self.build_log) as arm:
            bouts = self._bouts(place_of(arm, order), place_of(here(order.root), order))
            for bout in bouts:
                if bout.ring is None:
                    self.keeper.began(bout.duel)
            Gate(
                bouts,
                margin_of,
                rate,
                budget_seconds,
                self.onlooker,
                self.keeper,
                self.hold,
                order.cell_limit_seconds,
                order.pair_seconds,
            ).run()
        return tuple(bout.duel for bout in bouts)

    def _bouts(self, old: Place, new: Place) -> list[TestBout]:
        there = self._collected(old)
        bouts = [self._bout(cell, there, old, new) for cell in self.measured]
        return [*bouts, *self._missing(there, old), *self._controls(bouts)]

    def _collected(self, old: Place) -> Report:
        """The tests of the other side among what this run was asked for."""
        targets = []
        for target in self.selection.targets:
            path = _below(target, self.folder, self.order.root)
            if path is None:
                targets.append(target)
            elif (old.root / path).exists():
                targets.append(str(old.root / path))
        if self.selection.targets and not targets:
            return Report("absent")
        try:
            return old.collected(tuple(targets), self.order.cell_limit_seconds, self._tick())
        except CornerLost as lost:
            return Report("failed", f"{lost.text}: {lost.last_words[-200:]}")

    def _bout(self, cell: Cell, there: Report, old: Place, new: Place) -> TestBout:
        duel, measured = Duel(cell, old.name), self.measured[cell]
        if measured.failure is not None:
            failed = f"{measured.failure.phase}: {measured.failure.text}"
            return Bout(replace(duel, outcome=Outcome.FAILED, problem=failed))
        if cell.model not in there.names:
            if there.outcome == "failed":
                problem = f"the tests of {old.name} cannot be collected: {there.text}"
                return Bout(replace(duel, outcome=Outcome.NOT_COMPARABLE, problem=problem))
            return Bout(replace(duel, outcome=Outcome.NEW, problem=f"{old.name} does not have it"))
        ring = TestRing(cell.model, old, new, chance_of(self.order.seed, cell), self._tick())
        if measured.status is Status.UNSUPPORTED:
            lost = (LOST_SUPPORT,) if self._runs(ring, cell) else ()
            beside = f"; {old.name} runs it" if lost else ""
            problem = f"{measured.reason}: {measured.text}{beside}"
            return Bout(replace(duel, outcome=Outcome.UNSUPPORTED, problem=problem, differences=lost))
        return Bout(duel, ring)

    def _missing(self, there: Report, old: Place) -> Iterator[TestBout]:
        """Tests that only the other side has, where this run would have taken them."""
        for test in there.names:
            is_taken = self.selection.takes(test, self.folder, self.order.root)
            if is_taken and test not in self.selection.found:
                problem = f"{old.name} has this test with a benchmark, and this side does not"
                yield Bout(Duel(cell_of(test), old.name, outcome=Outcome.MISSING, problem=problem))

    def _controls(self, bouts: list[TestBout]) -> Iterator[TestBout]:
        """The old side against itself, on the quickest test that it can run: what trips there does so anywhere."""
        able = [(bout.duel.cell, bout.ring) for bout in bouts if bout.ring is not None]
        for cell, ring in sorted(able, key=lambda one: self.measured[one[0]].value("latency_seconds") or 0.0):
            if self._runs(ring, cell):
                twin = replace(ring.old, name=f"{ring.old.name} again")
                duel = Duel(cell, f"{ring.old.name}, against itself", is_control=True)
                yield Bout(duel, replace(ring, new=twin, chance=chance_of(self.order.seed + 1, cell)))
                return

    def _runs(self, ring: TestRing, cell: Cell) -> bool:
        with self.hold(cell):
            return ring.runs(ring.old, self.order.cell_limit_seconds)

    def _tick(self) -> Callable[[], None]:
        """Tell the onlooker about once a second: turns end a hundred times as often."""
        last = time.monotonic()

        def tick() -> None:
            nonlocal last
            if time.monotonic() - last >= _TICK_SECONDS:
                last = time.monotonic()
                self.onlooker.tick()

        return tick


def place_of(arm: Arm, order: Order) -> Place:
    """Where the tests of an arm are run: in its tree as this pytest in its own, and told what this one was told."""
    assert order.benchmarks is not None
    root, started = order.root, order.benchmarks.folder
    below = started.relative_to(root) if started.is_relative_to(root) else Path()
    folder = arm.root / below if (arm.root / below).is_dir() else arm.root
    # `python -m pytest` imports from where it was started, `pytest` does not.
    paths = (str(folder),) if {"", str(started)} & set(sys.path) else ()
    asked = order.benchmarks
    variables = dict(arm.environment)
    return Place(arm.label, arm.python, folder, arm.root, asked.arguments, variables, paths, arm.shunned, asked.options)


def _below(target: str, folder: Path, root: Path) -> Path | None:
    """The file or folder of a target, below the root; None where it lies elsewhere (or is a package's name)."""
    path = Path(os.path.normpath(folder / target.partition("::")[0]))
    return path.relative_to(root) if path.is_relative_to(root) else None


def _is_of(test: str, target: str, folder: Path, root: Path) -> bool:
    path = _below(target, folder, root)
    if path is None:
        return True
    _, colons, inside = target.partition("::")
    file, _, name = test.partition("::")
    if colons:
        return file == path.as_posix() and (name == inside or name.startswith((f"{inside}[", f"{inside}::")))
    return path == Path() or Path(file).is_relative_to(path)
