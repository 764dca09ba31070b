"""What is compared with what, in which order, and what is written down. Measuring and other sides are made up here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest

from harness import match as matches
from harness.baselines.accepting import file_run
from harness.baselines.store import Store
from harness.cells import Cell
from harness.comparisons import Duel, Judgement, Outcome
from harness.conduct.arms import Against, Arm, Kind
from harness.conduct.gate import Bout
from harness.conduct.order import Order
from harness.errors import HarnessError, UsageProblem
from harness.expectations import Expectations
from harness.journal import Journal, duels, fold
from harness.judging import Bench
from harness.match import Match, refuse_absent
from harness.models import Model
from harness.results import Run
from harness.scores import Quality
from harness.verdict.times import LATENCY, MEMORY
from tests.baselines.made import CELL, OTHER, measured, run
from tests.comparisons_samples import around, duel
from tests.git_fakes import commit, new_repository

HEAD = Against(Kind.REVISION, "HEAD")
GONE = replace(CELL, model="gone")
QUALITY = Quality(outputs_digest="as before")


@dataclass
class World:
    """Which sides are opened, which cells met them, and what the gate was given."""

    folder: Path
    run: Run
    opened: list[Any] = field(default_factory=list)
    met: list[tuple[Cell, ...]] = field(default_factory=list)
    gates: list[tuple[Any, ...]] = field(default_factory=list)
    weighed: list[tuple[Cell, int]] = field(default_factory=list)
    peaks: Sequence[float] = ()
    refused: tuple[str, ...] = ()
    streaming: frozenset[str] = frozenset()
    arm_precision: str | None = None
    examined: list[tuple[Cell, Quality | None]] = field(default_factory=list)

    @property
    def planned(self) -> tuple[Cell, ...]:
        return self.run.planned

    def held(self, cell: Cell) -> Any:
        return nullcontext()

    def weigh(self, cell: Cell, processes: int) -> tuple[float, ...]:
        self.weighed.append((cell, processes))
        return tuple(self.peaks)

    # Whom the outputs of both sides are asked of.

    examiner = None
    models: ClassVar[dict[str, Model]] = {}

    def quality(self, cell: Cell) -> Quality | None:
        raise AssertionError("nothing is scored here")

    score_worker = heard = quality

    # The onlooker.

    def phase(self, *_: object) -> None:
        raise AssertionError("nothing is measured here")

    tick = waiting = gate_started = gate_pair = gate_decided = phase

    def match(self, **asked: Any) -> Match:
        order = Order(self.folder, **{"baselines": self.folder / "baselines", **asked})
        journal = Journal(self.folder)
        journal.write(
            "run-started", environment=self.run.environment, options=self.run.options, planned=self.run.planned
        )
        for one in self.run.measurements:
            journal.write("cell-finished", one.cell, measurement=one)
        declared = frozenset((cell.model, cell.precision) for cell in self.planned)
        return Match(order, Bench(order, Expectations(), declared), cast("Any", self), journal, cast("Any", self))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world in which every cell that meets another side is decided to be the same, beside one that is missing."""
    made = World(tmp_path, run(measured(), measured(OTHER)))

    @contextmanager
    def open_arm(against: Against, root: Path, **more: Any) -> Iterator[Arm]:
        if against.value in made.refused:
            raise HarnessError(f"there is no {against.value}; fetch it")
        made.opened.append((against, root, more))
        yield Arm(str(against), root, precision=made.arm_precision)
        made.opened.append("closed")

    def bouts(contest: Any) -> tuple[Bout, ...]:
        made.met.append(contest.planned)
        live = [Bout(Duel(cell, contest.arm.label), cast("Any", SimpleNamespace(old=None))) for cell in contest.planned]
        return (*live, Bout(Duel(GONE, contest.arm.label, outcome=Outcome.MISSING, problem="gone")))

    class Sides:
        def __init__(self, *_: object) -> None:
            pass

        def examined(self, met: Duel) -> Duel:
            assert not made.gates, "quality first: the gate has not begun"
            made.examined.append((met.cell, met.old_quality))
            return replace(met, old_quality=QUALITY, new_quality=QUALITY)

    class Gate:
        def __init__(self, bouts: Any, *rest: Any) -> None:
            self._bouts = bouts
            made.gates.append(rest)

        def run(self) -> None:
            for bout in self._bouts:
                if bout.ring is not None:
                    timed = duel(around(0.0))
                    bout.duel = replace(bout.duel, pairs=timed.pairs, clock=timed.clock, is_spent=timed.is_spent)

    monkeypatch.setattr(matches, "open_arm", open_arm)
    monkeypatch.setattr(matches.Contest, "bouts", bouts)
    monkeypatch.setattr(matches, "Sides", Sides)
    monkeypatch.setattr(matches, "Gate", Gate)
    return made


def said(judgement: Judgement, metric: str = LATENCY) -> dict[Cell, Outcome]:
    return {one.cell: one.outcome for one in judgement.verdicts if one.metric in (None, metric)}


def accepted(world: World, **values: Any) -> None:
    for day in (1, 2, 3):
        stored = run(measured(**values), measured(OTHER, **values), id=f"run-{day}", day=day)
        list(file_run(Store(world.folder / "baselines"), stored))


def test_live_all_planned_cells_meet_the_side_that_was_asked_for_and_it_is_closed(world: World) -> None:
    judgement = world.match(against=HEAD, build="make").live()
    assert said(judgement) == {CELL: Outcome.UNCHANGED, OTHER: Outcome.UNCHANGED, GONE: Outcome.MISSING}
    assert world.opened == [(HEAD, world.folder, {"build": "make", "build_log": world.folder / "build.log"}), "closed"]
    assert world.met == [(CELL, OTHER)]


def test_what_meets_nobody_is_written_down_before_anything_is_measured(world: World) -> None:
    world.match(against=HEAD).live()
    written = [(one.cell, one.outcome) for one in duels(world.folder)]
    assert written == [(GONE, Outcome.MISSING), (CELL, None), (OTHER, None)], "in the order begun"


def test_both_sides_are_examined_before_the_gate_and_what_was_found_is_written_down_at_once(world: World) -> None:
    world.match(against=HEAD).live()
    assert world.examined == [(CELL, None), (OTHER, None)], "what meets nobody is not examined"
    assert {one.cell: one.new_quality for one in duels(world.folder)} == {CELL: QUALITY, OTHER: QUALITY, GONE: None}


def test_another_precision_as_the_other_side_has_quality_of_its_own_and_is_not_examined(world: World) -> None:
    world.arm_precision = "fp32"
    world.match(against=Against(Kind.PRECISION, "fp32")).live()
    assert world.examined == []


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ({}, 1_800.0),
        ({"profile": "smoke"}, 120.0),
        ({"profile": "nightly"}, 14_400.0),
        ({"time_budget_seconds": 60.0, "profile": "nightly"}, 60.0),
    ],
)
def test_the_time_is_the_profile_s_unless_one_was_asked_for(
    world: World, asked: dict[str, Any], seconds: float
) -> None:
    world.match(against=HEAD, pair_seconds=0.5, cell_limit_seconds=7.0, **asked).live()
    ((_, _, budget, _, _, _, limit, pair_seconds),) = world.gates
    assert (budget, limit, pair_seconds) == (seconds, 7.0, 0.5)


def test_the_gate_goes_by_the_rate_that_the_judgement_states(world: World) -> None:
    world.run = run(*(measured(replace(CELL, model=f"tone-{number}")) for number in range(30)))
    judgement = world.match(against=HEAD).live()
    assert judgement.stage_rate == world.gates[0][1] < 0.01


def test_against_the_store_a_heavier_cell_is_weighed_in_two_more_processes_and_no_other_is(world: World) -> None:
    accepted(world)
    world.run = run(measured(peak_bytes=230_000_000.0), measured(OTHER), id="now", day=9)
    world.peaks = (230_000_000.0, 231_000_000.0)
    judgement = world.match().stored()
    assert world.weighed == [(CELL, 2)]
    assert said(judgement, MEMORY) == {CELL: Outcome.REGRESSED, OTHER: Outcome.UNCHANGED}
    assert world.opened == []


def test_a_peak_that_further_processes_do_not_confirm_is_no_regression(world: World) -> None:
    accepted(world)
    world.run = run(measured(peak_bytes=230_000_000.0), measured(OTHER), id="now", day=9)
    world.peaks = (200_000_000.0, 200_000_000.0)
    assert said(world.match().stored(), MEMORY)[CELL] is Outcome.UNCHANGED


def slow(world: World) -> None:
    accepted(world)
    world.run = run(measured(seconds=(0.0112,) * 4), measured(OTHER), id="now", day=9)


def test_what_is_suspect_stays_so_unless_it_is_to_be_settled(world: World) -> None:
    slow(world)
    assert said(world.match().stored())[CELL] is Outcome.SUSPECT
    assert world.opened == []


def test_settling_compares_the_suspect_cells_and_no_others_with_the_revision_of_their_baseline(world: World) -> None:
    slow(world)
    judgement = world.match(settle=True).stored()
    assert world.met == [(CELL,)]
    assert world.opened[0][0] == Against(Kind.REVISION, "c0ffee" * 6)
    assert said(judgement)[CELL] is Outcome.UNCHANGED
    assert judgement.problems == ()


def test_a_revision_that_cannot_be_had_leaves_its_cells_suspect_and_says_so_in_a_line(world: World) -> None:
    slow(world)
    world.refused = ("c0ffee" * 6,)
    judgement = world.match(settle=True).stored()
    assert said(judgement)[CELL] is Outcome.SUSPECT
    assert judgement.problems == (f"--settle: there is no {'c0ffee' * 6}; fetch it",)


def test_the_record_of_the_run_is_left_as_it_was(world: World) -> None:
    accepted(world)
    match = world.match()
    before = fold(world.folder)
    match.stored()
    assert fold(world.folder) == before


@pytest.mark.parametrize(
    ("against", "said"),
    [
        (Against(Kind.REVISION, "nosuchref"), "there is no revision 'nosuchref' here"),
        (Against(Kind.PYTHON, "/no/such/python"), "is no program that can be run"),
    ],
)
def test_another_side_that_is_not_there_is_refused(tmp_path: Path, against: Against, said: str) -> None:
    project = new_repository(tmp_path / "project")
    commit(project, one="1")
    with pytest.raises(UsageProblem, match=said):
        refuse_absent(against, project)


@pytest.mark.parametrize(
    "against", [HEAD, Against(Kind.VARIABLE, "X=1"), Against(Kind.PRECISION, "fp32"), Against(Kind.REVISION, "main")]
)
def test_another_side_that_is_there_is_not_refused(tmp_path: Path, against: Against) -> None:
    project = new_repository(tmp_path / "project")
    commit(project, one="1")
    refuse_absent(against, project)
