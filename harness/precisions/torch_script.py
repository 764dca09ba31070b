"""TorchScript files: taken as they are or cast, and opened again. Counted is the part of a script that is called."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import ArtifactUnreadable, HarnessError, UsageProblem
from harness.models import FileReference
from harness.precisions import Converted, Job, torch_count, torch_layout
from harness.precisions.torch_steps import settings

if TYPE_CHECKING:
    import torch


def cast(job: Job, dtype: str) -> Converted:
    """Take a TorchScript file as it is, or with all its floats cast; counted is the part that will be called."""
    settings(job, {})
    reference = job.reference
    if not isinstance(reference, FileReference):
        raise HarnessError(f"a {reference.format} reference is no TorchScript file; declare it as a file")
    whole = load(reference.path)
    part = called(whole, reference.submodule, reference.path)
    weights = torch_count.weights(part)
    if dtype == "float32":
        _take_over(reference.path, job.target)
    else:
        import torch

        with torch_layout.quiet():
            for tensor in (*whole.parameters(), *whole.buffers()):  # a script has no bfloat16() of its own
                if tensor.is_floating_point():
                    tensor.data = tensor.data.to(getattr(torch, dtype))
            jit: Any = torch.jit
            jit.save(whole, job.target)
    layout = {"kind": "torchscript", "dtype": dtype, "submodule": reference.submodule}
    coverage = torch_count.coverage(weights, torch_count.of_dtype(part, dtype))
    torch_count.refuse_nothing(coverage, part)
    return Converted(coverage, {**layout, **torch_count.count(part, layout)})


def load(path: Path, device: torch.device | str = "cpu") -> Any:
    """Load a TorchScript file; refuse in one line what is not one."""
    import torch

    jit: Any = torch.jit
    try:
        with torch_layout.quiet():
            return jit.load(path, map_location=device)
    except (FileNotFoundError, ValueError) as error:
        raise ArtifactUnreadable(f"{path.name} is missing; restore the file") from error
    except RuntimeError as error:
        raise ArtifactUnreadable(
            f"{path.name} is not a TorchScript file, or only a part of one ({torch_layout.first_sentence(error)}); "
            "fetch it again"
        ) from error


def called(whole: Any, submodule: str, path: Path) -> Any:
    """The dotted part of a script that is called; the whole where nothing is named."""
    part = whole
    for name in filter(None, submodule.split(".")):
        if name not in (parts := dict(part.named_children())):
            raise UsageProblem(f"{path.name} has no part {submodule!r}; it has {', '.join(parts) or 'none'}")
        part = parts[name]
    return part


def _take_over(path: Path, target: Path) -> None:
    try:
        os.link(path.resolve(), target)
    except OSError:
        shutil.copyfile(path, target)
