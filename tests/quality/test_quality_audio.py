"""Audio beside fp32's: each formula worked by hand, and what counts where nothing came out."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.quality import audio
from harness.quality.metric import Case
from harness.quality.spectra import BANDS

RATE = 16_000
signals = arrays(np.float64, st.integers(1, 900), elements=st.floats(-1, 1, width=32))


def case(output: Any, reference: Any = None, *, rate: int = RATE, failed: str | None = None) -> Case:
    return Case(
        "e1",
        np.asarray(output, dtype=np.float32),
        None if reference is None else np.asarray(reference, dtype=np.float32),
        sample_rate=rate,
        failed=failed,
    )


def noise(seed: int = 0, seconds: float = 1.0) -> Any:
    return np.random.default_rng(seed).standard_normal(int(RATE * seconds)) * 0.1


@pytest.mark.parametrize("metric", audio.METRICS, ids=lambda metric: metric.metric.name)
def test_every_metric_passes_its_own_check(metric: Any) -> None:
    assert metric.self_check() is None


@pytest.mark.parametrize(
    ("output", "decibels"),
    [
        ([1, 0.1, 1, 0.1], 20.0),  # a tenth of the amplitude beside the reference, at right angles to it
        ([30, 3, 30, 3], 20.0),  # whatever its loudness
        ([-1, -0.1, -1, -0.1], 20.0),  # or its sign
        ([1, 1, 1, 1], 0.0),
        ([1, 0, 1, 0], 100.0),
        ([2, 0, 2, 0], 100.0),
        ([0, 1, 0, 1], -100.0),
        ([0, 0, 0, 0], -100.0),
        ([1, 0.1, 1, 0.1, 9, 9], 20.0),  # what is longer is another metric's affair
    ],
)
def test_the_scale_invariant_ratio_of_a_known_mixture(output: list[float], decibels: float) -> None:
    assert audio.si_sdr_db(case(output, [1, 0, 1, 0])) == (pytest.approx(decibels, abs=1e-5),)


@pytest.mark.parametrize(("output", "decibels"), [([0, 0], 100.0), ([0, 1], -100.0)])
def test_beside_silence_only_silence_is_right(output: list[float], decibels: float) -> None:
    assert audio.si_sdr_db(case(output, [0, 0])) == (decibels,)


def test_twice_as_loud_is_ln_2_away() -> None:
    assert audio.log_mel_distance(case(2 * noise(), noise())) == (pytest.approx(math.log(2), abs=1e-6),)


def test_the_cepstral_distance_is_of_the_shape_and_not_of_the_level() -> None:
    assert audio.mcd_dtw_db(case(2 * noise(), noise())) == (pytest.approx(0, abs=1e-5),)


@pytest.mark.parametrize("height", [0.1, 1.0])
def test_the_cepstral_distance_of_a_ripple_across_the_bands_is_its_root_mean_square_in_decibels(height: float) -> None:
    level = np.random.default_rng(0).standard_normal((7, BANDS))
    ripple = height * np.cos(np.pi * 3 * (np.arange(BANDS) + 0.5) / BANDS)
    decibels = 20 * math.log10(math.e) * height / math.sqrt(2)
    assert audio.mel_cepstral_db(level + ripple, level) <= decibels * (1 + 1e-12)
    still = np.repeat(level[:1], 7, axis=0)  # nothing to be gained by waiting
    assert audio.mel_cepstral_db(still + ripple, still) == pytest.approx(decibels)


def test_a_pause_in_front_moves_the_warped_metric_less_than_the_aligned_one() -> None:
    voice = np.concatenate([np.zeros(RATE // 4), noise(), np.zeros(RATE // 4)])
    late = case(np.roll(voice, RATE // 50), voice)
    (warped,), (aligned,) = audio.mcd_dtw_db(late), audio.log_mel_distance(late)
    assert warped < 0.1
    assert aligned > 0.1


@pytest.mark.parametrize(("size", "drift"), [(100, 0.0), (95, 0.05), (110, 0.1), (0, 1.0)])
def test_a_drift_is_a_share_of_the_references_length(size: int, drift: float) -> None:
    assert audio.duration_drift(case(np.ones(size), np.ones(100))) == (pytest.approx(drift),)


def test_samples_at_full_scale_are_counted() -> None:
    assert audio.clipped_share(case([1.0, -1.2, 0.5, 0.9985, 0.9995])) == (3.0, 5.0)


@pytest.mark.parametrize(("amplitude", "silent"), [(0.0011, 0.0), (0.0009, 1.0)])
def test_a_frame_below_minus_60_decibels_is_silent(amplitude: float, silent: float) -> None:
    assert audio.silent_share(case(np.full(20, amplitude), rate=1000)) == (silent, 1.0)


def test_silent_frames_are_counted_in_steps_of_20_milliseconds_with_what_is_left_at_the_end() -> None:
    samples = np.concatenate([np.zeros(20), np.full(20, 0.1), np.zeros(10)])
    assert audio.silent_share(case(samples, rate=1000)) == (2.0, 3.0)


NOTHING = {
    "log_mel_distance": lambda terms: terms[0] > 1.0,
    "si_sdr_db": lambda terms: terms == (-100.0,),
    "mcd_dtw_db": lambda terms: terms[0] > 1.0,
    "duration_drift": lambda terms: terms == (1.0,),
    "silent_share": lambda terms: terms == (50.0, 50.0),
    "clipped_share": lambda terms: terms is None,
}


@pytest.mark.parametrize(
    "nothing",
    [
        case([], noise(), failed="it raised"),
        case([], noise()),
        case(np.where(np.arange(RATE) == 9, np.nan, noise()), noise()),
    ],
    ids=["failed", "empty", "not finite"],
)
@pytest.mark.parametrize("metric", audio.METRICS, ids=lambda metric: metric.metric.name)
def test_where_nothing_came_out_it_counts_as_silence_and_is_not_left_away(metric: Any, nothing: Case) -> None:
    assert NOTHING[metric.metric.name](metric.terms(nothing))


@pytest.mark.parametrize("terms", [audio.log_mel_distance, audio.si_sdr_db, audio.mcd_dtw_db, audio.duration_drift])
def test_what_needs_the_reference_says_nothing_without_it(terms: Any) -> None:
    assert terms(case(noise())) is None


@given(signals)
def test_the_same_samples_are_at_the_ceiling_exactly(samples: Any) -> None:
    same = case(samples, samples)
    assert audio.log_mel_distance(same) == (0.0,)
    assert audio.si_sdr_db(same) == (100.0,)
    assert audio.mcd_dtw_db(same) == (0.0,)
    assert audio.duration_drift(same) == (0.0,)


@given(signals, signals)
def test_distances_are_ranges_and_the_same_from_either_side(one: Any, other: Any) -> None:
    there, back = case(one, other), case(other, one)
    for distance in (audio.log_mel_distance, audio.mcd_dtw_db):
        (value,), (swapped,) = distance(there), distance(back)
        assert value >= 0
        assert value == pytest.approx(swapped)
    (ratio,) = audio.si_sdr_db(there)
    assert -100 <= ratio <= 100
    for counted in (audio.silent_share(there), audio.clipped_share(there)):
        assert counted is not None
        assert 0 <= counted[0] <= counted[1]
