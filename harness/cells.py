"""The grid: devices, cells, and why a cell cannot run. Knows no model and imports no runtime."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from glob import escape

from harness.errors import HarnessError, UsageProblem

PRECISIONS = ("fp32", "fp16", "bf16", "int8-dynamic", "int8-static", "int8-weight-only", "int4-weight-only")
AS_IS = "as-is"
"""Stands where a precision would: the cell is a test of somebody's own, timed as it is; its model is the test's id."""

DEVICE_KINDS = ("cpu", "cuda", "mps", "coreml")


class Reason(StrEnum):
    """Why a cell is unsupported on this machine. The code is stable; the text beside it is the engine's own word."""

    NO_PACKAGE = "NO_PACKAGE"
    NO_WEIGHTS = "NO_WEIGHTS"
    NO_DEVICE = "NO_DEVICE"
    NO_RECIPE = "NO_RECIPE"
    NO_KERNEL = "NO_KERNEL"
    NO_ENGINE = "NO_ENGINE"
    NOTHING_CONVERTED = "NOTHING_CONVERTED"
    TOO_SLOW = "TOO_SLOW"
    TOO_LITTLE_MEMORY = "TOO_LITTLE_MEMORY"
    SKIPPED = "SKIPPED"
    PROBE_CRASHED = "PROBE_CRASHED"
    PROBE_TIMED_OUT = "PROBE_TIMED_OUT"


class Unsupported(HarnessError):
    """The machine or the runtime cannot run this cell. Raised in the worker, recorded as an outcome of its own."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


@dataclass(frozen=True, slots=True, order=True)
class Device:
    """Where a session runs: `cpu`, `cuda`, `cuda:1`, `mps`, `coreml`."""

    kind: str
    index: int | None = None

    @classmethod
    def parse(cls, text: str) -> Device:
        """Read a device as written on the command line."""
        kind, colon, index = text.partition(":")
        if kind not in DEVICE_KINDS or (colon and (kind != "cuda" or not re.fullmatch(r"\d+", index))):
            raise UsageProblem(f"unknown device {text!r}; choose cpu, cuda, cuda:N, mps or coreml")
        return cls(kind, int(index) if colon else None)

    def __str__(self) -> str:
        return self.kind if self.index is None else f"{self.kind}:{self.index}"


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One model at one precision on one device."""

    model: str
    precision: str
    device: str

    def __str__(self) -> str:
        return f"{self.model}/{self.precision}/{self.device}"


@dataclass(frozen=True, slots=True)
class CellGlob:
    """Cells by globs, as written on the command line: `smart-turn-v2/int8-*/cpu`."""

    model: str
    precision: str
    device: str

    @classmethod
    def parse(cls, text: str) -> CellGlob:
        """Read `MODEL/PRECISION/DEVICE`."""
        parts = [part.strip() for part in text.split("/")]
        if len(parts) != 3 or not all(parts):
            raise UsageProblem(f"--cell {text!r}; write MODEL/PRECISION/DEVICE, as in smart-turn-v2/int8-*/cpu")
        return cls(*parts)

    def __str__(self) -> str:
        return f"{self.model}/{self.precision}/{self.device}"


@dataclass(frozen=True, slots=True)
class Blocked:
    """The reason, known before anything is measured, that a cell cannot run here."""

    reason: Reason
    text: str


def expand(
    models: Iterable[tuple[str, tuple[str, ...]]],
    devices: Iterable[Device],
    *,
    model_pattern: str = "*",
    precision_pattern: str = "*",
) -> tuple[Cell, ...]:
    """Make the cells of the grid, in the order models, devices, precisions were declared."""
    return tuple(
        Cell(name, precision, str(device))
        for name, precisions in models
        if matches(name, model_pattern)
        for device in devices
        for precision in precisions
        if matches(precision, precision_pattern)
    )


def measuring(cell: Cell) -> str:
    """The command that measures this cell and no other, as typed into a shell."""
    if cell.precision == AS_IS:
        return f"pytest {shlex.quote(cell.model)} --gate-benchmarks"
    words = (escape(cell.model), escape(cell.precision), cell.device)
    model, precision, device = map(shlex.quote, words)
    return f"pytest suites/ --model {model} --precision {precision} --device {device}"


def matches(name: str, patterns: str) -> bool:
    """Whether a name fits one of the comma-separated globs."""
    return any(fnmatchcase(name, pattern.strip()) for pattern in patterns.split(","))
