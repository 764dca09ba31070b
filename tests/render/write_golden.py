"""What the printers make of the fixed run. `python tests/render/write_golden.py` writes it anew: read the diff."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fixed_judgement import DUELS, JUDGED, VERDICTS
from fixed_quality import MEASURED, QUALITY_JUDGED, QUALITY_RUN
from fixed_run import ENVIRONMENT, MEASUREMENTS, PLANNED, RUN

from harness.cells import Cell
from harness.comparisons import Verdict
from harness.render.gate import comparison_of
from harness.render.gate_terminal import cell_table, gate_report
from harness.render.look import Look
from harness.render.progress import Progress
from harness.render.terminal import final_report
from harness.render.worth_rows import worth_blocks
from harness.render.worth_terminal import worth_report
from harness.results import Measurement, Phase

FOLDER = Path(__file__).parent / "golden"
REPORT = "reports/2026-11-21T02-55-57/report.html"


def progress(measurements: Sequence[Measurement] = MEASUREMENTS) -> str:
    """The lines of a run of which every cell takes 100 seconds."""
    stream, now = io.StringIO(), [0.0]
    shown = Progress(stream, clock=lambda: now[0], environ={}, width=100)
    cells = PLANNED if measurements is MEASUREMENTS else tuple(one.cell for one in measurements)
    shown.started(len(cells), cells=cells, environment=ENVIRONMENT, about_seconds=400)
    for measurement in measurements:
        shown.cell_started(measurement.cell)
        shown.phase(measurement.cell, Phase.TIMING)
        for _ in range(100):
            now[0] += 1
            shown.tick()
        shown.cell_finished(measurement)
    return stream.getvalue()


def gate_progress() -> str:
    """The lines of a comparison of which every pair takes six seconds."""
    stream, now = io.StringIO(), [0.0]
    shown = Progress(stream, clock=lambda: now[0], environ={}, width=120)
    live = [
        (duel, verdict)
        for duel in DUELS
        for verdict in VERDICTS
        if (duel.cell, verdict.pairs > 0) == (verdict.cell, True)
    ]
    shown.started(len(live), cells=[duel.cell for duel, _ in live])
    shown.gate_started(len(live), 600.0)
    for number, (duel, verdict) in enumerate(live):
        for made, pair in enumerate(duel.pairs, 1):
            now[0] += 6
            width = 0.2 / made if made > 3 else None
            low, high = (
                (None, None) if width is None else (pair.log_ratios["wall"] - width, pair.log_ratios["wall"] + width)
            )
            shown.gate_pair(duel.cell, pair.stage, made, low, high, len(live) - number, 600 - now[0])
        shown.gate_decided(verdict)
    return stream.getvalue()


def gate(width: int, encoding: str = "utf-8") -> str:
    """The section of the gate alone."""
    comparison = comparison_of(JUDGED)
    assert comparison is not None
    return gate_report(comparison, Look(width, encoding)) + "\n"


def of_cell(cell: Cell) -> tuple[Verdict, ...]:
    """The verdicts of one cell."""
    return tuple(verdict for verdict in VERDICTS if verdict.cell == cell)


GOLDEN: Mapping[str, Callable[[], str]] = {
    "terminal-160.txt": lambda: final_report(RUN, Look(160), report=REPORT) + "\n",
    "terminal-60.txt": lambda: final_report(RUN, Look(60), report=REPORT) + "\n",
    "terminal-ascii.txt": lambda: final_report(RUN, Look(100, "ascii"), report=REPORT) + "\n",
    "progress.txt": progress,
    "judged-140.txt": lambda: final_report(JUDGED, Look(140), report=REPORT) + "\n",
    "judged-80.txt": lambda: gate(80),
    "judged-60.txt": lambda: gate(60),
    "judged-ascii.txt": lambda: gate(100, "ascii"),
    "judged-cell.txt": lambda: cell_table(of_cell(PLANNED[6])) + "\n",
    "judged-progress.txt": gate_progress,
    "quality-160.txt": lambda: final_report(QUALITY_JUDGED, Look(160), report=REPORT) + "\n",
    "quality-60.txt": lambda: worth_report(worth_blocks(QUALITY_RUN), Look(60)) + "\n",
    "quality-ascii.txt": lambda: final_report(QUALITY_RUN, Look(100, "ascii"), report=REPORT) + "\n",
    "quality-progress.txt": lambda: progress(MEASURED),
}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, render in GOLDEN.items():
        (FOLDER / name).write_text(render(), encoding="utf-8")
