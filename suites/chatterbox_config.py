"""The dimensions of Chatterbox, full and tiny, as plain mappings: importing nothing, so that listing models is cheap.

The full ones are those of the published `t3_cfg.safetensors`, `s3gen.safetensors` and `ve.safetensors`. The tiny ones
have the same classes and the same vocabularies, so that the same ids may be fed to both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RATE = 24_000
TOKENS_A_SECOND = 25
"""Speech tokens of one second; the flow makes two frames of mel of each, the vocoder 480 samples of each frame."""

START_TEXT, STOP_TEXT = 255, 0
START_SPEECH, STOP_SPEECH = 6561, 6562
SPEECH_CODES = 6561
"""What the speech tokenizer tells apart: 3 levels in 8 dimensions. The ids above are marks of T3."""

TEXT_IDS, SPEECH_IDS = 704, 8194
VOICE_ENERGIES, VOICE_MELS, VOICE_BANK = 40, 128, 80
"""What the voice encoder, the speech tokenizer and the x-vector network hear of a recording: bands each."""

FULL: Mapping[str, Any] = {
    "t3": {"width": 1024, "layers": 30, "heads": 16, "inner": 4096, "queries": 32, "text": 2050, "speech": 4100},
    "voice": {"width": 256, "layers": 3},
    "tokenizer": {"width": 1280, "heads": 20, "layers": 6},
    "speaker": {"first": 32, "growth": 32, "start": 128, "layers": (12, 24, 16), "width": 192},
    "flow": {
        "mels": 80,
        "encoder": {"width": 512, "heads": 8, "inner": 2048, "layers": (6, 4)},
        "estimator": {"width": 256, "heads": 8, "head": 64, "blocks": 4, "middle": 12},
        "steps": 10,
    },
    "vocoder": {"width": 512, "pitch": 512},
}

TINY: Mapping[str, Any] = {
    "t3": {"width": 64, "layers": 2, "heads": 4, "inner": 256, "queries": 8, "text": 402, "speech": 402},
    "voice": {"width": 32, "layers": 3},
    "tokenizer": {"width": 64, "heads": 4, "layers": 2},
    "speaker": {"first": 8, "growth": 8, "start": 16, "layers": (2, 2, 2), "width": 24},
    "flow": {
        "mels": 16,
        "encoder": {"width": 32, "heads": 2, "inner": 64, "layers": (2, 1)},
        "estimator": {"width": 32, "heads": 2, "head": 16, "blocks": 1, "middle": 2},
        "steps": 2,
    },
    "vocoder": {"width": 64, "pitch": 32},
}
