"""Made-up inputs: the same on every machine, spread as they say, and worked by hand from the raw stream."""

import numpy as np
import pytest

from suites.draws import below, normal


def test_draws_are_worked_from_the_raw_stream_in_whole_numbers():
    words = [int(word) for word in np.random.PCG64(7).random_raw(6)]
    assert below(7, 1000, 2, 3).ravel().tolist() == [(word >> 32) * 1000 >> 32 for word in words]
    pieces = [word >> place & 0xFFFF for word in words for place in (0, 16, 32, 48)]
    variance = 12 * (65_536**2 - 1) / 12
    by_hand = [(sum(pieces[first : first + 12]) - 12 * 65_535 / 2) / variance**0.5 for first in (0, 12)]
    assert normal(7, 2).tolist() == pytest.approx(by_hand, rel=1e-6)


def test_the_raw_stream_is_the_one_that_numpy_promises():
    # the first lines of numpy's own numpy/random/tests/data/pcg64-testset-1.csv
    first = [0x60D24054E17A0698, 0xD5E79D89856E4F12, 0xD254972FE64BD782]
    assert np.random.PCG64(0xDEADBEAF).random_raw(3).tolist() == first


def test_draws_have_mean_zero_and_variance_one():
    drawn = normal(3, 100, 1000)
    assert drawn.shape == (100, 1000)
    assert drawn.dtype == np.float32
    assert abs(drawn.mean()) < 5 / np.sqrt(drawn.size)
    assert drawn.var() == pytest.approx(1, abs=0.02)


def test_every_whole_number_below_is_as_likely_as_the_others():
    counts = np.bincount(below(3, 10, 100_000), minlength=10)
    assert len(counts) == 10
    assert np.abs(counts - 10_000).max() < 5 * np.sqrt(100_000 * 0.1 * 0.9)


def test_another_seed_draws_another():
    assert not np.array_equal(normal(1, 8), normal(2, 8))
    assert not np.array_equal(below(1, 1 << 20, 8), below(2, 1 << 20, 8))
