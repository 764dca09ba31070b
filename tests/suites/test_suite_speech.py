"""Reading and cutting of recordings, on signals whose right answer is known."""

import wave

import numpy as np
import pytest

from harness.errors import WorkloadProblem
from suites import speech


def tone(hz, rate, seconds=1.0):
    return np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate).astype(np.float32)


def write(path, samples, rate=16_000, channels=1, width=2):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype({1: "u1", 2: "<i2"}[width]).tobytes())
    return path


@pytest.mark.parametrize("rate", [16_000, 24_000, 48_000])
def test_a_cut_is_the_same_samples_as_a_cut_of_the_whole(tmp_path, rate):
    noise = np.random.default_rng(0).uniform(-0.9, 0.9, rate).astype(np.float32)
    path = write(tmp_path / "noise.wav", noise, rate)
    whole = speech.read_clip(path, 0, 1000)
    assert whole.size == 16_000
    for start_ms, end_ms in [(0, 333), (17, 500), (700, 1000)]:
        cut = speech.read_clip(path, start_ms, end_ms)
        np.testing.assert_allclose(cut, whole[start_ms * 16 : end_ms * 16], atol=1e-7)


@pytest.mark.parametrize(("channels", "width", "rate"), [(2, 2, 16_000), (1, 1, 16_000), (1, 2, 44_100)])
def test_another_format_is_refused(tmp_path, channels, width, rate):
    path = write(tmp_path / "odd.wav", np.zeros(rate * channels), rate, channels, width)
    with pytest.raises(WorkloadProblem, match=r"odd.wav is not 16-bit mono PCM .* convert it"):
        speech.read_clip(path, 0, 500)


def test_a_cut_beyond_the_end_is_refused(tmp_path):
    path = write(tmp_path / "brief.wav", np.zeros(16_000))
    with pytest.raises(WorkloadProblem, match=r"brief\.wav lasts 1000 ms"):
        speech.read_clip(path, 500, 1001)


def test_a_file_that_is_no_wav_is_named(tmp_path):
    path = tmp_path / "no.wav"
    path.write_bytes(b"RIFFxxxxWAVE")
    with pytest.raises(WorkloadProblem, match=r"no\.wav cannot be read as a WAV file"):
        speech.read_clip(path, 0, 1)


def test_the_end_of_a_turn_stays_at_the_end_of_the_window():
    short, long = tone(300, 16_000, 1), tone(300, 16_000, 9)
    window = speech.turn_window(short)
    assert window.size == 8 * 16_000
    assert not window[:-16_000].any()
    np.testing.assert_array_equal(window[-16_000:], short)
    np.testing.assert_array_equal(speech.turn_window(long), long[16_000:])


def test_a_normalised_clip_has_mean_zero_and_variance_one():
    heard = speech.normalised(3 + 5 * tone(100, 16_000))
    assert abs(heard.mean()) < 1e-5
    assert heard.var() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(("hz", "mel"), [(1000, 15.0), (200, 3.0), (6400, 42.0)])
def test_a_tone_lights_up_the_band_of_its_pitch(hz, mel):
    # Slaney: 15 mel at 1 kHz, a mel each 66.7 Hz below, 27 mel a factor of 6.4 above; 8 kHz is 45.245 mel
    step = (15 + 27 * np.log(8) / np.log(6.4)) / 81
    features = speech.log_mel(tone(hz, 16_000, 8))
    assert features.shape == (80, 800)
    assert features.dtype == np.float32
    brightest = features[:, 400].argmax()
    assert abs((brightest + 1) * step - mel) <= step


def test_features_span_no_more_than_80_decibels():
    features = speech.log_mel(speech.turn_window(tone(440, 16_000, 1)))
    assert features.max() - features.min() == pytest.approx(2.0, abs=1e-6)
