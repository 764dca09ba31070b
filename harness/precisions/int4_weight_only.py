"""4-bit weights, unpacked as they are used; activations and arithmetic stay floats."""

from __future__ import annotations

from harness.precisions import Converted, Job, Recipe


def from_onnx(job: Job) -> Converted:
    """Quantize the constant weights of MatMul in blocks. Settings: `block_size`, `symmetric`, `exclude`."""
    from harness.precisions import onnx_steps

    return onnx_steps.matmul_n_bits(job, bits=4)


def from_torch(job: Job) -> Converted:
    """Quantize the weights of Linear with torchao, by group. Settings: `exclude`, `group_size`.

    torchao keeps each 4-bit weight in a byte of its own, so file and memory are those of 8 bits.
    """
    from harness.precisions import torch_steps

    return torch_steps.weight_only(job, bits=4)


RECIPE = Recipe(
    name="int4-weight-only",
    summary="4-bit weights, float arithmetic",
    version=1,
    conversions={"onnx": from_onnx, "torch-state": from_torch},
    distributions={"onnx": ("onnx", "onnx-ir", "onnxruntime"), "torch-state": ("torch", "torchao")},
)
