from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.quality_metrics import QUALITY
from harness.stats.paired import Estimate
from harness.worth.possible import cut_loss, cut_score, possible

INF = math.inf


@pytest.mark.parametrize(
    ("metric", "ends"),
    [
        ("accuracy", (0.0, 1.0)),
        ("auc", (0.0, 1.0)),
        ("calibration_error", (0.0, 1.0)),
        ("frame_f1", (0.0, 1.0)),
        ("word_error_rate", (0.0, INF)),
        ("log_mel_distance", (0.0, INF)),
        ("kl_divergence", (0.0, INF)),
        ("cosine_similarity", (-INF, 1.0)),
        ("sqnr_db", (-INF, 100.0)),
        ("chrf", (0.0, 100.0)),
        ("dnsmos", (-INF, INF)),
    ],
)
def test_a_metric_lies_where_its_definition_lets_it(metric: str, ends: tuple[float, float]) -> None:
    assert possible(QUALITY[metric]) == ends


@pytest.mark.parametrize(
    ("metric", "found", "shown"),
    [
        ("frame_f1", (0.97, 0.9, 1.04), (0.9, 1.0)),
        ("word_error_rate", (0.02, -0.03, 0.07), (0.0, 0.07)),
        ("sqnr_db", (99.0, 90.0, 108.0), (90.0, 100.0)),
        ("of a package that is not here", (0.97, 0.9, 1.04), (0.9, 1.04)),
    ],
)
def test_no_score_is_shown_beyond_what_its_metric_can_be(
    metric: str, found: tuple[float, float, float], shown: tuple[float, float]
) -> None:
    told = cut_score(metric, Estimate(*found, 20))
    assert (told.value, told.low, told.high) == (found[0], *shown)


@pytest.mark.parametrize(
    ("metric", "value", "loss", "shown"),
    [
        ("decision_agreement", 0.98, (0.02, -0.01, 0.05), (0.0, 0.05)),
        ("decision_agreement", 0.95, (0.02, -0.01, 0.05), (-0.01, 0.05)),
        ("accuracy", 0.98, (0.02, -0.01, 0.05), (-0.01, 0.05)),
        ("accuracy", 0.1, (0.9, 0.7, 1.1), (0.7, 1.0)),
        ("log_mel_distance", 0.3, (0.3, -0.1, 0.7), (0.0, 0.7)),
        ("word_error_rate", 0.3, (0.3, -0.1, 0.7), (-0.1, 0.7)),
    ],
    ids=["beside perfect", "beside another", "right answers", "all is lost", "a distance of fp32", "words misheard"],
)
def test_no_loss_is_shown_beyond_what_can_be_lost(
    metric: str, value: float, loss: tuple[float, float, float], shown: tuple[float, float]
) -> None:
    told = cut_loss(metric, value, Estimate(*loss, 20))
    assert (told.value, told.low, told.high) == (loss[0], *shown)


@given(
    metric=st.sampled_from(sorted(QUALITY)),
    value=st.floats(-200, 200),
    loss=st.floats(-200, 200),
    half=st.floats(0, 200),
)
def test_what_is_cut_lies_within_and_keeps_its_value(metric: str, value: float, loss: float, half: float) -> None:
    whole = Estimate(loss, loss - half, loss + half, 9)
    for told in (cut_score(metric, whole), cut_loss(metric, value, whole)):
        assert told.low is not None
        assert told.high is not None
        assert loss - half <= told.low <= told.value == loss <= told.high <= loss + half
