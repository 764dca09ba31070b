"""What a person reads in the terminal: a line a finished cell, the final table. Pure: rows in, text out.

Owns the layout, not the words: figures and headline come from the rows, so that the page says the same.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from rich.cells import cell_len
from tabulate import tabulate

from harness.baselines.noise import disturbed
from harness.ending import ending_of
from harness.render import numbers
from harness.render.figures import UNPAIRED, Column
from harness.render.gate import Comparison, comparison_of
from harness.render.gate_terminal import gate_report
from harness.render.look import Look
from harness.render.next_steps import next_steps
from harness.render.rows import GLYPHS, Headline, Row, State, by_reason, headline_of, rows_of, shown_columns
from harness.render.stages import stages_report
from harness.render.text import clip, one_line, shorten, visible
from harness.render.verdict_rows import VerdictRow
from harness.render.weights_rows import FOOT, MARK, random_models, weights_lines
from harness.render.worth_rows import worth_blocks
from harness.render.worth_terminal import worth_report
from harness.results import Run

_BY_WORTH = (
    "latency",
    "speed",
    "quality",
    "peak",
    "limit",
    "size",
    "rtf",
    "device_peak",
    "covered",
    "load",
    "rate",
    "placed",
)
_GAP = 2
_TELLING = 20
_NAMED = 8
_MODELS = 24
_LAST_WORDS_LINES = 6
_REASONS = 3


def cell_line(
    row: Row,
    total: int,
    look: Look,
    *,
    label_width: int = 0,
    eta: str = "",
    verdict: VerdictRow | None = None,
) -> str:
    """Return the line of a finished cell, and a line beneath it for each of its notes."""
    place = f"{row.number:>{len(str(total))}}/{total}"
    name = _padded(shorten(one_line(row.name), max(look.width // 2, 20)), label_width)
    start = f" {place} {name}  "
    room = look.width - cell_len(start)
    end = f"  {eta}" if eta and room - cell_len(eta) > _TELLING else ""
    room = max(room - cell_len(end), _TELLING)
    said = clip(_outcome(row, room, verdict), room)
    tone = verdict.outcome if verdict else row.state
    line = f"{start}{look.paint(tone, _padded(said, room) if end else said)}{end}"
    busy = disturbed(row.measurement) if row.measurement else None
    noise = (f"{busy}: measure again in quiet, or use --against",) if busy else ()
    notes = (f"      ! {clip(one_line(note), look.width - 8)}" for note in (*row.notes, *noise))
    return look.fit("\n".join((line.rstrip(), *notes)))


def final_report(run: Run, look: Look, *, report: str | None = None) -> str:
    """Return all that is said at the end: table, headline, what has no numbers, what is worth it, gate, report."""
    rows = rows_of(run)
    headline = headline_of(run, rows)
    comparison = comparison_of(run)
    worst = State.FAILED if headline.counts[State.FAILED] else State.MEASURED
    if not run.complete:
        worst = State.NOT_MEASURED
    measured = look.paint(worst, _measured(headline, look, is_last_word=comparison is None))
    parts = [
        table(rows, look) if rows else "",
        _weights(run, look),
        stages_report(rows, look),
        measured,
        _excused(rows, State.UNSUPPORTED, look),
        _failures(rows, look),
        _excused(rows, State.NOT_MEASURED, look),
        worth_report(worth_blocks(run), look),
        gate_report(comparison, look) if comparison else "",
        _after(run, comparison, report, look),
    ]
    return look.fit("\n\n".join(part for part in parts if part))


def _measured(headline: Headline, look: Look, *, is_last_word: bool) -> str:
    """Return how much was measured. In a judged run the gate has the last word, and this is a plain line."""
    if not is_last_word:
        return "\n".join(textwrap.wrap(" · ".join(headline.phrases), look.width))
    said = "\n".join(textwrap.wrap(f"═══ {headline.sentence} ═══", look.width))
    return said.replace(headline.state, headline.state.upper(), 1)


def _after(run: Run, comparison: Comparison | None, report: str | None, look: Look) -> str:
    """Return where the report is, at the worst cell, and what can be done about that."""
    steps = next_steps(run, comparison)
    place = f"#{steps.anchor}" if steps else ""
    lines = [("report", f"{visible(report)}{place}" if report else "")]
    if steps:
        lines += [("rerun", steps.rerun), ("accept", steps.accept)]
    lines += [("why", reason) for reason in _untold(run, comparison)]
    return "\n".join(f"{label:<7} {shorten(one_line(text), 8 * look.width)}" for label, text in lines if text)


def _untold(run: Run, comparison: Comparison | None) -> Sequence[str]:
    """Return why the run is not green, where neither a verdict nor a failed cell above says it."""
    told = 0 if comparison is None else sum(row.verdict.is_fatal for row in comparison.worse)
    told += sum(row.judged.is_fatal for row in comparison.judged) if comparison else 0
    told += sum(one.failure is not None for one in run.measurements)
    return () if told else ending_of(run).reasons[:_REASONS]


def table(rows: Sequence[Row], look: Look) -> str:
    """Return a table for each device, with as many columns as fit, a word on those that did not, and the footnotes.

    Where a cell is set beside the fp32 of another device, one table holds them all.
    """
    is_across = any(row.figures["speed"].aside for row in rows if row.figures)
    random = random_models(row.measurement for row in rows)
    names = {row.cell: _names(row, look, random, has_device=is_across) for row in rows}
    columns = _fitting(rows, look, names.values())
    footnotes: dict[str, int] = {}
    parts = []
    devices = dict.fromkeys(row.cell.device for row in rows)
    for device in ["all devices"] if is_across else devices:
        body = [
            [*names[row.cell], *(_cell(row, column, footnotes, look) for column in columns)]
            for row in rows
            if is_across or row.cell.device == device
        ]
        heads = [
            look.fit(one_line(device)),
            "precision, on" if is_across else "precision",
            *(look.fit(column.title) for column in columns),
        ]
        align = ["left"] * 2 + ["right"] * len(columns)
        parts.append(tabulate(body, heads, tablefmt="simple", disable_numparse=True, colalign=align) + "\n")
    foot = [f"[{number}] {why}" for why, number in footnotes.items()]
    if any(row.figures["speed"].note for row in rows if row.figures) and "speed" in {column.key for column in columns}:
        foot.append(f"≈ {UNPAIRED}")
    foot += [FOOT] * bool(random)
    if left := [column.title for column in shown_columns(rows) if column not in columns]:
        foot.append(f"too narrow for: {', '.join(left)}; the report has them")
    return look.fit("\n".join((*parts, *(_indented(line, look.width, "", "    ") for line in foot))).rstrip())


def _outcome(row: Row, room: int, verdict: VerdictRow | None) -> str:
    """Return what a cell's line says: all of it, or what fits of it: the memory is left out first."""
    if row.problem is not None:
        return f"{row.glyph} {_problem_line(row)}"
    word = f"{verdict.glyph} {verdict.outcome}" if verdict else ""
    latency, speed, peak, quality = (row.figures[key] for key in ("latency", "speed", "peak", "quality"))
    ratio = f"{speed.text} {speed.aside or 'fp32'}" if speed.text.startswith("≈") else ""
    has_quality = not quality.why and quality.text != "ref"
    worths = dict.fromkeys((str(quality), quality.text)) if has_quality and not quality.note else (str(quality),)
    choices = [
        "   ".join(text for text in (str(latency), word, times, worth if has_quality else "", memory) if text)
        for times, memory in ((ratio, f"peak {peak}"), (ratio, ""), ("", ""))
        for worth in worths
    ]
    return next((choice for choice in choices if cell_len(choice) <= room), choices[0])


def _problem_line(row: Row) -> str:
    assert row.problem is not None
    state = "unsupported: " if row.state is State.UNSUPPORTED else ""
    return one_line(state + row.problem.line)


def _names(row: Row, look: Look, random: Collection[str], *, has_device: bool) -> tuple[str, str]:
    room = max(look.width // 4, 16)
    model, precision = row.cell.model, row.cell.precision
    if has_device:
        precision = f"{precision} {row.cell.device}"
    mark = MARK if model in random else ""
    return look.fit(shorten(one_line(model), room) + mark), look.fit(shorten(one_line(precision), room))


def _cell(row: Row, column: Column, footnotes: dict[str, int], look: Look) -> str:
    if row.problem is not None:
        word = row.problem.code if row.state is State.UNSUPPORTED else row.state
        return look.paint(row.state, look.fit(f"{row.glyph} {word}" if column.key == "latency" else numbers.DASH))
    figure = row.figures[column.key]
    mark = f" [{footnotes.setdefault(one_line(figure.why), len(footnotes) + 1)}]" if figure.why else ""
    return look.fit(f"{figure}{mark}")


def _fitting(rows: Sequence[Row], look: Look, names: Collection[tuple[str, str]]) -> list[Column]:
    """Return the columns that fit side by side, the worthiest first to come in; the latency always stays."""
    uncoloured = replace(look, colour=False)
    marks = dict.fromkeys((figure.why for row in rows for figure in row.figures.values()), 99)
    left = look.width - _width("", (model for model, _ in names)) - _width("precision", (name for _, name in names))
    kept: set[str] = set()
    for column in sorted(shown_columns(rows), key=lambda column: _BY_WORTH.index(column.key)):
        left -= _width(look.fit(column.title), (_cell(row, column, marks, uncoloured) for row in rows))
        if kept and left < -_GAP:
            break
        kept.add(column.key)
    return [column for column in shown_columns(rows) if column.key in kept]


def _width(title: str, texts: Iterable[str]) -> int:
    """Return what a column takes with its gap; tabulate gives every heading two spaces of its own."""
    return max(cell_len(title) + 2, *(cell_len(text) for text in texts)) + _GAP


def _weights(run: Run, look: Look) -> str:
    """Return which weights the figures came from, a line a model."""
    found = weights_lines(run)
    lines = [
        _indented(f"{shorten(one_line(one.model), look.width // 2)}: {one.sentence}", look.width, "  ", "    ")
        for one in found[:_MODELS]
    ]
    more = [f"  +{len(found) - _MODELS} more, in the report"] if len(found) > _MODELS else []
    return "\n".join(("weights", *lines, *more)) if lines else ""


def _excused(rows: Sequence[Row], state: State, look: Look) -> str:
    """Return the cells of a state under each reason they share."""
    lines = []
    for reason, sharing in by_reason(rows, state).items():
        lines.append(_indented(clip(one_line(reason), 8 * look.width), look.width, "  ", "    "))
        names = [shorten(one_line(row.name), look.width - 8) for row in sharing[:_NAMED]]
        more = [f"+{len(sharing) - _NAMED} more"] if len(sharing) > _NAMED else []
        lines.append(_indented(" · ".join((*names, *more)), look.width, "      ", "      "))
    return "\n".join((look.paint(state, f"{GLYPHS[state]} {state}"), *lines)) if lines else ""


def _failures(rows: Sequence[Row], look: Look) -> str:
    failed = [row for row in rows if row.state is State.FAILED]
    if not failed:
        return ""
    lines = [look.paint(State.FAILED, f"{GLYPHS[State.FAILED]} {State.FAILED}")]
    for row in failed:
        assert row.problem is not None
        lines.append(f"  {shorten(one_line(row.name), look.width - 2)}")
        lines.append(_indented(clip(one_line(row.problem.line), 8 * look.width), look.width, "      ", "      "))
        words = [one_line(line) for line in row.problem.last_words.splitlines() if line.strip()]
        lines += [f"      | {shorten(line, look.width - 8)}" for line in words[-_LAST_WORDS_LINES:]]
        lines.append(f"      rerun  {shorten(visible(row.rerun), 8 * look.width)}")
    return "\n".join(lines)


def _indented(text: str, width: int, first: str, rest: str) -> str:
    return textwrap.fill(
        text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False, break_long_words=True
    )


def _padded(text: str, width: int) -> str:
    return text + " " * max(width - cell_len(text), 0)
