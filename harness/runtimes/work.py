"""Adds up what calls do at least: operations of products and convolutions, and which weights they read.

Imports no runtime: those who watch one run say what they saw, in shapes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from functools import cache
from typing import Any, Protocol, runtime_checkable

from harness.limits import CallWork, grouped
from harness.models import Call

Drive = Callable[[Call], object]
"""Runs an example by calling what it is given."""


@runtime_checkable
class CountsWork(Protocol):
    """A session that can be watched while it computes."""

    def work_of(self, drives: Sequence[Drive]) -> tuple[tuple[CallWork, ...], ...]:
        """What each of these makes the model do, call by call. Slow: nothing is timed meanwhile."""


class Tally:
    """The work of the calls of one example."""

    def __init__(self) -> None:
        self._calls: list[CallWork] = []
        self._begin()

    def _begin(self) -> None:
        self._operations = 0
        self._size_bytes: dict[Hashable, int] = {}
        self._times: Counter[Hashable] = Counter()

    def compute(self, operations: int) -> None:
        """Note operations."""
        self._operations += operations

    def read(self, weight: Hashable, size_bytes: int, times: int = 1) -> None:
        """Note that a weight is read, so many times one after the other."""
        self._size_bytes[weight] = size_bytes
        self._times[weight] += times

    def end_call(self) -> None:
        """What was noted since the last end is one call."""
        read: Counter[int] = Counter()
        for weight, times in self._times.items():
            read[times] += self._size_bytes[weight]
        self._calls.append(CallWork(float(self._operations), dict(sorted(read.items()))))
        self._begin()

    def calls(self) -> tuple[CallWork, ...]:
        """The calls, those alike that follow each other as one."""
        return grouped(self._calls)


def product(shape: Sequence[int], other: Sequence[int]) -> int:
    """Operations of a product of matrices, or of two batches of them that are broadcast."""
    rows = shape[-2] if len(shape) > 1 else 1
    columns = other[-1] if len(other) > 1 else 1
    return 2 * batches(shape[:-2], other[:-2]) * rows * shape[-1] * columns


def batches(leading: Sequence[int], other: Sequence[int]) -> int:
    """How many matrices two batches make when broadcast."""
    longest = max(len(leading), len(other))
    padded = ([1] * (longest - len(each)) + list(each) for each in (leading, other))
    return math.prod(right if left == 1 else left for left, right in zip(*padded, strict=True))


def convolution(
    shape: Sequence[int],
    kernel: Sequence[int],
    out: Sequence[int],
    *,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    is_transposed: bool = False,
) -> int:
    """Operations of a direct convolution. Taps that fall into the padding cost nothing.

    `kernel` is (out, in of a group, …), of a transposed one (in, out of a group, …), as both runtimes keep it.
    """
    near, far = (out, shape) if is_transposed else (shape, out)
    along = [
        taps(near[2 + axis], far[2 + axis], size, stride[axis], padding[axis], dilation[axis])
        for axis, size in enumerate(kernel[2:])
    ]
    return 2 * shape[0] * kernel[0] * kernel[1] * math.prod(along)


@cache
def taps(near: int, far: int, size: int, stride: int, padding: int, dilation: int) -> int:
    """Pairs of a place (of `far`) and a tap of the kernel that meet a place that is there (of `near`)."""
    total = 0
    for tap in range(size):
        offset = tap * dilation - padding
        first = max(-(offset // stride), 0)  # the first place whose tap is not left of the beginning
        last = min((near - 1 - offset) // stride, far - 1)
        total += max(last - first + 1, 0)
    return total


def recurrent(rows: int, weights: Sequence[Any]) -> int:
    """Operations of a recurrent layer: each of its matrices (as a count of elements) meets every row once."""
    return sum(2 * rows * count for count in weights)
