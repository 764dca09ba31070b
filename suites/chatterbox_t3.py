"""T3 of Chatterbox: text ids and a voice to speech tokens, by a Llama with classifier-free guidance. Imports torch.

The names of its parts are those of the published `t3_cfg.safetensors`. Tokens are chosen greedily, or given (teacher
forcing): the service samples, and the same seed would draw other tokens in another precision.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from transformers import DynamicCache, LlamaConfig, LlamaModel

from suites.chatterbox_config import SPEECH_IDS, START_SPEECH, START_TEXT, STOP_SPEECH, STOP_TEXT, TEXT_IDS

GUIDANCE = 0.5
EMOTION = 0.5
_PERCEIVER_HEADS = 4
_THETA, _FACTOR, _SLOWEST, _FASTEST, _LEARNED = 500_000.0, 8.0, 1.0, 4.0, 8192
"""Rotary positions of Llama 3: turns slower than `_SLOWEST` in the learned length are stretched by the factor."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Speech tokens, one row, and the guided logits that each was chosen from."""

    ids: torch.Tensor
    logits: torch.Tensor


class T3(nn.Module):
    """The token model: speaker, prompt, emotion, text, then speech tokens one by one."""

    def __init__(
        self, *, width: int, layers: int, heads: int, inner: int, queries: int, text: int, speech: int, speaker: int
    ) -> None:
        super().__init__()
        config = LlamaConfig(
            vocab_size=8,  # its own embedding is never used, and is in the published file all the same
            hidden_size=width,
            intermediate_size=inner,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=heads,
            head_dim=width // heads,
            max_position_embeddings=131_072,
            rms_norm_eps=1e-5,
            attn_implementation="sdpa",
        )
        self.tfmr = LlamaModel(config)
        self.tfmr.rotary_emb = Rotations(width // heads)
        self.cond_enc = _Conditioning(speaker, width, queries)
        self.text_emb = nn.Embedding(TEXT_IDS, width)
        self.speech_emb = nn.Embedding(SPEECH_IDS, width)
        self.text_pos_emb = _Positions(text, width)
        self.speech_pos_emb = _Positions(speech, width)
        self.text_head = nn.Linear(width, TEXT_IDS, bias=False)
        self.speech_head = nn.Linear(width, SPEECH_IDS, bias=False)

    @property
    def longest(self) -> tuple[int, int]:
        """How many text ids fit between their marks, and how many speech tokens after theirs."""
        return self.text_pos_emb.emb.num_embeddings - 2, self.speech_pos_emb.emb.num_embeddings - 1

    def forward(
        self,
        text: torch.Tensor,
        speaker: torch.Tensor,
        prompt: torch.Tensor,
        *,
        emotion: torch.Tensor | None = None,
        given: torch.Tensor | None = None,
        most: int = 1000,
    ) -> Spoken:
        """Speak a text: the tokens given, or the likeliest ones until the model stops or there are `most`."""
        cache = DynamicCache()
        states = self._read(self.opening(text, speaker, prompt, emotion), cache)
        ids: list[torch.Tensor] = []
        logits: list[torch.Tensor] = []
        for place in range(most if given is None else given.shape[1]):
            logits.append(self.guided(states))
            chosen = logits[-1].argmax(dim=-1) if given is None else given[:, place]
            if given is None and chosen.item() == STOP_SPEECH:
                break
            ids.append(chosen)
            if len(ids) < (most if given is None else given.shape[1]):
                states = self._read(self.step(chosen, place + 1), cache)
        return Spoken(torch.stack(ids, dim=1) if ids else text[:, :0], torch.stack(logits, dim=1))

    def opening(
        self, text: torch.Tensor, speaker: torch.Tensor, prompt: torch.Tensor, emotion: torch.Tensor | None = None
    ) -> torch.Tensor:
        """What stands before the first speech token, in two rows: the second has no text, for the guidance."""
        if emotion is None:
            emotion = torch.full((1, 1, 1), EMOTION, device=text.device, dtype=speaker.dtype)
        framed = functional.pad(functional.pad(text, (1, 0), value=START_TEXT), (0, 1), value=STOP_TEXT)
        said = self.text_emb(framed)
        texts = torch.cat([said, torch.zeros_like(said)]) + self.text_pos_emb(framed.shape[1])
        voice = self.cond_enc(speaker, self.speech_emb(prompt) + self.speech_pos_emb(prompt.shape[1]), emotion)
        start = self.step(torch.full((1,), START_SPEECH, device=text.device), 0)
        return torch.cat([voice.expand(2, -1, -1), texts, start], dim=1)

    def step(self, token: torch.Tensor, place: int) -> torch.Tensor:
        """One speech token at its place, in both rows."""
        return (self.speech_emb(token)[:, None] + self.speech_pos_emb(1, place)).expand(2, -1, -1)

    def guided(self, states: torch.Tensor) -> torch.Tensor:
        """Logits led away from those that the model gives without the text."""
        with_text, without = self.speech_head(states).chunk(2)
        return with_text + GUIDANCE * (with_text - without)

    def _read(self, embedded: torch.Tensor, cache: DynamicCache) -> torch.Tensor:
        read = self.tfmr(inputs_embeds=embedded, past_key_values=cache, use_cache=True)
        return read.last_hidden_state[:, -1]


class Rotations(nn.Module):
    """Llama 3's rotary positions, computed at each call: a buffer would be rounded with weights in half precision."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self._width = width

    def forward(self, states: torch.Tensor, position_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosine and sine of every position."""
        places = torch.arange(0, self._width, 2, device=states.device, dtype=torch.float32)
        turning = _THETA ** (-places / self._width)
        turns = turning * (_LEARNED / (2 * math.pi))
        fast = ((turns - _SLOWEST) / (_FASTEST - _SLOWEST)).clamp(0, 1)
        turning = turning * (fast + (1 - fast) / _FACTOR)
        angles = position_ids[:, :, None].float() * turning
        angles = torch.cat([angles, angles], dim=-1)
        return angles.cos().to(states.dtype), angles.sin().to(states.dtype)


class _Positions(nn.Module):
    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.emb = nn.Embedding(count, width)

    def forward(self, count: int, first: int = 0) -> torch.Tensor:
        """The embeddings of so many places in a row."""
        return self.emb(torch.arange(first, first + count, device=self.emb.weight.device))


class _Conditioning(nn.Module):
    """Who speaks, how they sound, and how moved they are: a few vectors before the text."""

    def __init__(self, speaker: int, width: int, queries: int) -> None:
        super().__init__()
        self.spkr_enc = nn.Linear(speaker, width)
        self.emotion_adv_fc = nn.Linear(1, width, bias=False)
        self.perceiver = _Perceiver(queries, width)

    def forward(self, speaker: torch.Tensor, prompt: torch.Tensor, emotion: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.spkr_enc(speaker)[:, None], self.perceiver(prompt), self.emotion_adv_fc(emotion)], dim=1)


class _Perceiver(nn.Module):
    """A prompt of any length, as so many vectors: one attention, used twice."""

    def __init__(self, queries: int, width: int) -> None:
        super().__init__()
        self.pre_attention_query = nn.Parameter(torch.empty(1, queries, width))
        self.attn = _PerceiverAttention(width)

    def forward(self, prompt: torch.Tensor) -> torch.Tensor:
        heard = self.attn(self.pre_attention_query.expand(len(prompt), -1, -1), prompt)
        return self.attn(heard, heard)


class _PerceiverAttention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.to_q = nn.Linear(width, width)
        self.to_k = nn.Linear(width, width)
        self.to_v = nn.Linear(width, width)
        self.proj_out = nn.Linear(width, width)

    def forward(self, asking: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        normed = self.norm(told)
        query, key, value = (
            part.unflatten(-1, (_PERCEIVER_HEADS, -1)).transpose(1, 2)
            for part in (self.to_q(self.norm(asking)), self.to_k(normed), self.to_v(normed))
        )
        found = functional.scaled_dot_product_attention(query, key, value)
        return asking + self.proj_out(found.transpose(1, 2).flatten(2))
