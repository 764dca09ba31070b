"""A VITS voice of the size of Meta's MMS voices, as a torch module that speaks for a given time. Imports torch.

The layers are those of transformers' VitsModel. Two things that are drawn or predicted are settled, so that an
inference is the same every time and of one length at every precision: no noise is added, and the characters share the
time evenly. The predictor of durations runs as it would, since its time is part of speaking; what it says is not used,
because drawn weights would stretch a character to nothing or to minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from transformers import VitsConfig, VitsModel

from suites.pipeline_text import ALPHABET


class Voice(nn.Module):
    """Ids of characters to a waveform at 16 kHz."""

    def __init__(self, config: VitsConfig) -> None:
        super().__init__()
        whole = VitsModel(config)
        self.text_encoder = whole.text_encoder
        self.duration_predictor = whole.duration_predictor
        self.flow = whole.flow
        self.decoder = whole.decoder
        self.posterior_encoder = whole.posterior_encoder

    def forward(self, text_ids: torch.Tensor, frames: int) -> torch.Tensor:
        """Speak the characters within so many frames."""
        weight = self.text_encoder.embed_tokens.weight
        read = torch.ones(*text_ids.shape, 1, dtype=weight.dtype, device=weight.device)
        encoded = self.text_encoder(input_ids=text_ids, padding_mask=read, attention_mask=None)
        hidden = encoded.last_hidden_state.transpose(1, 2)
        self.duration_predictor(hidden, read.transpose(1, 2), None, reverse=True, noise_scale=0.0)
        characters = text_ids.shape[1]
        heard = torch.arange(frames, device=weight.device) * characters // frames
        latents = encoded.prior_means[:, heard].transpose(1, 2)
        spoken = torch.ones(1, 1, frames, dtype=weight.dtype, device=weight.device)
        latents = self.flow(latents, spoken, None, reverse=True) * spoken
        return self.decoder(latents, None).squeeze(1)


def voice_config(settings: Mapping[str, Any]) -> VitsConfig:
    """The config of facebook/mms-tts-eng, with settings of one's own over it."""
    return VitsConfig(**{"vocab_size": len(ALPHABET), **settings})
