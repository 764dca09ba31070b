"""Silero VAD: how likely each 32 ms of a stream holds speech. The 16 kHz ONNX export and the TorchScript file.

One example is a clip; one chunk is one window of it, called with the 64 samples before it and the state it left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from harness.models import Arrays, Call, DecidesFrames, Example, FileReference, Model, Setting, Workload
from suites.clips import SPEECH, SPEECH_FOR_CALIBRATION, Clip, identity
from suites.installed import MOONSHINE, SILERO, installed_file, installed_version
from suites.voice_set import voice_exam

_VERSION = 1
_ONNX_FILE = "data/silero_vad_16k_op15.onnx"
_WINDOW = 512
_CONTEXT = 64
_STATE = (2, 1, 128)

Drive = Callable[[Call, Arrays], Iterator[Arrays]]


def _onnx_reference(_: Setting) -> FileReference:
    return FileReference(
        path=installed_file(SILERO, _ONNX_FILE),
        format="onnx",
        provenance=f"{installed_version(SILERO)}, silero_vad_16k_op15.onnx",
    )


def _torch_reference(_: Setting) -> FileReference:
    return FileReference(
        path=installed_file(SILERO, "data/silero_vad.jit"),
        format="torchscript",
        provenance=f"{installed_version(SILERO)}, silero_vad.jit, its 16 kHz model",
        submodule="_model",
    )


def _windows(samples: Any) -> Iterator[Any]:
    """Cut audio into windows, each with the samples before it; the last is filled up with silence."""
    import numpy as np

    count = -(-samples.size // _WINDOW)
    padded = np.pad(samples, (_CONTEXT, count * _WINDOW - samples.size))
    for first in range(0, count * _WINDOW, _WINDOW):
        yield padded[None, first : first + _CONTEXT + _WINDOW]


def _stream(audio: str, probability: str, state: str, **fixed: int) -> Drive:
    """Make a drive that carries the state from window to window, for a model with these names of inputs, outputs."""

    def drive(call: Call, inputs: Arrays) -> Iterator[Arrays]:
        import numpy as np

        constants = {name: np.array(value, dtype=np.int64) for name, value in fixed.items()}
        carried = np.zeros(_STATE, dtype=np.float32)
        for window in _windows(inputs["audio"]):
            outputs = call({audio: window, "state": carried, **constants})
            carried = outputs[state]
            yield {"probability": outputs[probability]}

    return drive


_onnx_drive = _stream("input", "output", "stateN", sr=16_000)
_torch_drive = _stream("x", "output0", "output1")


def _workload(_: Setting) -> Workload:
    examples = tuple(
        Example(
            id=clip.id,
            load=lambda clip=clip: {"audio": clip.samples()},
            slices={"length": clip.length},
            audio_seconds=clip.seconds,
        )
        for clip in SPEECH
    )
    content = identity(SPEECH, treatment="16 kHz, windows of 512 after 64")
    return Workload(name="speech-and-silence", version=_VERSION, examples=examples, content=content)


def _calibration(_: Setting) -> Workload:
    """Single windows with the state that the fp32 model arrives with: a state of zeros is met only once in a clip."""
    examples = tuple(
        Example(id=f"{clip.id}-{place}", load=lambda clip=clip, place=place: _calls_of(clip)[place])
        for clip in SPEECH_FOR_CALIBRATION
        for place in range(0, int(clip.seconds * 16_000) // _WINDOW, 4)
    )
    content = identity(SPEECH_FOR_CALIBRATION, treatment="16 kHz, every fourth window of 512 after 64, fp32 states")
    return Workload(name="speech-calibration", version=_VERSION, examples=examples, content=content)


# With every operator between QDQ pairs two of three decisions flip; with the convolutions alone, one in thirty.
_CONVOLUTIONS_ONLY = {"op_types": ("Conv",)}


@lru_cache(maxsize=len(SPEECH_FOR_CALIBRATION))
def _calls_of(clip: Clip) -> Sequence[Arrays]:
    """Listen to a clip with the shipped model and keep what it was called with."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        installed_file(SILERO, _ONNX_FILE), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    calls: list[Arrays] = []

    def listen(inputs: Arrays) -> Arrays:
        calls.append(inputs)
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))

    for _ in _onnx_drive(listen, {"audio": clip.samples()}):
        pass
    return tuple(calls)


_MEANINGS = (DecidesFrames(output="probability"),)

MODELS = (
    Model(
        name="silero-vad",
        family="silero-vad",
        task="voice-activity",
        runtime="onnx",
        precisions=("fp32", "fp16", "int8-dynamic", "int8-static", "int8-weight-only", "int4-weight-only"),
        licence="MIT",
        weights="real (silero-vad 6.2.3)",
        summary="speech or not, 32 ms at a time",
        size_bytes=1_289_603,
        reference=_onnx_reference,
        workload=_workload,
        calibration=_calibration,
        needs=(SILERO, MOONSHINE),
        drive=_onnx_drive,
        streaming=True,
        meanings=_MEANINGS,
        exam=voice_exam,
        recipe_settings={"int8-static": _CONVOLUTIONS_ONLY},
    ),
    Model(
        name="silero-vad-torchscript",
        family="silero-vad-torchscript",
        task="voice-activity",
        runtime="torch",
        precisions=("fp32", "fp16", "bf16"),
        licence="MIT",
        weights="real (silero-vad 6.2.3)",
        summary="speech or not, 32 ms at a time; the TorchScript file",
        size_bytes=2_272_526,
        reference=_torch_reference,
        workload=_workload,
        needs=(SILERO, MOONSHINE),
        drive=_torch_drive,
        streaming=True,
        meanings=_MEANINGS,
        exam=voice_exam,
    ),
)
