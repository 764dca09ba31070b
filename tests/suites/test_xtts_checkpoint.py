"""XTTS v2's own `model.pth`: files written in its layout load, and those of another say so in one line."""

import re
import sys
import types
from dataclasses import replace

import pytest
import torch

from harness.errors import CheckpointProblem
from harness.models import Setting
from suites import xtts_network
from suites.models import xtts
from suites.xtts_checkpoint import load, model_file
from suites.xtts_config import TINY

PROJECTION = re.compile(r"^gpt\.gpt\.h\.\d+\.(attn\.c_attn|attn\.c_proj|mlp\.c_fc|mlp\.c_proj)\.weight$")


def built(seed):
    made = xtts_network.skeleton(TINY)
    xtts_network.fill(made, seed)
    return made


@pytest.fixture(scope="module")
def source():
    made = built(7)
    for name, buffer in made.named_buffers():
        if name.endswith("running_mean"):
            buffer.fill_(0.25)
    return made


def published(network):
    """The network's weights as the published file holds them: transposed projections, and what it carries besides."""
    state = {
        name: tensor.t().contiguous() if PROJECTION.match(name) else tensor.clone()
        for name, tensor in network.state_dict().items()
    }
    return {
        **state,
        "mel_stats": torch.ones(80),
        "torch_mel_spectrogram_style_encoder.mel_norms": torch.ones(80),
        "torch_mel_spectrogram_dvae.mel_stft.spectrogram.window": torch.ones(1024),
        "dvae.decoder.0.weight": torch.ones(3, 3),
        "hifigan_decoder.speaker_encoder.torch_spec.0.filter": torch.ones(1, 1, 2),
        "hifigan_decoder.speaker_encoder.torch_spec.1.spectrogram.window": torch.ones(400),
        "gpt.gpt.wte.weight": torch.ones(66, 64),
        "gpt.gpt.h.0.attn.bias": torch.ones(1, 1, 4, 4, dtype=torch.bool),
        "gpt.gpt.h.0.attn.masked_bias": torch.tensor(-1e4),
    }


def older_names(state):
    halves = {".parametrizations.weight.original0": ".weight_g", ".parametrizations.weight.original1": ".weight_v"}
    for newer, older in halves.items():
        state = {name.replace(newer, older): tensor for name, tensor in state.items()}
    return state


def fine_tuned(state):
    return {f"xtts.{name}": tensor for name, tensor in state.items()}


def same(state):
    return state


def equal(one, other):
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(name == again and torch.equal(a, b) for (name, a), (again, b) in pairs)


@pytest.mark.parametrize("written", [same, older_names, fine_tuned], ids=lambda one: one.__name__)
def test_a_file_of_the_published_layout_gives_back_every_weight(source, tmp_path, written):
    path = tmp_path / "model.pth"
    torch.save({"model": written(published(source)), "config": {"a": 1}, "step": 3, "optimizer": {}}, path)
    loaded = xtts_network.skeleton(TINY)
    load(loaded, path)
    assert equal(loaded, source)


def config_of_the_package(monkeypatch):
    """A config as the package of XTTS pickles it: an object of its own class, with others inside."""
    made = {}
    for path, name in (
        ("TTS.tts.configs.xtts_config", "XttsConfig"),
        ("TTS.tts.models.xtts", "XttsArgs"),
        ("TTS.tts.models.xtts", "XttsAudioConfig"),
        ("TTS.config.shared_configs", "BaseDatasetConfig"),
    ):
        parts = path.split(".")
        for depth in range(1, len(parts) + 1):
            place = ".".join(parts[:depth])
            monkeypatch.setitem(sys.modules, place, sys.modules.get(place) or types.ModuleType(place))
        kind = type(name, (), {"__module__": path})
        setattr(sys.modules[path], name, kind)
        made[name] = kind()
    config = made.pop("XttsConfig")
    config.__dict__.update(made, languages=["en"])
    return config


def test_a_file_with_its_config_pickled_as_objects_loads_without_the_package(source, tmp_path, monkeypatch):
    path = tmp_path / "model.pth"
    with monkeypatch.context() as installed:
        torch.save({"model": published(source), "config": config_of_the_package(installed)}, path)
    assert "TTS.tts.models.xtts" not in sys.modules
    loaded = xtts_network.skeleton(TINY)
    load(loaded, path)
    assert equal(loaded, source)


class Bomb:
    def __reduce__(self):
        return print, ("a pickle ran code",)


def test_a_file_that_would_run_code_is_refused_without_running_it(source, tmp_path, capsys):
    path = tmp_path / "model.pth"
    torch.save({"model": published(source), "config": Bomb()}, path)
    with pytest.raises(CheckpointProblem, match="cannot be read as weights"):
        load(built(1), path)
    assert "a pickle ran code" not in capsys.readouterr().out


def test_in_a_folder_of_several_files_the_model_is_model_pth(tmp_path):
    for name in ("model.pth", "dvae.pth", "mel_stats.pth", "speakers_xtts.pth"):
        (tmp_path / name).touch()
    assert model_file(tmp_path) == tmp_path / "model.pth"
    assert model_file(tmp_path / "dvae.pth") == tmp_path / "dvae.pth"
    with pytest.raises(CheckpointProblem, match="there is no checkpoint"):
        model_file(tmp_path / "none.pth")


def without(state, name):
    return {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            lambda state: {"model": without(state, "gpt.final_norm.bias")},
            "lacks 1 of .* first gpt.final_norm.bias;",
        ),
        (lambda state: {"model": {**state, "vits.x": torch.ones(1)}}, "holds 1 tensors .* first vits.x; give"),
        (
            lambda state: {"model": {**state, "gpt.text_head.bias": torch.ones(9)}},
            r"text_head.bias of shape \(9,\)",
        ),
        (
            lambda state: {"model": {**state, "gpt.gpt.h.1.mlp.c_fc.weight": torch.ones(256)}},
            "gpt.gpt.h.1.mlp.c_fc.weight of 1 dimensions",
        ),
        (
            lambda state: {"model": {**state, "gpt.gpt.h.1.mlp.c_fc.weight": state["gpt.gpt.h.1.mlp.c_fc.weight"].t()}},
            r"c_fc.weight of shape \(64, 256\) where the model has \(256, 64\)",
        ),
        (lambda state: {"state_dict": state}, "model.pth "),
        (lambda state: {"model": [1, 2]}, "model.pth "),
    ],
    ids=["missing", "foreign", "shape", "flat projection", "projection not transposed", "another key", "no tensors"],
)
def test_another_layout_is_refused_in_one_line_and_changes_nothing(source, tmp_path, change, complaint):
    path = tmp_path / "model.pth"
    torch.save(change(published(source)), path)
    network = built(1)
    with pytest.raises(CheckpointProblem, match=complaint) as caught:
        load(network, path)
    assert "\n" not in str(caught.value)
    assert equal(network, built(1))


def test_the_declared_model_speaks_with_the_checkpoint_and_says_so(source, tmp_path):
    torch.save({"model": published(source)}, tmp_path / "model.pth")
    (tmp_path / "vocab.json").write_text("{}")
    setting = Setting(made=tmp_path)
    given = replace(setting, checkpoint=tmp_path)
    for model in xtts.MODELS[:2]:
        reference = model.reference(given)
        module = reference.skeleton()
        reference.fill(module)
        assert equal(module, source)
        assert reference.provenance == "checkpoint model.pth"
        assert reference.identity != model.reference(setting).identity
