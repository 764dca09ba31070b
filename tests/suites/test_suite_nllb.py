"""NLLB as declared: its true size, its text, and a translation that equals the library's own."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import M2M100Config, M2M100ForConditionalGeneration

from harness.cells import Device
from harness.errors import CheckpointProblem, WorkloadProblem
from harness.models import Artifact, Setting
from harness.precisions import Job, recipe
from harness.runtimes import RUNTIMES, Tuning
from suites import nllb_network, nllb_text
from suites.models import nllb
from suites.nllb_text import FULL, TINY, Tokens, sentences
from suites.seeded import fill

SMALL, LARGE = nllb.MODELS
VOCABULARIES = pytest.mark.parametrize(
    ("made", "size"), [(TINY, nllb.TINY_CONFIG), (FULL, nllb.FULL_CONFIG)], ids=["tiny", "full"]
)


@pytest.fixture(scope="module")
def translator():
    module = nllb_network.skeleton(nllb.TINY_CONFIG)
    fill(module, 3)
    return module


@pytest.fixture(scope="module")
def theirs(translator):
    """The library's own model with the same weights, made as it is usually made."""
    model = M2M100ForConditionalGeneration(M2M100Config(**nllb.TINY_CONFIG)).eval()
    ours = translator.state_dict()
    model.load_state_dict({name if name == "lm_head.weight" else f"model.{name}": ours[name] for name in ours})
    return model


@pytest.fixture(autouse=True)
def _choose_again(tmp_path):
    """The tokenizer of a model is that of its last setting: each test leaves the one without a checkpoint."""
    yield
    for model in nllb.MODELS:
        model.workload(Setting(made=tmp_path))


@pytest.fixture
def setting(tmp_path):
    return Setting(made=tmp_path)


@pytest.fixture
def published(tmp_path, theirs):
    """A folder as `save_pretrained` writes it, the tokenizer too."""
    folder = tmp_path / "nllb"
    theirs.save_pretrained(folder)
    nllb_text._made(TINY).save_pretrained(folder)
    return Setting(made=tmp_path, checkpoint=folder)


def ids(*values):
    return torch.tensor([values])


# The network.


def test_the_full_size_is_the_published_one():
    whole = nllb_network.empty(nllb.FULL_CONFIG)
    assert sum(one.numel() for one in whole.parameters()) == 615_073_792
    assert whole.shared.weight.numel() == 262_354_944  # 256,206 tokens by 1,024, once for three users
    assert LARGE.size_bytes == 4 * 615_073_792


def test_the_tiny_size_is_counted_too():
    whole = nllb_network.empty(nllb.TINY_CONFIG)
    assert SMALL.size_bytes == 4 * sum(one.numel() for one in whole.parameters())


def test_one_embedding_serves_all_after_it_was_built_and_filled(translator):
    users = (translator.encoder.embed_tokens, translator.decoder.embed_tokens, translator.lm_head)
    assert all(user.weight is translator.shared.weight for user in users)


@pytest.mark.parametrize(("precision", "places"), [("fp32", 1), ("fp16", 1), ("bf16", 1), ("int8-dynamic", 1)])
def test_one_embedding_serves_all_in_the_file_of_a_precision(tmp_path, setting, precision, places):
    reference = SMALL.reference(setting)
    job = Job(reference, tmp_path / "made.pt")
    made = recipe(precision).conversions["torch-state"](job)
    artifact = Artifact(
        job.target, "torch-state", precision, "", 1, made.coverage, "test", 0.0, made.layout, reference.skeleton
    )
    session = RUNTIMES["torch"]().open(artifact, Device("cpu"), Tuning())
    module = session._module
    users = [module.shared, module.encoder.embed_tokens, module.decoder.embed_tokens]
    if precision != "int8-dynamic":  # there the output is packed, and the embedding stays as it is
        users.append(module.lm_head)
    assert len({user.weight.data_ptr() for user in users}) == places
    given = SMALL.workload(setting).examples[0].load()
    assert session.call(given)["target_ids"].shape == given["forced_ids"].shape


def test_decoding_with_a_cache_is_what_the_library_computes_at_once(translator, theirs):
    source, prefix, forced = ids(500, 40, 41, 42, 2), ids(2, 501), ids(30, 31, 32, 33, 2)
    ours = translator(source, prefix, forced)
    with torch.inference_mode():
        at_once = theirs(input_ids=source, decoder_input_ids=torch.cat([prefix, forced[:, :-1]], dim=1)).logits[:, 1:]
    torch.testing.assert_close(ours["logits"], at_once, atol=1e-4, rtol=1e-4)
    assert torch.equal(ours["target_ids"], at_once.argmax(dim=-1))


def test_a_free_translation_is_the_greedy_one_of_the_library(translator, theirs):
    source = ids(500, 40, 41, 42, 2)
    ours = translator(source, ids(2, 501))["target_ids"]
    generated = theirs.generate(source, forced_bos_token_id=501, num_beams=1, do_sample=False, max_new_tokens=12)
    assert torch.equal(ours[:, :10], generated[:, 2:12])


def test_a_free_translation_ends_with_its_sentence(translator, monkeypatch):
    source, prefix = ids(500, 40, 41, 42, 2), ids(2, 501)
    endless = translator(source, prefix)["target_ids"][0]
    assert len(endless) == 200
    monkeypatch.setattr(translator, "end", int(endless[4]))
    assert (
        translator(source, prefix)["target_ids"][0].tolist()
        == endless[: endless.tolist().index(endless[4]) + 1].tolist()
    )


def test_of_a_large_vocabulary_some_logits_are_shown_evenly_spread():
    assert nllb_network.empty(nllb.FULL_CONFIG).stride == 62  # 4,133 of 256,206
    assert nllb_network.empty(nllb.TINY_CONFIG).stride == 1


# The text.


@VOCABULARIES
def test_every_sentence_comes_back_from_its_ids_and_none_of_it_is_unknown(made, size):
    tokens = Tokens(made)
    for one in (sentence for part in made.parts for sentence in sentences(part)):
        source, target = tokens.source(one.english), tokens.target(one.german)
        assert nllb_text._SPECIAL.index("<unk>") not in source + target
        assert max(source + target) < size["vocab_size"]
        assert (tokens.decode(source), tokens.decode(target)) == (one.english, one.german)


@VOCABULARIES
def test_twenty_tokens_go_in_and_twenty_come_out(made, size):
    tokens = Tokens(made)
    for one in sentences("measured"):
        assert (len(tokens.source(one.english)), len(tokens.target(one.german))) == (20, 20)


def test_languages_stand_where_the_published_vocabulary_has_them():
    tokens = Tokens(FULL)
    assert tokens.prefix() == [2, 256_042]  # deu_Latn
    assert tokens.source("The train")[0] == 256_047  # eng_Latn


@VOCABULARIES
def test_a_text_that_was_not_foreseen_is_spelt(made, size):
    tokens = Tokens(made)
    assert tokens.decode(tokens.source("Quick zebras jump!")) == "Quick zebras jump!"


@VOCABULARIES
def test_any_choice_of_the_model_can_be_read(made, size):
    last = size["vocab_size"] - 1
    assert isinstance(Tokens(made).decode([last, last - 4, 5, 300]), str)


def test_what_comes_after_the_end_is_not_read():
    tokens = Tokens(TINY)
    train = tokens.target("Der Zug")
    assert tokens.decode([*train, *tokens.target("an die Küste")]) == "Der Zug"


@pytest.mark.parametrize("text", ["", "  \n"])
def test_a_text_of_zero_length_is_refused_in_one_line(text):
    with pytest.raises(WorkloadProblem, match=r"^the text to translate is empty; give it a word$"):
        Tokens(TINY).source(text)


# The workload, and a checkpoint.


def test_without_a_checkpoint_the_length_is_forced_and_nothing_is_examined(setting):
    examples = SMALL.workload(setting).examples
    assert all(example.load()["forced_ids"].shape == (1, 20) for example in examples)
    assert {example.label for example in examples} == {None}  # led along it, they would all but copy it
    assert LARGE.exam(setting) is None
    assert "random weights (seed 0)" in SMALL.reference(setting).provenance


def test_a_published_folder_is_loaded_whatever_it_was_saved_with(published, translator):
    module = nllb_network.skeleton(nllb.TINY_CONFIG)
    reference = SMALL.reference(published)
    reference.fill(module)
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), translator.parameters(), strict=True))
    assert reference.provenance == "checkpoint nllb"
    assert reference.identity != SMALL.reference(Setting(made=published.made)).identity


def test_an_older_folder_with_tables_that_are_computed_is_loaded_too(published, translator):
    file = published.checkpoint / "model.safetensors"
    state = load_file(file)
    save_file(
        {**state, "model.encoder.embed_positions.weights": torch.zeros(3), "final_logits_bias": torch.ones(1)}, file
    )
    module = nllb_network.skeleton(nllb.TINY_CONFIG)
    SMALL.reference(published).fill(module)
    assert torch.equal(module.shared.weight, translator.shared.weight)


def test_a_checkpoint_of_another_size_is_refused_in_one_line(published):
    module = nllb_network.skeleton({**nllb.TINY_CONFIG, "d_model": 32})
    with pytest.raises(CheckpointProblem, match=r"of shape .* where the model has") as caught:
        SMALL.reference(published).fill(module)
    assert "\n" not in str(caught.value)


def test_with_a_checkpoint_it_translates_freely_with_the_tokenizer_beside_it(published, translator):
    workload = SMALL.workload(published)
    assert all("forced_ids" not in example.load() for example in workload.examples)
    assert [example.label for example in workload.examples] == [one.german for one in sentences("measured")]
    assert workload.content != SMALL.workload(Setting(made=published.made)).content


def test_a_checkpoint_is_examined_in_what_it_writes_and_in_logits_that_compare(published, translator):
    exam = LARGE.exam(published)
    assert len(exam.examples) == len(sentences("exam"))
    assert exam.examples[0].label == "Bitte schließen Sie das Fenster."
    asked = []

    def call(inputs):
        asked.append(sorted(inputs))
        given = {name: torch.from_numpy(values) for name, values in inputs.items()}
        return {name: one.numpy() for name, one in translator(**given).items()}

    free, forced = LARGE.exam_drive(call, exam.examples[0].load())
    assert asked == [["prefix_ids", "source_ids"], ["forced_ids", "prefix_ids", "source_ids"]]
    assert set(free) == {"target_ids"}
    right = exam.examples[0].load()["forced_ids"]
    assert forced["logits"].shape == (1, right.size, 512)
    assert isinstance(LARGE.meanings[1].decode(np.ravel(free["target_ids"])), str)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda file: file.unlink(), "has no tokenizer.json; give the folder that save_pretrained wrote"),
        (lambda file: file.write_text("{"), "is no tokenizer of NLLB .*; fetch it again"),
    ],
    ids=["missing", "damaged"],
)
def test_a_checkpoint_without_its_tokenizer_is_refused_in_one_line(published, spoil, complaint):
    spoil(published.checkpoint / "tokenizer.json")
    tokens = Tokens(TINY)
    tokens.choose(published)
    with pytest.raises(CheckpointProblem, match=complaint) as caught:
        tokens.ready()
    assert "\n" not in str(caught.value)
