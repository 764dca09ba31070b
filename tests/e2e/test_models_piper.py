"""The Piper voice itself: it speaks, always the same, and what its declaration says of its graph is so."""

import numpy as np
import onnx
import onnxruntime
import pytest

from harness.models import Setting
from harness.precisions import Job, recipe
from suites.models.piper import MODELS

JOE, STREAM = MODELS
RATE = JOE.audio.sample_rate


def voice(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda inputs: {JOE.audio.output: session.run([JOE.audio.output], dict(inputs))[0]}


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    return Setting(made=tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def call(setting):
    return voice(JOE.reference(setting).path)


@pytest.fixture(scope="module")
def spoken(call, setting):
    return {example.id: call(example.load())["output"].ravel() for example in JOE.workload(setting).examples}


def test_every_sentence_is_audible_speech(spoken):
    for samples in spoken.values():
        assert 0.03 < np.sqrt((samples**2).mean()) < 0.3
        assert np.abs(samples).max() <= 1.5


def test_one_pass_is_twelve_to_sixteen_seconds_of_audio(spoken):
    assert 12 <= sum(map(len, spoken.values())) / RATE <= 16


def test_short_sentences_are_shorter_than_medium_ones_and_those_than_long_ones(spoken, setting):
    of = {example.id: example.slices["length"] for example in JOE.workload(setting).examples}
    lengths = {kind: [spoken[one].size for one in of if of[one] == kind] for kind in ("short", "medium", "long")}
    assert max(lengths["short"]) < min(lengths["medium"]) <= max(lengths["medium"]) < min(lengths["long"])


def test_the_same_sentence_is_the_same_audio_in_another_session(spoken, setting):
    again = voice(JOE.reference(setting).path)
    first = JOE.workload(setting).examples[0]
    np.testing.assert_array_equal(again(first.load())["output"].ravel(), spoken[first.id])


def test_a_paragraph_is_streamed_as_one_audible_chunk_a_sentence(call, setting):
    for example in STREAM.workload(setting).examples:
        inputs = example.load()
        chunks = list(STREAM.drive(call, inputs))
        assert len(chunks) == len(inputs["ids_a_sentence"]) >= 2
        for chunk in chunks:
            assert chunk["output"].size > RATE / 2
            assert np.abs(chunk["output"]).max() > 0.05


def test_static_quantization_leaves_every_audio_as_long_as_it_was(spoken, setting, tmp_path):
    job = Job(
        reference=JOE.reference(setting),
        target=tmp_path / "static.onnx",
        settings=JOE.recipe_settings["int8-static"],
        calibration=lambda: (example.load() for example in JOE.calibration(setting).examples),
    )
    converted = recipe("int8-static").conversions["onnx"](job)
    assert 0.3 < converted.coverage.fraction < 0.9
    quantized = voice(job.target)
    for example in JOE.workload(setting).examples:
        assert quantized(example.load())["output"].size == spoken[example.id].size


def test_the_nodes_kept_in_float_are_all_convolutions_of_the_encoder_and_the_duration_predictor(setting):
    nodes = onnx.load(JOE.reference(setting).path).graph.node
    deciding = {node.name for node in nodes if node.op_type == "Conv" and node.name.startswith(("/enc_p/", "/dp/"))}
    assert set(JOE.recipe_settings["int8-static"]["exclude"]) == deciding
