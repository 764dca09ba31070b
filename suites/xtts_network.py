"""XTTS v2 as a torch module: a voice and a text in, audio out, whole or chunk by chunk. Imports torch: import it late.

Which audio tokens are spoken is told (teacher forcing), so that every precision says the same for the same time and the
logits compare place by place. The tokens are none the less made one by one, each waiting for the one before.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from suites.seeded import fill as fill_seeded
from suites.seeded import uninitialised
from suites.xtts_config import XttsConfig
from suites.xtts_gpt import Cache, Gpt
from suites.xtts_vocoder import Decoder
from suites.xtts_voice import RootMeanSquareNorm


class XttsNetwork(nn.Module):
    """Speaks a text in the voice of a recording.

    Called with `chunk_tokens` it speaks the first chunk, and what it has said stays with it; called with `more` it
    speaks the next. Any other call begins anew.
    """

    counted_parts: Mapping[str, str] = {
        "GPT-2 stack": "gpt.gpt",
        "conditioning": "gpt.conditioning_encoder",
        "perceiver": "gpt.conditioning_perceiver",
        "embeddings and heads": "gpt",
        "vocoder": "hifigan_decoder.waveform_decoder",
        "speaker encoder": "hifigan_decoder.speaker_encoder",
    }
    """What parameters are counted by: a name a prefix of theirs; the longest that fits counts."""

    def __init__(self, config: XttsConfig) -> None:
        super().__init__()
        self.config = config
        self.gpt = Gpt(config)
        self.hifigan_decoder = Decoder(config)
        self._utterance: Utterance | None = None

    def forward(
        self,
        text_ids: Tensor | None = None,
        conditioning_mel: Tensor | None = None,
        speaker_mel: Tensor | None = None,
        audio_ids: Tensor | None = None,
        chunk_tokens: Tensor | None = None,
        more: Tensor | None = None,
    ) -> Mapping[str, Tensor]:
        """Audio; beside the whole, or the last chunk of it, the logits of all tokens and the vector of the voice."""
        if more is not None:
            if self._utterance is None:
                raise ValueError("there is no more to say: the utterance has ended or never began")
            return self._next_chunk(self._utterance)
        self._utterance = None
        if text_ids is None or conditioning_mel is None or speaker_mel is None or audio_ids is None:
            raise TypeError("text_ids, conditioning_mel, speaker_mel and audio_ids belong together")
        if not text_ids.numel() or not audio_ids.numel():
            raise ValueError("a text and its audio have one token or more each")
        prompt = self.gpt.prompt(conditioning_mel, text_ids)
        voice = self.hifigan_decoder.speaker_encoder(speaker_mel)
        if chunk_tokens is not None:
            self._utterance = Utterance(self.gpt, prompt, voice, audio_ids, int(chunk_tokens))
            return self._next_chunk(self._utterance)
        utterance = Utterance(self.gpt, prompt, voice, audio_ids, audio_ids.shape[1])
        utterance.go_on()
        # The published model runs its stack once more over all that it made, and speaks what comes out of that.
        again = self.gpt.latents(torch.cat((prompt, utterance.inputs), dim=1))[:, prompt.shape[1] :]
        return {"audio": self.hifigan_decoder(again, voice), **utterance.told()}

    def _next_chunk(self, utterance: Utterance) -> Mapping[str, Tensor]:
        """Speak all tokens so far, as the published model does, and hand out what is new of it.

        What would sound otherwise if more tokens followed is kept back, so that the chunks make the same audio as the
        whole, without a seam.
        """
        utterance.go_on()
        samples = self.hifigan_decoder(utterance.latents(), utterance.voice)
        end = samples.shape[1] if utterance.has_ended else samples.shape[1] - self.hifigan_decoder.unsettled
        said, utterance.said = utterance.said, max(utterance.said, end)
        chunk = {"audio": samples[:, said : utterance.said]}
        if not utterance.has_ended:
            return chunk
        self._utterance = None
        return {**chunk, **utterance.told()}


class Utterance:
    """What is being said: the tokens to come, the cache of those that were, and what came out of them."""

    def __init__(self, gpt: Gpt, prompt: Tensor, voice: Tensor, audio_ids: Tensor, chunk: int) -> None:
        if chunk < 1:
            raise ValueError(f"a chunk has one token or more, not {chunk}")
        self.voice = voice
        self.inputs = gpt.inputs(audio_ids)
        self.said = 0
        self._gpt = gpt
        self._prompt = prompt
        self._chunk = chunk
        self._cache = Cache(gpt.config, prompt.shape[1] + audio_ids.shape[1], prompt)
        self._latents: list[Tensor] = []
        self._logits: list[Tensor] = []

    @property
    def has_ended(self) -> bool:
        """Whether every token was made."""
        return len(self._latents) == self.inputs.shape[1]

    def go_on(self) -> None:
        """Make the tokens of a chunk, one after the other."""
        first = len(self._latents)
        for place in range(first, min(first + self._chunk, self.inputs.shape[1])):
            fed = self.inputs[:, place : place + 1]
            latent = self._gpt.latents(fed if place else torch.cat((self._prompt, fed), dim=1), self._cache)[:, -1:]
            self._latents.append(latent)
            self._logits.append(self._gpt.mel_head(latent))

    def latents(self) -> Tensor:
        """The hidden states of all tokens so far."""
        return torch.cat(self._latents, dim=1)

    def told(self) -> Mapping[str, Tensor]:
        """What is worth comparing beside the audio."""
        return {"logits": torch.cat(self._logits, dim=1)[0], "voice": self.voice[0]}


def skeleton(config: XttsConfig) -> XttsNetwork:
    """Build the network without initialising its weights: their values are whatever memory held."""
    with uninitialised():
        network = XttsNetwork(config).eval().requires_grad_(requires_grad=False)
    for name, buffer in network.named_buffers():
        buffer.fill_(1 if name.endswith("running_var") else 0)
    return network


def fill(network: XttsNetwork, seed: int) -> None:
    """Give every parameter a value, the same on every machine."""
    fill_seeded(network, seed)
    for part in network.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            part.weight.data.fill_(1.0)
        elif isinstance(part, RootMeanSquareNorm):
            part.gamma.data.fill_(1.0)
