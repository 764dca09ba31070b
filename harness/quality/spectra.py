"""Short-time spectra on the mel scale: what metrics of audio compare, and what models were trained to hear.

Owns frames, mel bands and cepstra. Refuses to resample: a spectrum is of samples at the rate they have.
"""

from __future__ import annotations

from functools import lru_cache

from harness.quality.metric import Array

BANDS = 80
FRAME_SECONDS = 0.025
HOP_SECONDS = 0.010
FLOOR = 2.0**-15
"""The least amplitude that is told from silence: one step of 16 bits (-90 dB), below which nothing is played."""


def frames(samples: Array, size: int, hop: int) -> Array:
    """Pieces of `size` samples that begin `hop` apart, the last one filled up with silence; at least one."""
    import numpy as np

    count = max(1, -(-(samples.size - size) // hop) + 1)
    padded = np.pad(samples, (0, max(0, (count - 1) * hop + size - samples.size)))
    return np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][:count]


def log_mel(samples: Array, rate: int) -> Array:
    """The natural logarithm of the amplitude in each mel band (columns), a row a 10 ms.

    A band's amplitude is the mean of those of its bins, weighted by its triangle; a sine at full scale has amplitude 1.
    """
    import numpy as np

    size, hop = round(FRAME_SECONDS * rate), round(HOP_SECONDS * rate)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    fft_size = 1 << (size - 1).bit_length()
    amplitudes = np.abs(np.fft.rfft(frames(samples, size, hop) * (2 / window.sum() * window), fft_size))
    triangles = mel_filters(rate, fft_size, BANDS)
    weights = triangles / np.maximum(triangles.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    return np.asarray(np.log(np.maximum(amplitudes @ weights.T, FLOOR)))


def cepstra(log_amplitudes: Array, count: int) -> Array:
    """Coefficients 1 to `count` of the cosine series of each row: its shape, without its level.

    Scaled as cepstra of a spectrum are: a row is c0 + 2 Σ c_k cos(π k (n + ½) / bands).
    """
    import numpy as np

    bands = log_amplitudes.shape[1]
    angles = np.pi * np.arange(1, count + 1)[:, None] * (np.arange(bands) + 0.5)[None, :] / bands
    return np.asarray(log_amplitudes @ np.cos(angles).T / bands)


@lru_cache(maxsize=4)
def mel_filters(rate: int, fft_size: int, bands: int) -> Array:
    """Triangles on Slaney's mel scale (linear to 1 kHz, then 27 steps a factor of 6.4), each of unit area."""
    import numpy as np

    corner, steps = 1000.0 / (200 / 3), 27 / np.log(6.4)
    top = corner + steps * np.log(rate / 2 / 1000.0)
    mels = np.linspace(0, top, bands + 2)
    edges = np.where(mels < corner, mels * 200 / 3, 1000.0 * np.exp((mels - corner) / steps))
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bins = np.linspace(0, rate / 2, fft_size // 2 + 1)[None, :]
    triangles = np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle))
    return np.asarray(np.maximum(triangles, 0) * 2 / (high - low))
