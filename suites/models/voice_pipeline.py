"""The voice pipeline: English text to German speech, in four stages that are timed each by itself.

Tokenise the text, translate it with NLLB-200-distilled-600M, transfer what was written to the voice (ids to text to
characters to the device), synthesise. A checkpoint is one of the translator; the voice's weights are always random.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.models import (
    Arrays,
    AudioOutput,
    Call,
    Example,
    GivesLogits,
    GivesTokens,
    Model,
    ModuleReference,
    Setting,
    Workload,
)
from suites.drawn import at_random
from suites.installed import TRANSFORMERS, file_digest, transformers_version
from suites.models import nllb
from suites.nllb_text import FULL, TINY, Sentence, Tokens, sentences
from suites.pipeline_text import ALPHABET, FRAMES_A_CHARACTER, characters

STAGES = ("tokenise", "translate", "transfer", "synthesise")
_RATE = 16_000
_VERSION = 1

_FULL_VOICE: Mapping[str, Any] = MappingProxyType({})
_TINY_VOICE: Mapping[str, Any] = MappingProxyType(
    {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "ffn_dim": 64,
        "flow_size": 32,
        "spectrogram_bins": 33,
        "prior_encoder_num_flows": 2,
        "prior_encoder_num_wavenet_layers": 2,
        "posterior_encoder_num_wavenet_layers": 2,
        "duration_predictor_num_flows": 2,
        "duration_predictor_filter_channels": 32,
        "upsample_initial_channel": 16,
    }
)
_TINY_FRAMES = 16
"""A quarter of a second, whatever is said."""

_SOURCES = (
    *nllb.SOURCES,
    *(Path(__file__).parents[1] / f"pipeline_{part}.py" for part in ("network", "text", "voice")),
)


def _reference(translator: Mapping[str, Any], voice: Mapping[str, Any], setting: Setting) -> ModuleReference:
    described = (
        "voice-pipeline",
        json.dumps([dict(translator), dict(voice)], sort_keys=True),
        *(file_digest(source) for source in _SOURCES),
        transformers_version(),
        f"seed {setting.seed}",
    )
    checkpoint = setting.checkpoint
    digests = [] if checkpoint is None else [f"translator {one}" for one in nllb.checkpoint_digests(checkpoint)]
    drawn = at_random(setting.seed)
    return ModuleReference(
        skeleton=partial(_skeleton, translator, voice),
        fill=partial(_fill, setting.seed, checkpoint),
        identity=(*described, *digests),
        provenance=drawn if checkpoint is None else f"translator of checkpoint {checkpoint.name}, voice of {drawn}",
    )


def _skeleton(translator: Mapping[str, Any], voice: Mapping[str, Any]) -> Any:
    from suites.pipeline_network import skeleton

    return skeleton(translator, voice)


def _fill(seed: int, checkpoint: Path | None, module: Any) -> None:
    from suites.seeded import fill

    fill(module.voice, seed)
    if checkpoint is None:
        fill(module.translator, seed)
    else:
        nllb.fill_translator(checkpoint, module.translator)


def _inputs(tokens: Tokens, sentence: Sentence, frames: int | None, *, is_forced: bool) -> Arrays:
    """The text; how long it is to be spoken; and, for weights that write no German, what to continue from."""
    import numpy as np

    tokens.ready()
    inputs = {
        "text": np.array(sentence.english),
        "prefix_ids": np.array([tokens.prefix()], dtype=np.int64),
        "frames": np.array(frames or FRAMES_A_CHARACTER * len(sentence.german), dtype=np.int64),
    }
    if is_forced:
        inputs["forced_ids"] = np.array([tokens.target(sentence.german)], dtype=np.int64)
    return inputs


def run(tokens: Tokens, call: Call, inputs: Arrays) -> Iterator[Arrays]:
    """Text to speech by stages, each giving what the next one takes."""
    import numpy as np

    source = np.array([tokens.source(str(inputs["text"]))], dtype=np.int64)
    yield {"source_ids": source}
    given = {name: inputs[name] for name in ("prefix_ids", "forced_ids") if name in inputs}
    translated = call({"source_ids": source, **given})
    yield translated
    yield call(characters(tokens.decode(translated["target_ids"][0])))
    yield call({"frames": inputs["frames"]})


def _workload(tokens: Tokens, name: str, frames: int | None, setting: Setting) -> Workload:
    tokens.choose(setting)
    is_forced = setting.checkpoint is None
    examples = tuple(
        Example(one.id, partial(_inputs, tokens, one, frames, is_forced=is_forced)) for one in sentences("measured")
    )
    how = "forced" if is_forced else "free"
    content = f"measured, {how}, {frames or 'natural'} frames, tokenizer {tokens.digest()}, {ALPHABET}"
    return Workload(name, _VERSION, examples, content=content)


def _model(
    size: str,
    translator: Mapping[str, Any],
    voice: Mapping[str, Any],
    tokens: Tokens,
    *,
    name: str,
    size_bytes: int,
    frames: int | None,
) -> Model:
    return Model(
        name=name,
        family="voice-pipeline",
        task="speech-translation",
        runtime="torch",
        precisions=("fp32", "fp16", "bf16", "int8-dynamic"),
        licence="Apache-2.0 (code), CC-BY-NC-4.0 (published weights)",
        weights="random (seed 0)",
        summary="English text to German speech: NLLB-200-distilled-600M, then a VITS voice of the size of MMS",
        size=size,
        size_bytes=size_bytes,
        reference=partial(_reference, translator, voice),
        workload=partial(_workload, tokens, f"sentences-spoken-{size}", frames),
        drive=partial(run, tokens),
        stages=STAGES,
        audio=AudioOutput("waveform", _RATE),
        needs=(TRANSFORMERS,),
        takes_checkpoint=True,
        # What is written is examined with nllb-600m alone; here its ids are compared.
        meanings=(GivesLogits("logits"), GivesTokens("target_ids")),
    )


MODELS = (
    _model(
        "tiny",
        nllb.TINY_CONFIG,
        _TINY_VOICE,
        Tokens(TINY),
        name="voice-pipeline-tiny",
        size_bytes=4 * 429_358,
        frames=_TINY_FRAMES,
    ),
    _model(
        "full",
        nllb.FULL_CONFIG,
        _FULL_VOICE,
        Tokens(FULL),
        name="voice-pipeline",
        size_bytes=4 * (615_073_792 + 36_284_592),
        frames=None,
    ),
)
