"""What a torch module's weights are counted by: its outermost parts, or those it declares."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from harness.precisions import torch_count, torch_layout  # noqa: E402
from tests.precisions.torch_examples import convert  # noqa: E402


class Nested(nn.Module):
    """Weights at three depths: 3 of its own, 2·2 + 2 and 4·4 in a part, 5·5 in another."""

    def __init__(self) -> None:
        super().__init__()
        self.own = nn.Parameter(torch.zeros(3))
        self.voice = nn.Module()
        self.voice.small = nn.Linear(2, 2)
        self.voice.large = nn.Linear(4, 4, bias=False)
        self.speech = nn.Linear(5, 5, bias=False)
        self.register_buffer("shift", torch.zeros(7))


class Declaring(Nested):
    """The same, counted by parts of its choice; `voices` is no module, and `voice.large` is inside `voice`."""

    counted_parts: Mapping[str, str] = {"large": "voice.large", "rest of the voice": "voice", "nothing": "voices"}


def counted(make, precision, target):
    layout = convert(precision, target, make).layout
    return torch_count.count_by_part(torch_layout.rebuild(make, target, layout), layout)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8-dynamic", "int8-weight-only"])
@pytest.mark.parametrize(
    ("make", "parts"),
    [
        (Nested, {"itself": 3, "voice": 22, "speech": 25}),
        (Declaring, {"large": 16, "rest of the voice": 6, "nothing": 0, "itself": 3, "speech": 25}),
    ],
    ids=["outermost", "declared"],
)
def test_weights_are_counted_by_part_whatever_they_were_converted_to(make, parts, precision, tmp_path):
    assert counted(make, precision, tmp_path / "made.pt") == parts


class WithSubmodule(nn.Module):
    """A module of another's making, which happens to hold a part of an unlucky name."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleList([nn.Linear(2, 2, bias=False)])


def test_a_submodule_named_parts_declares_nothing():
    assert torch_count.count_by_part(WithSubmodule(), {"kind": "cast"}) == {"parts": 4}
