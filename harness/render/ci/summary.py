"""`summary.md`: what a CI shows of a run on its own page.

GitHub drops a step summary that is over 1,024 KiB whole, and several runs may share a step: this one stays below 900.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.render.ci.sections import Section, fitted

SUMMARY_FILE = "summary.md"
MOST_BYTES = 900 * 1024


def summary_of(sections: Sequence[Section], most_bytes: int = MOST_BYTES) -> str:
    """Return the summary of a run, no longer than it may be."""
    return fitted(sections, most_bytes, lambda said: len(said.encode()))
