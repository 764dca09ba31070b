"""Several runs on one page: a row a cell, a column a run. Places what each run says, and judges nothing.

Owns what is missing of each, and how many cells are there when the page opens; `side_facts` has what differs besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from harness.cells import Cell
from harness.comparisons import Outcome
from harness.consequences import of_cells
from harness.render import machine, numbers
from harness.render.figures import COLUMNS
from harness.render.gate import gate_headline
from harness.render.page.assemble import document
from harness.render.page.banner import when
from harness.render.page.side_facts import Differing, kinds_of
from harness.render.rows import GLYPHS as STATE_GLYPHS
from harness.render.rows import Row, State, anchor_of, cell_name, headline_of, rows_of
from harness.render.verdict_rows import GLYPHS
from harness.results import Run

SIDE_FILE = "side-by-side.html"
MOST_RUNS = 8

_MARKS = "ABCDEFGH"
_ELEMENTS_AT_ONCE = 3_400
_ELEMENTS_OF_A_SPOT = 6
_LEAN_SPOTS = 6_000
_NAMED_GAPS = 6
_SHOWN = (("peak", "size"), ("quality",))
_COLUMNS = tuple(column for column in COLUMNS if column.key in ("latency", *chain(*_SHOWN)))


@dataclass(frozen=True, slots=True)
class Side:
    """One run: how it is called here, how it ended by its own record, and what it ran on."""

    mark: str
    id: str
    at: str
    when: str
    sentence: str
    tone: str
    is_judged: bool
    machine: str
    libraries: str
    is_elsewhere: bool


@dataclass(frozen=True, slots=True)
class Spot:
    """A cell in one run. `times` is its time over that of the first run, or why there is none to say."""

    kind: str
    glyph: str
    word: str
    value: str
    aside: str = ""
    times: str = ""
    rest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A cell across the runs; None where a run does not have it."""

    model: str
    precision: str
    anchor: str
    spots: tuple[Spot | None, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """The cells of one device: those that are there when the page opens, and the others."""

    device: str
    lines: tuple[Line, ...]
    later: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """What one run lacks that another has."""

    mark: str
    count: int
    names: tuple[str, ...]

    @property
    def more(self) -> int:
        """How many are counted and not named."""
        return self.count - len(self.names)


@dataclass(frozen=True, slots=True)
class SideBySide:
    """All of the page. `is_lean`: so many cells that only time and peak are shown of each."""

    sides: tuple[Side, ...]
    cells: int
    differing: tuple[Differing, ...]
    agreeing: int
    one_sided: int
    blocks: tuple[Block, ...]
    gaps: tuple[Gap, ...]
    legend: tuple[tuple[str, str], ...]
    chosen: str
    is_lean: bool

    @property
    def is_scattered(self) -> bool:
        """Whether the runs are of several machines."""
        return any(side.is_elsewhere for side in self.sides)


def render_side_by_side(runs: Sequence[Run], takes: Callable[[Cell], bool] = lambda _: True, chosen: str = "") -> str:
    """Return the page of two runs or more; `takes` picks the cells, and `chosen` is that choice in words."""
    view = side_by_side(runs, takes, chosen)
    return document(
        "side.html.j2", ["banner", "side"], view=view, titles=[("differs", "What differs"), ("cells", "Cells")]
    )


def side_by_side(runs: Sequence[Run], takes: Callable[[Cell], bool], chosen: str) -> SideBySide:
    """Arrange the runs in the order given."""
    if not 2 <= len(runs) <= MOST_RUNS:
        raise ValueError(f"side by side are 2 to {MOST_RUNS} runs, not {len(runs)}")
    every = [rows_of(run, _COLUMNS) for run in runs]
    rows = [{row.cell: row for row in found if takes(row.cell)} for found in every]
    cells = tuple(dict.fromkeys(chain.from_iterable(rows)))
    is_lean = len(cells) * len(runs) > _LEAN_SPOTS
    outcomes = [of_cells(run.judgement.verdicts) if run.judgement else {} for run in runs]
    lines = {cell: _line(cell, rows, outcomes, is_lean=is_lean) for cell in cells}
    kinds = kinds_of(runs)
    differing = [kind.differing() for kind in kinds]
    return SideBySide(
        sides=tuple(_side(*one, runs[0]) for one in zip(_MARKS, runs, every, strict=False)),
        cells=len(cells),
        differing=tuple(one for one in differing if one.lines),
        agreeing=sum(kind.agreeing for kind in kinds),
        one_sided=sum(kind.one_sided for kind in kinds),
        blocks=tuple(_blocks(lines, len(runs))),
        gaps=tuple(_gaps(rows, cells)),
        legend=tuple(
            (glyph, str(word)) for word, glyph in GLYPHS.items() if any(word in told.values() for told in outcomes)
        ),
        chosen=chosen,
        is_lean=is_lean,
    )


def _side(mark: str, run: Run, rows: Sequence[Row], first: Run) -> Side:
    head = gate_headline(run, run.judgement) if run.judgement else headline_of(run, rows)
    return Side(
        mark=mark,
        id=run.id,
        at=run.started[:16].replace("T", " "),
        when=when(run),
        sentence=head.sentence,
        tone=str(head.tone),
        is_judged=run.judgement is not None,
        machine=machine.machine_line(run.environment),
        libraries=machine.library_line(run.environment),
        is_elsewhere=run.environment.identity != first.environment.identity,
    )


def _line(
    cell: Cell, rows: Sequence[Mapping[Cell, Row]], outcomes: Sequence[Mapping[Cell, Outcome]], *, is_lean: bool
) -> Line:
    first = rows[0].get(cell)
    spots = (
        None if (row := found.get(cell)) is None else _spot(row, told.get(cell), first, is_lean=is_lean)
        for found, told in zip(rows, outcomes, strict=True)
    )
    return Line(cell.model, cell.precision, anchor_of(cell), tuple(spots))


def _spot(row: Row, outcome: Outcome | None, first: Row | None, *, is_lean: bool) -> Spot:
    if row.state is not State.MEASURED:
        assert row.problem is not None
        word = str(row.state)
        return Spot(f"v-{row.state.name.lower()}", STATE_GLYPHS[row.state], word, word, rest=(row.problem.code,))
    latency = row.figures["latency"]
    times = "" if first is None or first is row else _times(row, first)
    rest = tuple(_joined(_labelled(key, row) for key in keys) for keys in _SHOWN)
    if is_lean:
        times, rest = "", (_joined((times, row.figures["peak"].text)),)
    return Spot(
        kind=f"v-{outcome.name.lower()}" if outcome else "v-measured",
        glyph=GLYPHS[outcome] if outcome else "",
        word=str(outcome) if outcome else "",
        value=latency.text,
        aside=latency.aside,
        times=times,
        rest=tuple(filter(None, rest)),
    )


def _joined(texts: Iterable[str]) -> str:
    return " · ".join(filter(None, texts))


def _labelled(key: str, row: Row) -> str:
    figure = row.figures[key]
    if figure.why:
        return ""
    return figure.text if key == "quality" else f"{'file' if key == 'size' else key} {figure.text}"


def _times(row: Row, first: Row) -> str:
    """The time over that of the first run, to a tenth: it is of two sessions."""
    own, other = row.measurement, first.measurement
    if own is None or other is None or first.state is not State.MEASURED:
        return ""
    if own.provenance and other.provenance:
        if own.provenance.workload_digest != other.provenance.workload_digest:
            return f"other examples than {_MARKS[0]}"
        if own.provenance.reference_digest != other.provenance.reference_digest:
            return f"another model than {_MARKS[0]}"
    now, before = own.value("latency_seconds"), other.value("latency_seconds")
    return f"≈{numbers.rough_times(now / before)} {_MARKS[0]}" if now and before else ""


def _blocks(lines: Mapping[Cell, Line], runs: int) -> Iterable[Block]:
    by_device: dict[str, list[Line]] = {}
    for cell, line in lines.items():
        by_device.setdefault(cell.device, []).append(line)
    room = max(_ELEMENTS_AT_ONCE // (runs * _ELEMENTS_OF_A_SPOT + 4), 8)
    for device, found in by_device.items():
        yield Block(device, tuple(found[:room]), tuple(found[room:]))
        room = max(room - len(found), 0)


def _gaps(rows: Sequence[Mapping[Cell, Row]], cells: Sequence[Cell]) -> Iterable[Gap]:
    for mark, found in zip(_MARKS, rows, strict=False):
        lacking = [cell for cell in cells if cell not in found]
        if lacking:
            yield Gap(mark, len(lacking), tuple(map(cell_name, lacking[:_NAMED_GAPS])))
