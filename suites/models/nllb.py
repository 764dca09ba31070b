"""NLLB-200-distilled-600M: English to German, greedily, with a cache. The torch architecture, full and tiny.

The published weights are in no package: without a checkpoint the weights are random, seeded and the same on every
machine. Such a model never ends a sentence of itself, so each step continues from the workload's own translation:
twenty tokens in, twenty out, on the same tokens at every precision. With a checkpoint it translates freely.
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
    Call,
    Example,
    GivesLogits,
    GivesTokens,
    Model,
    ModuleReference,
    Setting,
    Workload,
)
from suites.drawn import Weights, module_reference
from suites.installed import TRANSFORMERS, file_digest, transformers_version
from suites.nllb_text import FULL, TINY, Sentence, Tokens, sentences

_VERSION = 1

FULL_CONFIG: Mapping[str, Any] = MappingProxyType(
    {
        "vocab_size": 256_206,
        "d_model": 1024,
        "encoder_layers": 12,
        "decoder_layers": 12,
        "encoder_attention_heads": 16,
        "decoder_attention_heads": 16,
        "encoder_ffn_dim": 4096,
        "decoder_ffn_dim": 4096,
        "max_position_embeddings": 1024,
        "scale_embedding": True,
        "activation_function": "relu",
        "pad_token_id": 1,
        "eos_token_id": 2,
        "bos_token_id": 0,
        "decoder_start_token_id": 2,
        "attn_implementation": "sdpa",
    }
)
TINY_CONFIG: Mapping[str, Any] = MappingProxyType(
    {
        **FULL_CONFIG,
        "vocab_size": 512,
        "d_model": 64,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "encoder_ffn_dim": 256,
        "decoder_ffn_dim": 256,
    }
)

SOURCES = tuple(Path(__file__).parents[1] / name for name in ("nllb_network.py", "seeded.py"))


def checkpoint_digests(given: Path) -> list[str]:
    """What tells a checkpoint's weights from others."""
    from suites.checkpoints import checkpoint_files

    return [file_digest(file) for file in checkpoint_files(given)]


def fill_translator(checkpoint: Path, translator: Any) -> None:
    """Put the weights of a published checkpoint into the translator."""
    from suites.checkpoints import fit, read_state
    from suites.nllb_network import NOT_WEIGHTS, published

    fit(translator, published(read_state(checkpoint)), checkpoint, drop=NOT_WEIGHTS)


def _reference(config: Mapping[str, Any], setting: Setting) -> ModuleReference:
    sources = [file_digest(source) for source in SOURCES]
    described = ("nllb", json.dumps(dict(config), sort_keys=True), *sources, transformers_version())
    return module_reference(described, setting, partial(_skeleton, config), _fill_at_random, _weights)


def _weights(checkpoint: Path) -> Weights:
    digests = (f"checkpoint {digest}" for digest in checkpoint_digests(checkpoint))
    return Weights(partial(fill_translator, checkpoint), tuple(digests), checkpoint.name)


def _skeleton(config: Mapping[str, Any]) -> Any:
    from suites.nllb_network import skeleton

    return skeleton(config)


def _fill_at_random(seed: int, module: Any) -> None:
    from suites.seeded import fill

    fill(module, seed)


def translation_inputs(tokens: Tokens, sentence: Sentence, *, is_forced: bool) -> Arrays:
    """What the translator is given; forced, it continues from the sentence's own translation."""
    import numpy as np

    ids = {"source_ids": tokens.source(sentence.english), "prefix_ids": tokens.prefix()}
    if is_forced:
        ids["forced_ids"] = tokens.target(sentence.german)
    return {name: np.array([values], dtype=np.int64) for name, values in ids.items()}


def _workload(tokens: Tokens, name: str, setting: Setting) -> Workload:
    tokens.choose(setting)
    is_forced = setting.checkpoint is None
    # Led along the right translation, any weights write most of it: only a free one is held against it.
    examples = tuple(
        Example(
            one.id,
            partial(translation_inputs, tokens, one, is_forced=is_forced),
            label=None if is_forced else one.german,
        )
        for one in sentences("measured")
    )
    how = "forced" if is_forced else "free"
    return Workload(name, _VERSION, examples, content=f"measured, {how}, tokenizer {tokens.digest()}")


def _exam(tokens: Tokens, setting: Setting) -> Workload | None:
    """None without a checkpoint: what random weights write is no translation."""
    if setting.checkpoint is None:
        return None
    tokens.choose(setting)
    examples = tuple(
        Example(one.id, partial(translation_inputs, tokens, one, is_forced=True), label=one.german)
        for one in sentences("exam")
    )
    return Workload("sentences-english-german", _VERSION, examples, content=f"exam, tokenizer {tokens.digest()}")


def _examined(call: Call, inputs: Arrays) -> Iterator[Arrays]:
    """Translate freely, for what is written; then along the right translation, for logits that compare."""
    free = {name: ids for name, ids in inputs.items() if name != "forced_ids"}
    yield {"target_ids": call(free)["target_ids"]}
    yield {"logits": call(inputs)["logits"]}


def _model(name: str, size: str, size_bytes: int, config: Mapping[str, Any], tokens: Tokens) -> Model:
    return Model(
        name=name,
        family="nllb",
        task="translation",
        runtime="torch",
        precisions=("fp32", "bf16", "int8-dynamic"),
        licence="Apache-2.0 (code), CC-BY-NC-4.0 (published weights)",
        weights="random (seed 0)",
        summary="English to German, 20 tokens to 20, greedy with a cache; random weights unless a checkpoint is given",
        size=size,
        size_bytes=size_bytes,
        reference=partial(_reference, config),
        workload=partial(_workload, tokens, f"sentences-{size}"),
        needs=(TRANSFORMERS,),
        takes_checkpoint=True,
        meanings=(GivesLogits("logits"), GivesTokens("target_ids", tokens.decode)),
        exam=partial(_exam, tokens) if size == "full" else None,
        exam_drive=_examined if size == "full" else None,
    )


MODELS = (
    _model("nllb-600m-tiny", "tiny", 4 * 266_496, TINY_CONFIG, Tokens(TINY)),
    _model("nllb-600m", "full", 4 * 615_073_792, FULL_CONFIG, Tokens(FULL)),
)
