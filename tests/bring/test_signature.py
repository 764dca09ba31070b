"""Which shapes inputs are given: what was asked for, what the file fixes, and what is assumed and said."""

from __future__ import annotations

import pytest

from harness.bring.signature import Asked, Given, Input, Shaped, Signature, parse_shapes, sequence_length, shaped, unfit
from harness.errors import UsageProblem

SPEECH = Signature(
    "onnx",
    (
        Input("features", "float32", ("batch", 80, "time")),
        Input("feature_lengths", "int64", ("batch",)),
        Input("prompt", "int64", ("batch", "prompt_len"), rows=50),
    ),
)
UNTOLD = Signature("torchscript", (Input("x", "float32", None), Input("gain", "float32", None)))


def lines(signature: Signature, *asked: str) -> list[str]:
    return [one.line for one in shaped(signature, parse_shapes(asked))]


@pytest.mark.parametrize(
    ("text", "name", "asked"),
    [
        ("x=1x80", "x", Asked((1, 80))),
        ("x=1×80", "x", Asked((1, 80))),
        ("x=7", "x", Asked((7,))),
        ("ids=1x80:int64", "ids", Asked((1, 80), "int64")),
        ("a=b=2x3", "a=b", Asked((2, 3))),
    ],
)
def test_a_shape_is_read_as_written(text: str, name: str, asked: Asked) -> None:
    assert parse_shapes([text]) == {name: asked}


@pytest.mark.parametrize("text", ["x", "=1x2", "x=", "x=1x", "x=1xtime", "x=-1x3", "x=1x2:complex", "x=1x2:"])
def test_what_is_no_shape_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(UsageProblem, match="write NAME=1x80"):
        parse_shapes([text])


def test_named_dimensions_get_a_usual_length_and_the_guess_is_said() -> None:
    assert lines(SPEECH) == [
        "features: 1×80×800 float32 (assumed: 1 for `batch`, 800 for `time`; --shape features=… changes it)",
        "feature_lengths: 1 int64 (assumed: 1 for `batch`; --shape feature_lengths=… changes it)",
        "prompt: 1×64 int64 (assumed: 1 for `batch`, 64 for `prompt_len`; --shape prompt=… changes it)",
    ]


def test_a_length_given_for_one_input_holds_for_every_input_that_has_the_dimension() -> None:
    assert lines(SPEECH, "features=4x80x100", "prompt_len=9") == [
        "features: 4×80×100 float32",
        "feature_lengths: 4 int64",
        "prompt: 4×9 int64",
    ]


@pytest.mark.parametrize(
    ("dims", "shape"),
    [
        ((None, 3, None, None), (1, 3, 224, 224)),
        ((None, None), (1, 64)),
        (("N", "samples"), (1, 16_000)),
        (("batch", "past_sequence", 8), (1, 0, 8)),
        (("height", "width"), (224, 224)),
        ((), ()),
    ],
)
def test_open_dimensions_are_guessed_by_name_and_place(dims: tuple[int | str | None, ...], shape: object) -> None:
    (one,) = shaped(Signature("onnx", (Input("x", "float32", dims),)), {})
    assert one.shape == shape


def test_the_shape_that_a_model_was_exported_with_stands_before_a_guess() -> None:
    exported = Signature("torch-export", (Input("x", "float32", ("s0", 16), like=(2, 16)),))
    assert shaped(exported, {})[0].shape == (2, 16)


@pytest.mark.parametrize(
    ("signature", "asked", "words"),
    [
        (SPEECH, "feature=1x80", "no input or dimension of that name; did you mean features?"),
        (SPEECH, "features=1x40x100", "the model takes batch×80×time"),
        (SPEECH, "features=1x80", "the model takes batch×80×time"),
        (SPEECH, "time=4x5", "time is a dimension; give it one length"),
        (UNTOLD, "x=1x4", r"x \(float32\), gain \(float32\): give them, as in --shape gain=1x80"),
    ],
)
def test_a_shape_that_does_not_fit_is_refused_in_a_line(signature: Signature, asked: str, words: str) -> None:
    with pytest.raises(UsageProblem, match=words) as refused:
        shaped(signature, parse_shapes([asked]))
    assert "\n" not in str(refused.value)


def test_two_shapes_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(UsageProblem, match="batch is 3 there and 2 elsewhere"):
        shaped(SPEECH, parse_shapes(["features=2x80x10", "prompt=3x4"]))


def test_a_script_takes_the_dtype_that_was_asked_for() -> None:
    found = shaped(UNTOLD, parse_shapes(["x=1x4:int64", "gain=1"]))
    assert found == (Shaped("x", "int64", (1, 4)), Shaped("gain", "float32", (1,)))


@pytest.mark.parametrize(
    ("shapes", "length"),
    [([("ids", (1, 9)), ("mask", (1, 9))], 9), ([("x_lengths", (1, 2)), ("x", (1, 80, 33))], 33), ([("x", (5,))], 1)],
)
def test_the_sequence_is_as_long_as_the_first_input_that_has_one(
    shapes: list[tuple[str, tuple[int, ...]]], length: int
) -> None:
    assert sequence_length([Shaped(name, "int64", shape) for name, shape in shapes]) == length


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([Given("features", "float32", (1, 80, 9))], "lacks feature_lengths, prompt"),
        ([Given("feature", "float32", (1, 80, 9))], "did you mean features?"),
        (
            [
                Given("features", "float64", (1, 80, 9)),
                Given("feature_lengths", "int64", (1,)),
                Given("prompt", "int64", (1, 4)),
            ],
            "features is float64, and the model takes float32",
        ),
        (
            [
                Given("features", "float32", (1, 79, 9)),
                Given("feature_lengths", "int64", (1,)),
                Given("prompt", "int64", (1, 4)),
            ],
            "features is 1×79×9, and the model takes batch×80×time",
        ),
    ],
)
def test_arrays_that_are_no_inputs_are_refused_by_name(given: list[Given], words: str) -> None:
    problem = unfit(SPEECH, given, "clip.npz")
    assert problem is not None
    assert problem.startswith("clip.npz")
    assert words in problem


def test_arrays_that_fit_are_taken() -> None:
    given = [
        Given("features", "float32", (3, 80, 9)),
        Given("feature_lengths", "int64", (3,)),
        Given("prompt", "int64", (3, 4)),
    ]
    assert unfit(SPEECH, given, "clip.npz") is None
