"""PyTorch behind the protocol: on the CPU for real, on other devices with a stand-in for them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")

from torch import nn  # noqa: E402

from harness.cells import Device, Reason, Unsupported  # noqa: E402
from harness.errors import ArtifactUnreadable, HarnessError, ModelProblem, WorkloadProblem  # noqa: E402
from harness.models import Artifact, FileReference  # noqa: E402
from harness.precisions import Job, recipe  # noqa: E402
from harness.runtimes import RUNTIMES, DeviceMemory, Tuning  # noqa: E402
from harness.runtimes.torch import TorchRuntime  # noqa: E402
from tests.precisions.torch_examples import Speech, convert, fill  # noqa: E402

HOST = Device("cpu")
PRECISIONS = ["fp32", "fp16", "bf16", "int8-dynamic", "int8-weight-only", "int4-weight-only"]


@pytest.fixture(autouse=True)
def _settings_of_torch():
    """Threads and engine are the process's: given back after each test."""
    threads, engine = torch.get_num_threads(), torch.backends.quantized.engine
    yield
    torch.set_num_threads(threads)
    torch.backends.quantized.engine = engine


@pytest.fixture
def runtime() -> TorchRuntime:
    return RUNTIMES["torch"]()


def artifact(path, precision, made, skeleton, form="torch-state") -> Artifact:
    return Artifact(path, form, precision, "", 1, made.coverage, "test", 0.0, made.layout, skeleton)


@pytest.fixture
def opened(runtime, tmp_path):
    """Convert a module to a precision, and open it on a device."""

    def make(module, precision="fp32", *, device=HOST, tuning=None, engine=None):
        path = tmp_path / "made.pt"
        made = convert(precision, path, module, engine=engine)
        return runtime.open(artifact(path, precision, made, module), device, tuning or Tuning())

    return make


class Echo(nn.Module):
    """Returns whatever it was made to return."""

    def __init__(self, answer) -> None:
        super().__init__()
        self.linear = nn.Linear(32, 32)
        self.answer = answer

    def forward(self, x: torch.Tensor):
        return self.answer(self.linear(x), x)


def echo(answer):
    return lambda: Echo(answer)


X = {"x": np.linspace(-1, 1, 64, dtype=np.float32).reshape(2, 32)}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_probe_runs_every_precision_that_has_a_recipe_on_the_cpu(precision, runtime):
    runtime.check(HOST, precision, Tuning())


def test_a_probe_of_a_precision_without_a_recipe_says_so(runtime):
    with pytest.raises(Unsupported, match="int8-static has no recipe for torch modules") as refused:
        runtime.check(HOST, "int8-static", Tuning())
    assert refused.value.reason is Reason.NO_RECIPE


@pytest.mark.parametrize("engine", [name for name in torch.backends.quantized.supported_engines if name != "none"])
def test_the_engine_asked_for_is_the_one_in_use(engine, runtime, opened):
    opened(Speech, "int8-dynamic", tuning=Tuning(engine=engine), engine=engine)
    assert runtime.versions()["torch_quantized_engine"] == engine


def test_the_threads_asked_for_are_the_ones_in_use(runtime, opened):
    opened(Speech, tuning=Tuning(threads=2))
    assert runtime.versions()["torch_threads"] == 2


@pytest.mark.parametrize("device", ["cuda", "cuda:3", "mps", "coreml"])
def test_a_device_that_torch_lacks_is_refused_in_its_words(device, runtime):
    if (device.startswith("cuda") and torch.cuda.is_available()) or (
        device == "mps" and torch.backends.mps.is_available()
    ):
        pytest.skip(f"this machine has {device}")
    with pytest.raises(Unsupported, match=r"(?i)torch|could not run") as refused:
        runtime.check(Device.parse(device), "fp32", Tuning())
    assert refused.value.reason is Reason.NO_DEVICE
    assert len(refused.value.text) < 200


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        (lambda y, x: y, {"output"}),
        (lambda y, x: (y, x), {"output0", "output1"}),
        (lambda y, x: [y, (x, None, x)], {"output0", "output1.0", "output1.2"}),
        (lambda y, x: {"logits": y, "state": (x, y), "cache": None}, {"logits", "state.0", "state.1"}),
    ],
)
def test_outputs_are_named_by_key_or_place(answer, names, opened):
    assert set(opened(echo(answer)).call(X)) == names


@pytest.mark.parametrize("precision", PRECISIONS)
def test_outputs_are_32_bit_floats_on_the_host_whatever_the_module_computes_in(precision, opened):
    output = opened(echo(lambda y, x: y), precision).call(X)["output"]
    assert (type(output), output.dtype) == (np.ndarray, np.dtype("float32"))


@pytest.mark.parametrize(("precision", "dtype"), [("fp16", torch.float16), ("bf16", torch.bfloat16)])
def test_float_inputs_are_cast_and_whole_numbers_are_not(precision, dtype, opened):
    seen = {}

    class Looks(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(32, 1)

        def forward(self, x, n):
            seen.update(x=x.dtype, n=n.dtype)
            return self.linear(x)

    opened(Looks, precision).call({**X, "n": np.int64(3)})
    assert seen == {"x": dtype, "n": torch.int64}


def test_a_model_that_writes_into_its_inputs_does_not_change_the_example(opened):
    session = opened(echo(lambda y, x: x.zero_()))
    before = X["x"].copy()
    session.call(X)
    assert np.array_equal(X["x"], before)


@pytest.mark.parametrize(
    "values", [np.broadcast_to(np.float32(1), (2, 32)), np.ones((2, 32), np.float32)[::-1], np.ones((32, 2), "f4").T]
)
def test_arrays_of_any_layout_are_taken(values, opened):
    assert opened(echo(lambda y, x: x)).call({"x": values})["output"].tolist() == np.ones((2, 32)).tolist()


def test_no_gradient_is_kept(opened):
    class Asks(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(32, 1)

        def forward(self, x):
            return (
                torch.tensor([float(torch.is_inference_mode_enabled()), float(self.training)])
                + 0 * self.linear(x).sum()
            )

    assert opened(Asks).call(X)["output"].tolist() == [1.0, 0.0]


@pytest.mark.parametrize("inputs", [{}, {"y": X["x"]}, {**X, "y": X["x"]}])
def test_names_that_the_forward_does_not_take_are_the_workloads_problem(inputs, opened):
    with pytest.raises(WorkloadProblem, match="name the example's arrays as the model's forward does"):
        opened(echo(lambda y, x: y)).call(inputs)


def test_what_a_forward_raises_is_the_models_problem_in_its_words(opened):
    with pytest.raises(ModelProblem, match=r"its forward raised RuntimeError: mat1 and mat2 shapes"):
        opened(echo(lambda y, x: y)).call({"x": np.ones((2, 3), np.float32)})


def test_a_forward_that_returns_no_tensors_is_refused(opened):
    with pytest.raises(ModelProblem, match="returns str as output; wrap it"):
        opened(echo(lambda y, x: "text")).call(X)


@pytest.mark.parametrize(
    "error",
    [
        NotImplementedError("Could not run 'quantized::linear_dynamic' with arguments from the 'CUDA' backend. This"),
        RuntimeError("\"addmm_impl_cpu_\" not implemented for 'Half'"),
    ],
)
def test_a_missing_kernel_makes_the_cell_unsupported(error, opened):
    def refuse(y, x):
        raise error

    with pytest.raises(Unsupported) as refused:
        opened(echo(refuse)).call(X)
    assert refused.value.reason is Reason.NO_KERNEL
    assert refused.value.text == str(error).partition(". This")[0]


def test_a_device_out_of_memory_is_no_defect_of_the_model(opened):
    def refuse(y, x):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

    with pytest.raises(HarnessError, match="out of memory: CUDA out of memory; take a smaller"):
        opened(echo(refuse)).call(X)


@pytest.mark.parametrize(
    ("precision", "provider"),
    [
        ("fp32", "cpu float32"),
        ("fp16", "cpu float16"),
        ("bf16", "cpu bfloat16"),
        ("int8-dynamic", "cpu int8"),
        ("int8-weight-only", "cpu int8"),
        ("int4-weight-only", "cpu int4 in int8"),
    ],
)
def test_placement_counts_the_loaded_tensors_by_device_and_dtype(precision, provider, opened):
    found = opened(Speech, precision).placement()
    assert found.by_provider[provider] > 0
    assert (found.device, found.astray) == ("cpu", ())


def test_a_weight_that_kept_another_dtype_is_astray_by_name(opened):
    session = opened(Speech, "fp16")
    session._module.linear.float()
    assert session.placement().astray == (
        "linear.weight as float32, not float16",
        "linear.bias as float32, not float16",
    )


def test_a_weight_on_another_device_is_astray_by_name(opened):
    session = opened(Speech)
    session._module.gru.to("meta")
    assert "gru.weight_ih_l0 on meta" in session.placement().astray


def test_a_packed_weight_is_astray_on_a_device_it_cannot_reach(opened):
    session = opened(echo(lambda y, x: y), "int8-dynamic")
    session._place = SimpleNamespace(target=torch.device("cuda", 0))
    assert set(session.placement().astray) == {"linear.weight on cpu", "linear.bias on cpu"}


def test_contents_count_packed_weights_too(opened):
    contents = opened(echo(lambda y, x: y), "int8-dynamic").contents()
    assert (contents.parameter_count, contents.count_by_dtype) == (32 * 32 + 32, {"float32": 32, "int8": 1024})


class Place:
    """A device that notes what is asked of it. Its tensors are the host's."""

    target = torch.device("cpu")
    seconds = 0.25

    def __init__(self) -> None:
        self.asked: list[str] = []

    def run(self, work):
        result = work()
        self.asked.append("waited")
        return result

    def memory(self):
        return DeviceMemory(7, 8)

    def reset_memory(self):
        self.asked.append("reset")

    def release(self):
        self.asked.append("released")


def test_the_device_is_waited_for_timed_and_given_back(runtime, tmp_path, monkeypatch):
    place = Place()
    monkeypatch.setattr("harness.runtimes.torch.claim", lambda _: place)
    module = echo(lambda y, x: y)
    path = tmp_path / "made.pt"
    session = runtime.open(artifact(path, "fp32", convert("fp32", path, module), module), Device("cuda"), Tuning())
    session.call(X)
    session.reset_device_memory()
    assert (session.device_seconds(), session.device_memory()) == (0.25, DeviceMemory(7, 8))
    session.close()
    assert place.asked == ["waited", "reset", "released"]


def test_a_quantized_cell_is_refused_where_the_engine_cannot_reach_the_device(runtime, tmp_path, monkeypatch):
    place = Place()
    place.target = torch.device("meta")
    monkeypatch.setattr("harness.runtimes.torch.claim", lambda _: place)
    path = tmp_path / "made.pt"
    module = echo(lambda y, x: y)
    converted = artifact(path, "int8-dynamic", convert("int8-dynamic", path, module), module)
    with pytest.raises(Unsupported, match="quantized::linear_dynamic") as refused:
        runtime.open(converted, Device("cuda"), Tuning())
    assert refused.value.reason is Reason.NO_KERNEL


ON_MPS = (
    "Could not run 'quantized::linear_dynamic' with arguments from the 'MPS' backend. This could be because the "
    "operator doesn't exist for this backend, or was omitted during the selective/custom build process (if using "
    "custom build). 'quantized::linear_dynamic' is only available for these backends: [CPU, Meta, FuncTorchBatched]."
)
"""What torch says of a packed product on Apple's GPU."""


def test_int8_on_apples_gpu_is_unsupported_in_the_words_of_the_engine(runtime, monkeypatch):
    def refuse(*_):
        raise NotImplementedError(ON_MPS)

    monkeypatch.setattr("harness.runtimes.torch.claim", lambda _: Place())
    monkeypatch.setattr(torch.ao.nn.quantized.dynamic.Linear, "forward", refuse)
    with pytest.raises(Unsupported) as refused:
        runtime.check(Device("mps"), "int8-dynamic", Tuning())
    assert refused.value.reason is Reason.NO_KERNEL
    assert refused.value.text == "Could not run 'quantized::linear_dynamic' with arguments from the 'MPS' backend"


class Scripted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x) * 2


class UpcastingScript(Scripted):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x.float())


@pytest.fixture
def scripted(runtime, tmp_path):
    def make(precision, module=Scripted, submodule=""):
        written = module().eval()
        fill(written)
        path, target = tmp_path / "script.jit", tmp_path / "made.jit"
        torch.jit.save(torch.jit.script(written), path)
        reference = FileReference(path, "torchscript", "test", submodule)
        made = recipe(precision).conversions["torchscript"](Job(reference, target))
        return runtime.open(artifact(target, precision, made, None, "torchscript"), HOST, Tuning()), written

    return make


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_a_script_is_called_by_names_like_a_module(precision, scripted):
    session, written = scripted(precision)
    x = np.ones((1, 4), np.float32)
    expected = written(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(session.call({"x": x})["output"], expected, rtol=0.02)
    assert session.placement().astray == ()


def test_only_the_named_part_of_a_script_is_called(scripted):
    session, written = scripted("fp32", submodule="inner")
    x = np.ones((1, 4), np.float32)
    np.testing.assert_allclose(
        session.call({"input": x})["output"], written.inner(torch.from_numpy(x)).detach().numpy()
    )


def test_a_script_that_upcasts_by_itself_has_no_half_precision(scripted):
    session, _ = scripted("fp16", UpcastingScript)
    with pytest.raises(Unsupported, match="makes 32-bit floats of its own beside float16") as refused:
        session.call({"x": np.ones((1, 4), np.float32)})
    assert refused.value.reason is Reason.NO_RECIPE
    assert "Traceback" not in refused.value.text


def test_names_that_a_script_does_not_take_are_the_workloads_problem(scripted):
    session, _ = scripted("fp32")
    with pytest.raises(WorkloadProblem, match=r"\['samples'\] for forward\(x\)"):
        session.call({"samples": np.ones((1, 4), np.float32)})


def test_an_artifact_without_a_module_to_put_it_in_is_refused(runtime, tmp_path):
    path = tmp_path / "made.pt"
    made = artifact(path, "fp32", convert("fp32", path, Speech), Speech)
    with pytest.raises(ArtifactUnreadable, match="declare its skeleton"):
        runtime.open(replace(made, skeleton=None), HOST, Tuning())


def test_versions_are_facts_that_a_record_can_hold(runtime):
    facts = runtime.versions()
    assert facts["torch"] == torch.__version__
    assert all(isinstance(value, str | int | float | bool | None) for value in facts.values())
    assert {"torch_blas", "torch_onednn", "torch_cpu_capability", "torch_quantized_engine"} <= facts.keys()
