"""Precisions as recipes, in a lazy table: listing them imports no runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from harness.models import Arrays, Coverage, Reference


@dataclass(frozen=True, slots=True)
class Job:
    """One conversion: from where, to which new file, with what. The target's folder is empty and private to the job."""

    reference: Reference
    target: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    engine: str | None = None
    calibration: Callable[[], Iterable[Arrays]] | None = None


@dataclass(frozen=True, slots=True)
class Converted:
    """What a conversion did, and what the runtime must know to open the result again (JSON only)."""

    coverage: Coverage
    layout: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a reference becomes one precision. `conversions` is keyed by the reference's format.

    `version` is raised whenever the result of a conversion would change: it is part of the artifact's key.
    """

    name: str
    summary: str
    version: int
    conversions: Mapping[str, Callable[[Job], Converted]]
    distributions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def recipe(precision: str) -> Recipe:
    """Return the recipe of a precision; its file is imported now, its libraries when it converts."""
    found: Recipe = import_module(f"harness.precisions.{precision.replace('-', '_')}").RECIPE
    return found
