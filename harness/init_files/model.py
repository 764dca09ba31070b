"""The first model of this suite: hears whether a tone sounds in noise. It needs no download: its weights are computed.

Put your own in its place, function by function: quantgate's docs/adding-a-model.md is the guide, with torch, streams,
checkpoints and calibration. Listing the models imports this file, so numpy, onnx and torch are imported inside the
functions: these run in processes of their own.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from harness.models import Arrays, Decides, Example, FileReference, Model, Setting, Workload

FRAMES, FRAME = 16, 1024
FILE = "tone-detector-1.onnx"  # another number whenever `reference` builds another network


def reference(setting: Setting) -> FileReference:
    """The model in fp32. Yours is a file: `FileReference(Path("weights/mine.onnx"), "onnx", "real (ours, 2026-10)")`.

    This one is made on first use, in a folder that is kept between runs: a Fourier transform of every frame, as a
    matrix; then whether one frequency is much stronger than all are on the average.
    """
    path = setting.made / FILE
    if path.exists():
        return FileReference(path, "onnx", "computed, a Fourier basis")

    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    turns = np.outer(np.arange(FRAME), np.arange(1, FRAME // 2 + 1)) / FRAME
    window = np.hanning(FRAME)[:, None]
    basis = np.hstack([np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)]) * window
    weights: dict[str, Any] = {
        "shape": np.array([FRAMES, FRAME], dtype=np.int64),
        "basis": basis.astype(np.float32),
        "axis_frames": np.array([0], dtype=np.int64),
        "axis_bins": np.array([1], dtype=np.int64),
        "threshold": np.array(6.0, dtype=np.float32),
    }
    steps = [
        ("Reshape", ["audio", "shape"], "frames"),
        ("MatMul", ["frames", "basis"], "spectrum"),
        ("Mul", ["spectrum", "spectrum"], "energy"),
        ("ReduceMean", ["energy", "axis_frames"], "mean_energy"),
        ("ReduceMax", ["mean_energy", "axis_bins"], "strongest"),
        ("ReduceMean", ["mean_energy", "axis_bins"], "average"),
        ("Div", ["strongest", "average"], "ratio"),
        ("Sub", ["ratio", "threshold"], "above"),
        ("Sigmoid", ["above"], "probability"),
    ]
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, [output], name=output) for kind, inputs, output in steps],
        "tone-detector",
        [helper.make_tensor_value_info("audio", TensorProto.FLOAT, [1, FRAMES * FRAME])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [1, 1])],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    setting.made.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{FILE}.{os.getpid()}")
    onnx.save(model, scratch)
    scratch.replace(path)  # another process never sees half a file
    return FileReference(path, "onnx", "computed, a Fourier basis")


def clip(number: int, hertz: int) -> Arrays:
    """A second of noise, and a tone in it unless `hertz` is 0. Yours reads a file, or makes what your users send."""
    import numpy as np

    # numpy promises this raw stream to stay; what its Generator makes of it may change with its version.
    words = np.random.PCG64(number).random_raw(FRAMES * FRAME)
    noise = words / 2.0**63 - 1.0
    tone = np.sin(2 * np.pi * hertz * np.arange(FRAMES * FRAME) / 16_000)
    return {"audio": (noise + 0.2 * tone).astype(np.float32)[None]}


def workload(_: Setting) -> Workload:
    """What every precision is timed on, and how right it is there. Change the number when you change the examples."""
    tones = (0, 220, 0, 440, 0, 1000, 0, 3000)
    examples = tuple(
        Example(
            id=f"{hertz}-hertz" if hertz else f"noise-{number}",
            load=partial(clip, number, hertz),
            label="tone" if hertz else "noise",
            slices={"sound": "tone" if hertz else "noise"},
            audio_seconds=FRAMES * FRAME / 16_000,
        )
        for number, hertz in enumerate(tones)
    )
    return Workload("tones-in-noise", 1, examples, content="PCG64 noise and tones of 220 to 3000 Hz at 16 kHz")


MODELS = (
    Model(
        name="tone-detector",
        family="tone-detector",
        task="tone-detection",
        runtime="onnx",  # or "torch", or "http" for a service
        precisions=("fp32", "int8-dynamic"),  # also fp16, int8-static (give it `calibration`), int8-weight-only …
        licence="MIT",
        weights="computed, a Fourier basis",
        summary="does a tone sound in a second of noise?",
        reference=reference,
        workload=workload,
        meanings=(Decides("probability", positive="tone"),),
    ),
)
