"""The reference itself: 32-bit floats, nothing converted, everything covered. The arm that others are compared with."""

from __future__ import annotations

from harness.precisions import Converted, Job, Recipe


def from_onnx(job: Job) -> Converted:
    """Take the file as it is, by hard link where the file system allows it."""
    from harness.precisions import onnx_steps

    onnx_steps.take_over(onnx_steps.source(job), job.target)
    onnx_steps.settings(job, {})
    return onnx_steps.as_given(job)


RECIPE = Recipe(
    name="fp32",
    summary="32-bit floats: the reference as it is",
    version=1,
    conversions={"onnx": from_onnx},
    distributions={"onnx": ("onnx",)},
)
