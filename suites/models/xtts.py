"""XTTS v2, as K2-SO speaks with it: a GPT that makes audio tokens and a HiFi-GAN that voices them; full and tiny.

Two models a size: one speaks a text whole, one streams it, and both say the same tokens. The published weights are in
no package: without a checkpoint they are random, seeded and the same on every machine, and so are the texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness.errors import WorkloadProblem
from harness.models import (
    Arrays,
    AudioOutput,
    Call,
    Embeds,
    Example,
    GivesLogits,
    Model,
    ModuleReference,
    Setting,
    Workload,
)
from suites.drawn import Weights, module_reference
from suites.installed import file_digest
from suites.xtts_config import FULL, MEL_BANDS, SAMPLE_RATE, SPEAKER_BANDS, TINY, XttsConfig

_VERSION = 2
_PRECISIONS = ("fp32", "fp16", "bf16", "int8-dynamic")
_STREAM_PRECISIONS = ("fp32", "fp16", "int8-dynamic")
"""The same module: the other precision is measured where it speaks whole."""
_SOURCES = (
    Path(__file__),
    *(
        Path(__file__).parents[1] / name
        for name in (
            "seeded.py",
            "xtts_config.py",
            "xtts_gpt.py",
            "xtts_network.py",
            "xtts_vocoder.py",
            "xtts_voice.py",
        )
    ),
)


@dataclass(frozen=True, slots=True)
class Line:
    """What is to be said: so many tokens of text as so many of audio, after so many frames of the voice."""

    id: str
    text_tokens: int
    audio_tokens: int
    voice_frames: int
    seed: int


_SPOKEN = (Line("one-sentence", text_tokens=30, audio_tokens=40, voice_frames=90, seed=1),)
_SPOKEN_TINY = (
    Line("short", text_tokens=6, audio_tokens=20, voice_frames=24, seed=1),
    Line("long", text_tokens=16, audio_tokens=32, voice_frames=40, seed=2),
)
_CHUNK = 20
"""Tokens a chunk, as the published streaming has it unless told otherwise."""
_CHUNK_TINY = 8


def spoken(line: Line, config: XttsConfig) -> Arrays:
    """Draw an example. Its audio tokens are told, so that every precision says as much; a text of no length is refused.

    The voice is made of features that are as large as those of a real one.
    """
    from suites.draws import below, normal

    if line.text_tokens < 1 or line.audio_tokens < 1:
        empty = "text" if line.text_tokens < 1 else "audio"
        raise WorkloadProblem(f"line {line.id!r} has {empty} of zero length; give it one token or more")
    if line.text_tokens > config.most_text or line.audio_tokens > config.most_audio:
        raise WorkloadProblem(
            f"line {line.id!r} has {line.text_tokens} tokens of text and {line.audio_tokens} of audio; XTTS takes"
            f" {config.most_text} and {config.most_audio} at most: cut it in two"
        )
    text, audio, conditioning, energies = (4 * line.seed + place for place in range(4))
    first_word = config.stop_text + 1
    return {
        "text_ids": first_word + below(text, config.start_text - first_word, 1, line.text_tokens),
        "audio_ids": below(audio, config.start_audio, 1, line.audio_tokens),
        "conditioning_mel": normal(conditioning, 1, MEL_BANDS, line.voice_frames),
        # a square has mean 1 and is never below 0, as energies
        "speaker_mel": normal(energies, 1, SPEAKER_BANDS, line.voice_frames) ** 2,
    }


def _stream(chunk_tokens: int, call: Call, inputs: Arrays) -> Iterator[Arrays]:
    """Have the first chunk said, then more until all tokens are; what was said stays in the module between calls."""
    import numpy as np

    yield call({**inputs, "chunk_tokens": np.array(chunk_tokens)})
    for _ in range(chunk_tokens, inputs["audio_ids"].shape[1], chunk_tokens):
        yield call({"more": np.array(1)})


def _reference(config: XttsConfig, setting: Setting) -> ModuleReference:
    described = ("xtts-v2", json.dumps(asdict(config), sort_keys=True), *(file_digest(source) for source in _SOURCES))
    return module_reference(described, setting, partial(_skeleton, config), _fill_at_random, _weights)


def _skeleton(config: XttsConfig) -> Any:
    from suites.xtts_network import skeleton

    return skeleton(config)


def _fill_at_random(seed: int, module: Any) -> None:
    from suites.xtts_network import fill

    fill(module, seed)


def _weights(checkpoint: Path) -> Weights:
    from suites import xtts_checkpoint

    file = xtts_checkpoint.model_file(checkpoint)
    layout = file_digest(Path(xtts_checkpoint.__file__))
    return Weights(partial(_fill_from, file), (layout, f"checkpoint {file_digest(file)}"), file.name)


def _fill_from(file: Path, module: Any) -> None:
    from suites.xtts_checkpoint import load

    load(module, file)


def _workload(name: str, lines: tuple[Line, ...], config: XttsConfig, _: Setting) -> Workload:
    examples = tuple(
        Example(id=line.id, load=partial(spoken, line, config), slices={"length": line.id}) for line in lines
    )
    content = json.dumps([name, asdict(config), [asdict(line) for line in lines]], sort_keys=True)
    return Workload(name=name, version=_VERSION, examples=examples, content=content)


def _models(size: str, config: XttsConfig, parameters: int, lines: tuple[Line, ...], chunk: int) -> Iterator[Model]:
    """The model that speaks whole, and the one that streams."""
    name = "xtts-v2" if size == "full" else f"xtts-v2-{size}"
    stream = "xtts-v2-stream" if size == "full" else f"xtts-v2-stream-{size}"
    common: dict[str, Any] = {
        "family": "xtts-v2",
        "task": "text-to-speech",
        "runtime": "torch",
        "licence": "code MPL-2.0, weights CPML (non-commercial)",
        "weights": "random (seed 0)",
        "size": size,
        "size_bytes": 4 * parameters,
        "reference": partial(_reference, config),
        "takes_checkpoint": True,
        "audio": AudioOutput(output="audio", sample_rate=SAMPLE_RATE),
        "meanings": (GivesLogits("logits"), Embeds("voice")),
    }
    said = f"xtts-lines-{size}"
    yield Model(
        name=name,
        summary="GPT-2 and HiFi-GAN, a text spoken whole; random weights unless a checkpoint is given",
        precisions=_PRECISIONS,
        workload=partial(_workload, said, lines, config),
        **common,
    )
    yield Model(
        name=stream,
        summary=f"the same, streamed in chunks of {chunk} audio tokens",
        precisions=_STREAM_PRECISIONS,
        workload=partial(_workload, f"{said}-by-{chunk}", lines, config),
        drive=partial(_stream, chunk),
        streaming=True,
        **common,
    )


MODELS = (
    *_models("tiny", TINY, 552_446, _SPOKEN_TINY, _CHUNK_TINY),
    *_models("full", FULL, 466_874_863, _SPOKEN, _CHUNK),
)
