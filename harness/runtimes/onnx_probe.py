"""A tiny ONNX model, converted by the real recipe of a precision: what `OnnxRuntime.check` runs on a device."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cells import Reason, Unsupported
from harness.models import Arrays, Artifact, FileReference
from harness.precisions import Job, recipe

if TYPE_CHECKING:
    import onnx

_CHANNELS, _WIDTH = 32, 16


@contextmanager
def tiny_artifact(precision: str) -> Iterator[tuple[Artifact, Arrays]]:
    """Make the artifact in a temporary folder, and an input for it."""
    import numpy as np
    import onnx

    convert = recipe(precision).conversions.get("onnx")
    if convert is None:
        raise Unsupported(Reason.NO_RECIPE, f"{precision} has no conversion of ONNX files")
    noise = np.random.default_rng(0)
    inputs = {"x": noise.standard_normal((1, _CHANNELS, _WIDTH), dtype=np.float32)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reference.onnx"
        onnx.save(tiny_model(), path)
        target = Path(folder) / "made" / "tiny.onnx"
        target.parent.mkdir()
        done = convert(Job(FileReference(path, "onnx", "probe"), target, calibration=lambda: [inputs]))
        yield (
            Artifact(
                path=target,
                format="onnx",
                precision=precision,
                digest="",
                size_bytes=target.stat().st_size,
                coverage=done.coverage,
                provenance="probe",
                conversion_seconds=0.0,
                layout=done.layout,
            ),
            inputs,
        )


def tiny_model() -> onnx.ModelProto:
    """A convolution and a matrix product with constant weights."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    noise = np.random.default_rng(1)
    kernel = noise.standard_normal((_CHANNELS, _CHANNELS, 3), dtype=np.float32) / _CHANNELS
    matrix = noise.standard_normal((_CHANNELS, _CHANNELS), dtype=np.float32) / _CHANNELS
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "kernel"], ["heard"], "conv", pads=[1, 1]),
            helper.make_node("Transpose", ["heard"], ["turned"], "turn", perm=[0, 2, 1]),
            helper.make_node("MatMul", ["turned", "matrix"], ["y"], "product"),
        ],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, _CHANNELS, "time"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, "time", _CHANNELS])],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(matrix, "matrix")],
    )
    # Versions that every ONNX Runtime of the last years reads.
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
