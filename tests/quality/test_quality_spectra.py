"""Mel spectra and cepstra of signals whose spectrum is known."""

import numpy as np
import pytest

from harness.quality.spectra import BANDS, FLOOR, cepstra, frames, log_mel, mel_filters


def test_the_last_frame_is_filled_up_with_silence() -> None:
    assert frames(np.arange(1.0, 8.0), 4, 2).tolist() == [[1, 2, 3, 4], [3, 4, 5, 6], [5, 6, 7, 0]]


@pytest.mark.parametrize("size", [0, 1, 4])
def test_there_is_a_frame_of_whatever_is_short(size: int) -> None:
    assert frames(np.ones(size), 4, 2).shape == (1, 4)


def test_the_logarithm_falls_by_ln_10_where_the_amplitude_falls_tenfold() -> None:
    loud = np.random.default_rng(0).standard_normal(16_000)
    np.testing.assert_allclose(log_mel(loud, 16_000) - log_mel(loud / 10, 16_000), np.log(10))


def test_silence_is_at_the_floor_and_no_lower() -> None:
    spectrum = log_mel(np.zeros(16_000), 16_000)
    assert spectrum.shape == (99, BANDS)  # 25 ms each 10 ms: the 98 whole ones of a second, and what is left of it
    np.testing.assert_array_equal(spectrum, np.log(FLOOR))


@pytest.mark.parametrize("rate", [16_000, 22_050, 48_000])
def test_a_tone_at_full_scale_lights_up_the_bands_of_its_pitch_and_no_more_than_fully(rate: int) -> None:
    spectrum = np.exp(log_mel(np.sin(2 * np.pi * 1000 * np.arange(rate) / rate), rate)[20])
    # Slaney: 15 mel at 1 kHz, above that 27 mel a factor of 6.4; band n lies at (n + 1) / 81 of the greatest
    greatest = 15 + 27 * np.log(rate / 2000) / np.log(6.4)
    assert abs((spectrum.argmax() + 1) * greatest / 81 - 15) <= greatest / 81
    assert 0.3 < spectrum.max() <= 1.0


@pytest.mark.parametrize("order", [1, 2, 13])
def test_a_cosine_across_the_bands_is_one_cepstrum_of_half_its_height(order: int) -> None:
    bands = np.cos(np.pi * order * (np.arange(BANDS) + 0.5) / BANDS)
    found = cepstra(7.0 + 3.0 * bands[None, :], 13)
    np.testing.assert_allclose(found[0], np.where(np.arange(1, 14) == order, 1.5, 0.0), atol=1e-12)


def test_every_band_has_unit_area() -> None:
    width_hz = 16_000 / 4096
    np.testing.assert_allclose(mel_filters(16_000, 4096, 40).sum(axis=1) * width_hz, 1.0, rtol=0.02)
