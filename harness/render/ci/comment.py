"""`comment.md`: what a CI writes below a pull request, and finds again by its first line to write it anew.

GitHub refuses a comment over 65,536 characters; a workflow may add a few words of its own to this one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.cells import AS_IS
from harness.render.ci.sections import Section, fitted
from harness.results import Run

COMMENT_FILE = "comment.md"
MOST_CHARACTERS = 60_000
_NAME_SHOWN = 80


def marker_of(run: Run) -> str:
    """The first line of a comment: the same for every run of one suite on the same devices, whatever came of it."""
    is_of_tests = any(cell.precision == AS_IS for cell in run.planned)
    suite = "benchmarks" if is_of_tests else run.options.get("models_folder")
    parts = (str(part or "") for part in (suite, run.options.get("devices"), run.options.get("profile")))
    said = " ".join(
        re.sub(r"[^\w./,:]+", "-", part, flags=re.ASCII).strip("-")[:_NAME_SHOWN] or "any" for part in parts
    )
    return f"<!-- quantgate: {said} -->"


def comment_of(run: Run, sections: Sequence[Section], most_characters: int = MOST_CHARACTERS) -> str:
    """Return the comment on a run, no longer than it may be."""
    marker = marker_of(run)
    return f"{marker}\n{fitted(sections, most_characters - len(marker) - 1, len)}"
