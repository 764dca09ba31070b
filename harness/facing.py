"""What a run will be held against, read before its first cell: for the lines that are said then. Judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.baselines.comparing import Shelf, compare_stored, gather, origins_of, stored_rate
from harness.baselines.machine import settled
from harness.baselines.store import Store
from harness.cells import Cell
from harness.comparisons import Difference, Verdict
from harness.conduct.order import Order
from harness.expectations import Margins
from harness.render.head import Facing
from harness.results import Environment, Measurement, Run
from harness.verdict.times import LATENCY, MEMORY

_TOLD = (LATENCY, MEMORY)


def facing_of(
    order: Order, margins: Margins, planned: Sequence[Cell], environment: Environment, *, compares: bool
) -> Facing | None:
    """Say what the run is held against; None where nothing is to be compared."""
    if not compares or not planned:
        return None
    told = tuple((metric, margins.margin(planned[0], metric)) for metric in _TOLD)
    has_own = any(margins.margin(cell, metric) != margin for cell in planned for metric, margin in told)
    if order.against is not None:
        return Facing(
            against=order.against.shown, margins=told, has_own=has_own, has_expectations=order.expectations.is_file()
        )
    shelf = gather(Store(order.baselines), planned, settled(environment.identity))
    return Facing(
        origins=origins_of(shelf),
        elsewhere=len(shelf.elsewhere),
        unreadable=len(shelf.unreadable),
        differences=_differences(shelf, environment),
        margins=told,
        has_own=has_own,
        has_expectations=order.expectations.is_file(),
    )


@dataclass(frozen=True, slots=True)
class Early:
    """What can be said of a cell's latency as soon as it is measured: by the rule and the rate of the whole run.

    It is for the cell's line only. The judgement is made at the end, when peaks were weighed again and all is known.
    """

    run: Run
    shelf: Shelf
    margins: Margins

    def verdict(self, measurement: Measurement) -> Verdict | None:
        """What stored baselines say of it; None where there is none of the cell."""
        if measurement.cell not in self.shelf.here:
            return None
        alone = replace(measurement, quality=None)
        run = replace(self.run, planned=(measurement.cell,), measurements=(alone,))
        said = compare_stored(run, self.shelf, self.margins.margin, stored_rate(self.shelf))
        return next((one for one in said if one.metric in (LATENCY, None)), None)


def early_of(order: Order, margins: Margins, run: Run) -> Early | None:
    """What to ask as cells are measured; None where nothing is stored, or the comparing is done live."""
    if order.against is not None:
        return None
    shelf = gather(Store(order.baselines), run.planned, settled(run.environment.identity))
    return Early(run, shelf, margins) if shelf.here else None


def _differences(shelf: Shelf, environment: Environment) -> tuple[Difference, ...]:
    """The libraries that both sides know and that changed since the newest session of any baseline."""
    now, found = settled(environment.libraries), dict[str, Difference]()
    for baseline in shelf.here.values():
        before = baseline.libraries[baseline.newest.libraries]
        for key in sorted(now.keys() & before.keys()):
            if now[key] != before[key]:
                found.setdefault(key, Difference(key, str(before[key]), str(now[key])))
    return tuple(found.values())
