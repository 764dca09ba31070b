"""What a run will be held against, read before its first cell: for the lines that are said then. Judges nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.baselines.comparing import Shelf, compare_stored, gather, origins_of, stored_rate
from harness.baselines.machine import settled
from harness.baselines.store import Store
from harness.comparisons import Difference, Verdict
from harness.conduct.order import Order
from harness.expectations import Margins
from harness.render.head import Facing
from harness.results import Environment, Measurement, Run
from harness.verdict.times import LATENCY, MEMORY

_TOLD = (LATENCY, MEMORY)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What can be said of a comparison before it is made, and of each cell as soon as it is measured."""

    facing: Facing | None = None
    early: Early | None = None


def outlook_of(order: Order, margins: Margins, run: Run, *, compares: bool) -> Outlook:
    """Look at what a planned run is held against; the store, which may be large, is read once for all of it."""
    if not compares or not run.planned:
        return Outlook()
    told = tuple((metric, margins.margin(run.planned[0], metric)) for metric in _TOLD)
    has_own = any(margins.margin(cell, metric) != margin for cell in run.planned for metric, margin in told)
    faced = Facing(margins=told, has_own=has_own, has_expectations=order.expectations.is_file())
    if order.against is not None:
        return Outlook(replace(faced, against=order.against.shown))
    shelf = gather(Store(order.baselines), run.planned, settled(run.environment.identity))
    faced = replace(
        faced,
        origins=origins_of(shelf),
        elsewhere=len(shelf.elsewhere),
        unreadable=len(shelf.unreadable),
        differences=_differences(shelf, run.environment),
    )
    return Outlook(faced, Early(run, shelf, margins) if shelf.here else None)


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


def _differences(shelf: Shelf, environment: Environment) -> tuple[Difference, ...]:
    """The libraries that both sides know and that changed since the newest session of any baseline."""
    now, found = settled(environment.libraries), dict[str, Difference]()
    for baseline in shelf.here.values():
        before = baseline.libraries[baseline.newest.libraries]
        for key in sorted(now.keys() & before.keys()):
            if now[key] != before[key]:
                found.setdefault(key, Difference(key, str(before[key]), str(now[key])))
    return tuple(found.values())
