"""Which cells of a run become baselines. Refuses what failed, what was too noisy, and what is of other content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from harness.baselines.comparability import unlike
from harness.baselines.noise import too_noisy
from harness.baselines.records import MOST_SESSIONS, Baseline, baseline_of
from harness.baselines.store import Store
from harness.cells import Cell
from harness.errors import RecordUnreadable
from harness.results import Measurement, Run, Status


class Fate(StrEnum):
    """What became of a cell."""

    WRITTEN = "written"
    ADDED = "added"
    KEPT = "kept"
    REFUSED = "refused"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Filed:
    """One cell of a run, and what became of it."""

    cell: Cell
    fate: Fate
    text: str


def file_run(store: Store, run: Run) -> Iterator[Filed]:
    """Store every cell of a run that can be a baseline, one after the other; what is refused stops no other."""
    measured = {one.cell: one for one in run.measurements}
    for cell in dict.fromkeys((*run.planned, *measured)):
        try:
            yield _file(store, run, cell, measured.get(cell))
        except RecordUnreadable as error:
            yield Filed(cell, Fate.REFUSED, str(error))


def _file(store: Store, run: Run, cell: Cell, measurement: Measurement | None) -> Filed:
    if measurement is None:
        return Filed(cell, Fate.REFUSED, "it was planned and not measured; finish the run with pytest --resume")
    if measurement.status is Status.UNSUPPORTED:
        return Filed(cell, Fate.UNSUPPORTED, f"{measurement.reason}: {measurement.text}")
    if measurement.failure is not None:
        return Filed(cell, Fate.REFUSED, f"it failed ({measurement.failure.phase}): {measurement.failure.text}")
    new = baseline_of(run, measurement)
    if new is None:
        return Filed(cell, Fate.REFUSED, "the run does not tell the hashes of what it measured; measure again")
    if noise := too_noisy(measurement):
        return Filed(cell, Fate.REFUSED, noise)
    return _join(store, new, store.find(cell, new.identity))


def _join(store: Store, new: Baseline, old: Baseline | None) -> Filed:
    name = store.name(store.path(new.cell, new.identity))
    if old is None:
        store.write(new)
        return Filed(new.cell, Fate.WRITTEN, name)
    if found := unlike(old, new):
        listed = "; ".join(map(str, found))
        return Filed(
            new.cell,
            Fate.REFUSED,
            f"{name} is of other content ({listed}); remove the file in a reviewed commit to start anew, or tolerate"
            f" one change with quantgate accept {new.cell} --metric METRIC --reason REASON",
        )
    joined = old.with_session_of(new)
    count = f"{len(joined.sessions)} of at most {MOST_SESSIONS} sessions"
    if new.newest.run not in {session.run for session in joined.sessions}:
        return Filed(new.cell, Fate.KEPT, f"{name}: the run is older than all of its {count}")
    if not store.write(joined):
        return Filed(new.cell, Fate.KEPT, f"{name}: holds this run already, {count}")
    return Filed(new.cell, Fate.ADDED, f"{name}: {count}")
