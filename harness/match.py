"""A comparison from beginning to end: the other side made ready, duels fought, what is suspect settled, and judged.

Glue between the conductors and the judge; decides nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from harness.cells import Cell
from harness.comparisons import Duel, Judgement
from harness.conduct.arms import Against, Kind, open_arm
from harness.conduct.campaign import Campaign, worker_environment
from harness.conduct.contest import Contest
from harness.conduct.duel import Ring
from harness.conduct.examining import OUTPUTS_FOLDER
from harness.conduct.gate import Bout, Gate, Onlooker
from harness.conduct.git import Repository
from harness.conduct.interpreter import found_interpreter, inspect
from harness.conduct.order import Order
from harness.conduct.sides import Sides, other_side
from harness.consequences import PROFILES
from harness.duel_events import DuelKeeper
from harness.errors import HarnessError
from harness.journal import Journal, duels, fold
from harness.judging import Bench, heavier, suspects
from harness.verdict.times import LEAST_PROCESSES


@dataclass(frozen=True, slots=True)
class Match:
    """What a run compares its cells with. Every cell has been measured by itself before."""

    order: Order
    bench: Bench
    campaign: Campaign
    journal: Journal
    onlooker: Onlooker

    def live(self) -> Judgement:
        """Against the side that was asked for."""
        assert self.order.against is not None
        fought = self._fight(self.order.against, self.campaign.planned)
        return self.bench.live(fold(self.journal.folder), fought)

    def stored(self) -> Judgement:
        """Against the baselines; with --settle, what is suspect is then compared live with the baseline's revision."""
        run = fold(self.journal.folder)
        judgement = self.bench.stored(run)
        peaks = {cell: self.campaign.weigh(cell, LEAST_PROCESSES - 1) for cell in heavier(judgement)}
        if peaks:
            judgement = self.bench.stored(run, (), peaks)
        if not self.order.settle:
            return judgement
        by_revision: dict[str, list[Cell]] = defaultdict(list)
        for verdict in suspects(judgement):
            by_revision[(verdict.settle or "").rpartition(" ")[2]].append(verdict.cell)
        problems, fought = [], list[Duel]()
        for revision, cells in by_revision.items():
            try:
                fought += self._fight(Against(Kind.REVISION, revision), tuple(dict.fromkeys(cells)))
            except HarnessError as error:
                problems.append(f"--settle: {error}")
        settled = self.bench.stored(run, fought, peaks)
        return replace(settled, problems=(*settled.problems, *problems))

    def _fight(self, against: Against, cells: tuple[Cell, ...]) -> tuple[Duel, ...]:
        """Pairs of processes of both sides until every cell is decided or the time is spent."""
        order = self.order
        environment = worker_environment(order.threads)
        log = self.journal.folder / "build.log"
        with open_arm(against, order.root, build=order.build, build_log=log) as arm:
            contest = Contest(
                order,
                arm,
                environment,
                self.campaign,
                cells,
                self.bench.declared,
                self.onlooker.phase,
                self.onlooker.tick,
                duels(self.journal.folder),
                self.campaign.streaming,
            )
            bouts = contest.bouts()
            self._keep_unmeasured(bout.duel for bout in bouts if bout.ring is None)
            if arm.precision is None:
                self._examine(bouts)
            gate = Gate(
                bouts,
                self.bench.margin,
                self.bench.live_rate(len(self.campaign.planned)),
                order.time_budget_seconds or PROFILES[order.profile].budget_seconds,
                self.onlooker,
                DuelKeeper(self.journal),
                self.campaign.held,
                order.cell_limit_seconds,
                order.pair_seconds,
            )
            gate.run()
        return tuple(bout.duel for bout in bouts)

    def _examine(self, bouts: Iterable[Bout[Ring]]) -> None:
        """Quality first: what both sides give is known before anybody asks how fast."""
        campaign = self.campaign
        fought = [(bout, bout.ring) for bout in bouts if bout.ring is not None and not bout.duel.is_control]
        corners = {bout.duel.cell.model: ring.old for bout, ring in fought}
        there = self.journal.folder / OUTPUTS_FOLDER / "other-side"
        other = other_side(corners, there, campaign.score_worker, campaign.heard, self.order.cell_limit_seconds)
        sides = Sides(campaign.examiner, other, campaign.models, campaign.quality, campaign.held)
        keeper = DuelKeeper(self.journal)
        for bout, _ in fought:
            if bout.duel.old_quality is None:
                bout.duel = sides.examined(bout.duel)
                keeper.began(bout.duel)

    def _keep_unmeasured(self, silent: Iterable[Duel]) -> None:
        keeper = DuelKeeper(self.journal)
        for duel in silent:
            keeper.began(duel)


def refuse_absent(against: Against, root: Path) -> None:
    """Refuse another side that is not there, before anything is measured."""
    match against.kind:
        case Kind.REVISION:
            Repository.around(root).commit(against.value)
        case Kind.PYTHON:
            inspect(found_interpreter(against.value)).check_worker()
        case Kind.VARIABLE | Kind.PRECISION:
            pass
