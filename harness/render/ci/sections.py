"""A run in markdown, section by section, the most valuable first; and what of it fits under a limit.

Owns the order of worth and what is left out where there is no room: the sections of the least worth, whole, then the
end of the last that is kept. What was left out is said. The words are the rows'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from harness.cells import PRECISIONS, Cell
from harness.render import machine
from harness.render.ci.findings import Finding, Told, told_of
from harness.render.ci.markdown import code, table, text
from harness.render.gate import TONE_GLYPHS, Comparison
from harness.render.page.context import Page, page_of
from harness.render.page.grid import Spot, spots_of
from harness.render.rows import State, by_reason
from harness.render.verdict_rows import GLYPHS, VerdictRow
from harness.results import Run

_WORST = 5
_NOTE_ROOM = 600
_SEVERITY: Mapping[str, int] = {
    str(word): place for place, word in enumerate((*GLYPHS, State.NOT_MEASURED, State.MEASURED))
}


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the text. `items` are lines of which the last may be left out; `what` is what one of them is."""

    title: str
    head: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    foot: tuple[str, ...] = ()
    what: str = "line"

    def text(self, count: int | None = None) -> str:
        """Return the section with so many of its items; all, where no number is given."""
        shown = self.items if count is None else self.items[:count]
        more = len(self.items) - len(shown)
        said = (f"+{more} more {self.what}{'s' * (more != 1)}, left out because this text may not be longer.",)
        # Only a line that is empty ends a table.
        return "\n".join((*self.head, *shown, *(("", *said) if more else ()), *self.foot, ""))


_OF_A_STRANGER = Section(
    "whose numbers these are",
    ("These numbers were made by the pull request's own code: they are what it says of itself.",),
)


def sections_of(run: Run, link: str = "", *, is_strangers: bool = False) -> tuple[Section, ...]:
    """Return all there is to say, the most valuable first. `link` leads to where a CI keeps the report."""
    told, page = told_of(run), page_of(run)
    comparison = told.comparison
    made = [
        _headline(told, link),
        *([_OF_A_STRANGER] if is_strangers else []),
        _worst(told.findings),
        _matrix(page),
        _more(told.findings[_WORST:]),
    ]
    if comparison is not None:
        made += [_judged(comparison), _notes(comparison), _better(comparison), _quiet(comparison)]
    made += [_unmeasured(page), _environment(run)]
    return tuple(section for section in made if section.items or section.head)


def fitted(sections: Sequence[Section], limit: int, size: Callable[[str], int]) -> str:
    """Return as much as fits under a limit; where not all does, the end says what is missing."""
    whole = "\n".join(section.text() for section in sections)
    if size(whole) <= limit:
        return whole
    kept, room = list[str](), limit - _NOTE_ROOM
    for place, section in enumerate(sections):
        said = section.text()
        if size(said) + 1 > room:
            part = _part(section, room, size)
            left_out = sections[place + bool(part) :]
            return "\n".join((*kept, *([part] if part else []), _left_out(left_out)))
        kept.append(said)
        room -= size(said) + 1
    return "\n".join(kept)


def _part(section: Section, room: int, size: Callable[[str], int]) -> str:
    """As much of a section as fits; empty where not even one item does."""
    left, count = room - size(section.text(0)) - 1, 0
    for item in section.items:
        left -= size(item) + 1
        if left < 0:
            break
        count += 1
    return section.text(count) if count else ""


def _left_out(sections: Iterable[Section]) -> str:
    names = ", ".join(section.title for section in sections)
    return f"Left out because this text may not be longer: {names}. The report has all of it.\n" if names else ""


def _headline(told: Told, link: str) -> Section:
    first, *rest = told.sentences
    where = f"[where this run keeps its files](<{link}>)" if link else f"the folder {code(told.run.id, 80)} of this run"
    return Section(
        "headline",
        head=(
            f"### {TONE_GLYPHS[told.tone]} {text(told.state)}",
            "",
            f"**{text(first, 600)}**",
            *(f"<br>Run: {text(one, 600)}" for one in rest),
            "",
            f"The whole report is `report.html`, in {where}.",
        ),
    )


def _worst(findings: Sequence[Finding]) -> Section:
    """The five worst, each with the command that measures it again."""
    return Section(
        "the worst",
        head=("#### The worst", "") if findings else (),
        items=tuple(_entry(one) for one in findings[:_WORST]),
        what="finding",
    )


def _entry(one: Finding) -> str:
    rerun = f"<br>measure again: {code(one.rerun, 400)}" if one.rerun else ""
    return f"- **{text(one.head)}** {_about(one)}<br>{text(one.text)}{rerun}"


def _about(one: Finding) -> str:
    return text(one.about) if one.of is None else code(one.about, 160)


def _more(findings: Sequence[Finding]) -> Section:
    lines = table(
        ("Verdict", "Cell", "What"),
        [(text(one.head), _about(one), text(one.text)) for one in findings],
    )
    return Section("more findings", *_listed("More findings", lines), what="finding") if findings else _nothing()


def _matrix(page: Page) -> Section:
    """Every cell at a glance: models down, the worst first, precisions across."""
    spots = spots_of(page)
    asked = dict.fromkeys(cell.precision for cell in spots)
    precisions = [one for one in PRECISIONS if one in asked] + [one for one in asked if one not in PRECISIONS]
    lines: dict[tuple[str, str], dict[str, Spot]] = {}
    for cell, spot in spots.items():
        lines.setdefault((cell.device, cell.model), {})[cell.precision] = spot
    fatal = {one.cell for one in page.run.judgement.verdicts if one.is_fatal} if page.run.judgement else frozenset()
    ordered = sorted(lines.items(), key=lambda line: _place(line[0], line[1], fatal))
    rows = [
        (code(model, 80), code(device, 40), *(_spot(of_model.get(precision)) for precision in precisions))
        for (device, model), of_model in ordered
    ]
    heads = ("Model", "Device", *(code(precision, 40) for precision in precisions))
    words = {spot.word: spot.glyph for spot in spots.values()}
    known = sorted(words, key=lambda word: _SEVERITY[str(word)])
    legend = ", ".join(f"{words[word]} {word}" for word in known)
    return Section("matrix", *_listed("Matrix", table(heads, rows)), foot=("", f"<sub>{legend}</sub>"), what="row")


def _place(key: tuple[str, str], spots: Mapping[str, Spot], fatal: AbstractSet[Cell]) -> tuple[bool, int]:
    device, model = key
    is_fatal = any(Cell(model, precision, device) in fatal for precision in spots)
    return (not is_fatal, min(_SEVERITY[str(spot.word)] for spot in spots.values()))


def _spot(spot: Spot | None) -> str:
    if spot is None:
        return "not asked"
    return f"{spot.glyph} {text(spot.value, 60)}" + (f"<br>{text(spot.aside, 60)}" if spot.aside else "")


def _judged(comparison: Comparison) -> Section:
    if not comparison.judged:
        return _nothing()
    rows = [
        (
            f"{row.glyph} {row.judged.answer}" + " (fails the gate)" * row.judged.is_fatal,
            text(row.kind),
            code(row.cell, 160),
            text(row.name),
            text(row.text),
        )
        for row in comparison.judged
    ]
    lines = table(("Answer", "Kind", "Cell", "What it asks", "Measured"), rows)
    foot = ("", text(f"{comparison.elsewhere}.")) if comparison.elsewhere else ()
    return Section("claims and budgets", *_listed("Claims, budgets and bounds", lines), foot=foot)


def _notes(comparison: Comparison) -> Section:
    """What a reader must know to believe the rest."""
    said = [("baselines", one) for one in comparison.problems]
    said += [("accepted", one) for one in comparison.accepted]
    said += [("control", comparison.control.text)] if comparison.control else []
    said += [("error control", comparison.error_control)] if comparison.error_control else []
    said += [("the sides differ", one) for one in comparison.differences]
    return _entries("How sure this is", (f"- {label}: {text(one, 600)}" for label, one in said))


def _better(comparison: Comparison) -> Section:
    if not comparison.better:
        return _nothing()
    heads = ("Cell", "Metric", "Base", "Now", "Change", "Rests on")
    lines = table(heads, [_row(row) for row in comparison.better], right=(2, 3))
    return Section("what is better", *_listed("Better", lines))


def _row(row: VerdictRow) -> tuple[str, ...]:
    return (code(row.name, 160), *map(text, (row.metric, row.old, row.new, row.change, row.basis)))


def _quiet(comparison: Comparison) -> Section:
    def lines() -> Iterator[str]:
        for together in comparison.together:
            first = together.rows[0]
            yield f"- {first.glyph} {first.outcome}: {text(f'{together.about}: {first.text}')}"
        if comparison.unchanged:
            yield f"- unchanged: {text('; '.join(comparison.unchanged), 2_000)}"
        if comparison.aside:
            yield f"- in passing: {text('; '.join(comparison.aside), 2_000)}"

    return _entries("The rest", lines())


def _unmeasured(page: Page) -> Section:
    lines = [
        f"- {sharing[0].glyph} {state}: {text(reason)}: {', '.join(code(row.name, 160) for row in sharing[:20])}"
        + f" +{len(sharing) - 20} more" * (len(sharing) > 20)
        for state in (State.FAILED, State.UNSUPPORTED, State.NOT_MEASURED)
        for reason, sharing in by_reason(page.rows, state).items()
    ]
    return _entries("Without numbers", lines)


def _environment(run: Run) -> Section:
    return _entries(
        "Measured on",
        (
            f"- machine: {text(machine.machine_line(run.environment), 600)}",
            f"- libraries: {text(machine.library_line(run.environment), 600)}",
        ),
    )


def _entries(title: str, lines: Iterable[str]) -> Section:
    items = tuple(lines)
    return Section(title.lower(), ("", f"#### {title}", "") if items else (), items)


def _listed(title: str, lines: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The head of a section of a table, and its rows."""
    return ("", f"#### {title}", "", *lines[:2]), lines[2:]


def _nothing() -> Section:
    return Section("")
