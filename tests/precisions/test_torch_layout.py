"""A skeleton and a file become the converted module again: the same outputs, nothing lost, nothing foreign."""

from __future__ import annotations

import logging
import subprocess
import sys
import warnings

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from harness.errors import ArtifactUnreadable  # noqa: E402
from harness.precisions import torch_count, torch_layout  # noqa: E402
from tests.precisions.torch_examples import Speech, convert, filled, speak  # noqa: E402

PRECISIONS = ["fp32", "fp16", "bf16", "int8-dynamic", "int8-weight-only", "int4-weight-only"]
ENGINES = [name for name in torch.backends.quantized.supported_engines if name != "none"]


def garbage():
    """A skeleton whose weights, were any left in place, would show."""
    module = Speech()
    for tensor in (*module.parameters(), *module.buffers()):
        tensor.data.fill_(float("nan"))
    return module


@pytest.fixture
def target(tmp_path):
    return tmp_path / "made.pt"


def reopened(precision, target, make=garbage, **kwargs):
    made = convert(precision, target, **kwargs)
    return torch_layout.rebuild(make, target, made.layout), made.layout


def noise_db(found, expected):
    return 10 * torch.log10(expected.square().sum() / (found - expected).square().sum().clamp_min(1e-30))


@pytest.mark.parametrize(
    ("precision", "least_db"),
    [
        ("fp32", 200),
        ("fp16", 50),
        ("bf16", 25),
        ("int8-dynamic", 20),
        ("int8-weight-only", 30),
        ("int4-weight-only", 10),
    ],
)
def test_a_module_opened_again_answers_as_close_to_the_reference_as_its_precision_allows(precision, least_db, target):
    module, layout = reopened(precision, target)
    if layout["kind"] == "cast" and precision != "fp32":
        assert module.shift.dtype == getattr(torch, layout["dtype"])
    assert noise_db(speak(module), speak(filled(Speech))) > least_db


@pytest.mark.parametrize("engine", ENGINES)
def test_packed_modules_answer_bit_for_bit_as_when_they_were_converted(engine, target, monkeypatch):
    monkeypatch.setattr(torch.backends.quantized, "engine", torch.backends.quantized.engine)
    reference = filled(Speech)
    kinds = {nn.Linear, nn.LSTM, nn.GRU}
    torch_layout.use_engine(engine)
    expected = torch.ao.quantization.quantize_dynamic(reference, kinds)
    module, _ = reopened("int8-dynamic", target, engine=engine)
    assert torch.equal(speak(module), speak(expected))


def test_conv1d_of_transformers_is_rebuilt_as_a_linear(target):
    from transformers.pytorch_utils import Conv1D

    def make():
        return nn.Sequential(Conv1D(24, 8))

    x = torch.linspace(-1, 1, 16).view(2, 8)
    for precision, least_db in (("int8-dynamic", 30), ("int8-weight-only", 35)):
        made = convert(precision, target, make)
        module = torch_layout.rebuild(make, target, made.layout)
        with torch.inference_mode():
            assert noise_db(module(x), filled(make)(x)) > least_db


def test_modules_used_under_two_names_are_both_packed(target):
    def make():
        shared = nn.Linear(8, 8)
        return nn.Sequential(shared, nn.ReLU(), shared)

    module = torch_layout.rebuild(make, target, convert("int8-dynamic", target, make).layout)
    x = torch.linspace(-1, 1, 8).view(1, 8)
    assert noise_db(module(x), filled(make)(x)) > 20


def test_tied_weights_are_one_parameter_again(target):
    module, _ = reopened("fp16", target)
    assert module.head.weight is module.words.weight


@pytest.mark.parametrize("precision", PRECISIONS)
def test_what_is_counted_after_loading_is_what_was_counted_when_converting(precision, target):
    module, layout = reopened(precision, target)
    found = torch_count.count(module, layout)
    assert found == {key: layout[key] for key in ("parameter_count", "count_by_dtype")}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_weight_has_the_dtype_that_the_layout_promises(precision, target):
    module, layout = reopened(precision, target)
    held = list(torch_count.held(module, layout))
    promised = [tensor for tensor in held if torch_count.promised_dtype(tensor, layout) is not None]
    assert promised
    assert all(torch_count.promised_dtype(tensor, layout) == tensor.dtype for tensor in promised)


def test_a_file_of_another_model_is_refused_with_what_it_lacks_and_has(target):
    convert("fp32", target)

    def other():
        module = Speech()
        module.extra = nn.Linear(2, 2)
        del module.odd
        return module

    with pytest.raises(ArtifactUnreadable, match=r"lacks extra.weight, extra.bias and has the unknown odd.weight;"):
        torch_layout.rebuild(other, target, {"kind": "cast", "dtype": "float32"})


def test_a_weight_of_another_shape_is_refused(target):
    convert("fp32", target, lambda: nn.Sequential(nn.Linear(4, 4)))
    with pytest.raises(ArtifactUnreadable, match=r"does not fit the model: .*0.weight") as refused:
        torch_layout.rebuild(lambda: nn.Sequential(nn.Linear(8, 4)), target, {"kind": "cast", "dtype": "float32"})
    assert "\n" not in str(refused.value)


def test_packed_weights_that_are_missing_are_named(target):
    layout = convert("int8-dynamic", target).layout
    state = torch.load(target, weights_only=True)
    del state["lstm.weight_hh_l1"]
    torch.save(state, target)
    with pytest.raises(ArtifactUnreadable, match="lacks what a quantized LSTM needs at lstm: 'weight_hh_l1'"):
        torch_layout.rebuild(Speech, target, layout)


def test_a_packed_module_that_the_skeleton_lacks_is_named(target):
    layout = convert("int8-dynamic", target).layout
    with pytest.raises(ArtifactUnreadable, match=r"is of another model: .*lstm"):
        torch_layout.rebuild(lambda: nn.Sequential(nn.Linear(4, 4)), target, layout)


@pytest.mark.parametrize("content", [b"", b"no tensors here", b"PK\x03\x04 cut short"])
def test_an_unreadable_file_is_refused_in_one_line_with_the_next_step(content, target):
    target.write_bytes(content)
    with pytest.raises(ArtifactUnreadable, match=r"not a file of torch tensors.*convert it again") as refused:
        torch_layout.read(target)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_said_to_be_missing(target):
    with pytest.raises(ArtifactUnreadable, match=r"made.pt is missing; convert it again"):
        torch_layout.read(target)


def test_a_file_that_would_run_code_is_refused_and_runs_none(target):
    class Trap:
        def __reduce__(self):
            return (target.with_name("sprung").touch, ())

    torch.save({"weight": Trap()}, target)
    with pytest.raises(ArtifactUnreadable):
        torch_layout.read(target)
    assert not target.with_name("sprung").exists()


def test_what_torch_says_of_a_missing_kernel_ends_before_its_own_explanations():
    words = "Could not run 'quantized::linear_dynamic' with arguments from the 'CUDA' backend. This could be\nbecause"
    assert torch_layout.first_sentence(NotImplementedError(words)) == words.partition(".")[0]


def test_quiet_hides_warnings_but_lets_errors_through(recwarn, caplog):
    def noisy():
        with torch_layout.quiet():
            warnings.warn("deprecated", DeprecationWarning, stacklevel=1)
            logging.getLogger("torchao").warning("failed to load")
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        noisy()
    assert not recwarn.list
    assert not caplog.records
    logging.getLogger("torchao").warning("heard again")
    assert caplog.records


def test_the_recipes_and_the_runtime_import_no_torch_by_themselves():
    ours = [f"harness.precisions.torch_{part}" for part in ("count", "layout", "script", "steps")]
    ours += [f"harness.runtimes.torch{part}" for part in ("", "_places", "_probe")]
    heavy = ("torch", "torchao", "transformers", "numpy")
    code = f"import sys, {', '.join(ours)}; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
