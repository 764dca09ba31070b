"""What a converted torch module looks like in its file, and how a skeleton becomes that module again.

Shared by the recipes, which write such files, and the runtime, which opens them. A layout is JSON; its `kind` says
which restructuring: `cast` (nothing but a dtype), `ao-dynamic` (packed modules of `torch.ao`), `torchao` (weights of
torchao's tensor classes). Nothing is ever quantized here, and no file is read but with `weights_only`.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cells import Reason, Unsupported
from harness.errors import ArtifactUnreadable
from harness.precisions import torch_count

if TYPE_CHECKING:
    from torch import nn

_NAMES_SHOWN = 4
_RECURRENT = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional")


def rebuild(skeleton: Callable[[], nn.Module], path: Path, layout: Mapping[str, Any]) -> nn.Module:
    """Build the module anew and put the file's tensors in, as they are: nothing is copied that can be mapped."""
    with quiet():
        module = skeleton()
        module.eval()
        unroll_conv1d(module, layout.get("from_conv1d", ()))
        match layout["kind"]:
            case "cast":
                _put(module, read(path), path)
                cast(module, layout["dtype"])
            case "ao-dynamic":
                # Packing copies the weights: a mapped file would stay resident beside the copy.
                _put_packed(module, read(path, mapped=False), layout, path)
            case "torchao":
                import_torchao()
                _put(module, read(path), path)
            case kind:
                raise ArtifactUnreadable(f"{path.name} has the unknown layout {kind!r}; delete it from the cache")
        module.eval()
    return module


def read(path: Path, *, mapped: bool = True) -> dict[str, Any]:
    """Read the tensors of a file, and nothing but tensors."""
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except FileNotFoundError as error:
        raise ArtifactUnreadable(f"{path.name} is missing; convert it again") from error
    except Exception as error:
        raise ArtifactUnreadable(
            f"{path.name} is not a file of torch tensors, or only a part of one ({first_sentence(error)}); "
            "delete it from the cache and convert it again"
        ) from error
    if not isinstance(state, dict):
        raise ArtifactUnreadable(f"{path.name} holds a {type(state).__name__}, not a state; convert it again")
    return state


def cast(module: nn.Module, dtype: str) -> None:
    """Give all floats of a module one dtype; where that is float32, leave buffers of doubles as they are."""
    import torch

    match dtype:
        case "float16":
            module.half()
        case "bfloat16":
            module.bfloat16()
        case "float32":
            for parameter in module.parameters():
                if parameter.is_floating_point() and parameter.dtype != torch.float32:
                    parameter.data = parameter.data.float()
        case other:
            raise ArtifactUnreadable(f"unknown dtype {other!r} in the layout; delete the file from the cache")


def unroll_conv1d(module: nn.Module, names: tuple[str, ...] | list[str], *, weights: bool = False) -> None:
    """Put an `nn.Linear` in the place of each named Conv1D of transformers, which keeps its weight transposed.

    Without `weights` the new parameters hold nothing yet.
    """
    import torch

    made: dict[nn.Module, nn.Module] = {}
    for name in names:
        old: Any = module.get_submodule(name)
        if old in made:
            replace(module, name, made[old])
            continue
        inputs, outputs = old.weight.shape
        with torch.device("meta"):
            new = torch.nn.Linear(inputs, outputs)
        if weights:
            new.weight = torch.nn.Parameter(old.weight.data.t().contiguous(), requires_grad=False)
            new.bias = old.bias
        made[old] = new.eval()
        replace(module, name, new)


def replace(module: nn.Module, name: str, new: nn.Module) -> None:
    """Put a module in the place of a named one."""
    parent, _, leaf = name.rpartition(".")
    setattr(module.get_submodule(parent), leaf, new)


def import_torchao() -> Any:
    """Import torchao's quantization, whose import registers its tensor classes for reading."""
    try:
        with quiet():
            quantization = import_module("torchao.quantization")
    except ImportError as error:
        raise Unsupported(Reason.NO_PACKAGE, f'{error}: pip install "quantgate[torch]"') from error
    return quantization


def use_engine(engine: str | None) -> str:
    """Choose the engine of quantized modules; without a wish, the one that torch takes on this platform."""
    import torch

    quantized: Any = torch.backends.quantized
    engines = [name for name in quantized.supported_engines if name != "none"]
    wanted = engine or str(quantized.engine)
    if wanted not in engines:
        has = f"it has {', '.join(sorted(engines))}" if engines else "it has none"
        raise Unsupported(Reason.NO_ENGINE, f"this torch has no quantized engine {wanted!r}; {has}")
    quantized.engine = wanted
    return wanted


@contextmanager
def quiet() -> Iterator[None]:
    """Keep deprecation notices and chatter off the terminal; errors are raised as ever."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def said(error: BaseException) -> str:
    """The words of an error in one line; of TorchScript's, what follows the stack that it tells first."""
    return " ".join(str(error).rpartition("RuntimeError: ")[2].split())


def first_sentence(error: BaseException) -> str:
    """The words of an error up to where torch begins to explain how it is built."""
    return (said(error).partition(". ")[0] or type(error).__name__).rstrip(".")


def _put(module: nn.Module, state: Mapping[str, Any], path: Path) -> None:
    """Let the module's tensors be those of the file; all must be there, no other may."""
    shared = _shared_names(module)
    try:
        wrong = module.load_state_dict(state, strict=False, assign=True)
    except Exception as error:
        raise ArtifactUnreadable(
            f"{path.name} does not fit the model: {said(error)}; delete it from the cache"
        ) from error
    if wrong.missing_keys or wrong.unexpected_keys:
        raise ArtifactUnreadable(
            f"{path.name} is of another model: it {_listed(wrong.missing_keys, wrong.unexpected_keys)}; "
            "raise what tells the model's versions apart (its identity), or delete the file from the cache"
        )
    _share_again(module, shared)


def _put_packed(module: nn.Module, state: dict[str, Any], layout: Mapping[str, Any], path: Path) -> None:
    import torch

    kinds, aliases, originals = layout["modules"], layout["aliases"], {}
    for name in (*kinds, *aliases):
        try:
            originals[name] = module.get_submodule(name)
        except AttributeError as error:
            raise ArtifactUnreadable(f"{path.name} is of another model: {error}; delete it from the cache") from error
    for name in (*kinds, *aliases):
        replace(module, name, torch.nn.Identity())
    own = {name: _take(state, f"{name}.") for name in kinds}
    _put(module, state, path)
    for name, kind in kinds.items():
        try:
            replace(module, name, _packed(kind, originals[name], own.pop(name)))
        except (KeyError, AttributeError) as error:
            raise ArtifactUnreadable(
                f"{path.name} lacks what a quantized {kind} needs at {name}: {error}; delete it from the cache"
            ) from error
    for alias, name in aliases.items():
        replace(module, alias, module.get_submodule(name))


def _take(state: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {key.removeprefix(prefix): state.pop(key) for key in tuple(state) if key.startswith(prefix)}


def _packed(kind: str, original: Any, tensors: Mapping[str, Any]) -> Any:
    """Make a quantized module around tensors. It is born as small as can be: its own constructor fills it first."""
    dynamic: Any = import_module("torch.ao.nn.quantized.dynamic")
    if kind == "Linear":
        linear = dynamic.Linear(1, 1)
        linear.out_features, linear.in_features = tensors["weight"].shape
        linear.set_weight_bias(tensors["weight"], tensors.get("bias"))
        return linear
    recurrent = {"LSTM": dynamic.LSTM, "GRU": dynamic.GRU}[kind](1, 1)
    for attribute in _RECURRENT:
        setattr(recurrent, attribute, getattr(original, attribute))
    recurrent.set_weight_bias(tensors)
    return recurrent


def _shared_names(module: nn.Module) -> list[list[str]]:
    """Names under which one and the same parameter stands (tied weights)."""
    names: dict[int, list[str]] = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    return [group for group in names.values() if len(group) > 1]


def _share_again(module: nn.Module, groups: list[list[str]]) -> None:
    """Make one parameter again of those that the file still holds as one: assigning gave each name its own."""
    for first, *others in groups:
        kept = module.get_parameter(first)
        for other in others:
            parent, _, leaf = other.rpartition(".")
            own = module.get_parameter(other)
            if not (torch_count.is_torchao(kept) or torch_count.is_torchao(own)) and own.data_ptr() == kept.data_ptr():
                setattr(module.get_submodule(parent), leaf, kept)


def _listed(missing: list[str], unknown: list[str]) -> str:
    parts = [("lacks", missing), ("has the unknown", unknown)]
    return " and ".join(f"{verb} {_names(names)}" for verb, names in parts if names)


def _names(names: list[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return f"{', '.join(names[:_NAMES_SHOWN])}{more}"
