"""The inputs of TorchScript and torch.export files. Runs in a worker; imports torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.bring.exported import program, user_inputs
from harness.bring.signature import Dim, Input, Signature
from harness.errors import UsageProblem


def script_signature(path: Path) -> Signature:
    """Read the schema of `forward`: names and types, for a script tells no shapes. What has a default is left out."""
    from harness.precisions import torch_script

    whole = torch_script.load(path)
    try:
        schema = whole.forward.schema
    except (AttributeError, RuntimeError) as error:
        raise UsageProblem(f"{path.name} has no forward to call; save a module that has one") from error
    inputs = []
    for argument in schema.arguments[1:]:
        if argument.has_default_value():
            continue
        kind = str(argument.type)
        if kind not in ("Tensor", "int", "float", "bool"):
            raise UsageProblem(
                f"{path.name}: its input {argument.name} is a {kind}, and only tensors can be made up;"
                " declare the model instead (docs/adding-a-model.md)"
            )
        if kind == "Tensor":
            inputs.append(Input(argument.name, "float32", None))
        else:
            inputs.append(Input(argument.name, {"int": "int64", "float": "float32", "bool": "bool"}[kind], ()))
    return _told(path, "torchscript", inputs)


def exported_signature(path: Path) -> Signature:
    """Read the exported program's own inputs: dtype, fixed and open lengths, and the shapes it was exported with."""
    exported = program(path)
    given = _examples(exported)
    inputs = []
    for node in user_inputs(exported, path):
        value = node.meta.get("val")
        if not hasattr(value, "shape"):
            raise UsageProblem(
                f"{path.name}: its input {node.name} is a {type(value).__name__}, and only tensors can be made up;"
                " export the model with tensors alone"
            )
        dims: list[Dim] = [int(one) if isinstance(one, int) else str(one) for one in value.shape]
        like = given.get(node.name)
        inputs.append(Input(node.name, str(value.dtype).removeprefix("torch."), tuple(dims), _rows(node), like))
    return _told(path, "torch-export", inputs)


def _told(path: Path, kind: str, inputs: list[Input]) -> Signature:
    if not inputs:
        raise UsageProblem(f"{path.name} takes no inputs, so nothing can be run through it; give another model")
    return Signature(kind, tuple(inputs))


def _examples(exported: Any) -> dict[str, tuple[int, ...]]:
    """The shapes of the example inputs that the program was exported with, where it kept them."""
    if exported.example_inputs is None:
        return {}
    from torch.utils import _pytree as pytree

    leaves = pytree.tree_leaves(exported.example_inputs)
    return {
        name: tuple(leaf.shape)
        for name, leaf in zip(exported.graph_signature.user_inputs, leaves, strict=False)
        if isinstance(name, str) and hasattr(leaf, "shape")
    }


def _rows(node: Any) -> int | None:
    """The rows of the smallest embedding that an input picks rows of."""
    found = [
        int(user.args[0].meta["val"].shape[0])
        for user in node.users
        if "embedding" in str(user.target) and len(user.args) > 1 and user.args[1] is node
    ]
    return min(found, default=None)
