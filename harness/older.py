"""What older records of schema 1 leave to be worked out: fields that were only ever added, with what stood in for them.

A field that is missing has its default. Where the default would say something else than the run itself said, it is made
here of what the record does hold.
"""

from __future__ import annotations

from dataclasses import replace

from harness.comparisons import Outcome
from harness.results import Run

_BESIDE_ANOTHER = frozenset(Outcome) - {Outcome.NEW, Outcome.UNSUPPORTED, Outcome.FAILED}
"""What is said of a cell only where there is another side; the rest is said of it alone, too."""


def as_newer(run: Run) -> Run:
    """Return the run as it would be recorded now. A run of now is returned as it is."""
    return replace(run, compares=True) if _compared(run) and not run.compares else run


def _compared(run: Run) -> bool:
    """Whether a comparison was asked for: live, or because something was stored of what it measured."""
    if run.options.get("against"):
        return True
    return run.judgement is not None and any(one.outcome in _BESIDE_ANOTHER for one in run.judgement.verdicts)
