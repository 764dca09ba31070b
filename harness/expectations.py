"""What is expected of the cells: margins, budgets, claims, and bounds on what quality may be lost.

Owns what they are, which cells they concern, and whether a declared cell is there to be concerned. They are read from
a file by `expectations_file` and judged by `consequences` and `verdict.quality`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from harness.cells import Cell, matches
from harness.errors import UsageProblem, suggestion
from harness.published import Said
from harness.quality_metrics import known

Declared = Sequence[tuple[str, tuple[str, ...]]]
"""Every declared model and the precisions it asks for, whatever a run leaves out."""


@dataclass(frozen=True, slots=True)
class CellPattern:
    """Which cells are meant: one glob, or several with commas between, for each part of a cell.

    `cuda` means every CUDA device; `cuda:1` the one that is called so on the command line.
    """

    model: str
    precision: str
    device: str
    line: int = field(default=0, compare=False)

    def fits(self, cell: Cell) -> bool:
        """Whether the cell is meant."""
        return (
            matches(cell.model, self.model)
            and matches(cell.precision, self.precision)
            and (matches(cell.device, self.device) or matches(cell.device.partition(":")[0], self.device))
        )

    def __str__(self) -> str:
        return f"{self.model}/{self.precision}/{self.device}"


@dataclass(frozen=True, slots=True)
class Bound:
    """Either at most or at least."""

    at_most: float | None = None
    at_least: float | None = None

    def __post_init__(self) -> None:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError(f"a bound is at most or at least, not {self.at_most} and {self.at_least}")

    def __str__(self) -> str:
        return f"at most {self.at_most:g}" if self.at_most is not None else f"at least {self.at_least:g}"


@dataclass(frozen=True, slots=True)
class MarginOverride:
    """Margins of some metrics for some cells."""

    cells: CellPattern
    by_metric: Mapping[str, float]
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Margins:
    """How much worse counts as worse, relative: 0.03 is three per cent. Of quality, what may be lost, in its unit."""

    by_metric: Mapping[str, float] = field(default_factory=dict)
    overrides: tuple[MarginOverride, ...] = ()

    def margin(self, cell: Cell, metric: str) -> float:
        """The last override that names the metric and fits the cell; else the file's default; else the metric's own."""
        for override in reversed(self.overrides):
            if metric in override.by_metric and override.cells.fits(cell):
                return override.by_metric[metric]
        return self.by_metric[metric] if metric in self.by_metric else known()[metric].margin


@dataclass(frozen=True, slots=True)
class Budget:
    """An absolute target for a metric, in its unit; with `stage`, for the time of that stage of an inference."""

    name: str
    cells: CellPattern
    metric: str
    bound: Bound
    source: str = ""
    line: int = field(default=0, compare=False)
    stage: str = ""


class Quantity(StrEnum):
    """What a claim is about: a cell's ratio over the other side's, of speed the other way round.

    Two are no ratios: of accuracy it is what is lost, in its unit; of bytes the size itself.
    """

    SPEED = "speed"
    MEMORY = "memory"
    SIZE = "size"
    FIRST_AUDIBLE = "first_audible"
    ACCURACY = "accuracy"
    BYTES = "bytes"

    @property
    def has_other_side(self) -> bool:
        """Whether there is something that the cell is held against."""
        return self is not Quantity.BYTES


@dataclass(frozen=True, slots=True)
class Claim:
    """A published figure, kept as a check: of a cell over its model at the precision `over`, or over `over_model`.

    `bound` is what was promised. `best` is the far end of a range that was published, beyond which a cell is better
    than claimed. `said` are the publisher's own numbers. `on` is a glob for the machines it was claimed of: their
    architecture or the model of their CPU.
    """

    name: str
    cells: CellPattern
    over: str | None
    quantity: Quantity
    bound: Bound
    source: str
    on: str | None = None
    line: int = field(default=0, compare=False)
    over_line: int = field(default=0, compare=False)
    over_model: str | None = None
    best: float | None = None
    said: Said | None = None

    def fits(self, cell: Cell) -> bool:
        """Whether the claim is about this cell, which then is not the other side itself."""
        return self.cells.fits(cell) and (not self.quantity.has_other_side or self.other(cell) != cell)

    def other(self, cell: Cell) -> Cell:
        """The cell on the other side."""
        return Cell(self.over_model or cell.model, self.over or cell.precision, cell.device)

    @property
    def other_side(self) -> str:
        """The other side in a word."""
        return "/".join(part for part in (self.over_model, self.over) if part)

    def metric(self, cell: Cell) -> str:
        """The metric that both sides are asked for. Memory is the device's own where it has its own."""
        match self.quantity:
            case Quantity.SPEED:
                return "latency_seconds"
            case Quantity.MEMORY:
                return "device_peak_bytes" if cell.device.partition(":")[0] == "cuda" else "peak_bytes"
            case Quantity.SIZE | Quantity.BYTES:
                return "artifact_bytes"
            case Quantity.FIRST_AUDIBLE:
                return "first_audible_seconds"
            case Quantity.ACCURACY:
                return "accuracy"

    def is_asked_on(self, *machine: str) -> bool:
        """Whether the claim concerns a machine, given its architecture and the model of its CPU."""
        return self.on is None or any(matches(name, self.on) for name in machine)


@dataclass(frozen=True, slots=True)
class QualityBound:
    """How much of a metric of quality a cell may lose, in the metric's unit, against its model at the precision `over`.

    Whether it is kept is a matter of non-inferiority: a few examples cannot show it, and then it is not kept either.
    """

    name: str
    cells: CellPattern
    metric: str
    loses_at_most: float
    over: str = "fp32"
    source: str = ""
    line: int = field(default=0, compare=False)
    over_line: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        if not self.loses_at_most >= 0:
            raise ValueError(f"what may be lost is 0 or more, not {self.loses_at_most}")

    def fits(self, cell: Cell) -> bool:
        """Whether the bound is about this cell, which then is not the other side itself."""
        return cell.precision != self.over and self.cells.fits(cell)

    def other(self, cell: Cell) -> Cell:
        """The cell that nothing may be lost against."""
        return Cell(cell.model, self.over, cell.device)


Sided = Claim | QualityBound
"""What compares a cell with another."""


@dataclass(frozen=True, slots=True)
class Expectations:
    """All that is expected. `name` is how messages call the file."""

    margins: Margins = field(default_factory=Margins)
    budgets: tuple[Budget, ...] = ()
    claims: tuple[Claim, ...] = ()
    name: str = "expectations.toml"
    quality: tuple[QualityBound, ...] = ()

    def budgets_of(self, cell: Cell) -> tuple[Budget, ...]:
        """The budgets that a cell has to meet."""
        return tuple(budget for budget in self.budgets if budget.cells.fits(cell))

    def claims_of(self, cell: Cell, *machine: str) -> tuple[Claim, ...]:
        """The claims about a cell that are asked on this machine, given its architecture and the model of its CPU."""
        return tuple(claim for claim in self.claims if claim.fits(cell) and claim.is_asked_on(*machine))

    def quality_of(self, cell: Cell) -> tuple[QualityBound, ...]:
        """The bounds on what a cell may lose."""
        return tuple(bound for bound in self.quality if bound.fits(cell))

    def check(self, declared: Declared) -> None:
        """Refuse patterns that fit no declared cell, and what is over a precision that none of its models asks for."""
        problems = sorted(self._strays(declared))
        if problems:
            raise UsageProblem("\n".join(f"{self.name}:{line}: {text}" for line, text in problems))

    def _strays(self, declared: Declared) -> Iterator[tuple[int, str]]:
        sided: tuple[Sided, ...] = (*self.claims, *self.quality)
        written: tuple[MarginOverride | Budget | Sided, ...] = (*self.margins.overrides, *self.budgets, *sided)
        for one in written:
            for text in _unmatched(one.cells, declared):
                yield one.cells.line, text
        for side in sided:
            if isinstance(side, Claim) and (side.over_model is not None or side.over is None):
                models = [model for model, _ in declared]
                if side.over_model is not None and side.over_model not in models:
                    hint = suggestion(side.over_model, models)
                    yield side.over_line, f"over_model = {side.over_model!r} is no declared model; {hint}"
                continue
            meant = [
                precisions
                for model, precisions in declared
                if matches(model, side.cells.model) and any(matches(one, side.cells.precision) for one in precisions)
            ]
            if meant and not any(_has_both_sides(side, precisions) for precisions in meant):
                has = f"the models of {side.cells} ask for {_listed(meant)}"
                yield side.over_line, f"over = {side.over!r} has nothing to compare: {has}; name two of these"


def _has_both_sides(side: Sided, precisions: Sequence[str]) -> bool:
    return side.over in precisions and any(
        one != side.over and matches(one, side.cells.precision) for one in precisions
    )


def _unmatched(pattern: CellPattern, declared: Declared) -> Iterator[str]:
    """Say of every glob that it matches nothing. Each kind of device may be had somewhere, so those always match."""
    models = [model for model, _ in declared]
    for glob in split_globs(pattern.model):
        if not any(fnmatchcase(model, glob) for model in models):
            yield f"cells = {str(pattern)!r}: no declared model matches {glob!r}; {suggestion(glob, models)}"
    asked = [precisions for model, precisions in declared if matches(model, pattern.model)]
    for glob in split_globs(pattern.precision):
        if asked and not any(fnmatchcase(one, glob) for precisions in asked for one in precisions):
            yield f"cells = {str(pattern)!r}: no such model asks for {glob!r}; they ask for {_listed(asked)}"


def split_globs(globs: str) -> tuple[str, ...]:
    """The single globs of comma-separated ones."""
    return tuple(glob.strip() for glob in globs.split(","))


def _listed(precisions: Sequence[Sequence[str]]) -> str:
    return ", ".join(dict.fromkeys(one for several in precisions for one in several))
