"""Random weights that are the same on every machine, fast: copies of one seeded block. Imports torch: import it late.

The block is made of whole numbers only (sums of 16-bit pieces of PCG64's stream), since a normal drawn through a
logarithm or by vector instructions may differ in its last bit between two machines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import numpy as np
import torch
from torch import nn

_BLOCK = 1_000_003
"""A prime, so that the rows of a matrix never line up with copies of the block."""

_PIECES = 12


@lru_cache(maxsize=1)
def block(seed: int) -> torch.Tensor:
    """About a million draws that are normal to the eye (the sum of twelve uniform draws), mean 0 and variance 1."""
    words = np.random.PCG64(seed).random_raw(_BLOCK * _PIECES // 4)
    sums = words.view(np.uint16).reshape(_BLOCK, _PIECES).sum(axis=1, dtype=np.int64)
    mean = _PIECES * (2**16 - 1) / 2
    deviation = math.sqrt(_PIECES * (2**32 - 1) / 12)
    return torch.from_numpy(((sums - mean) / deviation).astype(np.float32))


@contextmanager
def uninitialised() -> Iterator[None]:
    """Have modules built without values for their weights: torch's initialisers do nothing meanwhile.

    Building on the meta device does the same, but a weight norm there makes torch import its compiler: two seconds.
    """
    names = [name for name in vars(nn.init) if name.endswith("_") and not name.startswith("_")]
    kept = {name: getattr(nn.init, name) for name in names}
    try:
        for name in names:
            setattr(nn.init, name, _left_alone)
        yield
    finally:
        for name, initialise in kept.items():
            setattr(nn.init, name, initialise)


def _left_alone(tensor: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
    return tensor


def fill(module: nn.Module, seed: int) -> None:
    """Give every parameter a value: matrices by fan-in, norms 1, biases 0, so that no layer fades or saturates."""
    source = _Stream(block(seed))
    for part in module.modules():
        own = dict(part.named_parameters(recurse=False))
        for name, parameter in own.items():
            if isinstance(part, (nn.LayerNorm, nn.GroupNorm)):
                parameter.data.fill_(0.0 if name == "bias" else 1.0)
            elif name == "original0":
                # the length of each vector of a weight norm: as long as the vector beside it is on average
                parameter.data.fill_(math.sqrt(own["original1"].numel() / parameter.numel()) * _scale(own["original1"]))
            elif name == "bias":
                parameter.data.zero_()
            else:
                source.pour(parameter.data, _scale(parameter))


def _scale(parameter: torch.Tensor) -> float:
    """The deviation that keeps the variance of what passes through: one over the root of the fan-in."""
    return 1.0 if parameter.ndim < 2 else 1.0 / math.sqrt(parameter[0].numel())


class _Stream:
    """Copies of the block, one after the other, each tensor going on where the last one ended."""

    def __init__(self, values: torch.Tensor) -> None:
        self._values = values
        self._place = 0

    def pour(self, target: torch.Tensor, scale: float) -> None:
        """Fill a tensor."""
        flat = target.view(-1)
        done = 0
        while done < flat.numel():
            count = min(self._values.numel() - self._place, flat.numel() - done)
            torch.mul(self._values[self._place : self._place + count], scale, out=flat[done : done + count])
            done += count
            self._place = (self._place + count) % self._values.numel()
