"""Translation and speech as one torch module, called a stage at a time. Imports torch: import it late.

What a stage leaves for the next lies on the device. A new sentence forgets the last one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from transformers import M2M100Config

from suites.nllb_network import Translator, settle
from suites.pipeline_voice import Voice, voice_config


class VoicePipeline(nn.Module):
    """A translator and a voice. Which of them a call runs is told by the names of its inputs."""

    def __init__(self, translator: M2M100Config, voice: Mapping[str, Any]) -> None:
        super().__init__()
        self.translator = Translator(translator)
        self.voice = Voice(voice_config(voice))
        self._characters: torch.Tensor | None = None

    def forward(
        self,
        source_ids: torch.Tensor | None = None,
        prefix_ids: torch.Tensor | None = None,
        forced_ids: torch.Tensor | None = None,
        text_ids: torch.Tensor | None = None,
        frames: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Translate `source_ids`; or take `text_ids` to the device; or speak those for a number of `frames`."""
        if source_ids is not None and prefix_ids is not None:
            self._characters = None
            translated: dict[str, torch.Tensor] = self.translator(source_ids, prefix_ids, forced_ids)
            return translated
        if text_ids is not None:
            self._characters = text_ids
            return {"text_ids": text_ids}
        if frames is not None and self._characters is not None:
            return {"waveform": self.voice(self._characters, int(frames))}
        raise ValueError("nothing to speak: give source_ids with prefix_ids, then text_ids, then frames")


def empty(translator: Mapping[str, Any], voice: Mapping[str, Any]) -> VoicePipeline:
    """The pipeline on the meta device: its shapes without memory."""
    with torch.device("meta"):
        return VoicePipeline(M2M100Config(**translator), voice)


def skeleton(translator: Mapping[str, Any], voice: Mapping[str, Any]) -> VoicePipeline:
    """Build the pipeline without initialising its weights: their values are whatever memory held."""
    pipeline = empty(translator, voice).to_empty(device="cpu")
    settle(pipeline.translator)
    if others := [name for name, _ in pipeline.named_buffers() if not name.endswith("embed_positions.weights")]:
        raise NotImplementedError(
            f"buffers {others} would stay without values; fill them in suites/pipeline_network.py"
        )
    return pipeline.eval().requires_grad_(requires_grad=False)
