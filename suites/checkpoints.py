"""Reads checkpoints into torch modules, or says in one line why a file is none of this model.

Nothing in a file is ever run: pickles are read with `weights_only=True`. Imports torch inside its functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import CheckpointProblem

if TYPE_CHECKING:
    from torch import Tensor, nn

_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")
_OLDER_NAMES = {".weight_g": ".parametrizations.weight.original0", ".weight_v": ".parametrizations.weight.original1"}
"""How torch named the halves of a weight norm before version 2.1."""


def checkpoint_file(given: Path) -> Path:
    """Return the weights file that a path names: the file itself, or the only one of a folder."""
    if given.is_dir():
        held = sorted(path for path in given.iterdir() if path.suffix in _SUFFIXES)
        if len(held) != 1:
            found = ", ".join(path.name for path in held) or "none"
            raise CheckpointProblem(
                f"the folder {given} should hold one weights file ({', '.join(_SUFFIXES)}), found: {found}; "
                "give the path of the file itself"
            )
        return held[0]
    if not given.exists():
        raise CheckpointProblem(f"there is no checkpoint {given}; check the path given with --checkpoint")
    if given.suffix not in _SUFFIXES:
        raise CheckpointProblem(f"{given} is not a weights file; give one that ends in {', '.join(_SUFFIXES)}")
    return given


def load_into(module: nn.Module, path: Path) -> None:
    """Copy a checkpoint's weights into a module, after every name and shape was found to fit."""
    import torch

    state = _read(path)
    expected = module.state_dict()
    _compare(state, expected, path)
    with torch.no_grad():
        for name, target in expected.items():
            target.copy_(state[name])


def _read(path: Path) -> Mapping[str, Tensor]:
    import torch

    state: Any
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as problem:  # noqa: BLE001 - a damaged file makes its readers raise whatever comes to hand
        first_line = (str(problem) or type(problem).__name__).splitlines()[0]
        raise CheckpointProblem(
            f"{path} cannot be read as weights ({first_line}); give a file saved by safetensors or torch.save"
        ) from None
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise CheckpointProblem(
            f"{path} holds no plain state dict; save it anew with torch.save(model.state_dict(), …)"
        )
    return {_today(name): tensor for name, tensor in state.items()}


def _today(name: str) -> str:
    for older, newer in _OLDER_NAMES.items():
        if name.endswith(older):
            return name.removesuffix(older) + newer
    return name


def _compare(state: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> None:
    """Refuse a checkpoint of another layout, naming the first of what differs."""
    missing = [name for name in expected if name not in state]
    foreign = [name for name in state if name not in expected]
    differs = (
        f"lacks {len(missing)} of the model's {len(expected)} tensors, first {missing[0]}"
        if missing
        else f"holds {len(foreign)} tensors that the model has not, first {foreign[0]}"
        if foreign
        else next(
            (
                f"has {name} of shape {tuple(state[name].shape)} where the model has {tuple(target.shape)}"
                for name, target in expected.items()
                if state[name].shape != target.shape
            ),
            None,
        )
    )
    if differs:
        raise CheckpointProblem(f"{path.name} {differs}; give a checkpoint of this model and size")
