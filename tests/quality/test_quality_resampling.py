"""The resampler, on signals whose right answer is known."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.quality.resampling import reach, resample


def tone(hz: float, rate: int, seconds: float = 1.0) -> Any:
    return np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)


@pytest.mark.parametrize("rate", [8_000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("hz", [100, 1000, 3000])
def test_a_tone_stays_that_tone_at_another_rate(rate: int, hz: int) -> None:
    there = resample(tone(hz, rate), rate, 16_000)
    assert there.shape == (16_000,)
    edge = 200
    np.testing.assert_allclose(there[edge:-edge], tone(hz, 16_000)[edge:-edge], atol=1e-4)


@pytest.mark.parametrize("hz", [8_600, 12_000, 20_000])
def test_what_the_lower_rate_cannot_hold_is_gone_instead_of_folded_back(hz: int) -> None:
    assert np.abs(resample(tone(hz, 48_000), 48_000, 16_000)[200:-200]).max() < 1e-4


def test_at_its_own_rate_audio_is_left_alone() -> None:
    samples = tone(100, 16_000)
    assert resample(samples, 16_000, 16_000) is samples


@given(size=st.integers(0, 500), rates=st.sampled_from([(22_050, 16_000), (8_000, 16_000), (48_000, 16_000)]))
def test_audio_lasts_as_long_at_another_rate_to_the_sample(size: int, rates: tuple[int, int]) -> None:
    rate, to_rate = rates
    there = resample(np.ones(size), rate, to_rate)
    assert 0 <= there.size / to_rate - size / rate < 1 / to_rate


@pytest.mark.parametrize("rate", [22_050, 48_000])
def test_a_sample_reaches_no_further_than_is_said(rate: int) -> None:
    impulse = np.zeros(1000)
    impulse[500] = 1.0
    touched = np.flatnonzero(resample(impulse, rate, 16_000)) * rate / 16_000
    assert abs(touched - 500).max() <= reach(rate, 16_000)


@pytest.mark.parametrize("rates", [(0, 16_000), (16_000, -1)])
def test_a_rate_that_is_none_is_refused(rates: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="a sample rate is above 0"):
        resample(np.ones(3), *rates)
