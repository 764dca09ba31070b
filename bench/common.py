"""What the scripts of this folder share: fair orders, ratios with their uncertainty, bounds, and the parts of a run.

Owns no measurement of its own. Imports no runtime and no numpy, so that a script can stand for the pytest parent.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tabulate import tabulate

from harness import zoo
from harness.cells import Cell, Device
from harness.conduct.order import Order
from harness.options import cache_folder, models_folder
from harness.results import Condition, Measurement, Phase
from harness.worker import protocol

ROOT = Path(__file__).resolve().parents[1]
"""The project whose models are run."""

CPU = Device("cpu")


@dataclass(frozen=True, slots=True)
class Bound:
    """A number that was measured, and between what it has to be."""

    name: str
    value: float
    most: float
    least: float = -math.inf
    unit: str = ""

    @property
    def holds(self) -> bool:
        """Whether it is; a number that is none never is."""
        return self.least <= self.value <= self.most

    def __str__(self) -> str:
        between = f"<= {self.most:g}" if self.least == -math.inf else f"{self.least:g} .. {self.most:g}"
        return (
            f"{'PASS' if self.holds else 'FAIL'}  {self.name}: {self.value:.4g}{self.unit} (bound {between}{self.unit})"
        )


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of ratios that were taken in pairs, and the 95 % interval of that median."""

    median: float
    low: float
    high: float
    pairs: int

    def __str__(self) -> str:
        return f"{self.median:.4f} [{self.low:.4f}, {self.high:.4f}] n={self.pairs}"


def ratio_of(pairs: Iterable[tuple[float, float]]) -> Ratio:
    """Divide the first of each pair by the second; take the median, so that a disturbed pair does not decide."""
    ratios = sorted(first / second for first, second in pairs)
    lower, upper = median_ranks(len(ratios))
    return Ratio(median(ratios), ratios[lower], ratios[upper], len(ratios))


def median_ranks(count: int, confidence: float = 0.95) -> tuple[int, int]:
    """Return which of `count` sorted values bound the median, by the binomial distribution of signs.

    The whole range where there are too few values for the confidence: it is then the best that can be said.
    """
    if count < 1:
        raise ValueError("no pair was measured; give the script more time")
    tail, rank = 0.0, 0
    while rank < count // 2:
        tail += math.comb(count, rank) / 2**count
        if tail > (1 - confidence) / 2:
            break
        rank += 1
    lower = max(0, rank - 1)
    return lower, count - 1 - lower


def mirrored(arms: Sequence[str], chooser: random.Random) -> tuple[str, ...]:
    """Return the arms in random order, and then back: a drift over the round falls on each of them alike."""
    order = chooser.sample(list(arms), len(arms))
    return (*order, *reversed(order))


def cpu_share(cpu_seconds: float, wall_seconds: float) -> float:
    """Return which share of one core was used."""
    if wall_seconds <= 0:
        raise ValueError(f"{wall_seconds:g} s of waiting were seen; the cell was over before it could be watched")
    return cpu_seconds / wall_seconds


def first_and_last(stamps: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return how far a counter went and how much time went by, of (time, counter) readings in order."""
    if len(stamps) < 2:
        raise ValueError(f"{len(stamps)} readings are too few to see a counter move; give the cell more time")
    return stamps[-1][1] - stamps[0][1], stamps[-1][0] - stamps[0][0]


def report(title: str, headers: Sequence[str], rows: Iterable[Sequence[object]], notes: Iterable[str] = ()) -> None:
    """Print one table with its notes."""
    print(f"\n{title}\n")
    print(tabulate([list(map(str, row)) for row in rows], headers=list(headers), disable_numparse=True))
    for note in notes:
        print(f"  {note}")
    sys.stdout.flush()


def conclude(bounds: Sequence[Bound]) -> int:
    """Print each bound and whether it holds; the exit code tells whether all do. No bound at all is a failure."""
    print()
    for bound in bounds:
        print(bound)
    if not bounds:
        print("FAIL  nothing was measured, so nothing is shown; see the lines above for why")
    return 0 if bounds and all(bound.holds for bound in bounds) else 1


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser that shows the script's own docstring."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--seed", type=int, default=0, metavar="N", help="of the random order of the arms (default 0)")
    return made


def order(**changes: object) -> Order:
    """The options of a plain `pytest suites/ --device cpu`, but for what is changed."""
    given: dict[str, object] = {
        "root": ROOT,
        "models_folder": models_folder(ROOT),
        "cache": cache_folder(None),
        **changes,
    }
    return Order(**given)  # type: ignore[arg-type]


def assignment(declared: zoo.Declared, precision: str, cache: Path) -> protocol.Assignment:
    """What a worker is told to host."""
    return protocol.Assignment(
        module=declared.origin.module,
        root=declared.origin.root,
        model=declared.model.name,
        precision=precision,
        device=str(CPU),
        store=str(cache / "artifacts"),
        made=str(cache / "made"),
    )


class Deaf:
    """Hears of a run and does nothing: as a campaign's listener, and as a conductor's watch."""

    def cell_started(self, cell: Cell) -> None:
        """Do nothing."""

    def cell_finished(self, measurement: Measurement) -> None:
        """Do nothing."""

    def phase(self, cell: Cell, phase: Phase) -> None:
        """Do nothing."""

    def block(self, cell: Cell, block: protocol.Block) -> None:
        """Do nothing."""

    def waiting(self, cell: Cell) -> None:
        """Say nothing."""

    def tick(self) -> None:
        """Do nothing."""

    def condition(self, cell: Cell, when: str) -> Condition:  # noqa: ARG002 - the words of a Watch
        """Look at nothing."""
        return Condition(when)

    def runtime_facts(self, cell: Cell, facts: object) -> None:
        """Do nothing."""


def mebibytes(count: float) -> str:
    """Show bytes."""
    return f"{count / 2**20:.2f} MiB"


def rounds(seconds: float, clock: Callable[[], float]) -> Iterator[int]:
    """Count rounds until the seconds are spent; one in any case."""
    end = clock() + seconds
    number = 0
    while number == 0 or clock() < end:
        yield number
        number += 1
