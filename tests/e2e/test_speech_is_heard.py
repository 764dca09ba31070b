"""The recogniser and the rater of the real packages, on a real recording and on the Piper voice."""

import numpy as np
import onnxruntime
import pytest

from harness.models import Setting
from harness.quality import dnsmos, hearing
from harness.quality.metric import Case
from harness.quality.signals import with_noise
from suites.clips import Clip
from suites.models.piper import MODELS

TALE = Clip("tale", "assets/two_cities.wav", 1200, 8500)
TEXT = "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness."
SENTENCES = {
    "short-yes": "Yes, of course.",
    "short-time": "What time is it?",
    "medium-call": "Please call me back before six.",
    "medium-rain": "It rained, so we stayed inside.",
}


@pytest.fixture(scope="module")
def tale():
    return TALE.samples().astype(np.float64)


def read(samples, rate=16_000, label=TEXT):
    return Case("tale", samples, label=label, sample_rate=rate)


def share(terms):
    errors, of = terms
    return errors / of


def test_a_man_who_reads_aloud_is_understood(tale):
    errors, words = hearing.word_error_rate(read(tale))
    assert words == 24
    assert errors <= 3
    assert share(hearing.character_error_rate(read(tale))) < 0.1


def test_noise_costs_words(tale):
    of_snr = [share(hearing.word_error_rate(read(with_noise(tale, snr_db)))) for snr_db in (40, 10, -5)]
    assert of_snr[0] < 0.3 < of_snr[1] < of_snr[2]


def test_speech_played_at_another_rate_is_not_understood(tale):
    assert share(hearing.word_error_rate(read(tale, rate=24_000))) > 0.5


def test_what_is_heard_does_not_hang_on_what_was_heard_before(tale):
    pieces = [tale[:40_000], tale[40_000:80_000], tale[80_000:]]
    there = [hearing.ear().anew(piece) for piece in pieces]
    back = [hearing.ear().anew(piece) for piece in reversed(pieces)]
    assert there == back[::-1]


@pytest.mark.parametrize("metric", [*hearing.METRICS, *dnsmos.METRICS], ids=lambda metric: metric.metric.name)
def test_the_real_recogniser_and_the_real_rater_pass_their_own_check(metric):
    assert metric.self_check() is None


def test_the_piper_voice_is_understood(tmp_path):
    joe = MODELS[0]
    session = onnxruntime.InferenceSession(joe.reference(Setting(made=tmp_path)).path)
    examples = {example.id: example for example in joe.workload(Setting(made=tmp_path)).examples}
    counted = []
    for name, text in SENTENCES.items():
        audio = session.run(["output"], dict(examples[name].load()))[0].ravel()
        counted.append(hearing.word_error_rate(read(audio, joe.audio.sample_rate, text)))
    assert sum(errors for errors, _ in counted) <= 0.2 * sum(words for _, words in counted)


def test_a_clean_recording_is_rated_above_a_noisy_one(tale):
    ratings = [dnsmos.dnsmos(read(tale))[0], *(dnsmos.dnsmos(read(with_noise(tale, snr)))[0] for snr in (10, 0))]
    assert 5 > ratings[0] > ratings[1] > ratings[2] > 1
    assert ratings[0] > 2.8


def test_the_rating_is_that_of_the_published_model_and_mapping(tale):
    window = np.resize(tale, 144_160).astype(np.float32)
    session = onnxruntime.InferenceSession(dnsmos._model())
    ((_, _, overall),) = session.run(None, {"input_1": window[None]})[0]
    assert dnsmos.dnsmos(read(tale))[0] == pytest.approx(-0.06766283 * overall**2 + 1.11546468 * overall + 0.04602535)
