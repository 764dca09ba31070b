"""The inputs of an ONNX file, and below which number its token ids lie. Runs in a worker; imports onnx."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.bring.signature import Dim, Input, Signature
from harness.errors import UsageProblem
from harness.precisions.onnx_graph import read

if TYPE_CHECKING:
    import onnx

_PASSING = ("Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Slice", "Transpose")
"""Operations that leave whole numbers what they are."""


def onnx_signature(path: Path) -> Signature:
    """Read the graph's inputs, without those that are weights."""
    model = read(path)
    graph = model.graph
    if not graph.node:
        raise UsageProblem(f"{path.name} is no ONNX model: it has no operation; give an ONNX, TorchScript or .pt2 file")
    held = {tensor.name for tensor in graph.initializer}
    wanted = [one for one in graph.input if one.name not in held]
    if not wanted:
        raise UsageProblem(f"{path.name} takes no inputs, so nothing can be run through it; give another model")
    return Signature(
        "onnx",
        tuple(_input(path, model, one) for one in wanted),
        tuple(one.name for one in graph.output),
    )


def _input(path: Path, model: onnx.ModelProto, value: onnx.ValueInfoProto) -> Input:
    from onnx import helper

    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        raise UsageProblem(
            f"{path.name}: its input {value.name} is a {kind or 'thing of no type'}, and only tensors can be made up;"
            " declare the model instead (docs/adding-a-model.md)"
        )
    tensor = value.type.tensor_type
    dtype = str(helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    if dtype in ("object", "bfloat16") or not dtype.startswith(("float", "int", "uint", "bool")):
        raise UsageProblem(
            f"{path.name}: its input {value.name} takes {dtype}, of which nothing can be made up;"
            " declare the model instead (docs/adding-a-model.md)"
        )
    dims = tuple(_dim(dim) for dim in tensor.shape.dim) if tensor.HasField("shape") else None
    rows = _rows(model.graph, value.name) if dtype.startswith(("int", "uint")) else None
    return Input(value.name, dtype, dims, rows)


def _dim(dim: onnx.TensorShapeProto.Dimension) -> Dim:
    """A fixed length, a name, or None; some exporters write an open one as 0 or -1."""
    if dim.HasField("dim_value") and dim.dim_value > 0:
        return int(dim.dim_value)
    return str(dim.dim_param) or None


def _rows(graph: onnx.GraphProto, name: str) -> int | None:
    """The rows of the smallest table that an input picks rows of, on its own or after nothing but a change of form."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].HasField("t"):
            shapes[node.output[0]] = tuple(node.attribute[0].t.dims)
    found = [
        rows
        for node, place in _readers(graph, name)
        if node.op_type == "Gather" and place == 1 and (rows := _picked(node, shapes)) is not None
    ]
    return min(found, default=None)


def _picked(node: onnx.NodeProto, shapes: dict[str, tuple[int, ...]]) -> int | None:
    axis = next((int(one.i) for one in node.attribute if one.name == "axis"), 0)
    shape = shapes.get(node.input[0], ())
    return int(shape[axis]) if len(shape) > abs(axis) else None


def _readers(graph: onnx.GraphProto, name: str) -> Iterable[tuple[onnx.NodeProto, int]]:
    """Every operation that reads a value, with the place it reads it in, also behind those that pass it on."""
    names = {name}
    for node in graph.node:  # in the order of computation
        for place, one in enumerate(node.input):
            if one in names:
                yield node, place
                if place == 0 and node.op_type in _PASSING:
                    names.update(node.output)
