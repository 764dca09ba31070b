"""One view of the page by itself, so that what is wrong in another one does not fail its tests."""

from __future__ import annotations

import re
from html import unescape

from harness.render.page.assemble import VIEWS, _templates
from harness.render.page.context import page_of
from harness.results import Run


def markup_of(run: Run, name: str) -> str:
    """The view as it is written into the page; empty where the page has none."""
    page = page_of(run)
    (view,) = [one for one in VIEWS if one.name == name]
    made = view.make(page)
    if made is None:
        return ""
    return _templates().get_template(f"{name}.html.j2").render(page=page, view=made)


def text_of(markup: str) -> str:
    """What is read of it."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def at_load(markup: str) -> str:
    """What is there before anything is unfolded."""
    return re.sub(r"<noscript.*?</noscript>", "<noscript></noscript>", markup, flags=re.DOTALL)


def elements(markup: str) -> int:
    """How many elements the browser makes of it."""
    return len(re.findall(r"<[a-z]", at_load(markup)))


def rows_in(markup: str) -> list[str]:
    """The rows of the bodies of all tables."""
    return [row for body in re.findall(r"<tbody>(.*?)</tbody>", markup, re.DOTALL) for row in body.split("<tr")[1:]]
