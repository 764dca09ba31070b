"""The labelled sets as they are truly heard: the voice speaks them alike each time, the models hear what is there."""

import numpy as np
import onnxruntime
import pytest

from harness.models import Setting
from suites import joe, turn_set
from suites.installed import JOE as JOE_NEED
from suites.installed import installed_file
from suites.models import piper, silero, smart_turn_v2, smart_turn_v3

(V3,) = smart_turn_v3.MODELS
_, V2 = smart_turn_v2.MODELS
SILERO, _ = silero.MODELS
JOE, _ = piper.MODELS


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    return Setting(made=tmp_path_factory.mktemp("made"))


def caller(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, dict(inputs)), strict=True))


def test_the_voice_says_a_sentence_alike_in_another_session_and_once_for_all(tmp_path):
    sentences = {name: turn_set.entries()[place]["complete"]["ids"] for place, name in enumerate("ab")}
    one, other = (joe.recording(sentences, tmp_path / folder) for folder in ("one", "other"))
    for name in sentences:
        samples = one.samples(name)
        np.testing.assert_array_equal(samples, other.samples(name))
        assert 0.05 < np.abs(samples).max() <= 1
    (kept,) = (tmp_path / "one").iterdir()
    stamp = kept.stat().st_mtime_ns
    one.samples("a")
    assert [path.stat().st_mtime_ns for path in (tmp_path / "one").iterdir()] == [stamp]


@pytest.fixture(scope="module")
def turns(setting):
    """What the shipped turn detector says of every example, and what is right."""
    call = caller(V3.given["int8-static"](setting).path)
    examples = V3.exam(setting).examples
    (meaning,) = V3.meanings
    likely = np.array([call(example.load())[meaning.output].item() for example in examples])
    return examples, likely, np.array([example.label == meaning.positive for example in examples])


def test_the_output_of_the_turn_detector_is_a_probability(turns):
    _, likely, _ = turns
    assert ((likely >= 0) & (likely <= 1)).all()
    assert likely.min() < 0.1
    assert likely.max() > 0.9


def test_the_shipped_turn_detector_is_clearly_better_than_chance_and_not_beyond_being_worse(turns):
    _, likely, over = turns
    ranked = (likely[over][:, None] > likely[~over][None]).mean()
    assert 0.9 < ranked < 1
    assert 0.8 < ((likely > 0.5) == over).mean() < 1


@pytest.mark.parametrize("kind", ["length", "noise"])
def test_the_shipped_turn_detector_is_better_than_chance_in_every_slice(turns, kind):
    examples, likely, over = turns
    for name in {example.slices[kind] for example in examples}:
        inside = np.array([example.slices[kind] == name for example in examples])
        assert ((likely > 0.5) == over)[inside].mean() > 0.7, name


def test_the_second_version_hears_the_same_examples_in_sixteen_seconds(setting, tmp_path):
    examples = V2.exam(Setting(made=setting.made, checkpoint=tmp_path)).examples
    third = {example.id for example in V3.exam(setting).examples}
    assert {example.id for example in examples} < third
    inputs = examples[0].load()
    assert inputs["input_values"].shape == inputs["attention_mask"].shape == (1, 256_000)
    assert 16_000 < inputs["attention_mask"].sum() < 48_000


@pytest.fixture(scope="module")
def windows(setting):
    """By example: whether Silero heard speech in each window, and whether there was."""
    call = caller(SILERO.reference(setting).path)
    (meaning,) = SILERO.meanings
    heard = {}
    for example in SILERO.exam(setting).examples:
        chunks = SILERO.drive(call, example.load())
        speech = np.array([chunk[meaning.output].item() for chunk in chunks]) > meaning.threshold
        heard[example.id] = (example, speech, example.truth().astype(bool))
    return heard


def test_there_is_a_label_for_every_window_and_both_kinds_in_every_clip(windows):
    for _, speech, truth in windows.values():
        assert speech.shape == truth.shape
        assert 0.2 < truth.mean() < 0.95


def test_silero_hears_the_speech_that_was_laid_there_far_better_than_who_always_says_speech(windows):
    for noise in ("none", "20dB", "10dB"):
        chosen = [(s, t) for example, s, t in windows.values() if example.slices["noise"] == noise]
        speech, truth = (np.concatenate(each) for each in zip(*chosen, strict=True))
        hits = (speech & truth).sum()
        always = 2 * truth.sum() / (truth.size + truth.sum())
        assert 2 * hits / (speech.sum() + truth.sum()) > 0.9 > always


def drawn(inputs, count=2):
    call = caller(installed_file(JOE_NEED, joe.MODEL_FILE))
    return [call(inputs)[JOE.audio.output].ravel() for _ in range(count)]


def test_the_voice_draws_anew_at_each_call_and_a_seed_before_the_session_repeats_the_draws(setting):
    inputs = JOE.exam(setting).examples[0].load()
    onnxruntime.set_seed(7)
    first = drawn(inputs)
    onnxruntime.set_seed(7)
    for one, same in zip(first, drawn(inputs), strict=True):
        np.testing.assert_array_equal(one, same)
    onnxruntime.set_seed(8)
    other, _ = drawn(inputs)
    for one in (first[1], other):
        assert one.shape != first[0].shape or (one != first[0]).any()
