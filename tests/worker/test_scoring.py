"""What each meaning of an output makes a metric look at, and what is said where a metric has nothing to look at."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import declare
from tests.worker.scored import LABELLED, put, reasons, score, values

np = pytest.importorskip("numpy")


def means(meaning: str) -> str:
    """A declaration's arguments: its output has a meaning."""
    return f"meanings=(__import__('harness.models').models.{meaning},)"


def ones(*numbers: float) -> list[Any]:
    return [np.array([number], np.float32) for number in numbers]


def labels(*each: str | None) -> str:
    return LABELLED.format(labels=each)


def test_a_decision_is_beside_fp32_s_and_beside_the_label(tmp_path: Path) -> None:
    assignment = declare(
        tmp_path, more=means("Decides('y', positive='yes')"), workload=labels("yes", "no", "yes", "no")
    )
    own, reference = put(tmp_path / "own", ones(0.9, 0.6, 0.4, 0.1)), put(tmp_path / "fp32", ones(0.9, 0.2, 0.7, 0.1))
    quality = score(assignment, own, reference)
    found = values(quality)
    # Decided yes, yes, no, no where fp32 decides, and rightly so, yes, no, yes, no.
    halves = ("decision_agreement", "accuracy", "decision_precision", "recall", "f1", "positive_share")
    assert {name: found[name] for name in halves} == dict.fromkeys(halves, 0.5)
    assert found["auc"] == pytest.approx(0.75), "of the four pairs of yes and no only 0.4 and 0.6 stand wrongly"
    assert (quality.flipped, quality.decisions) == (("1", "2"), 4)
    assert (quality.reference, quality.is_same) == ("fp32 on cpu", False)
    assert quality.wrong is not None
    assert "decision_agreement" in quality.wrong


@pytest.mark.parametrize(
    ("more", "given", "probability"),
    [
        ("is_logit=True", [0.0], 0.5),
        ("is_logit=True", [-2.0], 1 / (1 + math.exp(2))),
        ("is_logit=False", [0.25], 0.25),
        ("is_logit=True", [9.0, -2.0], 1 / (1 + math.exp(2))),
    ],
    ids=["a logit of nothing", "a logit", "a probability", "of several the last"],
)
def test_a_decision_is_told_as_a_probability(tmp_path: Path, more: str, given: list[float], probability: float) -> None:
    assignment = declare(tmp_path, more=means(f"Decides('y', positive='yes', {more})"), workload=labels("yes", "no"))
    outputs = [np.array([given], np.float32)] * 2
    auc = score(assignment, put(tmp_path / "own", outputs), None).score("auc")
    assert auc is not None
    assert auc.terms == ((pytest.approx(probability, rel=1e-5), 1.0), (pytest.approx(probability, rel=1e-5), 0.0))


FRAMES = """
import numpy as np
truth = np.array([1, 0, 0, 1])
return Workload("frames", 1, [Example("0", dict, truth=lambda: truth), Example("1", dict)], "frames")
"""


def test_frames_are_beside_fp32_s_and_beside_the_truth_where_there_is_one(tmp_path: Path) -> None:
    assignment = declare(tmp_path, more=means("DecidesFrames('y')"), workload=FRAMES)
    given = [[0.9, 0.9, 0.1, 0.1], [0.9, 0.9]]
    reference = [[0.9, 0.1, 0.1, 0.1], [0.9, 0.1]]
    own = put(tmp_path / "own", [np.array([one]) for one in given])
    quality = score(assignment, own, put(tmp_path / "fp32", [np.array([one]) for one in reference]))
    found = values(quality)
    assert found["frame_agreement"] == pytest.approx(4 / 6)
    assert found["frame_accuracy"] == 0.5, "the second example has no truth"
    accuracy = quality.score("frame_accuracy")
    assert accuracy is not None
    assert accuracy.terms == ((2.0, 4.0), None)
    assert accuracy.note == "1 of 2 examples have no value"
    assert quality.decisions == 0


def test_logits_keep_their_rows(tmp_path: Path) -> None:
    assignment = declare(tmp_path, more=means("GivesLogits('y')"), workload=labels(None))
    own = put(tmp_path / "own", [np.array([[1.0, 2.0], [3.0, 0.0]])])
    quality = score(assignment, own, put(tmp_path / "fp32", [np.array([[2.0, 1.0], [3.0, 0.0]])]))
    found = values(quality)
    assert found["top1_agreement"] == 0.5
    # p = (e, 1)/(e + 1) against q = (1, e)/(e + 1): (e − 1)/(e + 1) in the first row, none in the second.
    assert found["kl_divergence"] == pytest.approx((math.e - 1) / (math.e + 1) / 2, rel=1e-5)


def test_tokens_are_counted_and_read_as_text(tmp_path: Path) -> None:
    pytest.importorskip("sacrebleu")
    after = "WORDS = dict(enumerate('a the cat sat on mat'.split()))"
    decode = "decode=lambda ids: ' '.join(WORDS[int(one)] for one in ids)"
    assignment = declare(
        tmp_path, more=means(f"GivesTokens('y', {decode})"), workload=labels("the cat sat on the mat"), after=after
    )
    own = put(tmp_path / "own", [np.array([[1, 2, 3, 4, 1, 5]])])
    quality = score(assignment, own, put(tmp_path / "fp32", [np.array([[1, 2, 3, 4, 0, 5]])]))
    found = values(quality)
    assert found["token_agreement"] == pytest.approx(5 / 6, rel=1e-5)
    assert (found["bleu"], found["chrf"]) == (pytest.approx(100), pytest.approx(100))


@pytest.mark.parametrize(("beside", "farthest"), [({"z": 0.5}, 0.5), ({}, 7.0)], ids=["logits too", "ids alone"])
def test_ids_of_tokens_are_no_distance_where_there_is_another_output(
    tmp_path: Path, beside: dict[str, float], farthest: float
) -> None:
    assignment = declare(tmp_path, more=means("GivesTokens('y')"), workload=labels(None))
    other = {name: np.array([1.0 + value]) for name, value in beside.items()}
    same = dict.fromkeys(beside, np.array([1.0]))
    own, reference = ({"y": np.array([9, 2]), **other}, {"y": np.array([2, 2]), **same})
    quality = score(assignment, put(tmp_path / "own", [own]), put(tmp_path / "fp32", [reference]))
    assert values(quality)["largest_difference"] == farthest
    assert values(quality)["token_agreement"] == 0.5


def test_an_embedding_is_one_vector_of_any_shape(tmp_path: Path) -> None:
    assignment = declare(tmp_path, more=means("Embeds('y')"), workload=labels(None))
    own = put(tmp_path / "own", [np.array([[1.0, 0.0]])])
    found = values(score(assignment, own, put(tmp_path / "fp32", [np.array([1.0, 1.0])])))
    assert found["embedding_cosine"] == pytest.approx(math.sqrt(0.5), rel=1e-5)


def test_audio_is_beside_fp32_s_of_the_same_text_and_its_samples_are_not_judged_one_by_one(tmp_path: Path) -> None:
    assignment = declare(
        tmp_path, more="audio=__import__('harness.models').models.AudioOutput('y', 16_000)", workload=labels(None)
    )
    sound = np.sin(np.arange(16_000) / 10).astype(np.float32)
    own = put(tmp_path / "own", [{"y": sound[:12_000], "phonemes": np.arange(7)}])
    quality = score(assignment, own, put(tmp_path / "fp32", [{"y": sound, "phonemes": np.arange(7)}]))
    assert values(quality)["duration_drift"] == pytest.approx(0.25)
    assert "other shapes" in reasons(quality)["sqnr_db"]
    judged = {one.metric: one.is_judged for one in quality.scores}
    assert not judged["sqnr_db"]
    assert judged["log_mel_distance"]


def test_every_output_that_is_a_number_counts_for_the_fidelity(tmp_path: Path) -> None:
    assignment = declare(tmp_path, workload=labels(None))
    texts = np.array(["one", "two"])
    own = put(tmp_path / "own", [{"y": np.array([1.0, 2.0]), "z": np.array([[3]]), "said": texts}])
    reference = put(tmp_path / "fp32", [{"y": np.array([1.0, 2.0]), "z": np.array([[5]]), "said": texts}])
    assert values(score(assignment, own, reference))["largest_difference"] == 2.0


def test_the_same_outputs_are_the_ceiling_and_said_to_be_the_same(tmp_path: Path) -> None:
    assignment = declare(tmp_path, workload=labels(None, None))
    own = put(tmp_path / "own", [np.array([1.0, 2.0]), np.array([2.0, 1.0])], steady=False)
    quality = score(assignment, own, own)
    assert values(quality) == {"sqnr_db": 100.0, "cosine_similarity": 1.0, "largest_difference": 0.0}
    assert quality.is_same
    assert quality.outputs_digest == quality.reference_digest != ""
    assert (quality.was_steady, quality.wrong, quality.problem) == (False, None, None)
    assert quality.seconds > 0
