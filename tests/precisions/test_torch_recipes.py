"""What the conversions of torch modules change, what they leave, and what they say about it."""

from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from harness.cells import Reason, Unsupported  # noqa: E402
from harness.errors import ArtifactUnreadable, HarnessError, UsageProblem  # noqa: E402
from harness.models import FileReference  # noqa: E402
from harness.precisions import Job, recipe  # noqa: E402
from tests.precisions.torch_examples import Speech, convert, fill, reference  # noqa: E402

EMBEDDING = 10 * 32 * 4
LSTM_MATRICES = 2 * (64 * 32 + 64 * 16 + 64 * 32 + 64 * 16) * 4
GRU_MATRICES = 2 * 96 * 32 * 4
LINEARS = (32 * 32 + 10 * 32 + 32 * 10) * 4
BIASES = (32 + 8 * 64 + 2 * 96 + 32 + 10) * 4
CONV = 32 * 32 * 3 * 4
TOTAL = EMBEDDING + LSTM_MATRICES + GRU_MATRICES + LINEARS + BIASES + CONV


@pytest.fixture
def target(tmp_path):
    return tmp_path / "made.pt"


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", "float32"), ("fp16", "float16"), ("bf16", "bfloat16")])
def test_a_cast_covers_every_weight_once_even_when_two_modules_share_it(precision, dtype, target):
    made = convert(precision, target)
    assert (made.coverage.converted_bytes, made.coverage.total_bytes) == (TOTAL, TOTAL)
    assert made.coverage.left == ()
    assert made.layout["count_by_dtype"] == {dtype: TOTAL // 4}
    assert made.layout["parameter_count"] == TOTAL // 4


def test_int8_dynamic_covers_the_matrices_of_linear_lstm_and_gru(target):
    made = convert("int8-dynamic", target)
    assert made.coverage.converted_bytes == LSTM_MATRICES + GRU_MATRICES + LINEARS
    assert made.coverage.total_bytes == TOTAL
    assert set(made.layout["modules"]) == {"lstm", "gru", "linear", "narrow", "odd", "head"}


def test_what_was_converted_and_what_was_left_is_counted_by_the_class_of_its_module(target):
    made = convert("int8-dynamic", target).coverage
    assert made.modules_converted == {"Linear": 3, "GRU": 1, "LSTM": 1}
    assert made.modules_left == {"Conv1d": 1, "Embedding": 1}  # the head shares its weight with the embedding


def test_a_convolution_whose_weight_is_normed_counts_as_a_convolution(target):
    def normed():
        return nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv1d(4, 4, 3)), nn.Linear(4, 4))

    made = convert("int8-dynamic", target, normed).coverage
    assert (made.modules_converted, made.modules_left) == ({"Linear": 1}, {"Conv1d": 1})


def test_a_weight_of_which_an_embedding_keeps_a_float_copy_is_not_counted_as_converted(target):
    left = convert("int8-dynamic", target).coverage.left
    assert any(name.startswith("words.weight (Embedding, 1,280 B)") for name in left)


def test_a_weight_shared_by_two_quantized_modules_is_counted_as_converted(target):
    def twins():
        module = nn.Sequential(nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False))
        module[1].weight = module[0].weight
        return module

    coverage = convert("int8-dynamic", target, twins).coverage
    assert (coverage.converted_count, coverage.total_count, coverage.fraction) == (1, 1, 1.0)


@pytest.mark.parametrize("precision", ["int8-dynamic", "int8-weight-only", "int4-weight-only"])
def test_excluded_modules_stay_as_they_were(precision, target):
    everything = convert(precision, target).coverage.converted_bytes
    without = convert(precision, target, exclude=["lin*", "conv"]).coverage.converted_bytes
    assert everything - without == 32 * 32 * 4


def test_biggest_of_what_was_left_comes_first_and_the_many_small_ones_as_a_sum(target):
    left = convert("int8-weight-only", target).coverage.left
    assert left[0] == "conv.weight (Conv1d, 12,288 B)"
    assert len(left) == 12
    assert left[-1].startswith("and ")


def test_int4_leaves_a_matrix_whose_rows_do_not_divide_into_groups(target):
    made = convert("int4-weight-only", target)
    assert "linear.weight" in made.layout["converted"]
    assert "odd.weight" not in made.layout["converted"]
    assert made.layout["count_by_dtype"]["int4 in int8"] == 32 * 32 + 10 * 32 + 10 * 32


def test_int8_weight_only_makes_the_file_smaller_by_what_it_covered(tmp_path):
    def wide():
        return nn.Sequential(nn.Linear(512, 512, bias=False))

    convert("fp32", tmp_path / "a.pt", wide)
    convert("int8-weight-only", tmp_path / "b.pt", wide)
    saved = (tmp_path / "a.pt").stat().st_size - (tmp_path / "b.pt").stat().st_size
    assert saved == pytest.approx(512 * 512 * 3, rel=0.02)


@pytest.mark.parametrize("precision", ["int8-dynamic", "int8-weight-only", "int4-weight-only"])
def test_a_model_without_anything_to_convert_is_refused_and_leaves_no_file(precision, target):
    with pytest.raises(Unsupported, match="no weight was converted: the model's are in Conv1d") as refused:
        convert(precision, target, lambda: nn.Sequential(nn.Conv1d(4, 4, 3)))
    assert refused.value.reason is Reason.NOTHING_CONVERTED
    assert not target.exists()


@pytest.mark.parametrize(
    "make", [lambda: nn.LSTM(8, 8, bias=False), lambda: nn.LSTM(8, 8, proj_size=4), lambda: nn.RNN(8, 8)]
)
def test_recurrence_that_has_no_dynamic_twin_is_left_alone(make, target):
    with pytest.raises(Unsupported, match="no weight was converted"):
        convert("int8-dynamic", target, lambda: nn.Sequential(make()))


def test_a_linear_whose_weight_a_hook_computes_is_left_alone(target):
    with pytest.raises(Unsupported, match="no weight was converted"):
        convert("int8-dynamic", target, lambda: nn.Sequential(nn.utils.weight_norm(nn.Linear(8, 8))))


def test_conv1d_of_transformers_is_made_a_linear_first(target):
    from transformers.pytorch_utils import Conv1D

    made = convert("int8-dynamic", target, lambda: nn.Sequential(Conv1D(24, 8)))
    assert made.layout["from_conv1d"] == ["0"]
    assert made.coverage.converted_bytes == 24 * 8 * 4


def test_every_layout_is_json(target):
    for precision in ("fp32", "fp16", "bf16", "int8-dynamic", "int8-weight-only", "int4-weight-only"):
        layout = dict(convert(precision, target).layout)
        assert json.loads(json.dumps(layout)) == layout


def test_the_file_holds_plain_tensors_that_a_careful_reader_opens(target):
    convert("int8-dynamic", target)
    state = torch.load(target, weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    assert state["lstm.weight_hh_l1_reverse"].dtype == torch.qint8


def test_a_small_view_of_a_large_storage_is_written_alone(target):
    def narrow():
        return nn.Sequential(nn.Linear(4, 4, bias=False))

    def fill_with_view(module):
        module[0].weight.data = torch.ones(1_000_000)[:16].view(4, 4)

    job = Job(reference(narrow), target)
    job = Job(type(job.reference)(narrow, fill_with_view, ("view",), "test"), target)
    recipe("fp32").conversions["torch-state"](job)
    assert target.stat().st_size < 10_000


def test_an_engine_that_this_torch_lacks_is_named_with_those_it_has(target):
    with pytest.raises(Unsupported, match="no quantized engine 'fpga'; it has ") as refused:
        convert("int8-dynamic", target, engine="fpga")
    assert refused.value.reason is Reason.NO_ENGINE


@pytest.mark.parametrize("precision", ["fp32", "int8-dynamic", "int4-weight-only"])
def test_an_unknown_setting_is_refused_with_those_there_are(precision, target):
    with pytest.raises(UsageProblem, match="unknown setting bits for this precision on torch; it takes: "):
        convert(precision, target, bits=3)


def test_what_a_converter_raises_is_told_in_one_line_with_a_way_out(target, monkeypatch):
    import torch.ao.quantization

    def breaks(*_, **__):
        raise RuntimeError("first\n  second")

    monkeypatch.setattr(torch.ao.quantization, "quantize_dynamic", breaks)
    with pytest.raises(HarnessError, match="failed: first second; leave that module alone"):
        convert("int8-dynamic", target)


def test_a_conversion_never_copies_the_module(target, monkeypatch):
    def refuse(*_):
        raise AssertionError("copied")

    monkeypatch.setattr(Speech, "__deepcopy__", refuse, raising=False)
    convert("int8-dynamic", target)
    assert target.exists()


class Script(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 2)
        self.other = nn.Linear(4, 100)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x)


@pytest.fixture
def script(tmp_path):
    module = Script().eval()
    fill(module)
    path = tmp_path / "script.jit"
    torch.jit.save(torch.jit.script(module), path)
    return path


def convert_script(precision, path, target, submodule=""):
    reference = FileReference(path, "torchscript", "test", submodule)
    return recipe(precision).conversions["torchscript"](Job(reference, target))


def test_a_script_at_fp32_is_the_file_itself(script, target):
    made = convert_script("fp32", script, target)
    assert target.samefile(script)
    assert made.coverage.fraction == 1.0


@pytest.mark.parametrize(("precision", "dtype"), [("fp16", "float16"), ("bf16", "bfloat16")])
def test_a_script_is_cast_and_counted_by_the_part_that_is_called(precision, dtype, script, target):
    made = convert_script(precision, script, target, "inner")
    assert made.layout["count_by_dtype"] == {dtype: 10}
    assert made.layout["submodule"] == "inner"
    assert target.stat().st_size < script.stat().st_size


def test_a_part_that_a_script_lacks_is_named_with_those_it_has(script, target):
    with pytest.raises(UsageProblem, match="no part 'innermost'; it has inner, other"):
        convert_script("fp32", script, target, "innermost")


@pytest.mark.parametrize("content", [b"", b"not a script", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_script_is_refused_in_one_line(content, tmp_path, target):
    path = tmp_path / "script.jit"
    path.write_bytes(content)
    with pytest.raises(ArtifactUnreadable, match=r"script.jit is not a TorchScript file.*fetch it again") as refused:
        convert_script("fp16", path, target)
    assert "\n" not in str(refused.value)


def test_a_script_that_is_missing_is_said_to_be(tmp_path, target):
    with pytest.raises(ArtifactUnreadable, match=r"gone.jit is missing"):
        convert_script("fp16", tmp_path / "gone.jit", target)
