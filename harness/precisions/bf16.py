"""Brain floats: 16 bits with the exponent of 32."""

from __future__ import annotations

from harness.cells import Reason, Unsupported
from harness.precisions import Converted, Job, Recipe


def from_onnx(_job: Job) -> Converted:
    """Refuse: ONNX Runtime brings no converter to bf16, and its CPU has no kernels for it."""
    raise Unsupported(
        Reason.NO_RECIPE, "ONNX Runtime has no converter to bf16 and no bf16 kernels on the CPU; ask for fp16 instead"
    )


RECIPE = Recipe(
    name="bf16",
    summary="16-bit brain floats",
    version=1,
    conversions={"onnx": from_onnx},
)
