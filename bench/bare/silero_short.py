"""Silero VAD on the first third of a second of each clip: an inference of one or two milliseconds.

Copied into the clone of `live_gate.py` as a declaration of `suites/models/`: shipped models take too long for a gate
to have the hundreds of inferences that p95 and p99 need.
"""

from __future__ import annotations

from dataclasses import replace

from harness.models import Arrays, Example, Setting, Workload
from suites.models import silero

_SAMPLES = 10 * 512
_WHOLE = next(model for model in silero.MODELS if model.name == "silero-vad")


def _begins(example: Example) -> Example:
    def load() -> Arrays:
        return {"audio": example.load()["audio"][:_SAMPLES]}

    return replace(example, load=load, slices={}, audio_seconds=_SAMPLES / 16_000)


def _workload(setting: Setting) -> Workload:
    whole = _WHOLE.workload(setting)
    return Workload(
        name="speech-begins",
        version=1,
        examples=tuple(map(_begins, whole.examples)),
        content=f"{whole.content}, the first {_SAMPLES} samples",
    )


MODELS = (
    replace(
        _WHOLE,
        name="silero-vad-short",
        family="silero-vad-short",
        precisions=("fp32",),
        summary="the first third of a second",
        workload=_workload,
        calibration=None,
        recipe_settings={},
    ),
)
