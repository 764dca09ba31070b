"""Declares a service as a model: what a file of `suites/models/` needs to have a speech server measured.

Imports no runtime and no array library; starts nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from harness.endpoints import Endpoint, Service, openai_speech
from harness.models import Arrays, AudioOutput, Example, Model, Workload

__all__ = ["Endpoint", "Service", "openai_speech", "speech_service", "spoken"]

_LONG_TEXT = 60
"""From so many letters on a text counts as long."""


def speech_service(
    *, name: str, service: Service, texts: Sequence[str] | Mapping[str, str], licence: str = "not told", **more: Any
) -> Model:
    """A service that speaks texts, as a model: its one precision, fp32, stands for what it serves.

    `texts` are the examples, with names where it is a mapping. `more` is whatever else `Model` takes.
    """
    told = {
        "family": name,
        "task": "text-to-speech",
        "precisions": ("fp32",),
        "weights": service.provenance or "as served",
        "summary": "a service",
    }
    return Model(
        name=name,
        runtime="http",
        licence=licence,
        reference=lambda _: service,
        workload=lambda _: spoken(f"{name}-texts", texts),
        audio=AudioOutput("audio", service.endpoint.sample_rate),
        **{**told, **more},
    )


def spoken(name: str, texts: Sequence[str] | Mapping[str, str], version: int = 1) -> Workload:
    """Texts as a workload."""
    named = texts if isinstance(texts, Mapping) else {f"text-{place}": text for place, text in enumerate(texts, 1)}
    examples = tuple(
        Example(key, load=partial(_inputs, text), slices={"length": _length(text)}) for key, text in named.items()
    )
    return Workload(name, version, examples, json.dumps(dict(named)))


def _inputs(text: str) -> Arrays:
    import numpy as np

    return {"text": np.array(text)}


def _length(text: str) -> str:
    return "long" if len(text) >= _LONG_TEXT else "short"
