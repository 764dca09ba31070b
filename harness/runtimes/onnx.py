"""ONNX Runtime: opens an artifact on a device, calls it, and proves from its own records where the nodes went.

The only file that imports onnxruntime to run models. It does not import `onnx`, which would cost the measuring
process time and memory: what the graph holds was counted when the artifact was made. Only `check` does, elsewhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.cells import Device, Reason, Unsupported
from harness.errors import ArtifactUnreadable, HarnessError, UsageProblem, WorkloadProblem
from harness.limits import CallWork, Rates
from harness.models import Arrays, Artifact
from harness.runtimes import Contents, DeviceMemory, Placement, Tuning
from harness.runtimes.onnx_placement import placed
from harness.runtimes.work import Drive

_CPU = "CPUExecutionProvider"
_PROVIDERS: Mapping[str, str] = {
    "cpu": _CPU,
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}

_OPTIMIZATION = "graph_optimization_level"
_LEVELS: Mapping[str, str] = {
    "disabled": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}

_OTHER_KERNELS: Mapping[str, Mapping[str, str]] = {
    "x64quantprecision": {"session.x64quantprecision": "1"},
    "QDQ fusion off": {"session.disable_quant_qdq": "1"},
}


class OnnxRuntime:
    """Runs ONNX files on the CPU, on CUDA and through CoreML."""

    name = "onnx"
    distributions: tuple[str, ...] = ("onnxruntime",)

    def load_library(self) -> None:
        """Import onnxruntime and keep its log to errors."""
        import onnxruntime

        onnxruntime.set_default_logger_severity(3)

    def check(self, device: Device, precision: str, tuning: Tuning) -> None:
        """Convert a small convolution and matrix product with the real recipe, and run it on the device."""
        from harness.runtimes.onnx_probe import tiny_artifact

        _provider_for(device)
        with tiny_artifact(precision) as (artifact, inputs):
            session = self.open(artifact, device, tuning)
            try:
                if astray := session.placement().astray:
                    raise Unsupported(Reason.NO_KERNEL, f"{device} leaves to the CPU: {', '.join(astray)}")
                for name, values in session.call(inputs).items():
                    if not all(math.isfinite(value) for value in values.ravel().tolist()):
                        raise Unsupported(Reason.NO_KERNEL, f"{precision} on {device} gives {name} that is not finite")
            finally:
                session.close()

    def open(self, artifact: Artifact, device: Device, tuning: Tuning) -> OnnxSession:
        """Create the session; a provider that is missing, or falls away while loading, is never made up for."""
        import onnxruntime

        provider = _provider_for(device)
        options = _options(tuning)
        if device.kind == "cuda":
            _preload_cuda(onnxruntime)
        onnxruntime.set_seed(tuning.seed)  # heard by sessions that are made afterwards, and by no others
        try:
            session = onnxruntime.InferenceSession(
                artifact.path, options, providers=_chain(provider, device), enable_fallback=0
            )
        except Exception as error:
            raise _explained(error, artifact) from error
        if provider not in session.get_providers():
            raise Unsupported(
                Reason.NO_DEVICE,
                f"onnxruntime lists {provider} but could not load it, and would have run on the CPU; "
                "check the driver and the CUDA and cuDNN libraries",
            )
        return OnnxSession(session, artifact, device, tuning)

    def other_kernels(self, precision: str) -> Mapping[str, Mapping[str, str]]:
        """For int8: products widened before they are summed (no saturation), and QDQ pairs left as they stand."""
        return _OTHER_KERNELS if precision.startswith("int8") else {}

    def rates(self, device: Device, tuning: Tuning, seconds: float) -> Rates:
        """How fast ONNX Runtime is on the CPU at its best; on a device, every call would copy what it is given."""
        import onnxruntime

        from harness.runtimes.onnx_rates import rates

        if device.kind != "cpu":
            raise HarnessError(f"the rates of ONNX Runtime on {device} are not measured: its calls begin on the host")
        providers = _chain(_CPU, device)

        def open_session(content: bytes) -> Any:
            options = _options(Tuning(tuning.threads))
            return onnxruntime.InferenceSession(content, options, providers=providers, enable_fallback=0)

        return rates(open_session, device, tuning, seconds)

    def versions(self) -> dict[str, Any]:
        """Version, build and providers. ONNX Runtime does not say which instruction sets its kernels chose."""
        import onnxruntime

        available = onnxruntime.get_available_providers()
        cuda = {"onnxruntime_cuda_tf32": "off"} if _PROVIDERS["cuda"] in available else {}
        return {
            "onnxruntime": onnxruntime.__version__,
            "onnxruntime_build": " ".join(onnxruntime.get_build_info().split()),
            "onnxruntime_providers": ", ".join(available),
            **cuda,
        }


class OnnxSession:
    """A loaded ONNX file on one device."""

    def __init__(self, session: Any, artifact: Artifact, device: Device, tuning: Tuning) -> None:
        self._session = session
        self._artifact = artifact
        self._device = device
        self._tuning = tuning
        self._input_names = frozenset(each.name for each in session.get_inputs())
        self._optional = frozenset(each.name for each in session.get_inputs() if each.type.startswith("optional"))
        self._output_names = tuple(each.name for each in session.get_outputs())
        self._names_checked = False
        self._binding = session.io_binding() if device.kind == "cuda" else None

    def call(self, inputs: Arrays) -> Arrays:
        """One inference, by names; on CUDA its copies to and from the device are part of it."""
        if not self._names_checked:
            self._check_names(inputs)
            self._names_checked = True
        try:
            if self._binding is None:
                outputs = self._session.run(self._output_names, inputs)
            else:
                outputs = self._run_bound(self._binding, inputs)
        except Exception as error:
            raise self._explain_call(error) from error
        return dict(zip(self._output_names, outputs, strict=True))

    def device_seconds(self) -> float | None:
        """None: ONNX Runtime hands out no events of the device."""
        return None

    def device_memory(self) -> DeviceMemory | None:
        """None: ONNX Runtime's allocators tell Python nothing; the driver's count of the process stands for them."""
        return None

    def reset_device_memory(self) -> None:
        """Nothing to reset where nothing is counted."""

    def placement(self) -> Placement:
        """Which provider took which nodes, as recorded while loading."""
        assigned = [
            (part.ep_name, node.op_type, node.name)
            for part in self._session.get_provider_graph_assignment_info()
            for node in part.get_nodes()
        ]
        return placed(assigned, device=str(self._device), wanted=_PROVIDERS[self._device.kind], host=_CPU)

    def contents(self) -> Contents:
        """What was counted in the file when it was made."""
        layout = self._artifact.layout
        try:
            return Contents(layout["parameter_count"], dict(layout["count_by_dtype"]))
        except KeyError as error:
            raise HarnessError(
                f"{self._artifact.path.name} was stored without its {error}; delete it from the cache and convert again"
            ) from error

    def work_of(self, drives: Sequence[Drive]) -> tuple[tuple[CallWork, ...], ...]:
        """What each of these makes the file do, as a second session tells that records every node."""
        from harness.runtimes.onnx_work import work_of

        return work_of(self._artifact.path, _options(self._tuning), [_CPU], drives)

    def close(self) -> None:
        """Give the session's memory back."""
        self._binding = None
        self._session = None

    def _run_bound(self, binding: Any, inputs: Arrays) -> Sequence[Any]:
        # Outputs bound once would keep the first example's shapes: they are bound anew for each.
        binding.clear_binding_inputs()
        binding.clear_binding_outputs()
        for name, values in inputs.items():
            binding.bind_cpu_input(name, values)
        for name in self._output_names:
            binding.bind_output(name, "cuda", self._device.index or 0)
        binding.synchronize_inputs()
        self._session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        outputs: Sequence[Any] = binding.copy_outputs_to_cpu()
        return outputs

    def _check_names(self, inputs: Arrays) -> None:
        missing = self._input_names - self._optional - inputs.keys()
        unknown = inputs.keys() - self._input_names
        if missing or unknown:
            wrong = [f"lacks {_names(missing)}"] * bool(missing) + [f"has unknown {_names(unknown)}"] * bool(unknown)
            raise WorkloadProblem(
                f"the example {' and '.join(wrong)}; {self._artifact.path.name} takes {_names(self._input_names)}"
            )

    def _explain_call(self, error: Exception) -> Exception:
        """ONNX Runtime's refusal of an input is the workload's problem; anything else keeps its own type."""
        from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument

        if isinstance(error, InvalidArgument):
            return WorkloadProblem(f"{_said(error, self._artifact)}; make the workload fit {self._artifact.path.name}")
        return HarnessError(f"{_said(error, self._artifact)}; ONNX Runtime could not run {self._artifact.path.name}")


def _provider_for(device: Device) -> str:
    import onnxruntime

    provider = _PROVIDERS.get(device.kind)
    if provider is None:
        raise Unsupported(Reason.NO_DEVICE, f"ONNX Runtime has no provider for {device.kind}; on a Mac ask for coreml")
    available = onnxruntime.get_available_providers()
    if provider not in available:
        raise Unsupported(
            Reason.NO_DEVICE, f"this onnxruntime has no {provider}; it was built with {', '.join(available)}"
        )
    return provider


def _chain(provider: str, device: Device) -> list[Any]:
    """The providers in order. The CPU stands last for shapes; `placed` tells when it took more."""
    if device.kind == "cuda":
        # An fp32 cell computes in fp32: ONNX Runtime would round products to TF32 on its own.
        return [(provider, {"device_id": str(device.index or 0), "use_tf32": "0"}), _CPU]
    return [_CPU] if provider == _CPU else [provider, _CPU]


def _options(tuning: Tuning) -> Any:
    """The session options. A quantized engine is torch's affair: ONNX Runtime has none to choose."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = tuning.threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4  # what it logs as an error it also raises
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    if tuning.threads > 1:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    for key, value in tuning.session_options.items():
        if key != _OPTIMIZATION:
            options.add_session_config_entry(key, value)
        elif value in _LEVELS:
            options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, _LEVELS[value])
        else:
            raise UsageProblem(f"unknown {_OPTIMIZATION} {value!r}; choose one of {', '.join(_LEVELS)}")
    return options


def _preload_cuda(onnxruntime: Any) -> None:
    """Load CUDA's libraries from the packages that carry them, where this onnxruntime knows how."""
    from contextlib import redirect_stdout
    from io import StringIO

    if preload := getattr(onnxruntime, "preload_dlls", None):
        with redirect_stdout(StringIO()):  # it prints what it did not find; the session then says so for itself
            preload()


def _explained(error: Exception, artifact: Artifact) -> Exception:
    """Why a session could not be created: no kernel, no device, or a file that is no model."""
    from onnxruntime.capi import onnxruntime_pybind11_state as ort

    said, name = _said(error, artifact), artifact.path.name
    if isinstance(error, ort.NotImplemented):
        return Unsupported(Reason.NO_KERNEL, said)
    if isinstance(error, ort.NoSuchFile):
        return ArtifactUnreadable(f"{name} is missing; convert it again")
    if isinstance(error, ort.InvalidProtobuf):
        return ArtifactUnreadable(f"{name} is not an ONNX file, or only a part of one; fetch or convert it again")
    if re.search(r"out of memory|[Ff]ailed to allocate|bad_alloc", said):
        return HarnessError(f"{name} does not fit into the memory: {said}; free some, or take a smaller precision")
    if isinstance(error, ort.EPFail) or re.search(r"CUDA (error|failure|driver)", said):
        return Unsupported(Reason.NO_DEVICE, said)
    return ArtifactUnreadable(f"{name} cannot be loaded: {said}; fetch or convert it again")


def _said(error: Exception, artifact: Artifact) -> str:
    """An error's words in one line, without the path and the decoration."""
    words = " ".join(str(error).replace(str(artifact.path), artifact.path.name).split())
    return re.sub(r"^.*\[ONNXRuntimeError\] : \d+ : \w+ : ", "", words)


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
