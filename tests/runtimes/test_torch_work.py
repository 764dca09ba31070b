"""What torch modules do at least, worked by hand: operations by shape, and each weight as often as it is read."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from harness.limits import CallWork  # noqa: E402
from harness.runtimes.torch_work import Listener  # noqa: E402
from harness.runtimes.work import Tally  # noqa: E402


def work(module, *inputs, **named) -> CallWork:
    tally = Tally()
    with torch.inference_mode(), Listener(module, tally):
        module.eval()(*inputs, **named)
    tally.end_call()
    return tally.calls()[0]


class Loop(nn.Module):
    """A step for each place, whose input is the output of the one before; and one layer beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.step = nn.Linear(8, 8, bias=False)
        self.last = nn.Linear(8, 5, bias=False)

    def forward(self, x, steps: int):
        for _ in range(steps):
            x = self.step(x)
        return self.last(x)


def test_a_linear_layer() -> None:
    assert work(nn.Linear(10, 20), torch.zeros(3, 10)) == CallWork(2.0 * 3 * 10 * 20, {1: 4 * 200})


def test_a_loop_reads_its_weights_once_a_step() -> None:
    operations = 7 * 2 * 8 * 8 + 2 * 8 * 5
    assert work(Loop(), torch.zeros(1, 8), 7) == CallWork(float(operations), {1: 4 * 40, 7: 4 * 64})


def test_a_convolution_without_what_falls_into_the_padding() -> None:
    # 8 places, kernel 3, one place of padding a side: 8 places of 3 taps, of which 2 meet nothing.
    assert work(nn.Conv1d(4, 6, 3, padding=1), torch.zeros(2, 4, 8)) == CallWork(2.0 * 2 * 4 * 6 * 22, {1: 4 * 72})


def test_a_convolution_of_one_example_without_its_batch() -> None:
    assert work(nn.Conv1d(4, 6, 3), torch.zeros(4, 8)).operations == 2 * 4 * 6 * 3 * 6


def test_a_transposed_convolution() -> None:
    # Kernel 4, stride 2: each of 5 places writes 4, and all fall into the 12 that come out.
    module = nn.ConvTranspose1d(4, 6, 4, stride=2)
    assert work(module, torch.zeros(1, 4, 5)) == CallWork(2.0 * 4 * 6 * 4 * 5, {1: 4 * 96})


def test_a_weight_with_a_norm_is_read_as_its_direction() -> None:
    module = nn.utils.parametrizations.weight_norm(nn.Conv1d(4, 6, 3))
    assert work(module, torch.zeros(1, 4, 8)) == CallWork(2.0 * 4 * 6 * 3 * 6, {1: 4 * 72})


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
def test_a_recurrent_layer_reads_the_matrix_of_its_state_once_a_step(kind, gates) -> None:
    # Both directions, two layers: inputs of 5, then of 2 x 7; batch 2, 6 steps.
    module = kind(5, 7, num_layers=2, bidirectional=True, batch_first=True)
    inputs, states = gates * 7 * (5 + 5 + 14 + 14), gates * 7 * 7 * 4
    expected = CallWork(2.0 * 2 * 6 * (inputs + states), {1: 4 * inputs, 6: 4 * states})
    assert work(module, torch.zeros(2, 6, 5)) == expected


def test_a_packed_sequence_has_as_many_rows_as_it_holds() -> None:
    packed = nn.utils.rnn.pack_padded_sequence(torch.zeros(4, 2, 5), torch.tensor([4, 1]))
    found = work(nn.LSTM(5, 7), packed)
    assert found == CallWork(2.0 * 5 * 28 * (5 + 7), {1: 4 * 28 * 5, 4: 4 * 28 * 7})


class Attention(nn.Module):
    def __init__(self, *, is_causal: bool) -> None:
        super().__init__()
        self.is_causal = is_causal

    def forward(self, x):
        return nn.functional.scaled_dot_product_attention(x, x, x, is_causal=self.is_causal)


@pytest.mark.parametrize(("is_causal", "pairs"), [(False, 25), (True, 15)])
def test_attention_computes_what_its_mask_shows(is_causal, pairs) -> None:
    found = work(Attention(is_causal=is_causal), torch.zeros(3, 2, 5, 8))
    assert found == CallWork(2.0 * 3 * 2 * pairs * (8 + 8))


def test_the_fast_path_of_attention_counts_its_projections() -> None:
    x = torch.zeros(2, 3, 8)
    found = work(nn.MultiheadAttention(8, 2, batch_first=True), x, x, x, need_weights=False)
    assert found == CallWork(2.0 * 2 * 3 * 8 * 8 * 4 + 2.0 * 2 * 9 * 8 * 2, {1: 4 * (3 * 64 + 64)})


def test_rows_of_an_embedding_and_products_of_what_is_computed_read_no_weights() -> None:
    assert work(nn.Embedding(9, 4), torch.tensor([1, 2])) == CallWork(0.0)


@pytest.mark.parametrize("is_frozen", [False, True])
def test_a_script_is_heard_like_a_module_on_each_of_its_runs(is_frozen) -> None:
    module = nn.Sequential(nn.Conv1d(4, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(36, 5)).eval()
    script = torch.jit.script(module)
    script = torch.jit.freeze(script) if is_frozen else script
    operations = 2.0 * 4 * 6 * 3 * 6 + 2.0 * 36 * 5
    for _ in range(3):  # the second and third may be compiled otherwise
        tally = Tally()
        with torch.inference_mode(), Listener(script, tally):
            script(torch.zeros(1, 4, 8))
        tally.end_call()
        assert tally.calls() == (CallWork(operations, {1: 4 * (72 + 180)}),)
