"""Smart Turn v2 as a torch module: Wav2Vec2 encoder, attention pooling, classifier. Imports torch: import it late.

The names of its parts are those of the published checkpoint, so that a checkpoint loads without renaming.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from transformers import Wav2Vec2Config, Wav2Vec2Model

_POOL_WIDTH = 256
_CLASSIFIER_WIDTHS = (256, 64)


class TurnNetwork(nn.Module):
    """The probability that the speaker's turn is over, from 16 kHz audio and a mask of what of it was heard."""

    def __init__(self, config: Wav2Vec2Config) -> None:
        super().__init__()
        first, second = _CLASSIFIER_WIDTHS
        self.wav2vec2 = Wav2Vec2Model(config)
        self.pool_attention = nn.Sequential(
            nn.Linear(config.hidden_size, _POOL_WIDTH), nn.Tanh(), nn.Linear(_POOL_WIDTH, 1)
        )
        self.classifier = nn.Sequential(
            nn.Linear(config.hidden_size, first),
            nn.LayerNorm(first),
            nn.GELU(),
            nn.Dropout(0.1),
            nn.Linear(first, second),
            nn.GELU(),
            nn.Linear(second, 1),
        )

    def forward(self, input_values: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Encode, average over the frames that were heard by learned weights, and classify."""
        frames = self.wav2vec2(input_values, attention_mask=attention_mask).last_hidden_state
        scores = self.pool_attention(frames)
        heard = _heard_frames(attention_mask, frames.shape[1]).unsqueeze(-1)
        weights = scores.masked_fill(~heard, torch.finfo(scores.dtype).min).softmax(dim=1)
        return torch.sigmoid(self.classifier((frames * weights).sum(dim=1)))


def _heard_frames(attention_mask: torch.Tensor, frame_count: int) -> torch.Tensor:
    """Sample the mask once a frame."""
    samples = attention_mask.shape[1]
    places = torch.arange(frame_count, device=attention_mask.device) * samples // frame_count
    return attention_mask[:, places].bool()


def skeleton(settings: Mapping[str, Any]) -> TurnNetwork:
    """Build the network without initialising its weights: their values are whatever memory held."""
    with torch.device("meta"):
        network = TurnNetwork(Wav2Vec2Config(**settings))
    if unfilled := [name for name, _ in network.named_buffers()]:
        raise NotImplementedError(f"buffers {unfilled} would stay without values; fill them in suites/turn_network.py")
    return network.to_empty(device="cpu").eval().requires_grad_(requires_grad=False)
