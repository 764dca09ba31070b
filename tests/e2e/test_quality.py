"""Quality of real models, from the run to the record: fp32 is known by definition, int8 by experience."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.journal import read_run
from harness.results import Status

ROOT = Path(__file__).parents[2]


def measured(folder, model, precision, *more):
    """The qualities of a model in fp32 and in another precision, on part of its sets."""
    command = [
        *("suites/", "--model", model, "--precision", f"fp32,{precision}", "--cell-seconds", "50ms"),
        *("--sample-percent", "25", "--reports", str(folder), "-p", "no:cacheprovider", *more),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout
    by_precision = {one.cell.precision: one for one in read_run(folder / "latest").measurements}
    assert {one.status for one in by_precision.values()} == {Status.MEASURED}
    assert list(by_precision) == ["fp32", precision]
    return [one.quality for one in by_precision.values()]


@pytest.fixture(scope="module")
def turns(tmp_path_factory):
    return measured(tmp_path_factory.mktemp("turns"), "smart-turn-v3", "int8-static", "--other-kernels")


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    return measured(tmp_path_factory.mktemp("voices"), "silero-vad", "int8-dynamic")


@pytest.fixture(params=["turns", "voices"])
def pair(request):
    return request.getfixturevalue(request.param)


def value(quality, metric):
    score = quality.score(metric)
    assert score.value is not None, score.unavailable
    assert score.untrusted is None
    return score.value


def test_fp32_is_the_same_as_itself_and_at_the_ceiling_of_all_that_is_measured_against_it(pair):
    fp32, _ = pair
    assert (fp32.is_same, fp32.was_steady, fp32.flipped, fp32.problem) == (True, True, (), None)
    assert (value(fp32, "sqnr_db"), value(fp32, "largest_difference")) == (100.0, 0.0)
    agreements = [one for one in fp32.scores if one.metric.endswith("_agreement")]
    assert [one.value for one in agreements] == [1.0]


def test_int8_is_near_fp32_and_is_not_fp32(pair):
    fp32, int8 = pair
    assert not int8.is_same
    assert int8.reference_digest == fp32.outputs_digest != int8.outputs_digest
    assert value(int8, "sqnr_db") < 60
    assert value(int8, "largest_difference") > 0


def test_both_are_asked_the_same_and_nothing_failed(pair):
    fp32, int8 = pair
    assert (fp32.timed, fp32.exam) == (int8.timed, int8.exam)
    assert fp32.exam.failed == {}
    assert len(fp32.exam.ids) > len(fp32.timed.ids)


def test_decisions_flipped_are_examples_of_the_exam_and_as_many_as_the_agreement_says(turns):
    _, int8 = turns
    agreement = value(int8, "decision_agreement")
    assert set(int8.flipped) <= set(int8.exam.ids)
    assert int8.decisions == len(int8.exam.ids)
    assert len(int8.flipped) == pytest.approx((1 - agreement) * int8.decisions)


def test_int8_changes_decisions_of_frames_and_few_of_them(voices):
    _, int8 = voices
    assert 0.8 < value(int8, "frame_agreement") < 1
    assert value(int8, "sqnr_db") > 5


@pytest.mark.parametrize(
    ("fixture", "metric", "chance"),
    [("turns", "accuracy", 0.5), ("turns", "auc", 0.5), ("voices", "frame_recall", 0.5)],
)
def test_labels_are_hit_better_than_by_chance_in_both_precisions(request, fixture, metric, chance):
    for quality in request.getfixturevalue(fixture):
        assert value(quality, metric) > chance + 0.1


def test_other_kernels_answer_nearly_alike_and_flips_are_named(turns):
    fp32, int8 = turns
    assert fp32.sensitivity == ()
    assert [one.options for one in int8.sensitivity] == ["x64quantprecision", "QDQ fusion off"]
    for one in int8.sensitivity:
        assert (one.problem, one.of) == (None, int8.decisions)
        assert one.flips == len(one.example_ids) <= 0.1 * one.of
        assert set(one.example_ids) <= set(int8.exam.ids)
