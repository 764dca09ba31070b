"""bench/quality_power.py: what is done to weights, how a find is counted, how a model is judged against itself."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from quality.alarms import alarms, sides
from quality.cases import FORCED, damages
from quality.damage import LEVELS, add_noise, layer_weights, round_to_levels, zero_layer
from quality.declared import CUT, DECLARED_RATE, MODELS, RATE, SHIPPED, SWAPPED, variant, wrong_kinds
from quality.found import Seen, bounds, counted, moved, row

from harness.cells import Cell
from harness.comparisons import Basis, Outcome, Verdict
from harness.metrics import Pool
from harness.quality_metrics import QUALITY, known
from harness.scores import Examples, Part, Quality, Score
from harness.stats.pooling import pooled
from harness.verdict.quality import judge_quality

CELL = Cell("m", "fp32", "cpu")
REGRESSED, UNCHANGED, UNSURE = Outcome.REGRESSED, Outcome.UNCHANGED, Outcome.INCONCLUSIVE


@pytest.fixture
def graph() -> onnx.ModelProto:
    """Three layers in the order c, a, b, though they are kept in another; a bias, a scalar and a whole number."""
    draw = np.random.default_rng(3)
    kept = {name: draw.standard_normal((32, 32)).astype(np.float32) for name in "abc"}
    kept |= {"bias": np.ones(32, np.float32), "one": np.array(1.0, np.float32), "whole": np.array([2], np.int64)}
    nodes = [
        helper.make_node("MatMul", ["x", "c"], ["y0"]),
        helper.make_node("MatMul", ["y0", "a"], ["y1"]),
        helper.make_node("MatMul", ["y1", "b"], ["y2"]),
        helper.make_node("Add", ["y2", "bias"], ["y"]),
    ]
    sides = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 32]) for name in "xy"]
    made = helper.make_graph(
        nodes, "layers", sides[:1], sides[1:], [numpy_helper.from_array(value, name) for name, value in kept.items()]
    )
    return helper.make_model(made)


def weights(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor).copy() for tensor in model.graph.initializer}


def test_layers_stand_in_the_order_in_which_they_are_used(graph: onnx.ModelProto) -> None:
    assert [tensor.name for tensor in layer_weights(graph)] == ["c", "a", "b"]


@pytest.mark.parametrize(("place", "name"), [(0.0, "c"), (0.5, "a"), (1.0, "b")])
def test_one_layer_is_zeroed_and_nothing_else(graph: onnx.ModelProto, place: float, name: str) -> None:
    before = weights(graph)
    assert zero_layer(graph, place) == name
    after = weights(graph)
    assert not after.pop(name).any()
    assert all(np.array_equal(value, before[other]) for other, value in after.items())


def test_noise_is_as_large_as_it_is_called_and_the_same_for_a_seed(graph: onnx.ModelProto) -> None:
    again, before = onnx.ModelProto(), weights(graph)
    again.CopyFrom(graph)
    add_noise(graph, 0.05, seed=1)
    add_noise(again, 0.05, seed=1)
    after = weights(graph)
    # Of 1,024 numbers the deviation is known to 2.2 %: three times that is allowed.
    assert (after["a"] - before["a"]).std() == pytest.approx(0.05 * before["a"].std(), rel=0.07)
    assert np.array_equal(after["bias"], before["bias"])  # it has no deviation
    assert after["one"] == 1.0
    assert after["whole"] == 2
    assert all(np.array_equal(value, after[name]) for name, value in weights(again).items())


def test_another_seed_is_other_noise(graph: onnx.ModelProto) -> None:
    again = onnx.ModelProto()
    again.CopyFrom(graph)
    add_noise(graph, 0.05, seed=1)
    add_noise(again, 0.05, seed=2)
    assert not np.array_equal(weights(graph)["a"], weights(again)["a"])


def test_four_bits_leave_sixteen_values_within_the_range(graph: onnx.ModelProto) -> None:
    before = weights(graph)
    round_to_levels(graph)
    after = weights(graph)
    assert np.unique(after["a"]).size <= LEVELS
    assert np.ptp(after["a"]) == pytest.approx(np.ptp(before["a"]))
    assert np.abs(after["a"] - before["a"]).max() <= np.ptp(before["a"]) / (LEVELS - 1) / 2 * 1.001
    assert np.array_equal(after["bias"], before["bias"])


def test_each_damage_has_a_name_of_its_own_and_the_gross_ones_must_be_found() -> None:
    made = list(damages(("rate", "cut"), ("fp32", "fp16", "int8-dynamic"), seeds=2))
    assert len({one.name for one in made}) == len(made)
    assert [one.name for one in made if one.must_be_found] == [
        "weights + 20% noise, seed 1",
        "weights + 20% noise, seed 2",
        "first layer zeroed",
        "middle layer zeroed",
        "last layer zeroed",
        "wrong sample rate",
        "5 % of the audio cut off",
    ]
    assert [one.precision for one in made if one.precision != "fp32"] == [FORCED, "fp16", "int8-dynamic"]
    assert next(one for one in made if one.precision == FORCED).where_refused is not None


BY_NAME = {model.name: model for model in MODELS}


def test_what_is_broken_is_asked_what_the_shipped_model_is_asked() -> None:
    assert len(BY_NAME) == len(MODELS)
    assert {name for name in BY_NAME if "~" not in name} == set(SHIPPED)


def calls(name: str, inputs: dict[str, np.ndarray], output: dict[str, np.ndarray]) -> tuple[list[object], list[object]]:
    """What a model is called with, and what it gives, where each call of it gives this output."""
    heard: list[object] = []

    def call(given: object) -> dict[str, np.ndarray]:
        heard.append(given)
        return output

    given = list(BY_NAME[name].drive(call, inputs))
    return heard, given


def test_a_swapped_decision_is_the_other_one() -> None:
    name = variant("smart-turn-v3", SWAPPED)
    _, given = calls(name, {"input_features": np.zeros(3)}, {"logits": np.array([[0.9]])})
    assert given[0]["logits"] == pytest.approx(0.1)


def test_a_voice_that_is_cut_lacks_its_last_twentieth() -> None:
    _, given = calls(variant("piper-joe", CUT), {"input": np.zeros(3)}, {"output": np.arange(200.0)[None, None]})
    assert given[0]["output"].shape == (1, 1, 190)
    assert given[0]["output"][0, 0, -1] == 189.0


def test_a_voice_at_a_wrong_rate_is_shorter_by_the_ratio_of_the_rates() -> None:
    _, given = calls(variant("piper-joe", RATE), {"input": np.zeros(3)}, {"output": np.ones((1, 1, 22_050))})
    assert given[0]["output"].shape == (1, 1, 16_000)


def test_swapped_phonemes_leave_the_others_alone() -> None:
    heard, _ = calls(variant("piper-joe", SWAPPED), {"input": np.array([[1, 31, 32, 5]])}, {"output": np.zeros(1)})
    assert heard[0]["input"].tolist() == [[1, 32, 31, 5]]


def test_a_rate_that_is_declared_wrongly_changes_no_sample() -> None:
    model = BY_NAME[variant("piper-joe", DECLARED_RATE)]
    assert model.drive is BY_NAME["piper-joe"].drive
    assert model.audio is not None
    assert model.audio.sample_rate == 16_000


def test_a_cut_stream_has_fewer_windows() -> None:
    frames = {"output": np.zeros((1, 1)), "stateN": np.zeros((2, 1, 128))}
    audio = {"audio": np.ones(512 * 40, np.float32)}
    lengths = [len(calls(name, audio, frames)[1]) for name in ("silero-vad", variant("silero-vad", CUT))]
    assert lengths == [40, 38]


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("smart-turn-v3", {RATE, CUT, SWAPPED}),
        ("silero-vad", {RATE, CUT, SWAPPED}),
        ("piper-joe", {RATE, CUT, SWAPPED, DECLARED_RATE}),
    ],
)
def test_each_model_is_declared_wrongly_in_these_ways(name: str, kinds: set[str]) -> None:
    assert set(wrong_kinds(name)) == kinds


def examined(values: list[float], *, metric: str = "accuracy", groups: tuple[str, ...] = ()) -> Quality:
    """An exam of which each example adds one number to one metric."""
    names = tuple(f"e{place}" for place in range(len(values)))
    kind = QUALITY[metric]
    assert kind.pool is not None
    terms = tuple((value,) for value in values)
    score = Score(metric, Part.EXAM, kind.unit, kind.better, kind.pool, pooled(kind.pool, terms), terms)
    return Quality("fp32 on cpu", outputs_digest="d", exam=Examples("exam", "x", names, groups=groups), scores=(score,))


def verdict(metric: str | None, outcome: Outcome) -> Verdict:
    return Verdict(CELL, metric, outcome, "so", "undamaged")


def seen(**changes: object) -> Seen:
    plain = Seen("m", "cut", True, 3.4, examined([1.0, 0.0, 1.0]))
    return replace(plain, **changes)


@pytest.mark.parametrize(
    ("one", "is_found"),
    [
        (seen(), False),
        (seen(verdicts=(verdict("accuracy", UNSURE), verdict("auc", UNCHANGED))), False),
        (seen(verdicts=(verdict("accuracy", UNCHANGED), verdict("auc", REGRESSED))), True),
        (seen(quality=replace(examined([1.0]), wrong="noise")), True),
        (seen(quality=None, problem="output 'y' holds 3 NaN of 9; this precision does not work here"), True),
        (seen(quality=None, problem="TypeError: a defect of the harness is no finding"), False),
        (seen(quality=None, problem="no such recipe", breaks=False), False),
    ],
)
def test_damage_is_found_by_a_regression_or_by_a_failure(one: Seen, is_found: bool) -> None:
    assert one.is_found is is_found


def test_a_row_tells_fidelity_from_the_task() -> None:
    verdicts = (verdict("sqnr_db", REGRESSED), verdict("accuracy", REGRESSED), verdict("auc", UNSURE))
    told = row(seen(verdicts=verdicts), examined([1.0, 1.0, 1.0]), known())
    found = "against fp32: sqnr_db\nof the task: accuracy"
    assert told == ("cut", "accuracy 1 → 0.667", found, "2 worse\n1 cannot tell", "3")


def test_a_row_of_what_was_missed_says_so() -> None:
    assert row(seen(verdicts=(verdict("auc", UNSURE),)), examined([1.0] * 3), known())[2] == "NOT FOUND"


def test_a_metric_that_is_gone_is_shown_as_none() -> None:
    kind = QUALITY["accuracy"]
    gone = Score("accuracy", Part.EXAM, kind.unit, kind.better, Pool.SHARE, unavailable="other shapes")
    assert moved(examined([1.0]), replace(examined([1.0]), scores=(gone,))) == "accuracy 1 → none"


def test_verdicts_are_counted_by_what_they_say() -> None:
    assert counted([verdict("auc", UNCHANGED), verdict("f1", REGRESSED), verdict("recall", UNCHANGED)]) == (
        "1 worse, 2 same"
    )


def test_gross_damage_that_is_missed_breaks_the_bound_and_is_named() -> None:
    found = seen(name="noise", verdicts=(verdict("auc", REGRESSED),))
    (bound,) = bounds([seen(), found, seen(name="fp16", must_be_found=False)])
    assert not bound.holds
    assert str(bound) == "FAIL  m: gross damage not found, of 2: cut: 1 (bound <= 0)"


def judged(old: Quality, new: Quality) -> tuple[Verdict, ...]:
    return judge_quality(CELL, old, new, lambda _, name: known()[name].margin, 0.01, "itself", Basis.LIVE)


def test_no_draw_is_used_on_both_sides_and_each_stays_with_its_text() -> None:
    texts = ("one", "one", "two", "two")
    sessions = [
        examined([10.0, 11.0, 20.0, 21.0], metric="dnsmos", groups=texts),
        examined([12.0, 13.0, 22.0, 23.0], metric="dnsmos", groups=texts),
    ]
    pairs = list(sides(sessions, {"dnsmos"}, 30, random.Random(1)))
    used = [[terms[0] for side in pair for terms in side.scores[0].terms if terms] for pair in pairs]
    assert all(sorted(values) == [10.0, 11.0, 12.0, 13.0, 20.0, 21.0, 22.0, 23.0] for values in used)
    for side in (side for pair in pairs for side in pair):
        assert [int(terms[0] // 10) for terms in side.scores[0].terms if terms] == [1, 1, 2, 2]
    assert len({tuple(values) for values in used}) > 1


def test_a_side_has_the_value_of_its_own_draws() -> None:
    sessions = [examined([0.0, 1.0, 0.0, 1.0]), examined([1.0, 1.0, 0.0, 0.0])]
    for side in (side for pair in sides(sessions, {"accuracy"}, 5, random.Random(1)) for side in pair):
        (score,) = side.scores
        assert score.value == pytest.approx(sum(terms[0] for terms in score.terms if terms) / 4)


def noisy(deviation: float) -> Iterator[Quality]:
    """Sessions of a voice whose every utterance is drawn anew."""
    draw = random.Random(5)
    for _ in range(4):
        yield examined([3.0 + draw.gauss(0, deviation) for _ in range(30)], metric="dnsmos")


def test_a_model_is_seldom_found_worse_than_itself() -> None:
    (found,) = alarms(list(noisy(0.2)), ["dnsmos"], judged, 40, seed=1)
    assert (found.metric, found.comparisons) == ("dnsmos", 40)
    assert found.regressed <= 2  # 0.4 are to be expected
    assert found.least < 3.0 < found.greatest


def test_sides_that_differ_by_more_than_the_margin_are_never_the_same() -> None:
    # Of two sessions one is three points worse in every example, so each pair of draws is three points apart.
    better, worse = examined([4.0] * 30, metric="dnsmos"), examined([1.0] * 30, metric="dnsmos")
    (found,) = alarms([better, worse], ["dnsmos"], judged, 50, seed=1)
    assert found.regressed + found.improved + found.inconclusive == 50


def test_one_examination_has_nothing_to_exchange() -> None:
    with pytest.raises(ValueError, match="twice or more"):
        alarms([examined([1.0, 0.0])], ["accuracy"], judged, 1, seed=1)


def test_examinations_of_another_exam_are_refused() -> None:
    one = examined([1.0, 0.0])
    other = replace(one, exam=Examples("exam", "y", ("e0", "e1")))
    with pytest.raises(ValueError, match="changed meanwhile"):
        alarms([one, other], ["accuracy"], judged, 1, seed=1)
