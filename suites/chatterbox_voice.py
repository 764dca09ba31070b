"""What Chatterbox hears of a recorded voice: the voice encoder (an LSTM) and the speech tokenizer. Imports torch.

The names of their parts are those of the published `ve.safetensors` and of `s3gen.safetensors` (`tokenizer.…`).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from suites.chatterbox_config import VOICE_ENERGIES, VOICE_MELS

_MEMORY = 31
"""Frames that the tokenizer's memory reaches over."""
_LEVELS, _DIMENSIONS = 3, 8


class VoiceEncoder(nn.Module):
    """Energies in 40 bands to one vector of length one, for T3."""

    def __init__(self, *, width: int, layers: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(VOICE_ENERGIES, width, num_layers=layers, batch_first=True)
        self.proj = nn.Linear(width, width)
        # only its training used these two; the published file holds them
        self.similarity_weight = nn.Parameter(torch.empty(1))
        self.similarity_bias = nn.Parameter(torch.empty(1))

    def forward(self, energies: torch.Tensor) -> torch.Tensor:
        """The vector of a recording."""
        _, (last, _) = self.lstm(energies)
        return functional.normalize(functional.relu(self.proj(last[-1])), dim=-1)


class SpeechTokenizer(nn.Module):
    """Mels in 128 bands, 100 a second, to 25 speech tokens a second."""

    def __init__(self, *, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.encoder = _Encoder(width, heads, layers)
        self.quantizer = _Quantizer(width)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """The tokens of a recording, one row."""
        return self.quantizer(self.encoder(mels))


class _Quantizer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self._codebook = _Codebook(width)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self._codebook(states)


class _Codebook(nn.Module):
    """Eight digits of three levels each, read as one number."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project_down = nn.Linear(width, _DIMENSIONS)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        digits = (self.project_down(states).float().tanh() * 0.999).round().long() + 1
        powers = torch.tensor([_LEVELS**place for place in range(_DIMENSIONS)], device=digits.device)
        return (digits * powers).sum(dim=-1)


class _Encoder(nn.Module):
    def __init__(self, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(VOICE_MELS, width, 3, stride=2, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList(_Block(width, heads) for _ in range(layers))

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        states = functional.gelu(self.conv1(mels))
        states = functional.gelu(self.conv2(states)).transpose(1, 2)
        for block in self.blocks:
            states = block(states)
        return states


class _Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = _Attention(width, heads)
        self.attn_ln = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.mlp_ln = nn.LayerNorm(width)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        states = states + self.attn(self.attn_ln(states))
        return states + self.mlp(self.mlp_ln(states))


class _Attention(nn.Module):
    """Attention with rotary positions, beside a memory: what the values were in the frames around."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.fsmn_block = nn.Conv1d(width, width, _MEMORY, padding=_MEMORY // 2, groups=width, bias=False)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        values = self.value(states)
        memory = self.fsmn_block(values.transpose(1, 2)).transpose(1, 2) + values
        query, key, value = (
            part.unflatten(-1, (self._heads, -1)).transpose(1, 2)
            for part in (self.query(states), self.key(states), values)
        )
        found = functional.scaled_dot_product_attention(_rotated(query), _rotated(key), value)
        return self.out(found.transpose(1, 2).flatten(2)) + memory


def _rotated(heads: torch.Tensor) -> torch.Tensor:
    """Turn the halves of each head against each other, by an angle that grows with the place."""
    length, width = heads.shape[-2:]
    speeds = 10_000 ** (-torch.arange(0, width, 2, device=heads.device, dtype=torch.float32) / width)
    angles = torch.arange(length, device=heads.device, dtype=torch.float32)[:, None] * speeds
    cosine, sine = angles.cos().to(heads.dtype), angles.sin().to(heads.dtype)
    first, second = heads.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)
