"""Labels by loudness and noise at a distance, on sounds laid out by hand."""

import numpy as np
import pytest

from suites.voicing import WINDOW, speech_power, speech_windows, with_noise

LOUD, SOFT, QUIET = 0.1, 0.02, 0.001
"""SOFT is 14 dB below LOUD, QUIET 40 dB."""


def sound(*windows):
    """A sound of whole windows, each of one level: a square wave, whose power is its level squared."""
    square = np.tile([1, -1], WINDOW // 2)
    return np.concatenate([level * square for level in windows]).astype(np.float32)


@pytest.mark.parametrize(
    ("levels", "labels"),
    [
        ([0] * 3 + [LOUD] * 3 + [0] * 2, "00011100"),
        ([QUIET] * 3 + [LOUD] * 3 + [QUIET] * 2, "00011100"),
        ([LOUD, SOFT, LOUD, 0, 0], "11100"),
        ([LOUD] * 3 + [0] * 4 + [LOUD] * 3, "1111111111"),
        ([LOUD] * 3 + [0] * 5 + [LOUD] * 3, "11100000111"),
        ([LOUD] * 3 + [0] * 5 + [LOUD] * 2, "1110000000"),
        ([0] * 4 + [LOUD] * 3, "0000111"),
        ([0] * 5, "00000"),
    ],
    ids=["silence", "room", "soft", "closure", "pause", "click", "no bridge from the start", "nothing"],
)
def test_a_window_is_speech_where_the_clean_sound_is_loud_enough_and_long_enough(levels, labels):
    assert "".join(map(str, speech_windows(sound(*levels)))) == labels


def test_a_begun_window_has_a_label_of_its_own():
    begun = sound(LOUD, LOUD, LOUD, LOUD)[: 3 * WINDOW + 1]
    assert speech_windows(begun).size == 4


def test_how_loud_speech_is_counts_no_silence():
    assert speech_power(sound(0, 0, 0, LOUD, LOUD, LOUD, 0)) == pytest.approx(LOUD**2)
    assert speech_power(sound(0, 0, 0)) == 0


@pytest.mark.parametrize("decibels", [20.0, 10.0, 0.0])
def test_noise_lies_as_far_below_the_speech_as_was_said(decibels):
    clean = sound(*[0] * 50, *[LOUD] * 50)
    noise = with_noise(clean, decibels, "any").astype(np.float64) - clean
    distance = 10 * np.log10(LOUD**2 / (noise**2).mean())
    assert distance == pytest.approx(decibels, abs=0.1)  # 51,200 draws: the deviation of the mean square is .03 dB
    assert abs(np.corrcoef(noise[:-1], noise[1:])[0, 1]) < 0.02


def test_the_same_text_gives_the_same_noise_and_another_gives_other_noise():
    clean = sound(LOUD, LOUD, LOUD)
    first = with_noise(clean, 20.0, "a")
    np.testing.assert_array_equal(with_noise(clean, 20.0, "a"), first)
    assert (with_noise(clean, 20.0, "b") != first).any()


def test_no_noise_changes_nothing():
    clean = sound(LOUD, 0, LOUD)
    np.testing.assert_array_equal(with_noise(clean, None, "a"), clean)
