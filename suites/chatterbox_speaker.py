"""The x-vector network of Chatterbox (CAM++): a recording's filter bank to one vector, for the flow. Imports torch.

The names of its parts are those of the published `s3gen.safetensors` (`speaker_encoder.…`).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from suites.chatterbox_config import VOICE_BANK

_SEGMENT = 100
"""Frames that are averaged as the context of each other."""
_BOTTLENECK = 4
_DILATIONS = (1, 2, 2)


class SpeakerEncoder(nn.Module):
    """80 bands of a recording to one vector."""

    def __init__(self, *, first: int, growth: int, start: int, layers: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.head = _Head(first)
        self.xvector = _XVector(first * VOICE_BANK // 8, growth, start, layers, width)

    def forward(self, bank: torch.Tensor) -> torch.Tensor:
        """The vector of a recording, from its bands frame by frame."""
        return self.xvector(self.head(bank.transpose(1, 2)))


class _Head(nn.Module):
    """Two-dimensional convolutions that leave an eighth of the bands."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = nn.Sequential(_Residual(width, 2), _Residual(width, 1))
        self.layer2 = nn.Sequential(_Residual(width, 2), _Residual(width, 1))
        self.conv2 = nn.Conv2d(width, width, 3, stride=(2, 1), padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, bands: torch.Tensor) -> torch.Tensor:
        states = functional.relu(self.bn1(self.conv1(bands[:, None])))
        states = self.layer2(self.layer1(states))
        return functional.relu(self.bn2(self.conv2(states))).flatten(1, 2)


class _Residual(nn.Module):
    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, stride=(stride, 1), padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential()
        if stride > 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(width, width, 1, stride=(stride, 1), bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        done = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(states)))))
        return functional.relu(done + self.shortcut(states))


class _XVector(nn.Module):
    """Dense blocks of time delays, each halved in width after it; then mean and deviation over time."""

    def __init__(self, bands: int, growth: int, start: int, layers: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.tdnn = _Delay(bands, start)
        self._stages: list[str] = []
        channels = start
        for place, (count, dilation) in enumerate(zip(layers, _DILATIONS, strict=True), start=1):
            block = nn.Module()
            for one in range(count):
                block.add_module(f"tdnnd{one + 1}", _Dense(channels + one * growth, growth, dilation))
            channels += count * growth
            self.add_module(f"block{place}", block)
            self.add_module(f"transit{place}", _Transit(channels))
            self._stages += [f"block{place}", f"transit{place}"]
            channels //= 2
        self.out_nonlinear = _Norm(channels)
        self.dense = _Last(2 * channels, width)

    def forward(self, bands: torch.Tensor) -> torch.Tensor:
        states = self.tdnn(bands)
        for name in self._stages:
            stage = getattr(self, name)
            if name.startswith("transit"):
                states = stage(states)
                continue
            for layer in stage.children():
                states = torch.cat([states, layer(states)], dim=1)
        states = self.out_nonlinear(states)
        return self.dense(torch.cat([states.mean(dim=-1), states.std(dim=-1)], dim=-1))


class _Norm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.batchnorm = nn.BatchNorm1d(width)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.batchnorm(states))


class _Delay(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(inputs, outputs, 5, stride=2, padding=2, bias=False)
        self.nonlinear = _Norm(outputs)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.nonlinear(self.linear(states))


class _Dense(nn.Module):
    def __init__(self, inputs: int, growth: int, dilation: int) -> None:
        super().__init__()
        inner = _BOTTLENECK * growth
        self.nonlinear1 = _Norm(inputs)
        self.linear1 = nn.Conv1d(inputs, inner, 1, bias=False)
        self.nonlinear2 = _Norm(inner)
        self.cam_layer = _Context(inner, growth, dilation)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(states))))


class _Context(nn.Module):
    """A time delay, each channel of it let through by what is around: its segment and the whole."""

    def __init__(self, inputs: int, outputs: int, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(inputs, outputs, 3, padding=dilation, dilation=dilation, bias=False)
        self.linear1 = nn.Conv1d(inputs, inputs // 2, 1)
        self.linear2 = nn.Conv1d(inputs // 2, outputs, 1)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        segments = functional.avg_pool1d(states, _SEGMENT, stride=_SEGMENT, ceil_mode=True)
        around = segments.repeat_interleave(_SEGMENT, dim=-1)[..., : states.shape[-1]]
        context = functional.relu(self.linear1(states.mean(dim=-1, keepdim=True) + around))
        return self.linear_local(states) * torch.sigmoid(self.linear2(context))


class _Transit(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.nonlinear = _Norm(width)
        self.linear = nn.Conv1d(width, width // 2, 1, bias=False)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.linear(self.nonlinear(states))


class _Last(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(inputs, outputs, 1, bias=False)
        self.nonlinear = nn.Module()
        self.nonlinear.batchnorm = nn.BatchNorm1d(outputs, affine=False)

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        return self.nonlinear.batchnorm(self.linear(pooled[..., None])[..., 0])
