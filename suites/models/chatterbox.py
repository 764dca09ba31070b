"""Chatterbox: text to speech by a Llama over speech tokens, a flow and a vocoder, in torch, full and tiny.

The published weights are not in any package: without a checkpoint the weights are random, seeded and the same on every
machine, and so are the voice and the speech tokens, which are then given (teacher forcing): lengths are fixed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from harness.models import Arrays, AudioOutput, Call, Example, GivesLogits, Model, ModuleReference, Setting, Workload
from suites.chatterbox_config import (
    FULL,
    RATE,
    SPEECH_CODES,
    TINY,
    TOKENS_A_SECOND,
    VOICE_BANK,
    VOICE_ENERGIES,
    VOICE_MELS,
)
from suites.chatterbox_text import chunks, ids_of
from suites.drawn import Weights, module_reference
from suites.installed import TRANSFORMERS, file_digest, transformers_version

_VERSION = 2
_TEXT = "It is a quarter past nine."
_LONG_TEXT = (
    "The train to the coast leaves at nine. It stops twice, once at the mill and once at the bridge, and nobody gets "
    "off. Bring a coat. The evenings are cold there."
)
_CHUNK_CHARACTERS = 90
"""At most so many in a chunk. The service cuts at 280, which two slow cores would speak for a minute."""

_VOICE_SECONDS = 0.8
"""What the voice is made of: the service takes up to ten seconds of a recording."""

_VOICE_SEED = 100
"""Far from the places of chunks, which are the seeds of their speech tokens."""

_SPEECH_TOKENS = {"tiny": 16, "full": 16}
_CHUNK_TOKENS = {"tiny": 8, "full": 8}
_FREE_TOKENS_A_SECOND = 40
"""With a checkpoint T3 stops by itself; at the latest after so many tokens a spoken second, told by the characters."""
_CHARACTERS_A_SECOND = 14

_PRECISIONS = ("fp32", "fp16", "bf16", "int8-dynamic")
_LONG_PRECISIONS = ("fp32", "int8-dynamic")
"""The same module as the short one's: the other precisions are measured there."""

_SOURCES = (
    Path(__file__),
    Path(__file__).parents[1] / "seeded.py",
    *sorted(Path(__file__).parents[1].glob("chatterbox_*.py")),
)


def _reference(config: Mapping[str, Any], setting: Setting) -> ModuleReference:
    sources = [file_digest(source) for source in _SOURCES]
    described = ("chatterbox", json.dumps(config, sort_keys=True), *sources, transformers_version())
    return module_reference(described, setting, partial(_skeleton, config), _fill_at_random, _weights)


def _skeleton(config: Mapping[str, Any]) -> Any:
    from suites.chatterbox_network import skeleton

    return skeleton(config)


def _fill_at_random(seed: int, module: Any) -> None:
    from suites.chatterbox_network import fill

    fill(module, seed)


def _weights(folder: Path) -> Weights:
    from suites.chatterbox_checkpoint import files_of

    digests = (f"{file.name} {file_digest(file)}" for file in files_of(folder).weights)
    return Weights(partial(_fill_from, folder), tuple(digests), folder.name)


def _fill_from(folder: Path, module: Any) -> None:
    from suites.chatterbox_checkpoint import files_of, load_into

    load_into(module, files_of(folder))


def _workload(config: Mapping[str, Any], size: str, setting: Setting) -> Workload:
    count = _SPEECH_TOKENS[size]
    example = Example("quarter-past", partial(_short_inputs, config, _TEXT, count, setting.checkpoint))
    return Workload(f"chatterbox-{size}", _VERSION, (example,), _content([_TEXT, count], setting))


def _long_workload(config: Mapping[str, Any], size: str, setting: Setting) -> Workload:
    cut, count = chunks(_LONG_TEXT, _CHUNK_CHARACTERS), _CHUNK_TOKENS[size]
    example = Example("the-train", partial(_long_inputs, config, cut, count, setting.checkpoint))
    return Workload(f"chatterbox-long-{size}", _VERSION, (example,), _content([cut, count], setting))


def _content(said: Any, setting: Setting) -> str:
    """Everything that decides the inputs: text and lengths, and the voice and tokenizer of a checkpoint."""
    own: list[str] = []
    if setting.checkpoint is not None:
        from suites.chatterbox_checkpoint import files_of

        files = files_of(setting.checkpoint)
        own = [f"{file.name} {file_digest(file)}" for file in (files.conditions, files.tokenizer) if file]
    return json.dumps([said, _VOICE_SECONDS, "checkpoint" if setting.checkpoint else "given tokens", *own])


def _short_inputs(config: Mapping[str, Any], text: str, count: int, checkpoint: Path | None) -> Arrays:
    return {**_voice(config, checkpoint), **_said(text, count, checkpoint, 0)}


def _long_inputs(config: Mapping[str, Any], cut: tuple[str, ...], count: int, checkpoint: Path | None) -> Arrays:
    """The inputs of each chunk, under names that begin with its place."""
    each = [_said(text, count, checkpoint, place) for place, text in enumerate(cut)]
    return {
        **_voice(config, checkpoint),
        **{f"{place} {name}": values for place, said in enumerate(each) for name, values in said.items()},
    }


def _said(text: str, count: int, checkpoint: Path | None, place: int) -> dict[str, Any]:
    """A text's ids, and the speech tokens that are given with random weights; else how many there may be at most."""
    import numpy as np

    from suites.draws import below

    if checkpoint is None:
        return {
            "text_ids": np.array([ids_of(text)], dtype=np.int64),
            "speech_ids": below(place, SPEECH_CODES, 1, count),
        }
    from suites.chatterbox_checkpoint import files_of

    ids = ids_of(text, files_of(checkpoint).tokenizer)
    most = _FREE_TOKENS_A_SECOND * (1 + len(text) // _CHARACTERS_A_SECOND)
    return {"text_ids": np.array([ids], dtype=np.int64), "most": np.array(most, dtype=np.int64)}


def _voice(config: Mapping[str, Any], checkpoint: Path | None) -> dict[str, Any]:
    """The voice of a checkpoint's `conds.pt`; without one, what a recording might look like, drawn from a seed."""
    from suites.draws import normal

    if checkpoint is not None:
        from suites.chatterbox_checkpoint import files_of, voice_of

        files = files_of(checkpoint)
        if files.conditions is not None:
            return dict(voice_of(files.conditions))
    tokens = round(_VOICE_SECONDS * TOKENS_A_SECOND)
    shapes = {
        "flow_mels": (1, 2 * tokens, config["flow"]["mels"]),
        "energies": (1, 4 * tokens, VOICE_ENERGIES),
        "voice_mels": (1, VOICE_MELS, 4 * tokens),
        "bank": (1, 4 * tokens, VOICE_BANK),
    }
    return {name: normal(_VOICE_SEED + place, *shape) for place, (name, shape) in enumerate(shapes.items())}


def _speak_in_chunks(call: Call, inputs: Arrays) -> Iterator[Arrays]:
    """Speak chunk after chunk. Each is a call of its own: voice, prompt and text are read anew for every one."""
    voice = {name: values for name, values in inputs.items() if " " not in name}
    place = 0
    while said := {name.partition(" ")[2]: values for name, values in inputs.items() if name.startswith(f"{place} ")}:
        yield {"audio": call({**voice, **said})["audio"]}
        place += 1


def _model(size: str, size_bytes: int, config: Mapping[str, Any], *, is_long: bool) -> Model:
    name = "chatterbox-long" if is_long else "chatterbox"
    what = "a long text cut at its sentences, a chunk at a time" if is_long else "one sentence, a recorded voice"
    return Model(
        name=f"{name}-tiny" if size == "tiny" else name,
        family="chatterbox",
        task="text-to-speech",
        runtime="torch",
        precisions=_LONG_PRECISIONS if is_long else _PRECISIONS,
        licence="MIT",
        weights="random (seed 0)",
        summary=f"{what}; greedy, speech tokens given; random weights unless a checkpoint is given",
        size=size,
        size_bytes=size_bytes,
        reference=partial(_reference, config),
        workload=partial(_long_workload if is_long else _workload, config, size),
        needs=(TRANSFORMERS,),
        drive=_speak_in_chunks if is_long else _speak,
        streaming=is_long,
        audio=AudioOutput("audio", RATE),
        takes_checkpoint=True,
        meanings=() if is_long else (GivesLogits("logits"),),
    )


def _speak(call: Call, inputs: Arrays) -> Iterator[Arrays]:
    yield call(inputs)


MODELS = tuple(
    _model(size, size_bytes, config, is_long=is_long)
    for is_long in (False, True)
    for size, size_bytes, config in (("tiny", 8_978_244, TINY), ("full", 3_191_050_532, FULL))
)
