"""Reads checkpoints into torch modules, or says in one line why a file is none of this model.

Nothing in a file is ever run: pickles are read with `weights_only=True`. Imports torch inside its functions.

Another layout is a file of its own: `read_state` the file, rename what is named otherwise, and `fit` the module.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import CheckpointProblem

if TYPE_CHECKING:
    from torch import Tensor, nn

_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")
_PRETRAINED = ("model.safetensors", "pytorch_model.bin")
"""What `save_pretrained` names its weights file, the one its reader prefers first."""
_INDEX = ".index.json"
"""What the name of a list of shards ends in: `model.safetensors.index.json`."""
_OLDER_NAMES = {".weight_g": ".parametrizations.weight.original0", ".weight_v": ".parametrizations.weight.original1"}
"""How torch named the halves of a weight norm before version 2.1."""


def checkpoint_file(given: Path) -> Path:
    """Return the weights file that a path names: the file itself, or the only one of a folder."""
    files = checkpoint_files(given)
    if len(files) > 1:
        raise CheckpointProblem(f"{given} holds its weights in {len(files)} files; give a checkpoint of one file")
    return files[0]


def checkpoint_files(given: Path) -> tuple[Path, ...]:
    """Return the weights files that a path names.

    The file itself, the shards that an index lists, or what a folder written by `save_pretrained` holds. Any other
    folder must hold one weights file alone.
    """
    if given.is_dir():
        return _of_folder(given)
    if not given.exists():
        raise CheckpointProblem(f"there is no checkpoint {given}; check the path given with --checkpoint")
    if given.name.endswith(_INDEX):
        return _shards(given)
    if given.suffix not in _SUFFIXES:
        raise CheckpointProblem(f"{given} is not a weights file; give one that ends in {', '.join(_SUFFIXES)}")
    return (given,)


def read_state(given: Path, *, key: str | None = None) -> Mapping[str, Tensor]:
    """Read the tensors of a checkpoint by name, of all its files together; with a key, those kept under it."""
    return {name: tensor for file in checkpoint_files(given) for name, tensor in _read(file, key).items()}


def fit(module: nn.Module, state: Mapping[str, Tensor], path: Path, *, drop: Sequence[str] = ()) -> None:
    """Copy a state into a module, after every name and shape was found to fit.

    `drop` holds prefixes of names that the file may have and the model does without. A tensor that the model uses
    under several names (tied weights) is looked for under each of them, since files keep it once.
    """
    import torch

    expected = module.state_dict(keep_vars=True)
    wanted = {_today(name, expected): tensor for name, tensor in state.items() if not name.startswith(tuple(drop))}
    tied: dict[int, list[str]] = {}
    for name, target in expected.items():
        tied.setdefault(id(target), []).append(name)
    found = {name: next((one for one in tied[id(target)] if one in wanted), name) for name, target in expected.items()}
    _compare(wanted, expected, found, path)
    with torch.no_grad():
        for name, target in expected.items():
            target.copy_(wanted[name if name in wanted else found[name]])


def load_into(module: nn.Module, path: Path, *, key: str | None = None, drop: Sequence[str] = ()) -> None:
    """Copy a checkpoint's weights into a module, after every name and shape was found to fit."""
    fit(module, read_state(path, key=key), path, drop=drop)


def _of_folder(folder: Path) -> tuple[Path, ...]:
    for name in _PRETRAINED:
        if (folder / name).is_file():
            return (folder / name,)
        if (folder / f"{name}{_INDEX}").is_file():
            return _shards(folder / f"{name}{_INDEX}")
    held = sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES)
    if len(held) != 1:
        found = ", ".join(path.name for path in held) or "none"
        raise CheckpointProblem(
            f"the folder {folder} should hold one weights file ({', '.join(_SUFFIXES)}), found: {found}; "
            "give the path of the file itself"
        )
    return (held[0],)


def _shards(index: Path) -> tuple[Path, ...]:
    """The files that an index says hold the tensors; each must lie beside it."""
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise CheckpointProblem(f"{index} lists no weights files under weight_map; fetch it again") from None
    files = tuple(index.parent / str(name) for name in names)
    if foreign := next((file.name for file in files if file.suffix not in _SUFFIXES), None):
        raise CheckpointProblem(f"{index} names {foreign}, which is not a weights file; fetch it again")
    if absent := [file.name for file in files if not file.is_file()]:
        raise CheckpointProblem(
            f"{index.name} names {len(files)} files, {len(absent)} of which are not in {index.parent}, "
            f"first {absent[0]}; fetch them too"
        )
    if not files:
        raise CheckpointProblem(f"{index} lists no weights files under weight_map; fetch it again")
    return files


def _read(path: Path, key: str | None) -> Mapping[str, Tensor]:
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
    if key is not None:
        state = _under(state, key, path)
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise CheckpointProblem(
            f"{path} holds no plain state dict; save it anew with torch.save(model.state_dict(), …)"
        )
    return state


def _under(state: Any, key: str, path: Path) -> Any:
    if not isinstance(state, Mapping) or key not in state:
        keys = ", ".join(map(str, list(state)[:3])) if isinstance(state, Mapping) else type(state).__name__
        raise CheckpointProblem(
            f"{path.name} keeps nothing under {key!r} (it holds {keys or 'nothing'}); give a checkpoint of this model"
        )
    return state[key]


def _today(name: str, expected: Mapping[str, Tensor]) -> str:
    for older, newer in _OLDER_NAMES.items():
        if name.endswith(older) and name not in expected:
            return name.removesuffix(older) + newer
    return name


def _compare(state: Mapping[str, Tensor], expected: Mapping[str, Tensor], found: Mapping[str, str], path: Path) -> None:
    """Refuse a checkpoint of another layout, naming the first of what differs."""
    missing = [name for name in expected if found[name] not in state]
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
                if name in state and state[name].shape != target.shape
            ),
            None,
        )
    )
    if differs:
        raise CheckpointProblem(f"{path.name} {differs}; give a checkpoint of this model and size")
