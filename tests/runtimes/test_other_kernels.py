"""Under other options the same int8 file runs on other kernels of ONNX Runtime, which is why its answers may differ."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cells import PRECISIONS
from harness.runtimes import RUNTIMES

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

OTHERS = RUNTIMES["onnx"]().other_kernels("int8-static")


@pytest.fixture
def quantized(tmp_path: Path) -> Path:
    """x @ w in int8, as quantizing and dequantizing pairs around a product: steps of 0.1 and 0.01."""
    constants = {
        "step": np.array(0.1, np.float32),
        "small": np.array(0.01, np.float32),
        "coarse": np.array(0.5, np.float32),
        "nought": np.array(128, np.uint8),
        "zero": np.array(0, np.int8),
        "w": np.random.default_rng(1).integers(-127, 127, (32, 32)).astype(np.int8),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "step", "nought"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "step", "nought"], ["xd"]),
        helper.make_node("DequantizeLinear", ["w", "small", "zero"], ["wd"]),
        helper.make_node("MatMul", ["xd", "wd"], ["product"]),
        helper.make_node("QuantizeLinear", ["product", "coarse", "nought"], ["pq"]),
        helper.make_node("DequantizeLinear", ["pq", "coarse", "nought"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "quantized",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 32])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 32])],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    path = tmp_path / "quantized.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def run(path: Path, options: dict[str, str]) -> tuple[list[str], np.ndarray]:
    """Which operations the session runs, and what it answers."""
    asked = ort.SessionOptions()
    asked.optimized_model_filepath = str(path.with_suffix(".optimized.onnx"))
    for name, value in options.items():
        asked.add_session_config_entry(name, value)
    session = ort.InferenceSession(path, asked, providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {"x": np.linspace(-3, 3, 32, dtype=np.float32)[None]})
    return [node.op_type for node in onnx.load(asked.optimized_model_filepath).graph.node], answer


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("runtime", sorted(RUNTIMES))
def test_only_int8_of_onnx_has_other_kernels(runtime: str, precision: str) -> None:
    has_others = runtime == "onnx" and precision.startswith("int8")
    assert bool(RUNTIMES[runtime]().other_kernels(precision)) is has_others


def test_without_fusion_the_product_is_of_dequantized_numbers(quantized: Path) -> None:
    usual, _ = run(quantized, {})
    other, _ = run(quantized, dict(OTHERS["QDQ fusion off"]))
    assert "QLinearMatMul" in usual
    assert "MatMul" not in usual
    assert "QLinearMatMul" not in other


@pytest.mark.parametrize("options", OTHERS.values(), ids=OTHERS.keys())
def test_another_kernel_answers_the_same_but_for_a_step(quantized: Path, options: dict[str, str]) -> None:
    _, usual = run(quantized, {})
    _, other = run(quantized, dict(options))
    assert np.ptp(usual) > 5
    # 0.5 is a step of the output: a number that lies between two may be rounded either way.
    assert np.abs(usual - other).max() <= 0.5 + 1e-6
