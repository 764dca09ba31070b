"""The voice pipeline as declared: four stages, each giving what the next one takes, and speech of a known length."""

import itertools

import numpy as np
import pytest
import torch

from harness.errors import WorkloadProblem
from harness.models import Setting
from suites import pipeline_network, pipeline_text
from suites.models import nllb, voice_pipeline
from suites.nllb_text import TINY, Tokens, sentences

SMALL, LARGE = voice_pipeline.MODELS
AUDIBLE = 10 ** (-50 / 20)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    reference = SMALL.reference(Setting(made=tmp_path_factory.mktemp("made")))
    module = reference.skeleton()
    reference.fill(module)
    return module


@pytest.fixture
def call(pipeline):
    def run(inputs):
        with torch.inference_mode():
            made = pipeline(**{name: torch.from_numpy(np.asarray(values)) for name, values in inputs.items()})
        return {name: one.numpy() for name, one in made.items()}

    return run


@pytest.fixture
def examples(tmp_path):
    return SMALL.workload(Setting(made=tmp_path)).examples


def test_the_full_size_is_that_of_its_two_models():
    whole = pipeline_network.empty(nllb.FULL_CONFIG, {})
    counts = [sum(one.numel() for one in part.parameters()) for part in (whole.translator, whole.voice)]
    # the second is said of facebook/mms-tts-eng: 36.3 million
    assert counts == [615_073_792, 36_284_592]
    assert LARGE.size_bytes == 4 * sum(counts)


def test_the_tiny_size_is_counted_too(pipeline):
    assert SMALL.size_bytes == 4 * sum(one.numel() for one in pipeline.parameters())


def test_each_stage_gives_its_own(call, examples):
    sentence = sentences("measured")[0]
    tokenised, translated, transferred, spoken = SMALL.drive(call, examples[0].load())
    tokens = Tokens(TINY)
    assert tokens.decode(tokenised["source_ids"][0]) == sentence.english
    assert set(translated) == {"target_ids", "logits"}
    written = tokens.decode(translated["target_ids"][0])
    np.testing.assert_array_equal(transferred["text_ids"], pipeline_text.characters(written)["text_ids"])
    assert set(spoken) == {"waveform"}


def test_the_stages_are_those_that_are_named(call, examples):
    assert len(list(SMALL.drive(call, examples[0].load()))) == len(SMALL.stages)
    assert SMALL.stages == LARGE.stages == ("tokenise", "translate", "transfer", "synthesise")


def test_the_speech_is_audible_and_as_long_as_was_asked_whatever_is_said(call, examples):
    for example, frames in itertools.product(examples, (7, 16)):
        *_, spoken = SMALL.drive(call, {**example.load(), "frames": np.array(frames)})
        wave = spoken["waveform"]
        assert wave.shape == (1, 256 * frames)
        assert np.isfinite(wave).all()
        assert np.abs(wave).max() > AUDIBLE


def test_a_sentence_is_spoken_alike_every_time_and_forgets_the_last_one(call, examples):
    def said(example):
        return list(SMALL.drive(call, example.load()))[-1]["waveform"]

    first, second, again = said(examples[0]), said(examples[1]), said(examples[0])
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)


def test_nothing_is_spoken_that_was_not_transferred_since_the_last_translation(call, examples):
    inputs = examples[0].load()
    list(SMALL.drive(call, inputs))
    next(itertools.islice(SMALL.drive(call, inputs), 1, 2))
    with pytest.raises(ValueError, match="nothing to speak"):
        call({"frames": np.array(4)})


def test_a_text_of_zero_length_is_refused_in_one_line(call, examples):
    with pytest.raises(WorkloadProblem, match=r"^the text to translate is empty; give it a word$"):
        list(SMALL.drive(call, {**examples[0].load(), "text": np.array("")}))


@pytest.mark.parametrize("text", ["", "…", "?!"])
def test_a_translation_without_a_letter_is_refused_in_one_line(text):
    with pytest.raises(WorkloadProblem, match="has no letter that the voice can speak; give another text"):
        pipeline_text.characters(text)


def test_a_blank_stands_around_each_character_and_what_cannot_be_read_is_left_out():
    # the alphabet begins: blank, space, a, b, ...
    assert pipeline_text.characters("Ab 7c")["text_ids"].tolist() == [[0, 2, 0, 3, 0, 1, 0, 4, 0]]


def test_a_full_sentence_lasts_as_long_as_its_translation(tmp_path):
    sentence, example = sentences("measured")[0], LARGE.workload(Setting(made=tmp_path)).examples[0]
    assert int(example.load()["frames"]) == 4 * len(sentence.german)


def test_a_checkpoint_is_the_translators_and_the_voice_stays_random(tmp_path, pipeline):
    from suites import nllb_network
    from suites.seeded import fill

    trained = nllb_network.skeleton(nllb.TINY_CONFIG)
    fill(trained, 9)
    folder = tmp_path / "nllb"
    folder.mkdir()
    torch.save(
        {name if name.startswith("lm_head") else f"model.{name}": one for name, one in trained.state_dict().items()},
        folder / "pytorch_model.bin",
    )
    reference = SMALL.reference(Setting(made=tmp_path, checkpoint=folder))
    module = reference.skeleton()
    reference.fill(module)
    assert torch.equal(module.translator.shared.weight, trained.shared.weight)
    same = zip(module.voice.parameters(), pipeline.voice.parameters(), strict=True)
    assert all(torch.equal(ours, random) for ours, random in same)
    assert reference.provenance.startswith("translator of checkpoint nllb, voice of random weights (seed 0)")
