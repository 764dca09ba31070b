"""The command that asks for the same run again, made of what a record keeps."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from harness.cells import CellGlob, Device
from harness.conduct.arms import Against
from harness.conduct.order import Order
from harness.render.asked import command_of


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (Order(Path()), "pytest suites/"),
        (Order(Path(), models_folder="bench/quantized/models"), "pytest bench/quantized/"),
        (
            Order(Path(), devices=(Device("cpu"), Device("cuda", 1)), models="a*,b", threads=4),
            "pytest suites/ --device cpu --device cuda:1 --model 'a*,b' --threads 4",
        ),
        (
            Order(Path(), cells=(CellGlob.parse("m/fp32/cuda"), CellGlob.parse("m/int8-*/cpu")), seed=7),
            "pytest suites/ --cell m/fp32/cuda --cell 'm/int8-*/cpu' --seed 7",
        ),
        (
            Order(Path(), cell_seconds=0.5, tiny_cell_seconds=0.5, time_budget_seconds=90.0, sample_percent=12.5),
            "pytest suites/ --sample-percent 12.5 --cell-seconds 0.5s --time-budget 90s",
        ),
        (
            Order(Path(), against=Against.parse("origin/main"), profile="nightly", tries_other_kernels=True),
            "pytest suites/ --profile nightly --against origin/main",
        ),
        (Order(Path(), against=Against.parse("python=/home/someone/python")), "pytest suites/ --against python=PATH"),
        (
            Order(Path(), checkpoints={"a": Path("/x"), "b": Path("/y")}, tries_other_kernels=True, has_gate=False),
            "pytest suites/ --checkpoint a=PATH --checkpoint b=PATH --other-kernels --no-gate",
        ),
        (Order(Path(), single_core=True, low_memory=True, settle=True, engine="x86", size="tiny"),
         "pytest suites/ --size tiny --engine x86 --single-core --low-memory --settle"),
    ],
)  # fmt: skip
def test_every_option_that_is_not_at_its_default_is_asked_for(order: Order, words: str) -> None:
    assert command_of(order.recorded()) == words


def test_what_the_shell_would_read_is_quoted() -> None:
    evil = "$(rm -rf ~); '\"\n\x1b[31m"
    words = command_of({**Order(Path()).recorded(), "models": evil})
    assert "\n" not in words
    assert "\x1b" not in words
    assert len(shlex.split(words)) == 4


def test_a_record_that_does_not_tell_the_suites_tells_no_command() -> None:
    assert command_of({"device": "cpu", "threads": 4}) == ""


def test_every_recorded_option_is_asked_for_or_known_to_follow_from_another() -> None:
    """An option that is recorded one day is missed here, and not left out in silence."""
    asked = {
        *("models_folder", "devices", "cells", "models", "precisions", "size", "engine", "profile", "threads"),
        *("sample_percent", "seed", "cell_seconds", "cell_limit_seconds", "pair_seconds", "time_budget_seconds"),
        *("single_core", "low_memory", "settle", "against", "checkpoints", "tries_other_kernels", "has_gate"),
    }
    follow = {"tiny_cell_seconds", "examines"}
    assert set(Order(Path()).recorded()) <= asked | follow
