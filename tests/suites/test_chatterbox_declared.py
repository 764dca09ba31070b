"""Chatterbox as it is declared: text cut into chunks, what is fed to it, checkpoints, what is converted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from harness.errors import CheckpointProblem, WorkloadProblem
from harness.models import ModuleReference, Setting
from harness.precisions import Job, recipe
from suites.chatterbox_network import S3GEN
from suites.chatterbox_text import chunks, ids_of
from suites.models import chatterbox

TINY, FULL, LONG_TINY, LONG = chatterbox.MODELS


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(made=tmp_path / "made")


def built(reference: ModuleReference) -> torch.nn.Module:
    module = reference.skeleton()
    reference.fill(module)
    return module


def caller(module):
    """A call as a session makes it: arrays in, arrays out."""

    def call(inputs):
        with torch.inference_mode():
            out = module(**{name: torch.from_numpy(np.asarray(values)) for name, values in inputs.items()})
        return {name: tensor.numpy() for name, tensor in out.items()}

    return call


@pytest.mark.parametrize(
    ("text", "most", "cut"),
    [
        ("One two.", 20, ["One two."]),
        ("One. Two. Three.", 9, ["One. Two.", "Three."]),
        ("One. Two. Three.", 8, ["One.", "Two.", "Three."]),
        ("One!  Two?\nThree…", 100, ["One! Two? Three…"]),
        ('He said "no." Then he left.', 14, ['He said "no."', "Then he left."]),
        ("It costs 3.50 today. Yes.", 20, ["It costs 3.50 today.", "Yes."]),
        ("A long one, with a clause; and more.", 20, ["A long one,", "with a clause;", "and more."]),
        ("no stops at all here", 8, ["no stops", "at all", "here"]),
        ("abcdefghij kl", 4, ["abcd", "efgh", "ij", "kl"]),
    ],
)
def test_a_text_is_cut_at_its_sentences_then_its_clauses_then_its_words(text, most, cut):
    assert list(chunks(text, most)) == cut


@pytest.mark.parametrize("text", ["", "  \n"])
def test_a_text_of_zero_length_is_refused_in_one_line(text):
    with pytest.raises(WorkloadProblem, match="a text of zero length has nothing to be spoken; give at least one word"):
        chunks(text, 80)


def test_without_a_tokenizer_every_character_is_an_id_that_is_no_mark():
    ids = ids_of("It is ½ past nine — 九.")
    assert len(ids) == 22
    assert all(1 <= one <= 254 for one in ids)


def test_a_tokenizer_of_the_checkpoint_makes_the_ids(tmp_path):
    from tokenizers import Tokenizer, models, pre_tokenizers

    made = Tokenizer(models.WordLevel({"hello": 7, "[SPACE]": 2, "you": 9, "[UNK]": 1}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Split("[SPACE]", "isolated")
    made.save(str(tmp_path / "tokenizer.json"))
    assert ids_of("hello you", tmp_path / "tokenizer.json") == [7, 2, 9]


@pytest.mark.parametrize(("model", "size"), [(TINY, "tiny"), (FULL, "full"), (LONG_TINY, "tiny"), (LONG, "full")])
def test_a_model_tells_the_bytes_of_its_weights(model, size):
    # 4 bytes of every parameter: the published three files together, voice encoder included
    full = 4 * (532_405_248 + 263_933_767 + 1_423_618)
    reference = model.reference(Setting(made=Path()))
    if size == "tiny":
        assert model.size_bytes == 4 * sum(one.numel() for one in built(reference).parameters())
    else:
        assert model.size_bytes == full
    assert model.size == size


def test_the_long_text_is_several_chunks_and_no_chunk_is_longer_than_said(setting):
    cut = chunks(chatterbox._LONG_TEXT, chatterbox._CHUNK_CHARACTERS)
    assert len(cut) >= 2
    assert max(map(len, cut)) <= chatterbox._CHUNK_CHARACTERS
    assert " ".join(cut) == chatterbox._LONG_TEXT


def test_each_chunk_is_spoken_as_if_it_were_alone(setting):
    inputs = LONG_TINY.workload(setting).examples[0].load()
    call = caller(built(LONG_TINY.reference(setting)))
    spoken = list(LONG_TINY.drive(call, inputs))
    cut = chunks(chatterbox._LONG_TEXT, chatterbox._CHUNK_CHARACTERS)
    assert len(spoken) == len(cut)
    voice = {name: values for name, values in inputs.items() if not name[0].isdigit()}
    last = len(cut) - 1
    alone = call({**voice, "text_ids": inputs[f"{last} text_ids"], "speech_ids": inputs[f"{last} speech_ids"]})
    np.testing.assert_array_equal(spoken[-1]["audio"], alone["audio"])
    assert inputs[f"{last} text_ids"].shape == (1, len(cut[-1]))


def test_with_random_weights_the_tokens_are_given_and_nothing_is_examined(setting):
    inputs = TINY.workload(setting).examples[0].load()
    assert inputs["speech_ids"].shape == (1, 16)
    assert TINY.exam is None
    assert "random weights (seed 0)" in TINY.reference(setting).provenance


def test_int8_dynamic_converts_the_lstm_and_says_what_it_left(setting, tmp_path):
    done = recipe("int8-dynamic").conversions["torch-state"](
        Job(TINY.reference(setting), tmp_path / "made.pt", engine=None, settings={})
    )
    assert done.layout["modules"]["ve.lstm"] == "LSTM"
    module = TINY.reference(setting).skeleton()
    linear = sum(type(part) is torch.nn.Linear for part in module.modules())
    assert done.coverage.modules_converted == {"Linear": linear, "LSTM": 1}
    left = done.coverage.modules_left
    assert {"Conv1d", "ConvTranspose1d", "Conv2d", "Embedding", "LayerNorm", "Snake"} <= set(left)
    assert left["Embedding"] == 6  # text, speech and their places, the flow's tokens, and the one Llama never uses
    assert any("t3.speech_emb.weight (Embedding" in one for one in done.coverage.left)


def written(module: torch.nn.Module, folder: Path) -> Path:
    """The folder as Chatterbox is published, with the tables that are no weights."""
    folder.mkdir()

    def state(part: torch.nn.Module) -> dict[str, torch.Tensor]:
        return {name: tensor.clone() for name, tensor in part.state_dict().items()}

    save_file(state(module.t3), folder / "t3_cfg.safetensors")
    save_file(state(module.ve), folder / "ve.safetensors")
    tables = {"tokenizer._mel_filters": torch.zeros(128, 201), "tokenizer.window": torch.zeros(400)}
    parts = {f"{part}.{name}": one for part in S3GEN for name, one in state(getattr(module, part)).items()}
    save_file({**parts, **tables}, folder / "s3gen.safetensors")
    return folder


def conditions() -> dict[str, dict[str, object]]:
    return {
        "t3": {
            "speaker_emb": torch.ones(1, 32),
            "cond_prompt_speech_tokens": torch.tensor([[4, 5, 6]]),
            "emotion_adv": torch.tensor([[[0.7]]]),
            "clap_emb": None,
        },
        "gen": {
            "prompt_token": torch.tensor([[1, 2]]),
            "prompt_token_len": torch.tensor([2]),
            "prompt_feat": torch.ones(1, 4, 16),
            "embedding": torch.ones(1, 24),
        },
    }


def test_a_checkpoint_gives_its_own_weights_and_its_own_identity(setting, tmp_path):
    source = built(TINY.reference(replace(setting, seed=7)))
    given = replace(setting, checkpoint=written(source, tmp_path / "mine"))
    reference = TINY.reference(given)
    loaded, expected = built(reference).state_dict(), source.state_dict()
    assert loaded.keys() == expected.keys()
    assert all(torch.equal(loaded[name], one) for name, one in expected.items())
    assert reference.provenance == "checkpoint mine"
    assert reference.identity != TINY.reference(setting).identity


def test_with_a_checkpoint_t3_speaks_by_itself_with_the_voice_of_the_checkpoint(setting, tmp_path):
    folder = written(built(TINY.reference(setting)), tmp_path / "mine")
    given = replace(setting, checkpoint=folder)
    before = TINY.workload(given)
    assert "energies" in before.examples[0].load()
    torch.save(conditions(), folder / "conds.pt")
    workload = TINY.workload(given)
    inputs = workload.examples[0].load()
    assert "speech_ids" not in inputs
    assert "energies" not in inputs
    assert inputs["prompt_ids"].tolist() == [[4, 5, 6]]
    assert inputs["emotion"].item() == pytest.approx(0.7)
    assert workload.content not in (before.content, TINY.workload(setting).content)
    out = caller(built(TINY.reference(given)))({**inputs, "most": np.array(6)})
    assert np.isfinite(out["audio"]).all()


def test_a_voice_that_is_none_is_refused_in_one_line(setting, tmp_path):
    folder = written(built(TINY.reference(setting)), tmp_path / "mine")
    torch.save({"t3": {}}, folder / "conds.pt")
    workload = TINY.workload(replace(setting, checkpoint=folder))
    with pytest.raises(CheckpointProblem, match=r"conds\.pt holds no voice .* take the published one, or none") as told:
        workload.examples[0].load()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        (("ve.safetensors",), r"lacks ve\.safetensors; Chatterbox is published as t3_cfg\.safetensors, s3gen"),
        (("t3_cfg.safetensors", "s3gen.safetensors"), r"lacks t3_cfg\.safetensors, s3gen\.safetensors; Chatterbox"),
    ],
)
def test_a_folder_without_one_of_the_files_is_refused_in_one_line(setting, tmp_path, gone, told):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in {"ve.safetensors", "t3_cfg.safetensors", "s3gen.safetensors"} - set(gone):
        (folder / name).write_bytes(b"")
    with pytest.raises(CheckpointProblem, match=told) as refused:
        TINY.reference(replace(setting, checkpoint=folder))
    assert "\n" not in str(refused.value)


def test_a_path_that_is_no_folder_is_refused_with_what_is_wanted(setting, tmp_path):
    (tmp_path / "one.pt").write_bytes(b"")
    for path, what in ((tmp_path / "one.pt", "is a file"), (tmp_path / "none", "does not exist")):
        with pytest.raises(CheckpointProblem, match=f"{what}; give the folder that holds t3_cfg.safetensors"):
            TINY.reference(replace(setting, checkpoint=path))


def test_a_checkpoint_of_the_other_size_is_refused_naming_the_file(setting, tmp_path):
    folder = written(built(TINY.reference(setting)), tmp_path / "tiny")
    wrong = torch.nn.Module()
    wrong.lstm = torch.nn.LSTM(40, 16, num_layers=3)
    wrong.proj = torch.nn.Linear(16, 16)
    wrong.similarity_weight, wrong.similarity_bias = (torch.nn.Parameter(torch.ones(1)) for _ in range(2))
    save_file(dict(wrong.state_dict()), folder / "ve.safetensors")
    reference = TINY.reference(replace(setting, checkpoint=folder))
    with pytest.raises(CheckpointProblem, match=r"ve\.safetensors has .* give a checkpoint of this model and size"):
        reference.fill(reference.skeleton())
