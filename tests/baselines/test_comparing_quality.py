"""The quality of a run against what is stored: example by example, and what one side lacks is never passed over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.baselines.accepting import file_run
from harness.baselines.comparing import chance_of_quality, compare_stored, gather, shelf_of
from harness.baselines.store import Store
from harness.cells import Cell
from harness.comparisons import Basis, Outcome, Verdict
from harness.quality_metrics import QUALITY, known
from harness.results import Run
from harness.scores import Quality, Score
from harness.stats.sequential import RUN_RATE
from tests.baselines.made import CELL, OTHER, measured, run, scored

RATE = 0.001
ALL_RIGHT = (1,) * 200
HALF_RIGHT = (1, 0) * 100
"""A hundred decisions became wrong and none right: no chance does that."""


def margin_of(cell: Cell, metric: str) -> float:
    return known()[metric].margin


def of_quality(verdicts: tuple[Verdict, ...], cell: Cell = CELL) -> dict[str | None, Verdict]:
    return {one.metric: one for one in verdicts if one.cell == cell and (one.metric is None or one.metric in QUALITY)}


def compared(folder: Path, new: Quality | None, *olds: Quality | None, **more: Any) -> dict[str | None, Verdict]:
    """What is said of quality, where these were stored a day apart."""
    store = Store(folder)
    for day, old in enumerate(olds, 1):
        list(file_run(store, run(measured(quality=old), id=f"run-{day}", day=day)))
    now = run(measured(quality=new), id="now", day=20, **more)
    return of_quality(compare_stored(now, gather(store, now.planned, now.environment.identity), margin_of, RATE))


def test_the_same_outputs_are_unchanged_in_everything(tmp_path: Path) -> None:
    found = compared(tmp_path, scored(), scored())
    assert {metric: one.outcome for metric, one in found.items()} == {
        "accuracy": Outcome.UNCHANGED,
        "decision_agreement": Outcome.UNCHANGED,
    }


def test_decisions_that_became_wrong_are_a_regression_with_both_values(tmp_path: Path) -> None:
    found = compared(tmp_path, scored(HALF_RIGHT, agrees=ALL_RIGHT, digest="p"), scored(ALL_RIGHT))
    worse = found["accuracy"]
    assert (worse.outcome, worse.old, worse.new, worse.basis) == (Outcome.REGRESSED, 1.0, 0.5, Basis.STORED)
    assert worse.against == "baseline of 2030-01-01, 1 session, revision c0ffeec0ff"
    assert found["decision_agreement"].change == 0


def test_decisions_that_became_right_are_an_improvement(tmp_path: Path) -> None:
    found = compared(tmp_path, scored(ALL_RIGHT, digest="p"), scored(HALF_RIGHT))
    assert found["accuracy"].outcome is Outcome.IMPROVED


def test_the_newest_session_with_quality_is_what_a_run_is_compared_with(tmp_path: Path) -> None:
    olds = scored(ALL_RIGHT), scored(HALF_RIGHT, agrees=ALL_RIGHT, digest="p"), None
    assert compared(tmp_path, scored(HALF_RIGHT, agrees=ALL_RIGHT, digest="q"), *olds)["accuracy"].old == 0.5


def test_the_digits_that_are_not_kept_make_no_difference(tmp_path: Path) -> None:
    """A third is stored as 0.333333; the same third, measured again by other outputs, is not another one."""
    [accuracy, _] = scored(ALL_RIGHT).scores
    third = replace(accuracy, metric="sqnr_db", pool=QUALITY["sqnr_db"].pool, value=1 / 3, terms=((1 / 3,),) * 200)
    old, new = (scored(ALL_RIGHT, digest=digest, scores=(third,)) for digest in "op")
    verdict = compared(tmp_path, new, old)["sqnr_db"]
    assert (verdict.outcome, verdict.old, verdict.new) == (Outcome.UNCHANGED, 0.333333, 0.333333)


def test_a_baseline_from_before_there_was_quality_says_accept_again(tmp_path: Path) -> None:
    found = compared(tmp_path, scored(), None)
    assert {one.outcome for one in found.values()} == {Outcome.NEW}
    assert set(found) == {"accuracy", "decision_agreement"}
    assert all("the baseline has no quality yet; accept the cell again" in one.text for one in found.values())
    assert (found["accuracy"].old, found["accuracy"].new) == (None, 0.95)


@pytest.mark.parametrize(
    ("now", "says"),
    [
        (None, "its quality was not measured"),
        (scored(scores=(), problem="the scorer died"), "the scorer died"),
        (scored(scores=()), "it does not apply any more"),
    ],
)
def test_what_was_stored_and_is_not_measured_now_is_missing(tmp_path: Path, now: Quality | None, says: str) -> None:
    found = compared(tmp_path, now, scored())
    assert {one.outcome for one in found.values()} == {Outcome.MISSING}
    assert all(says in one.text for one in found.values())


def _without(metric: str) -> Quality:
    return scored(scores=tuple(score for score in scored().scores if score.metric != metric))


def _with_score(metric: str, **changes: Any) -> Quality:
    def changed(score: Score) -> Score:
        return replace(score, **changes) if score.metric == metric else score

    return scored(scores=tuple(map(changed, scored().scores)))


@pytest.mark.parametrize(
    ("old", "new", "outcome", "says"),
    [
        (_without("accuracy"), scored(), Outcome.NEW, "measured now, and not stored; accept the cell again"),
        (
            scored(),
            _with_score("accuracy", value=None, terms=(), unavailable="no labels"),
            Outcome.MISSING,
            "stored, and not measured now: no labels",
        ),
        (
            _with_score("accuracy", untrusted="it likes noise"),
            _with_score("accuracy", untrusted="it likes noise"),
            Outcome.INCONCLUSIVE,
            "nothing is stored, and its self-check failed on this machine: it likes noise",
        ),
        (scored(), _with_score("accuracy", untrusted="it likes noise"), Outcome.INCONCLUSIVE, "it likes noise"),
    ],
)
def test_a_metric_of_one_side_is_named_as_what_it_is(
    tmp_path: Path, old: Quality, new: Quality, outcome: Outcome, says: str
) -> None:
    found = compared(tmp_path, new, old)["accuracy"]
    assert found.outcome is outcome
    assert says in found.text


def test_nothing_is_said_of_quality_where_neither_side_has_any(tmp_path: Path) -> None:
    assert compared(tmp_path, None, None) == {}


def test_what_is_not_comparable_is_so_as_a_whole(tmp_path: Path) -> None:
    found = compared(tmp_path, scored(), scored(), options={"low_memory": True})
    assert list(found) == [None]
    assert found[None].outcome is Outcome.NOT_COMPARABLE


def test_other_examples_are_not_comparable(tmp_path: Path) -> None:
    one = scored()
    assert one.exam is not None
    found = compared(tmp_path, replace(one, outputs_digest="p", exam=replace(one.exam, digest="y" * 64)), one)
    assert {verdict.outcome for verdict in found.values()} == {Outcome.NOT_COMPARABLE}


def test_another_fp32_leaves_right_answers_comparable_and_agreement_with_it_not(tmp_path: Path) -> None:
    found = compared(tmp_path, scored(reference_digest="g" * 64, digest="p"), scored())
    assert found["accuracy"].outcome is not Outcome.NOT_COMPARABLE
    agreement = found["decision_agreement"]
    assert agreement.outcome is Outcome.NOT_COMPARABLE
    assert [(one.old, one.new) for one in agreement.differences] == [("f" * 12, "g" * 12)]


def test_versions_are_named_beside_a_change_of_quality(tmp_path: Path) -> None:
    found = compared(tmp_path, scored(HALF_RIGHT, digest="p"), scored(ALL_RIGHT), libraries={"onnxruntime": "1.31"})
    assert [str(one) for one in found["accuracy"].differences] == ["onnxruntime: 1.30 → 1.31"]


def test_margins_of_quality_are_in_its_unit_and_asked_for_by_cell() -> None:
    """Half of the decisions became wrong, which is unchanged for whoever may lose 90 points."""
    old = shelf_of(run(measured(quality=scored(ALL_RIGHT)), measured(OTHER, quality=scored(ALL_RIGHT))))
    worse = scored(HALF_RIGHT, digest="p")
    now = run(measured(quality=worse), measured(OTHER, quality=worse), id="now")
    verdicts = compare_stored(now, old, lambda cell, metric: 0.9 if cell == CELL else 0.02, RATE)
    outcomes = [of_quality(verdicts, cell)["accuracy"].outcome for cell in (CELL, OTHER)]
    assert outcomes == [Outcome.UNCHANGED, Outcome.REGRESSED]


def _both(old: Quality | None, new: Quality | None) -> tuple[Run, Run]:
    return run(measured(quality=old)), run(measured(quality=new), id="now")


@pytest.mark.parametrize(
    ("old", "new", "chance"),
    [
        (scored(), scored(), 0.0),
        (None, None, 0.0),
        (None, scored(), 0.0),
        (scored(ALL_RIGHT), scored(HALF_RIGHT, digest="p"), RUN_RATE),
    ],
)
def test_only_outputs_that_differ_can_raise_a_false_alarm(
    old: Quality | None, new: Quality | None, chance: float
) -> None:
    before, now = _both(old, new)
    assert chance_of_quality(now, shelf_of(before)) == chance


def test_the_verdicts_on_times_are_the_same_with_quality_and_without() -> None:
    def times(quality: Quality | None) -> list[Verdict]:
        before, now = _both(quality, quality)
        found = compare_stored(now, shelf_of(before), margin_of, RATE)
        return [one for one in found if one.metric not in QUALITY]

    assert times(scored()) == times(None)
