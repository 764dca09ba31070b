"""XTTS's vocoder: hidden states of audio tokens and the vector of a voice in, 24 kHz audio out. HiFi-GAN.

Names are those of the published checkpoint; so is where weights are normed. Imports torch: import it late.
"""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from suites.xtts_config import SAMPLE_RATE, XttsConfig
from suites.xtts_voice import SpeakerEncoder

_TRAINED_RATE = 22_050
_FRAMES_A_TOKEN = 4
_EDGE_KERNEL = 7
_SLOPE = 0.1


class ResidualBlock(nn.Module):
    """Pairs of convolutions, the first of each pair dilated, each pair beside a short cut."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(_same(channels, kernel, dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(_same(channels, kernel, 1) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            x = x + plain(functional.leaky_relu(dilated(functional.leaky_relu(x, _SLOPE)), _SLOPE))
        return x


class Generator(nn.Module):
    """HiFi-GAN, told the voice at its input and after every upsampling."""

    def __init__(self, config: XttsConfig) -> None:
        super().__init__()
        widths = tuple(config.vocoder_width // 2**place for place in range(len(config.rates) + 1))
        self.kernels = len(config.block_kernels)
        self.conv_pre = nn.Conv1d(config.width, widths[0], _EDGE_KERNEL, padding=_EDGE_KERNEL // 2)
        self.ups = nn.ModuleList(
            weight_norm(nn.ConvTranspose1d(wide, narrow, kernel, rate, padding=(kernel - rate) // 2))
            for wide, narrow, kernel, rate in zip(
                widths[:-1], widths[1:], config.rate_kernels, config.rates, strict=True
            )
        )
        self.resblocks = nn.ModuleList(
            ResidualBlock(width, kernel, config.block_dilations)
            for width in widths[1:]
            for kernel in config.block_kernels
        )
        self.conv_post = nn.Conv1d(widths[-1], 1, _EDGE_KERNEL, padding=_EDGE_KERNEL // 2, bias=False)
        self.cond_layer = nn.Conv1d(config.voice_width, widths[0], 1)
        self.conds = nn.ModuleList(nn.Conv1d(config.voice_width, width, 1) for width in widths[1:])

    def forward(self, frames: Tensor, voice: Tensor) -> Tensor:
        """Make samples between -1 and 1."""
        x = self.conv_pre(frames) + self.cond_layer(voice)
        for place, (up, told) in enumerate(zip(self.ups, self.conds, strict=True)):
            x = up(functional.leaky_relu(x, _SLOPE)) + told(voice)
            blocks = self.resblocks[place * self.kernels : (place + 1) * self.kernels]
            x = sum(block(x) for block in blocks) / self.kernels
        return self.conv_post(functional.leaky_relu(x)).tanh()


class Decoder(nn.Module):
    """Hidden states to audio, and the encoder that hears a voice for it."""

    def __init__(self, config: XttsConfig) -> None:
        super().__init__()
        self.waveform_decoder = Generator(config)
        self.speaker_encoder = SpeakerEncoder(config)
        self.unsettled = _unsettled(config)
        """So many samples at the end of the audio would sound otherwise if more tokens followed."""

    def forward(self, latents: Tensor, voice: Tensor) -> Tensor:
        """Stretch hidden states to the frames of the vocoder, and let it speak: samples in one row."""
        frames = functional.interpolate(latents.transpose(1, 2), scale_factor=float(_FRAMES_A_TOKEN), mode="linear")
        frames = functional.interpolate(frames, scale_factor=SAMPLE_RATE / _TRAINED_RATE, mode="linear")
        return self.waveform_decoder(frames, voice.unsqueeze(-1))[:, 0]


def _same(channels: int, kernel: int, dilation: int) -> nn.Module:
    padding = dilation * (kernel - 1) // 2
    return weight_norm(nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=padding))


def _unsettled(config: XttsConfig) -> int:
    """How far the end of the audio looks ahead: what each layer adds, counted from the samples back to the tokens."""
    ahead = _EDGE_KERNEL // 2
    blocks = (max(config.block_kernels) - 1) // 2 * (sum(config.block_dilations) + len(config.block_dilations))
    for rate in reversed(config.rates):
        ahead = math.ceil((ahead + blocks) / rate) + 1
    frames = ahead + _EDGE_KERNEL // 2
    stretched = math.ceil(_FRAMES_A_TOKEN / 2 * SAMPLE_RATE / _TRAINED_RATE) + 1
    return (frames + stretched) * math.prod(config.rates)
