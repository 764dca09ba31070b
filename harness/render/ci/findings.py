"""What a CI must be told of a run, one by one and the worst first: what makes it red, then what is merely worse.

Arranges rows; decides nothing. Summary, comment and annotations print the first of these, so that they name the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.cells import AS_IS, Cell, measuring
from harness.comparisons import Judgement
from harness.ending import Tone, ending_of, unanswered
from harness.render.gate import Comparison, comparison_of
from harness.render.judged_rows import JudgedRow
from harness.render.next_steps import judging
from harness.render.rows import Row, State, cell_name, headline_of, rows_of
from harness.render.text import clip, one_line
from harness.render.verdict_rows import VerdictRow
from harness.results import FailedTest, Run

_LINE_SHOWN = 600


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to be told. `head` is a sign and a word or two, `about` the cell or test, `text` all else in a line.

    `is_red` is whether it makes the run red. `of` is the row or record of the one cell or test that it is about;
    `rerun` measures its cell again.
    """

    head: str
    about: str
    text: str
    is_red: bool
    of: VerdictRow | JudgedRow | Row | FailedTest | None = None
    rerun: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A run as every surface of a CI tells it: the words of its headlines, and its findings."""

    run: Run
    rows: tuple[Row, ...]
    comparison: Comparison | None
    findings: tuple[Finding, ...]

    @property
    def state(self) -> str:
        """How it ended, in a word or two."""
        return self.comparison.headline.state if self.comparison else headline_of(self.run, self.rows).state

    @property
    def tone(self) -> Tone:
        """The colour of that word."""
        return self.comparison.headline.tone if self.comparison else ending_of(self.run).tone

    @property
    def sentences(self) -> tuple[str, ...]:
        """The headline of the comparison, where there is one, and that of the measuring."""
        own = headline_of(self.run, self.rows)
        return (self.comparison.headline.sentence, " · ".join(own.phrases)) if self.comparison else (own.sentence,)


def told_of(run: Run) -> Told:
    """Arrange a run."""
    rows, comparison = rows_of(run), comparison_of(run)
    found = (*_red(run, rows, comparison), *_worse(comparison, run))
    return Told(run, rows, comparison, tuple(found))


def unexplained(run: Run) -> tuple[FailedTest, ...]:
    """The failed tests that tell something of their own: not that their cell failed, nor a table of its verdicts."""
    red = _red_cells(run.judgement)
    # A test is of a cell by its parameter; one that a benchmark's cell stands for, by its name.
    cells = {f"[{one.cell}]": one for one in run.measurements}
    cells |= {one.cell.model: one for one in run.measurements if one.cell.precision == AS_IS}

    def is_explained(test: FailedTest) -> bool:
        _, bracket, parameter = test.name.partition("::")[2].partition("[")
        one = cells.get(f"{bracket}{parameter}") or cells.get(test.name)
        if one is None:
            return False
        is_table = test.text.startswith(f"{cell_name(one.cell)}, ")
        return one.failure is not None or (is_table and one.cell in red)

    return tuple(test for test in run.failed_tests if not is_explained(test))


def _red_cells(judgement: Judgement | None) -> frozenset[Cell]:
    if judgement is None:
        return frozenset()
    verdicts = (one.cell for one in judgement.verdicts if one.is_fatal)
    return frozenset((*verdicts, *(one.cell for one in judgement.judged if one.is_fatal)))


def _red(run: Run, rows: Iterable[Row], comparison: Comparison | None) -> Iterable[Finding]:
    if run.trouble is not None:
        yield Finding("✕ not judged", "the run", _line(run.trouble.text), is_red=True)
    verdicts = [row for row in (comparison.worse if comparison else ()) if row.verdict.is_fatal]
    yield from (_of_verdict(row, run) for row in verdicts)
    yield from (_of_judged(row) for row in (comparison.judged if comparison else ()) if row.judged.is_fatal)
    told = {row.verdict.cell for row in verdicts if row.verdict.metric is None}
    for row in rows:
        if row.state is State.FAILED and row.cell not in told:
            yield _of_failure(row)
    if run.finished is not None and (silent := unanswered(run)):
        yield Finding("✕ not measured", "the run", _line(silent), is_red=True)
    for test in unexplained(run):
        yield Finding("✕ failed test", _line(test.name), _line(test.text), is_red=True, of=test)


def _worse(comparison: Comparison | None, run: Run) -> Iterable[Finding]:
    return (_of_verdict(row, run) for row in (comparison.worse if comparison else ()) if not row.verdict.is_fatal)


def _of_verdict(row: VerdictRow, run: Run) -> Finding:
    metric = " ".join(filter(None, (row.metric if row.verdict.metric is not None else "", row.values)))
    standing = f"({row.standing})" if row.standing else ""
    said = "; ".join(filter(None, (", ".join(filter(None, (metric, *row.numbers, standing))), *row.remarks)))
    rerun = judging(row.verdict, run.options.get("against"))
    return Finding(f"{row.glyph} {row.outcome}", _line(row.name), _line(said), row.verdict.is_fatal, row, rerun)


def _of_judged(row: JudgedRow) -> Finding:
    said = _line(f"{row.kind} {row.name}: {row.text}")
    head = f"{row.glyph} {row.judged.answer}"
    return Finding(head, _line(row.cell), said, row.judged.is_fatal, row, measuring(row.judged.cell))


def _of_failure(row: Row) -> Finding:
    assert row.problem is not None
    head = f"{row.glyph} {row.state}"
    return Finding(head, _line(row.name), _line(row.problem.line), is_red=True, of=row, rerun=row.rerun)


def _line(said: str) -> str:
    return clip(one_line(said), _LINE_SHOWN)
