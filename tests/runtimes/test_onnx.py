"""ONNX Runtime behind the protocol: on the CPU for real, on other devices with a stand-in for its session."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.cells import Device, Reason, Unsupported
from harness.errors import ArtifactUnreadable, HarnessError, UsageProblem, WorkloadProblem
from harness.models import Artifact, Coverage
from harness.runtimes import RUNTIMES, Tuning
from harness.runtimes.onnx import OnnxRuntime, OnnxSession

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

from harness.runtimes.onnx_probe import tiny_artifact, tiny_model  # noqa: E402

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
HOST = Device("cpu")


@pytest.fixture
def runtime() -> OnnxRuntime:
    loaded = OnnxRuntime()
    loaded.load_library()
    return loaded


def artifact(path: Path) -> Artifact:
    counted = {"parameter_count": 4096, "count_by_dtype": {"float32": 4096}}
    return Artifact(path, "onnx", "fp32", "", 1, Coverage(1, 1, 1, 1), "test", 0.0, counted)


@pytest.fixture
def tiny(tmp_path) -> Artifact:
    onnx.save(tiny_model(), tmp_path / "tiny.onnx")
    return artifact(tmp_path / "tiny.onnx")


def example(length: int = 5) -> dict[str, object]:
    return {"x": np.linspace(-1, 1, 32 * length, dtype=np.float32).reshape(1, 32, length)}


def one_node(path: Path, operation: str, kind: int) -> Artifact:
    """A file of a single operation on two inputs of one type."""
    value = onnx.helper.make_tensor_value_info
    made = onnx.helper.make_graph(
        [onnx.helper.make_node(operation, ["a", "b"], ["y"], "only")],
        "g",
        [value("a", kind, [4, 4]), value("b", kind, [4, 4])],
        [value("y", kind, [4, 4])],
    )
    model = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return artifact(path)


def test_the_table_opens_this_runtime() -> None:
    assert isinstance(RUNTIMES["onnx"](), OnnxRuntime)


def test_a_call_gives_the_outputs_by_name(runtime, tiny) -> None:
    session = runtime.open(tiny, HOST, Tuning())
    weights = {each.name: onnx.numpy_helper.to_array(each) for each in tiny_model().graph.initializer}
    heard = example()["x"]
    padded = np.pad(heard, ((0, 0), (0, 0), (1, 1)))
    windows = np.stack([padded[:, :, at : at + 3] for at in range(5)], axis=1)
    expected = np.einsum("ntcw,kcw->ntk", windows, weights["kernel"]) @ weights["matrix"]
    outputs = session.call(example())
    assert list(outputs) == ["y"]
    np.testing.assert_allclose(outputs["y"], expected, rtol=1e-3, atol=1e-4)


def test_examples_of_other_lengths_follow_one_another(runtime, tiny) -> None:
    session = runtime.open(tiny, HOST, Tuning())
    assert [session.call(example(length))["y"].shape[1] for length in (5, 9, 2)] == [5, 9, 2]


def test_the_placement_of_a_cpu_cell_is_read_from_the_session(runtime, tiny) -> None:
    found = runtime.open(tiny, HOST, Tuning()).placement()
    assert found.device == "cpu"
    assert set(found.by_provider) == {CPU}
    assert found.by_provider[CPU] >= 2
    assert found.astray == ()


def test_contents_come_from_the_artifact_without_reading_the_file_again(runtime, tiny) -> None:
    session = runtime.open(tiny, HOST, Tuning())
    tiny.path.unlink()
    assert session.contents().parameter_count == 4096
    assert session.contents().count_by_dtype == {"float32": 4096}


def test_contents_that_were_never_counted_are_an_error_not_a_zero(runtime, tiny) -> None:
    session = runtime.open(replace(tiny, layout={}), HOST, Tuning())
    with pytest.raises(HarnessError, match=r"tiny\.onnx was stored without its 'parameter_count'; delete"):
        session.contents()


def test_the_device_says_nothing_of_time_and_memory_rather_than_zero(runtime, tiny) -> None:
    session = runtime.open(tiny, HOST, Tuning())
    session.call(example())
    assert session.device_seconds() is None
    assert session.device_memory() is None


def test_the_tuning_reaches_the_session(runtime, tiny) -> None:
    tuning = Tuning(3, session_options={"session.x64quantprecision": "1", "graph_optimization_level": "basic"})
    options = runtime.open(tiny, HOST, tuning)._session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (3, 1)
    assert options.execution_mode == ort.ExecutionMode.ORT_SEQUENTIAL
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert options.get_session_config_entry("session.x64quantprecision") == "1"
    assert options.graph_optimization_level == ort.GraphOptimizationLevel.ORT_ENABLE_BASIC


def test_an_unknown_optimization_level_is_refused(runtime, tiny) -> None:
    with pytest.raises(UsageProblem, match="'most'; choose one of disabled"):
        runtime.open(tiny, HOST, Tuning(session_options={"graph_optimization_level": "most"}))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, r"the example lacks x; tiny\.onnx takes x"),
        ({**example(), "extra": example()["x"]}, r"the example has unknown extra; tiny\.onnx takes x"),
        ({"audio": example()["x"]}, "lacks x and has unknown audio"),
    ],
    ids=["missing", "unknown", "both"],
)
def test_inputs_of_other_names_are_refused_by_name(runtime, tiny, given, words) -> None:
    with pytest.raises(WorkloadProblem, match=words):
        runtime.open(tiny, HOST, Tuning()).call(given)


@pytest.mark.parametrize(
    ("values", "words"),
    [(np.ones((1, 32, 5)), r"tensor\(double\)"), (np.ones((1, 7, 5), np.float32), "Got: 7 Expected: 32")],
    ids=["type", "shape"],
)
def test_an_input_that_does_not_fit_is_refused_in_the_engines_words(runtime, tiny, values, words) -> None:
    with pytest.raises(WorkloadProblem, match=words) as refused:
        runtime.open(tiny, HOST, Tuning()).call({"x": values})
    assert "ONNXRuntimeError" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"hello, not a model", b"", None, "half"], ids=["text", "empty", "none", "half"])
def test_a_file_that_is_no_model_is_refused_without_a_path(runtime, tiny, content) -> None:
    path = tiny.path
    whole = path.read_bytes()
    path.unlink()
    if content is not None:
        path.write_bytes(whole[: len(whole) // 2] if content == "half" else content)
    with pytest.raises(ArtifactUnreadable, match=r"tiny\.onnx .*convert it again") as refused:
        runtime.open(tiny, HOST, Tuning())
    assert str(path.parent) not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_operation_without_a_kernel_is_unsupported_in_the_engines_words(runtime, tmp_path) -> None:
    half = one_node(tmp_path / "half.onnx", "MatMul", onnx.TensorProto.BFLOAT16)
    with pytest.raises(Unsupported) as refused:
        runtime.open(half, HOST, Tuning())
    assert refused.value.reason is Reason.NO_KERNEL
    assert refused.value.text == "Could not find an implementation for MatMul(13) node with name 'only'"


@pytest.mark.parametrize(("device", "words"), [("mps", "coreml"), ("cuda", "CUDAExecutionProvider"), ("coreml", "CPU")])
def test_a_device_that_this_build_lacks_is_unsupported(runtime, tiny, monkeypatch, device, words) -> None:
    monkeypatch.setattr(ort, "get_available_providers", lambda: [CPU])
    for attempt in (
        lambda: runtime.open(tiny, Device(device), Tuning()),
        lambda: runtime.check(Device(device), "fp32", Tuning()),
    ):
        with pytest.raises(Unsupported, match=words) as refused:
            attempt()
        assert refused.value.reason is Reason.NO_DEVICE


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8-dynamic", "int8-static", "int4-weight-only"])
def test_the_check_passes_what_this_cpu_runs(runtime, precision) -> None:
    runtime.check(HOST, precision, Tuning())


def test_the_check_refuses_what_has_no_recipe(runtime) -> None:
    with pytest.raises(Unsupported) as refused:
        runtime.check(HOST, "bf16", Tuning())
    assert refused.value.reason is Reason.NO_RECIPE


def test_the_check_refuses_answers_that_are_not_finite(runtime, monkeypatch) -> None:
    monkeypatch.setattr(OnnxSession, "call", lambda *_: {"y": np.array([1.0, np.nan])})
    with pytest.raises(Unsupported, match="y that is not finite"):
        runtime.check(HOST, "fp32", Tuning())


def test_versions_name_the_build(runtime) -> None:
    told = runtime.versions()
    assert told["onnxruntime"] == ort.__version__
    assert CPU in told["onnxruntime_providers"]
    assert "git-commit-id" in told["onnxruntime_build"]


def test_measuring_never_imports_onnx(tmp_path) -> None:
    onnx.save(tiny_model(), tmp_path / "tiny.onnx")
    script = f"""
import sys
from pathlib import Path
import numpy as np
from harness.cells import Device
from harness.models import Artifact, Coverage
from harness.runtimes import RUNTIMES, Tuning
runtime = RUNTIMES["onnx"]()
assert "onnxruntime" not in sys.modules
runtime.load_library()
made = Artifact(Path({str(tmp_path / "tiny.onnx")!r}), "onnx", "fp32", "", 1, Coverage(1, 1, 1, 1), "", 0.0,
    {{"parameter_count": 1, "count_by_dtype": {{}}}})
session = runtime.open(made, Device("cpu"), Tuning())
session.call({{"x": np.ones((1, 32, 4), np.float32)}})
session.placement(), session.contents(), session.close(), runtime.versions()
print(sorted(set(sys.modules) & {{"onnx", "torch", "onnxruntime"}}))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ran.stdout.strip(), ran.stderr) == ("['onnxruntime']", "")


def test_the_probes_model_comes_with_inputs_that_fit() -> None:
    with tiny_artifact("fp32") as (made, inputs):
        assert made.path.is_file()
        assert set(inputs) == {"x"}
    assert not made.path.exists()


class Binding:
    """Stands for an IOBinding: writes down what is asked, refuses outputs bound for another shape."""

    def __init__(self, log: list[tuple[object, ...]]) -> None:
        self._log = log

    def __getattr__(self, name):
        return lambda *given: self._log.append((name, *given))

    def copy_outputs_to_cpu(self):
        self._log.append(("copy_outputs_to_cpu",))
        return ["the output"]


class Engine:
    """Stands for an InferenceSession on a device that this machine lacks."""

    def __init__(self, *given, nodes=((CUDA, "Conv", "conv"),), loaded=(CUDA, CPU), **options) -> None:
        self.given, self.options, self.loaded, self.log = given, options, loaded, []
        self._nodes = nodes

    def get_inputs(self):
        return [SimpleNamespace(name="x", type="tensor(float)"), SimpleNamespace(name="o", type="optional(tensor)")]

    def get_outputs(self):
        return [SimpleNamespace(name="y")]

    def get_providers(self):
        return list(self.loaded)

    def io_binding(self):
        return Binding(self.log)

    def run_with_iobinding(self, _binding):
        self.log.append(("run",))

    def get_provider_graph_assignment_info(self):
        return [
            SimpleNamespace(
                ep_name=provider, get_nodes=lambda op=op, name=name: [SimpleNamespace(op_type=op, name=name)]
            )
            for provider, op, name in self._nodes
        ]


@pytest.fixture
def cuda(monkeypatch):
    """Make onnxruntime appear to be a CUDA build, with a stand-in for its sessions."""
    made = []

    def build(**traits):
        def create(*given, **options):
            made.append(Engine(*given, **traits, **options))
            return made[-1]

        monkeypatch.setattr(ort, "get_available_providers", lambda: [CUDA, CPU])
        monkeypatch.setattr(ort, "InferenceSession", create)
        monkeypatch.setattr(ort, "preload_dlls", lambda: print("could not find libcudnn"), raising=False)
        return made

    return build


def test_cuda_is_asked_for_by_index_without_a_way_back_to_the_cpu(runtime, tiny, cuda, capsys) -> None:
    made = cuda()
    runtime.open(tiny, Device("cuda", 1), Tuning())
    assert made[0].options["providers"] == [(CUDA, {"device_id": "1", "use_tf32": "0"}), CPU]
    assert made[0].options["enable_fallback"] == 0
    assert capsys.readouterr().out == ""


def test_a_call_on_cuda_ends_with_the_outputs_on_the_host(runtime, tiny, cuda) -> None:
    made = cuda()
    session = runtime.open(tiny, Device("cuda", 1), Tuning())
    outputs = session.call({"x": "the input"})
    assert outputs == {"y": "the output"}
    assert made[0].log == [
        ("clear_binding_inputs",),
        ("clear_binding_outputs",),
        ("bind_cpu_input", "x", "the input"),
        ("bind_output", "y", "cuda", 1),
        ("synchronize_inputs",),
        ("run",),
        ("synchronize_outputs",),
        ("copy_outputs_to_cpu",),
    ]


def test_a_provider_that_falls_away_while_loading_is_no_device(runtime, tiny, cuda) -> None:
    cuda(loaded=(CPU,))
    with pytest.raises(Unsupported, match="could not load it, and would have run on the CPU") as refused:
        runtime.open(tiny, Device("cuda"), Tuning())
    assert refused.value.reason is Reason.NO_DEVICE


def test_compute_left_on_the_cpu_is_named_by_the_session_and_fails_the_check(runtime, tiny, cuda) -> None:
    cuda(nodes=((CUDA, "Conv", "conv"), (CPU, "MatMul", "product"), (CPU, "Shape", "size")))
    session = runtime.open(tiny, Device("cuda"), Tuning())
    assert session.placement().astray == (f"product (MatMul on {CPU})",)
    with pytest.raises(Unsupported, match="product") as refused:
        runtime.check(Device("cuda"), "fp32", Tuning())
    assert refused.value.reason is Reason.NO_KERNEL


@pytest.mark.parametrize(
    ("words", "kind", "reason"),
    [
        ("CUDA error cudaErrorInvalidDevice:invalid device ordinal", Unsupported, Reason.NO_DEVICE),
        ("CUDA failure 2: out of memory ; GPU=0", HarnessError, None),
        ("Failed to allocate memory for requested buffer of size 9", HarnessError, None),
        ("Unsupported model IR version: 99", ArtifactUnreadable, None),
    ],
)
def test_why_a_session_cannot_be_made_decides_what_it_is_called(
    runtime, tiny, cuda, monkeypatch, words, kind, reason
) -> None:
    cuda()

    def refuse(*_given, **_options):
        raise RuntimeError(f"/some/file.cc:7 [ONNXRuntimeError] : 1 : FAIL : {words}")

    monkeypatch.setattr(ort, "InferenceSession", refuse)
    with pytest.raises(kind, match=words[:20]) as refused:
        runtime.open(tiny, Device("cuda"), Tuning())
    assert type(refused.value) is kind
    assert getattr(refused.value, "reason", None) is reason
    assert "/some/file.cc" not in str(refused.value)
