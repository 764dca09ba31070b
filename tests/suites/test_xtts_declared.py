"""How XTTS v2 is declared: the same lines whole and streamed, nothing heavy imported, no text without words."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.errors import WorkloadProblem
from harness.models import Setting
from suites.models import xtts
from suites.models.xtts import Line, spoken
from suites.xtts_config import FULL, TINY

BY_NAME = {model.name: model for model in xtts.MODELS}
SETTING = Setting(made=None)
LINE = Line("a line", text_tokens=5, audio_tokens=9, voice_frames=12, seed=3)


def test_listing_the_models_imports_nothing_heavy():
    heavy = ("numpy", "torch", "transformers")
    code = f"import sys, suites.models.xtts; print(sorted(set({heavy!r}) & set(sys.modules)))"
    root = Path(xtts.__file__).parents[2]
    heard = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert heard.stdout.strip() == "[]"


def test_there_are_two_ways_of_speaking_in_two_sizes():
    sizes = {name: (model.size, model.streaming) for name, model in BY_NAME.items()}
    assert sizes == {
        "xtts-v2-tiny": ("tiny", False),
        "xtts-v2-stream-tiny": ("tiny", True),
        "xtts-v2": ("full", False),
        "xtts-v2-stream": ("full", True),
    }


@pytest.mark.parametrize(("whole", "stream"), [("xtts-v2-tiny", "xtts-v2-stream-tiny"), ("xtts-v2", "xtts-v2-stream")])
def test_what_is_streamed_is_what_is_spoken_whole_with_the_same_weights(whole, stream):
    one, other = (BY_NAME[name].workload(SETTING) for name in (whole, stream))
    assert one.content != other.content, "a stream by chunks of another size is another workload"
    for a, b in zip(one.examples, other.examples, strict=True):
        first, second = a.load(), b.load()
        assert first.keys() == second.keys()
        assert all(np.array_equal(first[name], second[name]) for name in first)
    assert BY_NAME[whole].reference(SETTING).identity == BY_NAME[stream].reference(SETTING).identity


@pytest.mark.parametrize("config", [TINY, FULL], ids=["tiny", "full"])
def test_tokens_are_of_the_vocabulary_and_none_of_them_starts_or_stops(config):
    long = replace(LINE, text_tokens=config.most_text, audio_tokens=config.most_audio)
    drawn = spoken(long, config)
    text, audio = drawn["text_ids"], drawn["audio_ids"]
    assert not np.isin(text, (config.start_text, config.stop_text)).any()
    assert text.min() > 0
    assert text.max() < config.text_vocabulary
    assert audio.min() >= 0
    assert audio.max() < config.start_audio


def test_a_line_is_drawn_the_same_every_time_and_another_seed_draws_another():
    one, same, other = (spoken(line, TINY) for line in (LINE, LINE, replace(LINE, seed=4)))
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert not any(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (replace(LINE, text_tokens=0), "line 'a line' has text of zero length; give it one token or more"),
        (replace(LINE, audio_tokens=0), "line 'a line' has audio of zero length; give it one token or more"),
        (
            replace(LINE, text_tokens=63),
            "63 tokens of text and 9 of audio; XTTS takes 62 and 61 at most: cut",
        ),
        (
            replace(LINE, audio_tokens=62),
            "5 tokens of text and 62 of audio; XTTS takes 62 and 61 at most: cut",
        ),
    ],
    ids=["no text", "no audio", "long text", "long audio"],
)
def test_a_text_of_zero_length_or_too_long_is_refused_in_one_line(line, complaint):
    with pytest.raises(WorkloadProblem) as caught:
        spoken(line, TINY)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def calls(chunk, audio_tokens):
    made = []

    def call(arrays):
        made.append({name: array for name, array in arrays.items() if name in ("chunk_tokens", "more")})
        return {"audio": np.zeros((1, 1), np.float32)}

    list(xtts._stream(chunk, call, spoken(replace(LINE, audio_tokens=audio_tokens), TINY)))
    return [next(iter(one)) for one in made]


@pytest.mark.parametrize(("tokens", "mores"), [(1, 0), (8, 0), (9, 1), (16, 1), (17, 2)])
def test_a_stream_asks_for_as_many_chunks_as_the_tokens_fill(tokens, mores):
    assert calls(8, tokens) == ["chunk_tokens", *("more",) * mores]
