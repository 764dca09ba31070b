"""Cell by cell: the answer first, then what it is made of. An article a cell, those of one model beside one another.

Owns which drawings a cell gets: two sides where there were two, else this run alone. An article that is not part of the
page when it opens waits with the others of its model.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.cells import Cell
from harness.comparisons import Duel, Outcome
from harness.metrics import METRICS
from harness.render import numbers
from harness.render.figures import Column
from harness.render.judged_rows import JudgedRow
from harness.render.page.bars import HEIGHT as BAR_HEIGHT
from harness.render.page.context import Page
from harness.render.page.detail import Detail, detail_of
from harness.render.page.drawing import WIDTH
from harness.render.page.forest import Forest, forest_of, is_of
from harness.render.page.slices import HEIGHT as SLICE_HEIGHT
from harness.render.page.slices import WIDTH as SLICE_WIDTH
from harness.render.page.spread import Spread, spread_of_pairs, spread_of_passes, spread_of_sessions
from harness.render.page.strip import HEIGHT
from harness.render.rows import shown_columns
from harness.render.verdict_rows import VerdictRow
from harness.verdict.times import LATENCY

_MARKS_OF_A_CELL = 150
_LEAD = ("latency", "speed", "quality", "peak", "device_peak")


@dataclass(frozen=True, slots=True)
class Compared:
    """What was compared of a cell: verdicts told with their numbers, those that have none, and what is unchanged."""

    told: tuple[VerdictRow, ...]
    wordy: tuple[VerdictRow, ...]
    unchanged: tuple[VerdictRow, ...]
    latency: VerdictRow | None
    against: str
    duel: Duel | None


@dataclass(frozen=True, slots=True)
class Article:
    """A cell with all its drawings."""

    detail: Detail
    compared: Compared | None
    spread: Spread | None
    forest: Forest | None
    promises: tuple[JudgedRow, ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """The cells of one model: those that are there at once, and those that wait under what the button says."""

    at_once: tuple[Article, ...]
    waiting: tuple[Article, ...]
    says: str


@dataclass(frozen=True, slots=True)
class Cells:
    """The articles, and what they share: the columns, the leading ones first; what each reading is; sizes."""

    chapters: tuple[Chapter, ...]
    lead: tuple[Column, ...]
    rest: tuple[Column, ...]
    meanings: tuple[tuple[str, str], ...]
    width = int(WIDTH)
    strip_height = int(HEIGHT)
    bar_height = int(BAR_HEIGHT)
    slice_size = (int(SLICE_WIDTH), int(SLICE_HEIGHT))


def view(page: Page) -> Cells:
    """Show what is known of each cell that has room."""
    duels = {duel.cell: duel for duel in page.run.duels if not duel.is_control}
    articles: dict[str, list[Article]] = {}
    for row in page.rows:
        if row.cell in page.detailed:
            detail = detail_of(row, _MARKS_OF_A_CELL)
            articles.setdefault(row.cell.model, []).append(_article(page, detail, duels.get(row.cell)))
    columns = shown_columns(page.rows)
    return Cells(
        chapters=tuple(_chapter(page, model, found) for model, found in articles.items()),
        lead=tuple(column for column in columns if column.key in _LEAD),
        rest=tuple(column for column in columns if column.key not in _LEAD),
        meanings=_meanings(page),
    )


def _chapter(page: Page, model: str, articles: Iterable[Article]) -> Chapter:
    at_once: list[Article] = []
    waiting: list[Article] = []
    for article in articles:
        (at_once if article.detail.row.cell in page.inline else waiting).append(article)
    more = " more" if at_once else ""
    says = f"Show {len(waiting)}{more} cells of {model}" if len(waiting) != 1 else f"Show {waiting[0].detail.row.name}"
    return Chapter(tuple(at_once), tuple(waiting), says)


def _article(page: Page, detail: Detail, duel: Duel | None) -> Article:
    cell, measurement = detail.row.cell, detail.row.measurement
    compared = _compared(page, cell, duel)
    live = next(
        (row.verdict for row in ((*compared.told, *compared.wordy) if compared else ()) if is_of(row.verdict)), None
    )
    origins = page.run.judgement.origins if page.run.judgement else ()
    origin = next((one for one in origins if one.cell == cell), None)
    spread = spread_of_pairs(duel, live) if duel else None
    if spread is None and measurement is not None:
        spread = (spread_of_sessions(origin, measurement) if origin else None) or spread_of_passes(measurement)
    return Article(
        detail=detail,
        compared=compared,
        spread=spread,
        forest=forest_of(duel, live) if duel else None,
        promises=tuple(row for row in page.comparison.judged if row.judged.cell == cell) if page.comparison else (),
    )


def _compared(page: Page, cell: Cell, duel: Duel | None) -> Compared | None:
    """The latency leads, whatever became of it; of the rest only what is not unchanged is told at length."""
    rows = page.comparison.cells.get(cell, ()) if page.comparison else ()
    latency = next((row for row in rows if row.verdict.metric == LATENCY), None)
    told = [row for row in rows if row is latency or row.outcome is not Outcome.UNCHANGED or row.verdict.is_fatal]
    if not rows and (duel is None or not duel.problem):
        return None
    return Compared(
        told=tuple(row for row in told if _has_numbers(row)),
        wordy=tuple(row for row in told if not _has_numbers(row)),
        unchanged=tuple(row for row in rows if row not in told),
        latency=latency,
        against=" and ".join(dict.fromkeys(row.verdict.against for row in rows)),
        duel=duel,
    )


def _has_numbers(row: VerdictRow) -> bool:
    return row.change != numbers.DASH or bool(row.values)


def _meanings(page: Page) -> tuple[tuple[str, str], ...]:
    """What each reading on this page is, in the order of the table of metrics."""
    cells = (row.measurement for row in page.rows if row.cell in page.detailed)
    found = {reading.metric for one in cells if one is not None for reading in one.readings}
    return tuple((numbers.metric_words(name), METRICS[name].summary) for name in METRICS if name in found)
