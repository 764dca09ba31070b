"""Counting the weights of ONNX files. The expected numbers are worked by hand from the shapes written here."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ArtifactUnreadable
from harness.precisions import onnx_graph

onnx = pytest.importorskip("onnx")
np = pytest.importorskip("numpy")


def floats(name: str, *shape: int, dtype: str = "float32") -> onnx.TensorProto:
    return onnx.numpy_helper.from_array(np.ones(shape, dtype), name)


def graph(nodes, initializers=(), name="g", inputs=("x",), outputs=("y",)) -> onnx.GraphProto:
    value = onnx.helper.make_tensor_value_info
    return onnx.helper.make_graph(
        list(nodes),
        name,
        [value(each, onnx.TensorProto.FLOAT, None) for each in inputs],
        [value(each, onnx.TensorProto.FLOAT, None) for each in outputs],
        list(initializers),
    )


def model(nodes, initializers=()) -> onnx.ModelProto:
    opsets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("com.microsoft", 1)]
    return onnx.helper.make_model(graph(nodes, initializers), opset_imports=opsets, ir_version=8)


def node(op: str, inputs, outputs, **attributes) -> onnx.NodeProto:
    return onnx.helper.make_node(op, inputs, outputs, f"the_{op}", **attributes)


def saved(folder: Path, made: onnx.ModelProto, name: str = "m.onnx") -> Path:
    path = folder / name
    onnx.save(made, path)
    return path


@pytest.fixture
def product() -> onnx.ModelProto:
    """One matrix of 6 × 4 floats (96 bytes), one bias of 4 (16 bytes)."""
    return model(
        [node("MatMul", ["x", "w"], ["h"]), node("Add", ["h", "b"], ["y"])], [floats("w", 6, 4), floats("b", 4)]
    )


def quantized_product() -> onnx.ModelProto:
    """The same product with its matrix in 8 bits behind a DequantizeLinear, per channel."""
    return model(
        [
            node("DequantizeLinear", ["w_quantized", "w_scale", "w_zero_point"], ["w_DequantizeLinear_Output"], axis=1),
            node("MatMul", ["x", "w_DequantizeLinear_Output"], ["h"]),
            node("Add", ["h", "b"], ["y"]),
        ],
        [
            floats("w_quantized", 6, 4, dtype="int8"),
            floats("w_scale", 4),
            floats("w_zero_point", 4, dtype="int8"),
            floats("b", 4),
        ],
    )


def test_weights_are_counted_by_dtype_without_scales_zero_points_and_shapes(tmp_path) -> None:
    made = quantized_product()
    made.graph.initializer.append(floats("shape", 3, dtype="int64"))
    made.graph.initializer.append(floats("epsilon"))
    assert onnx_graph.contents(saved(tmp_path, made)) == (28, {"float32": 4, "int8": 24})


def test_weights_in_nested_graphs_constants_and_functions_are_counted(tmp_path) -> None:
    inner = graph([node("Conv", ["x", "deep"], ["z"])], [floats("deep", 2, 3, 5)], inputs=(), outputs=("z",))
    other = graph([node("Identity", ["x"], ["z"])], inputs=(), outputs=("z",))
    made = model(
        [
            node("Constant", [], ["c"], value=floats("", 7)),
            node("Constant", [], ["d"], value_floats=[1.0, 2.0, 3.0]),
            node("If", ["yes"], ["y"], then_branch=inner, else_branch=other),
        ]
    )
    function = onnx.helper.make_function(
        "own",
        "f",
        ["a"],
        ["o"],
        [node("Constant", [], ["o"], value=floats("", 11))],
        [onnx.helper.make_opsetid("", 17)],
    )
    made.functions.append(function)
    assert onnx_graph.contents(saved(tmp_path, made)) == (30 + 7 + 3 + 11, {"float32": 51})


def test_packed_blocks_count_as_the_matrix_they_hold(tmp_path) -> None:
    made = model(
        [node("MatMulNBits", ["x", "w_Q4", "w_scales"], ["y"], domain="com.microsoft", K=64, N=10, bits=4)],
        [floats("w_Q4", 10, 2, 16, dtype="uint8"), floats("w_scales", 20)],
    )
    assert onnx_graph.contents(saved(tmp_path, made)) == (640, {"int4": 640})


def test_coverage_is_the_share_of_the_references_bytes(product) -> None:
    found = onnx_graph.compare(onnx_graph.weights(product), onnx_graph.weights(quantized_product()))
    assert (found.coverage.converted_bytes, found.coverage.total_bytes) == (96, 112)
    assert (found.coverage.converted_count, found.coverage.total_count) == (1, 2)
    assert found.coverage.left == ("b (Add, 16 B)",)
    assert found.nodes_by_op == {"MatMul": 1}


def test_a_weight_that_is_kept_beside_its_quantized_copy_is_not_converted(product) -> None:
    both = quantized_product()
    both.graph.initializer.append(floats("w", 6, 4))
    assert onnx_graph.compare(onnx_graph.weights(product), onnx_graph.weights(both)).coverage.converted_bytes == 0


def test_a_weight_that_vanished_is_not_converted(product) -> None:
    empty = model([node("Relu", ["x"], ["y"])])
    found = onnx_graph.compare(onnx_graph.weights(product), onnx_graph.weights(empty)).coverage
    assert (found.converted_bytes, found.total_bytes) == (0, 112)


def test_one_quantized_copy_converts_one_weight_of_that_name_only(product) -> None:
    twice = list(onnx_graph.weights(product)) * 2
    found = onnx_graph.compare(twice, onnx_graph.weights(quantized_product())).coverage
    assert found.converted_bytes == 96
    assert found.total_bytes == 224


def test_half_precision_counts_by_the_bytes_of_the_reference(product) -> None:
    half = model(
        [node("MatMul", ["x", "w"], ["y"])], [floats("w", 6, 4, dtype="float16"), floats("b", 4, dtype="float16")]
    )
    assert onnx_graph.compare(onnx_graph.weights(product), onnx_graph.weights(half)).coverage.fraction == 1.0


def test_the_biggest_weights_left_are_named_and_the_rest_summed(product) -> None:
    many = model([node("Relu", ["x"], ["y"])], [floats(f"w{size}", size) for size in range(2, 20)])
    left = onnx_graph.compare(onnx_graph.weights(many), ()).coverage.left
    assert len(left) == 13
    assert left[0] == "w19 (unused, 76 B)"
    assert left[-1] == f"and 6 smaller ({4 * (2 + 3 + 4 + 5 + 6 + 7)} B)"


def test_a_shipped_file_is_counted_by_itself_as_the_floats_it_was(tmp_path) -> None:
    found = onnx_graph.coverage_of_given(None, saved(tmp_path, quantized_product()))
    assert (found.converted_bytes, found.total_bytes, found.left) == (96, 112, ("b (Add, 16 B)",))


def test_a_shipped_file_is_counted_against_a_reference_with_other_names(tmp_path, product) -> None:
    for tensor in product.graph.initializer:
        tensor.name = f"renamed_{tensor.name}"
    reference = saved(tmp_path, product, "reference.onnx")
    found = onnx_graph.coverage_of_given(reference, saved(tmp_path, quantized_product()))
    assert (found.converted_bytes, found.total_bytes) == (96, 112)


def test_what_has_nothing_to_convert_is_described(product) -> None:
    inner = graph([node("Conv", ["x", "deep"], ["z"])], [floats("deep", 2, 3, 5)], inputs=(), outputs=("z",))
    made = model(
        [
            node("MatMul", ["x", "x"], ["h"]),
            node("MatMul", ["h", "x"], ["i"]),
            node("If", ["i"], ["y"], then_branch=inner, else_branch=inner),
            node("Conv", ["x", "k"], ["j"]),
        ],
        [floats("k", 2, 2, 2)],
    )
    assert onnx_graph.describe(made) == "2 MatMul without constant weights, 2 Conv in nested graphs, 1 Conv"


@pytest.mark.parametrize(
    ("content", "words"), [(b"hello, not a model", "not an ONNX file"), (b"", "holds no graph")], ids=["text", "empty"]
)
def test_what_is_no_model_is_refused_in_one_line(tmp_path, content, words) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(ArtifactUnreadable, match=words) as refused:
        onnx_graph.read(path)
    assert "\n" not in str(refused.value)
    assert str(tmp_path) not in str(refused.value)


def test_half_of_a_file_is_refused(tmp_path, product) -> None:
    whole = product.SerializeToString()
    path = tmp_path / "half.onnx"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ArtifactUnreadable, match="only a part"):
        onnx_graph.read(path)


def test_weights_missing_beside_the_file_are_named(tmp_path, product) -> None:
    path = tmp_path / "m.onnx"
    onnx.save(product, path, save_as_external_data=True, location="m.data", size_threshold=0)
    assert onnx_graph.contents(path)[0] == 28
    (tmp_path / "m.data").unlink()
    with pytest.raises(ArtifactUnreadable, match=r"m\.data"):
        onnx_graph.read(path, with_external_data=True)
