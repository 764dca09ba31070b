"""8-bit weights, unpacked as they are used; activations and arithmetic stay floats."""

from __future__ import annotations

from harness.precisions import Converted, Job, Recipe


def from_onnx(job: Job) -> Converted:
    """Quantize the constant weights of MatMul in blocks. Settings: `block_size`, `symmetric`, `exclude`."""
    from harness.precisions import onnx_steps

    return onnx_steps.matmul_n_bits(job, bits=8)


def from_torch(job: Job) -> Converted:
    """Quantize the weights of Linear with torchao, by row. Setting: `exclude`."""
    from harness.precisions import torch_steps

    return torch_steps.weight_only(job, bits=8)


RECIPE = Recipe(
    name="int8-weight-only",
    summary="8-bit weights, float arithmetic",
    version=1,
    conversions={"onnx": from_onnx, "torch-state": from_torch},
    distributions={"onnx": ("onnx", "onnx-ir", "onnxruntime"), "torch-state": ("torch", "torchao")},
)
