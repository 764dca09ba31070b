"""The steps that all conversions of ONNX files share: reading, working in private, counting, refusing.

Owns no recipe. Writes nowhere but in the folder of the job's target.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cells import Reason, Unsupported
from harness.errors import HarnessError, UsageProblem
from harness.models import Arrays, Coverage, FileReference
from harness.precisions import Converted, Job, onnx_graph

if TYPE_CHECKING:
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantType

_LARGEST_FILE_BYTES = 2**31 - 1


def source(job: Job) -> Path:
    """The file that a job converts."""
    reference = job.reference
    if not isinstance(reference, FileReference) or reference.format != "onnx":
        raise HarnessError(
            f"a {reference.format} reference is not an ONNX file; give the model a runtime that reads it"
        )
    return reference.path


def settings(job: Job, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe's defaults with the model's settings over them; a setting that the recipe lacks is refused."""
    if unknown := sorted(set(job.settings) - set(defaults)):
        choices = ", ".join(sorted(defaults)) or "none"
        raise UsageProblem(f"unknown setting {', '.join(unknown)} for this precision on ONNX; it takes: {choices}")
    return {**defaults, **job.settings}


def load(job: Job) -> onnx.ModelProto:
    """Read the reference with all its weights."""
    return onnx_graph.read(source(job), with_external_data=True)


def save(model: onnx.ModelProto, job: Job) -> None:
    """Write the result as one file."""
    import onnx

    if model.ByteSize() > _LARGEST_FILE_BYTES:
        raise HarnessError(
            f"{source(job).name} is over 2 GiB at this precision, more than one ONNX file holds; split the model"
        )
    onnx.save(model, job.target)


@contextmanager
def workbench(job: Job) -> Iterator[None]:
    """Keep temporary files beside the target, gone at the end, and the libraries' chatter off the terminal.

    Errors are raised as ever. ONNX Runtime's quantizers log through the root logger and print; a conversion has a
    process of its own, so nobody else's words are lost.
    """
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    before, disabled = tempfile.tempdir, logging.root.manager.disable
    quiet = logging.NullHandler()
    with tempfile.TemporaryDirectory(prefix=".work-", dir=job.target.parent) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tempfile.tempdir = folder
        logging.root.addHandler(quiet)  # or the first logged word installs a handler for good
        logging.disable(logging.WARNING)
        try:
            with redirect_stdout(StringIO()):
                yield
        except (HarnessError, MemoryError, OSError):
            raise
        except Exception as error:
            raise HarnessError(
                f"converting {source(job).name} failed: {onnx_graph.one_line(error)}; "
                "leave that node alone by a setting of the recipe, or drop this precision"
            ) from error
        finally:
            logging.disable(disabled)
            logging.root.removeHandler(quiet)
            tempfile.tempdir = before


def finish(job: Job, facts: Mapping[str, Any]) -> Converted:
    """Count what the conversion did; a file in which nothing was converted is refused under its new name."""
    reference = onnx_graph.read(source(job))
    comparison = onnx_graph.compare(onnx_graph.weights(reference), onnx_graph.weights(onnx_graph.read(job.target)))
    if not comparison.coverage.converted_bytes:
        job.target.unlink()
        raise Unsupported(
            Reason.NOTHING_CONVERTED,
            f"no weight was converted: {source(job).name} has {onnx_graph.describe(reference)}",
        )
    return _converted(job, comparison.coverage, {**facts, "converted_nodes": dict(comparison.nodes_by_op)})


def as_given(job: Job) -> Converted:
    """Report a file that was taken over unchanged as wholly covered."""
    return _converted(job, onnx_graph.full_coverage(job.target), {})


def take_over(path: Path, target: Path) -> None:
    """Make the target the same file, by hard link where possible; weights kept beside it are drawn in."""
    import onnx
    from onnx.external_data_helper import uses_external_data

    model = onnx_graph.read(path)
    if any(uses_external_data(tensor) for tensor in model.graph.initializer):
        onnx.save(onnx_graph.read(path, with_external_data=True), target)
        return
    try:
        os.link(path.resolve(), target)
    except OSError:
        shutil.copyfile(path, target)


def matmul_n_bits(job: Job, *, bits: int) -> Converted:
    """Quantize the constant weights of MatMul in blocks of a column.

    Settings: `block_size`, `symmetric`, `exclude` (node names), `accuracy_level` (4: products in 8 bits).
    """
    chosen = settings(job, {"block_size": 32, "symmetric": True, "exclude": (), "accuracy_level": None})
    with workbench(job):
        from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

        quantizer = MatMulNBitsQuantizer(
            load(job),
            bits=bits,
            block_size=chosen["block_size"],
            is_symmetric=chosen["symmetric"],
            accuracy_level=chosen["accuracy_level"],
            nodes_to_exclude=list(chosen["exclude"]),
        )
        quantizer.process()
        save(quantizer.model.model, job)
    return finish(job, {**chosen, "bits": bits})


def quant_type(name: str) -> QuantType:
    """Look a weight or activation type up by its name."""
    from onnxruntime.quantization import QuantType

    return _choose(QuantType, name)


def calibration_method(name: str) -> CalibrationMethod:
    """Look a calibration method up by its name."""
    from onnxruntime.quantization import CalibrationMethod

    return _choose(CalibrationMethod, name)


class CalibrationFeed:
    """Hands calibration examples to ONNX Runtime's calibrator, one at a time, and counts them."""

    def __init__(self, examples: Iterable[Arrays]) -> None:
        self._examples = iter(examples)
        self.taken = 0

    def get_next(self) -> dict[str, Any] | None:
        """The next example, or None after the last; no example at all is an error."""
        example = next(self._examples, None)
        if example is None:
            if not self.taken:
                raise UsageProblem("the model's calibration yields no example; give it some, or ask int8-dynamic")
            return None
        self.taken += 1
        return dict(example)


def _converted(job: Job, coverage: Coverage, facts: Mapping[str, Any]) -> Converted:
    parameter_count, count_by_dtype = onnx_graph.contents(job.target)
    told = {name: list(value) if isinstance(value, tuple) else value for name, value in facts.items()}
    return Converted(coverage, {"parameter_count": parameter_count, "count_by_dtype": count_by_dtype, **told})


def _choose(choices: Any, name: str) -> Any:
    try:
        return choices[name]
    except KeyError as error:
        raise UsageProblem(
            f"unknown {choices.__name__} {name!r}; choose one of {', '.join(choices.__members__)}"
        ) from error
