"""The grid as it is seen at a glance: one block a device, models down, precisions across. Only arranges rows.

In a judged run a cell shows its one outcome and the change behind it; in any other its latency and how that stands
beside fp32. What it shows in the other ways of looking at it is written here too: the script formats nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.cells import PRECISIONS, Cell
from harness.comparisons import Outcome
from harness.render import changes
from harness.render.numbers import DASH
from harness.render.page.context import Page
from harness.render.rows import GLYPHS as STATE_GLYPHS
from harness.render.rows import Row, State, anchor_of
from harness.render.verdict_rows import GLYPHS, VerdictRow
from harness.render.weights_rows import MEANING, WeightsLine, weights_lines
from harness.verdict.times import LATENCY

_INLINE_CELLS = 180
"""So many cells of the matrix are there when the page opens; the others wait in a part of their own."""

_INTERVAL = re.compile(r" \[[^\]]*\]")


@dataclass(frozen=True, slots=True)
class Spot:
    """One cell of the matrix: a sign and its word, what stands first, what stands beside it.

    `speed` is empty of a cell without numbers, which looks the same in every way. `latency` is only there where it is
    neither of the two that are shown.
    """

    anchor: str
    word: StrEnum
    glyph: str
    value: str
    aside: str = ""
    speed: str = ""
    latency: str = ""
    change: str = ""
    change_size: float | None = None
    """The change behind the outcome with its interval and, where it is relative, how large it is."""

    is_first: bool = False
    """Whether a link to all cells of this word leads here where no script filters."""

    @property
    def kind(self) -> str:
        """The word as a name for styles and links."""
        return self.word.name.lower()


@dataclass(frozen=True, slots=True)
class Line:
    """One model across the precisions; None where the cell is not part of the run."""

    model: str
    spots: tuple[Spot | None, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """All cells of one device. `later` are the lines that are not there when a large page opens."""

    device: str
    precisions: tuple[str, ...]
    lines: tuple[Line, ...]
    later: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """A way to look at the matrix; `key` is what the script calls it."""

    key: str
    title: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """The blocks, what their signs mean and how often each is there, and which weights the figures came from."""

    blocks: tuple[Block, ...]
    legend: tuple[tuple[StrEnum, str, int], ...]
    ways: tuple[Way, ...]
    is_judged: bool
    weights: tuple[WeightsLine, ...]
    meaning: str = MEANING


def view(page: Page) -> Matrix:
    """Show every cell at a glance."""
    spots = spots_of(page)
    ways = [
        Way("verdict", "verdict" if page.comparison else "state"),
        Way("latency", "latency"),
        Way("speed", "× fp32"),
    ]
    if page.comparison:
        ways.insert(1, Way("change", "change"))
    return Matrix(
        blocks_of(spots),
        _legend(spots.values()),
        tuple(ways),
        page.comparison is not None,
        tuple(weights_lines(page.run)),
    )


def spots_of(page: Page) -> Mapping[Cell, Spot]:
    """Say of each cell what the matrix shows: of those of the run, then of those that only a verdict speaks of."""
    found: dict[Cell, Spot] = {}
    seen: set[str] = set()
    verdicts = page.comparison.cells if page.comparison else {}
    for cell in (*(row.cell for row in page.rows), *page.only_judged):
        outcome, row = page.outcomes.get(cell), page.by_cell.get(cell)
        word: StrEnum | None = outcome or (row.state if row else None)
        assert word is not None
        is_first = word.name not in seen
        seen.add(word.name)
        if outcome is None:
            assert row is not None
            found[cell] = _unjudged(row, is_first=is_first)
        else:
            found[cell] = _judged(cell, outcome, row, verdicts.get(cell, ()), is_first=is_first)
    return found


def blocks_of(spots: Mapping[Cell, Spot]) -> tuple[Block, ...]:
    """Arrange spots by device; devices and models in their order, precisions from wide to narrow."""
    by_device: dict[str, dict[str, dict[str, Spot]]] = {}
    for cell, spot in spots.items():
        by_device.setdefault(cell.device, {}).setdefault(cell.model, {})[cell.precision] = spot
    share = _INLINE_CELLS if len(spots) <= _INLINE_CELLS else _INLINE_CELLS // len(by_device)
    return tuple(_block(device, models, share) for device, models in by_device.items())


def _block(device: str, models: dict[str, dict[str, Spot]], cells_inline: int) -> Block:
    asked = dict.fromkeys(precision for cells in models.values() for precision in cells)
    known = [precision for precision in PRECISIONS if precision in asked]
    precisions = (*known, *(precision for precision in asked if precision not in PRECISIONS))
    lines = [Line(model, tuple(cells.get(precision) for precision in precisions)) for model, cells in models.items()]
    inline = max(cells_inline // len(precisions), 1)
    return Block(device, precisions, tuple(lines[:inline]), tuple(lines[inline:]))


def _legend(spots: Iterable[Spot]) -> tuple[tuple[StrEnum, str, int], ...]:
    """The signs that are there, from the worst to the best, and how many cells have each.

    A verdict and a state can be the same word, and are then one.
    """
    counts = Counter(spot.kind for spot in spots)
    known = {word.name.lower(): (word, glyph) for word, glyph in (*STATE_GLYPHS.items(), *GLYPHS.items())}
    order = dict.fromkeys(word.name.lower() for word in (*GLYPHS, *STATE_GLYPHS))
    return tuple((*known[kind], counts[kind]) for kind in order if counts[kind])


def _unjudged(row: Row, *, is_first: bool) -> Spot:
    latency, speed = _latency(row), _speed(row)
    if row.problem is not None:
        return Spot(row.anchor, row.state, row.glyph, str(row.state), _code(row), is_first=is_first)
    return Spot(row.anchor, row.state, row.glyph, latency, speed, speed, is_first=is_first)


def _judged(cell: Cell, outcome: Outcome, row: Row | None, verdicts: Sequence[VerdictRow], *, is_first: bool) -> Spot:
    glyph, anchor = GLYPHS[outcome], anchor_of(cell)
    told = _telling(outcome, verdicts)
    change = told.change if told is not None and told.change != DASH else ""
    value = _INTERVAL.sub("", change) or str(outcome)
    if row is None or row.state is not State.MEASURED:
        code = _code(row) if row is not None else "not in this run"
        return Spot(anchor, outcome, glyph, value, code, is_first=is_first)
    latency, aside, shown_latency = _latency(row), _latency(row), ""
    if told is not None and change and told.verdict.metric != LATENCY:
        change, aside, shown_latency = f"{told.metric} {change}", f"{told.metric} · {latency}", latency
    size = None if told is None else changes.finite(told.verdict.ratio)
    relative = None if size is None else size - 1
    return Spot(anchor, outcome, glyph, value, aside, _speed(row), shown_latency, change, relative, is_first)


def _telling(outcome: Outcome, verdicts: Sequence[VerdictRow]) -> VerdictRow | None:
    """The verdict behind the outcome of a cell: that on its latency where it says so, else the worst that does."""
    saying = [row for row in verdicts if row.outcome is outcome]
    of_latency = (row for row in saying if row.verdict.metric == LATENCY)
    return next(of_latency, saying[0] if saying else None)


def _code(row: Row) -> str:
    """Why a cell has no numbers, in a word or two: after "failed" it is enough to say in what."""
    return row.problem.code.removeprefix("failed ") if row.problem is not None else ""


def _latency(row: Row) -> str:
    return row.figures["latency"].text if row.figures else DASH


def _speed(row: Row) -> str:
    return row.figures["speed"].text if row.figures else DASH
