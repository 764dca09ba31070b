"""The reference itself: 32-bit floats, nothing converted, everything covered. The arm that others are compared with."""

from __future__ import annotations

from harness.endpoints import Service
from harness.models import Coverage
from harness.precisions import Converted, Job, Recipe


def from_onnx(job: Job) -> Converted:
    """Take the file as it is, by hard link where the file system allows it."""
    from harness.precisions import onnx_steps

    onnx_steps.take_over(onnx_steps.source(job), job.target)
    onnx_steps.settings(job, {})
    return onnx_steps.as_given(job)


def from_torch(job: Job) -> Converted:
    """Write the module's tensors down; weights that are not 32-bit become so."""
    from harness.precisions import torch_steps

    return torch_steps.cast(job, "float32")


def from_torchscript(job: Job) -> Converted:
    """Take the file as it is."""
    from harness.precisions import torch_script

    return torch_script.cast(job, "float32")


def from_service(job: Job) -> Converted:
    """Write down what the service is. It stays what it is: nothing of it can be converted, or counted, from here."""
    assert isinstance(job.reference, Service)
    job.target.write_text(job.reference.described, encoding="utf-8")
    return Converted(Coverage(0, 0, 0, 0))


RECIPE = Recipe(
    name="fp32",
    summary="32-bit floats: the reference as it is",
    version=1,
    conversions={
        "onnx": from_onnx,
        "torch-state": from_torch,
        "torchscript": from_torchscript,
        "service": from_service,
    },
    distributions={"onnx": ("onnx",), "torch-state": ("torch",), "torchscript": ("torch",)},
)
