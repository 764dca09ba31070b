"""The steps that all conversions of torch references share: building, choosing, converting in place, counting, writing.

Owns no recipe. The module is never copied: a conversion has a process of its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cells import Reason, Unsupported
from harness.errors import ArtifactUnreadable, HarnessError, UsageProblem
from harness.models import Coverage, FileReference, ModuleReference
from harness.precisions import Converted, Job, torch_layout

if TYPE_CHECKING:
    import torch
    from torch import nn

_LEFT_SHOWN = 11


@dataclass(frozen=True, slots=True)
class Weight:
    """A float parameter of the reference, under all its names."""

    names: tuple[str, ...]
    owner: str
    size_bytes: int


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
    weights = _weights(module)
    torch_layout.cast(module, dtype)
    layout = {"kind": "cast", "dtype": dtype}
    return _finish(job, module, layout, _coverage(weights, _of_dtype(module, dtype)), dict(module.state_dict()))


def dynamic(job: Job) -> Converted:
    """Quantize Linear, LSTM and GRU for the engine. Setting: `exclude`, module names or patterns of them."""
    chosen = settings(job, {"exclude": ()})
    engine = torch_layout.use_engine(job.engine)
    module = _reference(job)
    weights = _weights(module)
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
    packed = {name: torch_layout.packed_tensors(module.get_submodule(name)) for name in kinds}
    owners = {**{name: name for name in kinds}, **aliases}
    converted = {
        f"{owner}.{name}"
        for owner, first in owners.items()
        for name, value in packed[first].items()
        if value.is_quantized
    }
    coverage = _coverage(weights, converted)
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
    weights = _weights(module)
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
            filter_fn=lambda part, name: name in names and not torch_layout.is_torchao(part.weight),
        )
    layout: dict[str, Any] = {"kind": "torchao", "bits": bits, "from_conv1d": from_conv1d}
    if bits == 4:
        layout["group_size"] = group_size
    parameters = module.named_parameters(remove_duplicate=False)
    converted = {name for name, parameter in parameters if torch_layout.is_torchao(parameter)}
    layout["converted"] = sorted(converted)
    return _finish(job, module, layout, _coverage(weights, converted), dict(module.state_dict()))


def script(job: Job, dtype: str) -> Converted:
    """Take a TorchScript file as it is, or with all its floats cast; counted is the part that will be called."""
    settings(job, {})
    reference = job.reference
    if not isinstance(reference, FileReference):
        raise HarnessError(f"a {reference.format} reference is no TorchScript file; declare it as a file")
    whole = load_script(reference.path)
    part = script_part(whole, reference.submodule, reference.path)
    weights = _weights(part)
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
    coverage = _coverage(weights, _of_dtype(part, dtype))
    _refuse_nothing(job, coverage, part)
    return Converted(coverage, {**layout, **torch_layout.count(part, layout)})


def load_script(path: Path, device: torch.device | str = "cpu") -> Any:
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


def script_part(whole: Any, submodule: str, path: Path) -> Any:
    """The dotted part of a script that is called; the whole where nothing is named."""
    part = whole
    for name in filter(None, submodule.split(".")):
        if name not in (parts := dict(part.named_children())):
            raise UsageProblem(f"{path.name} has no part {submodule!r}; it has {', '.join(parts) or 'none'}")
        part = parts[name]
    return part


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


def _weights(module: nn.Module) -> list[Weight]:
    found: dict[int, tuple[Any, list[str]]] = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        if parameter.is_floating_point():
            found.setdefault(id(parameter), (parameter, []))[1].append(name)
    parts = dict(module.named_modules())
    return [
        Weight(tuple(names), _owner(parts, names[0]), parameter.numel() * parameter.element_size())
        for parameter, names in found.values()
    ]


def _owner(parts: Mapping[str, Any], name: str) -> str:
    """The class of the module that uses a parameter; of the one that is parametrized, not of its helper."""
    part = parts.get(
        name.partition(".parametrizations.")[0] if ".parametrizations." in name else name.rpartition(".")[0]
    )
    return str(getattr(part, "original_name", type(part).__name__))


def _of_dtype(module: nn.Module, dtype: str) -> set[str]:
    parameters = module.named_parameters(remove_duplicate=False)
    return {name for name, parameter in parameters if str(parameter.dtype) == f"torch.{dtype}"}


def _coverage(weights: list[Weight], converted: Collection[str]) -> Coverage:
    """What was converted; a weight that several modules share only where none of them kept it."""
    done = [weight for weight in weights if set(weight.names) <= set(converted)]
    left = [weight for weight in weights if not set(weight.names) <= set(converted)]
    left.sort(key=lambda weight: -weight.size_bytes)
    shown = [f"{weight.names[0]} ({weight.owner}, {weight.size_bytes:,} B)" for weight in left[:_LEFT_SHOWN]]
    if rest := left[_LEFT_SHOWN:]:
        shown.append(f"and {len(rest)} smaller ({sum(weight.size_bytes for weight in rest):,} B)")
    return Coverage(
        converted_bytes=sum(weight.size_bytes for weight in done),
        total_bytes=sum(weight.size_bytes for weight in weights),
        converted_count=len(done),
        total_count=len(weights),
        left=tuple(shown),
    )


def _refuse_nothing(job: Job, coverage: Coverage, module: nn.Module) -> None:
    if coverage.converted_bytes:
        return
    job.target.unlink(missing_ok=True)
    kinds = sorted(
        {type(part).__name__ for part in module.modules() if next(part.parameters(recurse=False), None) is not None}
    )
    raise Unsupported(
        Reason.NOTHING_CONVERTED, f"no weight was converted: the model's are in {', '.join(kinds) or 'no module'}"
    )


def _finish(
    job: Job, module: nn.Module, layout: dict[str, Any], coverage: Coverage, state: dict[str, torch.Tensor]
) -> Converted:
    """Write the tensors and count what the converted module holds."""
    import torch

    _refuse_nothing(job, coverage, module)
    with torch_layout.quiet():
        counted = torch_layout.count(module, layout)
        try:
            torch.save({name: _alone(tensor) for name, tensor in state.items()}, job.target)
        except (OSError, RuntimeError) as error:
            raise HarnessError(
                f"{job.target.name} could not be written: {torch_layout.first_sentence(error)}; free some disk space"
            ) from error
    return Converted(coverage, {**layout, **counted})


def _alone(tensor: Any) -> Any:
    """A tensor that is a small part of a larger storage, copied: the whole storage would be written otherwise."""
    if torch_layout.is_torchao(tensor) or not hasattr(tensor, "untyped_storage"):
        return tensor
    used: int = tensor.numel() * tensor.element_size()
    return tensor.clone() if tensor.untyped_storage().nbytes() > used else tensor


def _take_over(path: Path, target: Path) -> None:
    try:
        os.link(path.resolve(), target)
    except OSError:
        shutil.copyfile(path, target)
