"""What to do about the worst of a run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fixed_judgement import JUDGED, VERDICTS
from fixed_run import MEASUREMENTS, RUN

from harness.comparisons import Answer, Judged, Judgement, Outcome, Verdict
from harness.render.gate import comparison_of
from harness.render.next_steps import NextSteps, next_steps
from harness.results import Run

CELL = VERDICTS[0].cell
FINE = tuple(one for one in MEASUREMENTS if one.failure is None)
SLOWER = Verdict(CELL, "latency_seconds", Outcome.REGRESSED, "slower", "baselines/", is_fatal=True)


def steps(*verdicts: Verdict, judged: tuple[Judged, ...] = (), against: str | None = None) -> NextSteps | None:
    run: Run = replace(
        JUDGED,
        measurements=FINE,
        options={"against": against},
        judgement=Judgement("baselines/", "gate", verdicts, judged=judged),
    )
    return next_steps(run, comparison_of(run))


def test_a_regression_can_be_measured_again_and_accepted() -> None:
    found = steps(SLOWER)
    assert found is not None
    assert found.rerun == f"pytest suites/ --model {CELL.model} --precision {CELL.precision} --device cpu"
    assert found.accept == f'quantgate accept {CELL} --metric latency_seconds --reason "…" --expires …'
    assert found.anchor == f"c={CELL}"


@pytest.mark.parametrize(
    ("against", "end"),
    [
        ("origin/main", " --against origin/main"),
        ("env=A=b c", " --against 'env=A=b c'"),
        ("python", "cpu"),
        (None, "cpu"),
    ],
)
def test_the_other_side_is_named_where_a_command_can_name_it(against: str | None, end: str) -> None:
    found = steps(SLOWER, against=against)
    assert found is not None
    assert found.rerun.endswith(end)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.UNSUPPORTED, Outcome.INCONCLUSIVE])
def test_what_is_no_change_cannot_be_accepted(outcome: Outcome) -> None:
    found = steps(replace(SLOWER, outcome=outcome))
    assert found is not None
    assert not found.accept


def test_a_missed_budget_leads_to_its_cell() -> None:
    found = steps(judged=(Judged("budget", "b", CELL, Answer.MISSED, "missed", is_fatal=True),))
    assert found == NextSteps(
        f"c={CELL}", f"pytest suites/ --model {CELL.model} --precision {CELL.precision} --device cpu"
    )


def test_a_failed_cell_of_a_run_that_was_not_judged_can_be_measured_again() -> None:
    failed = next(one.cell for one in MEASUREMENTS if one.failure is not None)
    found = next_steps(RUN, None)
    assert found is not None
    assert found.anchor == f"c={failed}"


def test_where_nothing_is_wrong_there_is_nothing_to_do() -> None:
    assert steps(replace(SLOWER, is_fatal=False)) is None
    assert next_steps(replace(RUN, measurements=FINE), None) is None


def test_a_cell_that_nobody_declares_any_more_cannot_be_measured_again() -> None:
    gone = Verdict(CELL, None, Outcome.MISSING, "gone", "baselines/", settle="git rm baselines/x", is_fatal=True)
    assert steps(gone) == NextSteps(f"c={CELL}", "")
