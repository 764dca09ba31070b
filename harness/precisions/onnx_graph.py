"""What is in an ONNX file: its weights, wherever they are kept, and how much of them a conversion truly changed.

Owns the counting. Reads files and touches none; runs where files are converted, never where they are measured.

A weight is a tensor of floats, or of what floats were quantized to, with two elements or more, kept as an initializer
or as a Constant node, in the main graph, a nested one (If, Loop, Scan) or a function. Scales and zero points are not
weights, nor are integers that merely describe shapes.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import ArtifactUnreadable
from harness.models import Coverage

if TYPE_CHECKING:
    import onnx

_BITS: Mapping[str, int] = {
    "float64": 64,
    "float32": 32,
    "float16": 16,
    "bfloat16": 16,
    "float8e4m3fn": 8,
    "float8e4m3fnuz": 8,
    "float8e5m2": 8,
    "float8e5m2fnuz": 8,
    "float4e2m1": 4,
    "int8": 8,
    "uint8": 8,
    "int4": 4,
    "uint4": 4,
    "int2": 2,
    "uint2": 2,
}
_DTYPE_NAMES: Mapping[str, str] = {"float": "float32", "double": "float64"}

_COMPANIONS: Mapping[str, tuple[int, ...]] = {
    "QuantizeLinear": (1, 2),
    "DequantizeLinear": (1, 2),
    "MatMulInteger": (2, 3),
    "ConvInteger": (2, 3),
    "MatMulIntegerToFloat": (2, 3, 4, 5),
    "DynamicQuantizeMatMul": (2, 3),
    "DynamicQuantizeLSTM": (8, 9, 10, 11),
    "MatMulNBits": (2, 3),
    "GatherBlockQuantized": (2, 3),
    "QAttention": (3, 4, 6, 7),
    "QGemm": (1, 2, 4, 5, 7, 8),
    "QLinearConv": (1, 2, 4, 5, 6, 7),
    "QLinearMatMul": (1, 2, 4, 5, 6, 7),
}
"""Inputs, by operation, that hold scales and zero points."""

_QUANTIZED_NAME = re.compile(r"(_quantized|(_DQ)?_Q\d+(G\d+)?)$")
_COMPANION_NAME = re.compile(r"_(scale|zero_point)$")
_DEQUANTIZED_NAME = re.compile(r"_DequantizeLinear_Output$")

_HEAVY = ("Conv", "ConvTranspose", "MatMul", "Gemm", "LSTM", "GRU", "RNN", "Gather", "Attention")
"""Operations that commonly hold a model's weights; all but Gather are named even when they hold none."""

_LEFT_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Weight:
    """One weight of a file.

    `aliases` are the names it may have had before it was quantized. `users`: the nodes that read it (number, op type).
    """

    name: str
    element_count: int
    dtype: str
    aliases: frozenset[str]
    users: tuple[tuple[int, str], ...] = ()

    @property
    def bits(self) -> int:
        """Bits an element, as stored (32 for the integers of a quantized bias)."""
        return _BITS.get(self.dtype, 32)

    @property
    def is_float(self) -> bool:
        """Whether it is still held in floats, of any width."""
        return self.dtype.startswith(("float", "bfloat"))

    @property
    def size_bytes(self) -> int:
        """Bytes of the weight itself, without scales and zero points."""
        return (self.element_count * self.bits + 7) // 8


@dataclass(frozen=True, slots=True)
class Comparison:
    """A converted file beside its reference: the coverage, and the reference's nodes whose weights were converted."""

    coverage: Coverage
    nodes_by_op: Mapping[str, int]


def read(path: Path, *, with_external_data: bool = False) -> onnx.ModelProto:
    """Read a file; refuse in one line what is not ONNX. Weights kept in files beside it are left there by default."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path, load_external_data=with_external_data)
    except FileNotFoundError as error:
        raise ArtifactUnreadable(f"{path.name}: {error.filename or path} is missing; restore the file") from error
    except DecodeError as error:
        raise ArtifactUnreadable(f"{path.name} is not an ONNX file, or only a part of one; fetch it again") from error
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        raise ArtifactUnreadable(f"{path.name} cannot be read: {one_line(error)}; fetch it again") from error
    if not model.graph.node:
        raise ArtifactUnreadable(f"{path.name} holds no graph, so it is not an ONNX model; fetch it again")
    return model


def contents(path: Path) -> tuple[int, dict[str, int]]:
    """Count the weights' elements of a file, in all and by dtype."""
    by_dtype: Counter[str] = Counter()
    for weight in weights(read(path)):
        by_dtype[weight.dtype] += weight.element_count
    return sum(by_dtype.values()), dict(sorted(by_dtype.items()))


def weights(model: onnx.ModelProto) -> tuple[Weight, ...]:
    """Find every weight of a model."""
    users: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    companions: set[str] = set()
    dequantized: defaultdict[str, set[str]] = defaultdict(set)
    packed: dict[str, tuple[int, str]] = {}
    for number, (_, node) in enumerate(_nodes(model)):
        for position, name in enumerate(node.input):
            users[name].append((number, node.op_type))
            if position in _COMPANIONS.get(node.op_type, ()):
                companions.add(name)
        if node.op_type == "DequantizeLinear":
            dequantized[node.input[0]] |= {node.output[0], _DEQUANTIZED_NAME.sub("", node.output[0])}
        if node.op_type == "MatMulNBits":
            fact = {attribute.name: attribute.i for attribute in node.attribute}
            packed[node.input[1]] = (fact["K"] * fact["N"], f"int{fact.get('bits', 4)}")
    tensors = list(_tensors(model))
    names = {name for name, _, _ in tensors}
    # A dynamically quantized weight keeps a scale a channel that only a Mul reads: known by its name alone.
    companions |= {name for name in names if _COMPANION_NAME.sub("_quantized", name) in names - {name}}
    found = []
    for name, stored_count, stored_dtype in tensors:
        count, dtype = packed.get(name, (stored_count, stored_dtype))
        is_bias = dtype == "int32" and name in dequantized
        if count < 2 or name in companions or (dtype not in _BITS and not is_bias):
            continue
        aliases = frozenset({name, _QUANTIZED_NAME.sub("", name)} | dequantized[name])
        found.append(Weight(name, count, dtype, aliases, tuple(users[name])))
    return tuple(found)


def compare(reference: Sequence[Weight], converted: Sequence[Weight], *, names_differ: bool = False) -> Comparison:
    """Count which float weights of the reference are narrower in the converted file.

    A weight counts as converted when the file holds it in fewer bits and no longer at its old width. With
    `names_differ`, files that were not made from one another are matched by the number of elements where names fail.
    """
    kept: Counter[tuple[str, int, int]] = Counter()
    by_name: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for index, weight in enumerate(converted):
        kept[weight.name, weight.element_count, weight.bits if weight.is_float else 0] += 1
        for alias in weight.aliases:
            by_name[alias, weight.element_count].append(index)
    floats = [weight for weight in reference if weight.is_float]
    used: set[int] = set()
    done: set[int] = set()
    gone: list[int] = []
    for position, weight in enumerate(floats):
        if kept[weight.name, weight.element_count, weight.bits] > 0:
            kept[weight.name, weight.element_count, weight.bits] -= 1
            continue
        match = _first_narrower(by_name[weight.name, weight.element_count], converted, used, weight.bits)
        if match is None:
            gone.append(position)
        else:
            used.add(match)
            done.add(position)
    if names_differ:
        by_count: defaultdict[int, list[int]] = defaultdict(list)
        for index, weight in enumerate(converted):
            by_count[weight.element_count].append(index)
        for position in gone:
            weight = floats[position]
            match = _first_narrower(by_count[weight.element_count], converted, used, weight.bits)
            if match is not None:
                used.add(match)
                done.add(position)
    changed = [floats[position] for position in sorted(done)]
    left = [weight for position, weight in enumerate(floats) if position not in done]
    return Comparison(
        _coverage(changed, left),
        dict(sorted(Counter(op for _, op in {user for weight in changed for user in weight.users}).items())),
    )


def coverage_of_given(reference_path: Path | None, given_path: Path) -> Coverage:
    """Count what is quantized in a file that ships quantized: against its fp32 reference, or by itself.

    By itself, each quantized weight counts as the 32-bit floats that it once was.
    """
    given = weights(read(given_path))
    if reference_path is not None:
        return compare(weights(read(reference_path)), given, names_differ=True).coverage
    changed = [_as_float32(weight) for weight in given if weight.bits < 32]
    left = [_as_float32(weight) for weight in given if weight.bits >= 32]
    return _coverage(changed, left)


def full_coverage(path: Path) -> Coverage:
    """The coverage of a file taken as it is."""
    return _coverage([weight for weight in weights(read(path)) if weight.is_float], [])


def describe(model: onnx.ModelProto) -> str:
    """Say in one line which heavy operations a model has, and which of them have no constant weights to convert."""
    held = {alias for weight in weights(model) for alias in weight.aliases}
    counts: Counter[tuple[str, bool, bool]] = Counter()
    for nested, node in _nodes(model):
        if node.op_type in _HEAVY:
            has_weights = any(name in held for name in node.input)
            if has_weights or node.op_type != "Gather":
                counts[node.op_type, has_weights, nested] += 1
    parts = [
        f"{count} {op}{'' if has_weights else ' without constant weights'}{' in nested graphs' if nested else ''}"
        for (op, has_weights, nested), count in sorted(counts.items(), key=lambda item: -item[1])
    ]
    return ", ".join(parts) or "no convolution, matrix product or recurrent layer"


def _coverage(changed: Sequence[Weight], left: Sequence[Weight]) -> Coverage:
    converted_bytes = sum(weight.size_bytes for weight in changed)
    return Coverage(
        converted_bytes=converted_bytes,
        total_bytes=converted_bytes + sum(weight.size_bytes for weight in left),
        converted_count=len(changed),
        total_count=len(changed) + len(left),
        left=_name_biggest(left),
    )


def _name_biggest(left: Iterable[Weight]) -> tuple[str, ...]:
    ordered = sorted(left, key=lambda weight: -weight.size_bytes)
    shown, rest = ordered[:_LEFT_SHOWN], ordered[_LEFT_SHOWN:]
    names = [
        f"{weight.name} ({weight.users[0][1] if weight.users else 'unused'}, {weight.size_bytes:,} B)"
        for weight in shown
    ]
    if rest:
        names.append(f"and {len(rest)} smaller ({sum(weight.size_bytes for weight in rest):,} B)")
    return tuple(names)


def _first_narrower(candidates: Iterable[int], pool: Sequence[Weight], used: set[int], bits: int) -> int | None:
    return next((index for index in candidates if index not in used and pool[index].bits < bits), None)


def _as_float32(weight: Weight) -> Weight:
    return Weight(weight.name, weight.element_count, "float32", weight.aliases, weight.users)


def _nodes(model: onnx.ModelProto) -> Iterator[tuple[bool, onnx.NodeProto]]:
    """Yield every node, and whether its graph is nested in another."""
    for nested, graph in _graphs(model):
        for node in graph.node:
            yield nested, node


def _graphs(model: onnx.ModelProto) -> Iterator[tuple[bool, Any]]:
    waiting: list[tuple[bool, Any]] = [(False, model.graph), *((True, function) for function in model.functions)]
    while waiting:
        nested, graph = waiting.pop()
        yield nested, graph
        for node in graph.node:
            for attribute in node.attribute:
                inner = [attribute.g] if attribute.HasField("g") else attribute.graphs
                waiting.extend((True, each) for each in inner)


def _tensors(model: onnx.ModelProto) -> Iterator[tuple[str, int, str]]:
    """Yield name, number of elements and dtype of every constant tensor of a model."""
    for _, graph in _graphs(model):
        for tensor in getattr(graph, "initializer", ()):
            yield tensor.name, math.prod(tensor.dims), _dtype_name(tensor.data_type)
        for sparse in getattr(graph, "sparse_initializer", ()):
            yield sparse.values.name, math.prod(sparse.values.dims), _dtype_name(sparse.values.data_type)
        for node in graph.node:
            if node.op_type == "Constant":
                for attribute in node.attribute:
                    if attribute.name == "value":
                        yield node.output[0], math.prod(attribute.t.dims), _dtype_name(attribute.t.data_type)
                    elif attribute.name == "value_floats":
                        yield node.output[0], len(attribute.floats), "float32"


def _dtype_name(data_type: int) -> str:
    import onnx

    name = onnx.TensorProto.DataType.Name(data_type).lower()
    return _DTYPE_NAMES.get(name, name)


def one_line(error: BaseException) -> str:
    """The words of an error without their line breaks."""
    return " ".join(str(error).split())
