"""Bring your own: `try`, `quantize` and `pick` on real files, from a folder that is no project."""

from __future__ import annotations

import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness import journal
from harness.results import Status

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

WIDTH = 256
QUICK = ("--time-budget", "5s")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside any project, with a cache of its own."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "two.onnx").write_bytes(two_layers())
    return folder


def two_layers() -> bytes:
    """Token ids and features: an embedding of 40 rows, added to features, times two matrices."""
    chance = np.random.default_rng(0)

    def weight(name: str, *shape: int) -> Any:
        return numpy_helper.from_array((chance.standard_normal(shape) / 16).astype(np.float32), name)

    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["picked"]),
        helper.make_node("Add", ["picked", "features"], ["sum"]),
        helper.make_node("MatMul", ["sum", "w1"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["positive"]),
        helper.make_node("MatMul", ["positive", "w2"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "two",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "sequence"]),
            helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", "sequence", WIDTH]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "sequence", WIDTH])],
        [weight("table", 40, WIDTH), weight("w1", WIDTH, WIDTH), weight("w2", WIDTH, WIDTH)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    raw: bytes = model.SerializeToString()
    return raw


def quantgate(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness.cli", *arguments],
        cwd=place,
        env={**os.environ, "XDG_CACHE_HOME": str(place / "cache")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def tried(place: Path, *arguments: str) -> dict[str, Any]:
    done = quantgate(place, "try", *arguments, "--format", "json", *QUICK)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def by_precision(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["precision"]: one for one in told["precisions"]}


def test_an_onnx_file_is_tried_at_every_precision_and_every_row_has_numbers_or_a_reason(place: Path) -> None:
    told = tried(place, "two.onnx")
    found = by_precision(told)
    assert told["complete"]
    assert told["inputs"][0].startswith("ids: 1×64 int64 (assumed: 1 for `batch`, 64 for `sequence`;")
    assert told["inputs"][0].endswith("0 to 39")
    assert list(found) == [
        "fp32",
        "fp16",
        "bf16",
        "int8-dynamic",
        "int8-static",
        "int8-weight-only",
        "int4-weight-only",
    ]
    assert found["bf16"]["status"] == "no result"
    assert "NO_RECIPE" in found["bf16"]["why"]
    for name in ("fp16", "int8-dynamic", "int8-static", "int8-weight-only", "int4-weight-only"):
        one = found[name]
        assert one["artifact_bytes"] < found["fp32"]["artifact_bytes"], name
        assert one["peak_bytes"] > 0
        assert 0 < one["covered"] <= 1
        assert one["times_fp32"] > 0
        assert one["loss"]["metric"] == "cosine_similarity"
        assert one["sentence"].startswith(name)
    assert found["fp16"]["loss"]["answer"] == "holds"
    assert any("random noise" in note for note in told["notes"])
    report = place / told["report"]
    assert "int4-weight-only" in report.read_text(encoding="utf-8")
    run = journal.read_run(report.parent)
    assert run.complete
    assert any(duel.pairs for duel in run.duels)
    assert str(place) not in (report.parent / "run.json").read_text(encoding="utf-8")


def test_a_table_is_printed_with_a_sentence_for_each_precision(place: Path) -> None:
    done = quantgate(place, "try", "two.onnx", "--precision", "int8-weight-only", *QUICK)
    assert done.returncode == 0, done.stderr
    assert "× fp32" in done.stdout
    assert "int8-weight-only is " in done.stdout
    assert "report  reports/" in done.stdout
    assert "pytest" not in done.stdout


def test_real_inputs_are_taken_and_the_calibration_is_of_the_files(place: Path) -> None:
    (place / "calibration").mkdir()
    chance = np.random.default_rng(1)
    for name in ("real", "calibration/a", "calibration/b"):
        np.savez(
            place / f"{name}.npz",
            ids=chance.integers(0, 40, (2, 5)),
            features=chance.standard_normal((2, 5, WIDTH)).astype(np.float32),
        )
    arguments = ("--input", "real.npz", "--calibration", "calibration", "--precision", "int8-static")
    told = tried(place, "two.onnx", *arguments)
    assert told["inputs"][0] == "ids: 2×5 int64"
    assert not told["notes"]
    run = journal.read_run(place / Path(told["report"]).parent)
    static = next(one for one in run.measurements if one.cell.precision == "int8-static")
    assert static.status is Status.MEASURED
    assert static.provenance is not None
    assert (static.provenance.workload, static.provenance.examples) == ("given inputs", 1)


def script(place: Path) -> str:
    torch = pytest.importorskip("torch")

    class Twice(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inner = torch.nn.Linear(WIDTH, WIDTH)

        def forward(self, x):  # type: ignore[no-untyped-def]
            return torch.relu(self.inner(x)) * 2

    torch.manual_seed(0)
    torch.jit.trace(Twice().eval(), torch.ones(1, WIDTH)).save(str(place / "twice.pt"))
    return "twice.pt"


def exported(place: Path) -> str:
    torch = pytest.importorskip("torch")

    class Tagger(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Embedding(40, WIDTH)
            self.inner = torch.nn.Linear(WIDTH, WIDTH)

        def forward(self, ids, *, gain):  # type: ignore[no-untyped-def]
            return self.inner(self.table(ids)) * gain

    torch.manual_seed(0)
    sequence = torch.export.Dim("sequence", min=2, max=64)
    program = torch.export.export(
        Tagger().eval(),
        (torch.zeros(1, 7, dtype=torch.int64),),
        {"gain": torch.ones(1)},
        dynamic_shapes={"ids": {1: sequence}, "gain": None},
    )
    torch.export.save(program, place / "tagger.pt2")
    return "tagger.pt2"


@pytest.mark.filterwarnings("ignore")
def test_a_torchscript_file_needs_its_shapes_and_is_cast(place: Path) -> None:
    name = script(place)
    bare = quantgate(place, "try", name, *QUICK)
    assert bare.returncode == 2
    assert "x (float32)" in bare.stderr
    assert "--shape x=1x80" in bare.stderr
    found = by_precision(tried(place, name, "--shape", f"x=1x{WIDTH}", "--precision", "bf16,int8-dynamic"))
    assert found["bf16"]["covered"] == 1.0
    assert found["bf16"]["artifact_bytes"] < 0.6 * found["fp32"]["artifact_bytes"]
    assert "no recipe for torchscript" in found["int8-dynamic"]["why"]


@pytest.mark.filterwarnings("ignore")
def test_a_script_is_written_at_another_precision_without_a_word_about_shapes(place: Path) -> None:
    torch = pytest.importorskip("torch")
    done = quantgate(place, "quantize", script(place), "--all", "-o", "scripts")
    assert done.returncode == 0, done.stderr
    weights = torch.jit.load(str(place / "scripts" / "twice.fp16.pt")).state_dict()
    assert {str(weight.dtype) for weight in weights.values()} == {"torch.float16"}
    assert "int8-dynamic: NO_RECIPE" in done.stdout


@pytest.mark.filterwarnings("ignore")
def test_an_exported_program_is_opened_by_its_own_shapes_and_quantized_as_a_module(place: Path) -> None:
    told = tried(place, exported(place), "--precision", "int8-dynamic,int8-static")
    found = by_precision(told)
    assert told["inputs"][0].startswith("ids: 1×7 int64 (assumed: 7 for ")
    assert told["inputs"][0].endswith("0 to 39")
    # One byte a weight of the Linear; the embedding, 40 rows of as many, stays 32-bit, and so does the bias.
    linear, table, bias = WIDTH * WIDTH * 4, 40 * WIDTH * 4, WIDTH * 4
    assert found["int8-dynamic"]["covered"] == pytest.approx(linear / (linear + table + bias), abs=0.001)
    assert found["int8-dynamic"]["loss"]["answer"] == "holds"
    assert "no recipe" in found["int8-static"]["why"]
    done = quantgate(place, "quantize", "tagger.pt2", "--precision", "int8-dynamic", "-o", "t.pt")
    assert done.returncode == 2
    assert "no file of their own" in done.stderr


def test_what_is_written_runs_is_what_was_measured_and_is_picked(place: Path) -> None:
    arguments = ("--all", "--benchmark", "-o", "out", "--shape", "sequence=8", *QUICK)
    done = quantgate(place, "quantize", "two.onnx", *arguments)
    assert done.returncode == 0, done.stderr
    assert "of the weight bytes converted" in done.stdout
    manifest = json.loads((place / "out" / "quantgate.json").read_text(encoding="utf-8"))
    written = {one["precision"]: one for one in manifest["artifacts"]}
    assert "NO_RECIPE" in written["bf16"]["why"]
    import onnxruntime

    for name in ("fp16", "int8-dynamic", "int8-static", "int8-weight-only", "int4-weight-only"):
        file = place / "out" / written[name]["file"]
        assert file.stat().st_size == written[name]["bytes"]
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        ids, features = np.zeros((1, 3), np.int64), np.ones((1, 3, WIDTH), np.float32)
        assert np.isfinite(session.run(None, {"ids": ids, "features": features})[0]).all()
    picked = quantgate(place, "pick", "--artifacts", "out", "--max-loss", "0.5", "--format", "json")
    assert picked.returncode == 0, picked.stderr
    (one,) = json.loads(picked.stdout)["picks"]
    ranked = [one["load"], *one["fallbacks"]]
    assert {each["precision"] for each in (*ranked, *one["others"])} >= {"fp32", "fp16", "int8-static"}
    for each in (*ranked, *one["others"]):
        if each["precision"] != "fp32" and each["status"] != "no result":
            assert each["digest"] == written[each["precision"]]["digest"]
    for each in ranked:
        if each["precision"] != "fp32":
            assert each["file"] == str(place / "out" / written[each["precision"]]["file"])
    refused = quantgate(place, "quantize", "two.onnx", *arguments)
    assert refused.returncode == 2
    assert "--force" in refused.stderr


def test_a_conversion_that_converts_nothing_is_an_error_and_leaves_no_file(place: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), place / "relu.onnx")
    done = quantgate(place, "quantize", "relu.onnx", "--precision", "int8-weight-only", "-o", "relu8.onnx")
    assert done.returncode == 1
    assert "NOTHING_CONVERTED" in done.stderr
    assert not (place / "relu8.onnx").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["text.onnx"], "text.onnx"),
        (["cut.onnx"], "cut.onnx"),
        (["two.onnx", "--shape", "features=1x64x255"], "the model takes batch×sequence×256"),
        (["two.onnx", "--shape", "ids=1x7", "--shape", "features=1x9x256"], "sequence is"),
        (["two.onnx", "--shape", "idz=1x7"], "did you mean ids?"),
        (["two.onnx", "--input", "wrong.npz"], "did you mean features?"),
        (["two.onnx", "--input", "text.onnx"], "no .npz file"),
    ],
)
def test_what_cannot_be_tried_costs_one_line(place: Path, arguments: list[str], words: str) -> None:
    (place / "text.onnx").write_text("a text, whatever its name says")
    (place / "cut.onnx").write_bytes(two_layers()[:-1000])
    np.savez(place / "wrong.npz", feature=np.ones((1, 3, WIDTH), np.float32))
    done = quantgate(place, "try", *arguments, *QUICK)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_a_shape_that_the_model_itself_refuses_is_one_line_with_the_guess(place: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "width"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.ones((5, 2), np.float32), "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), place / "five.onnx")
    done = quantgate(place, "try", "five.onnx", *QUICK)
    assert done.returncode == 2
    assert "does not run on these inputs" in done.stderr
    assert "224 for `width`" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_ctrl_c_leaves_a_report_of_what_was_measured(place: Path) -> None:
    started = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "try", "two.onnx", "--reports", "cut-off", "--time-budget", "60s"],
        cwd=place,
        env={**os.environ, "XDG_CACHE_HOME": str(place / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background may have them ignore it.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )
    events = place / "cut-off" / "latest" / "events.jsonl"
    limit = time.monotonic() + 300
    while time.monotonic() < limit and not (events.exists() and "cell-finished" in events.read_text(encoding="utf-8")):
        time.sleep(0.1)
    started.send_signal(signal.SIGINT)
    out, _ = started.communicate(timeout=180)
    assert started.returncode == 130
    assert (events.parent / "report.html").exists()
    run = journal.read_run(events.parent)
    assert not run.complete
    assert any(one.status is Status.MEASURED for one in run.measurements)
    assert "fp32" in out


def test_the_voice_detector_that_comes_with_a_package_is_tried(place: Path) -> None:
    try:
        found = importlib.metadata.distribution("silero-vad").locate_file("silero_vad/data/silero_vad_16k_op15.onnx")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("silero-vad is not installed; the extra `voice` brings it")
    told = tried(place, str(found), "--shape", "input=1x576", "--precision", "int8-dynamic,int4-weight-only")
    rows = by_precision(told)
    assert told["inputs"][2] == "sr: a single value int64, 16000"
    assert 0.5 < rows["int8-dynamic"]["covered"] < 0.6
    assert "NOTHING_CONVERTED" in rows["int4-weight-only"]["why"]
