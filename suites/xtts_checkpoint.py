"""Reads XTTS v2's own `model.pth` into the network: its layout, and what of it is not used for speaking.

The file holds the network's state under `model`, beside its optimizer and config; a fine-tuned one prefixes every name
with `xtts.`. GPT-2's projections lie transposed in it, as transformers' `Conv1D` keeps them. The config is pickled as
objects of the package that wrote it: empty ones stand in for them, so that no code of the file or the package runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import CheckpointProblem
from suites.checkpoints import checkpoint_file, fit, read_state

if TYPE_CHECKING:
    from torch import Tensor

    from suites.xtts_network import XttsNetwork

_FILE = "model.pth"
_KEY = "model"
_FINE_TUNED = "xtts."
_STACK = "gpt.gpt.h."
_TRANSPOSED = (".attn.c_attn.weight", ".attn.c_proj.weight", ".mlp.c_fc.weight", ".mlp.c_proj.weight")
_MASKS = (".attn.bias", ".attn.masked_bias")
_UNUSED = (
    "torch_mel_",
    "dvae.",
    "mel_stats",
    "hifigan_decoder.speaker_encoder.torch_spec.",
    "gpt.gpt.wte.",
    "gpt.gpt_inference.",
)
"""What makes features, was needed in training, or stands under a second name."""
_CONFIGS = (
    "TTS.tts.configs.xtts_config.XttsConfig",
    "TTS.tts.models.xtts.XttsArgs",
    "TTS.tts.models.xtts.XttsAudioConfig",
    "TTS.config.shared_configs.BaseAudioConfig",
    "TTS.config.shared_configs.BaseDatasetConfig",
)


class _Config:
    """What becomes of a pickled config: its fields, and nothing that they could do."""


def model_file(given: Path) -> Path:
    """Return the weights file that a path names: in a folder of several (with `dvae.pth` beside it), `model.pth`."""
    inside = given / _FILE
    return inside if inside.is_file() else checkpoint_file(given)


def load(network: XttsNetwork, path: Path) -> None:
    """Copy a checkpoint into a network, after every name and shape was found to fit."""
    from torch.serialization import safe_globals

    with safe_globals([(_Config, name) for name in _CONFIGS]):
        state = read_state(path, key=_KEY)
    fit(network, _renamed(state, path), path, drop=_UNUSED)


def _renamed(state: Mapping[str, Tensor], path: Path) -> Mapping[str, Tensor]:
    """By the names of the network, projections as Linear keeps them."""
    renamed: dict[str, Tensor] = {}
    for published, tensor in state.items():
        name = published.removeprefix(_FINE_TUNED)
        if not name.startswith(_STACK):
            renamed[name] = tensor
        elif name.endswith(_TRANSPOSED):
            if tensor.ndim != 2:
                raise CheckpointProblem(f"{path.name} has {published} of {tensor.ndim} dimensions; give XTTS v2's own")
            renamed[name] = tensor.t()
        elif not name.endswith(_MASKS):
            renamed[name] = tensor
    return renamed
