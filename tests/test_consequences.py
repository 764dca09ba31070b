"""What follows from verdicts: what is fatal, what a cell is called, which claims and budgets are kept."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cells import Cell
from harness.comparisons import LOST_SUPPORT, Answer, Basis, Judged, Judgement, Outcome, Verdict
from harness.consequences import (
    PROFILES,
    compared_cells,
    control_tripped,
    decided_cells,
    downgraded,
    fatal_lines,
    is_aside,
    judge_budget,
    of_cells,
    weighed,
)
from harness.expectations import Bound, Budget, CellPattern
from harness.results import Reading
from harness.verdict.times import EXACT, LATENCY, LOADING, MEMORY, TAILS, judge_duel
from tests.comparisons_samples import RATE, SLOWER, around, duel, own_margin, pair, said
from tests.samples import CELL, FAILED, MEASURED, OTHER, THIRD, UNSUPPORTED

GATE, SMOKE, NIGHTLY = PROFILES["gate"], PROFILES["smoke"], PROFILES["nightly"]
NOBODY: frozenset[Cell] = frozenset()
P95 = "latency_p95_seconds"


def judgement(*verdicts: Verdict, **more: tuple[Judged, ...]) -> Judgement:
    return Judgement("main", "gate", verdicts, **more)  # type: ignore[arg-type]


# What is fatal.


@pytest.mark.parametrize(
    ("profile", "fatal"),
    [
        (SMOKE, {Outcome.FAILED}),
        (GATE, {Outcome.REGRESSED, Outcome.FAILED, Outcome.MISSING}),
        (NIGHTLY, {Outcome.REGRESSED, Outcome.FAILED, Outcome.MISSING}),
    ],
)
@pytest.mark.parametrize("outcome", Outcome)
def test_a_profile_says_what_makes_a_run_red(profile, fatal, outcome: Outcome) -> None:
    assert weighed(said(outcome), profile, NOBODY).is_fatal is (outcome in fatal)


def test_what_was_accepted_is_never_fatal() -> None:
    for outcome in Outcome:
        assert not weighed(said(outcome, accepted="it was meant"), NIGHTLY, frozenset((CELL,))).is_fatal


def test_weighing_changes_nothing_else_and_forgets_what_was_weighed_before() -> None:
    verdict = said(Outcome.UNCHANGED, is_fatal=True)
    assert weighed(verdict, GATE, NOBODY) == replace(verdict, is_fatal=False)


@pytest.mark.parametrize(
    ("profile", "differences", "is_fatal"),
    [
        (GATE, (LOST_SUPPORT,), True),
        (NIGHTLY, (LOST_SUPPORT,), True),
        (SMOKE, (LOST_SUPPORT,), False),
        (GATE, (), False),
    ],
)
def test_support_that_was_lost_is_a_loss_and_support_that_never_was_is_none(profile, differences, is_fatal) -> None:
    verdict = said(Outcome.UNSUPPORTED, None, differences=differences)
    assert weighed(verdict, profile, NOBODY).is_fatal is is_fatal


@pytest.mark.parametrize(
    ("profile", "metric", "before", "is_fatal"),
    [
        (NIGHTLY, LATENCY, {CELL}, True),
        (NIGHTLY, LATENCY, {OTHER}, False),
        (NIGHTLY, P95, {CELL}, False),
        (NIGHTLY, None, {CELL}, False),
        (GATE, LATENCY, {CELL}, False),
    ],
)
def test_undecided_is_fatal_only_at_night_and_only_where_it_could_be_decided_before(
    profile, metric, before, is_fatal
) -> None:
    assert weighed(said(Outcome.INCONCLUSIVE, metric), profile, frozenset(before)).is_fatal is is_fatal


def test_the_cells_that_an_earlier_run_decided_are_those_whose_latency_it_named() -> None:
    decided = {Outcome.REGRESSED, Outcome.IMPROVED, Outcome.UNCHANGED}
    for outcome in Outcome:
        assert decided_cells(judgement(said(outcome))) == ({CELL} if outcome in decided else set())
    assert decided_cells(judgement(said(Outcome.UNCHANGED, MEMORY))) == set()
    assert decided_cells(None) == set()


def test_what_makes_a_run_red_is_said_a_line_each() -> None:
    red = said(Outcome.REGRESSED, is_fatal=True)
    whole = said(Outcome.MISSING, None, OTHER, is_fatal=True)
    failed = Judged("claim", "it is fast", THIRD, Answer.FAILS, "0.9 ×", is_fatal=True)
    calm = Judged("budget", "it is small", THIRD, Answer.MISSED, "too large")
    lines = fatal_lines(judgement(said(Outcome.UNCHANGED), red, whole, judged=(failed, calm)))
    assert len(lines) == 3
    assert lines[0] == f"{CELL} latency_seconds: regressed: as it was"
    assert lines[1].startswith(str(OTHER))
    assert lines[1].endswith("missing: as it was")
    assert lines[2] == f"{THIRD} claim 'it is fast': fails: 0.9 ×"
    assert fatal_lines(judgement(said(Outcome.REGRESSED))) == ()


# One word a cell.


@pytest.mark.parametrize(
    ("spoken", "outcome"),
    [
        ([(LATENCY, Outcome.UNCHANGED)], Outcome.UNCHANGED),
        ([(LATENCY, Outcome.UNCHANGED), (MEMORY, Outcome.REGRESSED)], Outcome.REGRESSED),
        ([(LATENCY, Outcome.IMPROVED), (MEMORY, Outcome.UNCHANGED)], Outcome.IMPROVED),
        ([(LATENCY, Outcome.IMPROVED), (MEMORY, Outcome.INCONCLUSIVE)], Outcome.INCONCLUSIVE),
        ([(LATENCY, Outcome.SUSPECT), (MEMORY, Outcome.INCONCLUSIVE)], Outcome.SUSPECT),
        # What is judged in passing does not make a cell undecided, but it can make it worse.
        ([(LATENCY, Outcome.UNCHANGED), (P95, Outcome.INCONCLUSIVE)], Outcome.UNCHANGED),
        ([(LATENCY, Outcome.UNCHANGED), (P95, Outcome.IMPROVED)], Outcome.UNCHANGED),
        ([(LATENCY, Outcome.UNCHANGED), (P95, Outcome.REGRESSED)], Outcome.REGRESSED),
        ([(LATENCY, Outcome.UNCHANGED), ("artifact_bytes", Outcome.REGRESSED)], Outcome.REGRESSED),
        ([(LATENCY, Outcome.IMPROVED), ("artifact_bytes", Outcome.UNCHANGED)], Outcome.IMPROVED),
        # What makes a run red is not hidden behind a calm word for the cell.
        ([(LATENCY, Outcome.UNCHANGED), ("artifact_bytes", Outcome.MISSING)], Outcome.MISSING),
        ([(LATENCY, Outcome.UNCHANGED), ("open_seconds", Outcome.MISSING)], Outcome.MISSING),
        ([(None, Outcome.FAILED)], Outcome.FAILED),
        ([(None, Outcome.NOT_COMPARABLE)], Outcome.NOT_COMPARABLE),
        ([("open_seconds", Outcome.UNCHANGED), (P95, Outcome.INCONCLUSIVE)], Outcome.INCONCLUSIVE),
    ],
)
def test_a_cell_is_called_by_its_worst_in_whatever_order(
    spoken: list[tuple[str | None, Outcome]], outcome: Outcome
) -> None:
    for order in permutations(spoken):
        assert of_cells([said(one, metric) for metric, one in order]) == {CELL: outcome}


def test_each_cell_has_its_own_word() -> None:
    verdicts = [said(Outcome.UNCHANGED), said(Outcome.REGRESSED, cell=OTHER), said(Outcome.NEW, None, THIRD)]
    assert of_cells(verdicts) == {CELL: Outcome.UNCHANGED, OTHER: Outcome.REGRESSED, THIRD: Outcome.NEW}


@given(st.lists(st.sampled_from(list(Outcome)), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_verdicts_does_not_matter(outcomes: list[Outcome], chance) -> None:
    metrics = [LATENCY, MEMORY, P95, "artifact_bytes"]
    verdicts = [said(outcome, metric) for outcome, metric in zip(outcomes, metrics, strict=False)]
    shuffled = chance.sample(verdicts, len(verdicts))
    assert of_cells(shuffled) == of_cells(verdicts)


@pytest.mark.parametrize("outcome", Outcome)
def test_only_what_is_undecided_of_tails_and_loading_is_told_in_passing(outcome: Outcome) -> None:
    for metric in (*TAILS, *LOADING):
        assert is_aside(said(outcome, metric)) is (outcome is Outcome.INCONCLUSIVE)
    for metric in (None, LATENCY, MEMORY, *EXACT):
        assert not is_aside(said(outcome, metric))


# Nothing compared is never green.


@pytest.mark.parametrize(
    "spoken",
    [
        [],
        [said(Outcome.NEW, None)],
        [said(Outcome.NEW, None), said(Outcome.NOT_COMPARABLE, None, OTHER), said(Outcome.UNSUPPORTED, None, THIRD)],
        [said(Outcome.MISSING, None), said(Outcome.FAILED, None, OTHER)],
        [said(Outcome.NEW, LATENCY), said(Outcome.NOT_COMPARABLE, MEMORY)],
        list(judge_duel(duel(), own_margin, RATE)),
    ],
    ids=["nothing", "new", "three", "lost", "metrics", "no pair before the time was spent"],
)
def test_where_nothing_was_compared_no_cell_was(spoken: list[Verdict]) -> None:
    assert compared_cells(judgement(*spoken)) == ()


@pytest.mark.parametrize(
    "outcome",
    [Outcome.REGRESSED, Outcome.IMPROVED, Outcome.UNCHANGED, Outcome.INCONCLUSIVE, Outcome.SUSPECT],
)
def test_a_cell_was_compared_where_any_of_its_metrics_was(outcome: Outcome) -> None:
    new = [said(Outcome.NEW, MEMORY), said(Outcome.NOT_COMPARABLE, "artifact_bytes"), said(Outcome.NEW, None, OTHER)]
    for order in permutations([*new, said(outcome)]):
        assert compared_cells(judgement(*order)) == (CELL,)


# The null control.


TIMED = said(Outcome.REGRESSED, could_see=0.01, cause="waiting")


@pytest.mark.parametrize("tripped", [Outcome.REGRESSED, Outcome.IMPROVED])
@pytest.mark.parametrize("outcome", [Outcome.REGRESSED, Outcome.IMPROVED, Outcome.UNCHANGED])
@pytest.mark.parametrize("metric", [LATENCY, *TAILS, *LOADING])
def test_no_time_is_believed_where_the_control_tripped(metric: str, outcome: Outcome, tripped: Outcome) -> None:
    (found,) = downgraded([replace(TIMED, metric=metric, outcome=outcome)], [said(tripped)])
    assert (found.outcome, found.cause) == (Outcome.INCONCLUSIVE, None)
    assert found.text.endswith(f"it would have been {outcome}")
    assert not weighed(found, GATE, NOBODY).is_fatal


@pytest.mark.parametrize("metric", [*EXACT, MEMORY])
def test_what_is_counted_or_weighed_stays_where_the_control_tripped(metric: str) -> None:
    counted = said(Outcome.REGRESSED, metric, basis=Basis.EXACT)
    assert downgraded([counted], [said(Outcome.REGRESSED)]) == (counted,)


def test_every_time_of_a_real_duel_is_downgraded_and_nothing_else() -> None:
    values = {"open_seconds": 2.0, MEMORY: 2.0**30, "artifact_bytes": 5.0}
    laps = {"old_laps": (1.0,) * 130, "new_laps": (1.0,) * 130}
    pairs = tuple(pair(ratio, stage, values=values, **laps) for stage in (1, 2) for ratio in around(SLOWER))
    verdicts = judge_duel(duel(pairs=pairs), own_margin, RATE)
    believed = {
        one.metric for one in downgraded(verdicts, [said(Outcome.IMPROVED)]) if one.outcome is not Outcome.INCONCLUSIVE
    }
    assert believed == {MEMORY, "artifact_bytes"}
    assert downgraded(verdicts, [said(Outcome.UNCHANGED)]) == verdicts


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.SUSPECT, Outcome.INCONCLUSIVE, Outcome.NEW])
def test_what_was_not_decided_by_a_time_stays(outcome: Outcome) -> None:
    verdict = said(outcome, could_see=0.1)
    assert downgraded([verdict], [said(Outcome.REGRESSED)]) == (verdict,)


@pytest.mark.parametrize(
    ("controls", "tripped"),
    [
        ([], False),
        ([said(Outcome.UNCHANGED)], False),
        ([said(Outcome.INCONCLUSIVE)], False),
        ([said(Outcome.REGRESSED)], True),
        ([said(Outcome.IMPROVED)], True),
        ([said(Outcome.UNCHANGED), said(Outcome.IMPROVED)], True),
        ([said(Outcome.REGRESSED, MEMORY)], False),
        ([said(Outcome.FAILED, None)], False),
    ],
)
def test_a_control_trips_where_it_shows_a_change_of_the_latency(controls: list[Verdict], tripped: bool) -> None:
    assert control_tripped(controls) is tripped


# Budgets.


def budget(metric: str = "latency_p50_seconds", **bound: float) -> Budget:
    return Budget("it is quick", CellPattern("*", "*", "*"), metric, Bound(**bound), "the contract")


@pytest.mark.parametrize(
    # The cell took 0.25 s.
    ("bound", "answer", "off"),
    [
        ({"at_most": 0.5}, Answer.MET, "50 %"),
        ({"at_most": 0.25}, Answer.MET, "0 %"),
        ({"at_most": 0.2}, Answer.MISSED, "25 %"),
        ({"at_least": 0.2}, Answer.MET, "25 %"),
        ({"at_least": 0.25}, Answer.MET, "0 %"),
        ({"at_least": 0.5}, Answer.MISSED, "50 %"),
        ({"at_least": 0.0}, Answer.MET, "0.25"),
        ({"at_most": 0.0}, Answer.MISSED, "0.25"),
    ],
)
@pytest.mark.parametrize("is_fatal", [True, False])
def test_a_budget_is_met_or_missed_by_how_much(
    bound: dict[str, float], answer: Answer, off: str, is_fatal: bool
) -> None:
    found = judge_budget(budget(**bound), MEASURED, is_fatal=is_fatal)
    assert (found.kind, found.name, found.cell, found.source) == ("budget", "it is quick", CELL, "the contract")
    assert found.answer is answer
    assert str(answer) in found.text
    assert off.replace(" ", "") in found.text.replace(" ", "")
    assert found.is_fatal is (is_fatal and answer is Answer.MISSED)
    assert found.is_floor is ("at_least" in bound)


STAGED = replace(MEASURED, stages={"translate": 0.082, "speak": 0.06})


@pytest.mark.parametrize(
    ("stage", "at_most", "answer", "text"),
    [
        ("translate", 0.07, Answer.MISSED, "translate latency_seconds is 0.082, at most 0.07: missed by 0.012 (17%)"),
        ("speak", 0.08, Answer.MET, "speak latency_seconds is 0.06, at most 0.08: met, 0.02 (25%) to spare"),
    ],
)
def test_a_budget_may_be_of_one_stage(stage: str, at_most: float, answer: Answer, text: str) -> None:
    found = judge_budget(replace(budget("latency_seconds", at_most=at_most), stage=stage), STAGED, is_fatal=True)
    assert (found.answer, found.text, found.stage) == (answer, text, stage)
    assert (found.metric, found.value, found.target) == ("latency_seconds", STAGED.stages[stage], at_most)
    assert found.is_fatal is (answer is Answer.MISSED)


@pytest.mark.parametrize(
    ("measurement", "text", "is_fatal"),
    [
        (STAGED, "no stage 'tranlate': it has translate, speak", True),
        (MEASURED, "no stage 'tranlate': the model has none", True),
        (FAILED, "no latency_seconds: the cell is failed", False),
    ],
)
def test_a_budget_of_a_stage_that_is_not_there_is_no_budget_that_is_met(measurement, text: str, is_fatal: bool) -> None:
    found = judge_budget(replace(budget("latency_seconds", at_most=1.0), stage="tranlate"), measurement, is_fatal=True)
    assert (found.answer, found.text, found.is_fatal) == (Answer.CANNOT_TELL, text, is_fatal)


@pytest.mark.parametrize(
    ("metric", "measurement", "why"),
    [
        ("energy_joules_per_inference", MEASURED, "no counter"),
        ("peak_bytes", MEASURED, "the cell is measured"),
        ("latency_p50_seconds", FAILED, "the cell is failed"),
        ("latency_p50_seconds", UNSUPPORTED, "the cell is unsupported"),
    ],
)
def test_a_budget_of_what_was_not_measured_cannot_be_told(metric: str, measurement, why: str) -> None:
    found = judge_budget(budget(metric, at_most=1.0), measurement, is_fatal=True)
    assert (found.answer, found.is_fatal) == (Answer.CANNOT_TELL, False)
    assert found.text == f"no {metric}: {why}"


def test_a_failed_cell_meets_no_budget_though_it_was_read_before_it_failed() -> None:
    halfway = replace(FAILED, readings=(Reading("latency_p50_seconds", 0.25),))
    assert judge_budget(budget(at_most=1.0), halfway, is_fatal=True).answer is Answer.CANNOT_TELL
