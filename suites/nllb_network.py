"""NLLB-200-distilled-600M as a torch module that translates greedily. Imports torch: import it late.

The layers are those of transformers' M2M100. The names of its parts are those of the published checkpoint without
their leading `model.`; one embedding serves both sides and the output.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from transformers import M2M100Config, M2M100ForConditionalGeneration
from transformers.cache_utils import DynamicCache, EncoderDecoderCache

MOST_LOGITS = 4096
"""About so many logits of a position are given out, evenly spread: all 256,206 of twenty tokens are 20 MB."""

_MOST_TOKENS = 200


class Translator(nn.Module):
    """Ids of a sentence to ids of its translation, the likeliest at each step, with a cache of keys and values."""

    def __init__(self, config: M2M100Config) -> None:
        super().__init__()
        network = M2M100ForConditionalGeneration(config)
        self.shared = network.model.shared
        self.encoder = network.model.encoder
        self.decoder = network.model.decoder
        self.lm_head = network.lm_head
        self.stride = max(1, config.vocab_size // MOST_LOGITS)
        self.end = config.eos_token_id
        self.tie()

    def tie(self) -> None:
        """Let the embedding be one again: moving a module from the meta device gives each of its users its own."""
        for user in (self.encoder.embed_tokens, self.decoder.embed_tokens, self.lm_head):
            user.weight = self.shared.weight

    def forward(
        self, source_ids: torch.Tensor, prefix_ids: torch.Tensor, forced_ids: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """Translate until the sentence ends.

        With `forced_ids`, what is chosen is given out, but these are what each next step continues from: as many
        steps as they are, on the same tokens whatever the precision.
        """
        heard = self.encoder(input_ids=source_ids).last_hidden_state
        cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        steps = _MOST_TOKENS if forced_ids is None else forced_ids.shape[1]
        fed, chosen, logits = prefix_ids, list[torch.Tensor](), list[torch.Tensor]()
        for step in range(steps):
            decoded = self.decoder(
                input_ids=fed, encoder_hidden_states=heard, past_key_values=cache, use_cache=True
            ).last_hidden_state
            scores = self.lm_head(decoded[:, -1:])
            best = scores.argmax(dim=-1)
            chosen.append(best)
            logits.append(scores[..., :: self.stride])
            fed = best if forced_ids is None else forced_ids[:, step : step + 1]
            if forced_ids is None and int(best) == self.end:
                break
        return {"target_ids": torch.cat(chosen, dim=1), "logits": torch.cat(logits, dim=1)}


def settle(translator: Translator) -> None:
    """Fill what no weight of a file fills, after the module was given memory: the places of tokens, and the tying."""
    translator.tie()
    for part in (translator.encoder, translator.decoder):
        places = part.embed_positions
        places.make_weights(places.num_positions + places.offset, places.embedding_dim, places.padding_idx)


def empty(settings: Mapping[str, Any]) -> Translator:
    """The translator on the meta device: its shapes without memory."""
    with torch.device("meta"):
        return Translator(M2M100Config(**settings))


def skeleton(settings: Mapping[str, Any]) -> Translator:
    """Build the translator without initialising its weights: their values are whatever memory held."""
    translator = empty(settings).to_empty(device="cpu")
    settle(translator)
    return translator.eval().requires_grad_(requires_grad=False)


def published(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A published checkpoint's tensors under the names of the translator."""
    return {name.removeprefix("model."): tensor for name, tensor in state.items()}


NOT_WEIGHTS = ("encoder.embed_positions.", "decoder.embed_positions.", "final_logits_bias")
"""What older files hold besides: tables that are computed."""
