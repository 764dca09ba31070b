from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cells import Cell, Reason
from harness.comparisons import Answer, Clock, Duel, Judged, Judgement, Outcome, Pair, Side, Verdict
from harness.metrics import Better, Pool
from harness.phases import Phase
from harness.results import Environment, Failure, Measurement, Provenance, Reading, Run, Sample, Status
from harness.scores import Examples, Part, Quality, Score
from harness.stats.sequential import Shown
from harness.worth.standing import Standing, Worth
from harness.worth.weighing import lead_score, worth_of

DECISIONS = 120


def cell(precision: str) -> Cell:
    return Cell("turn", precision, "cpu")


def examples(count: int) -> Examples:
    return Examples("turns", "d1", tuple(f"e{number}" for number in range(count)))


def share(metric: str, wrong: int, count: int, **more: object) -> Score:
    """A share of decisions, of which the first so many are wrong."""
    terms = tuple((0.0,) if number < wrong else (1.0,) for number in range(count))
    return Score(metric, Part.EXAM, "", Better.HIGHER, Pool.SHARE, 1 - wrong / count, terms, **more)  # type: ignore[arg-type]


def quality(*scores: Score, flips: int = 0, count: int = DECISIONS, **more: object) -> Quality:
    of = examples(count)
    digest = f"outputs with {flips} flips of {[score.value for score in scores]}"
    return Quality(
        "fp32 on cpu",
        outputs_digest=digest,
        exam=of,
        scores=scores,
        flipped=of.ids[:flips],
        decisions=count,
        **more,  # type: ignore[arg-type]
    )


def agreeing(flips: int, count: int = DECISIONS) -> Quality:
    return quality(share("decision_agreement", flips, count), flips=flips, count=count)


def measured(
    precision: str,
    *,
    seconds: float = 0.01,
    size: float = 100e6,
    peak: float = 300e6,
    of: Quality | None = None,
    audio: float | None = None,
    weights: str = "real (turn 1.0)",
) -> Measurement:
    readings = {"latency_seconds": seconds, "artifact_bytes": size, "peak_bytes": peak, "weights_covered_fraction": 0.9}
    if audio is not None:
        readings |= {"audio_seconds": audio, "real_time_factor": seconds / audio}
    return Measurement(
        cell(precision),
        Status.MEASURED,
        readings=tuple(Reading(name, value) for name, value in readings.items()),
        sample=Sample(("a", "b"), (seconds, seconds)),
        provenance=Provenance("turn", "full", weights, "r", "a", "onnx", "made", "turns", "w", 2),
        quality=of,
    )


def pairs(old_over_new: float, count: int = 9, **values: float) -> tuple[Pair, ...]:
    """Pairs of which the new side is so many times as fast, give or take a hundredth."""
    return tuple(
        Pair(
            1,
            {Clock.WALL: -math.log(old_over_new) + 0.01 * math.sin(number)},
            Side({Clock.WALL: 0.01}, {"peak_bytes": 300e6}),
            Side({Clock.WALL: 0.01 / old_over_new}, {"peak_bytes": 150e6} | values),
            20,
            3.0,
        )
        for number in range(count)
    )


def run(*measurements: Measurement, **more: object) -> Run:
    cells = tuple(one.cell for one in measurements)
    return Run("r", "2026-11-21T00:00:00+00:00", Environment(), {}, cells, measurements, True, **more)  # type: ignore[arg-type]


def of(precision: str, told: Run) -> Standing:
    return next(one for one in worth_of(told) if one.cell.precision == precision)


def paired(precision: str, times: float) -> tuple[Duel, ...]:
    return (Duel(cell(precision), "fp32", pairs=pairs(times)),)


FP32 = measured("fp32", of=agreeing(0))


def test_a_slower_precision_that_flips_decisions_is_not_worth_it_in_the_words_of_the_issue() -> None:
    int8 = measured("int8-dynamic", size=29e6, of=agreeing(5))
    assert of("int8-dynamic", run(FP32, int8, duels=paired("int8-dynamic", 0.78))).sentence == (
        "int8-dynamic is 0.78× as fast as fp32 here, saves 71 % of the file and 50 % of the memory,"
        " flips 5 of 120 decisions: not worth it on this machine"
    )


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        ("random weights (seed 0)", "worth it; with random weights only its likeness to fp32 is known"),
        ("checkpoint turn.safetensors", "worth it"),
    ],
)
def test_what_is_worth_it_with_random_weights_claims_no_quality_beyond_likeness(weights: str, text: str) -> None:
    base = measured("fp32", of=agreeing(0, 400), weights=weights)
    int8 = measured("int8-dynamic", size=29e6, of=agreeing(0, 400), weights=weights)
    assert of("int8-dynamic", run(base, int8, duels=paired("int8-dynamic", 1.6))).text == text


def test_beside_fp32_of_another_device_alone_worth_is_not_told_and_the_way_is() -> None:
    gpu = replace(FP32, cell=Cell("turn", "fp32", "cuda"))
    told = of("int8-dynamic", run(gpu, measured("int8-dynamic", of=agreeing(0))))
    assert told.worth is Worth.CANNOT_TELL
    assert told.text == (
        "cannot tell whether it is worth it: fp32 beside it has no result (it was measured on cuda alone;"
        " --cell turn/fp32/cpu measures it here)"
    )


SPEEDS = {"slower": 0.7, "same": 1.0, "faster": 1.6}


@pytest.mark.parametrize(
    ("speed", "size", "flips", "count", "worth", "text"),
    [
        ("faster", 29e6, 0, 400, Worth.WORTH_IT, "worth it"),
        ("faster", 100e6, 0, 400, Worth.WORTH_IT, "worth it"),
        ("same", 29e6, 0, 400, Worth.WORTH_IT, "worth it for its size"),
        ("same", 100e6, 0, 400, Worth.NOT_WORTH_IT, "not worth it: it gains nothing here"),
        ("slower", 100e6, 0, 400, Worth.NOT_WORTH_IT, "not worth it on this machine; dominated by fp32"),
        (
            *("slower", 29e6, 0, 400, Worth.NOT_WORTH_IT),
            "not worth it on this machine, unless the size of the file is what counts",
        ),
        ("slower", 29e6, 5, 120, Worth.NOT_WORTH_IT, "not worth it on this machine"),
    ],
)
def test_speed_size_and_quality_together_say_what_it_is_worth(
    speed: str, size: float, flips: int, count: int, worth: Worth, text: str
) -> None:
    base = measured("fp32", of=agreeing(0, count), peak=300e6)
    other = measured("int8-dynamic", size=size, of=agreeing(flips, count))
    duel = Duel(cell("int8-dynamic"), "fp32", pairs=pairs(SPEEDS[speed], peak_bytes=300e6))
    told = of("int8-dynamic", run(base, other, duels=(duel,)))
    assert (told.worth, told.text) == (worth, text)


def test_a_quality_that_is_lost_outweighs_any_speed() -> None:
    told = of("int8-dynamic", run(FP32, measured("int8-dynamic", of=agreeing(40)), duels=paired("int8-dynamic", 3.0)))
    assert told.worth is Worth.NOT_WORTH_IT
    assert told.text.startswith("not worth it: its decision agreement is 0.333 (")
    assert told.text.endswith(") worse than that of fp32, where 0.02 may be lost")


def test_no_more_is_said_to_be_lost_than_there_is_to_lose() -> None:
    wrong = Score(
        *("frame_agreement", Part.EXAM, "", Better.HIGHER, Pool.RATIO, 0.1),
        tuple((0.0 if number else 20.0, 20.0) for number in range(10)),
    )
    right = replace(wrong, value=1.0, terms=((20.0, 20.0),) * 10)
    base, other = (measured(name, of=quality(one, count=10)) for name, one in (("fp32", right), ("fp16", wrong)))
    told = of("fp16", run(base, other))
    assert told.lead is not None
    assert told.lead.loss is not None
    assert told.lead.loss.high is not None
    assert told.lead.loss.high > 1
    assert "frame agreement is 0.9 (" in told.text
    assert " to 1) worse than that of fp32" in told.text


def test_few_examples_make_a_fast_precision_undecided_and_say_how_many_would_tell() -> None:
    told = of("int8-dynamic", run(FP32, measured("int8-dynamic", of=agreeing(3)), duels=paired("int8-dynamic", 2.0)))
    assert told.worth is Worth.CANNOT_TELL
    assert told.text.startswith("faster; whether the quality holds cannot be told from 120 examples (about ")
    assert told.lead is not None
    assert told.lead.needed is not None
    assert told.lead.needed > DECISIONS


@pytest.mark.parametrize(
    ("seconds", "said", "worth"),
    [
        (0.005, "is about 2.0× as fast as fp32 here", Worth.WORTH_IT),
        (0.02, "is about 0.5× as fast as fp32 here", Worth.NOT_WORTH_IT),
        (0.007, "is about 1.4× as fast as fp32 here", Worth.CANNOT_TELL),
        (0.0145, "is about 0.7× as fast as fp32 here", Worth.CANNOT_TELL),
        (0.0093, "is about 1.1× as fast as fp32 here", Worth.CANNOT_TELL),
        (0.0108, "is about 0.9× as fast as fp32 here", Worth.CANNOT_TELL),
        (0.01, "is about as fast as fp32 here", Worth.CANNOT_TELL),
    ],
)
def test_cells_that_were_not_timed_in_pairs_show_only_great_differences(
    seconds: float, said: str, worth: Worth
) -> None:
    base = measured("fp32", of=agreeing(0, 400))
    told = of("fp16", run(base, measured("fp16", seconds=seconds, of=agreeing(0, 400))))
    assert (told.phrases[0], told.worth) == (said, worth)
    if worth is Worth.CANNOT_TELL:
        assert told.text.endswith("pytest --against precision=fp32 would tell the speed")


@pytest.mark.parametrize("seconds", [0.0093, 0.01, 0.0115])
def test_what_is_smaller_is_worth_it_only_if_it_is_no_slower_and_nobody_knows_that_yet(seconds: float) -> None:
    base = measured("fp32", of=agreeing(0, 400))
    told = of("fp16", run(base, measured("fp16", seconds=seconds, size=50e6, of=agreeing(0, 400))))
    assert (told.worth, told.text) == (
        Worth.CANNOT_TELL,
        "worth it for its size if it is no slower; pytest --against precision=fp32 would tell the speed",
    )


def test_passes_that_differ_as_much_as_the_cells_show_no_speed() -> None:
    def wobbling(precision: str, seconds: float, by: float) -> Measurement:
        wall = tuple(seconds * (1 + by * (-1) ** (number // 2)) for number in range(12))
        sample = Sample(("a", "b") * 6, wall, passes=6)
        return replace(measured(precision, seconds=seconds, of=agreeing(0, 400)), sample=sample)

    def shown(by: float) -> Shown:
        speed = of("fp16", run(wobbling("fp32", 0.018, by), wobbling("fp16", 0.01, by))).speed
        assert speed is not None
        return speed.shown

    assert (shown(0.01), shown(0.3)) == (Shown.FASTER, Shown.NOTHING)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_too_few_pairs_for_an_interval_say_about_how_fast_and_decide_nothing(count: int) -> None:
    base = measured("fp32", of=agreeing(0, 400))
    other = measured("fp16", seconds=0.001, of=agreeing(0, 400))
    duel = Duel(cell("fp16"), "fp32", pairs=pairs(2.0, count, peak_bytes=300e6))
    told = of("fp16", run(base, other, duels=(duel,)))
    assert told.speed is not None
    assert (told.speed.shown, told.speed.is_paired) == (Shown.NOTHING, True)
    assert told.speed.times == pytest.approx(2.0, rel=0.02)
    assert told.sentence == (
        "fp16 is about 2.0× as fast as fp32 here, flips none of 400 decisions:"
        " cannot tell whether it is worth it: more pairs would tell the speed"
    )


def test_a_trial_of_how_to_measure_is_no_speed() -> None:
    trial = tuple(replace(pair, stage=0) for pair in pairs(2.0))
    told = of("fp16", run(FP32, measured("fp16"), duels=(Duel(cell("fp16"), "fp32", pairs=trial),)))
    assert told.speed is not None
    assert (told.speed.times, told.speed.is_paired) == (1.0, False)


def test_a_machine_whose_control_tripped_has_shown_no_speed_in_pairs() -> None:
    tripped = Verdict(cell("fp32"), "latency_seconds", Outcome.REGRESSED, "slower", "fp32, against itself")
    judgement = Judgement("fp32", "gate", (), controls=(tripped,))
    told = of("fp16", run(FP32, measured("fp16"), duels=paired("fp16", 2.0), judgement=judgement))
    assert told.speed is not None
    assert not told.speed.is_paired


def test_pairs_against_something_else_than_fp32_are_no_speed_up() -> None:
    duels = tuple(replace(duel, against="origin/main") for duel in paired("fp16", 2.0))
    told = of("fp16", run(FP32, measured("fp16"), duels=duels))
    assert told.speed is not None
    assert told.speed.times == 1.0


def test_where_more_audio_was_made_the_speed_is_for_a_second_of_it() -> None:
    base, longer = measured("fp32", audio=10.0), measured("fp16", seconds=0.01, audio=20.0)
    told = of("fp16", run(base, longer))
    assert told.speed is not None
    assert told.speed.times == pytest.approx(2.0)
    assert told.phrases[0] == "is about 2.0× as fast as fp32 a second of audio here"


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (
            Measurement(cell("fp16"), Status.UNSUPPORTED, reason=Reason.NO_KERNEL, text="no Conv(float16)"),
            "unsupported, NO_KERNEL: no Conv(float16)",
        ),
        (
            Measurement(cell("fp16"), Status.FAILED, failure=Failure(Phase.TIMING, "killed by signal 9")),
            "failed in timing: killed by signal 9",
        ),
        (measured("fp16", of=quality(wrong="NaN in 3 outputs")), "its outputs are wrong: NaN in 3 outputs"),
    ],
)
def test_what_failed_or_is_wrong_has_no_result(other: Measurement, why: str) -> None:
    told = of("fp16", run(FP32, other))
    assert told.worth is Worth.NO_RESULT
    assert told.sentence == f"fp16: no result: {why}"
    assert told.speed is None


def test_what_was_planned_and_never_measured_has_no_result() -> None:
    told = replace(run(FP32), planned=(cell("fp32"), cell("fp16")))
    assert of("fp16", told).sentence == "fp16: no result: it was not measured"


def test_without_fp32_nothing_can_be_weighed() -> None:
    told = of("fp16", run(measured("fp16", of=agreeing(0)), measured("bf16")))
    assert told.sentence == (
        "fp16 flips none of 120 decisions: cannot tell whether it is worth it:"
        " fp32 beside it has no result (it was not measured)"
    )


def test_the_other_side_of_the_pairs_is_fp32_where_it_was_not_measured_by_itself() -> None:
    same = agreeing(0, 400)
    duel = Duel(cell("fp16"), "fp32", pairs=pairs(2.0), old_quality=same, new_quality=same)
    told = of("fp16", run(measured("fp16", of=same), duels=(duel,)))
    assert told.sentence == (
        "fp16 is 2.00× as fast as fp32 here, saves 50 % of the memory, flips none of 400 decisions: worth it"
    )


def test_a_model_of_fp32_alone_has_nothing_to_weigh() -> None:
    assert worth_of(run(FP32)) == ()


def test_fp32_is_the_base_and_stands_first() -> None:
    first, second = worth_of(run(measured("fp16"), FP32))
    assert (first.cell.precision, first.worth, second.cell.precision) == ("fp32", Worth.BASE, "fp16")


def test_an_untrusted_metric_shows_its_value_and_holds_nothing() -> None:
    broken = quality(share("decision_agreement", 0, 400, untrusted="noise did not lower it"), count=400)
    base = measured("fp32", of=agreeing(0, 400))
    told = of("fp16", run(base, measured("fp16", of=broken), duels=paired("fp16", 2.0)))
    assert told.worth is Worth.CANNOT_TELL
    assert "its self-check failed on this machine: noise did not lower it" in told.text


def test_a_bound_that_is_broken_settles_it_and_one_that_was_accepted_does_not() -> None:
    bound = Judged("quality", "turns stay right", cell("fp16"), Answer.FAILS, "loses 0.1", metric="recall", target=0.05)
    base, half = measured("fp32", of=agreeing(0, 400)), measured("fp16", of=agreeing(0, 400))

    def text(judged: Judged) -> str:
        judgement = Judgement("fp32", "gate", (), judged=(judged,))
        return of("fp16", run(base, half, duels=paired("fp16", 2.0), judgement=judgement)).text

    assert text(bound) == "not worth it: it breaks the bound 'turns stay right'"
    assert text(replace(bound, over="bf16")) == "not worth it: it breaks the bound 'turns stay right' over bf16"
    assert text(replace(bound, accepted="meant")) == "worth it"


def test_what_may_be_lost_is_what_the_bound_says() -> None:
    told = run(FP32, measured("fp16", of=agreeing(40)), duels=paired("fp16", 2.0))
    bound = Judged(
        "quality", "any", cell("fp16"), Answer.HOLDS, "", metric="decision_agreement", value=0.33, target=0.6
    )
    assert of("fp16", told).worth is Worth.NOT_WORTH_IT
    judged = replace(told, judgement=Judgement("fp32", "gate", (), judged=(bound,)))
    assert of("fp16", judged).worth is Worth.WORTH_IT


def far(distance: float, *more: Score) -> Quality:
    """Audio so far from fp32's on twenty examples, give or take a tenth; and other metrics."""
    terms = tuple((distance * (1 + 0.1 * (-1) ** number),) for number in range(20))
    score = Score("log_mel_distance", Part.TIMED, "ln", Better.LOWER, Pool.MEAN, distance, terms)
    return Quality("fp32 on cpu", outputs_digest=f"{distance}", timed=examples(20), scores=(score, *more))


UNHEARD = Score(
    *("word_error_rate", Part.TIMED, "", Better.LOWER, Pool.RATIO),
    unavailable="pocketsphinx is not installed: pip install it",
)
APART = (
    "its outputs differ from those of fp32 (log mel distance 0.77 ln);"
    " what that is worth cannot be told without a metric of the task"
)


@pytest.mark.parametrize(
    ("speed", "size", "unheard", "worth", "text"),
    [
        ("faster", 100e6, (), Worth.CANNOT_TELL, f"faster; {APART}"),
        (
            *("faster", 100e6, (UNHEARD,), Worth.CANNOT_TELL),
            f"faster; {APART} (word error rate: pocketsphinx is not installed: pip install it)",
        ),
        ("same", 29e6, (), Worth.CANNOT_TELL, f"smaller; {APART}"),
        ("same", 100e6, (), Worth.NOT_WORTH_IT, "not worth it: it gains nothing here; dominated by fp32"),
        ("slower", 29e6, (), Worth.NOT_WORTH_IT, "not worth it on this machine"),
    ],
)
def test_a_distance_says_that_outputs_differ_and_not_that_they_are_worse(
    speed: str, size: float, unheard: tuple[Score, ...], worth: Worth, text: str
) -> None:
    base, other = measured("fp32", of=far(0.0)), measured("int8-dynamic", size=size, of=far(0.77, *unheard))
    duel = Duel(cell("int8-dynamic"), "fp32", pairs=pairs(SPEEDS[speed], peak_bytes=300e6))
    told = of("int8-dynamic", run(base, other, duels=(duel,)))
    assert (told.worth, told.text) == (worth, text)


def test_a_distance_without_a_speed_says_what_both_would_need() -> None:
    told = of("fp16", run(measured("fp32", of=far(0.0)), measured("fp16", of=far(0.77))))
    assert told.text == (
        f"cannot tell whether it is worth it: {APART}; pytest --against precision=fp32 would tell the speed;"
        " dominated by fp32"
    )


def test_a_bound_on_a_distance_that_is_broken_settles_it() -> None:
    bound = Judged("quality", "sounds alike", cell("fp16"), Answer.FAILS, "", metric="log_mel_distance", target=0.1)
    judgement = Judgement("fp32", "gate", (), judged=(bound,))
    told = run(
        *(measured("fp32", of=far(0.0)), measured("fp16", of=far(0.77))),
        duels=paired("fp16", 2.0),
        judgement=judgement,
    )
    assert of("fp16", told).text == "not worth it: it breaks the bound 'sounds alike'"


@pytest.mark.parametrize(
    ("bounds", "may_be_lost"),
    [
        ([("fp32", 0.6)], 0.6),
        ([("", 0.6)], 0.6),
        ([("fp32", 0.3), ("fp32", 0.6)], 0.3),
        ([("fp32", 0.6), ("fp32", 0.3)], 0.3),
        ([("fp32", 0.6), ("bf16", 0.1)], 0.6),
        ([("bf16", 0.6)], 0.02),
    ],
)
def test_of_the_bounds_on_a_metric_the_tightest_over_fp32_says_what_may_be_lost(
    bounds: list[tuple[str, float]], may_be_lost: float
) -> None:
    judged = tuple(
        Judged("quality", "any", cell("fp16"), Answer.HOLDS, "", metric="decision_agreement", target=target, over=over)
        for over, target in bounds
    )
    told = run(FP32, measured("fp16", of=agreeing(3)), judgement=Judgement("fp32", "gate", (), judged=judged))
    lead = of("fp16", told).lead
    assert lead is not None
    assert lead.margin == may_be_lost


def test_of_random_weights_no_right_answers_are_told() -> None:
    both = quality(share("accuracy", 60, 120), share("decision_agreement", 5, 120))
    real, random = (
        measured("fp16", of=both, weights=weights) for weights in ("real (turn)", "random weights (seed 0)")
    )
    assert [found.metric if (found := lead_score(one)) else None for one in (real, random)] == [
        "accuracy",
        "decision_agreement",
    ]


def test_a_trusted_metric_leads_before_a_better_known_one_that_is_not() -> None:
    both = quality(share("accuracy", 6, 120, untrusted="broken"), share("decision_agreement", 5, 120))
    found = lead_score(measured("fp16", of=both))
    assert found is not None
    assert found.metric == "decision_agreement"


def test_a_metric_that_is_only_shown_never_leads() -> None:
    assert lead_score(measured("fp16", of=quality(share("positive_share", 6, 120, is_judged=False)))) is None


def test_a_precision_that_another_beats_in_size_and_equals_in_the_rest_is_dominated() -> None:
    same = agreeing(0, 400)
    told = run(
        measured("fp32", of=same),
        measured("int8-dynamic", seconds=0.005, size=40e6, of=same),
        measured("int8-weight-only", seconds=0.005, size=30e6, of=same),
    )
    assert [one.dominated_by for one in worth_of(told)] == ["int8-weight-only", "int8-weight-only", None]
    assert of("int8-dynamic", told).sentence.endswith(
        ": not worth it beside int8-weight-only, which is at least as good in everything that is known"
        " and better in size"
    )
    assert [one.worth for one in worth_of(told)] == [Worth.BASE, Worth.NOT_WORTH_IT, Worth.WORTH_IT]


def test_beside_one_that_is_not_shown_to_be_worth_it_a_dominated_precision_keeps_its_own_word() -> None:
    few = agreeing(3)
    told = run(
        measured("fp32", of=agreeing(0)),
        measured("int8-dynamic", seconds=0.005, size=40e6, of=few),
        measured("int8-weight-only", seconds=0.005, size=30e6, of=few),
    )
    one = of("int8-dynamic", told)
    assert (one.worth, one.dominated_by) == (Worth.CANNOT_TELL, "int8-weight-only")
    assert one.text.startswith("faster; whether the quality holds cannot be told from 120 examples")
    assert one.text.endswith("; dominated by int8-weight-only")


def test_what_is_not_worth_it_by_itself_says_why_before_what_dominates_it() -> None:
    same = agreeing(0, 400)
    told = run(
        measured("fp32", of=same),
        measured("int8-dynamic", seconds=0.03, size=40e6, of=same),
        measured("int8-weight-only", seconds=0.005, size=30e6, of=same),
    )
    assert of("int8-dynamic", told).text == (
        "not worth it on this machine, unless the size of the file is what counts; dominated by int8-weight-only"
    )


@pytest.mark.parametrize(
    ("change", "dominates"),
    [
        ({}, True),
        ({"seconds": 0.0051}, False),
        ({"peak": 310e6}, False),
        ({"size": 41e6}, False),
        ({"of": agreeing(1, 400)}, False),
        ({"of": None}, False),
    ],
    ids=["no worse", "slower", "more memory", "larger", "worse outputs", "quality not known"],
)
def test_what_may_be_worse_in_anything_dominates_nothing(change: dict[str, object], dominates: bool) -> None:
    same = agreeing(0, 400)
    rival: dict[str, object] = {"seconds": 0.002, "size": 40e6, "of": same}
    told = run(
        measured("fp32", of=same),
        measured("int8-dynamic", seconds=0.005, size=40e6, of=same),
        measured("int8-weight-only", **(rival | change)),  # type: ignore[arg-type]
    )
    assert (of("int8-dynamic", told).dominated_by == "int8-weight-only") is dominates


amounts = st.sampled_from([0.5, 0.97, 1.0, 1.01, 1.04, 1.3, 2.0])


@given(numbers=st.lists(st.tuples(amounts, amounts, amounts, st.integers(0, 3)), min_size=2, max_size=4))
def test_two_precisions_never_dominate_each_other(numbers: list[tuple[float, float, float, int]]) -> None:
    names = ("fp32", "fp16", "bf16", "int8-dynamic")
    told = run(
        *(
            measured(name, seconds=0.01 * time, size=1e8 * size, peak=1e8 * peak, of=agreeing(flips))
            for name, (time, size, peak, flips) in zip(names, numbers, strict=False)
        )
    )
    over = {one.cell.precision: one.dominated_by for one in worth_of(told)}
    assert all(by is None or over[by] != name for name, by in over.items())


@given(numbers=st.lists(st.tuples(amounts, amounts, amounts, st.integers(0, 30)), min_size=2, max_size=4))
def test_what_dominates_does_not_depend_on_which_of_two_is_asked_first(
    numbers: list[tuple[float, float, float, int]],
) -> None:
    names = ("fp16", "bf16", "int8-dynamic", "int8-static")
    cells = [
        measured(name, seconds=0.01 * time, size=1e8 * size, peak=1e8 * peak, of=agreeing(flips))
        for name, (time, size, peak, flips) in zip(names, numbers, strict=False)
    ]
    base = measured("fp32", of=agreeing(0))
    one, other = (
        {found.cell: found.dominated_by is not None for found in worth_of(run(base, *ordered))}
        for ordered in (cells, cells[::-1])
    )
    assert one == other
