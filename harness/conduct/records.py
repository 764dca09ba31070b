"""What each cell took the last time, kept in the cache folder: seconds and memory. Decides the order of the next run.

Without a record nothing is guessed: such cells keep the order they were declared in, behind those that are known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from harness.cells import Cell, Reason
from harness.conduct.order import Order
from harness.errors import HarnessError
from harness.journal import read_events, replace_file
from harness.results import Measurement, Status

_FIRST_OF_A_MODEL = "fp32"
_TIMING_SHARE = 1.5
"""Warm-up and timing together, of the seconds that a cell is timed for."""


class Past(msgspec.Struct, frozen=True):
    """What a cell took: from its start to its end, of which so many seconds were asked for the timing alone.

    `settings` are those that its peak hangs on.
    """

    seconds: float
    cell_seconds: float
    peak_bytes: float | None = None
    settings: str = ""


def settings_of(order: Order) -> str:
    """What is asked of a run that the memory of its cells hangs on."""
    asked = (order.threads, order.engine, order.low_memory, order.sample_percent)
    loaded = (f"{name}={path}" for name, path in sorted(order.checkpoints.items()))
    return " ".join((*map(str, asked), *loaded))


class Records:
    """The past of every cell that was measured on this machine, in one file. `settings` are those of this run."""

    def __init__(self, cache: Path, settings: str = "") -> None:
        self._file = cache / "cells.json"
        self._settings = settings
        self._past = _read(self._file)
        self._learnt: dict[str, Past] = {}

    def past(self, cell: Cell) -> Past | None:
        """What a cell took the last time."""
        return self._past.get(str(cell))

    def peak_bytes(self, cell: Cell) -> float | None:
        """The memory that a cell needed the last time, where it was measured as it is now."""
        past = self.past(cell)
        return past.peak_bytes if past is not None and past.settings == self._settings else None

    def seconds(self, cell: Cell, cell_seconds: float) -> float | None:
        """How long a cell will take if it is timed for so long."""
        past = self.past(cell)
        if past is None:
            return None
        return max(past.seconds + _TIMING_SHARE * (cell_seconds - past.cell_seconds), 0.0)

    def learn(self, measurements: Iterable[Measurement], spent: Mapping[Cell, float], cell_seconds: float) -> None:
        """Remember what cells took. One that failed, or was not tried in the memory there was, says nothing of it."""
        for one in measurements:
            tells = one.status is not Status.FAILED and one.reason is not Reason.TOO_LITTLE_MEMORY
            if tells and one.cell in spent:
                peak = one.value("peak_bytes")
                self._learnt[str(one.cell)] = Past(spent[one.cell], cell_seconds, peak, self._settings)

    def save(self) -> None:
        """Write down what was learnt, beside what other runs have written meanwhile."""
        if not self._learnt:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._file, msgspec.json.encode({**_read(self._file), **self._learnt}))
        except (OSError, HarnessError):
            return


def spent_seconds(folder: Path) -> dict[Cell, float]:
    """How long each cell of a run took, all that was done for it included: from the journal's clock."""
    began: dict[Cell, datetime] = {}
    spent: dict[Cell, float] = {}
    for event in read_events(folder):
        if event.cell is None or event.kind not in ("cell-started", "cell-finished"):
            continue
        at = datetime.fromisoformat(event.at)
        if event.kind == "cell-started":
            began[event.cell] = at
        elif event.cell in began:
            spent[event.cell] = max((at - began.pop(event.cell)).total_seconds(), 0.0)
    return spent


def largest_first(cells: Iterable[Cell], seconds: Callable[[Cell], float | None]) -> tuple[Cell, ...]:
    """Cells with the longest first, a model's together, its fp32 before the others: they are held against it."""
    declared = tuple(cells)
    place = {cell: number for number, cell in enumerate(declared)}
    known = {cell: took for cell in declared if (took := seconds(cell)) is not None}
    longest: dict[str, float] = {}
    for cell, took in known.items():
        longest[cell.model] = max(took, longest.get(cell.model, 0.0))
    first = {cell.model: place[cell] for cell in reversed(declared)}

    def rank(cell: Cell) -> tuple[float, int, bool, float, int]:
        return (
            -longest.get(cell.model, -1.0),
            first[cell.model],
            cell.precision != _FIRST_OF_A_MODEL,
            -known.get(cell, -1.0),
            place[cell],
        )

    return tuple(sorted(declared, key=rank)) if known else declared


def _read(file: Path) -> dict[str, Past]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Past])
    except (OSError, ValueError, msgspec.DecodeError):
        return {}
