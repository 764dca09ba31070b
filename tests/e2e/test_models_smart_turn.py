"""Smart Turn v3 and v2 themselves: real features, weights and a twin that are what is said of them."""

import hashlib
import importlib.util
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import save_file

from harness.errors import CheckpointProblem
from harness.models import Setting
from suites import speech
from suites.clips import TURNS
from suites.installed import PIPECAT, installed_file
from suites.models import smart_turn_v2, smart_turn_v3

(V3,) = smart_turn_v3.MODELS
TINY, FULL = smart_turn_v2.MODELS


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    return Setting(made=tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def windows():
    return [speech.turn_window(clip.samples()) for clip in TURNS]


def test_features_equal_those_of_the_package_that_ships_the_model(windows):
    place = installed_file(PIPECAT, "audio/turn/smart_turn/_whisper_features.py")
    spec = importlib.util.spec_from_file_location("shipped_features", place)
    shipped = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(shipped)
    for window in windows:
        theirs = shipped.compute_whisper_log_mel_features(window, do_normalize=True)
        np.testing.assert_allclose(speech.log_mel(window), theirs, atol=1e-6)


def test_features_equal_those_of_transformers(windows):
    from transformers import WhisperFeatureExtractor

    extractor = WhisperFeatureExtractor(chunk_length=8)
    for window in windows:
        theirs = extractor(
            window,
            sampling_rate=16_000,
            padding="max_length",
            max_length=128_000,
            do_normalize=True,
            return_tensors="np",
        )
        np.testing.assert_allclose(speech.log_mel(window), theirs.input_features[0], atol=2e-4)


def probabilities(path, setting, level=onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return np.array([session.run(None, dict(one.load()))[0].item() for one in V3.workload(setting).examples])


def test_the_twin_decides_as_the_shipped_file_wherever_that_is_sure(setting):
    plain = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    twin = probabilities(V3.reference(setting).path, setting)
    shipped = probabilities(V3.given["int8-static"](setting).path, setting, plain)
    sure = np.abs(shipped - 0.5) > 0.2
    assert sure.sum() >= 10
    assert ((twin > 0.5) == (shipped > 0.5))[sure].all()
    assert np.abs(twin - shipped)[sure].mean() < 0.05


def test_every_weight_of_the_twin_is_what_the_runtime_itself_dequantizes(setting):
    shipped = onnx.load(V3.given["int8-static"](setting).path)
    twin = onnx.load(V3.reference(setting).path)
    constants = {tensor.name for tensor in shipped.graph.initializer}
    folded = [node for node in shipped.graph.node if node.op_type == "DequantizeLinear" and node.input[0] in constants]
    names = [node.output[0] for node in folded]
    stored = [tensor for tensor in shipped.graph.initializer if any(tensor.name in node.input for node in folded)]
    outputs = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names]
    alone = onnx.helper.make_model(
        onnx.helper.make_graph(folded, "weights", [], outputs, stored),
        opset_imports=[entry for entry in shipped.opset_import if entry.domain == ""],
        ir_version=shipped.ir_version,
    )
    session = onnxruntime.InferenceSession(alone.SerializeToString(), providers=["CPUExecutionProvider"])
    held = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in twin.graph.initializer}
    assert len(names) > 30
    for name, values in zip(names, session.run(names, {}), strict=True):
        np.testing.assert_allclose(held[name], values, rtol=1e-6, atol=0)


def test_the_twin_keeps_every_other_operation_in_order(setting):
    def operations(path):
        kinds = (node.op_type for node in onnx.load(path).graph.node)
        return [kind for kind in kinds if kind not in ("QuantizeLinear", "DequantizeLinear")]

    assert operations(V3.reference(setting).path) == operations(V3.given["int8-static"](setting).path)


def test_the_twin_tells_pauses_from_phrases_cut_off(setting):
    twin = probabilities(V3.reference(setting).path, setting)
    within_phrase = np.array(["phrase" in clip.id for clip in TURNS])
    assert twin[~within_phrase].mean() - twin[within_phrase].mean() > 0.5


def test_the_twin_is_float_throughout(setting):
    graph = onnx.load(V3.reference(setting).path).graph
    assert not [node.op_type for node in graph.node if "Quantize" in node.op_type]
    assert not [
        one.name for one in graph.initializer if one.data_type in (onnx.TensorProto.INT8, onnx.TensorProto.UINT8)
    ]


def built(model, setting):
    reference = model.reference(setting)
    module = reference.skeleton()
    reference.fill(module)
    return module


def digest(module):
    total = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        total.update(name.encode())
        total.update(tensor.numpy().tobytes())
    return total.hexdigest()


def answers(model, module, setting):
    with torch.inference_mode():
        return [
            module(**{name: torch.from_numpy(array) for name, array in example.load().items()}).item()
            for example in model.workload(setting).examples
        ]


def test_the_full_model_has_the_published_number_of_parameters(setting):
    module = FULL.reference(setting).skeleton()
    parameters = sum(parameter.numel() for parameter in module.parameters())
    assert parameters == 94_782_722
    assert FULL.size_bytes == 4 * parameters


@pytest.mark.parametrize("model", [TINY, FULL], ids=lambda model: model.name)
def test_two_builds_are_equal_to_the_bit(model, setting):
    assert digest(built(model, setting)) == digest(built(model, setting))


def test_a_random_network_answers_every_clip_differently_and_is_never_certain(setting):
    given = answers(TINY, built(TINY, setting), setting)
    assert len(set(given)) == len(given)
    assert all(0.05 < one < 0.95 for one in given)


def test_silence_behind_a_clip_is_not_heard(setting):
    module = built(TINY, setting)
    inputs = {name: torch.from_numpy(array) for name, array in TINY.workload(setting).examples[0].load().items()}
    half = 8 * speech.RATE
    assert not inputs["attention_mask"][0, half:].any()
    with torch.inference_mode():
        frames = module.wav2vec2(**inputs).last_hidden_state
        whole = module(**inputs).item()
        unmasked = module(inputs["input_values"], torch.ones_like(inputs["attention_mask"])).item()
    assert frames.shape[1] == 799
    assert whole != unmasked


def test_audio_is_normalised_as_transformers_does_it():
    from transformers import Wav2Vec2FeatureExtractor

    extractor = Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True)
    example = TINY.workload(Setting(made=None)).examples[0].load()
    theirs = extractor(
        TURNS[0].samples(), sampling_rate=16_000, padding="max_length", max_length=256_000, return_tensors="np"
    )
    np.testing.assert_allclose(example["input_values"], theirs.input_values, atol=1e-5)
    np.testing.assert_array_equal(example["attention_mask"], theirs.attention_mask)


def test_a_checkpoint_gives_its_own_answers_and_its_own_identity(setting, tmp_path):
    source = built(TINY, replace(setting, seed=7))
    save_file({name: tensor.clone() for name, tensor in source.state_dict().items()}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text("{}")
    given = replace(setting, checkpoint=tmp_path)
    assert digest(built(TINY, given)) == digest(source)
    assert TINY.reference(given).identity != TINY.reference(setting).identity
    assert TINY.reference(replace(setting, seed=7)).identity != TINY.reference(setting).identity


def test_a_checkpoint_of_the_other_size_is_refused_in_one_line(setting, tmp_path):
    torch.save(built(TINY, setting).state_dict(), tmp_path / "tiny.pt")
    reference = FULL.reference(replace(setting, checkpoint=tmp_path / "tiny.pt"))
    with pytest.raises(
        CheckpointProblem, match=r"tiny\.pt lacks .* give a checkpoint of this model and size"
    ) as caught:
        reference.fill(reference.skeleton())
    assert "\n" not in str(caught.value)
