"""Every file that shows a run, written together: whoever ends a run or renders one again writes the same.

Owns which files there are. What stands in them is their own printers'; each is written whole or not at all, and one
that cannot be made or written does not cost the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from harness.cells import Cell
from harness.journal import replace_file
from harness.render.ci.comment import COMMENT_FILE, comment_of
from harness.render.ci.junit import JUNIT_FILE, junit
from harness.render.ci.sections import Section, sections_of
from harness.render.ci.summary import SUMMARY_FILE, summary_of
from harness.render.page.assemble import REPORT_FILE, render_html
from harness.results import Run


def write_all(
    run: Run, folder: Path, link: str = "", only: frozenset[Cell] | None = None, *, is_strangers: bool = False
) -> Path:
    """Write the page and what a CI shows into the folder; return the page. `link` leads to where a CI keeps them.

    The cells of `only` have their detail on the page before any other. `is_strangers`: that these
    are not our own numbers is said. What went wrong with a file is raised when the others are there.
    """

    @cache
    def sections() -> tuple[Section, ...]:
        return sections_of(run, link, is_strangers=is_strangers)

    makers: Mapping[str, Callable[[], str]] = {
        JUNIT_FILE: lambda: junit(run),
        SUMMARY_FILE: lambda: summary_of(sections()),
        COMMENT_FILE: lambda: comment_of(run, sections()),
        REPORT_FILE: lambda: render_html(run, only),
    }
    broken: Exception | None = None
    for name, make in makers.items():
        try:
            replace_file(folder / name, make().encode())
        except Exception as error:  # noqa: BLE001 - whatever it is, the next file may be the one that somebody waits for
            broken = broken or error
    if broken is not None:
        raise broken
    return folder / REPORT_FILE
