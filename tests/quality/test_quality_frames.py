"""What was decided frame by frame: worked by hand on eight frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.quality import frames
from harness.quality.metric import CannotScore, Case

ALL = (
    *(frames.frame_agreement, frames.frame_accuracy),
    *(frames.frame_precision, frames.frame_recall, frames.frame_f1),
)
OF_TRUTH = ALL[1:]

OUTPUT = (0.9, 0.8, 0.7, 0.4, 0.6, 0.2, 0.1, 0.0)
TRUTH = (1, 1, 0, 1, 1, 1, 0, 0)
REFERENCE = (0.9, 0.9, 0.1, 0.9, 0.9, 0.1, 0.1, 0.6)


def case(output: Any = OUTPUT, reference: Any = REFERENCE, truth: Any = TRUTH, **more: Any) -> Case:
    beside = None if reference is None else np.array(reference)
    return Case("e1", np.array(output), beside, truth=None if truth is None else np.array(truth), **more)


@pytest.mark.parametrize(
    ("terms", "by_hand"),
    [
        # yes yes yes no yes no no no beside yes yes no yes yes no no yes
        (frames.frame_agreement, (5.0, 8.0)),
        # 3 found, 2 overlooked, 1 false alarm, 2 rightly left
        (frames.frame_accuracy, (5.0, 8.0)),
        (frames.frame_precision, (3.0, 4.0)),
        (frames.frame_recall, (3.0, 5.0)),
        (frames.frame_f1, (6.0, 9.0)),
    ],
)
def test_eight_frames_by_hand(terms: Any, by_hand: tuple[float, float]) -> None:
    assert terms(case()) == by_hand


def test_at_the_threshold_is_a_yes() -> None:
    assert frames.frame_precision(case(output=(0.6,), truth=(1,), threshold=0.6)) == (1.0, 1.0)


@pytest.mark.parametrize("terms", OF_TRUTH)
def test_without_right_answers_no_frame_is_right(terms: Any) -> None:
    assert terms(case(truth=None)) is None


@pytest.mark.parametrize("terms", OF_TRUTH)
def test_right_answers_for_other_frames_are_named_with_both_lengths(terms: Any) -> None:
    for reference in (REFERENCE, None):
        with pytest.raises(CannotScore, match="e1 has 8 frames and 7 right answers"):
            terms(case(truth=TRUTH[:-1], reference=reference))


@pytest.mark.parametrize("terms", OF_TRUTH)
def test_a_right_answer_is_yes_or_no(terms: Any) -> None:
    with pytest.raises(CannotScore, match="other than 0 and 1"):
        terms(case(truth=(0.5,) * 8))


def test_frames_that_only_one_side_has_agree_with_nothing() -> None:
    shorter = case(output=OUTPUT[:3])  # yes yes yes beside yes yes no
    assert frames.frame_agreement(shorter) == (2.0, 8.0)
    assert frames.frame_agreement(case(reference=REFERENCE[:3])) == (2.0, 8.0)


@pytest.mark.parametrize(
    ("output", "right"),
    [
        (OUTPUT[:3], (2.0, 8.0)),
        ((*OUTPUT, 0.9, 0.1), (5.0, 10.0)),
    ],
)
def test_frames_that_are_lacking_or_besides_are_decided_wrongly(output: Any, right: tuple[float, float]) -> None:
    assert frames.frame_accuracy(case(output=output)) == right


def test_what_has_no_reference_or_no_frames_has_no_terms() -> None:
    assert frames.frame_agreement(case(reference=None)) is None
    assert frames.frame_agreement(case(output=(), reference=())) is None


@pytest.mark.parametrize(
    ("terms", "by_hand"),
    [
        (frames.frame_agreement, (0.0, 8.0)),
        (frames.frame_accuracy, (0.0, 8.0)),
        (frames.frame_precision, (0.0, 0.0)),
        (frames.frame_recall, (0.0, 5.0)),
        (frames.frame_f1, (0.0, 5.0)),
    ],
)
def test_what_failed_found_none_of_its_frames(terms: Any, by_hand: tuple[float, float]) -> None:
    assert terms(case(output=(), failed="out of memory")) == by_hand


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
def test_agreement_does_not_care_which_is_the_reference(pairs: list[tuple[float, float]]) -> None:
    one, other = zip(*pairs, strict=True)
    assert frames.frame_agreement(case(one, other)) == frames.frame_agreement(case(other, one))


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=30))
def test_no_more_is_right_than_there_is(pairs: list[tuple[float, int]]) -> None:
    output, truth = zip(*pairs, strict=True)
    for terms in OF_TRUTH:
        right, of = terms(case(output, None, truth))
        assert 0 <= right <= of
