"""What `--precision auto` means on machines made up for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.cells import CellGlob, Device
from harness.conduct.asked import cells_asked, choices_of
from harness.conduct.auto import Machine, chosen
from harness.conduct.order import Order
from harness.probes import Unavailable

CPU, CUDA, MPS, COREML = Device("cpu"), Device("cuda"), Device("mps"), Device("coreml")
PLAIN = frozenset({"avx2", "fma", "avx512f"})
NO_DRIVER = Unavailable("no NVIDIA driver answers")


def machine(flags: frozenset[str] = PLAIN, capability: tuple[int, int] | Unavailable = NO_DRIVER) -> Machine:
    return Machine(lambda: flags, lambda _device: capability)


@pytest.mark.parametrize(
    ("device", "on", "words"),
    [
        (CPU, machine(), "on cpu means fp32: no AMX-bf16 or AVX512-bf16, so half precision would be emulated"),
        (CPU, machine(PLAIN | {"avx512_bf16"}), "on cpu means bf16: AVX512-bf16"),
        (CPU, machine(PLAIN | {"avx512_bf16", "amx_bf16"}), "on cpu means bf16: AMX-bf16"),
        (CPU, machine(PLAIN | {"avx512_fp16", "amx_int8"}), "on cpu means fp32: no AMX"),
        (CPU, machine(frozenset()), "on cpu means fp32: no AMX"),
        (CUDA, machine(capability=(9, 0)), "on cuda means bf16: compute capability 9.0"),
        (CUDA, machine(capability=(8, 0)), "on cuda means bf16: compute capability 8.0"),
        (CUDA, machine(capability=(7, 5)), "on cuda means fp16: compute capability 7.5, and bf16 needs 8.0"),
        (Device("cuda", 1), machine(capability=(12, 0)), "on cuda:1 means bf16: compute capability 12.0"),
        (CUDA, machine(), "on cuda means fp16: its compute capability is not known (no NVIDIA driver answers), and"),
        (MPS, machine(), "on mps means fp16: what mps computes in"),
        (COREML, machine(), "on coreml means fp16: what coreml computes in"),
    ],
)
def test_auto_is_what_a_careful_user_would_load(device: Device, on: Machine, words: str) -> None:
    assert chosen(device, on).words.startswith(words)


WIDE = ("wide", ("fp32", "fp16", "bf16", "int8-dynamic"))
NARROW = ("narrow", ("fp32", "int8-dynamic"))
SHIPPED = ("shipped", ("int8-static",))
H200 = machine(PLAIN | {"avx512_bf16"}, (9, 0))


@pytest.mark.parametrize(
    ("order", "cells"),
    [
        (
            Order(Path(), precisions="auto", devices=(CPU, CUDA, MPS)),
            "wide/bf16/cpu wide/bf16/cuda wide/fp16/mps narrow/fp32/cpu narrow/fp32/cuda narrow/fp32/mps",
        ),
        (
            Order(Path(), precisions="auto, int8*"),
            "wide/bf16/cpu wide/int8-dynamic/cpu narrow/fp32/cpu narrow/int8-dynamic/cpu shipped/int8-static/cpu",
        ),
        (Order(Path(), precisions="auto,fp32"), "wide/fp32/cpu wide/bf16/cpu narrow/fp32/cpu"),
        (
            Order(Path(), cells=(CellGlob("*", "auto", "cuda"), CellGlob("*", "int8-*", "cpu")), devices=(CUDA, CPU)),
            "wide/bf16/cuda wide/int8-dynamic/cpu narrow/fp32/cuda narrow/int8-dynamic/cpu shipped/int8-static/cpu",
        ),
    ],
)
def test_a_model_that_does_not_ask_for_what_auto_means_is_loaded_as_fp32(order: Order, cells: str) -> None:
    assert [str(cell) for cell in cells_asked(order, [WIDE, NARROW, SHIPPED], H200)] == cells.split()


def test_a_machine_is_asked_only_where_the_order_says_auto() -> None:
    def never() -> frozenset[str]:
        raise AssertionError("nobody said auto")

    order = Order(Path(), precisions="fp32, automatic", cells=(CellGlob("*", "*", "*"),))
    assert choices_of(order, Machine(never)) == {}
    assert set(choices_of(replace(order, precisions="auto"), H200)) == {"cpu"}


def test_this_machine_answers_without_a_runtime() -> None:
    assert chosen(CPU).precision in ("fp32", "bf16")
