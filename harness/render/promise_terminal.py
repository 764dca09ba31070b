"""What a failing test shows of one cell's claims, budgets and bounds: a table, what fails the gate first. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tabulate import tabulate

from harness.comparisons import Judged
from harness.render.judged_rows import judged_first, judged_row
from harness.render.look import Look
from harness.render.text import one_line, shorten


def promise_table(judged: Iterable[Judged], look: Look | None = None) -> str:
    """Return the promises of one cell with what was measured, and where each comes from."""
    look = look or Look()
    rows = judged_first(map(judged_row, judged))
    if not rows:
        return "nothing was promised"
    lines = [
        (
            f"{row.glyph} {row.judged.answer}",
            f"{row.kind}: {row.name}",
            row.text,
            "fails the gate" * row.judged.is_fatal,
        )
        for row in rows
    ]
    room = max(look.width // 3, 24)
    table = tabulate(
        lines,
        ("", "what it asks", "measured", ""),
        tablefmt="simple",
        disable_numparse=True,
        maxcolwidths=[None, room, room, None],
    )
    parts = [f"{shorten(one_line(rows[0].cell), look.width)}, what was promised of it", table]
    parts += [f"source of {row.name}: {row.source}" for row in rows if row.judged.is_fatal and row.source]
    return look.fit("\n\n".join(parts))
