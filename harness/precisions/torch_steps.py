"""The steps that all conversions of torch references share: building, choosing, converting in place, counting, writing.

Owns no recipe. The module is never copied: a conversion has a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from importlib import import_module
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, UsageProblem
from harness.models import Coverage, ModuleReference
from harness.precisions import Converted, Job, torch_count, torch_layout

if TYPE_CHECKING:
    import torch
    from torch import nn

_LEFT_SHOWN = 11


def settings(job: Job, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe's defaults with the model's settings over them; a setting that the recipe lacks is refused."""
    if unknown := sorted(set(job.settings) - set(defaults)):
        choices = ", ".join(sorted(defaults)) or "none"
        raise UsageProblem(f"unknown setting {', '.join(unknown)} for this precision on torch; it takes: {choices}")
    return {**defaults, **job.settings}


def cast(job: Job, dtype: str) -> Converted:
    """Give all floats one dtype."""
    settings(job, {})
    module = _reference(job)
    weights = torch_count.weights(module)
    torch_layout.cast(module, dtype)
    layout = {"kind": "cast", "dtype": dtype}
    return _finish(
        job,
        module,
        layout,
        torch_count.coverage(weights, torch_count.of_dtype(module, dtype)),
        dict(module.state_dict()),
    )


def dynamic(job: Job) -> Converted:
    """Quantize Linear, LSTM and GRU for the engine. Setting: `exclude`, module names or patterns of them."""
    chosen = settings(job, {"exclude": ()})
    engine = torch_layout.use_engine(job.engine)
    module = _reference(job)
    weights = torch_count.weights(module)
    from_conv1d = _named(module, _is_conv1d, chosen["exclude"])
    with _at_work("int8-dynamic"):
        torch_layout.unroll_conv1d(module, from_conv1d, weights=True)
        names = _named_together(module, _is_quantizable, chosen["exclude"])
        kinds = {first: type(module.get_submodule(first)).__name__ for first, *_ in names}
        aliases = {alias: first for first, *others in names for alias in others}
        ao: Any = import_module("torch.ao.quantization")
        ao.quantize_dynamic(module, dict.fromkeys(kinds, ao.default_dynamic_qconfig), inplace=True)
        for alias, first in aliases.items():
            torch_layout.replace(module, alias, module.get_submodule(first))
    packed = {name: torch_count.packed_tensors(module.get_submodule(name)) for name in kinds}
    owners = {**{name: name for name in kinds}, **aliases}
    converted = {
        f"{owner}.{name}"
        for owner, first in owners.items()
        for name, value in packed[first].items()
        if value.is_quantized
    }
    coverage = torch_count.coverage(weights, converted)
    # The modules' own state dicts hold script objects, which no careful reader opens: plain tensors are kept instead.
    state = {
        key: value
        for key, value in module.state_dict().items()
        if not any(key.startswith(f"{owner}.") for owner in owners)
    }
    for owner, tensors in packed.items():
        state.update({f"{owner}.{name}": value.detach() for name, value in tensors.items()})
    layout = {
        "kind": "ao-dynamic",
        "modules": kinds,
        "aliases": aliases,
        "engine": engine,
        "from_conv1d": from_conv1d,
    }
    return _finish(job, module, layout, coverage, state)


def weight_only(job: Job, *, bits: int) -> Converted:
    """Quantize the weights of Linear with torchao: 8 bits a row, or 4 bits a group.

    Settings: `exclude` (module names or patterns of them), and with 4 bits `group_size`.
    """
    chosen = settings(job, {"exclude": ()} if bits == 8 else {"exclude": (), "group_size": 32})
    group_size = chosen.get("group_size", 1)
    torchao = torch_layout.import_torchao()
    module = _reference(job)
    weights = torch_count.weights(module)
    from_conv1d = _named(module, _is_conv1d, chosen["exclude"])
    with _at_work(f"int{bits}-weight-only"):
        torch_layout.unroll_conv1d(module, from_conv1d, weights=True)
        names = set(
            _named(
                module,
                lambda part: _is_linear(part) and part.in_features % group_size == 0,
                chosen["exclude"],
            )
        )
        torchao.quantize_(
            module,
            _torchao_config(torchao, bits, group_size),
            filter_fn=lambda part, name: name in names and not torch_count.is_torchao(part.weight),
        )
    layout: dict[str, Any] = {"kind": "torchao", "bits": bits, "from_conv1d": from_conv1d}
    if bits == 4:
        layout["group_size"] = group_size
    parameters = module.named_parameters(remove_duplicate=False)
    converted = {name for name, parameter in parameters if torch_count.is_torchao(parameter)}
    layout["converted"] = sorted(converted)
    return _finish(job, module, layout, torch_count.coverage(weights, converted), dict(module.state_dict()))


def _reference(job: Job) -> nn.Module:
    reference = job.reference
    if not isinstance(reference, ModuleReference):
        raise HarnessError(f"a {reference.format} reference is no torch module; give the model a runtime that reads it")
    module: nn.Module = reference.skeleton()
    reference.fill(module)
    return module.eval().requires_grad_(requires_grad=False)


@contextmanager
def _at_work(precision: str) -> Iterator[None]:
    """Chatter off, and what a converter raises told in one line."""
    try:
        with torch_layout.quiet():
            yield
    except (HarnessError, ImportError, MemoryError):
        raise
    except Exception as error:
        raise HarnessError(
            f"converting to {precision} failed: {torch_layout.said(error)}; "
            "leave that module alone with the setting `exclude`, or drop this precision"
        ) from error


def _named(module: nn.Module, wanted: Callable[[Any], bool], exclude: Collection[str]) -> list[str]:
    """Names of the modules that are wanted, save the excluded."""
    return [name for names in _named_together(module, wanted, exclude) for name in names]


def _named_together(module: nn.Module, wanted: Callable[[Any], bool], exclude: Collection[str]) -> list[list[str]]:
    """The modules that are wanted, each by all names that it has: one may stand in several places."""
    found: dict[nn.Module, list[str]] = {}
    for name, part in module.named_modules(remove_duplicate=False):
        if name and wanted(part) and not any(fnmatchcase(name, pattern) for pattern in exclude):
            found.setdefault(part, []).append(name)
    return list(found.values())


def _is_linear(part: Any) -> bool:
    """Whether it is a plain Linear: not of another class, and its weight not computed by a hook."""
    import torch

    return type(part) is torch.nn.Linear and "weight" in dict(part.named_parameters(recurse=False))


def _is_quantizable(part: Any) -> bool:
    """Whether `torch.ao` has a dynamic twin: none for an LSTM that projects, or for recurrence without biases."""
    import torch

    if type(part) in (torch.nn.LSTM, torch.nn.GRU):
        return bool(part.bias) and not part.proj_size
    return _is_linear(part)


def _is_conv1d(part: Any) -> bool:
    return type(part).__name__ == "Conv1D" and type(part).__module__.startswith("transformers.")


def _torchao_config(torchao: Any, bits: int, group_size: int) -> Any:
    """The config that gives one file for every device: the packed 4-bit formats need a device to pack for."""
    import torch

    if bits == 8:
        return torchao.Int8WeightOnlyConfig(set_inductor_config=False)
    four_bits = getattr(torch, "int4")  # noqa: B009 - torch declares it to no type checker
    return torchao.IntxWeightOnlyConfig(weight_dtype=four_bits, granularity=torchao.PerGroup(group_size))


def _finish(
    job: Job, module: nn.Module, layout: dict[str, Any], coverage: Coverage, state: dict[str, torch.Tensor]
) -> Converted:
    """Write the tensors and count what the converted module holds."""
    import torch

    torch_count.refuse_nothing(coverage, module)
    with torch_layout.quiet():
        counted = torch_count.count(module, layout)
        try:
            torch.save({name: _alone(tensor) for name, tensor in state.items()}, job.target)
        except (OSError, RuntimeError) as error:
            raise HarnessError(
                f"{job.target.name} could not be written: {torch_layout.first_sentence(error)}; free some disk space"
            ) from error
    return Converted(coverage, {**layout, **counted})


def _alone(tensor: Any) -> Any:
    """A tensor that is a small part of a larger storage, copied: the whole storage would be written otherwise."""
    if torch_count.is_torchao(tensor) or not hasattr(tensor, "untyped_storage"):
        return tensor
    used: int = tensor.numel() * tensor.element_size()
    return tensor.clone() if tensor.untyped_storage().nbytes() > used else tensor
