"""What a person reads of the gate in a terminal: headline, verdicts from the worst on, how sure, claims. Pure.

Owns the layout; the words come from the rows, so that the page and a failing test say the same.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from tabulate import tabulate

from harness.comparisons import Outcome, Verdict
from harness.render.gate import Comparison, Together
from harness.render.judged_rows import JudgedRow
from harness.render.look import Look
from harness.render.text import clip, one_line, shorten
from harness.render.verdict_rows import GLYPHS, VerdictRow, verdict_row, worst_first

_WORD = max(len(outcome) for outcome in Outcome) + 3
_NARROW = 72
_LISTED = 60
_NAMED = 8


def gate_report(comparison: Comparison, look: Look) -> str:
    """Return the whole section of the gate, its headline first."""
    parts = [
        _headline(comparison, look),
        _verdicts(comparison, look),
        _control(comparison, look),
        _judged(comparison.judged, comparison.elsewhere, look),
        _labelled("baselines", comparison.problems, look),
        _labelled("accepted", comparison.accepted, look),
    ]
    return look.fit("\n\n".join(part for part in parts if part))


def cell_table(verdicts: Iterable[Verdict], look: Look | None = None) -> str:
    """Return what a failing test shows of one cell: a table of its metrics, and beneath it what is to be said of each.

    Whatever is unchanged is in the table alone.
    """
    look = look or Look()
    rows = worst_first(map(verdict_row, verdicts))
    if not rows:
        return "nothing was compared"
    against = " and ".join(dict.fromkeys(shorten(one_line(row.verdict.against), 160) for row in rows))
    table = tabulate(
        [(f"{row.glyph} {row.outcome}", row.metric, row.old, row.new, row.change, row.margin) for row in rows],
        ("", "metric", "old", "new", "change", "margin"),
        tablefmt="simple",
        disable_numparse=True,
        colalign=("left", "left", "right", "right", "left", "right"),
    )
    parts = [f"{shorten(one_line(rows[0].name), look.width)}, against {against}", table]
    parts += [_said(row, look) for row in rows if row.outcome is not Outcome.UNCHANGED or row.accepted]
    return look.fit("\n\n".join(parts))


def decided_line(row: VerdictRow, look: Look, *, place: str, name_width: int = 0, left: str = "") -> str:
    """Return the line of a comparison that is decided."""
    name = shorten(one_line(row.name), max(look.width // 2, 20))
    start = f" {place} {name}{' ' * max(name_width - cell_len(name), 0)}  "
    room = max(look.width - cell_len(start) - (cell_len(left) + 2 if left else 0), 20)
    said = clip("   ".join((f"{row.glyph} {row.outcome}", *row.numbers)), room)
    end = f"{' ' * (room - cell_len(said))}  {left}" if left else ""
    return look.fit(f"{start}{look.paint(row.outcome, said)}{end}".rstrip())


def _said(row: VerdictRow, look: Look) -> str:
    standing = f" ({row.standing})" if row.standing else ""
    numbers = ", ".join(row.numbers)
    first = f"{row.metric} {row.outcome}{standing}" + (f": {numbers}" if numbers else "")
    lines = [_wrapped(first, look, "", "    ")]
    lines += [_wrapped(remark, look, "    ", "    ") for remark in row.remarks]
    return "\n".join((*lines, *([f"    settle  {row.settle}"] if row.settle else [])))


def _headline(comparison: Comparison, look: Look) -> str:
    headline = comparison.headline
    tone = {"failed": Outcome.REGRESSED, "unsure": Outcome.INCONCLUSIVE}.get(headline.tone)
    said = _phrases(f"═══ {headline.sentence} ═══".split(" · "), look, " · ")
    return look.paint(tone, said.replace(headline.state, headline.state.upper(), 1))


def _verdicts(comparison: Comparison, look: Look) -> str:
    lines = _entries(comparison.worse, look)
    lines += [_shared(together, look) for together in comparison.together]
    lines += _entries(comparison.better, look)
    if comparison.unchanged:
        lines.append(_unchanged(comparison.unchanged, look))
    if comparison.aside:
        lines.append(_beside(_word(Outcome.INCONCLUSIVE, look), f"in passing: {'; '.join(comparison.aside)}", look))
    return "\n".join(lines)


def _entries(rows: Sequence[VerdictRow], look: Look) -> list[str]:
    more = len(rows) - _LISTED
    rest = [f"+{more} more; the report has them"] if more > 0 else []
    return [*(_entry(row, look) for row in rows[:_LISTED]), *rest]


def _entry(row: VerdictRow, look: Look) -> str:
    """Return a verdict in a few lines: what and by how much, how sure, and the sentences."""
    indent = _indent(look)
    name = shorten(one_line(row.name), max(look.width // 2, 20))
    standing = f"({row.standing})" if row.standing else ""
    metric = row.metric if row.verdict.metric is not None else ""
    facts = "  ".join(part for part in (name, metric, row.values, standing) if part)
    lines = [_beside(_word(row.outcome, look), facts, look)]
    if row.numbers:
        lines.append(_phrases(row.numbers, look, "  ", indent))
    lines += [_wrapped(remark, look, indent, indent) for remark in row.remarks]
    if row.settle:
        lines.append(f"{indent}settle  {row.settle}")
    return "\n".join(lines)


def _shared(together: Together, look: Look) -> str:
    """Return verdicts that share a reason under it, the first cells by name."""
    first = together.rows[0]
    indent = _indent(look)
    cells = [shorten(one_line(row.name), 60) for row in together.cells]
    more = [f"+{len(cells) - _NAMED} more"] if len(cells) > _NAMED else []
    text = f"{together.about}: {first.text}" if first.text else together.about
    lines = [_beside(_word(first.outcome, look), text, look)]
    lines.append(_wrapped(" · ".join((*cells[:_NAMED], *more)), look, indent, indent))
    if first.settle:
        lines.append(f"{indent}settle  {first.settle}")
    return "\n".join(lines)


def _unchanged(said: Sequence[str], look: Look) -> str:
    return _beside(_word(Outcome.UNCHANGED, look), "; ".join(said), look)


def _control(comparison: Comparison, look: Look) -> str:
    lines = []
    if comparison.control is not None:
        line = _wrapped(f"control: {comparison.control.text}", look, "", "  ")
        lines.append(look.paint(Outcome.REGRESSED if comparison.control.is_loud else None, line))
    if comparison.error_control:
        lines.append(_wrapped(comparison.error_control, look, "", "  "))
    if comparison.differences:
        lines.append(_wrapped(f"the sides differ: {'; '.join(comparison.differences)}", look, "", "  "))
    return "\n".join(lines)


def _judged(rows: Sequence[JudgedRow], elsewhere: str, look: Look) -> str:
    """Return the claims and budgets: a line or two each, the answer first; of those about other cells their number."""
    lines = []
    for row in rows:
        answer = f"{row.glyph} {row.judged.answer}"
        head = look.paint(row.judged.answer, answer) + " " * max(_WORD - cell_len(answer), 1)
        fatal = " (fails the gate)" if row.judged.is_fatal else ""
        lines.append(_beside(head, f"{row.kind}  {shorten(one_line(row.cell), 60)}  {row.name}{fatal}", look))
        lines.append(_wrapped(row.text, look, _indent(look), _indent(look)))
        for label, text in (("source", row.source), ("accepted", row.accepted)):
            if text:
                lines.append(_wrapped(f"{label}: {text}", look, _indent(look), _indent(look)))
    if not lines:
        return ""
    lines += [_wrapped(elsewhere, look, "", "  ")] * bool(elsewhere)
    return "\n".join((_promised(rows), *(line for line in lines if line)))


def _promised(rows: Sequence[JudgedRow]) -> str:
    """Name the section by what is in it."""
    return "claims, budgets and bounds" if any(row.judged.kind == "quality" for row in rows) else "claims and budgets"


def _labelled(label: str, texts: Sequence[str], look: Look) -> str:
    return "\n".join((label, *(_wrapped(text, look, "  ", "    ") for text in texts))) if texts else ""


def _word(outcome: Outcome, look: Look) -> str:
    word = f"{GLYPHS[outcome]} {outcome}"
    return look.paint(outcome, word) + " " * (_WORD - cell_len(word))


def _beside(head: str, text: str, look: Look) -> str:
    """Set a text beside its word; on a narrow terminal beneath it."""
    indent = _indent(look)
    if look.width < _NARROW:
        return f"{head.rstrip()}\n{_wrapped(text, look, indent, indent)}"
    return head + _wrapped(text, look, indent, indent).removeprefix(indent)


def _indent(look: Look) -> str:
    return " " * (4 if look.width < _NARROW else _WORD)


def _phrases(phrases: Sequence[str], look: Look, between: str, indent: str = "") -> str:
    """Return phrases side by side, as many a line as fit; one is broken only where it is longer than a line."""
    between, end = look.fit(between), look.fit(between.rstrip())
    lines: list[str] = []
    for place, phrase in enumerate(map(look.fit, phrases), 1):
        room = look.width - (cell_len(end) if place < len(phrases) else 0)
        if lines and cell_len(lines[-1] + between + phrase) <= room:
            lines[-1] += between + phrase
            continue
        if lines:
            lines[-1] += end
        lines.append(indent + phrase)
    return "\n".join(_wrapped(line, look, "", indent) for line in lines)


def _wrapped(text: str, look: Look, first: str = "", rest: str = "") -> str:
    """Wrap a text as the stream will show it: stand-ins for what its encoding lacks can be longer."""
    return textwrap.fill(
        look.fit(text),
        look.width,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=True,
    )
