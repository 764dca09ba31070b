"""What was decided: as by fp32, and rightly; worked by hand on six examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.quality import decisions
from harness.quality.checks import value_of
from harness.quality.metric import CannotScore, Case, QualityMetric

BY_NAME = {one.metric.name: one for one in decisions.METRICS}

OUTPUTS = (0.9, 0.8, 0.3, 0.4, 0.6, 0.1)
LABELS = (1, 1, 1, 1, 0, 0)
REFERENCE = (0.9, 0.2, 0.3, 0.9, 0.6, 0.4)

probabilities = st.floats(0, 1)


def case(output: float, label: int | None = None, reference: float | None = None, **more: Any) -> Case:
    beside = None if reference is None else np.array([reference])
    return Case("e1", np.array([output]), beside, None if label is None else str(label), **more)


def cases(
    outputs: Sequence[float], labels: Sequence[int], reference: Sequence[float] | None = None
) -> tuple[Case, ...]:
    beside = reference or [None] * len(outputs)
    return tuple(case(*one) for one in zip(outputs, labels, beside, strict=True))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # yes, yes, no, no, yes, no beside yes, no, no, yes, yes, no
        ("decision_agreement", 4 / 6),
        # 2 found, 2 overlooked, 1 false alarm, 1 rightly left
        ("accuracy", 3 / 6),
        ("decision_precision", 2 / 3),
        ("recall", 2 / 4),
        ("f1", 2 * (2 / 3) * (1 / 2) / (2 / 3 + 1 / 2)),
        # of 4 · 2 pairs, 0.9 and 0.8 win both, 0.3 and 0.4 beat 0.1 alone
        ("auc", 6 / 8),
        # each is alone in its bin
        ("calibration_error", (0.1 + 0.2 + 0.7 + 0.6 + 0.6 + 0.1) / 6),
        ("positive_share", 3 / 6),
    ],
)
def test_six_decisions_by_hand(name: str, value: float) -> None:
    assert value_of(BY_NAME[name], cases(OUTPUTS, LABELS, REFERENCE)) == pytest.approx(value)


def test_at_the_threshold_is_a_yes() -> None:
    assert decisions.positive_share(case(0.5)) == (1.0,)
    assert decisions.positive_share(case(0.5, threshold=0.6)) == (0.0,)


@pytest.mark.parametrize(
    "terms",
    [
        *(decisions.accuracy, decisions.decision_precision, decisions.recall),
        *(decisions.f1, decisions.auc, decisions.calibration_error),
    ],
)
def test_without_a_right_answer_nothing_is_right_or_wrong(terms: Any) -> None:
    assert terms(case(0.7, reference=0.7)) is None


def test_without_a_reference_nothing_agrees() -> None:
    assert decisions.decision_agreement(case(0.7, label=1)) is None


@pytest.mark.parametrize(
    ("terms", "of_positive", "of_negative"),
    [
        (decisions.decision_agreement, (0.0,), (0.0,)),
        (decisions.accuracy, (0.0,), (0.0,)),
        (decisions.decision_precision, (0.0, 0.0), (0.0, 0.0)),
        (decisions.recall, (0.0, 1.0), (0.0, 0.0)),
        (decisions.f1, (0.0, 1.0), (0.0, 0.0)),
        (decisions.auc, None, None),
        (decisions.calibration_error, None, None),
        (decisions.positive_share, (0.0,), (0.0,)),
    ],
)
def test_what_failed_agrees_with_nobody_and_is_never_right(terms: Any, of_positive: Any, of_negative: Any) -> None:
    for label, expected in ((1, of_positive), (0, of_negative)):
        failed = Case("e1", np.zeros(0), np.array([0.1]), str(label), failed="out of memory")
        assert terms(failed) == expected


def test_a_label_that_is_neither_is_named() -> None:
    with pytest.raises(CannotScore, match="e1 is labelled 'complete'"):
        decisions.accuracy(Case("e1", np.array([0.5]), None, "complete"))


def test_more_than_one_number_is_no_decision() -> None:
    with pytest.raises(CannotScore, match="2 numbers where a decision has one"):
        decisions.positive_share(Case("e1", np.array([0.5, 0.5]), None))


def test_a_logit_is_no_probability() -> None:
    with pytest.raises(CannotScore, match="is_logit"):
        decisions.calibration_error(case(2.5, 1))
    assert decisions.auc(case(2.5, 1)) == (2.5, 1.0)


@given(probabilities, probabilities, probabilities)
def test_agreement_does_not_care_which_is_the_reference(one: float, other: float, threshold: float) -> None:
    there = decisions.decision_agreement(case(one, reference=other, threshold=threshold))
    assert there == decisions.decision_agreement(case(other, reference=one, threshold=threshold))


@given(st.lists(st.tuples(probabilities, st.integers(0, 1)), min_size=2, max_size=20))
def test_the_area_under_swapped_labels_is_the_rest(found: list[tuple[float, int]]) -> None:
    outputs, labels = zip(*found, strict=True)
    if len(set(labels)) == 2:
        swapped = tuple(1 - label for label in labels)
        whole = _value("auc", outputs, labels) + _value("auc", outputs, swapped)
        assert whole == pytest.approx(1.0)


@given(st.lists(st.tuples(probabilities, st.integers(0, 1)), min_size=1, max_size=20))
def test_f1_lies_between_precision_and_recall(found: list[tuple[float, int]]) -> None:
    outputs, labels = zip(*found, strict=True)
    if any(labels) and any(output >= 0.5 for output in outputs):
        low, high = sorted((_value("decision_precision", outputs, labels), _value("recall", outputs, labels)))
        assert low - 1e-9 <= _value("f1", outputs, labels) <= high + 1e-9


@given(st.lists(st.tuples(probabilities, st.integers(0, 1)), min_size=1, max_size=20))
def test_the_calibration_error_is_a_share(found: list[tuple[float, int]]) -> None:
    assert 0 <= _value("calibration_error", *zip(*found, strict=True)) <= 1


def _value(name: str, outputs: Sequence[float], labels: Sequence[int]) -> float:
    metric: QualityMetric = BY_NAME[name]
    return value_of(metric, cases(outputs, labels))
