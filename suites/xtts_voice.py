"""How XTTS hears the voice it is to speak in: latents for the language model, one vector for the vocoder.

Names are those of the published checkpoint. Statistics over frames are taken in 32 bits whatever the weights are: a sum
of squares leaves the range of halves. Imports torch: import it late.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from suites.xtts_config import SPEAKER_BANDS, XttsConfig

_SQUEEZE = 8


class ConditioningBlock(nn.Module):
    """Attention over frames; what it adds to is the normed input, as in the published model."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(_groups(width), width)
        self.qkv = nn.Conv1d(width, 3 * width, 1)
        self.proj_out = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Attend over all frames. Query, key and value lie side by side within each head."""
        normed = self.norm(x)
        apart = self.qkv(normed).unflatten(1, (self.heads, -1)).transpose(2, 3)
        query, keys, values = apart.chunk(3, dim=-1)
        mixed = functional.scaled_dot_product_attention(query, keys, values)
        return normed + self.proj_out(mixed.transpose(2, 3).flatten(1, 2))


class ConditioningEncoder(nn.Module):
    """Mel frames of a voice, each seen among all others."""

    def __init__(self, bands: int, width: int, heads: int, blocks: int) -> None:
        super().__init__()
        self.init = nn.Conv1d(bands, width, 1)
        self.attn = nn.Sequential(*(ConditioningBlock(width, heads) for _ in range(blocks)))

    def forward(self, mel: Tensor) -> Tensor:
        """Encode frames."""
        return self.attn(self.init(mel))


class PerceiverAttention(nn.Module):
    """Latents attend to frames and to themselves."""

    def __init__(self, config: XttsConfig) -> None:
        super().__init__()
        inner = config.perceiver_heads * config.perceiver_head_width
        self.heads = config.perceiver_heads
        self.to_q = nn.Linear(config.width, inner, bias=False)
        self.to_kv = nn.Linear(config.width, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, config.width, bias=False)

    def forward(self, latents: Tensor, frames: Tensor) -> Tensor:
        """Attend."""
        keys, values = self.to_kv(torch.cat((latents, frames), dim=1)).chunk(2, dim=-1)
        heads = (one.unflatten(-1, (self.heads, -1)).transpose(1, 2) for one in (self.to_q(latents), keys, values))
        return self.to_out(functional.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2))


class Gated(nn.Module):
    """GEGLU: one half of what comes in, weighed by the other."""

    def forward(self, x: Tensor) -> Tensor:
        """Gate."""
        kept, gate = x.chunk(2, dim=-1)
        return kept * functional.gelu(gate)


class RootMeanSquareNorm(nn.Module):
    """Each vector at one length, times a learned weight."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Norm in 32 bits."""
        return (functional.normalize(x.float(), dim=-1) * math.sqrt(x.shape[-1])).to(x.dtype) * self.gamma


class PerceiverResampler(nn.Module):
    """A fixed number of latents, whatever the length of the recording."""

    def __init__(self, config: XttsConfig) -> None:
        super().__init__()
        inner = config.width * 4 * 2 // 3
        self.latents = nn.Parameter(torch.empty(config.latents, config.width))
        self.layers = nn.ModuleList(
            nn.ModuleList(
                (
                    PerceiverAttention(config),
                    nn.Sequential(nn.Linear(config.width, 2 * inner), Gated(), nn.Linear(inner, config.width)),
                )
            )
            for _ in range(config.perceiver_depth)
        )
        self.norm = RootMeanSquareNorm(config.width)

    def forward(self, frames: Tensor) -> Tensor:
        """Gather frames into latents."""
        latents = self.latents.expand(frames.shape[0], -1, -1)
        for attend, feed_forward in self.layers:
            latents = latents + attend(latents, frames)
            latents = latents + feed_forward(latents)
        return self.norm(latents)


class SqueezeExcite(nn.Module):
    """Weighs channels by what all of them hold on average."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = channels // _SQUEEZE
        self.fc = nn.Sequential(nn.Linear(channels, squeezed), nn.ReLU(), nn.Linear(squeezed, channels), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """Weigh."""
        return x * self.fc(x.mean(dim=(2, 3)))[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two convolutions, squeezed and excited, beside a short cut."""

    def __init__(self, before: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.se = SqueezeExcite(channels)
        self.downsample = (
            nn.Sequential(nn.Conv2d(before, channels, 1, stride=stride, bias=False), nn.BatchNorm2d(channels))
            if stride > 1 or before != channels
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """Convolve; the norm follows the bend here, as in the published model."""
        beside = x if self.downsample is None else self.downsample(x)
        x = self.bn1(functional.relu(self.conv1(x)))
        return functional.relu(self.se(self.bn2(self.conv2(x))) + beside)


class SpeakerEncoder(nn.Module):
    """A ResNet over the mel of a voice, pooled by attention into one vector of length 1."""

    def __init__(self, config: XttsConfig) -> None:
        super().__init__()
        first, *_ = filters = config.voice_filters
        self.conv1 = nn.Conv2d(1, first, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(first)
        strides = (1, *(2 for _ in filters[1:]))
        before = (first, *filters[:-1])
        for place, (inputs, channels, blocks, stride) in enumerate(
            zip(before, filters, config.voice_blocks, strides, strict=True), start=1
        ):
            rest = (ResidualBlock(channels, channels, 1) for _ in range(blocks - 1))
            setattr(self, f"layer{place}", nn.Sequential(ResidualBlock(inputs, channels, stride), *rest))
        pooled = filters[-1] * SPEAKER_BANDS // math.prod(strides)
        self.attention = nn.Sequential(
            nn.Conv1d(pooled, config.voice_attention, 1),
            nn.ReLU(),
            nn.BatchNorm1d(config.voice_attention),
            nn.Conv1d(config.voice_attention, pooled, 1),
            nn.Softmax(dim=2),
        )
        self.fc = nn.Linear(2 * pooled, config.voice_width)

    def forward(self, mel: Tensor) -> Tensor:
        """Take a mel of energies to a vector."""
        x = functional.instance_norm((mel.float() + 1e-6).log()).to(mel.dtype).unsqueeze(1)
        x = self.bn1(functional.relu(self.conv1(x)))
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        x = x.flatten(1, 2)
        weights, frames = self.attention(x).float(), x.float()
        mean = (frames * weights).sum(dim=2)
        deviation = ((frames.square() * weights).sum(dim=2) - mean.square()).clamp(min=1e-5).sqrt()
        vector = self.fc(torch.cat((mean, deviation), dim=1).to(x.dtype))
        return functional.normalize(vector.float(), dim=1).to(x.dtype)


def _groups(width: int) -> int:
    """How many groups the published model norms so many channels in."""
    most = 8 if width <= 16 else 16 if width <= 64 else 32
    return math.gcd(most, width)
