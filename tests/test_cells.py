"""The grid: what a device is called, and which cells a choice makes."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cells import Cell, Device, expand, measuring
from harness.errors import UsageProblem

MODELS = (("voice", ("fp32", "int8-dynamic")), ("ear", ("fp32", "fp16")))
CPU, CUDA = Device("cpu"), Device("cuda", 1)


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("cpu", Device("cpu")),
        ("cuda", Device("cuda")),
        ("cuda:0", Device("cuda", 0)),
        ("cuda:12", Device("cuda", 12)),
        ("mps", Device("mps")),
        ("coreml", Device("coreml")),
    ],
)
def test_a_device_is_read_as_written_and_written_as_read(text: str, device: Device) -> None:
    assert Device.parse(text) == device
    assert str(device) == text


@pytest.mark.parametrize("text", ["", "gpu", "CPU", " cpu", "cpu:0", "cuda:", "cuda:x", "cuda:-1", "cuda:1:2", "mps:0"])
def test_a_device_that_is_none_is_refused_with_the_choices(text: str) -> None:
    with pytest.raises(UsageProblem, match=r"choose cpu, cuda, cuda:N, mps or coreml"):
        Device.parse(text)


def test_cells_come_in_the_order_of_models_devices_precisions() -> None:
    assert [str(cell) for cell in expand(MODELS, (CPU, CUDA))] == [
        "voice/fp32/cpu",
        "voice/int8-dynamic/cpu",
        "voice/fp32/cuda:1",
        "voice/int8-dynamic/cuda:1",
        "ear/fp32/cpu",
        "ear/fp16/cpu",
        "ear/fp32/cuda:1",
        "ear/fp16/cuda:1",
    ]


@pytest.mark.parametrize(
    ("models", "precisions", "expected"),
    [
        ("voice", "*", {Cell("voice", "fp32", "cpu"), Cell("voice", "int8-dynamic", "cpu")}),
        ("*", "fp*", {Cell("voice", "fp32", "cpu"), Cell("ear", "fp32", "cpu"), Cell("ear", "fp16", "cpu")}),
        ("e*, voice", "fp16,int8-*", {Cell("voice", "int8-dynamic", "cpu"), Cell("ear", "fp16", "cpu")}),
        ("Voice", "*", set()),
        ("*", "int4*", set()),
    ],
)
def test_globs_choose_by_commas_and_case(models: str, precisions: str, expected: set[Cell]) -> None:
    assert set(expand(MODELS, (CPU,), model_pattern=models, precision_pattern=precisions)) == expected


@given(st.sampled_from(["cpu", "mps", "coreml", "cuda"]), st.integers(min_value=0, max_value=99))
def test_every_device_survives_its_own_name(kind: str, index: int) -> None:
    device = Device(kind, index if kind == "cuda" else None)
    assert Device.parse(str(device)) == device


def test_the_command_that_measures_a_cell_survives_the_shell_and_matches_only_that_cell() -> None:
    words = shlex.split(measuring(Cell("it's [a] model*", "fp32", "cuda:1")))
    assert words == ["pytest", "suites/", "--model", "it's [[]a] model[*]", "--precision", "fp32", "--device", "cuda:1"]
