"""What is planned: the chosen models and their cells."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import zoo
from harness.cells import CellGlob, Device
from harness.conduct.campaign import plan
from harness.conduct.order import Order
from harness.errors import UsageProblem
from tests.samples import model

CPU, CUDA = Device("cpu"), Device("cuda")


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The models of a project: a voice that takes a checkpoint, and an ear in two sizes."""
    models = (
        model("voice", takes_checkpoint=True, precisions=("fp32", "int8-dynamic")),
        model("ear-tiny", family="ear", size="tiny"),
        model("ear-full", family="ear", size="full"),
    )
    found = tuple(zoo.Declared(one, zoo.Origin("zoo")) for one in models)
    monkeypatch.setattr(zoo, "discover", lambda _root, folder: found if folder == "suites/models" else ())


@pytest.mark.usefixtures("declared")
def test_a_plan_holds_the_chosen_models_and_their_cells() -> None:
    planned = plan(Order(Path(), devices=(CPU, CUDA), precisions="fp*"))
    assert list(planned.models) == ["voice", "ear-tiny"]
    assert [str(cell) for cell in planned.cells] == [
        "voice/fp32/cpu",
        "voice/fp32/cuda",
        "ear-tiny/fp32/cpu",
        "ear-tiny/fp32/cuda",
    ]


@pytest.mark.usefixtures("declared")
def test_a_plan_of_single_cells_holds_their_models_alone() -> None:
    asked = (CellGlob("ear-full", "fp32", "cuda"), CellGlob("voice", "int8-*", "cpu"))
    planned = plan(Order(Path(), devices=(CUDA, CPU), cells=asked))
    assert [str(cell) for cell in planned.cells] == ["voice/int8-dynamic/cpu", "ear-full/fp32/cuda"]
    narrowed = plan(Order(Path(), devices=(CUDA, CPU), cells=(CellGlob("*", "*", "*"),), models="voice"))
    assert list(narrowed.models) == ["voice"]


@pytest.mark.usefixtures("declared")
@pytest.mark.parametrize(
    ("order", "said"),
    [
        (Order(Path(), models="vioce"), "no model matches 'vioce'; did you mean voice?"),
        (Order(Path(), precisions="int3"), "no cell has a precision that matches 'int3'; offered: fp32, int8-dynamic"),
        (Order(Path(), precisions="int8*", models="ear*"), "offered: fp32"),
        (
            Order(Path(), checkpoints={"ear-tiny": Path("x")}),
            "--checkpoint ear-tiny: no such model takes one; those that do: voice",
        ),
        (Order(Path(), cells=(CellGlob("vioce", "*", "*"),)), "no model matches 'vioce'; did you mean voice?"),
        (Order(Path(), models_folder="empty"), "no models are declared in empty; add one, set"),
    ],
)
def test_a_plan_that_means_nothing_is_refused_with_the_next_step(order: Order, said: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        plan(order)
    assert said in str(caught.value)
