"""What failed, how it is rated, and whether it is the same speaker; without the packages that rate and tell apart."""

import math
import sys
from typing import Any

import numpy as np
import pytest

from harness.quality import dnsmos, speaker, speech
from harness.quality.metric import CannotScore, Case

RATE = 16_000
VOICE = np.random.default_rng(0).standard_normal(RATE) * 0.1


def case(output: Any, reference: Any = None, failed: str | None = None) -> Case:
    return Case("e1", output, reference, sample_rate=RATE, failed=failed)


NOTHING = pytest.mark.parametrize(
    "nothing",
    [
        case(np.zeros(0), VOICE, failed="it raised"),
        case(np.zeros(0), VOICE),
        case(np.zeros(RATE), VOICE),
        case(VOICE * 1e-3, VOICE),
        case(VOICE * np.inf, VOICE),
    ],
    ids=["failed", "empty", "silent", "inaudible", "not finite"],
)


@NOTHING
def test_what_gave_nothing_to_hear_has_failed(nothing: Case) -> None:
    assert speech.failed_share(nothing) == (1.0,)


@NOTHING
def test_what_gave_nothing_to_hear_has_the_worst_rating_and_is_like_nobody(nothing: Case) -> None:
    assert dnsmos.dnsmos(nothing) == (1.0,)
    assert speaker.speaker_similarity(nothing) == (0.0,)


def test_what_is_heard_for_a_moment_has_not_failed() -> None:
    samples = np.zeros(RATE)
    samples[-400:] = VOICE[:400]
    assert speech.failed_share(case(samples)) == (0.0,)


def test_every_metric_of_audio_and_speech_is_gathered_once() -> None:
    names = [metric.metric.name for metric in speech.METRICS]
    assert len(names) == len(set(names)) == 11


@pytest.mark.parametrize(
    ("seconds", "starts"),
    [(9.01, [0]), (18.02, [0, 144_160]), (20.0, [0, 144_160, 320_000 - 144_160])],
)
def test_a_long_recording_is_heard_to_its_end_in_whole_windows(seconds: float, starts: list[int]) -> None:
    heard = dnsmos.windows(np.arange(round(seconds * RATE)))
    assert heard[:, 0].tolist() == starts
    assert heard.shape == (len(starts), 144_160)


def test_a_short_recording_is_repeated_until_it_fills_a_window() -> None:
    (heard,) = dnsmos.windows(np.arange(100_000))
    assert heard[99_999] == 99_999
    assert heard[100_000] == 0
    assert heard.size == 144_160


class Turned:
    """Gives every audio the angle of its loudest sample, in degrees."""

    def embedding(self, samples: Any) -> Any:
        angle = math.radians(float(samples.max()) * 100)
        return np.array([math.cos(angle), math.sin(angle)])


@pytest.fixture
def turned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaker, "encoder", Turned)


@pytest.mark.usefixtures("turned")
@pytest.mark.parametrize(("output", "likeness"), [(0.1, 1.0), (0.7, 0.5), (1.0, 0.0)])
def test_likeness_is_the_cosine_of_the_two_embeddings(output: float, likeness: float) -> None:
    found = speaker.speaker_similarity(case(np.full(RATE, output), np.full(RATE, 0.1)))
    assert found == (pytest.approx(likeness),)


def test_the_same_audio_is_the_same_speaker_without_asking() -> None:
    assert speaker.speaker_similarity(case(VOICE, VOICE.copy())) == (1.0,)


@pytest.mark.parametrize("reference", [None, np.zeros(RATE)])
def test_likeness_to_nothing_is_no_number(reference: Any) -> None:
    assert speaker.speaker_similarity(case(VOICE, reference)) is None


def test_a_missing_encoder_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resemblyzer", None)
    with pytest.raises(CannotScore, match=r'resemblyzer does not import .* pip install resemblyzer "setuptools<81"'):
        speaker.Resemblyzer()
