"""What ONNX Runtime reaches on a device: graphs of one node, made here and run by the options of a measured session.

Reading is that of a product of one row with a matrix of weights: nearly nothing is computed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.cells import Device
from harness.limits import Rates
from harness.runtimes import Tuning
from harness.runtimes.rates import READ_SIZES, Trial, measured

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
else:
    Array = Any

Open = Callable[[bytes], Any]
"""Makes a session of a model's bytes, with the options and on the device that are asked about."""

_SIDES = (256, 512)
_CHANNELS, _PLACES = 256, 1024
_ROWS = 1000


def rates(open_session: Open, device: Device, tuning: Tuning, seconds: float) -> Rates:
    """The best of about so many seconds."""
    return measured("onnx", device, tuning, _trials(open_session), _timed, seconds)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _trials(open_session: Open) -> Iterator[Trial]:
    for side in _SIDES:
        for kind, op, given, kept in (
            ("fp32", "MatMul", "float32", "float32"),
            ("fp16", "MatMul", "float16", "float16"),
            ("int8", "MatMulInteger", "uint8", "int8"),
        ):
            yield Trial(kind, 2.0 * side**3, partial(_product, open_session, op, side, given, kept))
    yield Trial("fp32", 2.0 * 3 * _CHANNELS**2 * _PLACES, partial(_convolution, open_session))
    for size in READ_SIZES:
        yield Trial(size, size, partial(_row, open_session, size))


def _product(open_session: Open, op: str, side: int, given: str, kept: str) -> Callable[[], object]:
    return _node(open_session, op, _numbers((side, side), given), _numbers((side, side), kept))


def _convolution(open_session: Open) -> Callable[[], object]:
    heard = _numbers((1, _CHANNELS, _PLACES + 2), "float32")
    return _node(open_session, "Conv", heard, _numbers((_CHANNELS, _CHANNELS, 3), "float32"))


def _row(open_session: Open, size: int) -> Callable[[], object]:
    """The matrix is made while the session loads, as a constant: to write it into a file would take longer."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    shape = numpy_helper.from_array(np.array([_ROWS, size // 4 // _ROWS]), "shape")
    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["kept"], value=one),
        helper.make_node("MatMul", ["given", "kept"], ["result"]),
    ]
    return _call(open_session, nodes, _numbers((1, _ROWS), "float32"), shape)


def _numbers(shape: Sequence[int], dtype: str) -> Array:
    import numpy as np

    return np.ones(shape, np.dtype(dtype))


def _node(open_session: Open, op: str, given: Array, kept: Array) -> Callable[[], object]:
    """A graph of one node: `given` with each call, `kept` as its weights."""
    from onnx import helper, numpy_helper

    node = helper.make_node(op, ["given", "kept"], ["result"])
    return _call(open_session, [node], given, numpy_helper.from_array(kept, "kept"))


def _call(open_session: Open, nodes: Sequence[Any], given: Array, constant: Any) -> Callable[[], object]:
    from onnx import helper

    dtype = helper.np_dtype_to_tensor_dtype(given.dtype)
    values = [helper.make_tensor_value_info("given", dtype, list(given.shape))]
    result = helper.make_empty_tensor_value_info("result")
    graph = helper.make_graph(nodes, "rate", values, [result], [constant])
    # Versions that every ONNX Runtime of the last years reads.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = open_session(model.SerializeToString())
    return lambda: session.run(None, {"given": given})
