"""The first thing on the page: how the run ended, what is worst, what it was measured on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from harness.render import machine, numbers
from harness.render.page.context import Page
from harness.render.rows import GLYPHS
from harness.results import Run


@dataclass(frozen=True, slots=True)
class Banner:
    """The lines beneath the headline."""

    when: str
    machine: str
    libraries: str
    glyphs = GLYPHS


def view(page: Page) -> Banner:
    """Say when and on what it was."""
    run = page.run
    return Banner(when(run), machine.machine_line(run.environment), machine.library_line(run.environment))


def when(run: Run) -> str:
    """Return when the run was, to the minute, and how long it took; a text that is no time is shown as it is."""
    try:
        started = datetime.fromisoformat(run.started)
    except ValueError:
        return run.started
    said = started.strftime("%Y-%m-%d %H:%M %Z").strip()
    try:
        return (
            f"{said}, took {numbers.duration((datetime.fromisoformat(run.finished or '') - started).total_seconds())}"
        )
    except (ValueError, TypeError):
        return said
