"""Brain floats: 16 bits with the exponent of 32."""

from __future__ import annotations

from harness.cells import Reason, Unsupported
from harness.precisions import Converted, Job, Recipe


def from_onnx(_job: Job) -> Converted:
    """Refuse: ONNX Runtime brings no converter to bf16, and its CPU has no kernels for it."""
    raise Unsupported(
        Reason.NO_RECIPE, "ONNX Runtime has no converter to bf16 and no bf16 kernels on the CPU; ask for fp16 instead"
    )


def from_torch(job: Job) -> Converted:
    """Cast every float, buffers too."""
    from harness.precisions import torch_steps

    return torch_steps.cast(job, "bfloat16")


def from_torchscript(job: Job) -> Converted:
    """Cast every float; numbers written into the script itself stay as they are."""
    from harness.precisions import torch_script

    return torch_script.cast(job, "bfloat16")


RECIPE = Recipe(
    name="bf16",
    summary="16-bit brain floats",
    version=1,
    conversions={"onnx": from_onnx, "torch-state": from_torch, "torchscript": from_torchscript},
    distributions={"torch-state": ("torch",), "torchscript": ("torch",)},
)
