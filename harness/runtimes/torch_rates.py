"""What torch reaches on a device: products and convolutions in each kind of arithmetic, and reading at several sizes.

Convolutions are tried because they may use other kernels than products, and faster ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

import torch

from harness.cells import Device
from harness.limits import Rates
from harness.runtimes import Tuning
from harness.runtimes.rates import READ_SIZES, Timed, Trial, measured
from harness.runtimes.torch_places import Place, claim

_HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}
_SIDES = {"cpu": (256, 512), "cuda": (4096, 8192), "mps": (1024, 2048)}
_LONG_SECONDS = 0.02
"""What a product of the smallest side may take for the larger ones to be tried: without kernels for it, a CPU takes a
second for those; with them, only those show what it reaches."""
_CHANNELS, _PLACES = 256, 1024
_BEYOND_CACHES_OF_A_GPU = 256_000_000


def rates(device: Device, tuning: Tuning, seconds: float) -> Rates:
    """The best of about so many seconds."""
    place = claim(device)
    torch.set_num_threads(tuning.threads)
    with torch.inference_mode():
        return measured("torch", device, tuning, _trials(place, tuning), timed_on(place), seconds)


def timed_on(place: Place) -> Timed:
    """By the device's own events, where it has them."""

    def timed(work: Callable[[], object]) -> float:
        start = time.perf_counter()
        place.run(work)
        taken = time.perf_counter() - start
        return taken if place.seconds is None else place.seconds

    return timed


def _trials(place: Place, tuning: Tuning) -> Iterator[Trial]:
    kind = place.target.type
    for side in _SIDES[kind]:
        yield Trial("fp32", 2.0 * side**3, partial(_product, place, side, torch.float32))
    yield Trial("fp32", 2.0 * 3 * _CHANNELS**2 * _PLACES, partial(_convolution, place))
    for name, dtype in _HALVES.items():
        smallest, *larger = _SIDES[kind]
        yield Trial(name, 2.0 * smallest**3, partial(_product, place, smallest, dtype))
        for side in larger:
            yield Trial(name, 2.0 * side**3, partial(_product_if_quick, place, side, smallest, dtype))
    side = _SIDES[kind][-1]
    yield Trial("int8", 2.0 * side**3, partial(_integers, place, side))
    if kind == "cpu":
        yield Trial("int8", 2.0 * side**3, partial(_quantized, side, tuning.engine))
    for size in READ_SIZES if kind == "cpu" else (*READ_SIZES, _BEYOND_CACHES_OF_A_GPU):
        yield Trial(size, size, partial(_sum, place, size))
        yield Trial(size, size, partial(_dot, place, size))


def _product(place: Place, side: int, dtype: torch.dtype) -> Callable[[], object]:
    left, right = (torch.randn(side, side, device=place.target).to(dtype) for _ in range(2))
    out = torch.empty(side, side, dtype=dtype, device=place.target)
    return lambda: torch.mm(left, right, out=out)


def _product_if_quick(place: Place, side: int, smallest: int, dtype: torch.dtype) -> Callable[[], object]:
    small = _product(place, smallest, dtype)
    small()
    if timed_on(place)(small) > _LONG_SECONDS:
        raise RuntimeError(f"a product of {smallest}×{smallest} takes too long to try a larger one")
    return _product(place, side, dtype)


def _convolution(place: Place) -> Callable[[], object]:
    heard = torch.randn(1, _CHANNELS, _PLACES + 2, device=place.target)
    kernel = torch.randn(_CHANNELS, _CHANNELS, 3, device=place.target)
    return lambda: torch.conv1d(heard, kernel)


def _integers(place: Place, side: int) -> Callable[[], object]:
    numbers = torch.randint(-9, 9, (side, side), dtype=torch.int8, device=place.target)
    multiply: Any = torch._int_mm  # noqa: SLF001 - the only product of int8 that torch offers for every device
    return lambda: multiply(numbers, numbers.t())


def _quantized(side: int, engine: str | None) -> Callable[[], object]:
    """The layer that dynamic quantization puts in, on its engine."""
    if engine is not None:
        torch.backends.quantized.engine = engine
    dynamic: Any = import_module("torch.ao.nn.quantized.dynamic")
    layer = dynamic.Linear(side, side)
    inputs = torch.randn(side, side)
    return lambda: layer(inputs)


def _sum(place: Place, size: int) -> Callable[[], object]:
    numbers = torch.ones(size // 4, device=place.target)
    return numbers.sum


def _dot(place: Place, size: int) -> Callable[[], object]:
    left, right = torch.ones(size // 8, device=place.target), torch.ones(size // 8, device=place.target)
    return lambda: torch.dot(left, right)
