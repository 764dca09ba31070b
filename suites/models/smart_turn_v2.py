"""Smart Turn v2: whether a speaker's turn is over, from raw audio. The torch architecture, full and tiny.

The published weights are not in any package: without a checkpoint the weights are random, seeded and the same on every
machine. Speed and size are then those of the real model, its answers are not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.models import Arrays, Decides, Example, Model, ModuleReference, Setting, Workload
from suites.clips import TURNS, Clip, identity
from suites.drawn import Weights, module_reference
from suites.installed import MOONSHINE, TRANSFORMERS, file_digest, transformers_version
from suites.turn_set import COMPLETE, quarter, turn_exam

if TYPE_CHECKING:
    from suites.speech import Samples

_TREATMENT = "16 kHz, normalised, 16 s, silence behind, mask"
_VERSION = 1
_SECONDS = 16

_FULL: Mapping[str, Any] = {"attn_implementation": "sdpa"}
_TINY: Mapping[str, Any] = {
    **_FULL,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 256,
    "conv_dim": (32,) * 7,
}

_SOURCES = (Path(__file__), *(Path(__file__).parents[1] / name for name in ("turn_network.py", "seeded.py")))


def _reference(config: Mapping[str, Any], setting: Setting) -> ModuleReference:
    sources = [file_digest(source) for source in _SOURCES]
    described = ("smart-turn-v2", json.dumps(config, sort_keys=True), *sources, transformers_version())
    return module_reference(described, setting, partial(_skeleton, config), _fill_at_random, _weights)


def _skeleton(config: Mapping[str, Any]) -> Any:
    from suites.turn_network import skeleton

    return skeleton(config)


def _fill_at_random(seed: int, module: Any) -> None:
    from suites.seeded import fill

    fill(module, seed)


def _weights(checkpoint: Path) -> Weights:
    from suites.checkpoints import checkpoint_files

    digests = (f"checkpoint {file_digest(file)}" for file in checkpoint_files(checkpoint))
    return Weights(partial(_fill_from, checkpoint), tuple(digests), checkpoint.name)


def _fill_from(checkpoint: Path, module: Any) -> None:
    from suites.checkpoints import load_into

    load_into(module, checkpoint)


def _inputs(samples: Samples) -> Arrays:
    """Normalise what was heard and fill it up with silence to 16 s, as the model was trained."""
    import numpy as np

    from suites.speech import RATE, normalised

    heard = normalised(samples[-_SECONDS * RATE :])
    silent = _SECONDS * RATE - heard.size
    return {
        "input_values": np.pad(heard, (0, silent))[None],
        "attention_mask": np.pad(np.ones(heard.size, dtype=np.int64), (0, silent))[None],
    }


def _workload(name: str, clips: tuple[Clip, ...], _: Setting) -> Workload:
    examples = tuple(
        Example(
            id=clip.id,
            load=lambda clip=clip: _inputs(clip.samples()),
            slices={"length": clip.length},
            audio_seconds=clip.seconds,
        )
        for clip in clips
    )
    content = identity(clips, treatment=_TREATMENT)
    return Workload(name=name, version=_VERSION, examples=examples, content=content)


def _exam(setting: Setting) -> Workload | None:
    """None without a checkpoint: random weights are right by chance, and that is no quality."""
    if setting.checkpoint is None:
        return None
    return turn_exam(setting, _inputs, _TREATMENT, quarter(), name="turns-labelled-quarter")


def _model(name: str, size: str, size_bytes: int, config: Mapping[str, Any], clips: tuple[Clip, ...]) -> Model:
    reference: Callable[[Setting], ModuleReference] = partial(_reference, config)
    return Model(
        name=name,
        family="smart-turn-v2",
        task="end-of-turn",
        runtime="torch",
        precisions=("fp32", "fp16", "bf16", "int8-dynamic", "int8-weight-only", "int4-weight-only"),
        licence="BSD-2-Clause",
        weights="random (seed 0)",
        summary="end of turn from raw audio padded to 16 s; random weights unless a checkpoint is given",
        size=size,
        size_bytes=size_bytes,
        reference=reference,
        workload=partial(_workload, f"turns-16s-{size}", clips),
        needs=(TRANSFORMERS, MOONSHINE),
        takes_checkpoint=True,
        meanings=(Decides(output="output", positive=COMPLETE),),
        exam=_exam,
    )


MODELS = (
    _model("smart-turn-v2-tiny", "tiny", 810_504, _TINY, TURNS[::3]),
    _model("smart-turn-v2", "full", 379_130_888, _FULL, TURNS[::2]),
)
