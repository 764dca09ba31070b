"""Speech that was made, as a whole: whether anything came out; and every metric of audio and speech, gathered."""

from __future__ import annotations

from harness.quality import audio, dnsmos, hearing, speaker
from harness.quality.audio import heard, is_audible, voice_case
from harness.quality.checks import Trial, self_checked
from harness.quality.metric import Case, Kind
from harness.quality_metrics import QUALITY
from harness.scores import Terms


def failed_share(case: Case) -> Terms:
    """1 where the synthesis failed, or gave nothing, or silence throughout, or samples that are not finite."""
    return (float(not is_audible(heard(case), case.sample_rate)),)


def _trial() -> Trial:
    """Three voice-like signals, then one and two of them silent."""
    from harness.quality.signals import voice_like

    voice = voice_like(16_000)
    spoken, silent = voice_case(voice, voice), voice_case(0 * voice, voice)
    return Trial((spoken,) * 3, ((spoken, spoken, silent), (spoken, silent, silent)))


METRICS = (
    *audio.METRICS,
    self_checked(QUALITY["failed_share"], Kind.SPEECH, _trial, terms=failed_share),
    *hearing.METRICS,
    *dnsmos.METRICS,
    *speaker.METRICS,
)
