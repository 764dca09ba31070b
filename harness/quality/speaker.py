"""Whether it is still the same voice: the cosine of a speaker's embedding with that of fp32's audio.

It saturates: loud differences of quality hardly move it. Owns the choice of the encoder, which is the package
resemblyzer where that is installed; no extra of quantgate brings it, as it needs torch and an old setuptools.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Protocol

from harness.models import Need
from harness.packages import installed_version
from harness.quality.arrays import cosine
from harness.quality.audio import heard, is_audible, reference_audio, voice_case
from harness.quality.checks import Trial, self_checked
from harness.quality.metric import Array, CannotScore, Case, Kind
from harness.quality.resampling import resample
from harness.quality_metrics import QUALITY
from harness.scores import Terms

RATE = 16_000
UNLIKE = 0.0
"""What is given to what failed or is silent: it resembles no speaker."""
_NEED = Need("resemblyzer", 'pip install resemblyzer "setuptools<81"', is_library=True)


class Encoder(Protocol):
    """What tells speakers apart."""

    def embedding(self, samples: Array) -> Array:
        """One vector for mono audio at 16 kHz."""


class Resemblyzer:
    """The encoder of the package resemblyzer (GE2E, Wan et al. 2018), with the weights it carries."""

    def __init__(self) -> None:
        try:
            from resemblyzer import VoiceEncoder, preprocess_wav
        except Exception as problem:  # its own imports fail in several ways
            raise CannotScore(f"resemblyzer does not import ({problem}); run: {_NEED.install}") from problem
        self._prepare: Any = preprocess_wav
        self._encoder: Any = VoiceEncoder("cpu", verbose=False)

    def embedding(self, samples: Array) -> Array:
        """One vector, of the audio at equal loudness without its long silences."""
        import numpy as np

        prepared = self._prepare(samples.astype(np.float32), source_sr=RATE)
        return np.asarray(self._encoder.embed_utterance(prepared), dtype=np.float64)


@cache
def encoder() -> Encoder:
    """The encoder of this installation."""
    return Resemblyzer()


def speaker_similarity(case: Case) -> Terms | None:
    """The cosine of the output's embedding with the reference's; None where fp32 gave nothing audible."""
    import numpy as np

    reference, output = reference_audio(case), heard(case)
    if not is_audible(reference, case.sample_rate):
        return None
    if np.array_equal(output, reference):
        return (1.0,)
    if not is_audible(output, case.sample_rate):
        return (UNLIKE,)
    of_output, of_reference = (
        encoder().embedding(resample(samples, case.sample_rate, RATE)) for samples in (output, reference)
    )
    return (cosine(of_output, of_reference),)


def _trial() -> Trial:
    """A voice-like signal, then in noise 10 and -10 dB below it."""
    from harness.quality.signals import voice_like, with_noise

    voice = voice_like(RATE)
    return Trial(
        (voice_case(voice, voice),), tuple((voice_case(with_noise(voice, snr_db), voice),) for snr_db in (10.0, -10.0))
    )


def _note() -> str:
    return f"resemblyzer {installed_version('resemblyzer') or 'of unknown version'}"


METRICS = (
    self_checked(
        QUALITY["speaker_similarity"], Kind.SPEECH, _trial, terms=speaker_similarity, needs=(_NEED,), note=_note
    ),
)
