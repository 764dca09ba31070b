"""The flow of Chatterbox: speech tokens to mels, by flow matching with classifier-free guidance. Imports torch.

The names of its parts are those of the published `s3gen.safetensors` (`flow.…`). The noise that it begins with is no
draw but a buffer, so that every run and every precision begins alike.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from harness.errors import WorkloadProblem
from suites.chatterbox_config import SPEECH_CODES
from suites.chatterbox_conformer import UpsampleConformer

GUIDANCE = 0.7
NOISE_FRAMES = 12_500
"""Four minutes, voice and speech together: as many as a seeded block fills with 80 bands."""


class Flow(nn.Module):
    """Tokens of a voice and of what it is to say, to the mels of the latter."""

    def __init__(
        self, *, mels: int, encoder: dict[str, Any], estimator: dict[str, int], steps: int, speaker: int
    ) -> None:
        super().__init__()
        width = encoder["width"]
        self.input_embedding = nn.Embedding(SPEECH_CODES, width)
        self.spk_embed_affine_layer = nn.Linear(speaker, mels)
        self.encoder = UpsampleConformer(**encoder)
        self.encoder_proj = nn.Linear(width, mels)
        self.decoder = Matching(mels, estimator, steps)

    def forward(
        self, tokens: torch.Tensor, voice_tokens: torch.Tensor, voice_mels: torch.Tensor, speaker: torch.Tensor
    ) -> torch.Tensor:
        """The mels of the tokens; those of the voice are given, and go before."""
        before = min(2 * voice_tokens.shape[1], voice_mels.shape[1])
        all_tokens = torch.cat([voice_tokens[:, : before // 2], tokens], dim=1)
        wanted = self.encoder_proj(self.encoder(self.input_embedding(all_tokens))).transpose(1, 2)
        before = 2 * (before // 2)
        known = functional.pad(voice_mels[:, :before].transpose(1, 2), (0, wanted.shape[-1] - before))
        voice = self.spk_embed_affine_layer(functional.normalize(speaker, dim=-1))
        return self.decoder(wanted, voice, known)[..., before:]


class Matching(nn.Module):
    """Euler's steps from noise to mels, along what the estimator says with and without the condition."""

    def __init__(self, mels: int, estimator: dict[str, int], steps: int) -> None:
        super().__init__()
        self._steps = steps
        self.estimator = Estimator(mels, **estimator)
        self.register_buffer("noise", torch.empty(1, mels, NOISE_FRAMES), persistent=False)

    def forward(self, wanted: torch.Tensor, voice: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        """The mels that fit what is wanted; some are known."""
        frames = wanted.shape[-1]
        if frames > NOISE_FRAMES:
            raise WorkloadProblem(f"{frames} frames of mel are more than the flow makes at once; cut the text shorter")
        condition = torch.cat([wanted, voice[..., None].expand(-1, -1, frames), known], dim=1)
        both = torch.cat([condition, torch.zeros_like(condition)])
        state = self.noise[..., :frames].to(wanted.dtype)
        for now, then in pairwise(moments(self._steps)):
            with_condition, without = self.estimator(state.expand(2, -1, -1), both, now).chunk(2)
            state = state + (then - now) * (with_condition + GUIDANCE * (with_condition - without))
        return state


def moments(steps: int) -> list[float]:
    """The moments between 0 and 1 at which the estimator is asked: close together at first."""
    return [1 - math.cos(step / steps * math.pi / 2) for step in range(steps + 1)]


class Estimator(nn.Module):
    """A U-Net of one level: where the mels go from here, at a moment."""

    def __init__(self, mels: int, *, width: int, heads: int, head: int, blocks: int, middle: int) -> None:
        super().__init__()
        inputs, moment = 4 * mels, 4 * width
        sizes = {"heads": heads, "head": head, "blocks": blocks}
        self._inputs = inputs
        self.time_mlp = _Moment(inputs, moment)
        self.down_blocks = nn.ModuleList([_stage(inputs, width, moment, **sizes, ends=True)])
        self.mid_blocks = nn.ModuleList([_stage(width, width, moment, **sizes) for _ in range(middle)])
        self.up_blocks = nn.ModuleList([_stage(2 * width, width, moment, **sizes, ends=True)])
        self.final_block = _Convolved(width, width)
        self.final_proj = nn.Conv1d(width, mels, 1)

    def forward(self, state: torch.Tensor, condition: torch.Tensor, moment: float) -> torch.Tensor:
        """The direction of every number of the state."""
        at = self.time_mlp(sinusoids(moment, self._inputs, state))
        states = torch.cat([state, condition], dim=1)
        (down,), (up,) = self.down_blocks, self.up_blocks
        kept = _through(down, states, at)
        states = down[2](kept)
        for stage in self.mid_blocks:
            states = _through(stage, states, at)
        states = up[2](_through(up, torch.cat([states, kept], dim=1), at))
        return self.final_proj(self.final_block(states))


def sinusoids(moment: float, width: int, like: torch.Tensor) -> torch.Tensor:
    """A moment as sines and cosines of it, a thousandfold, from fast to slow."""
    half = width // 2
    slowing = math.log(10_000) / (half - 1)
    angles = 1000 * moment * torch.exp(torch.arange(half, device=like.device, dtype=torch.float32) * -slowing)
    return torch.cat([angles.sin(), angles.cos()])[None].to(like.dtype)


def _stage(inputs: int, width: int, moment: int, *, heads: int, head: int, blocks: int, ends: bool = False) -> Any:
    parts = [_Resnet(inputs, width, moment), nn.ModuleList(_Transformer(width, heads, head) for _ in range(blocks))]
    return nn.ModuleList([*parts, CausalConv1d(width, width, 3)] if ends else parts)


def _through(stage: Any, states: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    states = stage[0](states, at).transpose(1, 2)
    for block in stage[1]:
        states = block(states)
    return states.transpose(1, 2)


class CausalConv1d(nn.Conv1d):
    """A convolution that sees what came before, and nothing of what comes."""

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """As many frames as were given."""
        return super().forward(functional.pad(states, (self.kernel_size[0] - 1, 0)))


class _Moment(nn.Module):
    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(inputs, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, at: torch.Tensor) -> torch.Tensor:
        return self.linear_2(functional.silu(self.linear_1(at)))


class _Swap(nn.Module):
    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return states.transpose(1, 2)


class _Convolved(nn.Module):
    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.block = nn.Sequential(CausalConv1d(inputs, width, 3), _Swap(), nn.LayerNorm(width), _Swap(), nn.Mish())

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.block(states)


class _Resnet(nn.Module):
    def __init__(self, inputs: int, width: int, moment: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Mish(), nn.Linear(moment, width))
        self.block1 = _Convolved(inputs, width)
        self.block2 = _Convolved(width, width)
        self.res_conv = nn.Conv1d(inputs, width, 1)

    def forward(self, states: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        return self.block2(self.block1(states) + self.mlp(at)[..., None]) + self.res_conv(states)


class _Transformer(nn.Module):
    def __init__(self, width: int, heads: int, head: int) -> None:
        super().__init__()
        self.attn1 = _Attention(width, heads, head)
        self.ff = _FeedForward(width)
        self.norm1 = nn.LayerNorm(width)
        self.norm3 = nn.LayerNorm(width)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        states = states + self.attn1(self.norm1(states))
        return states + self.ff(self.norm3(states))


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int, head: int) -> None:
        super().__init__()
        self._heads = heads
        self.to_q = nn.Linear(width, heads * head, bias=False)
        self.to_k = nn.Linear(width, heads * head, bias=False)
        self.to_v = nn.Linear(width, heads * head, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(heads * head, width)])

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        query, key, value = (
            part(states).unflatten(-1, (self._heads, -1)).transpose(1, 2) for part in (self.to_q, self.to_k, self.to_v)
        )
        found = functional.scaled_dot_product_attention(query, key, value)
        return self.to_out[0](found.transpose(1, 2).flatten(2))


class _FeedForward(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.ModuleList([_Widened(width), nn.Identity(), nn.Linear(4 * width, width)])

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.net[2](self.net[0](states))


class _Widened(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, 4 * width)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return functional.gelu(self.proj(states))
