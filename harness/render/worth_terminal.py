"""What a person reads in the terminal of whether a precision is worth it: a table where it fits, a sentence each. Pure.

Owns the layout; numbers and sentences come from the rows, so that the page says the same.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.cells import cell_len
from tabulate import tabulate

from harness.render.look import Look
from harness.render.text import one_line, shorten
from harness.render.worth_rows import TITLES, WorthBlock, WorthRow
from harness.worth.standing import Worth

_NAME = 24
_TOO_NARROW = "too narrow for the table: widen the terminal, or see the report"


def worth_report(blocks: Sequence[WorthBlock], look: Look) -> str:
    """Return the whole section; empty where no precision stands beside another."""
    if not blocks:
        return ""
    tables = [_table(block, look) for block in blocks]
    title = "worth it?"
    if not all(_fits(table, look) for table in tables):
        title += "\n" + _wrapped(_TOO_NARROW, look, "")
    told = (_block(block, table, look) for block, table in zip(blocks, tables, strict=True))
    return look.fit("\n\n".join((title, *told)))


def _fits(table: str, look: Look) -> bool:
    return all(cell_len(line) <= look.width for line in table.splitlines())


def _block(block: WorthBlock, table: str, look: Look) -> str:
    parts = [shorten(one_line(block.name), look.width)]
    if _fits(table, look):
        parts.append(table)
    parts += [_sentence(row, look) for row in block.rows if row.worth is not Worth.BASE]
    parts += [_wrapped(f"  {remark}", look, "    ") for remark in block.remarks]
    return "\n".join(parts)


def _table(block: WorthBlock, look: Look) -> str:
    """Return the numbers of what has a result."""
    rows = [row for row in block.rows if row.worth is not Worth.NO_RESULT]
    body = [
        [look.fit(shorten(one_line(row.cell.precision), _NAME)), *(look.fit(str(figure)) for figure in row.figures)]
        for row in rows
    ]
    heads = [look.fit(title) for title in ("precision", *TITLES)]
    align = ["left", *["right"] * len(TITLES)]
    return str(tabulate(body, heads, tablefmt="simple", disable_numparse=True, colalign=align))


def _sentence(row: WorthRow, look: Look) -> str:
    sign = look.fit(row.glyph)
    said = _wrapped(f"{sign} {row.sentence}", look, "    ").removeprefix(f"{sign} ")
    return f"{look.paint(row.worth, sign)} {said}"


def _wrapped(text: str, look: Look, rest: str) -> str:
    return textwrap.fill(
        look.fit(text), look.width, subsequent_indent=rest, break_on_hyphens=False, break_long_words=True
    )
