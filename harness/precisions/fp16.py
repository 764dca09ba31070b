"""Half precision: every float weight and every operation that has a 16-bit kernel; inputs and outputs stay 32-bit."""

from __future__ import annotations

from harness.precisions import Converted, Job, Recipe


def from_onnx(job: Job) -> Converted:
    """Convert the graph with ONNX Runtime's converter. Settings: `op_block_list`, `node_block_list` stay 32-bit."""
    from harness.precisions import onnx_steps

    chosen = onnx_steps.settings(job, {"op_block_list": None, "node_block_list": None})
    with onnx_steps.workbench(job):
        from onnxruntime.transformers.float16 import convert_float_to_float16

        model = convert_float_to_float16(onnx_steps.load(job), keep_io_types=True, **chosen)
        onnx_steps.save(model, job)
    return onnx_steps.finish(job, {"io_types": "float32"})


def from_torch(job: Job) -> Converted:
    """Cast every float, buffers too."""
    from harness.precisions import torch_steps

    return torch_steps.cast(job, "float16")


def from_torchscript(job: Job) -> Converted:
    """Cast every float; numbers written into the script itself stay as they are."""
    from harness.precisions import torch_script

    return torch_script.cast(job, "float16")


RECIPE = Recipe(
    name="fp16",
    summary="16-bit floats, inputs and outputs 32-bit",
    version=1,
    conversions={"onnx": from_onnx, "torch-state": from_torch, "torchscript": from_torchscript},
    distributions={"onnx": ("onnx", "onnxruntime"), "torch-state": ("torch",), "torchscript": ("torch",)},
)
