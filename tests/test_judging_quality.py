"""Quality in a judgement: verdicts on both sides' outputs beside times, bounds, and what may be called better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.comparisons import Answer, Duel, Judgement, Outcome, Verdict
from harness.conduct.arms import Against, Kind
from harness.conduct.order import Order
from harness.consequences import judge_quality_bound, unimproved
from harness.expectations import CellPattern, QualityBound
from harness.expectations_file import read_expectations
from harness.judging import Bench
from harness.scores import Quality
from harness.stats.sequential import RUN_RATE
from harness.verdict.times import LATENCY
from tests.baselines.made import CELL, OTHER, measured, run
from tests.comparisons_samples import around, duel, said
from tests.quality_samples import decided, quality, score

Maker = Callable[..., Bench]

SAME, FASTER = around(0.0), around(-0.1)
RIGHT = quality(score("accuracy", decided(200)), outputs_digest="as before")
HALF_WRONG = quality(score("accuracy", decided(100, 100)), outputs_digest="otherwise")
NEARLY = quality(score("accuracy", decided(199, 1)), outputs_digest="otherwise")


@pytest.fixture
def bench(tmp_path: Path) -> Maker:
    """A bench of a project with these expectations and options."""

    def make(text: str = "", **asked: Any) -> Bench:
        path = tmp_path / "expectations.toml"
        path.write_text(text)
        plain = {"against": Against(Kind.REVISION, "HEAD"), "baselines": tmp_path / "baselines"}
        offered = frozenset({("tone", "fp32"), ("tone", "int8-dynamic")})
        return Bench(Order(tmp_path, **{**plain, **asked}), read_expectations(path), offered)

    return make


def fought(old: Quality | None, new: Quality | None, *pairs: list[float]) -> Duel:
    return replace(duel(*(pairs or (SAME,))), old_quality=old, new_quality=new)


def verdict(judgement: Judgement, metric: str | None) -> Verdict:
    (found,) = [one for one in judgement.verdicts if one.metric == metric]
    return found


def test_the_same_outputs_are_unchanged_and_cost_nothing_of_how_sure_the_run_is(bench: Maker) -> None:
    without = bench().live(run(measured()), [duel(SAME)])
    found = bench().live(run(measured()), [fought(RIGHT, RIGHT)])
    assert verdict(found, "accuracy").outcome is Outcome.UNCHANGED
    assert found.error_rate == without.error_rate


def test_outputs_that_differ_may_raise_a_false_alarm_and_that_chance_is_told_beside_that_of_times(bench: Maker) -> None:
    without = bench().live(run(measured()), [duel(SAME)])
    found = bench().live(run(measured()), [fought(RIGHT, NEARLY)])
    assert without.error_rate is not None
    assert (found.error_rate, found.quality_rate) == (pytest.approx(without.error_rate), RUN_RATE)
    assert without.quality_rate is None


def test_what_gives_worse_outputs_is_red_and_not_called_faster(bench: Maker) -> None:
    found = bench().live(run(measured()), [fought(RIGHT, HALF_WRONG, FASTER, FASTER)])
    accuracy, latency = verdict(found, "accuracy"), verdict(found, LATENCY)
    assert (accuracy.outcome, accuracy.is_fatal) == (Outcome.REGRESSED, True)
    assert (accuracy.old, accuracy.new, accuracy.examples) == (1.0, 0.5, 200)
    assert latency.outcome is Outcome.INCONCLUSIVE
    assert latency.text.endswith("not called improved, because accuracy has become worse")
    assert verdict(bench().live(run(measured()), [fought(RIGHT, RIGHT, FASTER, FASTER)]), LATENCY).outcome is (
        Outcome.IMPROVED
    )


def test_wrong_outputs_fail_the_cell_and_nothing_of_it_is_called_better(bench: Maker) -> None:
    broken = replace(HALF_WRONG, wrong="decision_agreement is 0.1")
    found = bench().live(run(measured()), [fought(RIGHT, broken, FASTER, FASTER)])
    whole = verdict(found, None)
    assert (whole.outcome, whole.is_fatal) == (Outcome.FAILED, True)
    assert "decision_agreement is 0.1" in whole.text
    assert Outcome.IMPROVED not in {one.outcome for one in found.verdicts}
    assert verdict(found, LATENCY).text.endswith("not called improved, because the cell has failed")


@pytest.mark.parametrize(
    ("asked", "is_fatal"), [({"profile": "smoke"}, False), ({"has_gate": False}, False), ({}, True)]
)
def test_whether_lost_quality_is_fatal_is_the_profile_s(bench: Maker, asked: dict[str, Any], is_fatal: bool) -> None:
    found = bench(**asked).live(run(measured()), [fought(RIGHT, HALF_WRONG)])
    assert verdict(found, "accuracy").is_fatal is is_fatal


def test_the_margin_of_quality_is_the_expected_one(bench: Maker) -> None:
    judge = bench("[margins]\naccuracy = 0.6\n")
    found = verdict(judge.live(run(measured()), [fought(RIGHT, HALF_WRONG)]), "accuracy")
    assert (found.outcome, found.margin) == (Outcome.UNCHANGED, 0.6)


def test_where_nothing_is_known_of_outputs_that_is_said_and_times_are_judged(bench: Maker) -> None:
    unknown = Quality(problem="answers: the disk is full")
    found = bench().live(run(measured()), [fought(unknown, unknown, FASTER, FASTER)])
    assert verdict(found, None).outcome is Outcome.INCONCLUSIVE
    assert "the disk is full" in verdict(found, None).text
    assert verdict(found, LATENCY).outcome is Outcome.IMPROVED


# Bounds.

BOUND = """
[[quality]]
name = "int8 hears as well"
cells = "tone/int8-dynamic/*"
metric = "accuracy"
loses_at_most = {}
"""


@pytest.mark.parametrize(
    ("loses", "given", "answer"),
    [
        (0.05, RIGHT, Answer.HOLDS),
        (0.05, NEARLY, Answer.HOLDS),
        (0.05, HALF_WRONG, Answer.FAILS),
        (0.6, HALF_WRONG, Answer.HOLDS),
        (0.5, HALF_WRONG, Answer.CANNOT_TELL),
    ],
    ids=["the same", "one of 200 worse", "half worse", "half worse where more may be", "just at the bound"],
)
def test_a_bound_is_judged_of_a_cell_beside_its_fp32(
    bench: Maker, loses: float, given: Quality, answer: Answer
) -> None:
    judge = bench(BOUND.format(loses), against=None)
    assert judge.has_promises
    found = judge.stored(run(measured(quality=RIGHT), measured(OTHER, quality=given)))
    (judged,) = found.judged
    assert (judged.kind, judged.cell, judged.metric, judged.answer) == ("quality", OTHER, "accuracy", answer)
    assert judged.is_fatal is (answer is Answer.FAILS)
    assert (judged.target, judged.source) == (loses, judged.source)


@pytest.mark.parametrize("asked", [{"profile": "smoke"}, {"has_gate": False}])
def test_a_bound_that_fails_is_not_fatal_in_a_quick_look_or_without_a_gate(bench: Maker, asked: dict[str, Any]) -> None:
    judge = bench(BOUND.format(0.05), against=None, **asked)
    (judged,) = judge.stored(run(measured(quality=RIGHT), measured(OTHER, quality=HALF_WRONG))).judged
    assert (judged.answer, judged.is_fatal) == (Answer.FAILS, False)


def test_a_bound_without_the_other_side_cannot_be_told_and_says_what_to_measure(bench: Maker) -> None:
    judge = bench(BOUND.format(0.05), against=None)
    for cells, lacking in (
        ((measured(OTHER, quality=RIGHT),), "fp32"),
        ((measured(), measured(OTHER, quality=RIGHT)), "fp32"),
        ((measured(quality=RIGHT), measured(OTHER)), "int8-dynamic"),
    ):
        (judged,) = judge.stored(run(*cells)).judged
        assert (judged.answer, judged.is_fatal) == (Answer.CANNOT_TELL, False)
        assert f"nothing is known of the outputs of {lacking} here; measure it too" in judged.text


# What may be called better.


def test_another_cell_s_loss_takes_nothing_away() -> None:
    better = said(Outcome.IMPROVED, cell=CELL)
    worse = said(Outcome.REGRESSED, metric="accuracy", cell=OTHER)
    assert unimproved((better, worse)) == (better, worse)
    slower = said(Outcome.REGRESSED, metric="peak_bytes", cell=CELL)
    assert unimproved((better, slower)) == (better, slower), "heavier is no worse an output"


def test_of_two_qualities_the_better_one_is_no_gain_either() -> None:
    verdicts = (
        said(Outcome.IMPROVED, metric="recall"),
        said(Outcome.REGRESSED, metric="decision_precision"),
        said(Outcome.UNCHANGED, metric="auc"),
    )
    assert [one.outcome for one in unimproved(verdicts)] == [
        Outcome.INCONCLUSIVE,
        Outcome.REGRESSED,
        Outcome.UNCHANGED,
    ]


def test_a_bound_on_a_metric_that_the_outputs_do_not_have_guards_nothing_and_is_red() -> None:
    bound = QualityBound("heard", CellPattern("*", "*", "*"), "word_error_rate", 0.05)
    found = judge_quality_bound(bound, measured(quality=RIGHT), measured(quality=RIGHT), is_fatal=True)
    assert (found.answer, found.is_fatal, found.over) == (Answer.CANNOT_TELL, True, "fp32")
    assert found.text == "its outputs have no word_error_rate: name one of accuracy, or other cells"
    assert not judge_quality_bound(bound, measured(quality=RIGHT), None, is_fatal=False).is_fatal


def test_a_bound_says_where_the_loss_lies() -> None:
    bound = QualityBound("right", CellPattern("*", "*", "*"), "accuracy", 0.05)
    found = judge_quality_bound(bound, measured(quality=NEARLY), measured(quality=RIGHT), is_fatal=True)
    assert found.value == pytest.approx(0.005), "one of two hundred"
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high
    assert (found.target, found.is_floor) == (0.05, False)
