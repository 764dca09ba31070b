"""The page: one file that needs no network and no script. Places rows; every number in it was written elsewhere.

Owns escaping (everything, always) and the policy that forbids the page to load or run anything.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cells import Cell
from harness.comparisons import Duel, Verdict
from harness.journal import replace_file
from harness.render import machine, numbers
from harness.render.detail import detail_of
from harness.render.figures import UNPAIRED
from harness.render.forest import WIDTH as FOREST_WIDTH
from harness.render.forest import Forest, forest_of, is_of
from harness.render.gate import Comparison, comparison_of
from harness.render.matrix import blocks_of
from harness.render.rows import GLYPHS, State, by_reason, headline_of, rows_of, shown_columns
from harness.render.strip import HEIGHT, WIDTH
from harness.render.text import clip, shorten, visible
from harness.render.verdict_rows import GLYPHS as OUTCOME_GLYPHS
from harness.render.verdict_rows import MEANINGS
from harness.render.weights_rows import MEANING, random_models, weights_lines
from harness.render.worth_rows import TITLES, worth_blocks
from harness.results import Run

if TYPE_CHECKING:
    from jinja2 import Environment

REPORT_FILE = "report.html"

_TEMPLATES = Path(__file__).parent / "templates"
_MARKS_OF_A_CELL = 300
_MARKS_OF_A_PAGE = 40_000
_NAME_SHOWN = 64
_VERDICTS_OF_A_PAGE = 200


def write_report(run: Run, folder: Path) -> Path:
    """Write `report.html` into the folder, whole or not at all."""
    return replace_file(folder / REPORT_FILE, render_html(run).encode())


def render_html(run: Run) -> str:
    """Return the page of a run."""
    from markupsafe import Markup

    templates = _templates()
    rows = rows_of(run)
    rates = machine.rates_of(run.rates)
    comparison = comparison_of(run)
    sheets = ("report.css", "quality.css", *(["verdicts.css"] if comparison else []))
    style = "".join(templates.get_template(sheet).render() for sheet in sheets)
    marks = max(min(_MARKS_OF_A_CELL, _MARKS_OF_A_PAGE // max(len(rows), 1)), 40)
    return templates.get_template("report.html.j2").render(
        run=run,
        # The style is the project's own file, and the policy allows exactly these bytes.
        style=Markup(style),  # noqa: S704
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        headline=headline_of(run, rows),
        rows=rows,
        columns=shown_columns(rows),
        blocks=blocks_of(rows),
        weights=weights_lines(run),
        random_models=random_models(run.measurements),
        random_meaning=MEANING,
        worths=worth_blocks(run),
        worth_titles=TITLES,
        details=[detail_of(row, marks) for row in rows],
        comparison=comparison,
        anchors={row.anchor for row in rows},
        duels={duel.cell: duel for duel in run.duels if not duel.is_control},
        forests=_forests(run, comparison),
        control_forests=[
            (duel, drawn) for duel in run.duels if duel.is_control and (drawn := forest_of(duel, _control(run, duel)))
        ],
        excused=[(state, found) for state in State if (found := by_reason(rows, state))],
        machine=machine.machine_line(run.environment),
        libraries=machine.library_line(run.environment),
        facts=[
            ("Identity", "must match for two runs to compare", machine.facts_of(run.environment.identity)),
            (
                "Libraries",
                "a difference can change a number",
                machine.facts_of(run.environment.libraries, absent="not found"),
            ),
            ("Further facts", "", machine.facts_of(run.environment.info)),
            ("Options", "what was asked for", machine.facts_of(run.options, absent="not set")),
            *([("Rates", "the best that was seen here: what limits are made of", rates)] if rates else []),
        ],
        when=when(run),
        State=State,
        glyphs=GLYPHS,
        unpaired=UNPAIRED,
        strip_size=(WIDTH, HEIGHT),
        forest_width=FOREST_WIDTH,
        meanings=MEANINGS,
        outcome_glyphs=OUTCOME_GLYPHS,
        most_rows=_VERDICTS_OF_A_PAGE,
    )


def when(run: Run) -> str:
    """Return when the run was, to the minute, and how long it took; a text that is no time is shown as it is."""
    try:
        started = datetime.fromisoformat(run.started)
    except ValueError:
        return run.started
    said = started.strftime("%Y-%m-%d %H:%M %Z").strip()
    try:
        return (
            f"{said}, took {numbers.duration((datetime.fromisoformat(run.finished or '') - started).total_seconds())}"
        )
    except (ValueError, TypeError):
        return said


def _forests(run: Run, comparison: Comparison | None) -> dict[Cell, Forest]:
    """Draw the pairs of every cell, with the verdict that was made of them."""
    cells = comparison.cells if comparison else {}
    drawn = {
        duel.cell: forest_of(duel, next((row.verdict for row in cells.get(duel.cell, ()) if is_of(row.verdict)), None))
        for duel in run.duels
        if not duel.is_control
    }
    return {cell: forest for cell, forest in drawn.items() if forest is not None}


def _control(run: Run, duel: Duel) -> Verdict | None:
    controls = run.judgement.controls if run.judgement else ()
    return next((verdict for verdict in controls if verdict.cell == duel.cell and is_of(verdict)), None)


def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["short"] = lambda text: shorten(visible(text), _NAME_SHOWN)
    templates.filters["clip"] = lambda text, limit: clip(visible(text), limit)
    templates.filters["sentence"] = lambda text: text[:1].upper() + text[1:]
    return templates


def _shown(value: Any) -> Any:
    """Make every text from outside visible; markup of the templates themselves passes."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
