"""How sure the gate is: its error rate, its control, what it could have seen of each cell, and where the time went.

Places what the comparison says; the time budget and what it left open are read from the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.cells import Cell
from harness.comparisons import Basis, Duel, Judgement, Outcome, Verdict
from harness.consequences import PROFILES
from harness.render import changes, numbers
from harness.render.gate import Comparison
from harness.render.page.context import Page
from harness.render.page.drawing import WIDTH as FOREST_WIDTH
from harness.render.page.forest import Forest, forest_of, is_of
from harness.render.page.spent import HEIGHT, WIDTH, Spent, pair_seconds, spent_of
from harness.render.rows import anchor_of, cell_name
from harness.render.text import one_line, shorten
from harness.render.verdict_rows import GLYPHS
from harness.results import Run
from harness.verdict.times import LATENCY, MEMORY

SEEN_SHOWN, SEEN_LISTED = 12, 72
LONGEST_SHOWN, LONGEST_LISTED = 5, 10
_NAMED = 6
_NAME_SHOWN = 64


@dataclass(frozen=True, slots=True)
class Seen:
    """The smallest change of a cell's latency that could have been shown, and what it took to see that."""

    cell: Cell
    outcome: Outcome
    glyph: str
    could_see: str
    margin: str
    pairs: str
    seconds: str


@dataclass(frozen=True, slots=True)
class Health:
    """What is said of the comparison as a whole; without one, only where the time went.

    `links` has the name and the fragment of each cell that is listed; `unseen` says of how many more it is known.
    """

    comparison: Comparison | None
    controls: tuple[tuple[Duel, Forest], ...]
    retries: tuple[tuple[str, str], ...]
    seen: tuple[Seen, ...]
    unseen: str
    budget: str
    open_cells: tuple[str, ...]
    spent: Spent
    links: Mapping[Cell, tuple[str, str]]
    seen_shown = SEEN_SHOWN
    longest_shown = LONGEST_SHOWN
    longest_listed = LONGEST_LISTED
    forest_width = FOREST_WIDTH
    bar_width = WIDTH
    bar_height = HEIGHT


def view(page: Page) -> Health:
    """Show how sure a judged run is, and where the time of any went."""
    run, judgement = page.run, page.run.judgement
    spent = spent_of(run)
    told = _told(judgement) if judgement else []
    seen = tuple(_seen(told[:SEEN_LISTED], run))
    cells = [*(one.cell for one in spent.longest[:LONGEST_LISTED]), *(one.cell for one in seen)]
    return Health(
        comparison=page.comparison,
        controls=tuple(_controls(run)),
        retries=tuple(_retries(run, judgement)) if judgement else (),
        seen=seen,
        unseen=_unseen(told[SEEN_LISTED:]),
        budget=_budget(run) if judgement else "",
        open_cells=tuple(_open_cells(run)),
        spent=spent,
        links={cell: (_name(cell), anchor_of(cell)) for cell in cells},
    )


def _controls(run: Run) -> Iterable[tuple[Duel, Forest]]:
    for duel in run.duels:
        if duel.is_control and (drawn := forest_of(duel, _control(run, duel))):
            yield duel, drawn


def _control(run: Run, duel: Duel) -> Verdict | None:
    controls = run.judgement.controls if run.judgement else ()
    return next((verdict for verdict in controls if verdict.cell == duel.cell and is_of(verdict)), None)


def _told(judgement: Judgement) -> list[Verdict]:
    """The latencies of which the record says what could have been seen, the worst first."""
    told = [one for one in judgement.verdicts if one.metric == LATENCY and changes.finite(one.could_see) is not None]
    return sorted(told, key=lambda one: -(one.could_see or 0.0))


def _seen(told: Iterable[Verdict], run: Run) -> Iterable[Seen]:
    duels = {duel.cell: duel for duel in run.duels if not duel.is_control}
    for verdict in told:
        duel = duels.get(verdict.cell) if verdict.basis is Basis.LIVE else None
        yield Seen(
            verdict.cell,
            verdict.outcome,
            GLYPHS[verdict.outcome],
            changes.bound(verdict.could_see),
            changes.share(verdict.margin),
            str(len(duel.pairs)) if duel else "stored",
            numbers.duration(pair_seconds(duel)) if duel else numbers.DASH,
        )


def _unseen(rest: Sequence[Verdict]) -> str:
    if not rest:
        return ""
    cells = _count(len(rest), "more cell")
    return f"Of {cells} the smallest change that would have shown is {changes.bound(rest[0].could_see)} or less."


def _retries(run: Run, judgement: Judgement) -> Iterable[tuple[str, str]]:
    """What was done a second time, and of how many cells."""
    own = [duel for duel in run.duels if not duel.is_control]
    stages = (("confirmed", 2, "in fresh processes"), ("tried", 0, "to find how to measure, and not judged"))
    for name, stage, why in stages:
        made = [sum(pair.stage == stage for pair in duel.pairs) for duel in own]
        if sum(made):
            yield name, f"{_count(sum(made), 'pair')} of {_count(sum(map(bool, made)), 'cell')} {why}"
    rebuilt = [sum(pair.is_rebuilt for pair in duel.pairs) for duel in own]
    if sum(rebuilt):
        what = f"{_count(sum(rebuilt), 'pair')} of {_count(sum(map(bool, rebuilt)), 'cell')}"
        yield "rebuilt", f"{what}, with the model built anew between blocks"
    if own and any(one.basis is Basis.STORED for one in judgement.verdicts):
        yield "measured again", f"{_count(len(own), 'cell')} live, because the baselines could not settle them"
    paired = {duel.cell for duel in own}
    weighed = [one for one in judgement.verdicts if one.metric == MEMORY and one.pairs > 1 and one.cell not in paired]
    if weighed:
        yield "weighed again", f"{_count(len(weighed), 'cell')}, in fresh processes"


def _budget(run: Run) -> str:
    """Of how long comparing might have taken; empty where nothing was compared live, or that is not known."""
    if run.judgement is None or not any(duel.pairs for duel in run.duels):
        return ""
    asked = run.options.get("time_budget_seconds")
    if isinstance(asked, int | float) and not isinstance(asked, bool):
        return f"of {numbers.duration(asked)} (--time-budget)"
    profile = PROFILES.get(run.judgement.profile)
    return f"of {numbers.duration(profile.budget_seconds)} (profile {profile.name})" if profile else ""


def _open_cells(run: Run) -> Iterable[str]:
    """The cells that the time ended before all of them was decided: some by name, then how many more."""
    cells = [duel.cell for duel in run.duels if duel.is_spent and not duel.is_control]
    yield from map(_name, cells[:_NAMED])
    if len(cells) > _NAMED:
        yield f"{len(cells) - _NAMED} more"


def _name(cell: Cell) -> str:
    return shorten(one_line(cell_name(cell)), _NAME_SHOWN)


def _count(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count != 1)}"
