"""The page as one file that needs no network: views placed one after the other, each with its styles and script.

Owns escaping (everything, always) and the policy that lets run nothing but the page's own few lines.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cells import Cell
from harness.journal import replace_file
from harness.render.page import (
    banner,
    cells,
    changed,
    environment,
    grid,
    health,
    method,
    picker,
    promises,
    table,
    tradeoff,
)
from harness.render.page.context import Page, page_of
from harness.render.text import clip, shorten, visible
from harness.results import Run

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

REPORT_FILE = "report.html"

_TEMPLATES = Path(__file__).parents[1] / "templates"
_NAME_SHOWN = 64
_END_TAGS = re.compile(r"</(?:td|th)>(?=\s*</?t[dhr])|</tr>(?=\s*(?:<tr|</tbody))|</li>\s*(?=<li|</[ou]l>)")
"""What ends where the next begins, as HTML allows it: of a page of many cells these tags are a thirtieth."""


@dataclass(frozen=True, slots=True)
class View:
    """A part of the page: `NAME.html.j2` shows what `make` returns, `NAME.css` and `NAME.js` go with it.

    `title` is its word in the navigation. Where `make` returns None the page has no such part.
    """

    name: str
    title: str
    make: Callable[[Page], object | None]


VIEWS = (
    View("banner", "", banner.view),
    View("changed", "What changed", changed.view),
    View("matrix", "Matrix", grid.view),
    View("pick", "What to ship", picker.view),
    View("tradeoff", "Trade-off", tradeoff.view),
    View("table", "All cells", table.view),
    View("claims", "Claims", promises.view),
    View("health", "Gate health", health.view),
    View("cells", "Cell by cell", cells.view),
    View("environment", "Environment", environment.view),
    View("method", "Data and method", method.view),
)


def write_report(run: Run, folder: Path, only: frozenset[Cell] | None = None) -> Path:
    """Write `report.html` into the folder, whole or not at all; `only` as in `render_html`."""
    return replace_file(folder / REPORT_FILE, render_html(run, only).encode())


def render_html(run: Run, only: frozenset[Cell] | None = None) -> str:
    """Return the page of a run. The cells of `only` have an article on it before any other."""
    page = page_of(run, only)
    templates = _templates()
    parts = [
        (view, templates.get_template(f"{view.name}.html.j2").render(page=page, view=made))
        for view in VIEWS
        if (made := view.make(page)) is not None
    ]
    return document(
        "page.html.j2",
        [view.name for view, _ in parts],
        page=page,
        parts=[_own(_END_TAGS.sub("", text)) for _, text in parts],
        titles=[(view.name, view.title) for view, _ in parts if view.title],
    )


def document(template: str, names: Sequence[str], **placed: object) -> str:
    """Return a whole page: a template with what is placed in it, and the styles and scripts of these names."""
    style, script = _joined(["base", *names], "css"), _joined(["base", *names], "js")
    return (
        _templates()
        .get_template(template)
        .render(
            **placed,
            style=_own(style),
            style_hash=_hash(style),
            script=_own(script),
            script_hash=_hash(script),
        )
    )


def _joined(names: Iterable[str], kind: str) -> str:
    files = (_TEMPLATES / f"{name}.{kind}" for name in names)
    lines = (line.strip() for file in files if file.is_file() for line in file.read_text(encoding="utf-8").splitlines())
    return "\n".join(line for line in lines if not line.startswith("//"))


def _own(text: str) -> Markup:
    """Mark what our own templates made, with every text from outside escaped, and our own style and script."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
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
