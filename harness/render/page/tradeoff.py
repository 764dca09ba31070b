"""Latency against what is lost, a plot a model and device, and the same in numbers beside it.

Owns which precisions have a place in a plot, and what is said of those that have none. Decides nothing: what a
precision is worth, and what dominates it, is said in its row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.cells import Cell
from harness.render import numbers
from harness.render.figures import Figure
from harness.render.page.context import Page
from harness.render.page.tradeoff_plot import BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH, Plot, Point, plot_of
from harness.render.page.tradeoff_shapes import SHAPES, Shape, shapes_of
from harness.render.rows import Row, anchor_of
from harness.render.text import one_line
from harness.render.worth_rows import WorthBlock, WorthRow
from harness.worth.standing import DISTANCES, Worth

_AT_ONCE = 3
_MANY_CELLS = 240
_BLOCKS_OF_MANY = 8
"""Of so many cells not every block has room on the page; the numbers of the others are in the table of all cells."""

_WHYS = 3


@dataclass(frozen=True, slots=True)
class Line:
    """A precision in the table: its row, with its own latency and peak."""

    row: WorthRow
    shape: Shape
    latency: Figure
    peak: Figure
    anchor: str


@dataclass(frozen=True, slots=True)
class Weighed:
    """A model on a device. `axis` says what is lost, `notes` how to read it; without a plot `why` says why."""

    block: WorthBlock
    anchor: str
    lines: tuple[Line, ...]
    plot: Plot | None
    axis: str
    notes: tuple[str, ...]
    why: str

    @property
    def most(self) -> str:
        """The memory of the largest mark."""
        return numbers.bytes_(self.plot.most_bytes) if self.plot and self.plot.most_bytes else ""


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """What is shown at once and what waits; `left_out` are without room on a page of so many cells.

    `shared` are remarks that hold for every block: they are made once.
    """

    first: tuple[Weighed, ...]
    later: tuple[Weighed, ...]
    left_out: int
    shared: tuple[str, ...]
    legend: Mapping[str, Shape]
    shapes: tuple[Shape, ...] = SHAPES
    frame: tuple[float, ...] = (WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM)


def block_anchor(model: str, device: str) -> str:
    """The fragment that leads to the numbers of one model on one device."""
    return "t=" + anchor_of(Cell(model, "", device)).removeprefix("c=")


def shown_blocks(page: Page) -> tuple[WorthBlock, ...]:
    """The models and devices that have room: all, or of very many cells those of which most is to be told."""
    if len(page.rows) <= _MANY_CELLS:
        return page.worths

    def place(block: WorthBlock) -> tuple[bool, bool]:
        is_asked_for = all(row.cell in page.detailed for row in block.rows)
        return not is_asked_for, not any(row.worth is Worth.WORTH_IT for row in block.rows)

    return tuple(sorted(page.worths, key=place)[:_BLOCKS_OF_MANY])


def view(page: Page) -> Tradeoff | None:
    """Draw what there is to weigh."""
    blocks = shown_blocks(page)
    if not blocks:
        return None
    shapes = shapes_of(row.cell.precision for block in blocks for row in block.rows)
    made = tuple(weighed(block, page.by_cell, shapes) for block in blocks)
    return Tradeoff(made[:_AT_ONCE], made[_AT_ONCE:], len(page.worths) - len(blocks), _shared(blocks), shapes)


def _shared(blocks: Sequence[WorthBlock]) -> tuple[str, ...]:
    """The remarks of the first of several blocks that all others have too."""
    if len(blocks) < 2:
        return ()
    return tuple(one for one in blocks[0].remarks if all(one in block.remarks for block in blocks[1:]))


def weighed(block: WorthBlock, by_cell: Mapping[Cell, Row], shapes: Mapping[str, Shape]) -> Weighed:
    """Put the precisions of a model into a plot and a table."""
    lines = tuple(_line(row, by_cell.get(row.cell), shapes) for row in block.rows)
    base = next((one.latency.value for one in lines if one.row.worth is Worth.BASE), None)
    metric = _metric(block)
    points = [point for one in lines if (point := _point(one, base, metric)) is not None]
    anchor = block_anchor(block.model, block.device)
    if metric is None or not any(one.loss is not None and not one.is_base for one in points):
        return Weighed(block, anchor, lines, None, "", (), _why_none(block))
    margins = _margins(block, metric)
    plot = plot_of(points, margins[0] if len(margins) == 1 else None)
    return Weighed(block, anchor, lines, plot, _axis(block, metric), tuple(_notes(block, plot, points, metric)), "")


def _line(row: WorthRow, own: Row | None, shapes: Mapping[str, Shape]) -> Line:
    why = row.standing.why or "not known"

    def figure(key: str) -> Figure:
        found = own.figures.get(key) if own else None
        return found or Figure(numbers.DASH, why=one_line(why))

    return Line(row, shapes[row.cell.precision], figure("latency"), figure("peak"), row.anchor)


def _metric(block: WorthBlock) -> str | None:
    """The metric of the axis: one of the task before a mere distance, and of these what most precisions have."""
    leads = [
        row.standing.lead
        for row in block.rows
        if row.worth is not Worth.BASE and row.standing.lead and row.standing.lead.loss
    ]
    counted = Counter(lead.score.metric for lead in leads)
    return min(counted, key=lambda name: (name in DISTANCES, -counted[name]), default=None)


def _margins(block: WorthBlock, metric: str) -> list[float]:
    leads = [row.standing.lead for row in block.rows if row.worth is not Worth.BASE]
    found = {lead.margin for lead in leads if lead and lead.score.metric == metric and lead.margin is not None}
    return sorted(found)


def _point(line: Line, base: float | None, metric: str | None) -> Point | None:
    """Where a precision stands; None for one without a result, or of which no latency beside fp32 is known."""
    standing, own = line.row.standing, line.latency.value
    if standing.worth is Worth.NO_RESULT or standing.speed is None or not own:
        return None
    speed, is_base = standing.speed, standing.worth is Worth.BASE
    reference = base or own * speed.times
    is_told = not speed.is_rough and not is_base
    lead = standing.lead
    loss = lead.shown_loss if lead and lead.score.metric == metric else None
    is_nought = is_base or (standing.is_same and loss is None)
    return Point(
        precision=standing.cell.precision,
        shape=line.shape,
        seconds=reference / speed.times,
        seconds_low=reference / speed.high if is_told and speed.high else None,
        seconds_high=reference / speed.low if is_told and speed.low else None,
        loss=0.0 if is_nought else loss.value if loss else None,
        loss_low=loss.low if loss and not is_nought else None,
        loss_high=loss.high if loss and not is_nought else None,
        peak_bytes=line.peak.value,
        is_hollow=standing.dominated_by is not None,
        is_base=is_base,
        is_rough=speed.is_rough,
        is_good=standing.worth is Worth.WORTH_IT,
    )


def _axis(block: WorthBlock, metric: str) -> str:
    unit = next(
        row.standing.lead.score.unit
        for row in block.rows
        if row.standing.lead and row.standing.lead.score.metric == metric
    )
    words = f"{numbers.metric_words(metric)} {'away from' if metric in DISTANCES else 'lost against'} fp32"
    return f"{words}, {unit}" if unit else words


def _notes(block: WorthBlock, plot: Plot, points: Sequence[Point], metric: str) -> list[str]:
    """What has to be known to read this plot."""
    notes = []
    if metric in DISTANCES:
        notes.append(
            f"{numbers.metric_words(metric)} says how far outputs lie from those of fp32, not how much worse they are"
        )
    unknown = [one.precision for one in points if one.loss is None]
    if unknown:
        notes.append(f"of {', '.join(unknown)} it is not known what is lost on this axis")
    placed = {one.precision for one in points}
    notes += [
        f"without a place is {row.cell.precision}: {row.speed.why or 'its latency is not known'}"
        for row in block.rows
        if row.cell.precision not in placed and row.worth is not Worth.NO_RESULT
    ]
    if plot.is_cut:
        notes.append("an interval that reaches the edge goes on beyond it")
    if plot.has_small:
        notes.append("the smallest marks are larger than their memory is, to be seen")
    return notes


def _why_none(block: WorthBlock) -> str:
    """Why nothing is drawn: of no precision is it known what it loses."""
    others = [row for row in block.rows if row.worth not in (Worth.BASE, Worth.NO_RESULT)]
    if not others:
        return "There is no plot: no precision beside fp32 has a result."
    whys = Counter(row.loss.why or row.speed.why or "its latency is not known" for row in others)
    told = "; ".join(why for why, _ in whys.most_common(_WHYS))
    return f"There is no plot: of no precision both its speed and what its outputs lose are known ({told})."
