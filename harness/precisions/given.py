"""A precision that a model ships ready-made: taken as it is, and counted like a converted one."""

from __future__ import annotations

from harness.cells import Reason, Unsupported
from harness.endpoints import Service
from harness.models import FileReference, Reference
from harness.precisions import Converted, Job
from harness.precisions.fp32 import from_service


def adopt(job: Job, original: Reference) -> Converted:
    """Put the shipped file where an artifact belongs, and count what of `original` is quantized in it."""
    given = job.reference
    if isinstance(given, Service) and isinstance(original, Service):
        return from_service(job)
    if not (isinstance(given, FileReference) and isinstance(original, FileReference)) or (
        (given.format, original.format) != ("onnx", "onnx")
    ):
        raise Unsupported(Reason.NO_RECIPE, "ready-made precisions are read from ONNX files only")
    from harness.precisions.onnx_graph import contents, coverage_of_given
    from harness.precisions.onnx_steps import take_over

    take_over(given.path, job.target)
    parameter_count, count_by_dtype = contents(given.path)
    layout = {"parameter_count": parameter_count, "count_by_dtype": dict(count_by_dtype)}
    return Converted(coverage_of_given(original.path, given.path), layout)
