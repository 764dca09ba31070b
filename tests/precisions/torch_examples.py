"""Small modules that the tests of torch conversions share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from harness.models import ModuleReference
from harness.precisions import Converted, Job, recipe


class Speech(nn.Module):
    """A bit of everything: a convolution, recurrence both ways, a product, and a head tied to an embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(10, 32)
        self.conv = nn.Conv1d(32, 32, 3, padding=1)
        self.lstm = nn.LSTM(32, 16, num_layers=2, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(32, 32, batch_first=True)
        self.linear = nn.Linear(32, 32)
        self.narrow = nn.Linear(32, 10)
        self.odd = nn.Linear(10, 32, bias=False)
        self.head = nn.Linear(32, 10, bias=False)
        self.head.weight = self.words.weight
        self.register_buffer("shift", torch.zeros(32))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        hidden = self.conv(self.words(ids).transpose(1, 2)).transpose(1, 2) + self.shift
        hidden, _ = self.lstm(hidden)
        hidden, _ = self.gru(hidden)
        return self.head(self.odd(self.narrow(self.linear(hidden).relu())))


def fill(module: nn.Module) -> None:
    generator = torch.Generator().manual_seed(3)
    for parameter in module.parameters():
        parameter.data.normal_(std=0.3, generator=generator)
    for buffer in module.buffers():
        if buffer.is_floating_point():
            buffer.data.normal_(generator=generator)


def filled(make: Callable[[], nn.Module]) -> nn.Module:
    module = make().eval()
    fill(module)
    return module


def reference(make: Callable[[], nn.Module] = Speech) -> ModuleReference:
    return ModuleReference(make, fill, ("test",), "test")


def convert(
    precision: str, target: Path, make: Callable[[], nn.Module] = Speech, *, engine: str | None = None, **settings: Any
) -> Converted:
    job = Job(reference(make), target, settings, engine)
    return recipe(precision).conversions["torch-state"](job)


def speak(module: nn.Module) -> torch.Tensor:
    with torch.inference_mode():
        return module(torch.tensor([[1, 5, 2, 9, 0, 3]])).float()
