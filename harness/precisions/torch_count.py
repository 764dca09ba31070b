"""Counts what is in a torch module: the reference's weights and which were converted; a loaded module's tensors.

Quantized modules of `torch.ao` have no parameters, and torchao's tensors call themselves 32-bit floats: both are asked
for what they truly hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.cells import Reason, Unsupported
from harness.models import Coverage

if TYPE_CHECKING:
    import torch
    from torch import nn

_LEFT_SHOWN = 11

TORCHAO_DTYPES = {8: "int8", 4: "int4 in int8"}
"""What torchao's weights are, by bits, and how they are kept where that differs."""


@dataclass(frozen=True, slots=True)
class Weight:
    """A float parameter of the reference, under all its names."""

    names: tuple[str, ...]
    owner: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Held:
    """One tensor of a loaded module: a parameter, a buffer, or a weight packed for an engine."""

    name: str
    device: torch.device
    dtype: str
    count: int
    is_weight: bool
    is_floating: bool


def weights(module: nn.Module) -> list[Weight]:
    """The float parameters of a module, each once."""
    found: dict[int, tuple[Any, list[str]]] = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        if parameter.is_floating_point():
            found.setdefault(id(parameter), (parameter, []))[1].append(name)
    parts = dict(module.named_modules())
    return [
        Weight(tuple(names), _owner(parts, names[0]), parameter.numel() * parameter.element_size())
        for parameter, names in found.values()
    ]


def of_dtype(module: nn.Module, dtype: str) -> set[str]:
    """Names of the parameters that have a dtype."""
    parameters = module.named_parameters(remove_duplicate=False)
    return {name for name, parameter in parameters if str(parameter.dtype) == f"torch.{dtype}"}


def coverage(weights: list[Weight], converted: Collection[str]) -> Coverage:
    """What was converted; a weight that several modules share only where none of them kept it."""
    done = [weight for weight in weights if set(weight.names) <= set(converted)]
    left = [weight for weight in weights if not set(weight.names) <= set(converted)]
    left.sort(key=lambda weight: -weight.size_bytes)
    kinds = {_place(weight): weight.owner for weight in weights}
    touched = {_place(weight) for weight in done}
    shown = [f"{weight.names[0]} ({weight.owner}, {weight.size_bytes:,} B)" for weight in left[:_LEFT_SHOWN]]
    if rest := left[_LEFT_SHOWN:]:
        shown.append(f"and {len(rest)} smaller ({sum(weight.size_bytes for weight in rest):,} B)")
    return Coverage(
        converted_bytes=sum(weight.size_bytes for weight in done),
        total_bytes=sum(weight.size_bytes for weight in weights),
        converted_count=len(done),
        total_count=len(weights),
        left=tuple(shown),
        modules_converted=_most_first(kind for place, kind in kinds.items() if place in touched),
        modules_left=_most_first(kind for place, kind in kinds.items() if place not in touched),
    )


def refuse_nothing(coverage: Coverage, module: nn.Module) -> None:
    """Refuse a conversion that converted nothing, and say what kinds of modules hold the weights."""
    if coverage.converted_bytes:
        return
    kinds = sorted(
        {type(part).__name__ for part in module.modules() if next(part.parameters(recurse=False), None) is not None}
    )
    raise Unsupported(
        Reason.NOTHING_CONVERTED, f"no weight was converted: the model's are in {', '.join(kinds) or 'no module'}"
    )


def packed_tensors(part: Any) -> dict[str, torch.Tensor]:
    """Weights and biases of a dynamically quantized module, unpacked, by the names they had as floats."""
    if hasattr(part, "get_weight"):
        return {**part.get_weight(), **part.get_bias()}
    bias = part.bias()
    return {"weight": part.weight(), **({} if bias is None else {"bias": bias})}


def held(module: nn.Module, layout: Mapping[str, Any]) -> Iterator[Held]:
    """Every tensor of a loaded module; quantized modules have no parameters, so their packed weights are asked for."""
    for name, parameter in module.named_parameters():
        yield _held(name, parameter, is_weight=True)
    for name, buffer in module.named_buffers():
        yield _held(name, buffer, is_weight=False)
    if layout["kind"] == "ao-dynamic":
        for owner in layout["modules"]:
            for name, tensor in packed_tensors(module.get_submodule(owner)).items():
                yield _held(f"{owner}.{name}", tensor, is_weight=True)


def promised_dtype(tensor: Held, layout: Mapping[str, Any]) -> str | None:
    """The dtype that a weight must have under a layout; None where the layout leaves it as it was."""
    owner, _, leaf = tensor.name.rpartition(".")
    match layout["kind"]:
        case "cast" | "torchscript" if tensor.is_weight and tensor.is_floating:
            return str(layout["dtype"])
        case "ao-dynamic" if owner in layout["modules"] and leaf.startswith("weight"):
            return "int8"
        case "torchao" if tensor.name in layout["converted"]:
            return TORCHAO_DTYPES[layout["bits"]]
    return None


def count(module: nn.Module, layout: Mapping[str, Any]) -> dict[str, Any]:
    """Weights in a module: how many, and how many of each dtype."""
    by_dtype: Counter[str] = Counter()
    for tensor in held(module, layout):
        if tensor.is_weight:
            by_dtype[tensor.dtype] += tensor.count
    return {"parameter_count": by_dtype.total(), "count_by_dtype": dict(sorted(by_dtype.items()))}


def count_by_part(module: nn.Module, layout: Mapping[str, Any]) -> dict[str, int]:
    """Weights of each of a module's parts; those that belong to none are `itself`.

    Its outermost parts by their names there; or where it has `counted_parts`, those: the dotted module that each name
    stands for, of which the innermost that holds a weight counts it.
    """
    declared: Mapping[str, str] = getattr(module, "counted_parts", {})
    by_part: Counter[str] = Counter(dict.fromkeys(declared, 0))
    for tensor in held(module, layout):
        if tensor.is_weight:
            by_part[_part(tensor.name, declared)] += tensor.count
    return dict(by_part)


def _part(name: str, declared: Mapping[str, str]) -> str:
    holding = [part for part, prefix in declared.items() if name.startswith(f"{prefix}.")]
    if holding:
        return max(holding, key=lambda part: len(declared[part]))
    outermost, dot, _ = name.partition(".")
    return outermost if dot else "itself"


def is_torchao(tensor: object) -> bool:
    """Whether a tensor is of one of torchao's classes."""
    return type(tensor).__module__.startswith("torchao.")


def _most_first(kinds: Iterable[str]) -> dict[str, int]:
    return dict(Counter(sorted(kinds)).most_common())


def _place(weight: Weight) -> str:
    return _module_of(weight.names[0])


def _module_of(name: str) -> str:
    """The name of the module that uses a parameter; of the one that is parametrized, not of its helper."""
    return name.partition(".parametrizations.")[0] if ".parametrizations." in name else name.rpartition(".")[0]


def _owner(parts: Mapping[str, Any], name: str) -> str:
    """The class of the module that uses a parameter."""
    part = parts.get(_module_of(name))
    kind = type(part)
    # torch gives a parametrized module a class made for it, `ParametrizedConv1d`, below its own
    kind = kind.__base__ or kind if ".parametrizations." in name else kind
    return str(getattr(part, "original_name", kind.__name__))


def _held(name: str, tensor: Any, *, is_weight: bool) -> Held:
    if is_torchao(tensor):
        stored = _label(tensor.qdata.dtype)
        meant = _label(getattr(tensor, "target_dtype", tensor.qdata.dtype))
        label = meant if meant == stored else f"{meant} in {stored}"
    else:
        label = _label(tensor.dtype)
    return Held(name, tensor.device, label, tensor.numel(), is_weight, tensor.is_floating_point())


def _label(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.").removeprefix("q")
