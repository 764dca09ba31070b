"""Makes the fp32 twin of an ONNX model that ships as int8 QDQ: weights folded back, activations left unrounded.

The twin is no original: it holds the weights the int8 file holds, rounded as they are, and is called self-made.
Refuses a graph in which anything quantized would be left.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import ArtifactUnreadable
from suites.installed import file_digest, write_atomically

if TYPE_CHECKING:
    import onnx

_VERSION = 1
"""Raised whenever the twin of the same file would differ."""

_QUANTIZING = ("QuantizeLinear", "DequantizeLinear")


def fp32_twin(shipped: Path, folder: Path) -> Path:
    """Return the twin of a shipped file, made on first use; its name says what it was made from."""
    twin = folder / f"{shipped.stem}-fp32-twin-v{_VERSION}-{file_digest(shipped)[:16]}.onnx"
    if not twin.is_file():
        write_atomically(twin, lambda path: _make(shipped, path))
    return twin


def _make(shipped: Path, target: Path) -> None:
    import onnx

    model = onnx.load(shipped)
    _unquantize(model.graph)
    left = sorted({node.op_type for node in model.graph.node if "Quant" in node.op_type or "Integer" in node.op_type})
    if left:
        raise ArtifactUnreadable(
            f"{shipped.name} keeps {', '.join(left)} after its QDQ pairs were taken out; use the pinned version"
        )
    used = {node.domain for node in model.graph.node}
    kept = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    onnx.checker.check_model(model)
    target.write_bytes(model.SerializeToString(deterministic=True))


def _unquantize(graph: onnx.GraphProto) -> None:
    """Fold every dequantized constant, and let whoever reads a quantize–dequantize pair read what went into it."""
    from onnx import numpy_helper

    constants = {tensor.name: tensor for tensor in graph.initializer}
    quantized_from = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "QuantizeLinear"}
    instead: dict[str, str] = {}
    folded = []
    for node in graph.node:
        if node.op_type != "DequantizeLinear":
            continue
        source = node.input[0]
        if source in constants:
            folded.append(numpy_helper.from_array(_dequantized(node, constants), node.output[0]))
        elif source in quantized_from:
            instead[node.output[0]] = quantized_from[source]
    gone = set(instead) | {tensor.name for tensor in folded}
    kept = [
        node
        for node in graph.node
        if node.op_type not in _QUANTIZING or (node.op_type == "DequantizeLinear" and node.output[0] not in gone)
    ]
    for node in kept:
        for place, name in enumerate(node.input):
            node.input[place] = _origin(name, instead)
    read = {name for node in kept for name in node.input} | {output.name for output in graph.output}
    values = [tensor for tensor in (*graph.initializer, *folded) if tensor.name in read]
    for field, content in (("node", kept), ("initializer", values), ("value_info", ())):
        graph.ClearField(field)
        getattr(graph, field).extend(content)


def _origin(name: str, instead: dict[str, str]) -> str:
    """Follow pairs that stand behind one another to the value that was quantized first."""
    while name in instead:
        name = instead[name]
    return name


def _dequantized(node: onnx.NodeProto, constants: dict[str, onnx.TensorProto]) -> Any:
    """Return the float values of a quantized constant, scaled along its axis."""
    import numpy as np
    from onnx import numpy_helper

    stored, scale, *zero = (numpy_helper.to_array(constants[name]) for name in node.input if name)
    axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 1)
    shape = [1] * stored.ndim
    if scale.size > 1:
        shape[axis] = -1
    steps = stored.astype(np.int64) - (zero[0].astype(np.int64).reshape(shape) if zero else 0)
    return (steps * scale.reshape(shape)).astype(np.float32)
