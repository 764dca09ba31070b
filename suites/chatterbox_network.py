"""Chatterbox as one torch module: a voice is heard, a text is spoken with it. Imports torch: import it late.

Its parts are T3 (`t3`), the voice encoder (`ve`) and the four of S3Gen under their published names: `tokenizer`,
`speaker_encoder`, `flow`, `mel2wav`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from harness.errors import WorkloadProblem
from suites import seeded
from suites.chatterbox_config import SPEECH_CODES
from suites.chatterbox_flow import NOISE_FRAMES, Flow
from suites.chatterbox_speaker import SpeakerEncoder
from suites.chatterbox_t3 import T3
from suites.chatterbox_vocoder import DRAWS, Snake, Vocoder
from suites.chatterbox_voice import SpeechTokenizer, VoiceEncoder

S3GEN = ("tokenizer", "speaker_encoder", "flow", "mel2wav")
"""The parts that the published files keep in `s3gen.safetensors`."""

_QUIETER = 0.5
"""What random weights of the vocoder's last layer are scaled by: its output is exponentiated, and would be clipped."""


class Chatterbox(nn.Module):
    """Text ids and a voice to audio.

    The voice is a recording (`energies`, `voice_mels`, `bank`: it is encoded at each call, as the service does it), or
    what was once made of one (`speaker`, `prompt_ids`, `voice_ids`, `vector`: what `conds.pt` holds).
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        speaker, vector = config["voice"]["width"], config["speaker"]["width"]
        self.t3 = T3(**config["t3"], speaker=speaker)
        self.ve = VoiceEncoder(**config["voice"])
        self.tokenizer = SpeechTokenizer(**config["tokenizer"])
        self.speaker_encoder = SpeakerEncoder(**config["speaker"])
        self.flow = Flow(**config["flow"], speaker=vector)
        self.mel2wav = Vocoder(config["flow"]["mels"], **config["vocoder"])

    def forward(
        self,
        text_ids: torch.Tensor,
        flow_mels: torch.Tensor,
        energies: torch.Tensor | None = None,
        voice_mels: torch.Tensor | None = None,
        bank: torch.Tensor | None = None,
        speaker: torch.Tensor | None = None,
        prompt_ids: torch.Tensor | None = None,
        voice_ids: torch.Tensor | None = None,
        vector: torch.Tensor | None = None,
        emotion: torch.Tensor | None = None,
        speech_ids: torch.Tensor | None = None,
        most: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Speak: with `speech_ids` those tokens, else the likeliest until T3 stops or there are `most`."""
        self._refuse_length(text_ids, speech_ids)
        if energies is not None:
            speaker, vector = self.ve(energies), self.speaker_encoder(bank)
            prompt_ids = voice_ids = self.tokenizer(voice_mels)
        longest = self.t3.longest[1] if most is None else int(most)
        spoken = self.t3(text_ids, speaker, prompt_ids, emotion=emotion, given=speech_ids, most=longest)
        codes = spoken.ids[spoken.ids < SPEECH_CODES][None]
        if not codes.shape[1]:
            raise WorkloadProblem("T3 stopped before it had said anything; give it another text or voice")
        audio = self.mel2wav(self.flow(codes, voice_ids, flow_mels, vector))
        return {"audio": audio, "logits": spoken.logits}

    def _refuse_length(self, text_ids: torch.Tensor, speech_ids: torch.Tensor | None) -> None:
        longest_text, longest_speech = self.t3.longest
        if not text_ids.shape[1]:
            raise WorkloadProblem("a text of zero length has nothing to be spoken; give at least one id of text")
        if text_ids.shape[1] > longest_text:
            raise WorkloadProblem(
                f"a text of {text_ids.shape[1]} ids is longer than the {longest_text} that T3 has places for; "
                "cut it at its sentences"
            )
        if speech_ids is not None and speech_ids.shape[1] > longest_speech:
            raise WorkloadProblem(f"T3 has places for {longest_speech} speech tokens, not {speech_ids.shape[1]}")


def skeleton(config: Mapping[str, Any]) -> Chatterbox:
    """Build the network without initialising its weights: their values are whatever memory held."""
    with torch.device("meta"):
        network = Chatterbox(config)
    network.to_empty(device="cpu")
    _put_constants(network)
    return network.eval().requires_grad_(requires_grad=False)


def _put_constants(network: Chatterbox) -> None:
    """The buffers that no file holds: the noise of the flow, and of the vocoder's source."""
    draws = seeded.block(0)
    mels = network.flow.decoder.noise.shape[1]
    network.flow.decoder.noise.copy_(draws[: mels * NOISE_FRAMES].view(1, mels, NOISE_FRAMES))
    network.mel2wav.m_source.noise.copy_(draws[:DRAWS])
    for part in network.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            part.reset_running_stats()


def fill(network: Chatterbox, seed: int) -> None:
    """Give every weight a seeded value, and those a neutral one that a random one would make useless."""
    seeded.fill(network, seed)
    for part in network.modules():
        if isinstance(part, LlamaRMSNorm) or (isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d) and part.affine):
            part.weight.data.fill_(1.0)
        elif isinstance(part, Snake):
            part.alpha.data.fill_(1.0)
        elif isinstance(part, nn.LSTM):
            for name, parameter in part.named_parameters():
                if name.startswith("bias"):
                    parameter.data.zero_()
    network.mel2wav.conv_post.parametrizations.weight.original0.data.mul_(_QUIETER)
