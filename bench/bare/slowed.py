"""What a change of `live_gate.py` does to a model: more work, a sleep, a slower tail, memory that is held.

Copied into the clone as `suites/slowed.py`; imports no runtime, as every declaration.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from harness.models import Arrays, Call, Model

ONE_IN = 12
_SIDE = 32
_HELD: list[bytearray] = []

Extra = Callable[[], None]


def slowed(model: Model, what: str, amount: float) -> Model:
    """The model with so much more: multiplications, seconds of sleep, or bytes."""
    if what == "held":
        return replace(model, workload=_holding(model.workload, round(amount)))
    change = _now_and_then if what == "tail" else _after_each
    return replace(model, drive=change(model.drive, extra_of(what, amount)))


def extra_of(what: str, amount: float) -> Extra:
    """What is done after an output."""
    if what in ("work", "tail"):
        return lambda: _multiply(round(amount))
    if what == "sleep":
        return lambda: time.sleep(amount)
    raise ValueError(f"nothing is known of {what!r}; it is work, tail, sleep or held")


def _after_each(plain: Any, extra: Extra) -> Any:
    def drive(call: Call, inputs: Arrays) -> Iterator[Arrays]:
        for outputs in plain(call, inputs):
            extra()
            yield outputs

    return drive


def _now_and_then(plain: Any, extra: Extra) -> Any:
    """One inference in so many, by chance: a fixed period could fall in step with whoever takes samples."""
    slow = _after_each(plain, extra)
    chance = random.Random(0)

    def drive(call: Call, inputs: Arrays) -> Iterator[Arrays]:
        return (slow if chance.randrange(ONE_IN) == 0 else plain)(call, inputs)

    return drive


def _holding(plain: Any, size_bytes: int) -> Any:
    def workload(setting: Any) -> Any:
        _HELD.append(bytearray(b"\1") * size_bytes)  # of ones: a page of zeros takes no memory
        return plain(setting)

    return workload


_matrices: list[Any] = []


def _multiply(times: int) -> None:
    if not _matrices:
        import numpy as np

        _matrices.extend(np.full((_SIDE, _SIDE), 0.5, np.float32) for _ in range(3))
    left, right, product = _matrices
    for _ in range(times):
        left.dot(right, out=product)
