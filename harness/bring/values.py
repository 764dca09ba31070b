"""Makes example inputs: seeded random arrays of a shape, in a range that the model can take; and reads real ones.

Runs in a worker. The same seed and place give the same arrays on every machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.bring.signature import Shaped, is_length, sequence_length
from harness.errors import WorkloadProblem
from harness.models import Arrays

_RATES = ("sr", "sample_rate", "sampling_rate")
_RATE = 16_000


def random_inputs(inputs: Sequence[Shaped], seed: int, index: int, purpose: str = "measured") -> Arrays:
    """One example. `purpose` keeps what is calibrated on apart from what is measured."""
    import numpy as np

    made: dict[str, Any] = {}
    length = sequence_length(inputs)
    for one in inputs:
        # Each array has a generator of its own: another input beside it changes nothing.
        key = hashlib.sha256(f"{seed}/{purpose}/{index}/{one.name}".encode()).digest()
        generator = np.random.default_rng(int.from_bytes(key[:8], "little"))
        made[one.name] = _array(one, generator, length)
    return made


def range_words(one: Shaped) -> str:
    """From where the values of a random input are drawn, as it is told."""
    kind, low, high = _range(one, 0)
    match kind:
        case "length":
            return "the length of the sequence"
        case "normal":
            return "normal, mean 0, deviation 1"
        case "positions":
            return "0, 1, 2 …"
        case _:
            return f"{low}" if high - low == 1 else f"{low} to {high - 1}"


def _range(one: Shaped, length: int) -> tuple[str, int, int]:
    """How an input is filled: normal, positions, or whole numbers from the first up to below the second."""
    name = one.name.lower()
    if one.dtype.startswith("float"):
        return "normal", 0, 0
    if is_length(name):
        return "length", length, length + 1
    if name in _RATES:
        return "whole", _RATE, _RATE + 1
    if "mask" in name or one.dtype == "bool":
        return "whole", 1, 2
    if "position" in name:
        return "positions", 0, 0
    if one.rows is not None:
        return "whole", 0, one.rows
    return "whole", 0, 1 if "type_ids" in name else 2


def _array(one: Shaped, generator: Any, length: int) -> Any:
    import numpy as np

    kind, low, high = _range(one, length)
    if kind == "normal":
        return generator.standard_normal(one.shape).astype(one.dtype)
    if kind == "positions":
        last = one.shape[-1] if one.shape else 1
        return np.broadcast_to(np.arange(last), one.shape).astype(one.dtype)
    return generator.integers(low, high, size=one.shape).astype(one.dtype)


def read_inputs(path: Path) -> Arrays:
    """The arrays of an .npz file."""
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError as error:
        raise WorkloadProblem(f"{path.name} does not exist; check the path") from error
    except Exception as error:
        why = type(error).__name__
        raise WorkloadProblem(
            f"{path.name} is no .npz file of arrays ({why}); write one with numpy.savez(path, NAME=array)"
        ) from error
