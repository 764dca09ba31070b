"""Smart Turn v3.2: whether a speaker's turn is over, from Whisper features of the last eight seconds.

The model ships as int8 only; what is measured as its reference is a self-made fp32 twin (see `suites/twin.py`).
Features are made when an example is loaded, so that what is timed is the model alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.models import Arrays, Decides, Example, FileReference, Model, Setting, Workload
from suites.clips import TURNS, TURNS_FOR_CALIBRATION, Clip, identity
from suites.installed import MOONSHINE, PIPECAT, installed_file, installed_version
from suites.turn_set import COMPLETE, turn_exam, turns

if TYPE_CHECKING:
    from suites.speech import Samples

_TREATMENT = "16 kHz, last 8 s, silence in front, normalised, log-mel 80"
_VERSION = 1
_SHIPPED = "audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx"


def _shipped(_: Setting) -> FileReference:
    return FileReference(
        path=installed_file(PIPECAT, _SHIPPED),
        format="onnx",
        provenance=f"{installed_version(PIPECAT)}, smart-turn-v3.2-cpu as shipped (int8)",
    )


def _twin(setting: Setting) -> FileReference:
    from suites.twin import fp32_twin

    return FileReference(
        path=fp32_twin(installed_file(PIPECAT, _SHIPPED), setting.made),
        format="onnx",
        provenance="self-made fp32 twin of the shipped int8 file",
    )


def _features(heard: Samples) -> Arrays:
    from suites.speech import log_mel, turn_window

    return {"input_features": log_mel(turn_window(heard))[None]}


def _heard(name: str, clips: tuple[Clip, ...]) -> Workload:
    examples = tuple(
        Example(
            id=clip.id,
            load=lambda clip=clip: _features(clip.samples()),
            slices={"length": clip.length},
            audio_seconds=clip.seconds,
        )
        for clip in clips
    )
    content = identity(clips, treatment=_TREATMENT)
    return Workload(name=name, version=_VERSION, examples=examples, content=content)


def _workload(_: Setting) -> Workload:
    return _heard("turns-8s", TURNS)


def _calibration(_: Setting) -> Workload:
    return _heard("turns-8s-calibration", TURNS_FOR_CALIBRATION)


def _exam(setting: Setting) -> Workload:
    return turn_exam(setting, _features, _TREATMENT, turns())


MODELS = (
    Model(
        name="smart-turn-v3",
        family="smart-turn-v3",
        task="end-of-turn",
        runtime="onnx",
        precisions=("fp32", "fp16", "int8-dynamic", "int8-static", "int8-weight-only", "int4-weight-only"),
        licence="BSD-2-Clause",
        weights="real (pipecat-ai 1.14.0; fp32 self-made from the shipped int8)",
        summary="end of turn from the last 8 s of speech; ships as int8 only",
        size_bytes=32_022_890,
        reference=_twin,
        given={"int8-static": _shipped},
        workload=_workload,
        calibration=_calibration,
        needs=(PIPECAT, MOONSHINE),
        # the output is called logits, and is behind a sigmoid
        meanings=(Decides(output="logits", positive=COMPLETE),),
        exam=_exam,
    ),
)
