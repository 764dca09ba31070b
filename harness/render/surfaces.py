"""Every file that shows a run, written together: whoever ends a run or renders one again writes the same.

Owns which files there are. What stands in them is their own printers'; each is written whole or not at all.
"""

from __future__ import annotations

from pathlib import Path

from harness.cells import Cell
from harness.journal import replace_file
from harness.render.ci.comment import COMMENT_FILE, comment_of
from harness.render.ci.junit import JUNIT_FILE, junit
from harness.render.ci.sections import sections_of
from harness.render.ci.summary import SUMMARY_FILE, summary_of
from harness.render.page.assemble import write_report
from harness.results import Run


def write_all(
    run: Run, folder: Path, link: str = "", only: frozenset[Cell] | None = None, *, is_strangers: bool = False
) -> Path:
    """Write the page and what a CI shows into the folder; return the page. `link` leads to where a CI keeps them.

    The cells of `only` have their detail on the page before any other. `is_strangers`: that these
    are not our own numbers is said.
    """
    sections = sections_of(run, link, is_strangers=is_strangers)
    for name, text in (
        (JUNIT_FILE, junit(run)),
        (SUMMARY_FILE, summary_of(sections)),
        (COMMENT_FILE, comment_of(run, sections)),
    ):
        replace_file(folder / name, text.encode())
    return write_report(run, folder, only)
