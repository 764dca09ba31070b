"""Outputs of real workers are kept, scored beside fp32's, and whatever fails on the way is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.results import Measurement, Phase, Status
from harness.scores import Quality
from tests.conduct.examined import FP32, INT8, ROOTS, Side
from tests.samples import MEASURED

pytest.importorskip("onnxruntime")

Make = Callable[..., Side]

ONE_FLIP = 0.5
"""Roots of 4, 9, 16 and 25 are 2, 3, 4, 5: of half of that 1.41, 2.12, 2.83, 3.54, and only 9 is decided otherwise."""
TWO_FLIPS = 0.25
"""1, 1.5, 2 and 2.5: 9 and 16 are decided otherwise."""


def quality_of(measured: Measurement) -> Quality:
    assert measured.quality is not None
    return measured.quality


def value(quality: Quality, metric: str) -> float | None:
    score = quality.score(metric)
    assert score is not None, metric
    return score.value


def test_fp32_beside_itself_is_the_same_and_at_the_ceiling(side: Make) -> None:
    one = side()
    measured = one.measured(FP32)
    quality = quality_of(measured)
    assert (quality.is_same, quality.reference, quality.flipped) == (True, "fp32 on cpu", ())
    assert [value(quality, name) for name in ("sqnr_db", "decision_agreement", "accuracy")] == [100.0, 1.0, 1.0]
    assert measured.status is Status.MEASURED


def test_another_precision_is_beside_fp32_which_is_asked_once_though_nobody_measures_it(side: Make) -> None:
    one = side(int8_weight=ONE_FLIP)
    measured = one.measured(INT8)
    quality = quality_of(measured)
    assert (quality.is_same, quality.flipped, quality.decisions) == (False, ("9",), 4)
    assert (value(quality, "decision_agreement"), value(quality, "accuracy")) == (0.75, 0.75)
    assert value(quality, "largest_difference") == pytest.approx(5 - 12.5**0.5, rel=1e-5)
    assert measured.status is Status.MEASURED, "one example of several condemns nothing"
    sessions = one.sessions
    assert one.measured(FP32).quality is not None
    assert one.sessions == sessions, "what fp32 gave is there already"


def test_wrong_outputs_fail_the_cell_in_the_phase_of_quality_and_its_numbers_are_kept(side: Make) -> None:
    measured = side(int8_weight=TWO_FLIPS).measured(INT8)
    assert measured.status is Status.FAILED
    assert measured.failure is not None
    assert measured.failure.phase is Phase.QUALITY
    assert measured.failure.text.startswith("the outputs are wrong: decision_agreement is ")
    assert measured.value("latency_p50_seconds") == 0.25
    assert quality_of(measured).flipped == ("9", "16")


def test_every_kind_checks_itself_once_a_run(side: Make) -> None:
    one = side(checks=True)
    one.measured(FP32)
    first = one.scorers
    one.measured(INT8)
    # Any output and decisions check themselves, and each cell is scored: 2 + 1, and 1.
    assert (first, one.scorers) == (3, 4)


def test_without_an_fp32_there_is_no_fidelity_and_the_labels_still_tell(side: Make) -> None:
    one = side(precisions=("int8-dynamic",))
    quality = quality_of(one.measured(INT8))
    fidelity = quality.score("sqnr_db")
    assert fidelity is not None
    assert fidelity.unavailable == "the model has no fp32"
    assert value(quality, "accuracy") == 1.0
    assert (quality.reference, quality.is_same) == ("", False)


def test_an_fp32_that_fails_is_asked_once_and_its_words_are_the_reason(side: Make) -> None:
    drive = "out = call(inputs)\nif out['y'][0, 0] == 2: raise ValueError('not today')\nyield out"
    one = side(int8_weight=ONE_FLIP, more={"drive": drive})
    quality = quality_of(one.measured(INT8))
    fidelity = quality.score("decision_agreement")
    assert fidelity is not None
    assert fidelity.unavailable == "fp32 on cpu gave nothing: first inference: ValueError: not today"
    assert value(quality, "accuracy") == 0.75
    sessions = one.sessions
    assert quality_of(one.measured(INT8)).score("decision_agreement") == fidelity
    assert one.sessions == sessions


@pytest.mark.parametrize(
    ("workload", "said"),
    [
        ("if scoring(): os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL"),
        ("if scoring(): raise ValueError('no labels today')", "its workload raised ValueError: no labels today"),
    ],
)
def test_where_the_scoring_fails_the_cell_stays_measured_and_its_quality_says_why(
    side: Make, workload: str, said: str
) -> None:
    # What is measured has a session open; what scores has not.
    after = "def scoring():\n    return 'onnxruntime' not in sys.modules\n"
    one = side(more={"workload": f"{workload}\n{ROOTS}"}, after=after)
    measured = one.measured(FP32)
    assert measured.status is Status.MEASURED
    assert measured.value("latency_p50_seconds") == 0.25
    problem = quality_of(measured).problem
    assert problem is not None
    assert said in problem


def test_a_cell_whose_outputs_could_not_be_kept_is_not_asked_about_them(side: Make) -> None:
    one = side()
    untold = replace(MEASURED, quality=Quality(problem="answers: the disk is full"))
    assert one.examiner.examined(one.model, untold) is untold
    assert (one.sessions, one.scorers) == (0, 0)


# Other kernels.


def test_what_flips_under_other_options_is_listed_and_the_cell_s_own_outputs_stay(side: Make) -> None:
    # x · 1e-39 is a denormal number, which one option takes for 0: its root is then 0 instead of about 6e-20.
    one = side(fp32_weight=1e-39, more={"drive": "yield {'y': call(inputs)['y'] * 1e20}"})
    own = quality_of(one.measured(FP32))
    options = {
        "QDQ fusion off": {"session.disable_quant_qdq": "1"},
        "denormals as zero": {"session.set_denormal_as_zero": "1"},
        "nonsense": {"session.dynamic_block_base": "nonsense"},
    }
    none, flipped, unable = one.examiner.sensitivity(one.model, FP32, options)
    assert (none.options, none.flips, none.of, none.largest_difference) == ("QDQ fusion off", 0, 4, 0.0)
    assert (flipped.options, flipped.flips, flipped.of) == ("denormals as zero", 4, 4)
    assert flipped.example_ids == ("4", "9", "16", "25")
    assert flipped.largest_difference == pytest.approx(25e-39**0.5 * 1e20, rel=1e-3)
    assert (none.problem, flipped.problem) == (None, None)
    assert unable.problem is not None
    assert unable.problem.startswith("open: ")
    again = quality_of(one.measured(FP32))
    assert again.outputs_digest == own.outputs_digest


def test_of_frames_it_is_the_frames_that_flip(side: Make) -> None:
    frames = 'MODELS = (replace(MODELS[0], meanings=(__import__("harness.models").models.DecidesFrames("y", 2.5),)),)'
    one = side(fp32_weight=1e-39, more={"drive": "yield {'y': call(inputs)['y'] * 1e20}"}, after=frames)
    one.examiner.ensure(FP32)
    (found,) = one.examiner.sensitivity(one.model, FP32, {"zero": {"session.set_denormal_as_zero": "1"}})
    assert (found.flips, found.of) == (16, 16), "four frames of each of four examples"
