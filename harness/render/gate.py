"""A comparison as it is shown: headline, what is told one by one, what is told together, how sure the whole is.

Arranges verdicts; decides nothing. Terminal and page print this and count nothing themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from harness.cells import Cell
from harness.comparisons import LOST_SUPPORT, Answer, Duel, Judged, Judgement, Outcome, Verdict
from harness.consequences import compared_cells, of_cells
from harness.ending import Ending, Tone, Word, ending_of
from harness.render import changes, numbers
from harness.render.gate_words import (
    Control,
    aside_lines,
    control_of,
    count_cells,
    error_control,
    is_in_passing,
    unchanged_lines,
)
from harness.render.judged_rows import ANSWER_GLYPHS, JudgedRow, judged_first, judged_kind, judged_row
from harness.render.text import clip, one_line
from harness.render.verdict_rows import GLYPHS, WORST, VerdictRow, by_cell, verdict_row, worst_first
from harness.results import Run

TONE_GLYPHS: Mapping[Tone, str] = {Tone.FAILED: "✕", Tone.UNSURE: "?", Tone.PASSED: "✓"}
_TOGETHER = (Outcome.NOT_COMPARABLE, Outcome.UNSUPPORTED, Outcome.NEW)
_LINE_SHOWN = 600
_NOTHING = "nothing was compared"


@dataclass(frozen=True, slots=True)
class GateHeadline:
    """What came of the comparison, and how much was compared at all."""

    against: str
    compared: int
    cells: int
    counts: Mapping[Outcome, int]
    excused: Mapping[Outcome, str]
    answers: Mapping[tuple[str, Answer], int]
    ending: Ending

    @property
    def state(self) -> str:
        """The gate in a word or two: what the exit code says."""
        match self.ending.word:
            case Word.NOTHING_COMPARED | Word.NOT_JUDGED | Word.MEASURED | Word.UNGATED as word:
                return str(word)
            case word:
                return f"gate {word}"

    @property
    def glyph(self) -> str:
        """The sign of the state."""
        return TONE_GLYPHS[self.tone]

    @property
    def tone(self) -> Tone:
        """The state as one of three words for printers that colour."""
        is_idle = self.ending.word is Word.MEASURED and not self.compared
        return Tone.UNSURE if is_idle else self.ending.tone

    @property
    def extent(self) -> str:
        """How much was compared."""
        cells = count_cells(self.cells)
        return f"compared {self.compared} of {cells}" if self.compared else f"{_NOTHING}: 0 of {cells}"

    @property
    def coverage(self) -> str:
        """How much was compared, and with what."""
        return f"{self.extent} against {self.against}"

    @property
    def chips(self) -> tuple[tuple[StrEnum, str, str], ...]:
        """Each outcome that occurs, its sign and count, the worst first; then claims and budgets that fail."""
        said = ((o, GLYPHS[o], f"{n} {o}{self.excused.get(o, '')}") for o, n in self.counts.items())
        bad = ((a, ANSWER_GLYPHS[a], _answered(n, kind, a)) for (kind, a), n in self.answers.items())
        return (*said, *bad)

    @property
    def rest(self) -> tuple[str, ...]:
        """What came of the comparison, counted."""
        return tuple(text for _, _, text in self.chips)

    @property
    def sentence(self) -> str:
        """The headline in words, the same everywhere."""
        return " · ".join(self.phrases)

    @property
    def phrases(self) -> tuple[str, ...]:
        """The headline in parts that are not broken."""
        return (self.coverage, *self.rest) if self.state == _NOTHING else (self.state, self.coverage, *self.rest)


@dataclass(frozen=True, slots=True)
class Together:
    """Verdicts that share their outcome and their reason."""

    rows: tuple[VerdictRow, ...]

    @property
    def cells(self) -> tuple[VerdictRow, ...]:
        """A row of each cell, for its name."""
        return tuple({row.verdict.cell: row for row in self.rows}.values())

    @property
    def about(self) -> str:
        """How many they are."""
        return _of_cells(self.rows)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All of a judgement, ready to print."""

    headline: GateHeadline
    worse: tuple[VerdictRow, ...]
    together: tuple[Together, ...]
    better: tuple[VerdictRow, ...]
    unchanged: tuple[str, ...]
    aside: tuple[str, ...]
    control: Control | None
    judged: tuple[JudgedRow, ...]
    elsewhere: str
    problems: tuple[str, ...]
    accepted: tuple[str, ...]
    differences: tuple[str, ...]
    error_control: str
    health: tuple[tuple[str, str], ...]
    cells: Mapping[Cell, tuple[VerdictRow, ...]]


def comparison_of(run: Run) -> Comparison | None:
    """Arrange what was judged of a run; None where nothing was to be judged."""
    judgement = run.judgement
    if judgement is None:
        return None
    rows = worst_first(map(verdict_row, judgement.verdicts))
    listed = [row for row in rows if not _is_summed_up(row)]
    control = control_of(judgement)
    sure = error_control(judgement)
    here = _cells_of(run)
    return Comparison(
        headline=gate_headline(run, judgement),
        worse=tuple(row for row in listed if row.outcome is not Outcome.IMPROVED),
        together=_together(rows),
        better=tuple(row for row in listed if row.outcome is Outcome.IMPROVED),
        unchanged=unchanged_lines(rows),
        aside=aside_lines(rows),
        control=control,
        judged=judged_first(judged_row(one) for one in judgement.judged if not _is_elsewhere(one, here)),
        elsewhere=_elsewhere_words(sum(_is_elsewhere(one, here) for one in judgement.judged)),
        problems=_lines(judgement.problems),
        accepted=_lines(judgement.accepted),
        differences=tuple(dict.fromkeys(text for row in rows for text in row.differences if text != str(LOST_SUPPORT))),
        error_control=sure,
        health=tuple(_health(run, judgement, control, sure)),
        cells=by_cell(rows),
    )


def _is_elsewhere(judged: Judged, here: AbstractSet[Cell]) -> bool:
    """Whether it is a claim that no cell of the run concerns: else a run of few would be mostly about others."""
    return judged.kind == "claim" and judged.cell not in here


def _cells_of(run: Run) -> AbstractSet[Cell]:
    return {*run.planned, *(measurement.cell for measurement in run.measurements)}


def _elsewhere_words(count: int) -> str:
    return f"{count} more claim{'s are' if count != 1 else ' is'} about cells that are not in this run" if count else ""


def gate_headline(run: Run, judgement: Judgement) -> GateHeadline:
    """Count what was compared, and what came of it."""
    verdicts = judgement.verdicts
    cells = of_cells(verdicts)
    found = list(cells.values())
    answers = [
        (judged_kind(judged), judged.answer)
        for judged in judgement.judged
        if judged.answer in (Answer.FAILS, Answer.MISSED) and judged.accepted is None
    ]
    return GateHeadline(
        against=clip(one_line(judgement.against), 160),
        compared=len(compared_cells(judgement)),
        cells=len({*run.planned, *(verdict.cell for verdict in verdicts)}),
        counts={outcome: found.count(outcome) for outcome in GLYPHS if outcome in found},
        excused={outcome: _excuse(verdicts, cells, outcome) for outcome in WORST},
        answers={answer: answers.count(answer) for answer in dict.fromkeys(answers)},
        ending=ending_of(run),
    )


def _answered(count: int, kind: str, answer: Answer) -> str:
    if count == 1:
        return f"1 {kind} {answer}"
    return f"{count} {kind}s {'fail' if answer is Answer.FAILS else answer}"


def _is_summed_up(row: VerdictRow) -> bool:
    if row.verdict.is_fatal or row.accepted:
        return False
    return row.outcome is Outcome.UNCHANGED or row.outcome in _TOGETHER or is_in_passing(row.verdict)


def _together(rows: Iterable[VerdictRow]) -> tuple[Together, ...]:
    found: dict[tuple[Outcome, str, str], list[VerdictRow]] = {}
    for row in rows:
        if _is_summed_up(row) and row.outcome in _TOGETHER:
            found.setdefault((row.outcome, row.text, row.settle), []).append(row)
    return tuple(Together(tuple(sharing)) for sharing in found.values())


def _excuse(verdicts: Sequence[Verdict], cells: Mapping[Cell, Outcome], outcome: Outcome) -> str:
    """How many of the cells of an outcome do not fail the gate, and why."""
    of_it = [verdict for verdict in verdicts if verdict.outcome is outcome and cells[verdict.cell] is outcome]
    fatal = {verdict.cell for verdict in of_it if verdict.is_fatal}
    accepted = {verdict.cell for verdict in of_it if verdict.accepted is not None} - fatal
    spared = {verdict.cell for verdict in of_it} - fatal - accepted
    said = [f"{len(accepted)} accepted"] * bool(accepted) + [f"{len(spared)} not fatal"] * bool(spared)
    return f" ({', '.join(said)})" if said else ""


def _health(run: Run, judgement: Judgement, control: Control | None, sure: str) -> Iterable[tuple[str, str]]:
    yield "against", one_line(judgement.against)
    yield "profile", one_line(judgement.profile)
    if control is not None:
        yield "control", control.text
    if sure:
        yield "error control", sure
    pairs = [pair for duel in run.duels for pair in duel.pairs]
    if pairs:
        rebuilt, trials = sum(pair.is_rebuilt for pair in pairs), sum(pair.stage == 0 for pair in pairs)
        more = f", {rebuilt} of them with the model rebuilt" if rebuilt else ""
        more += f", {trials} of them trials of how to measure" if trials else ""
        yield "measured", f"{len(pairs)} pairs of processes in {_duels(run.duels)}{more}"
        yield "spent", numbers.duration(sum(pair.seconds for pair in pairs))
    spent = [duel for duel in run.duels if duel.is_spent and not duel.is_control]
    if spent:
        yield "time budget", f"ended {count_cells(len(spent))} before all was decided"
    seen = sorted(see for one in judgement.verdicts if one.pairs and (see := changes.finite(one.could_see)) is not None)
    if seen:
        least, most = changes.bound(seen[0]), changes.bound(seen[-1])
        yield "could see", f"a change of {least}" + (f" at best, of {most} at worst" if most != least else "")


def _duels(duels: Sequence[Duel]) -> str:
    controls = sum(duel.is_control for duel in duels)
    own = len(duels) - controls
    return f"{own} comparison{'s' if own != 1 else ''}" + (f" and {controls} of control" if controls else "")


def _of_cells(rows: Sequence[VerdictRow]) -> str:
    cells = len({row.verdict.cell for row in rows})
    if all(row.verdict.metric is None for row in rows):
        return count_cells(cells)
    return f"{len(rows)} metric{'s' if len(rows) != 1 else ''} of {count_cells(cells)}"


def _lines(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(clip(one_line(text), _LINE_SHOWN) for text in texts)
