"""Claims: from pairs, from counts, roughly from two cells, and what is said where there is nothing to tell them by."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from harness.cells import Cell, Reason
from harness.comparisons import Answer, Clock, Duel
from harness.expectations import Bound, CellPattern, Claim, Quantity
from harness.metrics import Better, Pool
from harness.published import Said
from harness.results import Measurement, Reading, Sample, Status
from harness.scores import Part, Score
from harness.verdict.claims import judge_claim, unmeasured
from harness.verdict.times import MEMORY
from tests.baselines.made import measured, scored
from tests.comparisons_samples import around, duel, pair
from tests.samples import FAILED, MEASURED, OTHER

CUDA = Cell("tone", "int8-dynamic", "cuda")


def claim(quantity: Quantity = Quantity.SPEED, *, of: dict[str, Any] | None = None, **bound: float) -> Claim:
    plain = Claim("as published", CellPattern("*", "*", "*"), "fp32", quantity, Bound(**bound), "the card")
    return replace(plain, **(of or {}))


def answer(one: Claim, fought: Duel | None, cell: Cell = OTHER) -> Answer:
    return judge_claim(one, cell, fought, is_fatal=True).answer


# Half as long, ±0.001 in the logarithm; t = 4.541 (3 degrees, 1 %) · 0.001 / √3 = 0.0026: a speed of 1.995 to 2.005.
TWICE = duel(around(-math.log(2)), against="fp32")


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ({"at_least": 1.16}, Answer.HOLDS),
        ({"at_least": 1.994}, Answer.HOLDS),
        ({"at_least": 1.996}, Answer.CANNOT_TELL),
        ({"at_least": 2.0}, Answer.CANNOT_TELL),
        ({"at_least": 2.004}, Answer.CANNOT_TELL),
        ({"at_least": 2.006}, Answer.FAILS),
        ({"at_most": 2.006}, Answer.HOLDS),
        ({"at_most": 2.0}, Answer.CANNOT_TELL),
        ({"at_most": 1.994}, Answer.FAILS),
    ],
)
def test_a_claimed_speed_is_old_time_over_new(bound: dict[str, float], expected: Answer) -> None:
    assert answer(claim(**bound), TWICE) is expected


@pytest.mark.parametrize(("bytes_", "expected"), [(50.0, Answer.HOLDS), (60.0, Answer.FAILS)])
def test_a_claimed_size_is_counted_and_needs_no_pairs(bytes_: float, expected: Answer) -> None:
    own, other = (replace(MEASURED, readings=(Reading("artifact_bytes", one),)) for one in (bytes_, 100.0))
    found = judge_claim(claim(Quantity.SIZE, at_most=0.55), OTHER, None, own, other, is_fatal=True)
    assert (found.answer, found.is_fatal) == (expected, expected is Answer.FAILS)
    assert found.text == f"size {bytes_ / 100:.3g} × fp32, counted, claimed at most 0.55"


def test_a_claim_tells_its_ratio_and_whose() -> None:
    found = judge_claim(claim(at_least=1.16), OTHER, TWICE, is_fatal=True)
    assert found.text == "speed 2 × fp32 [1.99, 2.01], claimed at least 1.16"
    assert (found.kind, found.name, found.cell, found.source) == ("claim", "as published", OTHER, "the card")


@pytest.mark.parametrize(
    ("bound", "is_fatal", "expected"),
    [({"at_least": 3.0}, True, True), ({"at_least": 3.0}, False, False), ({"at_least": 2.0}, True, False)],
)
def test_only_a_claim_that_fails_can_be_fatal(bound: dict[str, float], is_fatal: bool, expected: bool) -> None:
    assert judge_claim(claim(**bound), OTHER, TWICE, is_fatal=is_fatal).is_fatal is expected


def test_both_stages_of_a_claim_count_and_a_trial_does_not() -> None:
    trial = tuple(pair(math.log(2), stage=0) for _ in range(4))
    both = replace(TWICE, pairs=(*trial, *TWICE.pairs[:2], *(replace(one, stage=2) for one in TWICE.pairs[2:])))
    assert answer(claim(at_least=1.994), both) is Answer.HOLDS
    assert answer(claim(at_least=1.0), replace(TWICE, pairs=trial)) is Answer.CANNOT_TELL


def test_a_claim_is_judged_by_the_clock_that_decides() -> None:
    waits = tuple(pair(ratio, wall=0.0) for ratio in around(-math.log(2)))
    assert answer(claim(at_least=1.9), duel(pairs=waits)) is Answer.HOLDS
    assert answer(claim(at_least=1.9), duel(pairs=waits, clock=Clock.WALL)) is Answer.FAILS


@pytest.mark.parametrize(
    ("fought", "words"),
    [
        (None, "not measured in pairs; pytest --against precision=fp32 does"),
        (duel(), "not measured in pairs; pytest --against precision=fp32 does"),
        (duel(problem="it broke"), "not measured in pairs; pytest --against precision=fp32 does: it broke"),
        (duel(around(0.0)[:3]), "3 pairs are too few; 4 are needed"),
    ],
)
def test_a_claim_without_enough_pairs_cannot_be_told(fought: Duel | None, words: str) -> None:
    found = judge_claim(claim(at_least=1.0), OTHER, fought, is_fatal=True)
    assert (found.answer, found.is_fatal, found.text) == (Answer.CANNOT_TELL, False, words)


def weights(metric: str, olds: list[float], news: list[float]) -> Duel:
    return duel(
        pairs=tuple(
            pair(0.0, values={metric: old}, new_values={metric: new}) for old, new in zip(olds, news, strict=True)
        )
    )


@pytest.mark.parametrize(
    # Over 100, 110 and 120: the lowest over the highest, medians, the highest over the lowest.
    ("news", "at_most", "expected"),
    [
        ([50.0, 55.0, 60.0], 0.60, Answer.HOLDS),  # 50/120 = 0.417 to 60/100 = 0.6
        ([50.0, 55.0, 60.0], 0.55, Answer.CANNOT_TELL),
        ([50.0, 55.0, 60.0], 0.42, Answer.CANNOT_TELL),
        ([50.0, 55.0, 60.0], 0.41, Answer.FAILS),
    ],
)
@pytest.mark.parametrize(("quantity", "metric"), [(Quantity.MEMORY, MEMORY), (Quantity.SIZE, "artifact_bytes")])
def test_claimed_memory_and_size_are_new_over_old(
    quantity: Quantity, metric: str, news: list[float], at_most: float, expected: Answer
) -> None:
    found = judge_claim(claim(quantity, at_most=at_most), OTHER, weights(metric, [100, 110, 120], news), is_fatal=True)
    assert found.answer is expected
    assert f"{quantity} 0.5 × fp32 [0.417, 0.6]" in found.text


def test_two_processes_do_not_tell_what_memory_is_claimed() -> None:
    few = weights(MEMORY, [100.0] * 2, [50.0] * 2)
    found = judge_claim(claim(Quantity.MEMORY, at_most=0.55), OTHER, few, is_fatal=True)
    assert (found.answer, found.text) == (Answer.CANNOT_TELL, "2 pairs tell peak_bytes of both sides; 3 are needed")


def test_pairs_that_do_not_tell_the_memory_of_a_device_are_not_called_too_few() -> None:
    one = weights(MEMORY, [100.0] * 9, [50.0] * 9)
    found = judge_claim(claim(Quantity.MEMORY, at_most=0.55), CUDA, one, is_fatal=True)
    assert found.answer is Answer.CANNOT_TELL
    assert found.text == "0 pairs tell device_peak_bytes of both sides; 3 are needed"


# A range: the end nearer to no gain is what was promised.


@pytest.mark.parametrize(
    ("bytes_", "expected", "is_better"),
    [
        (60.0, Answer.FAILS, False),
        (50.0, Answer.HOLDS, False),
        (30.0, Answer.HOLDS, False),
        (25.0, Answer.HOLDS, False),
        (20.0, Answer.HOLDS, True),
    ],
)
def test_beyond_the_good_end_of_a_range_a_size_is_better_than_claimed(
    bytes_: float, expected: Answer, is_better: bool
) -> None:
    own, other = measured(OTHER, artifact_bytes=bytes_), measured(artifact_bytes=100.0)
    one = claim(Quantity.SIZE, at_most=0.5, of={"best": 0.25})
    found = judge_claim(one, OTHER, None, own, other, is_fatal=True)
    assert found.answer is expected
    assert (found.target, found.best, found.is_floor) == (0.5, 0.25, False)
    assert found.text == f"size {bytes_ / 100:.3g} × fp32, counted, claimed 0.25 to 0.5" + (
        ": better than claimed" if is_better else ""
    )


@pytest.mark.parametrize(
    ("least", "best", "expected", "is_better"),
    [(1.5, 3.0, Answer.HOLDS, False), (1.2, 1.9, Answer.HOLDS, True), (3.0, 5.0, Answer.FAILS, False)],
)
def test_beyond_the_good_end_of_a_range_a_speed_is_better_than_claimed(
    least: float, best: float, expected: Answer, is_better: bool
) -> None:
    found = judge_claim(claim(at_least=least, of={"best": best}), OTHER, TWICE, is_fatal=True)
    assert (found.answer, found.text.endswith("better than claimed")) == (expected, is_better)
    assert (found.target, found.best, found.is_floor) == (least, best, True)
    assert f"claimed {least:g} to {best:g}" in found.text


# Without pairs.


def sides(new: float, old: float, metric: str = "latency_seconds") -> tuple[Measurement, Measurement]:
    return measured(OTHER, **{metric: new}), measured(**{metric: old})


@pytest.mark.parametrize(
    # 10 ms over 40 ms is four times as fast; 20 % off either way is 3.33 to 4.8.
    ("bound", "expected"),
    [
        ({"at_least": 3.3}, Answer.HOLDS),
        ({"at_least": 3.4}, Answer.CANNOT_TELL),
        ({"at_least": 4.7}, Answer.CANNOT_TELL),
        ({"at_least": 4.9}, Answer.FAILS),
    ],
)
def test_what_was_timed_one_after_the_other_is_known_to_a_fifth_and_fails_no_gate(
    bound: dict[str, float], expected: Answer
) -> None:
    found = judge_claim(claim(**bound), OTHER, None, *sides(0.010, 0.040), is_fatal=True)
    assert (found.answer, found.is_rough, found.is_fatal) == (expected, True, False)
    assert found.text.startswith("speed ≈ 4 × fp32 [3.33, 4.8], one after the other")
    assert ("tells it in pairs" in found.text) is (expected is Answer.CANNOT_TELL)
    assert (found.value, found.low, found.high) == pytest.approx((4.0, 4 / 1.2, 4.8))


@pytest.mark.parametrize("reading", ["audio_seconds", "tokens_count"])
def test_who_makes_half_of_it_in_half_the_time_is_not_faster(reading: str) -> None:
    own, other = sides(0.05, 0.1)
    own = replace(own, readings=(*own.readings, Reading(reading, 4.0)))
    other = replace(other, readings=(*other.readings, Reading(reading, 8.0)))
    found = judge_claim(claim(at_least=1.5), OTHER, None, own, other, is_fatal=True)
    assert (found.answer, found.value) == (Answer.FAILS, pytest.approx(1.0))
    assert "one after the other, judged a " in found.text


def test_the_latency_of_a_chunk_is_held_against_a_whole_by_the_pass() -> None:
    own, other = sides(0.1, 0.5)
    own = replace(own, sample=Sample(("one",) * 10, (0.1,) * 10))  # one pass of ten chunks: 1 s
    other = replace(other, sample=Sample(("one", "one"), (0.5, 0.5), passes=2))
    found = judge_claim(claim(at_least=1.5), OTHER, None, own, other, is_fatal=True)
    assert (found.answer, found.value) == (Answer.FAILS, pytest.approx(0.5))


def test_passes_that_differ_make_it_less_sure() -> None:
    # Passes of 8 to 12 ms are 20 % off their median, on top of the fifth.
    own = measured(OTHER, seconds=(0.008, 0.010, 0.010, 0.012))
    found = judge_claim(claim(at_least=1.0), OTHER, None, own, measured(latency_seconds=0.040), is_fatal=True)
    assert (found.low, found.high) == pytest.approx((4 / 1.4, 4 * 1.4))


@pytest.mark.parametrize(
    ("at_most", "expected"), [(0.66, Answer.CANNOT_TELL), (0.67, Answer.HOLDS), (0.62, Answer.FAILS)]
)
def test_peaks_of_single_processes_are_known_to_three_per_cent(at_most: float, expected: Answer) -> None:
    # 65 over 100: 0.631 to 0.6695.
    one = claim(Quantity.MEMORY, at_most=at_most)
    assert judge_claim(one, OTHER, None, *sides(65.0, 100.0, "peak_bytes"), is_fatal=True).answer is expected


STREAM, WHOLE = Cell("xtts-stream", "fp32", "cpu"), Cell("xtts", "fp32", "cpu")
PERCEIVED = claim(Quantity.FIRST_AUDIBLE, at_most=0.164, of={"over": None, "over_model": "xtts"})


@pytest.mark.parametrize(
    ("heard", "expected"), [(0.10, Answer.HOLDS), (0.16, Answer.CANNOT_TELL), (0.25, Answer.FAILS)]
)
def test_a_claim_over_another_model_is_told_roughly_from_both(heard: float, expected: Answer) -> None:
    own, other = (measured(cell, first_audible_seconds=seconds) for cell, seconds in ((STREAM, heard), (WHOLE, 1.0)))
    found = judge_claim(PERCEIVED, STREAM, None, own, other, is_fatal=True)
    assert (found.answer, found.over) == (expected, "xtts")
    assert found.text.startswith(f"first audible ≈ {heard:g} × xtts [")


def test_a_claim_over_another_model_concerns_every_model_but_that_one() -> None:
    assert PERCEIVED.fits(STREAM)
    assert not PERCEIVED.fits(WHOLE)
    assert PERCEIVED.other(STREAM) == WHOLE
    assert replace(PERCEIVED, over="fp16").other(STREAM) == replace(WHOLE, precision="fp16")


def test_a_claim_over_another_model_that_is_not_there_asks_for_it() -> None:
    found = judge_claim(PERCEIVED, STREAM, None, measured(STREAM, first_audible_seconds=0.1), None, is_fatal=True)
    assert (found.answer, found.text) == (
        Answer.CANNOT_TELL,
        "xtts/fp32/cpu was not measured in this run; measure both",
    )


@pytest.mark.parametrize(
    ("own", "other", "words"),
    [
        (
            Measurement(OTHER, Status.UNSUPPORTED, reason=Reason.TOO_SLOW, text="60 times slower here"),
            measured(),
            "the cell is unsupported: TOO_SLOW: 60 times slower here",
        ),
        (measured(OTHER), FAILED, "tone/fp16/cpu is failed: open: it broke"),
        (
            measured(OTHER, latency_seconds=None),
            measured(),
            "no latency_seconds of tone/int8-dynamic/cpu: no gauge here",
        ),
    ],
)
def test_what_stands_in_the_way_of_a_claim_is_told(own: Measurement, other: Measurement, words: str) -> None:
    found = judge_claim(claim(at_least=1.0), OTHER, None, own, other, is_fatal=True)
    assert (found.answer, found.text) == (Answer.CANNOT_TELL, words)


# What was published of it.


@pytest.mark.parametrize(("heard", "verb"), [(0.02, "holds"), (0.25, "fails"), (0.03, "cannot be told")])
def test_where_its_own_numbers_disagree_that_is_the_answer_and_its_ratio_is_told_beside(
    heard: float, verb: str
) -> None:
    said = Said(5.2, 0.16, "s", per_cent=84)
    one = replace(PERCEIVED, said=said, bound=Bound(at_most=said.ratio_range[1]))
    own, other = (measured(cell, first_audible_seconds=seconds) for cell, seconds in ((STREAM, heard), (WHOLE, 1.0)))
    found = judge_claim(one, STREAM, None, own, other, is_fatal=True)
    assert (found.answer, found.is_fatal) == (Answer.NUMBERS_DISAGREE, False)
    assert found.text.startswith(f"5.2 s to 0.16 s is 96.9 % less, not 84 %; by its two numbers it {verb} here: first")
    assert found.value == pytest.approx(heard)


def test_a_size_beyond_what_the_bits_explain_is_told_beside_the_answer() -> None:
    said = Said(361.57, 34.18, "MB")
    one = claim(Quantity.SIZE, at_most=said.ratio_range[1], of={"said": said})
    own, other = measured(OTHER, artifact_bytes=32.0), measured(artifact_bytes=100.0)
    found = judge_claim(one, OTHER, None, own, other, is_fatal=True)
    assert found.answer is Answer.FAILS
    assert "size 0.32 × fp32, counted, claimed at most 0.0945" in found.text
    assert "the claimed 0.0945 is more than 8-bit weights can explain" in found.text
    assert "bit weights" not in judge_claim(replace(one, over="fp16"), OTHER, None, own, other, is_fatal=True).text


def test_a_claimed_number_of_bytes_has_no_other_side() -> None:
    one = claim(Quantity.BYTES, at_most=1.9e9, of={"over": None, "best": 1.8e9})
    assert one.fits(replace(OTHER, precision="fp32"))
    found = [
        judge_claim(one, OTHER, None, measured(OTHER, artifact_bytes=bytes_), None, is_fatal=True)
        for bytes_ in (1.86e9, 3.2e9, 1.0e9)
    ]
    assert [one.answer for one in found] == [Answer.HOLDS, Answer.FAILS, Answer.HOLDS]
    assert found[0].text == "1,860 MB, counted, claimed 1,800 MB to 1,900 MB"
    assert found[2].text.endswith(": better than claimed")


# Accuracy.

LOST = claim(Quantity.ACCURACY, at_most=0.005, of={"said": Said(0.9876, 0.9826)})
RANDOM = {"weights": "random weights (seed 0), made by suites/seeded.py"}


def test_an_accuracy_is_judged_on_the_same_examples() -> None:
    fp32, same = measured(quality=scored()), measured(OTHER, quality=scored(digest="p"))
    worse = measured(OTHER, quality=scored((0,) * 15 + (1,) * 5, digest="p"))
    assert judge_claim(LOST, OTHER, None, worse, fp32, is_fatal=True).answer is Answer.FAILS
    few = judge_claim(LOST, OTHER, None, same, fp32, is_fatal=True)
    assert few.answer is not Answer.FAILS
    assert few.value == 0


WAITS = Score(
    "accuracy", Part.EXAM, "", Better.HIGHER, Pool.SHARE, unavailable="needs a checkpoint: --checkpoint tone=PATH"
)


@pytest.mark.parametrize("scores", [(), (WAITS,)], ids=["nothing scored", "the score says so"])
def test_random_weights_have_no_accuracy_and_that_is_no_failure(scores: tuple[Score, ...]) -> None:
    exam = scored(scores=scores)
    own, other = (measured(cell, provenance=RANDOM, quality=exam) for cell in (OTHER, OTHER))
    found = judge_claim(LOST, OTHER, None, own, other, is_fatal=True)
    assert (found.answer, found.is_fatal) == (Answer.NEEDS_CHECKPOINT, False)
    assert "--checkpoint tone=PATH" in found.text


def test_trained_weights_without_the_metric_are_no_case_of_a_checkpoint() -> None:
    own, other = (measured(cell, quality=scored(scores=())) for cell in (OTHER, OTHER))
    found = judge_claim(LOST, OTHER, None, own, other, is_fatal=True)
    assert (found.answer, found.text) == (Answer.CANNOT_TELL, f"{OTHER}: its outputs have no accuracy")


# Not of this run.


def test_a_claim_that_no_cell_of_the_run_concerns_says_so() -> None:
    found = unmeasured(claim(at_least=2.0), OTHER, "not measured in this run")
    assert (found.answer, found.text, found.is_fatal) == (Answer.NOT_MEASURED, "not measured in this run", False)


def test_numbers_that_disagree_need_no_measurement() -> None:
    one = replace(PERCEIVED, said=Said(5.2, 0.16, "s", per_cent=84))
    found = unmeasured(one, STREAM, "not measured in this run")
    assert found.answer is Answer.NUMBERS_DISAGREE
    assert found.text == "5.2 s to 0.16 s is 96.9 % less, not 84 %; not measured in this run"
