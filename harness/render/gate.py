"""A comparison as it is shown: headline, what is told one by one, what is told together, how sure the whole is.

Arranges verdicts; decides nothing. Terminal and page print this and count nothing themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.cells import Cell
from harness.comparisons import Answer, Basis, Duel, Judgement, Outcome, Verdict
from harness.render import changes, numbers
from harness.render.text import clip, one_line
from harness.render.verdict_rows import (
    GLYPHS,
    WORST,
    JudgedRow,
    VerdictRow,
    by_cell,
    judged_first,
    judged_row,
    verdict_row,
    worst_first,
)
from harness.results import Run

_HELD_AGAINST = (
    *(Outcome.REGRESSED, Outcome.IMPROVED, Outcome.UNCHANGED),
    *(Outcome.INCONCLUSIVE, Outcome.SUSPECT),
)
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
    answers: Mapping[str, int]
    is_fatal: bool
    complete: bool

    @property
    def state(self) -> str:
        """The gate in a word or two."""
        if self.is_fatal:
            return "gate failed"
        if not self.compared:
            return _NOTHING
        return "gate passed" if self.complete else "gate interrupted"

    @property
    def tone(self) -> str:
        """The state as one of three words for printers that colour: failed, unsure, passed."""
        if self.is_fatal:
            return "failed"
        return "passed" if self.compared and self.complete else "unsure"

    @property
    def coverage(self) -> str:
        """How much was compared, and with what."""
        if not self.compared:
            return f"{_NOTHING}: 0 of {_cells(self.cells)} against {self.against}"
        return f"compared {self.compared} of {_cells(self.cells)} against {self.against}"

    @property
    def rest(self) -> tuple[str, ...]:
        """Each outcome that occurs, counted, the worst first; then the claims and budgets that do not hold."""
        said = (f"{n} {outcome}{self.excused.get(outcome, '')}" for outcome, n in self.counts.items())
        return (*said, *(f"{n} {answer}" for answer, n in self.answers.items()))

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
    def about(self) -> str:
        """How many they are."""
        return _of_cells(self.rows)


@dataclass(frozen=True, slots=True)
class Control:
    """What the null control says of the machine. `is_loud`: it saw a change where there is none."""

    text: str
    is_loud: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """All of a judgement, ready to print."""

    headline: GateHeadline
    listed: tuple[VerdictRow, ...]
    together: tuple[Together, ...]
    unchanged: tuple[str, ...]
    control: Control | None
    judged: tuple[JudgedRow, ...]
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
    control = control_of(judgement)
    sure = error_control(judgement)
    return Comparison(
        headline=gate_headline(run, judgement),
        listed=tuple(row for row in rows if not _is_summed_up(row)),
        together=_together(rows),
        unchanged=unchanged_lines(rows),
        control=control,
        judged=judged_first(map(judged_row, judgement.judged)),
        problems=_lines(judgement.problems),
        accepted=_lines(judgement.accepted),
        differences=tuple(dict.fromkeys(text for row in rows for text in row.differences)),
        error_control=sure,
        health=tuple(_health(run, judgement, control, sure)),
        cells=by_cell(rows),
    )


def gate_headline(run: Run, judgement: Judgement) -> GateHeadline:
    """Count what was compared, and what came of it."""
    verdicts = judgement.verdicts
    found = [verdict.outcome for verdict in verdicts]
    answers = [
        f"{judged.kind} {judged.answer}"
        for judged in judgement.judged
        if judged.answer in (Answer.FAILS, Answer.MISSED)
    ]
    return GateHeadline(
        against=clip(one_line(judgement.against), 160),
        compared=len({verdict.cell for verdict in verdicts if verdict.outcome in _HELD_AGAINST}),
        cells=len({*run.planned, *(verdict.cell for verdict in verdicts)}),
        counts={outcome: found.count(outcome) for outcome in GLYPHS if outcome in found},
        excused={outcome: _excuse([one for one in verdicts if one.outcome is outcome]) for outcome in WORST},
        answers={answer: answers.count(answer) for answer in dict.fromkeys(answers)},
        is_fatal=any(one.is_fatal for one in verdicts) or any(one.is_fatal for one in judgement.judged),
        complete=run.complete,
    )


def error_control(judgement: Judgement) -> str:
    """Say how likely a false alarm anywhere in the run is, at most, and how that is kept."""
    rate = changes.finite(judgement.error_rate)
    if rate is None:
        return ""
    said = f"chance of any false alarm in this run ≤ {changes.bound(rate, 3)}"
    if not judgement.comparisons:
        return said
    said += f": {judgement.comparisons} comparison{'s' if judgement.comparisons != 1 else ''}"
    stage = changes.finite(judgement.stage_rate)
    return said if stage is None else f"{said}, two stages of {changes.bound(stage, 3)} each"


def control_of(judgement: Judgement) -> Control | None:
    """Say what the null control found; None where no change was looked for live."""
    controls = judgement.controls
    if not controls:
        is_live = any(verdict.basis is Basis.LIVE and verdict.pairs for verdict in judgement.verdicts)
        return Control("none was run: nothing here shows that this machine is fit", False) if is_live else None
    tripped = [one for one in controls if one.outcome in (Outcome.REGRESSED, Outcome.IMPROVED, Outcome.SUSPECT)]
    if tripped:
        said = "; ".join(f"{row.name} {row.outcome} by {row.change}" for row in map(verdict_row, tripped))
        return Control(f"TRIPPED: baseline against itself: {said} — this machine cannot be trusted now", True)
    where = f" on {len(controls)} cells" if len(controls) > 1 else ""
    if all(one.outcome is Outcome.UNCHANGED for one in controls):
        reach = max((found for one in controls if (found := _reach(one)) is not None), default=None)
        within = "" if reach is None else f" within {changes.bound(reach)}"
        return Control(f"baseline against itself{where}: unchanged{within} — this machine is fit", False)
    unsure = max(
        (one for one in controls if one.outcome is not Outcome.UNCHANGED), key=lambda one: one.could_see or 0.0
    )
    row = verdict_row(unsure)
    said = ", ".join((str(row.outcome), *((row.could_see,) if row.could_see else ())))
    return Control(f"baseline against itself{where}: {said} — whether this machine is fit was not shown", False)


def unchanged_lines(rows: Iterable[VerdictRow]) -> tuple[str, ...]:
    """Say of each metric that is unchanged, in how many cells and within what: the least that is true of them all."""
    by_metric: dict[str, list[Verdict]] = {}
    for row in rows:
        if row.outcome is Outcome.UNCHANGED:
            by_metric.setdefault(row.metric, []).append(row.verdict)
    return tuple(f"{metric} of {_cells(len(found))}{_within(found)}" for metric, found in by_metric.items())


def _within(verdicts: Sequence[Verdict]) -> str:
    reaches = [_reach(verdict) for verdict in verdicts]
    known = [reach for reach in reaches if reach is not None]
    if not known or len(known) < len(reaches):
        return ""
    if max(known) == 0:
        return ", identical"
    return f", {'each ' if len(verdicts) > 1 else ''}within {changes.bound(max(known))}"


def _reach(verdict: Verdict) -> float | None:
    """Return how far from "no change" the verdict still allows: as counted, by its interval, or by its margin."""
    ratio = changes.finite(verdict.ratio)
    if verdict.basis is Basis.EXACT and ratio is not None:
        return abs(ratio - 1)
    interval = changes.farthest(verdict.low, verdict.high)
    if interval is not None:
        return interval
    return changes.finite(verdict.margin)


def _is_summed_up(row: VerdictRow) -> bool:
    if row.verdict.is_fatal or row.accepted:
        return False
    return row.outcome is Outcome.UNCHANGED or row.outcome in _TOGETHER


def _together(rows: Iterable[VerdictRow]) -> tuple[Together, ...]:
    found: dict[tuple[Outcome, str, str], list[VerdictRow]] = {}
    for row in rows:
        if _is_summed_up(row) and row.outcome in _TOGETHER:
            found.setdefault((row.outcome, row.text, row.settle), []).append(row)
    return tuple(Together(tuple(sharing)) for sharing in found.values())


def _excuse(verdicts: Sequence[Verdict]) -> str:
    accepted = sum(verdict.accepted is not None for verdict in verdicts)
    spared = sum(not verdict.is_fatal and verdict.accepted is None for verdict in verdicts)
    said = [f"{accepted} accepted"] * bool(accepted) + [f"{spared} not fatal"] * bool(spared)
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
        yield "time budget", f"ended {_cells(len(spent))} before all was decided"
    seen = sorted(see for one in judgement.verdicts if one.pairs and (see := changes.finite(one.could_see)) is not None)
    if seen:
        yield "smallest change seen", " to ".join(dict.fromkeys((changes.bound(seen[0]), changes.bound(seen[-1]))))


def _duels(duels: Sequence[Duel]) -> str:
    controls = sum(duel.is_control for duel in duels)
    own = len(duels) - controls
    return f"{own} comparison{'s' if own != 1 else ''}" + (f" and {controls} of control" if controls else "")


def _of_cells(rows: Sequence[VerdictRow]) -> str:
    cells = len({row.verdict.cell for row in rows})
    if all(row.verdict.metric is None for row in rows):
        return _cells(cells)
    return f"{len(rows)} metric{'s' if len(rows) != 1 else ''} of {_cells(cells)}"


def _cells(n: int) -> str:
    return f"{n} cell{'s' if n != 1 else ''}"


def _lines(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(clip(one_line(text), _LINE_SHOWN) for text in texts)
