"""The fp32 twin of a quantized graph, on graphs small enough to work out by hand."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness.errors import ArtifactUnreadable
from suites import twin


def constant(name, values, dtype):
    return numpy_helper.from_array(np.asarray(values, dtype=dtype), name)


def quantized_product(path, *, extra_nodes=()):
    """Write x (rounded to steps of 0.5) times a 2×2 int8 weight with one scale a column, plus an int32 bias."""
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "step", "middle"], ["x_q"]),
        helper.make_node("DequantizeLinear", ["x_q", "step", "middle"], ["x_dq"]),
        helper.make_node("DequantizeLinear", ["w", "w_scale", "w_zero"], ["w_dq"], axis=1),
        helper.make_node("DequantizeLinear", ["b", "b_scale"], ["b_dq"], axis=0),
        helper.make_node("MatMul", ["x_dq", "w_dq"], ["product"]),
        helper.make_node("Add", ["product", "b_dq"], ["y"]),
        *extra_nodes,
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        [
            constant("step", 0.5, np.float32),
            constant("middle", 128, np.uint8),
            constant("w", [[10, 20], [-30, 40]], np.int8),
            constant("w_scale", [0.5, 0.25], np.float32),
            constant("w_zero", [2, 0], np.int8),
            constant("b", [100, 200], np.int32),
            constant("b_scale", [0.01, 0.02], np.float32),
        ],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path


def test_weights_are_folded_by_scale_and_zero_point_and_activations_pass_unrounded(tmp_path):
    made = onnx.load(twin.fp32_twin(quantized_product(tmp_path / "m.onnx"), tmp_path / "made"))
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in made.graph.initializer}
    assert set(held) == {"w_dq", "b_dq"}
    np.testing.assert_array_equal(held["w_dq"], np.float32([[4.0, 5.0], [-16.0, 10.0]]))
    np.testing.assert_allclose(held["b_dq"], [1.0, 4.0])
    assert [(node.op_type, list(node.input)) for node in made.graph.node] == [
        ("MatMul", ["x", "w_dq"]),
        ("Add", ["product", "b_dq"]),
    ]
    assert [entry.domain for entry in made.opset_import] == [""]


def test_the_twin_of_the_same_file_is_made_once(tmp_path):
    shipped = quantized_product(tmp_path / "m.onnx")
    first = twin.fp32_twin(shipped, tmp_path / "made")
    stamp = first.stat().st_mtime_ns
    assert twin.fp32_twin(shipped, tmp_path / "made") == first
    assert first.stat().st_mtime_ns == stamp
    assert [path.name for path in (tmp_path / "made").iterdir()] == [first.name]


def test_the_twin_of_another_file_has_another_name(tmp_path):
    shipped = quantized_product(tmp_path / "m.onnx")
    first = twin.fp32_twin(shipped, tmp_path)
    model = onnx.load(shipped)
    model.doc_string = "other"
    onnx.save(model, shipped)
    assert twin.fp32_twin(shipped, tmp_path) != first


def test_a_graph_that_stays_quantized_is_refused_and_leaves_nothing_behind(tmp_path):
    stays = helper.make_node("MatMulInteger", ["w", "w"], ["unused"])
    shipped = quantized_product(tmp_path / "m.onnx", extra_nodes=[stays])
    with pytest.raises(ArtifactUnreadable, match=r"m\.onnx keeps MatMulInteger"):
        twin.fp32_twin(shipped, tmp_path / "made")
    assert list((tmp_path / "made").iterdir()) == []
