"""What the printers make of the fixed run. `python tests/render/write_golden.py` writes it anew: read the diff."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path

from fixed_run import ENVIRONMENT, MEASUREMENTS, PLANNED, RUN

from harness.render.html import render_html
from harness.render.look import Look
from harness.render.progress import Progress
from harness.render.terminal import final_report
from harness.results import Phase

FOLDER = Path(__file__).parent / "golden"
REPORT = "reports/2026-11-21T02-55-57/report.html"


def progress() -> str:
    """The lines of a run of which every cell takes 100 seconds."""
    stream, now = io.StringIO(), [0.0]
    shown = Progress(stream, clock=lambda: now[0], environ={}, width=100)
    shown.started(len(PLANNED), cells=PLANNED, environment=ENVIRONMENT, about_seconds=400)
    for measurement in MEASUREMENTS:
        shown.cell_started(measurement.cell)
        shown.phase(measurement.cell, Phase.TIMING)
        for _ in range(100):
            now[0] += 1
            shown.tick()
        shown.cell_finished(measurement)
    return stream.getvalue()


GOLDEN: Mapping[str, Callable[[], str]] = {
    "terminal-160.txt": lambda: final_report(RUN, Look(160), report=REPORT) + "\n",
    "terminal-60.txt": lambda: final_report(RUN, Look(60), report=REPORT) + "\n",
    "terminal-ascii.txt": lambda: final_report(RUN, Look(100, "ascii"), report=REPORT) + "\n",
    "progress.txt": progress,
    "report.html": lambda: render_html(RUN),
}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, render in GOLDEN.items():
        (FOLDER / name).write_text(render(), encoding="utf-8")
