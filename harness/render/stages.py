"""The stages of an inference in one line: what each takes, its share, and which of them is the bottleneck. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping

from harness.render import numbers
from harness.render.look import Look
from harness.render.rows import Row
from harness.render.text import clip, one_line, shorten

_BOTTLENECK = " ← bottleneck"
_NAME_SHOWN = 40


def stages_line(stages: Mapping[str, float]) -> str:
    """Return `tokenise 0.1 ms (0.1 %), translate 62 ms (71 %) ← bottleneck, …`; empty where nothing is divided."""
    whole = sum(stages.values())
    if len(stages) < 2 or whole == 0:
        return ""
    slowest = max(stages, key=lambda name: stages[name])
    return ", ".join(
        f"{clip(one_line(name), _NAME_SHOWN)} {numbers.seconds(seconds)} ({numbers.percent(seconds / whole)})"
        f"{_BOTTLENECK if name == slowest else ''}"
        for name, seconds in stages.items()
    )


def stages_report(rows: Iterable[Row], look: Look) -> str:
    """Return the stages of every cell that has some: its name, and below it they."""
    lines = []
    for row in rows:
        if row.measurement and (line := stages_line(row.measurement.stages)):
            lines.append(f"  {shorten(one_line(row.name), look.width - 2)}")
            lines.append(textwrap.fill(line, look.width, initial_indent=" " * 6, subsequent_indent=" " * 8))
    return "\n".join(("stages", *lines)) if lines else ""
