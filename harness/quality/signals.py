"""Signals that metrics of audio check themselves on: something like a voice, and noise at a known level below it.

Made anew from a seed, the same on every machine; no recording is shipped.
"""

from __future__ import annotations

from harness.quality.metric import Array

_PITCH_HZ = 120.0
_FORMANTS = (((700.0, 90.0), (1200.0, 110.0), (2600.0, 160.0)), ((300.0, 60.0), (2200.0, 120.0), (3000.0, 170.0)))
"""Centre and width in Hz of the resonances of two vowels, "ah" and "ee"."""
_SYLLABLES_A_SECOND = 4.0


def voice_like(rate: int, seconds: float = 2.0) -> Array:
    """Harmonics of a gliding pitch under the resonances of two vowels in turn, loud and soft as syllables are.

    A quarter of a second at either end is silent.
    """
    import numpy as np

    moments = np.arange(round(rate * seconds)) / rate
    phase = 2 * np.pi * np.cumsum(_PITCH_HZ * (1 + 0.1 * np.sin(2 * np.pi * 0.7 * moments))) / rate
    vowel = 0.5 + 0.5 * np.sin(np.pi * _SYLLABLES_A_SECOND * moments)
    samples = np.zeros(moments.size)
    for harmonic in range(1, int(min(4000.0, 0.45 * rate) / (1.1 * _PITCH_HZ)) + 1):
        first, second = (_resonance(harmonic * _PITCH_HZ, formants) for formants in _FORMANTS)
        samples += (vowel * first + (1 - vowel) * second) * np.sin(harmonic * phase)
    samples *= 0.5 - 0.5 * np.cos(2 * np.pi * _SYLLABLES_A_SECOND * moments)
    samples[: rate // 4] = 0
    samples[-(rate // 4) :] = 0
    return np.asarray(0.5 * samples / np.abs(samples).max())


def with_noise(samples: Array, snr_db: float, seed: int = 0) -> Array:
    """The same with white noise so many dB below it."""
    import numpy as np

    noise = np.random.default_rng(seed).standard_normal(samples.size)
    power = float((samples**2).mean()) / 10 ** (snr_db / 10)
    return np.asarray(samples + noise * np.sqrt(power))


def _resonance(hz: float, formants: tuple[tuple[float, float], ...]) -> float:
    return sum(1 / (1 + ((hz - centre) / width) ** 2) for centre, width in formants)
