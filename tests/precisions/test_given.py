"""A precision that ships ready-made is taken as it is, and counted against the original."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cells import Reason, Unsupported
from harness.models import Coverage, FileReference, ModuleReference, Reference
from harness.precisions import Job
from harness.precisions.given import adopt

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")


def product(path: Path, *, quantized: bool) -> FileReference:
    """Write `x · w` with 4 × 2 weights of 32-bit floats, or with the same weights as 8-bit integers and a scale."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], "product")]
    held = [numpy_helper.from_array(np.ones((4, 2), np.float32), "w")]
    if quantized:
        nodes.insert(0, helper.make_node("DequantizeLinear", ["w_quantized", "w_scale"], ["w"], "open_w"))
        held = [
            numpy_helper.from_array(np.ones((4, 2), np.int8), "w_quantized"),
            numpy_helper.from_array(np.array(1.0, np.float32), "w_scale"),
        ]
    graph = helper.make_graph(
        nodes,
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        held,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return FileReference(path, "onnx", "shipped")


def test_a_shipped_file_is_the_artifact_and_its_weights_are_counted_in_the_original(tmp_path: Path) -> None:
    original = product(tmp_path / "original.onnx", quantized=False)
    shipped = product(tmp_path / "shipped.onnx", quantized=True)
    done = adopt(Job(shipped, tmp_path / "made.onnx"), original)
    assert (tmp_path / "made.onnx").samefile(shipped.path)
    # 4 × 2 weights of 4 bytes each, one tensor, all of it quantized.
    assert done.coverage == Coverage(32, 32, 1, 1)
    assert done.layout["count_by_dtype"]["int8"] == 8


MODULE = ModuleReference(dict, lambda _module: None, ("net",), "built")


@pytest.mark.parametrize(
    ("shipped", "original"),
    [
        (FileReference(Path("a.pt"), "torchscript", "-"), FileReference(Path("b.onnx"), "onnx", "-")),
        (FileReference(Path("a.onnx"), "onnx", "-"), FileReference(Path("b.pt"), "torchscript", "-")),
        (FileReference(Path("a.onnx"), "onnx", "-"), MODULE),
        (MODULE, FileReference(Path("b.onnx"), "onnx", "-")),
    ],
)
def test_what_is_no_onnx_file_cannot_be_given(tmp_path: Path, shipped: Reference, original: Reference) -> None:
    with pytest.raises(Unsupported, match="read from ONNX files only") as caught:
        adopt(Job(shipped, tmp_path / "made"), original)
    assert caught.value.reason is Reason.NO_RECIPE
