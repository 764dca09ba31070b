"""Quality by slice: a metric over the short examples and the long ones, over one voice and another. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.metrics import Better, Pool
from harness.scores import Terms
from harness.stats.pooling import pooled

FEWEST = 5
"""Examples below which a slice is shown and not named the worst: one of them would decide."""


@dataclass(frozen=True, slots=True)
class SliceValue:
    """A metric over the examples of one slice: `key` says by what they are told apart ("length"), `name` which."""

    key: str
    name: str
    value: float
    examples: int


def by_slice(pool: Pool, terms: Sequence[Terms | None], slices: Sequence[Mapping[str, str]]) -> tuple[SliceValue, ...]:
    """The value over each slice, in the order in which they come up; slices without a value are left out.

    Examples that nobody sliced (`slices` is empty) have none.
    """
    if not slices:
        return ()
    if len(terms) != len(slices):
        raise ValueError(f"{len(terms)} examples and the slices of {len(slices)} are not the same ones")
    keys = dict.fromkeys(key for of in slices for key in of)
    found = []
    for key in keys:
        for name in dict.fromkeys(of[key] for of in slices if key in of):
            kept = [one for one, of in zip(terms, slices, strict=True) if of.get(key) == name and one is not None]
            value = pooled(pool, kept)
            if value is not None:
                found.append(SliceValue(key, name, value, len(kept)))
    return tuple(found)


def worst(values: Sequence[SliceValue], better: Better) -> SliceValue | None:
    """The slice with the worst value that enough examples tell; None where none is worse than its like."""
    if better is Better.NEITHER:
        return None
    enough = [one for one in values if one.examples >= FEWEST]
    sign = 1 if better is Better.HIGHER else -1
    candidates = [one for one in enough if any(sign * other.value > sign * one.value for other in _like(one, enough))]
    return min(candidates, key=lambda one: sign * one.value, default=None)


def _like(one: SliceValue, values: Sequence[SliceValue]) -> list[SliceValue]:
    return [other for other in values if other.key == one.key]
