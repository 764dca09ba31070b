"""Which differences between two sides can change a time, and which only what comes out or how a file was written.

Whatever is not known to leave times alone can change them: a fact that is recorded one day counts the same day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.cells import Cell
from harness.comparisons import LOST_SUPPORT, Difference, Verdict

_LEAVES_TIMES_ALONE = frozenset(
    (
        *("weights", "reference_digest"),  # the same operations on other numbers
        *("calibration", "calibration_digest"),  # scales of a file whose own digest is named beside it
        "onnx",  # what writes a file does not run it
    )
)


@dataclass(frozen=True, slots=True)
class Differing:
    """One difference, in how many cells' verdicts it is named, and whether it can change a time."""

    difference: Difference
    cells: int
    changes_times: bool


def can_change_times(key: str) -> bool:
    """Whether a fact of the machine, a library, a setting or the artifact can make the same model faster or slower.

    A runtime's own facts carry its name before a colon where they are kept with the environment.
    """
    return key.rpartition(": ")[2] not in _LEAVES_TIMES_ALONE


def differing(verdicts: Iterable[Verdict]) -> tuple[Differing, ...]:
    """Every difference that verdicts name: what can change a time first, then what is named of most cells."""
    cells: dict[Difference, set[Cell]] = {}
    for verdict in verdicts:
        for one in verdict.differences:
            if one != LOST_SUPPORT:
                cells.setdefault(one, set()).add(verdict.cell)
    found = [Differing(one, len(of), can_change_times(one.key)) for one, of in cells.items()]
    return tuple(sorted(found, key=lambda one: (not one.changes_times, -one.cells)))
