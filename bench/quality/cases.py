"""What `quality_power.py` does to a model: how each damage is made, and what a right answer of the gate is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from quality.damage import add_noise, round_to_levels, zero_layer

if TYPE_CHECKING:
    import onnx

NOISE_SHARES = (0.001, 0.01, 0.05, 0.2)
GROSS_NOISE = 0.2
LAYERS = (("first", 0.0), ("middle", 0.5), ("last", 1.0))
AS_FOUND = ("fp16", "int8-dynamic", "int8-static", "int8-weight-only")
FORCED = "int4-weight-only"


@dataclass(frozen=True, slots=True)
class Damage:
    """One way in which a model is changed: its declaration (`kind`, of `declared`), its weights, or its precision.

    `must_be_found`: it is gross, and a gate that misses it has failed. `where_refused` stands in where the recipe of
    the precision converts nothing.
    """

    name: str
    must_be_found: bool = False
    kind: str | None = None
    weights: Callable[[onnx.ModelProto], object] | None = None
    precision: str = "fp32"
    where_refused: Damage | None = None


def damages(kinds: Sequence[str], precisions: Sequence[str], seeds: int) -> Iterator[Damage]:
    """All of them, the smallest noise first. `kinds` are the wrong declarations there are of a model."""
    for share in NOISE_SHARES:
        for seed in range(1, seeds + 1):
            name = f"weights + {share:.1%} noise, seed {seed}".replace(".0%", "%")
            yield Damage(name, share >= GROSS_NOISE, weights=partial(add_noise, share=share, seed=seed))
    for name, place in LAYERS:
        yield Damage(f"{name} layer zeroed", True, weights=partial(zero_layer, place=place))
    levels = Damage("int4 forced: weights rounded to 16 levels", weights=round_to_levels)
    yield Damage("int4 forced: by its recipe", precision=FORCED, where_refused=levels)
    for kind in kinds:
        yield Damage(_WORDS[kind], True, kind=kind)
    for precision in AS_FOUND:
        if precision in precisions:
            yield Damage(f"{precision} as found", precision=precision)


_WORDS = {
    "rate": "wrong sample rate",
    "declared-rate": "wrong sample rate declared",
    "cut": "5 % of the audio cut off",
    "swapped": "two labels swapped",
}
