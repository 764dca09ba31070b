"""Opens a torch.export program as a torch module that recipes can work on: called by names, its products Linear again.

Runs in a worker. An exported graph holds `aten.linear` with bare parameters, where recipes look for modules; each is
put back as the `Linear` that it was. What it computes stays the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import ArtifactUnreadable, UsageProblem
from harness.models import ModuleReference
from harness.precisions.torch_layout import first_sentence, quiet

if TYPE_CHECKING:
    from torch import nn


def reference(path: Path, digest: str) -> ModuleReference:
    """The program as a reference: the weights come with the file."""
    return ModuleReference(
        skeleton=lambda: opened(path),
        fill=lambda _module: None,
        identity=("torch-export", digest),
        provenance=f"file {path.name}",
    )


def program(path: Path) -> Any:
    """Load an exported program; refuse in one line what is none."""
    import torch

    try:
        with quiet():
            return torch.export.load(path)
    except FileNotFoundError as error:
        raise ArtifactUnreadable(f"{path.name} is missing; restore the file") from error
    except Exception as error:
        raise ArtifactUnreadable(
            f"{path.name} is no torch.export file that torch {torch.__version__} reads, or only a part of one"
            f" ({first_sentence(error)}); export it again"
        ) from error


def user_inputs(exported: Any, path: Path) -> list[Any]:
    """The places of the graph that a caller fills, in their order."""
    places = {node.name: node for node in exported.graph.nodes if node.op == "placeholder"}
    names = exported.graph_signature.user_inputs
    if unknown := [name for name in names if name not in places]:
        raise UsageProblem(
            f"{path.name} was exported with {unknown[0]!r} as an input, no tensor; export it with tensors alone"
        )
    return [places[name] for name in names]


def opened(path: Path) -> nn.Module:
    """Make the program a module: `forward(**inputs)` by the names of its inputs."""
    import torch

    exported = program(path)
    names = [node.name for node in user_inputs(exported, path)]
    with quiet():
        graph: Any = exported.module()
    # An exported module refuses to be asked for training or not; it is what it was exported as.
    for refused in ("train", "eval"):
        graph.__dict__.pop(refused, None)
    _put_linears_back(graph)

    class Exported(torch.nn.Module):
        """Calls the program by names."""

        def __init__(self) -> None:
            super().__init__()
            self.program = graph

        def forward(self, **inputs: Any) -> Any:
            """Run the program on inputs given by name."""
            if set(inputs) != set(names):
                raise TypeError(f"the program takes {', '.join(names)}, and was given {', '.join(inputs)}")
            arguments, keywords = _as_called(exported, [inputs[name] for name in names])
            return self.program(*arguments, **keywords)

    return Exported().eval()


def _as_called(exported: Any, leaves: list[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The leaves as the arguments, by place and by name, that the program was exported with."""
    from torch.utils import _pytree as pytree

    arguments, keywords = pytree.tree_unflatten(leaves, exported.call_spec.in_spec)
    return tuple(arguments), dict(keywords)


def _put_linears_back(graph: Any) -> None:
    """Replace each `aten.linear` on parameters by a `Linear` of these very parameters; shared ones stay shared."""
    import torch

    count = 0
    for node in list(graph.graph.nodes):
        if str(node.target) != "aten.linear.default":
            continue
        held = [one for one in node.args[1:] if one is not None]
        if not all(one.op == "get_attr" for one in held):
            continue
        weight, *bias = [_parameter(graph, str(one.target)) for one in held]
        if not all(isinstance(one, torch.nn.Parameter) for one in (weight, *bias)):
            continue
        with torch.device("meta"):
            linear = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=bool(bias))
        linear.weight = weight
        if bias:
            linear.bias = bias[0]
        name = f"linear_{count}"
        count += 1
        graph.add_submodule(name, linear)
        with graph.graph.inserting_before(node):
            call = graph.graph.call_module(name, (node.args[0],))
        node.replace_all_uses_with(call)
        graph.graph.erase_node(node)
    graph.graph.eliminate_dead_code()
    graph.delete_all_unused_submodules()
    _drop_unused(graph)
    graph.recompile()


def _parameter(graph: Any, name: str) -> Any:
    try:
        return graph.get_parameter(name)
    except AttributeError:
        return None


def _drop_unused(graph: Any) -> None:
    """Let go of parameters that nothing reads by their old names: they would be counted and stored twice."""
    read = {str(node.target) for node in graph.graph.nodes if node.op == "get_attr"}
    called = {str(node.target) for node in graph.graph.nodes if node.op == "call_module"}
    for name, _ in list(graph.named_parameters(remove_duplicate=False)):
        owner, _, leaf = name.rpartition(".")
        if name not in read and owner not in called:
            delattr(graph.get_submodule(owner), leaf)
