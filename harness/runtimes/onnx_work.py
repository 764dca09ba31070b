"""What an ONNX file does at least: a second session, unoptimized and profiled, tells the shapes given to each node.

The file gives what a profile does not: attributes, and which inputs are constants, so weights. Products, convolutions
and recurrent layers are counted, in the branches and loops that were truly run; any other node counts as nothing.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from harness.errors import HarnessError
from harness.limits import CallWork
from harness.models import Arrays
from harness.runtimes.work import Drive, Tally, convolution, product, recurrent

if TYPE_CHECKING:
    import onnx

_MOST_BYTES = 2_000_000_000
"""A larger file keeps its weights beside it, and a copy with other names would have to be written."""

_NAME, _CALL_ENDED = "quantgate-counted-", "model_run"

_BYTES: Mapping[str, int] = {"float": 4, "double": 8, "float16": 2, "bfloat16": 2}

_Shape = Sequence[int]


@dataclass(frozen=True, slots=True)
class Node:
    """A node that is counted. `weights` names each input that is a constant; None stands for what is computed."""

    op: str
    attributes: Mapping[str, Any]
    weights: tuple[str | None, ...]


class _Arguments(msgspec.Struct):
    input_type_shape: list[dict[str, list[int]]] = []
    output_type_shape: list[dict[str, list[int]]] = []


class _Event(msgspec.Struct):
    name: str
    cat: str = ""
    args: _Arguments | None = None


def work_of(path: Path, options: Any, providers: Sequence[Any], drives: Sequence[Drive]) -> tuple[Any, ...]:
    """What the file does when it is driven so, call by call. `options` are those of the session that is measured."""
    import onnxruntime

    counted, content = _prepared(path)
    calls = []
    with tempfile.TemporaryDirectory(prefix="quantgate-") as folder:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        # A weight that is laid out anew while loading is no input any more, and would be missing in the profile.
        options.add_session_config_entry("session.disable_prepacking", "1")
        options.enable_profiling = True
        options.profile_file_prefix = f"{folder}/profile"
        session = onnxruntime.InferenceSession(content, options, providers=providers, enable_fallback=0)
        names = [each.name for each in session.get_outputs()]
        made = 0

        def call(inputs: Arrays) -> Arrays:
            nonlocal made
            made += 1
            return dict(zip(names, session.run(names, dict(inputs)), strict=True))

        for drive in drives:
            made = 0
            drive(call)
            calls.append(made)
        events = _events(Path(session.end_profiling()))
    return _by_example(events, counted, calls)


def _events(profile: Path) -> list[_Event]:
    """The events of nodes that are counted, and of calls; most are of others, and are not worth reading."""
    wanted = (f'"name" :"{_NAME}'.encode(), f'"name" :"{_CALL_ENDED}"'.encode())
    decode = msgspec.json.Decoder(_Event).decode
    with profile.open("rb") as file:
        return [decode(line.rstrip(b",\r\n]")) for line in file if any(each in line for each in wanted)]


def _by_example(
    events: Sequence[_Event], counted: Mapping[str, Node], calls: Sequence[int]
) -> tuple[tuple[CallWork, ...], ...]:
    """Share the events out: those of a call stand before the one that ends it."""
    ended = sum(event.name == _CALL_ENDED for event in events)
    if ended != sum(calls):
        raise HarnessError(
            f"the profile tells of {ended} of {sum(calls)} calls, as it does when a pass has too many nodes;"
            " choose fewer examples (--sample-percent)"
        )
    each = iter(events)
    found = []
    for number in calls:
        tally = Tally()
        for _ in range(number):
            for event in each:
                if event.name == _CALL_ENDED:
                    break
                node = counted.get(event.name.removesuffix("_kernel_time"))
                if node is not None and event.cat == "Node" and event.args is not None:
                    _count(node, event.args, tally)
            tally.end_call()
        found.append(tally.calls())
    return tuple(found)


def _count(node: Node, told: _Arguments, tally: Tally) -> None:
    typed = [next(iter(each.items())) for each in told.input_type_shape]
    if len(typed) != len(node.weights):
        raise HarnessError(f"the profile gives a {node.op} {len(typed)} inputs where the file has {len(node.weights)}")
    out = next(iter(told.output_type_shape[0].values()))
    shapes = [shape for _, shape in typed]
    tally.compute(_OPERATIONS[node.op](node, shapes, out))
    steps = shapes[0][0] if node.op in _GATES else 1
    for place, (weight, (dtype, shape)) in enumerate(zip(node.weights, typed, strict=True)):
        # Of a recurrent layer: inputs' matrix, then the one of the state, which a step cannot do without.
        if weight is not None and place < (3 if node.op in _GATES else 2):
            times = steps if node.op in _GATES and place == 2 else 1
            tally.read(weight, math.prod(shape) * _BYTES.get(dtype, 4), times)


def _prepared(path: Path) -> tuple[dict[str, Node], bytes]:
    """The nodes that are counted, by names of their own, and the file with these names."""
    import onnx

    if path.stat().st_size > _MOST_BYTES:
        raise HarnessError(f"{path.name} is larger than {_MOST_BYTES / 1e9:g} GB")
    model = onnx.load(path)
    if model.ByteSize() > _MOST_BYTES:
        raise HarnessError(f"{path.name} with its weights is larger than {_MOST_BYTES / 1e9:g} GB")
    found = dict(_nodes(model.graph, {}, iter(range(1 << 62))))
    return found, model.SerializeToString()


def _nodes(graph: onnx.GraphProto, around: Mapping[str, str], numbers: Iterator[int]) -> Iterator[tuple[str, Node]]:
    """Name the nodes that are counted and give them. `around` are the constants of the graphs that hold this one."""
    import onnx

    constants = dict(around)
    own = next(numbers)
    computed = {each.name for each in graph.input} - {each.name for each in graph.initializer}
    for name in computed:
        constants.pop(name, None)
    names = (*(each.name for each in graph.initializer), *(each.values.name for each in graph.sparse_initializer))
    constants |= {name: f"{own}:{name}" for name in names}
    for node in graph.node:
        inner = [part for attribute in node.attribute for part in (attribute.g, *attribute.graphs) if part.node]
        for part in inner:
            yield from _nodes(part, constants, numbers)
        given = [name for name in node.input if name]
        is_constant = all(name in constants for name in given) and not inner and node.op_type not in _RANDOM
        for name in node.output:
            if is_constant:  # folded before the first call, or free to be
                constants[name] = f"{own}:{name}"
            else:
                constants.pop(name, None)
        if node.op_type in _OPERATIONS and not is_constant:
            attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
            node.name = f"{_NAME}{next(numbers)}"
            yield node.name, Node(node.op_type, attributes, tuple(constants.get(name) for name in given))


def _matmul(node: Node, shapes: Sequence[_Shape], out: _Shape) -> int:
    del node, out
    return product(shapes[0], shapes[1])


def _gemm(node: Node, shapes: Sequence[_Shape], out: _Shape) -> int:
    return 2 * math.prod(out) * shapes[0][0 if node.attributes.get("transA") else 1]


def _conv(node: Node, shapes: Sequence[_Shape], out: _Shape) -> int:
    is_transposed = node.op == "ConvTranspose"
    kernel = shapes[1]
    ones = [1] * (len(kernel) - 2)
    stride = node.attributes.get("strides", ones)
    dilation = node.attributes.get("dilations", ones)
    near, far = (out, shapes[0]) if is_transposed else (shapes[0], out)
    padding = _padding(node.attributes, near[2:], far[2:], kernel[2:], stride, dilation)
    return convolution(
        shapes[0], kernel, out, stride=stride, padding=padding, dilation=dilation, is_transposed=is_transposed
    )


def _padding(
    attributes: Mapping[str, Any], near: _Shape, far: _Shape, kernel: _Shape, stride: _Shape, dilation: _Shape
) -> list[int]:
    """How many places are put before each axis."""
    automatic = attributes.get("auto_pad", b"NOTSET")
    if automatic == b"NOTSET":
        return list(attributes.get("pads", [0] * 2 * len(kernel))[: len(kernel)])
    if automatic == b"VALID":
        return [0] * len(kernel)
    needed = [
        max((places - 1) * step + (size - 1) * apart + 1 - there, 0)
        for there, places, size, step, apart in zip(near, far, kernel, stride, dilation, strict=True)
    ]
    return [each // 2 if automatic == b"SAME_UPPER" else each - each // 2 for each in needed]


def _recurrent(node: Node, shapes: Sequence[_Shape], out: _Shape) -> int:
    del node, out
    steps, batch, _ = shapes[0]
    return recurrent(steps * batch, [math.prod(shape) for shape in shapes[1:3]])


def _einsum(node: Node, shapes: Sequence[_Shape], out: _Shape) -> int:
    """Two factors: every index once. More, or some that are left out of the words, count as nothing."""
    del out
    equation = node.attributes["equation"].decode().replace(" ", "")
    factors = equation.partition("->")[0].split(",")
    if len(factors) != 2 or "." in equation:
        return 0
    sizes = dict(_indices(factors, shapes))
    return 2 * math.prod(sizes.values())


def _indices(factors: Sequence[str], shapes: Sequence[_Shape]) -> Iterable[tuple[str, int]]:
    for letters, shape in zip(factors, shapes, strict=True):
        yield from zip(letters, shape, strict=True)


_GATES = ("LSTM", "GRU", "RNN")
_RANDOM = ("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli")

_OPERATIONS: Mapping[str, Callable[[Node, Sequence[_Shape], _Shape], int]] = {
    "MatMul": _matmul,
    "Gemm": _gemm,
    "Conv": _conv,
    "ConvTranspose": _conv,
    "Einsum": _einsum,
    **dict.fromkeys(_GATES, _recurrent),
}
