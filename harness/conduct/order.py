"""What the user asked for, as one value: read by `options`, obeyed by everything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from harness.cells import CellGlob, Device
from harness.conduct.arms import Against
from harness.conduct.duel import PAIR_SECONDS
from harness.errors import UsageProblem
from harness.results import Fact

CELL_SECONDS = 3.0
TINY_CELL_SECONDS = 1.0
"""Tiny models show that a thing works: a third of the time is enough for that."""


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """Tests that use pytest-benchmark's fixture are to be judged: what of.

    `stored` is the number or file that was named; `storage` is where pytest-benchmark keeps its files. `folder` is
    where pytest was started, and `arguments` is what it was told that a pytest of either side must be told too.
    `options` are all of ours, and whether a value belongs to each.
    """

    stored: str | None
    storage: str
    folder: Path
    arguments: tuple[str, ...] = ()
    options: Mapping[str, bool] = field(default_factory=dict)


_OF_THIS_PLACE = (
    "benchmarks",
    "root",
    "cache",
    "reports",
    "resume",
    "checkpoints",
    "baselines",
    "expectations",
    "expects",
    "build",
    "keeps_outputs",
)


@dataclass(frozen=True, slots=True)
class Order:
    """What the user asked for."""

    root: Path
    models_folder: str = "suites/models"
    devices: tuple[Device, ...] = (Device("cpu"),)
    models: str = "*"
    precisions: str = "*"
    cells: tuple[CellGlob, ...] = ()
    size: str | None = None
    checkpoints: Mapping[str, Path] = field(default_factory=dict)
    threads: int = 1
    single_core: bool = False
    engine: str | None = None
    low_memory: bool = False
    sample_percent: float = 100.0
    seed: int = 0
    cell_seconds: float = CELL_SECONDS
    tiny_cell_seconds: float = TINY_CELL_SECONDS
    cell_limit_seconds: float = 600.0
    cache: Path = Path()
    reports: Path = Path("reports")
    resume: bool = False
    against: Against | None = None
    time_budget_seconds: float | None = None
    pair_seconds: float = PAIR_SECONDS
    profile: str = "gate"
    has_gate: bool = True
    settle: bool = False
    baselines: Path = Path("baselines")
    expectations: Path = Path("suites/expectations.toml")
    expects: bool = False
    build: str | None = None
    tries_other_kernels: bool = False
    keeps_outputs: bool = False
    examines: bool = True
    benchmarks: Benchmarks | None = None

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise UsageProblem(f"--threads {self.threads}: at least 1 is needed")
        if self.single_core and self.threads > 1:
            raise UsageProblem("--single-core means one thread on one core; leave --threads away")
        if not 0 < self.sample_percent <= 100:
            raise UsageProblem(f"--sample-percent {self.sample_percent:g}: choose more than 0 and at most 100")
        if min(self.cell_seconds, self.tiny_cell_seconds) <= 0 or self.cell_limit_seconds <= 0:
            raise UsageProblem("--cell-seconds and --cell-limit need a time above zero")
        if self.time_budget_seconds is not None and self.time_budget_seconds <= 0:
            raise UsageProblem("--time-budget needs a time above zero")
        if self.pair_seconds <= 0:
            raise UsageProblem("--pair-seconds needs a time above zero")
        if self.settle and self.against is not None:
            raise UsageProblem("--settle compares with the baselines' revisions; leave it or --against away")

    def timing_seconds(self, size: str) -> float:
        """How long a cell of a model of this size is timed."""
        return self.tiny_cell_seconds if size == "tiny" else self.cell_seconds

    def recorded(self) -> dict[str, Fact]:
        """What goes into the record: everything that shapes a measurement, and no path."""
        plain = asdict(replace(self, against=None))
        for hidden in _OF_THIS_PLACE:
            del plain[hidden]
        # The path of an interpreter is of this machine; which one it is stands in the label of the other side.
        plain["against"] = self.against.shown if self.against else None
        plain["devices"] = ",".join(str(device) for device in self.devices)
        plain["cells"] = " ".join(map(str, self.cells)) or None
        if self.benchmarks is not None:
            plain["gates_benchmarks"] = True
        plain["checkpoints"] = ",".join(sorted(self.checkpoints)) or None
        return plain
