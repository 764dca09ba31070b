"""XTTS's language model: a GPT-2 stack without embeddings of its own, around it those of text and audio tokens.

Its projections are Linear, where the published stack has GPT-2's transposed `Conv1D`: what quantizes Linear then finds
them. Names are those of the published checkpoint. Imports torch: import it late.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from suites.xtts_config import MEL_BANDS, XttsConfig
from suites.xtts_voice import ConditioningEncoder, PerceiverResampler

_FEED_FORWARD = 4


class Cache:
    """Keys and values of every layer, of all places so far; the room for those to come is taken at once."""

    def __init__(self, config: XttsConfig, room: int, like: Tensor) -> None:
        head_width = config.width // config.heads
        self._kept = like.new_empty((config.layers, 2, 1, config.heads, room, head_width))
        self.used = 0

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Keep the new ones of a layer; return all of it."""
        end = self.used + keys.shape[2]
        kept = self._kept[layer]
        kept[0, :, :, self.used : end], kept[1, :, :, self.used : end] = keys, values
        return kept[0, :, :, :end], kept[1, :, :, :end]


class Attention(nn.Module):
    """Causal attention over what is new and what the cache holds."""

    def __init__(self, config: XttsConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.c_attn = nn.Linear(config.width, 3 * config.width)
        self.c_proj = nn.Linear(config.width, config.width)

    def forward(self, x: Tensor, layer: int, cache: Cache | None) -> Tensor:
        """Attend. Several new places at once are the first of all, or stand without a cache."""
        query, keys, values = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.c_attn(x).chunk(3, dim=-1)
        )
        if cache is not None:
            keys, values = cache.extend(layer, keys, values)
        mixed = functional.scaled_dot_product_attention(query, keys, values, is_causal=x.shape[1] > 1)
        return self.c_proj(mixed.transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    """Two projections with GPT-2's own GELU between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.c_fc = nn.Linear(width, _FEED_FORWARD * width)
        self.c_proj = nn.Linear(_FEED_FORWARD * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Widen, bend, narrow."""
        return self.c_proj(functional.gelu(self.c_fc(x), approximate="tanh"))


class Block(nn.Module):
    """One layer, normed before each half."""

    def __init__(self, config: XttsConfig) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.width)
        self.attn = Attention(config)
        self.ln_2 = nn.LayerNorm(config.width)
        self.mlp = FeedForward(config.width)

    def forward(self, x: Tensor, layer: int, cache: Cache | None) -> Tensor:
        """Add what attention says, then what the feed-forward half says."""
        x = x + self.attn(self.ln_1(x), layer, cache)
        return x + self.mlp(self.ln_2(x))


class Stack(nn.Module):
    """GPT-2 without embeddings: hidden states in, hidden states out."""

    def __init__(self, config: XttsConfig) -> None:
        super().__init__()
        self.h = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.ln_f = nn.LayerNorm(config.width)

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        """Run the new places through all layers."""
        for layer, block in enumerate(self.h):
            x = block(x, layer, cache)
        if cache is not None:
            cache.used += x.shape[1]
        return self.ln_f(x)


class Positions(nn.Module):
    """A learned vector a place."""

    def __init__(self, places: int, width: int) -> None:
        super().__init__()
        self.emb = nn.Embedding(places, width)

    def forward(self, first: int, count: int) -> Tensor:
        """The vectors of consecutive places."""
        return self.emb(torch.arange(first, first + count, device=self.emb.weight.device))


class Gpt(nn.Module):
    """From a voice and a text to audio tokens: their hidden states, and logits of the next one."""

    def __init__(self, config: XttsConfig) -> None:
        super().__init__()
        width = config.width
        self.config = config
        self.conditioning_encoder = ConditioningEncoder(MEL_BANDS, width, config.heads, config.conditioning_blocks)
        self.conditioning_perceiver = PerceiverResampler(config)
        self.text_embedding = nn.Embedding(config.text_vocabulary, width)
        self.mel_embedding = nn.Embedding(config.audio_vocabulary, width)
        self.text_pos_embedding = Positions(config.most_text + 2, width)
        self.mel_pos_embedding = Positions(config.most_audio + 3, width)
        self.gpt = Stack(config)
        self.final_norm = nn.LayerNorm(width)
        self.text_head = nn.Linear(width, config.text_vocabulary)
        self.mel_head = nn.Linear(width, config.audio_vocabulary)

    def prompt(self, conditioning_mel: Tensor, text_ids: Tensor) -> Tensor:
        """What stands before the audio tokens: the latents of a voice, then the text between its start and stop."""
        frames = self.conditioning_encoder(conditioning_mel).transpose(1, 2)
        latents = self.conditioning_perceiver(frames)
        ends = (1, 0), (0, 1)
        for pad, value in zip(ends, (self.config.start_text, self.config.stop_text), strict=True):
            text_ids = functional.pad(text_ids, pad, value=value)
        text = self.text_embedding(text_ids) + self.text_pos_embedding(0, text_ids.shape[1])
        return torch.cat((latents, text), dim=1)

    def inputs(self, audio_ids: Tensor) -> Tensor:
        """What the stack is fed to be asked for each of these tokens in turn: the start, and all but the last."""
        fed = functional.pad(audio_ids[:, :-1], (1, 0), value=self.config.start_audio)
        return self.mel_embedding(fed) + self.mel_pos_embedding(0, fed.shape[1])

    def latents(self, embedded: Tensor, cache: Cache | None = None) -> Tensor:
        """Hidden states as vocoder and head want them."""
        return self.final_norm(self.gpt(embedded, cache))
