"""Modules built without values, and torch's initialisers as they were afterwards."""

import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from suites.seeded import uninitialised  # noqa: E402 - after torch is known to be there

ROOT = Path(__file__).parents[2]


def test_nothing_is_drawn_meanwhile_and_torch_initialises_again_afterwards() -> None:
    torch.manual_seed(0)
    state = torch.random.get_rng_state()
    with uninitialised():
        torch.nn.Linear(4, 4)
        torch.nn.Embedding(4, 4)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.nn.Linear(64, 64).weight.abs().max() <= 1 / 8  # torch's own bound: one over the root of the fan-in
    assert not torch.equal(torch.random.get_rng_state(), state)


def test_the_initialisers_come_back_where_building_fails() -> None:
    before = torch.nn.init.normal_
    with pytest.raises(ZeroDivisionError), uninitialised():
        raise ZeroDivisionError
    assert torch.nn.init.normal_ is before


def test_xtts_is_built_without_torch_s_compiler() -> None:
    code = (
        "import sys; from suites.xtts_config import TINY; from suites.xtts_network import skeleton; skeleton(TINY);"
        " print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
