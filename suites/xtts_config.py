"""What XTTS v2 is made of, in numbers: the published size and a tiny one of the same classes. Imports no runtime."""

from __future__ import annotations

from dataclasses import dataclass

SAMPLE_RATE = 24_000
MEL_BANDS = 80
SPEAKER_BANDS = 64


@dataclass(frozen=True, slots=True)
class XttsConfig:
    """The sizes of the parts. Where the published model repeats a number in several parts, it stands here once."""

    layers: int = 30
    width: int = 1024
    heads: int = 16
    text_vocabulary: int = 6681
    start_text: int = 261
    stop_text: int = 0
    audio_vocabulary: int = 1026
    start_audio: int = 1024
    most_text: int = 402
    most_audio: int = 605
    conditioning_blocks: int = 6
    latents: int = 32
    perceiver_depth: int = 2
    perceiver_heads: int = 8
    perceiver_head_width: int = 64
    vocoder_width: int = 512
    rates: tuple[int, ...] = (8, 8, 2, 2)
    rate_kernels: tuple[int, ...] = (16, 16, 4, 4)
    block_kernels: tuple[int, ...] = (3, 7, 11)
    block_dilations: tuple[int, ...] = (1, 3, 5)
    voice_width: int = 512
    voice_filters: tuple[int, ...] = (32, 64, 128, 256)
    voice_blocks: tuple[int, ...] = (3, 4, 6, 3)
    voice_attention: int = 128


FULL = XttsConfig()
TINY = XttsConfig(
    layers=2,
    width=64,
    heads=4,
    text_vocabulary=256,
    start_text=255,
    audio_vocabulary=66,
    start_audio=64,
    most_text=62,
    most_audio=61,
    conditioning_blocks=2,
    latents=8,
    perceiver_heads=2,
    perceiver_head_width=16,
    vocoder_width=64,
    voice_width=32,
    voice_filters=(16, 16, 16, 16),
    voice_blocks=(1, 1, 1, 1),
    voice_attention=16,
)
