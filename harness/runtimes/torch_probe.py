"""A tiny torch model, converted by the real recipe of a precision: what `TorchRuntime.check` runs on a device."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.cells import Reason, Unsupported
from harness.models import Arrays, Artifact, ModuleReference
from harness.precisions import Job, recipe

_CHANNELS, _WIDTH = 32, 32


@contextmanager
def tiny_artifact(precision: str, engine: str | None) -> Iterator[tuple[Artifact, Arrays]]:
    """Make the artifact in a temporary folder, and an input for it."""
    import numpy as np

    convert = recipe(precision).conversions.get("torch-state")
    if convert is None:
        raise Unsupported(Reason.NO_RECIPE, f"{precision} has no recipe for torch modules")
    inputs = {"input": np.random.default_rng(0).standard_normal((1, _CHANNELS, _WIDTH), dtype=np.float32)}
    reference = ModuleReference(tiny_module, _fill, ("probe",), "probe")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "tiny.pt"
        done = convert(Job(reference, target, engine=engine))
        yield (
            Artifact(
                path=target,
                format="torch-state",
                precision=precision,
                digest="",
                size_bytes=target.stat().st_size,
                coverage=done.coverage,
                provenance="probe",
                conversion_seconds=0.0,
                layout=done.layout,
                skeleton=tiny_module,
            ),
            inputs,
        )


def tiny_module() -> Any:
    """A convolution and a matrix product."""
    from torch import nn

    return nn.Sequential(nn.Conv1d(_CHANNELS, _CHANNELS, 3, padding=1), nn.Linear(_WIDTH, _CHANNELS))


def _fill(module: Any) -> None:
    import torch

    generator = torch.Generator().manual_seed(1)
    for parameter in module.parameters():
        parameter.data.normal_(std=1 / _CHANNELS, generator=generator)
