"""Reads what a model's file says of itself: ONNX, TorchScript or torch.export. Runs in a worker."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from harness.bring.signature import Given, Signature
from harness.bring.values import read_inputs
from harness.cells import Reason, Unsupported
from harness.errors import ArtifactUnreadable, UsageProblem

FORMATS = {"onnx": "onnx", "torchscript": "torch", "torch-export": "torch"}
"""The runtime of each format."""

_ZIP = b"PK\x03\x04"


def read_signature(path: Path) -> Signature:
    """Read the inputs of a model's file, whichever kind it is; refuse in one line what is none."""
    kind = _kind(path)
    try:
        match kind:
            case "onnx":
                from harness.bring.onnx_signature import onnx_signature

                return onnx_signature(path)
            case "torchscript":
                from harness.bring.torch_signature import script_signature

                return script_signature(path)
            case _:
                from harness.bring.torch_signature import exported_signature

                return exported_signature(path)
    except ImportError as error:
        raise Unsupported(Reason.NO_PACKAGE, f'{error}: pip install "quantgate[{FORMATS[kind]}]"') from error


def inspected(path: Path, inputs: Sequence[Path]) -> tuple[dict[str, Any], list[list[dict[str, Any]]]]:
    """The signature of a model's file and the arrays of files of inputs, as plain values."""
    signature: dict[str, Any] = msgspec.to_builtins(read_signature(path))
    return signature, [msgspec.to_builtins(read_given(one)) for one in inputs]


def read_given(path: Path) -> tuple[Given, ...]:
    """What is in a file of inputs."""
    return tuple(Given(name, str(array.dtype), tuple(array.shape)) for name, array in read_inputs(path).items())


def _kind(path: Path) -> str:
    """What a file is, by its first bytes and, of an archive, by what is in it; an ONNX file has no mark of its own."""
    with path.open("rb") as file:
        start = file.read(4)
    if not start:
        raise ArtifactUnreadable(f"{path.name} is empty; fetch it again")
    if start != _ZIP:
        if path.suffix in (".pt", ".pth", ".jit", ".pt2", ".ts"):
            raise ArtifactUnreadable(
                f"{path.name} is no TorchScript or torch.export file, or only a part of one; fetch it again"
            )
        return "onnx"
    try:
        with zipfile.ZipFile(path) as archive:
            return _kind_of_archive(path, archive.namelist())
    except zipfile.BadZipFile as error:
        raise ArtifactUnreadable(f"{path.name} is only a part of a file; fetch it again") from error


def _kind_of_archive(path: Path, names: Iterable[str]) -> str:
    held = list(names)
    if any("models/" in name and name.endswith(".json") for name in held) or any(
        name.endswith("serialized_exported_program.json") for name in held
    ):
        return "torch-export"
    if any("/code/" in name or name.endswith("constants.pkl") for name in held):
        return "torchscript"
    if any(name.endswith("data.pkl") for name in held):
        raise UsageProblem(
            f"{path.name} holds weights without a model; save it with torch.export.save or torch.jit.save,"
            " or declare it (docs/adding-a-model.md)"
        )
    raise UsageProblem(f"{path.name} is an archive, but no model; give an ONNX, TorchScript or torch.export file")
