"""The vocoder of Chatterbox (HiFT): mels to audio at 24 kHz, by a source of harmonics and an inverse Fourier transform.

Imports torch. The names of its parts are those of the published `s3gen.safetensors` (`mel2wav.…`). Phases and noise of
the source are no draws but a buffer. What has no half-precision kernel (both Fourier transforms) or would lose the
pitch in one (the phase, a sum over all samples) is computed in 32 bits whatever the weights are.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from suites.chatterbox_config import RATE

_RATES, _KERNELS = (8, 5, 3), (16, 11, 7)
_POINTS, _HOP = 16, 4
_BINS = _POINTS // 2 + 1
FRAME = math.prod(_RATES) * _HOP
"""Samples of one frame of mel."""
_RESIDUAL_KERNELS, _SOURCE_KERNELS, _DILATIONS = (3, 7, 11), (7, 7, 11), (1, 3, 5)
_SLOPE = 0.1
_HARMONICS = 9
_VOICED_HERTZ, _LOUDNESS, _BREATH = 10.0, 0.1, 0.003
_LOUDEST_BIN, _LOUDEST = 100.0, 0.99
DRAWS = 2**16
"""Numbers of the buffer that stands for the source's noise; it is read round and round."""


class Vocoder(nn.Module):
    """Mels to samples between -0.99 and 0.99."""

    def __init__(self, mels: int, *, width: int, pitch: int) -> None:
        super().__init__()
        self.m_source = _Source()
        self.conv_pre = weight_norm(nn.Conv1d(mels, width, 7, padding=3))
        self.ups, self.source_downs = nn.ModuleList(), nn.ModuleList()
        self.source_resblocks, self.resblocks = nn.ModuleList(), nn.ModuleList()
        for place, (rate, kernel) in enumerate(zip(_RATES, _KERNELS, strict=True)):
            inputs, outputs = width >> place, width >> (place + 1)
            padding = (kernel - rate) // 2
            self.ups.append(weight_norm(nn.ConvTranspose1d(inputs, outputs, kernel, rate, padding=padding)))
            down = math.prod(_RATES[place + 1 :])
            shape = {"kernel_size": 2 * down, "stride": down, "padding": down // 2} if down > 1 else {"kernel_size": 1}
            self.source_downs.append(nn.Conv1d(2 * _BINS, outputs, **shape))
            self.source_resblocks.append(_Residual(outputs, _SOURCE_KERNELS[place]))
            self.resblocks.extend(_Residual(outputs, kernel) for kernel in _RESIDUAL_KERNELS)
        self.conv_post = weight_norm(nn.Conv1d(width >> len(_RATES), 2 * _BINS, 7, padding=3))
        self.f0_predictor = _Pitch(mels, pitch)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """The audio of mels: as many samples as they have frames, times `FRAME`."""
        hertz = self.f0_predictor(mels)
        source = _transformed(self.m_source(hertz).float()).to(mels.dtype)
        states = self.conv_pre(mels)
        each = len(_RESIDUAL_KERNELS)
        for place, up in enumerate(self.ups):
            states = up(functional.leaky_relu(states, _SLOPE))
            if place == len(_RATES) - 1:
                states = functional.pad(states, (1, 0), mode="reflect")
            states = states + self.source_resblocks[place](self.source_downs[place](source))
            states = sum(block(states) for block in self.resblocks[place * each : (place + 1) * each]) / each
        bins = self.conv_post(functional.leaky_relu(states)).float()
        loudness = bins[:, :_BINS].exp().clamp(max=_LOUDEST_BIN)
        # torch.polar has no kernel on every device
        phase = bins[:, _BINS:].sin()
        audio = _joined(torch.complex(loudness * phase.cos(), loudness * phase.sin()))
        return audio.clamp(-_LOUDEST, _LOUDEST)


def _window(device: torch.device) -> torch.Tensor:
    return torch.hann_window(_POINTS, device=device)


def _transformed(samples: torch.Tensor) -> torch.Tensor:
    """Real parts, then imaginary parts, of a Fourier transform every fourth sample."""
    bins = torch.stft(samples, _POINTS, _HOP, window=_window(samples.device), return_complex=True)
    return torch.cat([bins.real, bins.imag], dim=1)


def _joined(bins: torch.Tensor) -> torch.Tensor:
    return torch.istft(bins, _POINTS, _HOP, window=_window(bins.device))


class _Source(nn.Module):
    """Harmonics of the pitch where there is a voice, noise where there is none, mixed into one signal."""

    def __init__(self) -> None:
        super().__init__()
        self.l_linear = nn.Linear(_HARMONICS, 1)
        self.register_buffer("noise", torch.empty(DRAWS), persistent=False)

    def forward(self, hertz: torch.Tensor) -> torch.Tensor:
        pitch = hertz.float().repeat_interleave(FRAME, dim=-1)[..., None]
        numbers = torch.arange(1, _HARMONICS + 1, device=hertz.device)
        noise = self.noise.float()
        # the first harmonic begins at 0, the others wherever
        begins = functional.pad(noise[: _HARMONICS - 1], (1, 0))
        turns = (pitch * numbers / RATE).cumsum(dim=1) % 1
        voiced = pitch > _VOICED_HERTZ
        count = pitch.shape[1] * _HARMONICS
        breath = noise.repeat(count // DRAWS + 1)[:count].view(1, -1, _HARMONICS)
        loud = torch.where(voiced, _BREATH, _LOUDNESS / 3) * breath
        mixed = torch.where(voiced, _LOUDNESS * torch.sin(2 * math.pi * (turns + begins)), 0.0) + loud
        return torch.tanh(self.l_linear(mixed.to(hertz.dtype)))[..., 0]


class _Pitch(nn.Module):
    """Hertz of every frame."""

    def __init__(self, mels: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs in (mels, width, width, width, width):
            layers += [weight_norm(nn.Conv1d(inputs, width, 3, padding=1)), nn.ELU()]
        self.condnet = nn.Sequential(*layers)
        self.classifier = nn.Linear(width, 1)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.condnet(mels).transpose(1, 2))[..., 0].abs()


class Snake(nn.Module):
    """Each channel with a ripple of its own frequency on it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.empty(width))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """The states, each with its ripple."""
        alpha = self.alpha[:, None]
        return states + torch.sin(alpha * states).square() / (alpha + 1e-9)


class _Residual(nn.Module):
    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(_same(width, kernel, dilation) for dilation in _DILATIONS)
        self.convs2 = nn.ModuleList(_same(width, kernel, 1) for _ in _DILATIONS)
        self.activations1 = nn.ModuleList(Snake(width) for _ in _DILATIONS)
        self.activations2 = nn.ModuleList(Snake(width) for _ in _DILATIONS)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        for first, second, before, between in zip(
            self.convs1, self.convs2, self.activations1, self.activations2, strict=True
        ):
            states = states + second(between(first(before(states))))
        return states


def _same(width: int, kernel: int, dilation: int) -> nn.Module:
    return weight_norm(nn.Conv1d(width, width, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2))
