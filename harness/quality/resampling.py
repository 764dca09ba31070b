"""The one resampler: every metric hears audio through it, and a suite's recordings may as well.

Owns the change of a sample rate, deterministic and in numpy alone. Refuses to read files and to guess a rate.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
else:
    Array = Any

_ZERO_CROSSINGS = 32
_KAISER_BETA = 9.0
_ROLL_OFF = 0.945


def resample(samples: Array, rate: int, to_rate: int) -> Array:
    """Change the sample rate by a polyphase windowed-sinc filter (Kaiser window, 32 zero crossings a side).

    Silence is assumed before the first and after the last sample. Cf. J. O. Smith, Digital Audio Resampling.
    """
    import numpy as np

    if rate <= 0 or to_rate <= 0:
        raise ValueError(f"a sample rate is above 0, got {rate} and {to_rate}")
    if rate == to_rate:
        return samples
    up, down = _ratio(rate, to_rate)
    phases = _phases(up, down)
    taps = phases.shape[1]
    length = -(-samples.size * up // down)
    before = taps // 2 - 1
    padded = np.pad(samples.astype(np.float64), (before, taps + down))
    windows = np.lib.stride_tricks.sliding_window_view(padded, taps)
    resampled = np.empty(length, dtype=np.float64)
    for phase in range(up):
        # the outputs phase, phase + up, ... lie at input positions that share one fraction and step by `down`
        whole, fraction = divmod(phase * down, up)
        count = len(range(phase, length, up))
        resampled[phase::up] = windows[whole : whole + count * down : down][:count] @ phases[fraction]
    return resampled.astype(np.float32)


def reach(rate: int, to_rate: int) -> int:
    """Input samples to either side of an output sample that it depends on."""
    return _half_taps(*_ratio(rate, to_rate)) + 1


def _ratio(rate: int, to_rate: int) -> tuple[int, int]:
    """Return the rates' ratio in lowest terms, up over down."""
    common = math.gcd(rate, to_rate)
    return to_rate // common, rate // common


def _half_taps(up: int, down: int) -> int:
    """Input samples that the filter covers on either side: more where it must cut below the input's own band."""
    return math.ceil(_ZERO_CROSSINGS * max(up, down) / up)


@lru_cache(maxsize=8)
def _phases(up: int, down: int) -> Array:
    """Filter taps by the output's fraction (in 1/up) between two input samples; each row sums to 1."""
    import numpy as np

    half = _half_taps(up, down)
    distance = np.arange(1 - half, half + 1)[None, :] - np.arange(up)[:, None] / up
    cutoff = _ROLL_OFF * min(1.0, up / down)
    inside = np.clip(1 - (distance / half) ** 2, 0, None)
    taps = np.sinc(cutoff * distance) * np.i0(_KAISER_BETA * np.sqrt(inside))
    phases: Array = taps / taps.sum(axis=1, keepdims=True)
    return phases
