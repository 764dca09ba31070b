"""Every file that shows a run, written together: whoever ends a run or renders one again writes the same.

Owns which files there are. What stands in them is their own printers'; each is written whole or not at all.
"""

from __future__ import annotations

from pathlib import Path

from harness.render.page.assemble import write_report
from harness.results import Run


def write_all(run: Run, folder: Path, link: str = "") -> Path:
    """Write the page and what a CI shows into the folder; return the page. `link` leads to where a CI keeps them."""
    del link
    return write_report(run, folder)
