"""What ONNX files do at least, worked by hand from the shapes that are given to their nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from harness.limits import CallWork  # noqa: E402
from harness.runtimes.onnx_work import work_of  # noqa: E402

FLOAT = TensorProto.FLOAT


@pytest.fixture
def work(tmp_path):
    """Count a graph of some nodes; each call is given one array as `x`."""

    def count(nodes, weights, *calls, shape=None, kind=FLOAT):
        kept = [numpy_helper.from_array(values, name) for name, values in weights.items()]
        values = [helper.make_tensor_value_info("x", kind, shape)]
        graph = helper.make_graph(nodes, "g", values, [helper.make_empty_tensor_value_info("y")], kept)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        path = Path(tmp_path / "made.onnx")
        onnx.save(model, path)
        options = ort.SessionOptions()
        options.log_severity_level = 4
        drives = [lambda call, arrays=arrays: [call({"x": array}) for array in arrays] for arrays in calls]
        return work_of(path, options, ["CPUExecutionProvider"], drives)

    return count


def zeros(*shape: int):
    return np.zeros(shape, np.float32)


def node(op: str, *inputs: str, out: str = "y", **attributes):
    return helper.make_node(op, list(inputs), [out], **attributes)


def test_a_product_with_a_weight_by_the_shape_of_each_call(work) -> None:
    found = work([node("MatMul", "x", "w")], {"w": zeros(10, 20)}, [zeros(3, 10), zeros(3, 10)], [zeros(5, 10)])
    assert found == ((CallWork(1200.0, {1: 800}, 2),), (CallWork(2000.0, {1: 800}),))


def test_a_general_product_with_both_sides_turned(work) -> None:
    nodes = [node("Gemm", "x", "w", "b", transA=1, transB=1)]
    found = work(nodes, {"w": zeros(20, 10), "b": zeros(20)}, [zeros(10, 3)])
    assert found == ((CallWork(1200.0, {1: 800}),),)


def test_a_convolution_without_what_falls_into_the_padding(work) -> None:
    found = work([node("Conv", "x", "w", pads=[1, 1])], {"w": zeros(6, 4, 3)}, [zeros(2, 4, 8)])
    assert found == ((CallWork(2.0 * 2 * 4 * 6 * 22, {1: 4 * 72}),),)


@pytest.mark.parametrize(("how", "taps"), [("SAME_UPPER", 13), ("SAME_LOWER", 13), ("VALID", 12)])
def test_a_convolution_that_pads_by_itself(work, how, taps) -> None:
    # 9 places, kernel 3, stride 2: the same is 5 places, two of whose 15 taps meet nothing; valid is 4 of 3.
    found = work([node("Conv", "x", "w", strides=[2], auto_pad=how)], {"w": zeros(6, 4, 3)}, [zeros(1, 4, 9)])
    assert found[0][0].operations == 2 * 4 * 6 * taps


def test_a_transposed_convolution_whose_weight_is_laid_out_anew_while_loading(work) -> None:
    nodes = [node("ConvTranspose", "x", "w", "b", strides=[2])]
    found = work(nodes, {"w": zeros(4, 6, 4), "b": zeros(6)}, [zeros(1, 4, 5)])
    assert found == ((CallWork(2.0 * 4 * 6 * 4 * 5, {1: 4 * 96}),),)


@pytest.mark.parametrize(("kind", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
def test_a_recurrent_layer_reads_the_matrix_of_its_state_once_a_step(work, kind, gates) -> None:
    weights = {"w": zeros(2, gates * 7, 5), "r": zeros(2, gates * 7, 7)}
    found = work([node(kind, "x", "w", "r", hidden_size=7, direction="bidirectional")], weights, [zeros(6, 2, 5)])
    inputs, states = 2 * gates * 7 * 5, 2 * gates * 7 * 7
    assert found == ((CallWork(2.0 * 2 * 6 * (inputs + states), {1: 4 * inputs, 6: 4 * states}),),)


def test_a_sum_over_indices_counts_each_of_them_once(work) -> None:
    found = work([node("Einsum", "x", "w", equation="bij,jk->bik")], {"w": zeros(4, 5)}, [zeros(2, 3, 4)])
    assert found == ((CallWork(2.0 * 2 * 3 * 4 * 5, {1: 4 * 20}),),)


def test_a_product_of_what_is_computed_reads_no_weights(work) -> None:
    found = work([node("Transpose", "x", out="t"), node("MatMul", "x", "t")], {}, [zeros(3, 10)])
    assert found == ((CallWork(2.0 * 3 * 10 * 3),),)


def test_a_weight_made_of_constants_is_a_weight_and_what_made_it_costs_nothing(work) -> None:
    nodes = [node("MatMul", "a", "b", out="w"), node("MatMul", "x", "w")]
    found = work(nodes, {"a": zeros(10, 4), "b": zeros(4, 20)}, [zeros(3, 10)])
    assert found == ((CallWork(1200.0, {1: 800}),),)


def test_a_loop_reads_the_weights_of_its_body_once_a_round(work) -> None:
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["more"]),
            helper.make_node("MatMul", ["state", "w"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", FLOAT, None),
        ],
        [helper.make_tensor_value_info("more", TensorProto.BOOL, []), helper.make_empty_tensor_value_info("next")],
    )
    nodes = [helper.make_node("Loop", ["rounds", "", "x"], ["y"], body=body)]
    found = work(nodes, {"rounds": np.array(7), "w": zeros(8, 8)}, [zeros(1, 8)])
    assert found == ((CallWork(7 * 2.0 * 8 * 8, {7: 4 * 64}),),)


def test_of_a_branch_only_what_was_run_counts(work) -> None:
    def branch(weight: str):
        return helper.make_graph(
            [helper.make_node("MatMul", ["x", weight], [f"by_{weight}"])],
            weight,
            [],
            [helper.make_empty_tensor_value_info(f"by_{weight}")],
        )

    nodes = [
        node("ReduceSum", "x", out="sum", keepdims=0),
        node("Greater", "sum", "zero", out="is_more"),
        helper.make_node("If", ["is_more"], ["y"], then_branch=branch("large"), else_branch=branch("small")),
    ]
    weights = {"zero": np.array(0, np.float32), "large": zeros(4, 9), "small": zeros(4, 2)}
    found = work(nodes, weights, [zeros(1, 4), zeros(1, 4) + 1])
    assert found == ((CallWork(2.0 * 4 * 2, {1: 4 * 8}), CallWork(2.0 * 4 * 9, {1: 4 * 36})),)
