"""Metrics of audio beside fp32's of the same input, sample by sample and frame by frame.

They are of a pass whose durations and noise are those of fp32 (a VITS voice with both noise scales at 0): sequences
that drift apart are told by `duration_drift`, and the aligned ones look at what both have. What failed, or holds a
sample that is not finite, is heard as silence as long as the reference: it is counted, never left away.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, sqrt

from harness.quality.checks import Trial, self_checked
from harness.quality.metric import Array, Case, Kind, QualityMetric
from harness.quality_metrics import QUALITY
from harness.scores import Terms

CAP_DB = 100.0
FULL_SCALE = 0.999
"""From here on a sample counts as clipped: one step of 10 bits below the greatest that players accept."""
SILENT_FRAME_SECONDS = 0.020
SILENT_DB = -60.0
"""RMS below which a frame is silent: 10 dB under the level from which a single sample is taken for audible
(`probes.stopwatch.AUDIBLE`), as the peaks of speech lie about 10 dB above its RMS."""
_CEPSTRA = 13
_CHECK_RATE = 16_000


def heard(case: Case) -> Array:
    """The output as audio: empty where nothing came out, or where any sample is not finite."""
    return _audio(case.output) if case.failed is None else _audio(None)


def reference_audio(case: Case) -> Array:
    """fp32's audio of the same input; empty where there is none."""
    return _audio(case.reference)


def aligned(case: Case) -> tuple[Array, Array] | None:
    """Output and reference, both as long as the shorter; None where fp32 gave nothing."""
    import numpy as np

    reference = reference_audio(case)
    if not reference.size:
        return None
    output = heard(case)
    if not output.size:
        return np.zeros_like(reference), reference
    common = min(output.size, reference.size)
    return output[:common], reference[:common]


def is_silent(samples: Array, rate: int) -> Array:
    """For each frame of 20 ms, whether it is silent; the last one may be shorter."""
    import numpy as np

    size = max(1, round(SILENT_FRAME_SECONDS * rate))
    starts = np.arange(0, samples.size, size)
    if not starts.size:
        return np.zeros(0, dtype=bool)
    power = np.add.reduceat(samples**2, starts) / np.diff([*starts, samples.size])
    return np.asarray(power < 10 ** (SILENT_DB / 10))


def is_audible(samples: Array, rate: int) -> bool:
    """Whether any frame is not silent."""
    return not is_silent(samples, rate).all()


def log_mel_distance(case: Case) -> Terms | None:
    """The mean absolute difference of the log-mel spectra over frames and bands."""
    from harness.quality.spectra import log_mel

    pair = aligned(case)
    if pair is None:
        return None
    return (float(abs(log_mel(pair[0], case.sample_rate) - log_mel(pair[1], case.sample_rate)).mean()),)


def si_sdr_db(case: Case) -> Terms | None:
    """How far the part of the output that is the reference, whatever its loudness, lies above the rest.

    Le Roux et al. 2019, equation 3. Between -100 and 100 dB: nothing there, and the same up to its loudness.
    """
    import numpy as np

    pair = aligned(case)
    if pair is None:
        return None
    output, reference = pair
    if np.array_equal(output, reference):
        return (CAP_DB,)
    energy = float(reference @ reference)
    target = reference * (float(output @ reference) / energy) if energy else np.zeros_like(reference)
    rest = output - target
    wanted, unwanted = float(target @ target), float(rest @ rest)
    if not wanted or not unwanted:
        return (CAP_DB if wanted else -CAP_DB,)
    return (float(np.clip(10 * np.log10(wanted / unwanted), -CAP_DB, CAP_DB)),)


def mcd_dtw_db(case: Case) -> Terms | None:
    """Mel-cepstral distance over the whole of both, after time warping."""
    import numpy as np

    from harness.quality.spectra import log_mel

    reference = reference_audio(case)
    if not reference.size:
        return None
    output = heard(case)
    if not output.size:
        output = np.zeros_like(reference)
    return (mel_cepstral_db(log_mel(output, case.sample_rate), log_mel(reference, case.sample_rate)),)


def mel_cepstral_db(one: Array, other: Array) -> float:
    """How far two sequences of log-mel amplitudes are apart after time warping.

    Kubichek 1993, over cepstra 1 to 13 of the log power: the root mean square of the dB by which the smoothed spectra
    differ, whatever their level.
    """
    from harness.quality.spectra import cepstra
    from harness.quality.warping import warped_distance

    return 10 / log(10) * sqrt(2) * warped_distance(cepstra(2 * one, _CEPSTRA), cepstra(2 * other, _CEPSTRA))


def duration_drift(case: Case) -> Terms | None:
    """By what share of the reference's length the output is longer or shorter."""
    reference = reference_audio(case)
    return (abs(heard(case).size - reference.size) / reference.size,) if reference.size else None


def silent_share(case: Case) -> Terms | None:
    """Silent frames, and all frames; of what failed, all frames of the reference are silent."""
    silent = is_silent(heard(case), case.sample_rate)
    if silent.size:
        return (float(silent.sum()), float(silent.size))
    expected = float(is_silent(reference_audio(case), case.sample_rate).size)
    return (expected, expected) if expected else None


def clipped_share(case: Case) -> Terms | None:
    """Samples at full scale or beyond, and all samples."""
    import numpy as np

    samples = heard(case)
    return (float(np.count_nonzero(np.abs(samples) >= FULL_SCALE)), float(samples.size)) if samples.size else None


def _audio(samples: Array | None) -> Array:
    import numpy as np

    if samples is None:
        return np.zeros(0)
    flat = np.asarray(samples, dtype=np.float64).ravel()
    return flat if np.isfinite(flat).all() else np.zeros(0)


def voice_case(output: Array, reference: Array | None = None, *, label: str | None = None) -> Case:
    """A case out of a signal that is made here."""
    return Case("check", output, reference, label=label, sample_rate=_CHECK_RATE)


def _noise() -> Trial:
    """A voice-like signal, then in noise 40, 20 and 0 dB below it."""
    from harness.quality.signals import voice_like, with_noise

    voice = voice_like(_CHECK_RATE)
    worse = tuple((voice_case(with_noise(voice, snr_db), voice),) for snr_db in (40.0, 20.0, 0.0))
    return Trial((voice_case(voice, voice),), worse)


def _cuts() -> Trial:
    """A voice-like signal, then 5, 20 and 50 % of it cut off."""
    from harness.quality.signals import voice_like

    voice = voice_like(_CHECK_RATE)
    return Trial(
        (voice_case(voice, voice),),
        tuple((voice_case(voice[: int(voice.size * kept)], voice),) for kept in (0.95, 0.8, 0.5)),
    )


def _muted() -> Trial:
    """A voice-like signal, then ever more of it muted."""
    from harness.quality.signals import voice_like

    voice = voice_like(_CHECK_RATE)
    worse = []
    for kept in (0.8, 0.5, 0.0):
        muted = voice.copy()
        muted[int(voice.size * kept) :] = 0
        worse.append((voice_case(muted, voice),))
    return Trial((voice_case(voice, voice),), tuple(worse))


def _overdriven() -> Trial:
    """A voice-like signal, then amplified beyond full scale."""
    from harness.quality.signals import voice_like

    voice = voice_like(_CHECK_RATE)
    return Trial(
        (voice_case(voice, voice),), tuple((voice_case((voice * gain).clip(-1, 1), voice),) for gain in (4.0, 16.0))
    )


def _metric(terms: Callable[[Case], Terms | None], trial: Callable[[], Trial]) -> QualityMetric:
    return self_checked(QUALITY[terms.__name__], Kind.AUDIO, trial, terms=terms)


METRICS = (
    _metric(log_mel_distance, _noise),
    _metric(si_sdr_db, _noise),
    _metric(mcd_dtw_db, _noise),
    _metric(duration_drift, _cuts),
    _metric(silent_share, _muted),
    _metric(clipped_share, _overdriven),
)
