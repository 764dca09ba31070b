"""Where a clean recording holds speech, how loud that is, and seeded noise at a known distance below it.

Labels come from the clean sound alone, before any noise is added: no model has a say in them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from suites.speech import Samples

WINDOW = 512
"""Samples that one label is for: 32 ms at 16 kHz."""

BELOW_LOUD_DB = 20.0
"""A window may be this much quieter than the loud ones of its clip: above the room (29 dB below) of the recording."""

LONGEST_GAP = 4
"""Quieter windows in a row, between two of speech, that still count as speech: stops closing, soft consonants."""

SHORTEST_SPEECH = 3
"""Fewer windows in a row are a click and no speech."""

_LOUD_PERCENTILE = 95
RULE = (WINDOW, BELOW_LOUD_DB, LONGEST_GAP, SHORTEST_SPEECH, _LOUD_PERCENTILE)
"""All that decides the labels of a sound."""

_PIECES = 12


def speech_windows(clean: Samples) -> NDArray[np.int64]:
    """1 for each begun window that holds speech, else 0."""
    import numpy as np

    power = _window_power(clean)
    loud = np.percentile(power, _LOUD_PERCENTILE)
    if not loud:
        return np.zeros(power.size, dtype=np.int64)
    speech = power >= loud * 10 ** (-BELOW_LOUD_DB / 10)
    for first, last in _runs(~speech):
        if 0 < first < last < speech.size and last - first <= LONGEST_GAP:
            speech[first:last] = True
    for first, last in _runs(speech):
        if last - first < SHORTEST_SPEECH:
            speech[first:last] = False
    return speech.astype(np.int64)


def _runs(marked: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where marked windows follow one another: the first of each run, and the one after its last."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate([[0], marked.astype(np.int8), [0]])))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def speech_power(clean: Samples) -> float:
    """Mean power of the windows that hold speech; 0 where none does."""
    speech = speech_windows(clean).astype(bool)
    return float(_window_power(clean)[speech].mean()) if speech.any() else 0.0


def with_noise(clean: Samples, decibels: float | None, seed_text: str) -> Samples:
    """Add white noise that lies so many decibels below the speech; None adds none."""
    import numpy as np

    if decibels is None:
        return clean
    deviation = np.sqrt(speech_power(clean) * 10 ** (-decibels / 10))
    noisy: Samples = (clean + deviation * _white(clean.size, seed_text)).astype(np.float32)
    return noisy


def _window_power(clean: Samples) -> NDArray[np.float64]:
    """Mean square of each begun window; the last is filled up with silence."""
    import numpy as np

    padded = np.pad(clean.astype(np.float64), (0, -clean.size % WINDOW))
    power: NDArray[np.float64] = (padded.reshape(-1, WINDOW) ** 2).mean(axis=1)
    return power


def _white(count: int, seed_text: str) -> NDArray[np.float64]:
    """Sums of twelve whole numbers, mean 0 and variance 1: the same on every machine, as no logarithm is."""
    import numpy as np

    seed = int.from_bytes(hashlib.sha256(seed_text.encode()).digest()[:8], "big")
    words = np.random.PCG64(seed).random_raw(count * _PIECES // 4)
    sums = words.view(np.uint16).reshape(count, _PIECES).sum(axis=1, dtype=np.int64)
    white: NDArray[np.float64] = (sums - _PIECES * (2**16 - 1) / 2) / np.sqrt(_PIECES * (2**32 - 1) / 12)
    return white
