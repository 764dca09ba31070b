"""Which cells an order takes: globs of models, precisions and devices, and `--cell`."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cells import Cell, CellGlob, Device
from harness.conduct.asked import cells_asked, is_asked, model_patterns, refuse_what_takes_nothing
from harness.conduct.order import Order
from harness.errors import UsageProblem

CPU, CUDA = Device("cpu"), Device("cuda")
MODELS = [("turn", ("fp32", "int8-dynamic", "int8-weight-only")), ("voice", ("fp32", "int8-dynamic"))]


def order(*cells: str, **more: object) -> Order:
    return Order(Path(), cells=tuple(map(CellGlob.parse, cells)), **{"devices": (CUDA, CPU), **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "cells"),
    [
        (
            order("turn/fp32/cuda", "turn/int8-*/cpu"),
            "turn/fp32/cuda turn/int8-dynamic/cpu turn/int8-weight-only/cpu",
        ),
        (order("*/fp32/*", precisions="fp32"), "turn/fp32/cuda turn/fp32/cpu voice/fp32/cuda voice/fp32/cpu"),
        (
            order("*/*/cuda", precisions="int8*"),
            "turn/int8-dynamic/cuda turn/int8-weight-only/cuda voice/int8-dynamic/cuda",
        ),
        (order("*/int8-dynamic/cuda", devices=(CPU,)), ""),
        (order("voice/*/cpu"), "voice/fp32/cpu voice/int8-dynamic/cpu"),
    ],
)
def test_only_the_cells_that_were_asked_for_are_made(asked: Order, cells: str) -> None:
    assert [str(cell) for cell in cells_asked(asked, MODELS)] == cells.split()


@pytest.mark.parametrize(
    ("asked", "is_so"),
    [
        (order("turn/fp32/cuda"), False),
        (order("turn/*/cpu"), True),
        (order(), True),
        (order(models="voice"), False),
        (order(precisions="fp32"), False),
        (order(devices=(CUDA,)), False),
    ],
)
def test_a_stored_cell_is_missed_only_where_the_order_would_have_taken_it(asked: Order, is_so: bool) -> None:
    cell = Cell("turn", "int8-dynamic", "cpu")
    assert is_asked(asked, cell, (cell.precision,)) is is_so


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (order("turn/fp16/cuda"), "--cell turn/fp16/cuda: there is no such cell on cuda, cpu; write MODEL/PREC"),
        (order("turn/fp32/mps"), "--cell turn/fp32/mps: there is no such cell on cuda, cpu; write MODEL/PRECISION"),
        (order(precisions="int3"), "no cell has a precision that matches 'int3'; offered: fp32, int8-dynamic, int8-w"),
    ],
)
def test_what_takes_nothing_is_refused_with_the_next_step(asked: Order, said: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        refuse_what_takes_nothing(asked, MODELS)
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["", "turn", "turn/fp32", "turn/fp32/cpu/0", "turn//cpu", "/fp32/cpu"])
def test_a_cell_that_is_not_three_parts_is_refused(text: str) -> None:
    with pytest.raises(UsageProblem, match="write MODEL/PRECISION/DEVICE, as in"):
        CellGlob.parse(text)


def test_models_are_those_of_the_cells_where_cells_were_asked_for() -> None:
    assert model_patterns(order("turn/fp32/cuda", "turn/fp32/cpu", "voi*/*/*", models="voice")) == "turn,voi*"
    assert model_patterns(order(models="voice")) == "voice"
