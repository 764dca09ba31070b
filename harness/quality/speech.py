"""The metrics of audio and of speech, gathered: what the table of metrics asks for."""

from __future__ import annotations

from harness.quality import audio

METRICS = audio.METRICS
