"""One run's judgement, put together: verdicts, live or from the store, what was accepted, claims and budgets.

Glue: what is said of a metric is decided in `verdict`, what follows from it in `consequences`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType

from harness import zoo
from harness.baselines.approvals import Acceptance, read_acceptances
from harness.baselines.comparing import (
    chance_of_quality,
    compare_stored,
    gather,
    origins_of,
    stored_comparisons,
    stored_rate,
    undeclared,
)
from harness.baselines.loosening import loosen, loosen_bounds
from harness.baselines.machine import settled
from harness.baselines.store import Store
from harness.cells import Cell
from harness.comparisons import Basis, Duel, Judged, Judgement, Outcome, Verdict
from harness.conduct.arms import Kind
from harness.conduct.asked import is_asked
from harness.conduct.examining import REFERENCE_DEVICE
from harness.conduct.order import Order
from harness.consequences import (
    PROFILES,
    Profile,
    downgraded,
    judge_budget,
    judge_quality_bound,
    unimproved,
    weighed,
)
from harness.expectations import Expectations
from harness.expectations_file import read_expectations
from harness.results import Measurement, Run
from harness.stats.sequential import RUN_RATE, run_rate, stage_rate
from harness.verdict.claims import judge_claim, unmeasured
from harness.verdict.quality import judge_quality, quality_comparisons
from harness.verdict.times import LEAST_PROCESSES, MEMORY, TIMED, judge_duel

_OF_ONE_PRECISION = ("parameters_count", "weights_covered_fraction")
"""What differs between precisions by what they are."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What a run is judged by: expectations, acceptances, profile. Read once, before anything is measured."""

    order: Order
    expectations: Expectations
    declared: frozenset[tuple[str, str]] = frozenset()
    decided_before: frozenset[Cell] = frozenset()
    acceptances: tuple[Acceptance, ...] = ()

    @property
    def profile(self) -> Profile:
        """What is fatal; without a gate, nothing is."""
        chosen = PROFILES[self.order.profile]
        if self._is_between_precisions:
            # A precision that is slower or larger than another is a finding; a claim about it may fail the run.
            chosen = replace(chosen, fatal=chosen.fatal - {Outcome.REGRESSED}, fails_undecided=False)
        return chosen if self.order.has_gate else replace(chosen, fatal=frozenset(), fails_undecided=False)

    @property
    def _is_between_precisions(self) -> bool:
        return self.order.against is not None and self.order.against.kind is Kind.PRECISION

    @property
    def has_promises(self) -> bool:
        """Whether there are targets, bounds and claims, which are judged also where nothing is compared."""
        return bool(self.expectations.budgets or self.expectations.quality or self.expectations.claims)

    def margin(self, cell: Cell, metric: str) -> float:
        """How much worse counts as worse."""
        return self.expectations.margins.margin(cell, metric)

    def live_rate(self, cells: int) -> float:
        """The error rate of a stage of a run of so many cells.

        It depends on what was planned, not on what came of it: whoever measures and whoever judges go by the same.
        """
        return stage_rate(max(cells, 1) * TIMED)

    def live(self, run: Run, duels: Sequence[Duel]) -> Judgement:
        """The judgement of pairs."""
        own = [duel for duel in duels if not duel.is_control]
        measured = [duel for duel in own if duel.outcome is None]
        rate = self.live_rate(len(run.planned))
        verdicts = [one for duel in own for one in judge_duel(duel, self.margin, rate)]
        if self._is_between_precisions:
            verdicts = [one for one in verdicts if one.metric not in _OF_ONE_PRECISION]
        controls = [one for duel in duels if duel.is_control for one in judge_duel(duel, self.margin, rate)]
        against = next((duel.against for duel in own), str(self.order.against))
        believed = downgraded(verdicts, controls)
        quality, chance = self._quality(measured)
        verdicts = list(unimproved((*believed, *quality)))
        made = self.made(run, against, verdicts, {duel.cell: duel for duel in own})
        comparisons = len(measured) * TIMED
        if not comparisons:
            return replace(made, controls=tuple(controls))
        return replace(
            made,
            controls=tuple(controls),
            comparisons=comparisons,
            stage_rate=rate,
            error_rate=run_rate(comparisons, rate),
            quality_rate=chance,
        )

    def _quality(self, duels: Sequence[Duel]) -> tuple[list[Verdict], float | None]:
        """What is said of both sides' outputs, and the chance of any false alarm in it: none where all are the same."""
        told = [(duel, duel.old_quality, duel.new_quality) for duel in duels]
        both = [(duel, old, new) for duel, old, new in told if old is not None and new is not None]
        comparisons = quality_comparisons([(old, new) for _, old, new in both])
        rate = RUN_RATE / max(comparisons, 1)
        verdicts = [
            one
            for duel, old, new in both
            for one in judge_quality(duel.cell, old, new, self.margin, rate, duel.against, Basis.LIVE)
        ]
        return verdicts, RUN_RATE if comparisons else None

    def stored(
        self,
        run: Run,
        settled_live: Iterable[Duel] = (),
        more_peaks: Mapping[Cell, Sequence[float]] = MappingProxyType({}),
    ) -> Judgement:
        """The judgement of one measurement a cell, against what is stored; what was settled live stands above it."""
        store, identity = Store(self.order.baselines), settled(run.environment.identity)
        shelf = gather(store, run.planned, identity)
        verdicts = compare_stored(run, shelf, self.margin, stored_rate(shelf), more_peaks)
        fought, live_rate = tuple(settled_live), self.live_rate(len(run.planned))
        controls = [one for duel in fought if duel.is_control for one in judge_duel(duel, self.margin, live_rate)]
        duels = [duel for duel in fought if not duel.is_control]
        told = downgraded([one for duel in duels for one in judge_duel(duel, self.margin, live_rate)], controls)
        live = {(one.cell, one.metric): one for one in told if one.metric is not None}
        merged = [live.get((one.cell, one.metric or ""), one) for one in verdicts]
        merged += [undeclared(cell) for cell in store.cells(identity) if self._was_asked_for(cell)]
        made = self.made(run, "baselines/", unimproved(merged), {duel.cell: duel for duel in duels})
        made = replace(made, problems=shelf.problems, controls=tuple(controls), origins=origins_of(shelf))
        if not shelf.here:
            return made
        chance = chance_of_quality(run, shelf) or None
        return replace(made, comparisons=stored_comparisons(shelf), error_rate=RUN_RATE, quality_rate=chance)

    def _was_asked_for(self, cell: Cell) -> bool:
        """Whether the options would have taken a cell that is stored, were it still declared."""
        is_undeclared = (cell.model, cell.precision) not in self.declared
        return is_undeclared and is_asked(self.order, cell, (cell.precision,))

    def made(
        self, run: Run, against: str, verdicts: Iterable[Verdict], duels: Mapping[Cell, Duel] = MappingProxyType({})
    ) -> Judgement:
        """The judgement that verdicts make, with what was accepted, what is expected, and what of it is fatal."""
        today = datetime.now(UTC).date()
        judged = tuple(self._expected(run, duels))
        marked, lines = loosen(verdicts, self.acceptances, today, judged)
        return Judgement(
            against=against,
            profile=self.profile.name,
            verdicts=tuple(weighed(one, self.profile, self.decided_before) for one in marked),
            judged=loosen_bounds(judged, self.acceptances, today),
            accepted=lines,
        )

    def _expected(self, run: Run, duels: Mapping[Cell, Duel]) -> Iterable[Judged]:
        is_fatal = self.profile.fails_expectations and self.order.has_gate
        fails_quality = self.profile.fails_quality and self.order.has_gate
        found = {one.cell: one for one in run.measurements}
        identity = run.environment.identity
        machine = [str(identity.get(key, "")) for key in ("architecture", "cpu_model")]
        for measurement in run.measurements:
            cell = measurement.cell
            for budget in self.expectations.budgets_of(cell):
                yield judge_budget(budget, measurement, is_fatal=is_fatal)
            for bound in self.expectations.quality_of(cell):
                over = found.get(bound.other(cell)) or found.get(Cell(cell.model, bound.over, REFERENCE_DEVICE))
                yield judge_quality_bound(bound, measurement, over, is_fatal=fails_quality)
            for claim in self.expectations.claims_of(cell, *machine):
                duel = duels.get(cell)
                is_paired = duel is not None and claim.over_model is None and duel.against == claim.over
                other = found.get(claim.other(cell))
                yield judge_claim(claim, cell, duel if is_paired else None, measurement, other, is_fatal=is_fatal)
        yield from self._unmeasured(found, machine)

    def _unmeasured(self, found: Mapping[Cell, Measurement], machine: Sequence[str]) -> Iterable[Judged]:
        """The claims that nothing of this run concerns."""
        for claim in self.expectations.claims:
            if claim.is_asked_on(*machine) and any(claim.fits(cell) for cell in found):
                continue
            device = claim.cells.device if claim.cells.device.isalnum() else REFERENCE_DEVICE
            cells = (Cell(model, precision, device) for model, precision in sorted(self.declared))
            cell = next((cell for cell in cells if claim.fits(cell)), None)
            if cell is not None:
                is_elsewhere = not claim.is_asked_on(*machine)
                why = f"claimed of {claim.on} machines" if is_elsewhere else "not measured in this run"
                yield unmeasured(claim, cell, why)


def bench_of(order: Order, declared: tuple[zoo.Declared, ...], decided_before: frozenset[Cell]) -> Bench:
    """Read what a run is judged by; refuse what is wrong in it before anything is measured."""
    expectations = read_expectations(order.expectations, is_named=order.expects)
    expectations.check([(one.model.name, one.model.precisions) for one in declared])
    offered = frozenset((one.model.name, precision) for one in declared for precision in one.model.precisions)
    return Bench(order, expectations, offered, decided_before, read_acceptances(order.baselines))


def heavier(judgement: Judgement) -> tuple[Cell, ...]:
    """The cells whose peak is off its baseline by more than the margin, and too few processes were weighed to tell."""
    return tuple(
        one.cell
        for one in judgement.verdicts
        if one.metric == MEMORY and one.outcome is Outcome.INCONCLUSIVE and one.pairs < LEAST_PROCESSES
    )


def suspects(judgement: Judgement) -> tuple[Verdict, ...]:
    """What only a live comparison can settle."""
    return tuple(one for one in judgement.verdicts if one.outcome is Outcome.SUSPECT and one.settle)
