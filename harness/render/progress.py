"""Tells how a run goes while it goes: a bar on a terminal, a line a finished cell elsewhere, a heartbeat in between.

Nothing here runs by itself: the caller's `tick` moves the bar and sends the heartbeat, so no thread takes a core from
what is measured.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from rich.cells import cell_len

from harness.cells import Cell
from harness.comparisons import Verdict
from harness.render import numbers
from harness.render.gate_progress import GateStanding, opening
from harness.render.gate_terminal import decided_line
from harness.render.head import Facing, head
from harness.render.look import is_terminal, look_of
from harness.render.rows import Row, State, measured_row, reference_of
from harness.render.terminal import cell_line, final_report
from harness.render.text import one_line, shorten
from harness.render.verdict_rows import verdict_row
from harness.results import Environment, Measurement, Phase, Run

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

HEARTBEAT_SECONDS = 60.0


class Progress:
    """Shows a run on a stream. `hide` takes the bar away before anybody else writes; the next call brings it back."""

    def __init__(
        self,
        stream: TextIO,
        *,
        clock: Callable[[], float] = time.monotonic,
        environ: Mapping[str, str] = os.environ,
        width: int | None = None,
        live: bool | None = None,
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._live = is_terminal(stream, environ) if live is None else live
        self._look = look_of(stream, environ, width, live=self._live)
        self._total = 0
        self._label_width = 0
        self._found: dict[Cell, Measurement] = {}
        self._measured = 0
        self._began = self._said = self._cell_began = clock()
        self._doing: tuple[Cell, Phase] | None = None
        self._measuring: Cell | None = None
        self._waited_for: Cell | None = None
        self._gate: GateStanding | None = None
        self._early: Callable[[Measurement], Verdict | None] | None = None
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def started(
        self,
        total: int,
        *,
        cells: Sequence[Cell] = (),
        environment: Environment | None = None,
        about_seconds: float | None = None,
        auto: Sequence[str] = (),
        facing: Facing | None = None,
        load: float | None = None,
        now: str = "",
        early: Callable[[Measurement], Verdict | None] | None = None,
    ) -> None:
        """The run begins. `cells`, where known, only line the names up; `auto` is what that precision means here.

        `early` tells what can be said of a cell against its baseline as soon as it is measured.
        """
        self._early = early
        self._total = total
        self._began = self._clock()
        widest = max((len(f"{cell.model} {cell.precision} {cell.device}") for cell in cells), default=0)
        self._label_width = min(widest, max(self._look.width // 2, 20))
        if environment is not None:
            said = head(environment, total, about_seconds, self._look, auto=auto, facing=facing, load=load, now=now)
            self._say(said + "\n")

    def waiting(self, cell: Cell) -> None:
        """Another process measures on the cell's device: say so once a cell, then keep moving."""
        if self._waited_for != cell:
            self._waited_for = cell
            self._say(f"   ... waiting for {cell.device}: another run measures on it, and one alone may")
        self.tick()

    def cell_started(self, cell: Cell) -> None:
        """The measuring of a cell begins."""
        self._cell_began = self._clock()
        self._measuring = cell
        self.phase(cell, Phase.START)

    def phase(self, cell: Cell, phase: Phase) -> None:
        """The worker goes on to something else."""
        # What a worker of a pair does just now says less than where the comparison stands.
        if self._gate is None or self._measuring == cell:
            self._doing = (cell, phase)
        self._show()

    def cell_finished(self, measurement: Measurement) -> None:
        """A cell's measurement is known."""
        self._found[measurement.cell] = measurement
        self._doing = self._measuring = None
        row = self._row(measurement)
        self._measured += row.state is State.MEASURED
        verdict = self._early(measurement) if self._early else None
        said = verdict_row(verdict) if verdict else None
        line = cell_line(row, self._total, self._look, label_width=self._label_width, eta=self._eta(), verdict=said)
        self._say(line)
        self._show()

    def gate_started(self, comparisons: int, budget_seconds: float | None) -> None:
        """The comparing begins. Without a budget it goes on until all is decided."""
        self._gate = GateStanding(comparisons, left_seconds=budget_seconds)
        self._say(f"gate     {opening(comparisons, budget_seconds)}")
        self._show()

    def gate_pair(
        self,
        cell: Cell,
        stage: int,
        pairs: int,
        low: float | None,
        high: float | None,
        undecided: int,
        left_seconds: float | None,
    ) -> None:
        """Another pair of processes is measured. `low` and `high` are log ratios; None before the first interval."""
        gate = self._gate or GateStanding(undecided)
        width = self._look.width // 2
        self._gate = gate.with_pair(cell, stage, pairs, low, high, undecided, left_seconds, width)
        self.tick()

    def gate_decided(self, verdict: Verdict) -> None:
        """A comparison is over: say what came of it, in a line."""
        self._gate = (self._gate or GateStanding(1)).with_decision()
        line = decided_line(
            verdict_row(verdict),
            self._look,
            place=self._gate.place,
            name_width=self._label_width,
            left=self._gate.left,
        )
        self._say(line)
        self._show()

    def tick(self, now: float | None = None) -> None:
        """About a second has passed: move the bar, or say after a silent minute that all is well."""
        now = self._clock() if now is None else now
        if self._live:
            self._show()
        elif now - self._said >= HEARTBEAT_SECONDS:
            self._say(f"   ... {self._standing(now)}")

    def finished(self, run: Run, *, report: str | None = None) -> None:
        """The run is over: take the bar away and show the final table."""
        self.hide()
        self._say("\n" + final_report(run, self._look, report=report))

    def hide(self) -> None:
        """Take the bar away, so that others can write."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _row(self, measurement: Measurement) -> Row:
        return measured_row(len(self._found), measurement, reference_of(measurement.cell, self._found))

    def _eta(self) -> str:
        left = self._total - len(self._found)
        if not self._measured or left <= 0:
            return ""
        return f"eta {numbers.duration((self._clock() - self._began) / len(self._found) * left)}"

    def _standing(self, now: float) -> str:
        if self._gate is not None and self._doing is None:
            return f"{self._gate.sentence} · {numbers.duration(now - self._began)} so far"
        done = f"{len(self._found)} of {self._total} cells after {numbers.duration(now - self._began)}"
        if self._doing is None:
            return done
        cell, phase = self._doing
        name = shorten(one_line(f"{cell.model} {cell.precision} {cell.device}"), self._look.width // 2)
        return f"{name}: {phase}, {numbers.duration(now - self._cell_began)} · {done}"

    def _say(self, text: str) -> None:
        """Write lines; the bar steps aside for them."""
        self.hide()
        self._stream.write(self._look.fit(text) + "\n")
        self._stream.flush()
        self._said = self._clock()

    def _show(self) -> None:
        """Draw the bar where there is a terminal, with what is being done now."""
        completed, total = self._done()
        if not self._live or completed >= total:
            return
        if self._bar is None:
            self._bar, self._task = self._new_bar(completed, total)
        assert self._task is not None
        doing = self._look.fit(self._standing(self._clock()))
        room = max(self._look.width - 24, 16)
        if cell_len(doing) > room:
            doing = shorten(doing, room)
        eta = "" if self._gate and self._doing is None else self._eta()
        self._bar.update(self._task, completed=completed, total=total, doing=doing, eta=eta)
        self._bar.refresh()

    def _done(self) -> tuple[int, int]:
        """Return how much is done and of how much: of the comparisons while they go on, else of the cells."""
        if self._gate is not None and self._doing is None:
            return self._gate.decided, self._gate.comparisons
        return len(self._found), self._total

    def _new_bar(self, completed: int, total: int) -> tuple[Bar, TaskID]:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar

        console = Console(
            file=self._stream, force_terminal=True, width=self._look.width, no_color=not self._look.colour, emoji=False
        )
        # markup=False: a model may be called [red].
        bar = Bar(
            BarColumn(bar_width=10),
            TextColumn("{task.fields[doing]}", markup=False),
            TextColumn("{task.fields[eta]}", markup=False),
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        task = bar.add_task("", total=total, completed=completed, doing="", eta="")
        bar.start()
        return bar, task
