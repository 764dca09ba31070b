"""The folder that Chatterbox is published as: which files it must hold, and how they fill the module.

`t3_cfg.safetensors`, `s3gen.safetensors` and `ve.safetensors` hold the weights; `conds.pt` a voice that was made of a
recording before, and `tokenizer.json` how text becomes ids: both may be missing. Imports torch inside its functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import CheckpointProblem

if TYPE_CHECKING:
    from harness.models import Arrays
    from suites.chatterbox_network import Chatterbox

_T3, _S3GEN, _VOICE = "t3_cfg.safetensors", "s3gen.safetensors", "ve.safetensors"
_CONDITIONS, _TOKENIZER = "conds.pt", "tokenizer.json"
_CONSTANTS = ("tokenizer._mel_filters", "tokenizer.window", "mel2wav.stft_window")
"""What `s3gen.safetensors` keeps beside weights: tables that anyone can compute."""


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a checkpoint; the last two where the folder has them."""

    t3: Path
    s3gen: Path
    voice: Path
    conditions: Path | None
    tokenizer: Path | None

    @property
    def weights(self) -> tuple[Path, ...]:
        """The files that decide the weights."""
        return self.t3, self.s3gen, self.voice


def files_of(folder: Path) -> Files:
    """Find the files of a checkpoint, or say which are missing."""
    needed = (_T3, _S3GEN, _VOICE)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise CheckpointProblem(f"{folder} {what}; give the folder that holds {', '.join(needed)}")
    if missing := [name for name in needed if not (folder / name).is_file()]:
        raise CheckpointProblem(
            f"the folder {folder} lacks {', '.join(missing)}; Chatterbox is published as {', '.join(needed)} in one"
        )
    conditions, tokenizer = (folder / name if (folder / name).is_file() else None for name in (_CONDITIONS, _TOKENIZER))
    return Files(*(folder / name for name in needed), conditions, tokenizer)


def load_into(network: Chatterbox, files: Files) -> None:
    """Fill the module from a checkpoint's files, after every name and shape was found to fit."""
    from torch import nn

    from suites.chatterbox_network import S3GEN
    from suites.checkpoints import fit, read_state

    fit(network.t3, read_state(files.t3), files.t3)
    fit(network.ve, read_state(files.voice), files.voice)
    parts = nn.ModuleDict({name: getattr(network, name) for name in S3GEN})
    fit(parts, read_state(files.s3gen), files.s3gen, drop=_CONSTANTS)


def voice_of(conditions: Path) -> Arrays:
    """The voice in a `conds.pt`, as inputs of the module. Nothing in the file is ever run."""
    import torch

    try:
        held: Any = torch.load(conditions, map_location="cpu", weights_only=True)
        t3, flow = held["t3"], held["gen"]
        wanted = {
            "speaker": t3["speaker_emb"].reshape(1, -1).float(),
            "prompt_ids": t3["cond_prompt_speech_tokens"].reshape(1, -1).long(),
            "emotion": torch.as_tensor(t3["emotion_adv"]).reshape(1, 1, 1).float(),
            "voice_ids": flow["prompt_token"].reshape(1, -1).long(),
            "flow_mels": flow["prompt_feat"].reshape(1, -1, flow["prompt_feat"].shape[-1]).float(),
            "vector": flow["embedding"].reshape(1, -1).float(),
        }
    except Exception as problem:  # noqa: BLE001 - a damaged or foreign file makes its reader raise whatever comes to hand
        first_line = (str(problem) or type(problem).__name__).splitlines()[0]
        raise CheckpointProblem(
            f"{conditions} holds no voice ({type(problem).__name__}: {first_line}); take the published one, or none"
        ) from None
    return {name: tensor.numpy() for name, tensor in wanted.items()}
