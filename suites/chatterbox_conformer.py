"""The encoder of Chatterbox's flow: speech tokens to states at twice their rate, by a conformer. Imports torch.

The names of its parts are those of the published `s3gen.safetensors` (`flow.encoder.…`).
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

_AHEAD = 3
"""Tokens that the first layer looks ahead."""


class UpsampleConformer(nn.Module):
    """Blocks at the rate of the tokens, then twice the rate, then more blocks."""

    def __init__(self, *, width: int, heads: int, inner: int, layers: tuple[int, int]) -> None:
        super().__init__()
        self.embed = _Embed(width)
        self.after_norm = nn.LayerNorm(width)
        self.pre_lookahead_layer = _LookAhead(width)
        self.encoders = nn.ModuleList(_Layer(width, heads, inner) for _ in range(layers[0]))
        self.up_layer = _Double(width)
        self.up_embed = _Embed(width)
        self.up_encoders = nn.ModuleList(_Layer(width, heads, inner) for _ in range(layers[1]))

    def forward(self, embedded: torch.Tensor) -> torch.Tensor:
        """The states of embedded tokens, two of each."""
        states = self.pre_lookahead_layer(self.embed(embedded))
        positions = distances(states)
        for layer in self.encoders:
            states = layer(states, positions)
        states = self.up_embed(self.up_layer(states))
        positions = distances(states)
        for layer in self.up_encoders:
            states = layer(states, positions)
        return self.after_norm(states)


def distances(states: torch.Tensor) -> torch.Tensor:
    """Sinusoids of every distance between two frames, from the farthest ahead to the farthest behind."""
    length, width = states.shape[1:]
    apart = torch.arange(length - 1, -length, -1, device=states.device, dtype=torch.float32)
    places = torch.arange(0, width, 2, device=states.device, dtype=torch.float32)
    angles = apart[:, None] * torch.exp(places * (-math.log(10_000.0) / width))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1).to(states.dtype)[None]


def by_distance(scores: torch.Tensor) -> torch.Tensor:
    """Turn scores of (frame, distance) into scores of (frame, frame): each row begins one distance later."""
    *batch, length, distance_count = scores.shape
    shifted = functional.pad(scores, (1, 0)).view(*batch, distance_count + 1, length)
    return shifted[..., 1:, :].reshape(*batch, length, distance_count)[..., :length]


class _Embed(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.out = nn.Sequential(nn.Linear(width, width), nn.LayerNorm(width))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.out(states) * math.sqrt(states.shape[-1])


class _LookAhead(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(width, width, _AHEAD + 1)
        self.conv2 = nn.Conv1d(width, width, 3)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        ahead = functional.leaky_relu(self.conv1(functional.pad(states.transpose(1, 2), (0, _AHEAD))))
        return states + self.conv2(functional.pad(ahead, (2, 0))).transpose(1, 2)


class _Double(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(width, width, 5)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        twice = states.transpose(1, 2).repeat_interleave(2, dim=-1)
        return self.conv(functional.pad(twice, (4, 0))).transpose(1, 2)


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.self_attn = _Attention(width, heads)
        self.feed_forward = _FeedForward(width, inner)
        self.norm_mha = nn.LayerNorm(width, eps=1e-12)
        self.norm_ff = nn.LayerNorm(width, eps=1e-12)

    def forward(self, states: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        states = states + self.self_attn(self.norm_mha(states), positions)
        return states + self.feed_forward(self.norm_ff(states))


class _FeedForward(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.w_1 = nn.Linear(width, inner)
        self.w_2 = nn.Linear(inner, width)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.w_2(functional.silu(self.w_1(states)))


class _Attention(nn.Module):
    """Attention by content and by distance, each with a bias of its own (Transformer-XL)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self.linear_q = nn.Linear(width, width)
        self.linear_k = nn.Linear(width, width)
        self.linear_v = nn.Linear(width, width)
        self.linear_out = nn.Linear(width, width)
        self.linear_pos = nn.Linear(width, width, bias=False)
        self.pos_bias_u = nn.Parameter(torch.empty(heads, width // heads))
        self.pos_bias_v = nn.Parameter(torch.empty(heads, width // heads))

    def forward(self, states: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        query, key, value, places = (
            part.unflatten(-1, (self._heads, -1)).transpose(1, 2)
            for part in (
                self.linear_q(states),
                self.linear_k(states),
                self.linear_v(states),
                self.linear_pos(positions),
            )
        )
        scale = query.shape[-1] ** -0.5
        far = by_distance((query + self.pos_bias_v[:, None]) @ places.transpose(-1, -2)) * scale
        found = functional.scaled_dot_product_attention(query + self.pos_bias_u[:, None], key, value, attn_mask=far)
        return self.linear_out(found.transpose(1, 2).flatten(2))
