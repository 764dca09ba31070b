"""What an application should load: the fastest that is shown to be worth it, within limits, and why not the others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.cells import Reason
from harness.commands.exits import Exit
from harness.commands.pick import exit_of
from harness.comparisons import Answer, Duel, Judged, Judgement
from harness.phases import Phase
from harness.results import Failure, Measurement, Run, Status
from harness.worth.picking import Limits, Pick, picks
from tests.test_worth import agreeing, cell, measured, paired, run

FP32 = measured("fp32", of=agreeing(0, 400))


def of(precision: str, *, flips: int = 0, **more: float) -> Measurement:
    return measured(precision, of=agreeing(flips, 400), **more)  # type: ignore[arg-type]


def picked(told: Run, **limits: float) -> Pick:
    (one,) = picks(told, Limits(**limits))
    return one


def duels(**times: float) -> tuple[Duel, ...]:
    return tuple(duel for name, ratio in times.items() for duel in paired(name.replace("_", "-"), ratio))


def order(one: Pick) -> list[str]:
    assert one.load is not None
    return [one.load.precision, *(each.precision for each in one.fallbacks)]


def why_not(one: Pick, precision: str) -> str:
    return next(each.why for each in one.others if each.precision == precision)


THREE = run(FP32, of("fp16"), of("int8-dynamic", size=30e6), duels=duels(fp16=1.3, int8_dynamic=1.8))


def test_the_fastest_is_loaded_and_the_next_fastest_is_fallen_back_on_fp32_last() -> None:
    found = picked(THREE)
    assert order(found) == ["int8-dynamic", "fp16", "fp32"]
    assert [one.why for one in found.fallbacks] == [
        "after int8-dynamic: 1.30× as fast as fp32, where int8-dynamic is 1.80×",
        "after fp16: the reference itself, which always answers as it should",
    ]


def test_the_evidence_stands_beside_the_pick() -> None:
    load = picked(THREE).load
    assert load is not None
    assert load.paired
    assert load.low is not None
    assert load.high is not None
    assert load.low < 1.8 < load.high
    assert (load.artifact_bytes, load.digest, load.format) == (30e6, "a", "onnx")
    assert load.loss is not None
    assert (load.loss.metric, load.loss.value, load.loss.answer) == ("decision_agreement", 0.0, "holds")


def test_what_is_as_fast_and_smaller_stands_before_fp32_and_what_saves_nothing_behind_it() -> None:
    told = run(FP32, of("fp16"), of("bf16", size=50e6), duels=duels(fp16=1.0, bf16=1.0))
    equal = tuple(replace(duel, pairs=tuple(_same_memory(pair) for pair in duel.pairs)) for duel in told.duels)
    assert order(picked(replace(told, duels=equal))) == ["bf16", "fp32", "fp16"]


def _same_memory(pair):  # type: ignore[no-untyped-def]
    return replace(pair, new=replace(pair.new, values={"peak_bytes": 300e6}))


def test_what_is_shown_to_be_slower_does_not_qualify() -> None:
    found = picked(run(FP32, of("fp16", size=50e6), duels=duels(fp16=0.7)))
    assert order(found) == ["fp32"]
    assert why_not(found, "fp16").startswith("it is slower than fp32 here (0.70×")


def test_without_pairs_only_a_speed_beyond_every_doubt_qualifies_and_says_that_it_is_not_of_pairs() -> None:
    found = picked(run(FP32, of("fp16", seconds=0.002)))
    assert order(found) == ["fp16", "fp32"]
    assert found.load is not None
    assert (found.load.paired, found.load.low, found.load.high) == (False, None, None)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.002, "about 5.0×"), (0.0009, "about 11×"), (0.000077, "about 130×")],
)
def test_a_rough_speed_has_two_digits_wherever_it_is_said(seconds: float, words: str) -> None:
    found = picked(run(FP32, of("fp16", seconds=seconds), of("bf16", seconds=0.00001)))
    assert found.fallbacks[0].why == f"after bf16: {words} as fast as fp32, where bf16 is about 1000×"
    assert f"fp16 is {words} as fast as fp32 here" in found.fallbacks[0].sentence


def test_a_small_speed_that_is_not_of_pairs_qualifies_nothing() -> None:
    found = picked(run(FP32, of("fp16", seconds=0.009)))
    assert order(found) == ["fp32"]
    assert why_not(found, "fp16") == "that it is as fast as fp32 is not shown (about 1.1×, not measured in pairs)"


def test_a_lost_quality_disqualifies_however_fast() -> None:
    found = picked(run(FP32, of("fp16", flips=60), duels=duels(fp16=3.0)))
    assert order(found) == ["fp32"]
    assert "worse than that of fp32" in why_not(found, "fp16")


@pytest.mark.parametrize(("loss", "loaded"), [(0.2, "fp16"), (0.001, "fp32")])
def test_the_loss_that_may_be_is_the_application_s_to_say(loss: float, loaded: str) -> None:
    # 20 of 400 flips: a loss of 0.05, by Tango's interval at 5 % within 0.03 and 0.08.
    found = picked(run(FP32, of("fp16", flips=20), duels=duels(fp16=2.0)), loss=loss)
    assert order(found)[0] == loaded


def test_a_loss_within_its_interval_of_the_limit_is_not_shown_to_hold() -> None:
    found = picked(run(FP32, of("fp16", flips=20), duels=duels(fp16=2.0)), loss=0.05)
    assert why_not(found, "fp16").startswith("that at most 0.05 is lost is not shown: its decision agreement is 0.05 (")


def test_a_precision_that_needs_too_much_memory_does_not_qualify_nor_does_fp32() -> None:
    told = run(FP32, of("fp16", peak=200e6), of("int8-dynamic", peak=400e6), duels=duels(fp16=1.1, int8_dynamic=2.0))
    found = picked(told, memory_bytes=250e6)
    assert order(found) == ["fp16"]
    assert why_not(found, "int8-dynamic") == "it needs 400 MB, and 250 MB may be used"
    assert why_not(found, "fp32") == "it needs 300 MB, and 250 MB may be used"


def test_where_not_even_fp32_keeps_the_limit_nothing_is_named_and_no_script_passes() -> None:
    found = picked(run(FP32, of("fp16", peak=200e6), duels=duels(fp16=0.5)), memory_bytes=100e6)
    assert (found.load, found.fallbacks) == (None, ())
    assert found.problem == "nothing qualifies, not even fp32: it needs 300 MB, and 100 MB may be used"
    assert why_not(found, "fp32") == "it needs 300 MB, and 100 MB may be used"
    assert exit_of([found]) is Exit.NOTHING_COMPARABLE


def test_a_broken_bound_disqualifies() -> None:
    bound = Judged("quality", "flips nothing", cell("fp16"), Answer.FAILS, "it flips 1", metric="accuracy")
    told = run(FP32, of("fp16"), duels=duels(fp16=2.0), judgement=Judgement("fp32", "gate", (), judged=(bound,)))
    assert why_not(picked(told), "fp16") == "it breaks the bound 'flips nothing': it flips 1"


def test_what_could_not_run_stays_listed_with_its_reason() -> None:
    bf16 = Measurement(cell("bf16"), Status.UNSUPPORTED, reason=Reason.NO_RECIPE, text="no converter")
    int8 = Measurement(cell("int8-static"), Status.FAILED, failure=Failure(Phase.CONVERT, "no calibration"))
    found = picked(run(FP32, bf16, int8))
    assert "no converter" in why_not(found, "bf16")
    assert "no calibration" in why_not(found, "int8-static")


def test_without_fp32_nothing_can_be_told() -> None:
    found = picked(run(of("fp16")))
    assert found.load is None
    assert "fp32 has no result" in found.problem
    assert [one.precision for one in found.others] == ["fp16"]


def test_a_run_of_fp32_alone_names_fp32() -> None:
    assert order(picked(run(FP32))) == ["fp32"]


def test_speeds_of_a_machine_that_sees_changes_where_there_are_none_qualify_nothing() -> None:
    from harness.comparisons import Outcome, Verdict

    tripped = Verdict(cell("fp32"), "latency_seconds", Outcome.REGRESSED, "", "itself", low=1.1, high=1.2)
    told = replace(THREE, judgement=Judgement("fp32", "try", (), controls=(tripped,)))
    assert order(picked(told)) == ["fp32"]
