"""The recipes on a tiny model: what they convert, what they refuse, and what they leave behind."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from pathlib import Path

import pytest

from harness.cells import PRECISIONS, Reason, Unsupported
from harness.errors import HarnessError, UsageProblem
from harness.models import FileReference, ModuleReference
from harness.precisions import Job, recipe

onnx = pytest.importorskip("onnx")
np = pytest.importorskip("numpy")
pytest.importorskip("onnxruntime")

from harness.runtimes.onnx_probe import tiny_model  # noqa: E402

KERNEL_BYTES, MATRIX_BYTES = 32 * 32 * 3 * 4, 32 * 32 * 4
BOTH = KERNEL_BYTES + MATRIX_BYTES


def examples():
    return ({"x": np.full((1, 32, length), 0.5, np.float32)} for length in (4, 9))


@pytest.fixture
def reference(tmp_path) -> Path:
    folder = tmp_path / "package"
    folder.mkdir()
    onnx.save(tiny_model(), folder / "tiny.onnx")
    return folder / "tiny.onnx"


@pytest.fixture
def convert(reference, tmp_path):
    def run(precision, settings=None, calibration=examples, path=reference):
        target = tmp_path / "job" / "made.onnx"
        target.parent.mkdir(exist_ok=True)
        job = Job(FileReference(path, "onnx", "test"), target, settings or {}, calibration=calibration)
        return target, recipe(precision).conversions["onnx"](job)

    return run


def outputs(path: Path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, next(examples()))[0]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_precision_has_a_recipe_for_onnx_under_its_own_name(precision) -> None:
    assert recipe(precision).name == precision
    assert "onnx" in recipe(precision).conversions


@pytest.mark.parametrize(
    ("precision", "converted", "dtype"),
    [
        ("fp32", BOTH, {"float32": BOTH // 4}),
        ("fp16", BOTH, {"float16": BOTH // 4}),
        ("int8-dynamic", BOTH, {"uint8": BOTH // 4}),
        ("int8-static", BOTH, {"int8": BOTH // 4}),
        ("int8-weight-only", MATRIX_BYTES, {"float32": KERNEL_BYTES // 4, "int8": MATRIX_BYTES // 4}),
        ("int4-weight-only", MATRIX_BYTES, {"float32": KERNEL_BYTES // 4, "int4": MATRIX_BYTES // 4}),
    ],
)
def test_a_recipe_says_how_many_bytes_it_converted_and_to_what(convert, precision, converted, dtype) -> None:
    _, done = convert(precision)
    assert (done.coverage.converted_bytes, done.coverage.total_bytes) == (converted, BOTH)
    assert done.layout["count_by_dtype"] == dtype
    assert done.layout["parameter_count"] == BOTH // 4
    assert json.loads(json.dumps(done.layout)) == done.layout


@pytest.mark.parametrize("precision", ["fp16", "int8-dynamic", "int8-static", "int8-weight-only", "int4-weight-only"])
def test_a_converted_file_is_smaller_and_answers_nearly_the_same(convert, reference, precision) -> None:
    target, _ = convert(precision)
    assert target.stat().st_size < reference.stat().st_size
    expected, answered = outputs(reference), outputs(target)
    assert not np.array_equal(expected, answered)
    # 4 bits keep a weight within 1/16 of its block's range: the answer within a quarter of its own is a loose bound.
    assert np.linalg.norm(answered - expected) < 0.25 * np.linalg.norm(expected)


@pytest.mark.parametrize("precision", [each for each in PRECISIONS if each != "bf16"])
def test_a_conversion_leaves_one_file_says_nothing_and_puts_everything_back(
    convert, reference, precision, capfd, monkeypatch
) -> None:
    made, really_make = [], tempfile.mkdtemp
    monkeypatch.setattr(tempfile, "mkdtemp", lambda *given: made.append(Path(really_make(*given))) or str(made[-1]))
    handlers, temporary = list(logging.root.handlers), tempfile.tempdir
    target, _ = convert(precision)
    assert made or precision == "fp32"
    assert all(each.is_relative_to(target.parent) for each in made)
    assert [each.name for each in target.parent.iterdir()] == ["made.onnx"]
    assert [each.name for each in reference.parent.iterdir()] == ["tiny.onnx"]
    assert (list(logging.root.handlers), tempfile.tempdir) == (handlers, temporary)
    assert logging.root.manager.disable == logging.NOTSET
    assert capfd.readouterr() == ("", "")


def test_fp32_is_the_reference_itself(convert, reference) -> None:
    target, _ = convert("fp32")
    assert target.samefile(reference)


def test_fp32_of_a_link_is_the_file_behind_it(convert, reference, tmp_path) -> None:
    link = tmp_path / "link.onnx"
    link.symlink_to(reference)
    target, _ = convert("fp32", path=link)
    assert not target.is_symlink()
    assert target.samefile(reference)


def test_fp32_copies_where_no_link_can_be_made(convert, reference, monkeypatch) -> None:
    def refuse(*_args):
        raise OSError("another file system")

    monkeypatch.setattr(os, "link", refuse)
    target, _ = convert("fp32")
    assert not target.samefile(reference)
    assert target.read_bytes() == reference.read_bytes()


def test_fp32_draws_in_the_weights_that_lie_beside_the_file(convert, reference) -> None:
    expected = outputs(reference)
    beside = reference.with_name("beside.onnx")
    onnx.save(tiny_model(), beside, save_as_external_data=True, location="beside.data", size_threshold=0)
    target, done = convert("fp32", path=beside)
    (reference.parent / "beside.data").unlink()
    assert np.array_equal(outputs(target), expected)
    assert done.coverage.converted_bytes == BOTH


def test_bf16_is_refused_for_want_of_a_recipe(convert) -> None:
    with pytest.raises(Unsupported, match="fp16") as refused:
        convert("bf16")
    assert refused.value.reason is Reason.NO_RECIPE


@pytest.mark.parametrize("precision", ["int8-dynamic", "int8-static", "int8-weight-only", "int4-weight-only"])
def test_a_file_in_which_nothing_is_converted_is_refused(convert, reference, precision) -> None:
    made = tiny_model()
    del made.graph.initializer[:]
    for name, shape in (("kernel", (32, 32, 3)), ("matrix", (32, 32))):
        made.graph.input.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape))
    path = reference.with_name("bare.onnx")
    onnx.save(made, path)
    fed = {"kernel": np.ones((32, 32, 3), np.float32), "matrix": np.ones((32, 32), np.float32)}
    with pytest.raises(Unsupported, match="1 Conv without constant weights, 1 MatMul without") as refused:
        convert(precision, path=path, calibration=lambda: [{**each, **fed} for each in examples()])
    assert refused.value.reason is Reason.NOTHING_CONVERTED
    assert not list((reference.parent.parent / "job").iterdir())


def test_excluded_nodes_stay_floats_and_are_named(convert) -> None:
    _, done = convert("int8-dynamic", {"exclude": ["conv"]})
    assert done.coverage.converted_bytes == MATRIX_BYTES
    assert done.coverage.left == (f"kernel (Conv, {KERNEL_BYTES:,} B)",)
    assert done.layout["exclude"] == ["conv"]
    assert done.layout["converted_nodes"] == {"MatMul": 1}


def test_a_block_size_changes_the_file(convert) -> None:
    small = convert("int4-weight-only", {"block_size": 16})[0].stat().st_size
    assert convert("int4-weight-only", {"block_size": 32})[0].stat().st_size < small


def test_reduce_range_keeps_weights_within_7_bits(convert) -> None:
    target, _ = convert("int8-static", {"reduce_range": True})
    (kernel,) = (each for each in onnx.load(target).graph.initializer if each.name == "kernel_quantized")
    assert 60 <= np.abs(onnx.numpy_helper.to_array(kernel).astype(int)).max() <= 64


@pytest.mark.parametrize(
    ("precision", "settings", "words"),
    [
        ("fp32", {"blocks": 3}, "unknown setting blocks .* it takes: none"),
        ("fp16", {"bits": 3}, "unknown setting bits"),
        ("int8-dynamic", {"weight_types": "QInt8"}, "it takes: .*weight_type"),
        ("int8-dynamic", {"weight_type": "int9"}, "unknown QuantType 'int9'; choose one of .*QUInt8"),
        ("int8-static", {"method": "guess"}, "unknown CalibrationMethod 'guess'; choose one of MinMax"),
        ("int4-weight-only", {"bits": 3}, "unknown setting bits"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(convert, precision, settings, words) -> None:
    with pytest.raises(UsageProblem, match=words):
        convert(precision, settings)


@pytest.mark.parametrize("calibration", [None, lambda: ()], ids=["none", "empty"])
def test_static_quantization_without_examples_is_refused(convert, calibration) -> None:
    with pytest.raises(UsageProblem, match=r"calibration .*int8-dynamic"):
        convert("int8-static", calibration=calibration)


def test_static_quantization_takes_every_example_once(convert) -> None:
    assert convert("int8-static")[1].layout["calibration_examples"] == 2


def test_an_example_that_does_not_fit_is_an_error_in_one_line(convert) -> None:
    with pytest.raises(HarnessError, match=r"converting tiny\.onnx failed: .*by a setting of the recipe") as refused:
        convert("int8-static", calibration=lambda: [{"x": np.ones((1, 3, 3), np.float32)}])
    assert "\n" not in str(refused.value)


def test_a_reference_of_another_format_is_refused(tmp_path) -> None:
    reference = ModuleReference(lambda: None, lambda _: None, ("m",), "test")
    with pytest.raises(HarnessError, match="torch-state reference is not an ONNX file"):
        recipe("fp32").conversions["onnx"](Job(reference, tmp_path / "made.onnx"))
