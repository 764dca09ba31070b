"""The reference of a torch network: its weights out of a checkpoint, or, without one, drawn at random.

Owns the words by which reports tell the two apart. Imports no torch: what is given runs in the worker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness.models import ModuleReference, Setting


@dataclass(frozen=True, slots=True)
class Weights:
    """Those of a checkpoint: how a module gets them, what tells them from others, and what they are called."""

    fill: Callable[[Any], None]
    identity: tuple[str, ...]
    name: str


def at_random(seed: int) -> str:
    """How drawn weights are called."""
    return f"random weights (seed {seed}), made by suites/seeded.py"


def module_reference(
    described: tuple[str, ...],
    setting: Setting,
    skeleton: Callable[[], Any],
    draw: Callable[[int, Any], None],
    read: Callable[[Path], Weights],
) -> ModuleReference:
    """The module that a setting asks for; `described` is all that decides it besides its weights."""
    if setting.checkpoint is None:
        return ModuleReference(
            skeleton=skeleton,
            fill=partial(draw, setting.seed),
            identity=(*described, f"seed {setting.seed}"),
            provenance=at_random(setting.seed),
        )
    weights = read(setting.checkpoint)
    return ModuleReference(
        skeleton=skeleton,
        fill=weights.fill,
        identity=(*described, *weights.identity),
        provenance=f"checkpoint {weights.name}",
    )
