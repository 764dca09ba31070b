"""How sure the gate is: its error rate, its control, what it could have seen."""

from __future__ import annotations

from dataclasses import dataclass

from harness.comparisons import Duel, Verdict
from harness.render.gate import Comparison
from harness.render.page.context import Page
from harness.render.page.drawing import WIDTH as FOREST_WIDTH
from harness.render.page.forest import Forest, forest_of, is_of
from harness.results import Run


@dataclass(frozen=True, slots=True)
class Health:
    """What is said of the comparison as a whole, and the pairs of its controls."""

    comparison: Comparison
    controls: tuple[tuple[Duel, Forest], ...]
    forest_width = FOREST_WIDTH


def view(page: Page) -> Health | None:
    """Show how sure a judged run is."""
    if page.comparison is None:
        return None
    controls = [
        (duel, drawn)
        for duel in page.run.duels
        if duel.is_control and (drawn := forest_of(duel, _control(page.run, duel)))
    ]
    return Health(page.comparison, tuple(controls))


def _control(run: Run, duel: Duel) -> Verdict | None:
    controls = run.judgement.controls if run.judgement else ()
    return next((verdict for verdict in controls if verdict.cell == duel.cell and is_of(verdict)), None)
