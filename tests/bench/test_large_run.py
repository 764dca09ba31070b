"""bench/large_run.py: a made run has all that real ones have, and is the same every time."""

from __future__ import annotations

from large_run import large_run

from harness.comparisons import Outcome
from harness.consequences import of_cells
from harness.results import Status


def test_it_has_as_many_cells_as_asked_for_with_every_state_and_every_outcome() -> None:
    run = large_run(1_200)
    assert len(run.planned) == len(set(run.planned)) == 1_200
    assert {one.status for one in run.measurements} == set(Status)
    assert run.judgement is not None
    outcomes = of_cells(run.judgement.verdicts)
    assert set(outcomes) == set(run.planned)
    assert set(outcomes.values()) == set(Outcome)


def test_pairs_are_of_the_cells_judged_live_and_origins_of_the_others() -> None:
    run = large_run(240)
    assert run.judgement is not None
    timed = {one.cell: one for one in run.judgement.verdicts if one.metric == "latency_seconds" and one.ratio}
    duels = {duel.cell: duel for duel in run.duels if not duel.is_control}
    assert {cell: len(duel.pairs) for cell, duel in duels.items()} == {
        cell: verdict.pairs for cell, verdict in timed.items() if verdict.pairs
    }
    assert {origin.cell for origin in run.judgement.origins} == set(timed) - set(duels)


def test_the_same_seed_makes_the_same_run_and_another_another() -> None:
    assert large_run(24, seed=1) == large_run(24, seed=1) != large_run(24, seed=2)
