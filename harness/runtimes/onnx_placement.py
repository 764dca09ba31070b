"""Judges ONNX Runtime's record of which provider took which node: compute that is not where it was asked for is astray.

The rule. ONNX Runtime keeps on the CPU, on purpose, what works on shapes: it is small, and the host needs the result.
So the operations of `_SHAPE_WORK` may be on the CPU in a cell of another device, and every other operation may not:
products, convolutions, recurrent layers, normalisations, activations, and any operation that this file has never
heard of. The record holds no types, so an Add of shapes cannot be told from an Add of activations, and both pass;
a model that leaves such nodes to the CPU pays for the copies, and its time says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from harness.runtimes import Placement

_SHAPE_WORK = frozenset(
    {
        *("Constant", "ConstantOfShape", "Identity", "MemcpyFromHost", "MemcpyToHost"),
        *("Shape", "Size", "Cast", "Gather", "Unsqueeze", "Squeeze", "Concat", "Slice", "Split", "Reshape", "Flatten"),
        *("Range", "Expand", "Tile"),
        *("Add", "Sub", "Mul", "Div", "Mod", "Neg", "Abs", "Min", "Max", "Floor", "Ceil", "Sign"),
        *("ReduceProd", "ReduceMin", "ReduceMax"),
        *("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Not", "Xor", "Where"),
        # control flow: the nodes of its bodies are listed for themselves
        *("If", "Loop", "Scan"),
        *("SequenceConstruct", "SequenceAt", "SequenceLength", "SequenceInsert", "SequenceEmpty", "SplitToSequence"),
        "ConcatFromSequence",
    }
)


def placed(assigned: Iterable[tuple[str, str, str]], *, device: str, wanted: str, host: str) -> Placement:
    """Judge a record of (provider, operation, node name). `wanted` is the device's provider, `host` the CPU's."""
    nodes = list(assigned)
    by_provider = dict(sorted(Counter(provider for provider, _, _ in nodes).items()))
    if wanted != host and wanted not in by_provider:
        return Placement(device, by_provider, (f"the whole model ({len(nodes)} nodes on {host})",))
    astray = tuple(
        f"{name or 'an unnamed node'} ({operation} on {provider})"
        for provider, operation, name in nodes
        if provider != wanted and operation not in _SHAPE_WORK
    )
    return Placement(device, by_provider, astray)
