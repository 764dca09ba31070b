"""What `quantgate list` prints: the declared models, and which of their cells this machine can run and why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tabulate import tabulate

from harness.cells import PRECISIONS, Blocked, Cell, Device
from harness.conduct.support import Answer
from harness.models import Model
from harness.render.numbers import bytes_

RAN, FAILED, CANNOT, NOT_TRIED, NOT_ASKED = "●", "✕", "∅", "?", "·"

LEGEND = "   ".join(
    (
        f"{RAN} can run here",
        f"{CANNOT} cannot, reason below",
        f"{FAILED} failed when last measured",
        f"{NOT_TRIED} not tried yet: quantgate list --probe",
        f"{NOT_ASKED} not asked for by the model",
    )
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A declared model, what stands in the way of all of it, and what is known of its cells."""

    model: Model
    blocked: Blocked | None
    cells: Mapping[Cell, Answer | None]


def listing(entries: Sequence[Entry], devices: Sequence[Device]) -> str:
    """Return both tables and the reasons."""
    reasons: dict[tuple[str, str], list[str]] = {}
    rows = [_row(entry, device, reasons) for entry in entries for device in devices]
    precisions = [
        precision for precision in PRECISIONS if any(precision in entry.model.precisions for entry in entries)
    ]
    parts = [
        tabulate(
            [_about(entry.model) for entry in entries], ("model", "task", "runtime", "size", "weights", "licence")
        ),
        tabulate(
            [[*row[:2], *(row[2].get(one, NOT_ASKED) for one in precisions)] for row in rows],
            ("model", "device", *precisions),
        ),
        LEGEND,
    ]
    if reasons:
        lines = [f"{CANNOT} {code}: {text}\n    {', '.join(cells)}" for (code, text), cells in reasons.items()]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _about(model: Model) -> tuple[str, ...]:
    size = f"{model.size}, {bytes_(model.size_bytes)}" if model.size_bytes else model.size
    return model.name, model.task, model.runtime, size, model.weights, model.licence


def _row(entry: Entry, device: Device, reasons: dict[tuple[str, str], list[str]]) -> tuple[str, str, dict[str, str]]:
    marks: dict[str, str] = {}
    for cell, finding in entry.cells.items():
        if cell.device != str(device):
            continue
        stands = entry.blocked or (Blocked(finding.reason, finding.text) if finding and finding.reason else None)
        if stands is not None:
            marks[cell.precision] = CANNOT
            where = f"{cell.model} on {cell.device}"
            named = reasons.setdefault((stands.reason, stands.text), [])
            if where not in named:
                named.append(where)
        elif finding is None:
            marks[cell.precision] = NOT_TRIED
        else:
            marks[cell.precision] = FAILED if finding.tried == "failed" else RAN
    return entry.model.name, str(device), marks
