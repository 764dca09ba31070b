"""Which cells meet another side, which do not and why, and on what the control runs. Nothing is measured here."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cells import Cell, Device, Reason
from harness.comparisons import LOST_SUPPORT, Clock, Difference, Duel, Outcome, Pair, Side
from harness.conduct import contest as contests
from harness.conduct.arms import Arm
from harness.conduct.contest import Contest
from harness.conduct.duel import CornerLost, Ring
from harness.conduct.gate import Bout
from harness.conduct.order import Order
from harness.conduct.patience import Patience
from harness.results import Failure, Measurement, Phase, Reading, Sample, Status
from harness.worker import protocol

TONE, TONE8, HUM = Cell("tone", "fp32", "cpu"), Cell("tone", "int8-dynamic", "cpu"), Cell("hum", "fp32", "cpu")
PAST = Arm("main at 1a2b3c4d", Path("/tree"), revision="1a2b3c4d")
BROKEN = Failure(Phase.OPEN, "it broke", "last words")


def measured(cell: Cell, seconds: float = 0.1) -> Measurement:
    sample = Sample(("one", "two"), (seconds, seconds))
    return Measurement(cell, Status.MEASURED, readings=(Reading("latency_seconds", seconds),), sample=sample)


def unable(cell: Cell) -> Measurement:
    return Measurement(cell, Status.UNSUPPORTED, reason=Reason.NO_KERNEL, text="no kernel for it")


def declared(name: str, *precisions: str, family: str = "", size: str = "") -> protocol.DeclaredModel:
    return protocol.DeclaredModel(
        name, family or name, size, "onnx", precisions or ("fp32",), f"suites.models.{name}", "/tree"
    )


class Solos:
    """Cells that were measured by themselves before."""

    def __init__(self, *measurements: Measurement) -> None:
        self._known = {one.cell: one for one in measurements}

    def measurement(self, cell: Cell) -> Measurement:
        return self._known[cell]

    def assignment(self, cell: Cell) -> protocol.Assignment:
        return protocol.Assignment("suites.models.here", "/here", cell.model, cell.precision, cell.device, "-", "-")

    def held(self, cell: Cell) -> Any:
        return nullcontext()


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> list[protocol.DeclaredModel]:
    """What the other revision declares: to be filled by the test."""
    models: list[protocol.DeclaredModel] = []
    monkeypatch.setattr(contests, "declared_by", lambda *_: protocol.Declared(tuple(models), {}))
    return models


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which sides were tried, where all of them open."""
    tried: list[str] = []
    monkeypatch.setattr(Ring, "opens", lambda _ring, corner, *_: tried.append(corner.name))
    return tried


def bouts(*measurements: Measurement, arm: Arm = PAST, before: tuple[Duel, ...] = (), **asked: Any) -> list[Bout]:
    planned = tuple(one.cell for one in measurements)
    contest = Contest(
        Order(Path("/here"), **asked),
        arm,
        {},
        Solos(*measurements),
        planned,
        frozenset((cell.model, cell.precision) for cell in planned),
        lambda _cell, _phase: None,
        lambda: None,
        before,
    )
    return list(contest.bouts())


def own(found: list[Bout]) -> list[Bout]:
    return [bout for bout in found if not bout.duel.is_control]


def ended(found: list[Bout]) -> dict[Cell, Outcome | None]:
    assert all((bout.ring is None) == (bout.duel.outcome is not None) for bout in found)
    return {bout.duel.cell: bout.duel.outcome for bout in own(found)}


def ended_bout(found: list[Bout], cell: Cell) -> Duel:
    return next(bout.duel for bout in own(found) if bout.duel.cell == cell)


def test_a_cell_that_both_sides_have_gets_a_ring_of_both(there: list[protocol.DeclaredModel]) -> None:
    there.append(declared("tone"))
    (bout,) = own(bouts(measured(TONE)))
    assert bout.ring is not None
    old, new = bout.ring.old, bout.ring.new
    assert (old.name, old.assignment.module, old.assignment.root) == ("main at 1a2b3c4d", "suites.models.tone", "/tree")
    assert (new.name, new.assignment.module, new.assignment.root) == ("the working tree", "suites.models.here", "/here")
    assert bout.duel == Duel(TONE, "main at 1a2b3c4d")


@pytest.mark.parametrize("models", [[], [declared("hum")], [declared("tone", "int8-dynamic")]])
def test_a_cell_that_the_other_side_does_not_declare_is_new(there: Any, models: list[Any]) -> None:
    there += models
    (bout,) = [one for one in own(bouts(measured(TONE))) if one.duel.cell == TONE]
    assert (bout.duel.outcome, bout.duel.problem) == (Outcome.NEW, "main at 1a2b3c4d does not declare it")
    assert bout.ring is None


def test_a_cell_that_failed_by_itself_is_not_compared_and_says_why(there: Any) -> None:
    there.append(declared("tone"))
    (bout,) = bouts(Measurement(TONE, Status.FAILED, failure=BROKEN))
    assert bout.duel.outcome is Outcome.FAILED
    assert bout.duel.problem == f"{Phase.OPEN}: it broke"


def test_a_cell_that_cannot_run_here_and_could_there_is_a_loss(there: Any, opened: list[str]) -> None:
    there.append(declared("tone"))
    (bout,) = bouts(unable(TONE))
    assert opened == ["main at 1a2b3c4d"]
    assert bout.duel.outcome is Outcome.UNSUPPORTED
    assert bout.duel.differences == (LOST_SUPPORT,)
    assert bout.duel.problem == f"{Reason.NO_KERNEL}: no kernel for it; main at 1a2b3c4d can run it"


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [(TONE8, 40.0), (TONE, 600.0)],
    ids=["as long as a precision is waited for beside fp32 of 1 s", "fp32 as long as any step"],
)
def test_what_is_too_slow_here_has_to_be_quicker_there_to_be_a_loss(
    there: Any, monkeypatch: pytest.MonkeyPatch, asked: Cell, seconds: float
) -> None:
    waited: list[float] = []

    def slow(_ring: Ring, corner: Any, _limit: float, patience: Patience | None = None) -> None:
        if patience is None:
            return  # the control, of a cell that can be measured
        waited.append(patience.first_seconds)
        raise CornerLost(corner, "as slow there", is_unable=True)

    monkeypatch.setattr(Ring, "opens", slow)
    there.append(declared("tone", "fp32", "int8-dynamic"))
    fp32 = replace(measured(TONE), readings=(Reading("first_inference_seconds", 1.0),))
    slow_here = Measurement(asked, Status.UNSUPPORTED, reason=Reason.TOO_SLOW, text="100 times slower")
    found = ended_bout(bouts(*{TONE: fp32, asked: slow_here}.values()), asked)
    assert (found.outcome, found.differences) == (Outcome.UNSUPPORTED, ())
    assert waited == [seconds]


def test_where_memory_is_short_nothing_is_tried_on_the_other_side_either(there: Any, opened: list[str]) -> None:
    there.append(declared("tone"))
    short = Measurement(TONE, Status.UNSUPPORTED, reason=Reason.TOO_LITTLE_MEMORY, text="needs 9 GB")
    found = ended_bout(bouts(short), TONE)
    assert (found.outcome, found.differences, opened) == (Outcome.UNSUPPORTED, (), [])


def test_a_cell_that_can_run_on_neither_side_is_no_loss(there: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(ring: Ring, corner: Any, *_: Any) -> None:
        raise CornerLost(corner, "no kernel there either", is_unable=True)

    monkeypatch.setattr(Ring, "opens", fails)
    there.append(declared("tone"))
    (bout,) = bouts(unable(TONE))
    assert (bout.duel.outcome, bout.duel.differences) == (Outcome.UNSUPPORTED, ())
    assert bout.duel.problem == f"{Reason.NO_KERNEL}: no kernel for it"


def test_that_another_precision_can_run_is_no_loss_of_this_one_and_is_not_tried(opened: list[str]) -> None:
    found = bouts(unable(TONE8), arm=Arm("fp32", Path("/here"), precision="fp32"))
    assert ended(found) == {TONE8: Outcome.UNSUPPORTED}
    assert opened == []
    assert found[0].duel.differences == ()


def test_against_a_precision_its_own_cells_are_left_out_and_nothing_is_missing() -> None:
    found = bouts(measured(TONE), measured(TONE8), measured(HUM), arm=Arm("fp32", Path("/here"), precision="fp32"))
    assert ended(found) == {TONE8: None}
    ring = own(found)[0].ring
    assert ring is not None
    assert (ring.old.assignment.precision, ring.new.assignment.precision) == ("fp32", "int8-dynamic")


@pytest.mark.parametrize("arm", [Arm("env X=1", Path("/here"), environment={"X": "1"}), Arm("python 3.12", Path("/"))])
def test_the_same_suites_in_another_environment_have_the_same_cells(arm: Arm) -> None:
    assert ended(bouts(measured(TONE), measured(HUM), arm=arm)) == {TONE: None, HUM: None}


@pytest.mark.parametrize(
    ("models", "asked", "missing"),
    [
        ([declared("hum")], {}, [HUM]),
        ([declared("tone", "fp32", "int8-dynamic")], {}, [TONE8]),
        ([declared("hum")], {"models": "tone"}, []),
        ([declared("hum")], {"models": "t*,h*"}, [HUM]),
        ([declared("tone", "fp32", "int8-dynamic")], {"precisions": "fp32"}, []),
        ([declared("hum")], {"devices": (Device("cpu"), Device("cuda"))}, [HUM, replace(HUM, device="cuda")]),
        ([declared("big", family="hum", size="full"), declared("hum", size="tiny")], {}, [HUM]),
        ([declared("hum", family="hum", size="full")], {}, [HUM]),
        ([declared("hum", size="full")], {"size": "tiny"}, [HUM]),  # a family of one size is represented by it
        ([declared("hum", size="tiny")], {"size": "full"}, [HUM]),
        ([declared("hum", size="full"), declared("little", family="hum", size="tiny")], {"size": "full"}, [HUM]),
        ([declared("hum", size="full"), declared("little", family="hum", size="tiny")], {"models": "t*, hum"}, [HUM]),
    ],
)
def test_what_only_the_other_side_has_is_missing_where_the_same_options_would_have_taken_it(
    there: Any, models: list[Any], asked: dict[str, Any], missing: list[Cell]
) -> None:
    there += [declared("tone"), *models] if models[0].name != "tone" else models
    found = own(bouts(measured(TONE), **asked))
    assert [bout.duel.cell for bout in found if bout.duel.outcome is Outcome.MISSING] == missing
    assert all(PAST.label in (bout.duel.problem or "") for bout in found if bout.duel.outcome is Outcome.MISSING)


def test_the_control_is_the_old_side_against_itself_on_the_quickest_cell_that_can_be_compared(there: Any) -> None:
    there += [declared("tone", "fp32", "int8-dynamic"), declared("other")]
    quickest_but_new = measured(HUM, 0.001)
    found = bouts(measured(TONE, 0.3), measured(TONE8, 0.2), quickest_but_new)
    (control,) = [bout for bout in found if bout.duel.is_control]
    assert control.duel.cell == TONE8
    assert control.duel.against == "main at 1a2b3c4d, against itself"
    assert control.ring is not None
    assert control.ring.old.assignment == control.ring.new.assignment
    assert control.ring.old.assignment.root == "/tree"
    assert control.ring.old.name != control.ring.new.name
    compared = next(bout.ring for bout in found if bout.duel.cell == TONE8 and not bout.duel.is_control)
    assert compared is not None
    assert control.ring.chance.random() != compared.chance.random()


def test_where_the_old_side_of_the_quickest_cell_does_not_open_the_control_runs_on_the_next(there, monkeypatch) -> None:
    def opens(_ring: Ring, corner: Any, *_: Any) -> None:
        if corner.assignment.model == "hum":
            raise CornerLost(corner, "it does not start there")

    monkeypatch.setattr(Ring, "opens", opens)
    there += [declared("tone"), declared("hum")]
    found = bouts(measured(TONE, 0.3), measured(HUM, 0.001))
    assert [bout.duel.cell for bout in found if bout.duel.is_control] == [TONE]
    assert [bout.duel.cell for bout in bouts(measured(HUM)) if bout.duel.is_control] == []


def test_where_nothing_can_be_compared_there_is_no_control(there: Any) -> None:
    assert ended(bouts(measured(TONE))) == {TONE: Outcome.NEW}
    assert len(bouts(measured(TONE))) == 1


def pair(stage: int = 1, **more: Any) -> Pair:
    side = Side({Clock.WALL: 1.0}, {"open_seconds": 0.001})
    return Pair(stage, {Clock.WALL: 0.0}, side, side, quads=100, seconds=3.0, **more)


def test_a_resumed_duel_has_its_pairs_and_what_had_ended_it_is_tried_again(there: Any) -> None:
    there.append(declared("tone"))
    library = Difference("engine", "1.0", "1.1")
    before = Duel(
        TONE,
        PAST.label,
        Clock.CORRECTED,
        (pair(), pair()),
        differences=(library, LOST_SUPPORT),
        outcome=Outcome.UNSUPPORTED,
        problem="it could not run; main can run it",
        is_spent=True,
    )
    (bout,) = own(bouts(measured(TONE), before=(before,)))
    assert bout.duel == Duel(TONE, PAST.label, Clock.CORRECTED, (pair(), pair()), differences=(library,))
    assert bout.quads_a_building is None


def test_a_resumed_duel_that_had_its_trial_goes_on_as_was_chosen(there: Any) -> None:
    there.append(declared("tone"))
    before = Duel(TONE, PAST.label, pairs=(pair(0), pair(0), pair(0), pair(1, is_rebuilt=True)))
    (bout,) = own(bouts(measured(TONE), before=(before,)))
    assert bout.quads_a_building == 1


def test_the_pairs_of_the_control_stay_with_the_control(there: Any) -> None:
    there.append(declared("tone"))
    control = Duel(TONE, f"{PAST.label}, against itself", pairs=(pair(),), is_control=True)
    found = bouts(measured(TONE), before=(control,))
    assert [(bout.duel.is_control, len(bout.duel.pairs)) for bout in found] == [(False, 0), (True, 1)]


@pytest.mark.parametrize("changes", [{"against": "main at 9f9f9f9f"}, {"cell": TONE8}, {"is_control": True}])
def test_pairs_of_anything_else_are_not_taken_over(there: Any, changes: dict[str, Any]) -> None:
    there.append(declared("tone"))
    before = replace(Duel(TONE, PAST.label, pairs=(pair(),)), **changes)
    (bout,) = own(bouts(measured(TONE), before=(before,)))
    assert bout.duel.pairs == ()
