"""What changed: five verdicts from the worst on, the rest folded, and beneath what shares a reason or is unchanged.

Only arranges: order and words are the comparison's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.cells import Cell
from harness.comparisons import Basis, Duel, Origin, Outcome
from harness.render.gate import Comparison, Together
from harness.render.numbers import DASH
from harness.render.page.context import Page
from harness.render.page.spark import HEIGHT, WIDTH, Spark, spark_of
from harness.render.verdict_rows import GLYPHS, VerdictRow

_OPEN = 5
_FOLDED = 20
_NAMED = 12


@dataclass(frozen=True, slots=True)
class Line:
    """A verdict in its line: `n` is how many pairs, processes, examples or sessions it rests on."""

    row: VerdictRow
    n: str
    spark: Spark | None

    @property
    def change(self) -> tuple[str, str]:
        """The change, and its interval."""
        number, bracket, interval = self.row.change.partition(" [")
        return number, f"{bracket[1:]}{interval}"


@dataclass(frozen=True, slots=True)
class Summary:
    """Verdicts that are told together: of cells that share a reason, or of a metric that is fine everywhere."""

    outcome: Outcome
    text: str
    together: Together | None = None
    kind: str = ""

    @property
    def glyph(self) -> str:
        """The sign of the verdict."""
        return GLYPHS[self.outcome]

    @property
    def short(self) -> str:
        """What is in it, where it is folded."""
        return f"{len(self.together.cells)} {self.outcome}" if self.together else self.kind


@dataclass(frozen=True, slots=True)
class Changed:
    """The lines of the comparison: five, those that are folded, and those that wait until they are asked for."""

    comparison: Comparison
    open: tuple[Line, ...]
    folded: tuple[Line, ...]
    waiting: tuple[Line, ...]
    summed: tuple[Summary, ...]
    summed_beneath: tuple[Summary, ...]
    drawings: str
    named = _NAMED
    spark_size = (WIDTH, HEIGHT)

    @property
    def fold(self) -> str:
        """What is beneath the five lines; empty where it all has room."""
        more = len(self.folded) + len(self.waiting)
        said = [f"+{more} more"] * bool(more)
        said += [one.short for one in self.summed_beneath]
        said += [f"baselines: {_counted(self.comparison.problems, 'problem')}"] * bool(self.comparison.problems)
        said += [f"accepted: {_counted(self.comparison.accepted, 'note')}"] * bool(self.comparison.accepted)
        return " · ".join(said)


def view(page: Page) -> Changed | None:
    """Show verdicts where there are some."""
    if page.comparison is None:
        return None
    comparison = page.comparison
    lines = tuple(_lines(page, (*comparison.worse, *comparison.better)))
    summaries = tuple(_summaries(comparison))
    rest = lines[_OPEN:]
    room = 0 if len(lines) > _OPEN else _OPEN - len(lines)
    return Changed(
        comparison=comparison,
        open=lines[:_OPEN],
        folded=rest if len(rest) <= _FOLDED else (),
        waiting=rest if len(rest) > _FOLDED else (),
        summed=summaries[:room],
        summed_beneath=summaries[room:],
        drawings=_drawings(lines),
    )


def _lines(page: Page, rows: Sequence[VerdictRow]) -> Iterable[Line]:
    run = page.run
    duels: Mapping[Cell, Duel] = {duel.cell: duel for duel in run.duels if not duel.is_control}
    origins: Mapping[Cell, Origin] = {one.cell: one for one in run.judgement.origins} if run.judgement else {}
    measured = {one.cell: one for one in run.measurements}
    for row in rows:
        cell = row.verdict.cell
        origin = origins.get(cell)
        spark = spark_of(row.verdict, duels.get(cell), origin, measured.get(cell))
        yield Line(row, row.n or _sessions(row, origin) or DASH, spark)


def _sessions(row: VerdictRow, origin: Origin | None) -> str:
    """Of a stored baseline, how many sessions it has."""
    if row.verdict.basis is not Basis.STORED or row.verdict.metric is None or origin is None or not origin.sessions:
        return ""
    return f"{len(origin.sessions)} session{'s' * (len(origin.sessions) != 1)}"


def _summaries(comparison: Comparison) -> Iterable[Summary]:
    for shared in comparison.together:
        first = shared.rows[0]
        yield Summary(first.outcome, shared.about, shared)
    if comparison.aside:
        text = f"in passing: {'; '.join(comparison.aside)}"
        yield Summary(Outcome.INCONCLUSIVE, text, kind="in passing")
    if comparison.unchanged:
        text = "; ".join(comparison.unchanged)
        yield Summary(Outcome.UNCHANGED, text, kind="unchanged")


def _drawings(lines: Iterable[Line]) -> str:
    """What the small drawings show."""
    bases = {line.row.verdict.basis for line in lines if line.spark is not None}
    said = [
        *["a dot is a pair, in the order measured, squares confirmed it"] * (Basis.LIVE in bases),
        *["dots are stored sessions, the square is now"] * (Basis.STORED in bases),
    ]
    return f"{'; '.join(said)}; up is slower, and shaded is the margin" if said else ""


def _counted(found: Sequence[object], what: str) -> str:
    return f"{len(found)} {what}{'s' * (len(found) != 1)}"
