"""Silero VAD itself: it hears speech where there is speech, and its two files agree."""

import numpy as np
import onnxruntime
import pytest
import torch

from harness.models import Setting
from harness.precisions import Job, recipe
from suites.models.silero import MODELS

ONNX, SCRIPT = MODELS
WINDOW_SECONDS = 0.032


def onnx_call(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, dict(inputs)), strict=True))


def script_call(reference):
    module = getattr(torch.jit.load(reference.path), reference.submodule)

    def call(inputs):
        with torch.inference_mode():
            outputs = module(**{name: torch.tensor(array) for name, array in inputs.items()})
        return {f"output{place}": tensor.numpy() for place, tensor in enumerate(outputs)}

    return call


def listen(model, call, setting):
    return {
        example.id: np.array([chunk["probability"].item() for chunk in model.drive(call, example.load())])
        for example in model.workload(setting).examples
    }


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    return Setting(made=tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def heard(setting):
    return listen(ONNX, onnx_call(ONNX.reference(setting).path), setting)


def test_there_is_one_probability_for_each_begun_window_of_a_clip(heard, setting):
    for example in ONNX.workload(setting).examples:
        assert len(heard[example.id]) == np.ceil(example.audio_seconds / WINDOW_SECONDS)
        assert ((heard[example.id] >= 0) & (heard[example.id] <= 1)).all()


def test_probabilities_are_high_in_speech_and_low_in_silence(heard):
    second = int(1 / WINDOW_SECONDS)
    assert heard["silence-then-speech"][:second].max() < 0.3
    assert heard["speech-then-silence"][-second:].max() < 0.3
    assert (heard["steady"] > 0.5).mean() > 0.9


def test_both_files_agree_on_every_window(heard, setting):
    other = listen(SCRIPT, script_call(SCRIPT.reference(setting)), setting)
    for clip, probabilities in heard.items():
        np.testing.assert_allclose(other[clip], probabilities, atol=1e-4)


def test_static_quantization_keeps_nine_of_ten_decisions(heard, setting, tmp_path):
    job = Job(
        reference=ONNX.reference(setting),
        target=tmp_path / "static.onnx",
        settings=ONNX.recipe_settings["int8-static"],
        calibration=lambda: (example.load() for example in ONNX.calibration(setting).examples),
    )
    assert recipe("int8-static").conversions["onnx"](job).coverage.converted_bytes > 0
    quantized = listen(ONNX, onnx_call(job.target), setting)
    same = [(quantized[clip] > 0.5) == (heard[clip] > 0.5) for clip in heard]
    assert np.concatenate(same).mean() > 0.9


def test_calibration_carries_states_and_not_only_the_zeros_of_the_start(setting):
    states = [example.load()["state"] for example in ONNX.calibration(setting).examples]
    assert sum(bool(state.any()) for state in states) > 0.9 * len(states)
