"""Takes a balanced part of a workload: every kind of example keeps its share. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from harness.models import Example


def balanced_part(examples: Sequence[Example], percent: float, seed: int) -> tuple[Example, ...]:
    """Take `percent` of every slice (at least one example each), at random by the seed, in the workload's order."""
    if percent >= 100:
        return tuple(examples)
    by_kind: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for index, example in enumerate(examples):
        kind = (*sorted(example.slices.items()), ("label", example.label or ""))
        by_kind.setdefault(kind, []).append(index)
    chooser = random.Random(seed)  # noqa: S311 - a reproducible choice, no secret
    taken = {
        index
        for indices in by_kind.values()
        for index in chooser.sample(indices, max(1, math.floor(len(indices) * percent / 100 + 0.5)))
    }
    return tuple(example for index, example in enumerate(examples) if index in taken)
