"""The rule of placement, on made-up records."""

from __future__ import annotations

import pytest

from harness.runtimes.onnx_placement import placed

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


def judge(*nodes, device="cuda", wanted=CUDA):
    return placed(nodes, device=device, wanted=wanted, host=CPU)


def test_nodes_are_counted_by_provider() -> None:
    found = judge((CUDA, "Conv", "a"), (CPU, "Shape", "b"), (CUDA, "Relu", "c"))
    assert (found.device, found.by_provider, found.astray) == ("cuda", {CPU: 1, CUDA: 2}, ())


@pytest.mark.parametrize("operation", ["Conv", "MatMulNBits", "QLinearConv", "LSTM", "Softmax", "Erf", "NeverHeardOf"])
def test_compute_on_the_cpu_is_astray_and_named(operation) -> None:
    found = judge((CUDA, "Conv", "first"), (CPU, operation, "second"), (CPU, "Shape", "third"))
    assert found.astray == (f"second ({operation} on {CPU})",)


@pytest.mark.parametrize("operation", ["Shape", "Gather", "Unsqueeze", "Cast", "Mul", "MemcpyToHost", "Constant", "If"])
def test_work_on_shapes_may_stay_on_the_cpu(operation) -> None:
    assert judge((CUDA, "Conv", "a"), (CPU, operation, "b")).astray == ()


def test_a_node_without_a_name_is_still_reported() -> None:
    assert judge((CUDA, "Conv", "a"), (CPU, "Gemm", "")).astray == (f"an unnamed node (Gemm on {CPU})",)


def test_a_model_of_which_nothing_reached_the_device_is_astray_whatever_it_does() -> None:
    assert judge((CPU, "Add", "a"), (CPU, "Shape", "b")).astray == (f"the whole model (2 nodes on {CPU})",)


def test_an_empty_record_proves_nothing_of_another_device() -> None:
    assert judge().astray


def test_everything_on_the_cpu_is_in_its_place_in_a_cpu_cell() -> None:
    assert judge((CPU, "Conv", "a"), (CPU, "Shape", "b"), device="cpu", wanted=CPU).astray == ()
    assert judge(device="cpu", wanted=CPU).astray == ()
