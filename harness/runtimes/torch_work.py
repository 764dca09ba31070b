"""What a torch module does at least: listens to every operation that torch dispatches, of TorchScript too.

Counts products, convolutions, recurrent layers and attention by their shapes, and a weight as read by each of them that
is given it. What it does not know it counts as nothing. Composite operations are taken apart first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from harness.runtimes.work import Tally, convolution, product, recurrent

_Args = Sequence[Any]


class Listener(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes in a tally what is computed while it is entered."""

    def __init__(self, module: Any, tally: Tally) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._tally = tally
        self._weights = {tensor.untyped_storage().data_ptr() for tensor in weights_of(module)}

    def __torch_dispatch__(self, func: Any, types: Any, args: _Args = (), kwargs: Any = None) -> Any:
        """Note one operation and do it."""
        del types
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        count = _COUNTED.get(name)
        if count is None and not name.startswith(_ATTENTION):
            if not _is_composite(func):
                return func(*args, **kwargs)
            with self:
                return func.decompose(*args, **kwargs)
        returned = func(*args, **kwargs)
        (count or _attention)(self, args, kwargs, returned)
        return returned

    def compute(self, operations: int) -> None:
        """Note operations."""
        self._tally.compute(operations)

    def read(self, *tensors: Any, times: int = 1) -> None:
        """Note that those of the tensors that are weights are read."""
        for tensor in tensors:
            if not isinstance(tensor, torch.Tensor):
                continue
            storage = tensor.untyped_storage()
            if storage.data_ptr() in self._weights:
                size_bytes = min(tensor.numel() * tensor.element_size(), storage.nbytes())
                self._tally.read((storage.data_ptr(), tensor.storage_offset(), size_bytes), size_bytes, times)


@cache
def _is_composite(func: Any) -> bool:
    """Whether an operation is made of others; torch is asked once, since a call may dispatch thousands."""
    keys: Any = torch._C.DispatchKey  # noqa: SLF001 - torch has no other word for it
    return bool(func.has_kernel_for_dispatch_key(keys.CompositeImplicitAutograd))


def weights_of(module: Any) -> list[torch.Tensor]:
    """Parameters, buffers, and the constants that a frozen script has them in."""
    found = [*module.parameters(), *module.buffers()]
    graph = getattr(module, "inlined_graph", None)
    if graph is not None:
        found += [node.t("value") for node in graph.findAllNodes("prim::Constant") if _is_tensor(node)]
    return found


def _is_tensor(node: Any) -> bool:
    return bool(node.hasAttribute("value") and node.kindOf("value") == "t")


def _product(first: int, second: int) -> Callable[[Listener, _Args, Any, Any], None]:
    def count(listener: Listener, args: _Args, kwargs: Any, returned: Any) -> None:
        del kwargs, returned
        listener.compute(product(args[first].shape, args[second].shape))
        listener.read(args[first], args[second])

    return count


def _convolution(listener: Listener, args: _Args, kwargs: Any, returned: Any) -> None:
    del kwargs
    inputs, kernel, _, stride, padding, dilation, is_transposed = args[:7]
    axes = kernel.dim() - 2
    stride, padding, dilation = (list(each) * (axes if len(each) == 1 else 1) for each in (stride, padding, dilation))
    shape, out = list(inputs.shape), list(returned.shape)
    if inputs.dim() < kernel.dim():  # one example without its batch
        shape, out = [1, *shape], [1, *out]
    listener.compute(
        convolution(
            shape,
            kernel.shape,
            out,
            stride=stride,
            padding=padding,
            dilation=dilation,
            is_transposed=is_transposed,
        )
    )
    listener.read(kernel)


def _weight_norm(listener: Listener, args: _Args, kwargs: Any, returned: Any) -> None:
    """A weight made of its direction and length: the direction is as large as itself."""
    del kwargs, returned
    listener.read(args[0])


def _recurrent(listener: Listener, args: _Args, kwargs: Any, returned: Any) -> None:
    """Layers and directions one after the other. A step waits for the one before: its matrix is read once a step."""
    del kwargs, returned
    if isinstance(args[3], bool):  # input, hidden, weights, has_biases, layers, dropout, train, directions, batch first
        inputs, _, weights, has_biases, *_, is_batch_first = args
        shape = inputs.shape
        rows = shape[0] * shape[1] if len(shape) > 2 else shape[0]
        steps = shape[1] if is_batch_first and len(shape) > 2 else shape[0]
        bidirectional = args[7]
        layers = args[4]
    else:  # packed: data, sizes of the batches, hidden, weights, has_biases, layers, dropout, train, directions
        data, sizes, _, weights, has_biases, layers, _, _, bidirectional = args
        rows, steps = data.shape[0], sizes.numel()
    del has_biases
    per_layer = len(weights) // (layers * (2 if bidirectional else 1))
    for first in range(0, len(weights), per_layer):
        matrices = [weight for weight in weights[first : first + per_layer] if weight.dim() == 2]
        listener.compute(recurrent(rows, [weight.numel() for weight in matrices]))
        listener.read(matrices[0])
        listener.read(*matrices[1:], times=steps)


def _attention(listener: Listener, args: _Args, kwargs: Any, returned: Any) -> None:
    """Queries by keys, then by values. What a causal mask hides is not computed."""
    del returned
    query, key, value = (tensor.shape for tensor in args[:3])
    heads, queries, keys = math.prod(query[:-2]), query[-2], key[-2]
    is_causal = kwargs.get("is_causal", False) or any(arg is True for arg in args[3:])
    pairs = sum(min(row + 1, keys) for row in range(queries)) if is_causal else queries * keys
    listener.compute(2 * heads * pairs * (query[-1] + value[-1]))


def _whole_attention(listener: Listener, args: _Args, kwargs: Any, returned: Any) -> None:
    """The fast path of `MultiheadAttention`: projections in, attention, projection out."""
    del kwargs, returned
    query, key, value, width = args[:4]
    into, out = args[5], args[7]
    batch, queries, keys = query.shape[0], query.shape[1], key.shape[1]
    listener.compute(2 * batch * width * width * (queries + key.shape[1] + value.shape[1] + queries))
    listener.compute(4 * batch * queries * keys * width)
    listener.read(into, out)


_ATTENTION = ("_scaled_dot_product_",)

_COUNTED: dict[str, Callable[[Listener, _Args, Any, Any], None]] = {
    "mm": _product(0, 1),
    "bmm": _product(0, 1),
    "mv": _product(0, 1),
    "addmm": _product(1, 2),
    "addmv": _product(1, 2),
    "baddbmm": _product(1, 2),
    "addbmm": _product(1, 2),
    "convolution": _convolution,
    "_weight_norm_interface": _weight_norm,
    "lstm": _recurrent,
    "gru": _recurrent,
    "rnn_tanh": _recurrent,
    "rnn_relu": _recurrent,
    "_native_multi_head_attention": _whole_attention,
}
