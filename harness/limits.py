"""The least time that a machine allows for some work: records of the work and of the machine's rates, and the bound.

Pure. Work is what one call of a model cannot do without: the products of its matrices and convolutions, and reading
its weights. Everything else (activations, softmax, sampling, copies) counts as nothing, so that the true minimum lies
higher: what is said here is a bound from below. docs/limits.md tells what it leaves out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

_FLOAT_BYTES = 4
"""Weights are counted in fp32."""

_KINDS: Mapping[str, tuple[str, ...]] = {
    "fp32": ("fp32",),
    "fp16": ("fp16", "fp32"),
    "bf16": ("bf16", "fp32"),
}
"""The arithmetic that a precision may use; one that is not named here may use any."""


@dataclass(frozen=True, slots=True)
class CallWork:
    """What one call does at least; `times` such calls one after the other.

    `operations` are multiplications and additions: 2·m·k·n of an m×k by k×n product. `read_bytes` are the fp32 weights
    it uses, by how often each must be read: once, or once a step of a loop whose next step waits for this one.
    """

    operations: float
    read_bytes: dict[int, int] = field(default_factory=dict)
    times: int = 1

    @property
    def distinct_bytes(self) -> int:
        """The weights that are used at all."""
        return sum(self.read_bytes.values())


@dataclass(frozen=True, slots=True)
class Work:
    """What a pass of the workload does at least, example by example and call by call; or why that is not known."""

    runtime: str = ""
    examples: tuple[tuple[CallWork, ...], ...] = ()
    unavailable: str = ""

    def __post_init__(self) -> None:
        if bool(self.examples) == bool(self.unavailable):
            raise ValueError("work is counted, or it is said why not")

    @property
    def operations(self) -> float:
        """Operations of a whole pass."""
        return math.fsum(call.operations * call.times for calls in self.examples for call in calls)


@dataclass(frozen=True, slots=True)
class Rates:
    """What a runtime was seen to reach on a device, at its best.

    `operations_per_second` by kind of arithmetic; `read_bytes_per_second` by how many bytes were read over and over:
    what fits a cache is read faster. `unavailable` says, by the same keys, what could not be measured and why.
    """

    runtime: str
    device: str
    threads: int
    operations_per_second: dict[str, float] = field(default_factory=dict)
    read_bytes_per_second: dict[int, float] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rates = (*self.operations_per_second.values(), *self.read_bytes_per_second.values())
        if not all(math.isfinite(rate) and rate > 0 for rate in rates):
            raise ValueError(f"the rates of {self.runtime} on {self.device} must be finite and above zero")

    def joined(self, other: Rates) -> Rates:
        """The best of both: a limit is what was reached once, however seldom."""
        reached = self.operations_per_second | other.operations_per_second
        read = self.read_bytes_per_second | other.read_bytes_per_second
        operations = {kind: max(rate, self.operations_per_second.get(kind, rate)) for kind, rate in reached.items()}
        reading = {size: max(rate, self.read_bytes_per_second.get(size, rate)) for size, rate in read.items()}
        known = {*operations, *map(str, reading)}
        gaps = {name: why for name, why in (self.unavailable | other.unavailable).items() if name not in known}
        return replace(self, operations_per_second=operations, read_bytes_per_second=reading, unavailable=gaps)

    def fastest(self, precision: str) -> float | None:
        """The best rate of arithmetic that a precision may use; None where none of them was measured."""
        kinds = _KINDS.get(precision, tuple(self.operations_per_second))
        return max((rate for kind in kinds if (rate := self.operations_per_second.get(kind))), default=None)

    def reading(self, size_bytes: float) -> float | None:
        """The most that is read of so many bytes; None below what was measured, where caches are faster still.

        Of two sizes beside it the smaller counts, and no size is slower than a larger one: both err towards faster.
        """
        fitting = [size for size in self.read_bytes_per_second if size <= size_bytes]
        if not fitting:
            return None
        return max(rate for size, rate in self.read_bytes_per_second.items() if size >= max(fitting))


@dataclass(frozen=True, slots=True)
class Limit:
    """The least seconds of a pass, and what either cause alone would take."""

    seconds: float
    arithmetic_seconds: float
    reading_seconds: float

    @property
    def binds(self) -> str:
        """What the machine is waited for."""
        return "arithmetic" if self.arithmetic_seconds >= self.reading_seconds else "reading the weights"


def limit_of(work: Work, rates: Rates, precision: str, count_by_dtype: Mapping[str, int]) -> Limit | None:
    """The bound of a pass; None where no rate of arithmetic is known that the precision may use.

    A call waits for the slower of both, and the next call for this one: the sum over calls is a bound, too.
    `count_by_dtype` are the weights of the artifact: the narrowest are taken for those that are read most.
    """
    fastest = rates.fastest(precision)
    if fastest is None:
        return None
    seconds, arithmetic, reading = list[float](), list[float](), list[float]()
    for call in (call for calls in work.examples for call in calls):
        computed = call.operations / fastest
        read = reading_seconds(narrowed(call.read_bytes, count_by_dtype), rates)
        seconds.append(call.times * max(computed, read))
        arithmetic.append(call.times * computed)
        reading.append(call.times * read)
    return Limit(math.fsum(seconds), math.fsum(arithmetic), math.fsum(reading))


def reading_seconds(read_bytes: Mapping[int, float], rates: Rates) -> float:
    """The least time to read weights: once among all that the call uses, again among those that are read as often."""
    every = rates.reading(sum(read_bytes.values()))
    total = 0.0
    for times, size in read_bytes.items():
        again = rates.reading(size)
        total += (size / every if every else 0.0) + ((times - 1) * size / again if again else 0.0)
    return total


def narrowed(read_bytes: Mapping[int, int], count_by_dtype: Mapping[str, int]) -> dict[int, float]:
    """The bytes of an artifact's weights that stand for these in fp32, at the least.

    Nothing says which weights were converted, so the narrowest are given to those that are read most often.
    """
    widths = sorted((bits_of(dtype), count) for dtype, count in count_by_dtype.items() if count)
    narrowest = widths[0][0] if widths else 8 * _FLOAT_BYTES
    found = {}
    for times in sorted(read_bytes, reverse=True):
        left = read_bytes[times] // _FLOAT_BYTES
        bits = 0
        while left and widths:
            width, count = widths[0]
            taken = min(left, count)
            widths[0:1] = [(width, count - taken)] if count > taken else []
            left -= taken
            bits += taken * width
        found[times] = (bits + left * narrowest) / 8
    return found


def bits_of(dtype: str) -> int:
    """How many bits an element takes: `int4 in int8` lies in eight."""
    found = re.search(r"\d+", dtype.rpartition(" in ")[2])
    return int(found.group()) if found else 8 * _FLOAT_BYTES


def grouped(calls: Iterable[CallWork]) -> tuple[CallWork, ...]:
    """Calls with the same work, one after the other, as one entry."""
    found: list[CallWork] = []
    for call in calls:
        last = found[-1] if found else None
        if last and (last.operations, last.read_bytes) == (call.operations, call.read_bytes):
            found[-1] = replace(last, times=last.times + call.times)
        else:
            found.append(call)
    return tuple(found)
