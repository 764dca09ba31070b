"""Damage to the weights of an ONNX graph: noise, a layer of zeros, sixteen levels. Each seed gives the same damage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import onnx

    Array = np.ndarray[Any, Any]

LEVELS = 16
"""Of four bits."""

_OF_LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM")
_SMALLEST_LAYER = 1024
"""Weights; fewer are a bias or a scale, and no layer."""


def add_noise(model: onnx.ModelProto, share: float, seed: int) -> None:
    """Add normal noise to every tensor of weights, of so large a share of the tensor's own standard deviation."""
    import numpy as np

    draw = np.random.default_rng(seed)
    for tensor in _weights(model):
        values = _values(tensor)
        _put(tensor, values + share * values.std() * draw.standard_normal(values.shape))


def zero_layer(model: onnx.ModelProto, place: float) -> str:
    """Set the weights of one layer to nothing; `place` is 0 for the first and 1 for the last. Return its name."""
    layers = layer_weights(model)
    tensor = layers[round(place * (len(layers) - 1))]
    _put(tensor, 0 * _values(tensor))
    return tensor.name


def round_to_levels(model: onnx.ModelProto) -> None:
    """Round the weights of every layer to so few values, evenly spread over each tensor's range."""
    import numpy as np

    for tensor in layer_weights(model):
        values = _values(tensor)
        step = float(np.ptp(values)) / (LEVELS - 1)
        if step:
            low = values.min()
            _put(tensor, low + step * np.rint((values - low) / step))


def layer_weights(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    """The weights of layers, in the order in which the graph uses them first."""
    large = {tensor.name: tensor for tensor in _weights(model) if _count(tensor) >= _SMALLEST_LAYER}
    used = dict.fromkeys(
        name for node in _nodes(model.graph) if node.op_type in _OF_LAYERS for name in node.input if name in large
    )
    return [large[name] for name in used]


def _weights(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every float tensor of more than one number that the graph holds."""
    from onnx import TensorProto

    for graph in _graphs(model.graph):
        yield from (one for one in graph.initializer if one.data_type == TensorProto.FLOAT and _count(one) > 1)


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """The graph, and those that its nodes hold (the branches of an If)."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _graphs(attribute.g)


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    return (node for one in _graphs(graph) for node in one.node)


def _count(tensor: onnx.TensorProto) -> int:
    count = 1
    for size in tensor.dims:
        count *= size
    return count


def _values(tensor: onnx.TensorProto) -> Array:
    import numpy as np
    from onnx import numpy_helper

    return numpy_helper.to_array(tensor).astype(np.float64)


def _put(tensor: onnx.TensorProto, values: Array) -> None:
    import numpy as np
    from onnx import numpy_helper

    tensor.CopyFrom(numpy_helper.from_array(np.asarray(values, dtype=np.float32), tensor.name))
