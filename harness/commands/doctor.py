"""`quantgate doctor`: is this machine fit to gate, and what can it see? Identical code is measured against itself."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

import msgspec

from harness.cells import Cell, Device, expand
from harness.commands.diagnosis import Seen, Surroundings, TooFew, advice, seen
from harness.commands.exits import Exit
from harness.commands.metric_checks import MetricChecks, check_metrics, metric_lines
from harness.commands.project import add_root, project_root
from harness.comparisons import Verdict
from harness.conduct.campaign import Grid, plan, worker_environment
from harness.conduct.fitness import Examination, examine
from harness.conduct.order import Order
from harness.errors import UsageProblem
from harness.expectations_file import EXPECTATIONS_FILE, read_expectations
from harness.options import cache_folder, models_folder, seconds
from harness.probes.machine import describe
from harness.render.changes import bound, share
from harness.results import Environment, Measurement, Phase
from harness.stats.sequential import stage_rate
from harness.verdict.times import TIMED

_TRYING_SECONDS = 0.5
_LEAST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that doctor tells; what `--format json` prints."""

    machine: Environment
    around: Surroundings
    stage_rate: float
    cells: tuple[Seen | TooFew, ...]
    advice: tuple[str, ...]
    answer: str
    metrics: MetricChecks


def add(commands: argparse._SubParsersAction[Any]) -> None:  # argparse gives the type no public name
    """Declare the command."""
    doctor = commands.add_parser(
        "doctor",
        help="is this machine fit to gate, and what can it see? (about a minute)",
        description="Has every metric of quality check itself, then measures identical code against itself, as the gate"
        " does, and says what a gate could see here and what to do about the noise. Exit codes: 0 fit, 1 identical code"
        " was called changed, 2 usage, 10 the margin cannot be seen, or a metric failed its self-check.",
    )
    add_root(doctor)
    doctor.add_argument(
        "--model",
        default="*",
        metavar="GLOB",
        help="take the quickest of these (default: of all, which are tried first)",
    )
    doctor.add_argument("--precision", default="fp32", metavar="GLOB", help="of this precision (default fp32)")
    doctor.add_argument("--device", default="cpu", metavar="D", help="on this device (default cpu)")
    doctor.add_argument("--cells", type=int, default=1, metavar="N", help="take so many models (default 1)")
    doctor.add_argument("--seconds", default="60s", metavar="T", help="measure pairs for so long (default 60s)")
    doctor.add_argument("--threads", type=int, default=1, metavar="N", help="as given to pytest")
    doctor.add_argument("--single-core", action="store_true", help="as given to pytest")
    doctor.add_argument("--artifact-cache", metavar="DIR", help="as given to pytest")
    doctor.add_argument("--format", choices=("table", "json"), default="table", help="how to print (default: table)")
    doctor.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Examine, print, and say by the exit code whether this machine is fit."""
    span = seconds(options.seconds, "--seconds")
    if span < _LEAST_SECONDS:
        raise UsageProblem(f"--seconds {options.seconds}: {_LEAST_SECONDS:g} s are the least that tell anything")
    if options.cells < 1:
        raise UsageProblem(f"--cells {options.cells}: at least 1 is needed")
    order = _order(options)
    grid = plan(order)
    expected = read_expectations((order.root / order.models_folder).parent / EXPECTATIONS_FILE)
    count = _count_of_gate(grid, order.devices)
    rate = stage_rate(count * TIMED)
    machine = describe(order.root, threads=order.threads)
    is_plain = options.format == "table"
    if is_plain:
        from harness.render.machine import machine_line

        print(f"machine    {machine_line(machine)}", flush=True)
    metrics = check_metrics(worker_environment(order.threads))
    if is_plain:
        print("\n".join(metric_lines(metrics)), flush=True)
    told = Told(sys.stderr, span)
    examined = examine(order, grid, options.cells, span, expected.margins.margin, rate, told)
    told.end()
    found = diagnose(examined, machine, order, count, rate, expected.margins.margin, metrics)
    if is_plain:
        from harness.commands.diagnosis_text import lines

        print("\n".join(lines(found.cells, found.around, found.advice, rate)))
        print(found.answer)
    else:
        print(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
    return exit_of(found.cells, metrics)


def diagnose(
    examined: Examination,
    machine: Environment,
    order: Order,
    count: int,
    rate: float,
    margin_of: Callable[[Cell, str], float],
    metrics: MetricChecks = MetricChecks(),  # noqa: B008 -- frozen
) -> Diagnosis:
    """Put together what was measured and what it means."""
    cores = machine.identity.get("usable_cores")
    around = Surroundings(
        usable_cores=cores if isinstance(cores, int | float) else 1.0,
        threads=order.threads,
        device=str(order.devices[0]),
        cells=count,
        before=examined.before,
        after=examined.after,
    )
    cells = tuple(seen(one.duel, one.uncorrected, margin_of, rate) for one in examined.cells)
    advised = dict.fromkeys(line for one in cells if isinstance(one, Seen) for line in advice(one, around))
    return Diagnosis(machine, around, rate, cells, tuple(advised), answer(cells, metrics), metrics)


def exit_of(cells: Sequence[Seen | TooFew], metrics: MetricChecks = MetricChecks()) -> Exit:  # noqa: B008 -- frozen
    """What a script is told: a control that tripped is the worst; what could not be seen is never fit."""
    if any(isinstance(one, Seen) and one.is_tripped for one in cells):
        return Exit.REGRESSION
    is_fit = bool(cells) and all(isinstance(one, Seen) and one.pairs_needed is not None for one in cells)
    return Exit.PASS if is_fit and not metrics.failed else Exit.INCONCLUSIVE


def answer(cells: Sequence[Seen | TooFew], metrics: MetricChecks = MetricChecks()) -> str:  # noqa: B008 -- frozen
    """The one line that says it."""
    match exit_of(cells, metrics):
        case Exit.REGRESSION:
            return "not fit: identical code was called changed"
        case Exit.PASS:
            return "fit: " + "; ".join(_needs(one) for one in cells if isinstance(one, Seen))
        case _:
            untrusted = [f"{name} failed its self-check" for name in metrics.failed]
            return "not shown to be fit: " + "; ".join((*untrusted, *(_lacks(one) for one in cells)))


def _needs(one: Seen) -> str:
    return (
        f"{one.cell} shows {share(one.margin)} within {one.pairs_needed} pairs,"
        f" about {one.seconds_needed or 0.0:.0f} s where nothing changed"
    )


def _lacks(one: Seen | TooFew) -> str:
    if isinstance(one, TooFew):
        return f"{one.cell}: {one.text}"
    if one.pairs_needed is not None:
        return _needs(one)
    return f"{one.cell} shows {bound(one.best)} at best, and its margin is {share(one.margin)}"


def _order(options: argparse.Namespace) -> Order:
    root = project_root(options.root)
    return Order(
        root=root,
        models_folder=models_folder(root),
        devices=(Device.parse(options.device),),
        models=options.model,
        precisions=options.precision,
        threads=options.threads,
        single_core=options.single_core,
        cell_seconds=_TRYING_SECONDS,
        tiny_cell_seconds=_TRYING_SECONDS,
        examines=False,
        cache=cache_folder(options.artifact_cache),
    )


def _count_of_gate(grid: Grid, devices: Sequence[Device]) -> int:
    """How many cells a gate over the whole project compares: they share its error rate."""
    return len(expand([(one.model.name, one.model.precisions) for one in grid.declared], devices))


@dataclass(slots=True)
class Told:
    """Says on a stream how it goes: one line that changes on a terminal, a line now and then elsewhere."""

    stream: TextIO
    span: float
    clock: Callable[[], float] = time.monotonic
    every_seconds: float = 15.0
    _said: float = field(default=float("-inf"))
    _line: str = ""

    def waiting(self, cell: Cell) -> None:
        """Another process measures on the cell's device."""
        self._say(f"waiting until another run leaves {cell.device}")

    def cell_started(self, cell: Cell) -> None:
        """A model is tried."""
        self._say(f"trying {cell}")

    def phase(self, cell: Cell, phase: Phase) -> None:
        """Say nothing: phases of a pair follow each other too quickly to be read."""

    def cell_finished(self, measurement: Measurement) -> None:
        """Say nothing: the next line comes at once."""

    def tick(self) -> None:
        """Say nothing: the next pair comes in seconds."""

    def gate_started(self, comparisons: int, budget_seconds: float | None) -> None:  # noqa: ARG002 -- an Onlooker's
        """The pairs begin."""
        self._said = float("-inf")
        self._say(f"measuring identical code in pairs for {self.span:.0f} s")

    def gate_pair(
        self,
        cell: Cell,
        stage: int,  # noqa: ARG002 -- an Onlooker's words
        pairs: int,
        low: float | None,  # noqa: ARG002
        high: float | None,  # noqa: ARG002
        undecided: int,  # noqa: ARG002
        left_seconds: float | None,
    ) -> None:
        """Another pair has been measured."""
        self._say(f"{cell}: pair {pairs}, {max(left_seconds or 0.0, 0.0):.0f} s left")

    def gate_decided(self, verdict: Verdict) -> None:
        """Say nothing: what is found is printed at the end."""

    def end(self) -> None:
        """Leave a clean line."""
        if self._line and self.stream.isatty():
            self.stream.write("\r" + " " * len(self._line) + "\r")
            self.stream.flush()

    def _say(self, line: str) -> None:
        if self.stream.isatty():
            self.stream.write("\r" + line.ljust(len(self._line)))
        elif self.clock() - self._said >= self.every_seconds:
            self.stream.write(line + "\n")
            self._said = self.clock()
        self._line = line
        self.stream.flush()
