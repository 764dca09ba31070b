"""Which cells of a run become baselines. Refuses what failed, what was too noisy, and what is of other content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from harness.baselines.comparability import unlike
from harness.baselines.noise import too_noisy
from harness.baselines.quality import not_kept, untrusted
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
    if measurement.quality is not None and measurement.quality.wrong:
        return Filed(
            cell, Fate.REFUSED, f"its outputs are wrong: {measurement.quality.wrong}; mend it and measure again"
        )
    new = baseline_of(run, measurement)
    if new is None:
        return Filed(cell, Fate.REFUSED, "the run does not tell the hashes of what it measured; measure again")
    if noise := too_noisy(measurement):
        return Filed(cell, Fate.REFUSED, noise)
    old = store.find(cell, new.identity)
    filed = _join(store, new, old)
    if filed.fate not in (Fate.WRITTEN, Fate.ADDED):
        return filed
    return replace(filed, text="; ".join((filed.text, *_of_quality(measurement, old, new))))


def _of_quality(measurement: Measurement, old: Baseline | None, new: Baseline) -> Iterator[str]:
    """What is to be known of the quality of a cell that was stored: that it changed, and what was left away."""
    before, now = old and old.quality, new.quality
    if before and now and before.outputs_digest != now.outputs_digest:
        yield "its outputs are not those of the sessions before"
    if why := not_kept(measurement.quality):
        yield f"without quality: {why}"
    elif names := untrusted(measurement.quality):
        yield f"without scores that cannot be trusted here: {', '.join(names)}"


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
