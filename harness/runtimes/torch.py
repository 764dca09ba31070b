"""PyTorch: opens an artifact on a device, calls it, and proves where its weights are and of which dtype.

The only file that runs torch modules. How a converted module is put together again is `precisions.torch_layout`'s.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from harness.cells import Device, Reason, Unsupported
from harness.errors import ArtifactUnreadable, HarnessError, ModelProblem, WorkloadProblem
from harness.limits import CallWork, Rates
from harness.models import Arrays, Artifact
from harness.packages import installed_version
from harness.precisions import torch_count, torch_layout, torch_script
from harness.runtimes import Contents, DeviceMemory, Placement, Tuning
from harness.runtimes.torch_places import Place, claim
from harness.runtimes.work import Drive, Tally

if TYPE_CHECKING:
    import torch

_NO_KERNEL = ("not implemented for", "Could not run", "attempting to run unimplemented", "not currently implemented")

_MIXED = re.compile(r"should be the same|same dtype|[Ee]xpected scalar type|expected .* dtype")


class TorchRuntime:
    """Runs torch modules and TorchScript files on the CPU, on CUDA and on MPS."""

    name = "torch"
    distributions: tuple[str, ...] = ("torch",)

    def load_library(self) -> None:
        """Import torch."""
        import torch  # noqa: F401 - its import is what is asked for

    def check(self, device: Device, precision: str, tuning: Tuning) -> None:
        """Convert a small convolution and matrix product with the real recipe, and run it on the device."""
        import numpy as np

        from harness.runtimes.torch_probe import tiny_artifact

        claim(device)
        with tiny_artifact(precision, tuning.engine) as (artifact, inputs):
            session = self.open(artifact, device, tuning)
            try:
                if astray := session.placement().astray:
                    raise Unsupported(Reason.NO_KERNEL, f"not on {device}: {', '.join(astray)}")
                for name, values in session.call(inputs).items():
                    if not np.isfinite(values).all():
                        raise Unsupported(Reason.NO_KERNEL, f"{precision} on {device} gives {name} that is not finite")
            finally:
                session.close()

    def open(self, artifact: Artifact, device: Device, tuning: Tuning) -> TorchSession:
        """Put the module together on the host, then move it to the device."""
        import torch

        place = claim(device)
        torch.set_num_threads(tuning.threads)
        torch.manual_seed(tuning.seed)
        layout = artifact.layout
        if layout["kind"] == "ao-dynamic":
            torch_layout.use_engine(tuning.engine or layout["engine"])
            _try_engine(place)
        module = _loaded(artifact, place)
        return TorchSession(module, artifact, place)

    def other_kernels(self, precision: str) -> Mapping[str, Mapping[str, str]]:
        """None: torch chooses its kernels by the quantized engine, which is an option of the run."""
        del precision
        return {}

    def rates(self, device: Device, tuning: Tuning, seconds: float) -> Rates:
        """How fast torch is on the device at its best."""
        from harness.runtimes.torch_rates import rates

        return rates(device, tuning, seconds)

    def versions(self) -> dict[str, Any]:
        """Version, build, instruction set and quantized engine, and what else takes part where it is installed."""
        import torch

        backends: Any = torch.backends
        facts: dict[str, Any] = {
            "torch": torch.__version__,
            "torch_blas": _setting("BLAS_INFO"),
            "torch_mkl": backends.mkl.is_available(),
            "torch_onednn": backends.mkldnn.is_available(),
            "torch_openmp": backends.openmp.is_available(),
            "torch_cpu_capability": backends.cpu.get_cpu_capability(),
            "torch_quantized_engine": backends.quantized.engine,
            "torch_threads": torch.get_num_threads(),
        }
        if torch.version.cuda is not None:
            facts |= {
                "torch_cuda": torch.version.cuda,
                "torch_cudnn": backends.cudnn.version(),
                "torch_cuda_tf32": "on" if backends.cudnn.allow_tf32 or backends.cuda.matmul.allow_tf32 else "off",
            }
        return facts | {name: found for name in ("torchao", "transformers") if (found := installed_version(name))}


class TorchSession:
    """A loaded module on one device."""

    def __init__(self, module: Any, artifact: Artifact, place: Place) -> None:
        import numpy as np
        import torch

        self._torch, self._numpy = torch, np
        self._module = module
        self._artifact = artifact
        self._place = place
        dtype = artifact.layout.get("dtype", "float32")
        self._floats: torch.dtype | None = None if dtype == "float32" else getattr(torch, dtype)

    def call(self, inputs: Arrays) -> Arrays:
        """One inference, by names; its copies to and from the device are part of it."""
        try:
            with self._torch.inference_mode():
                tensors = {name: self._on_device(values) for name, values in inputs.items()}
                returned = self._place.run(lambda: self._module(**tensors))
                return dict(self._on_host(returned))
        except HarnessError:
            raise
        except Exception as error:
            raise self._explained(error, inputs) from error

    def device_seconds(self) -> float | None:
        """Time of the last call between two events on the device; None where the device has none."""
        return self._place.seconds

    def device_memory(self) -> DeviceMemory | None:
        """What torch's allocator counts on the device; None where there is none."""
        return self._place.memory()

    def reset_device_memory(self) -> None:
        """Begin a new phase of `device_memory`."""
        self._place.reset_memory()

    def placement(self) -> Placement:
        """Where the weights are and of which dtype, asked of the loaded tensors one by one."""
        by_provider: Counter[str] = Counter()
        astray = []
        for tensor in torch_count.held(self._module, self._artifact.layout):
            by_provider[f"{tensor.device} {tensor.dtype}"] += 1
            promised = torch_count.promised_dtype(tensor, self._artifact.layout)
            if tensor.device != self._place.target:
                astray.append(f"{tensor.name} on {tensor.device}")
            elif promised not in (None, tensor.dtype):
                astray.append(f"{tensor.name} as {tensor.dtype}, not {promised}")
        return Placement(str(self._place.target), dict(sorted(by_provider.items())), tuple(astray))

    def contents(self) -> Contents:
        """Weights of the loaded module, counted."""
        counted = torch_count.count(self._module, self._artifact.layout)
        by_part = torch_count.count_by_part(self._module, self._artifact.layout)
        return Contents(counted["parameter_count"], counted["count_by_dtype"], by_part)

    def work_of(self, drives: Sequence[Drive]) -> tuple[tuple[CallWork, ...], ...]:
        """What each of these makes the module do, heard from torch's dispatcher."""
        from harness.runtimes.torch_work import Listener

        found = []
        for drive in drives:
            tally = Tally()
            listener = Listener(self._module, tally)

            def call(inputs: Arrays, tally: Tally = tally, listener: Listener = listener) -> Arrays:
                with listener:
                    outputs = self.call(inputs)
                tally.end_call()
                return outputs

            drive(call)
            found.append(tally.calls())
        return tuple(found)

    def close(self) -> None:
        """Give the module's memory back."""
        self._module = None
        self._place.release()

    def _on_device(self, values: Any) -> torch.Tensor:
        # Copied: a model may write into its inputs, and the next pass of the workload must find them as they were.
        tensor = self._torch.from_numpy(self._numpy.array(values, order="C"))
        tensor = tensor.to(self._place.target)
        return tensor.to(self._floats) if self._floats is not None and tensor.is_floating_point() else tensor

    def _on_host(self, returned: Any, name: str = "output") -> Iterator[tuple[str, Any]]:
        """What a module returned, by name: the keys of a mapping; the places in a tuple; `output` when it is alone."""
        torch = self._torch
        if isinstance(returned, torch.Tensor):
            is_half = returned.dtype in (torch.float16, torch.bfloat16)
            yield name, (returned.float() if is_half else returned).cpu().numpy()
        elif isinstance(returned, Mapping):
            for key, part in returned.items():
                yield from self._on_host(part, key if name == "output" else f"{name}.{key}")
        elif isinstance(returned, tuple | list):
            for place, part in enumerate(returned):
                yield from self._on_host(part, f"{name}{place}" if name == "output" else f"{name}.{place}")
        elif returned is not None:
            raise ModelProblem(
                f"its forward returns {type(returned).__name__} as {name}; wrap it in a module that returns tensors"
            )

    def _explained(self, error: Exception, inputs: Arrays) -> Exception:
        """A missing kernel is the machine's, a wrong name is the workload's, the rest is the model's own."""
        words = torch_layout.said(error)
        if isinstance(error, self._torch.OutOfMemoryError):
            return HarnessError(
                f"out of memory: {torch_layout.first_sentence(error)}; take a smaller precision or size"
            )
        if isinstance(error, RuntimeError) and any(sign in words for sign in _NO_KERNEL):
            return Unsupported(Reason.NO_KERNEL, torch_layout.first_sentence(error))
        if self._artifact.layout["kind"] == "torchscript" and self._floats is not None and _MIXED.search(words):
            dtype = self._artifact.layout["dtype"]
            return Unsupported(Reason.NO_RECIPE, f"the script makes 32-bit floats of its own beside {dtype}: {words}")
        if unfit := self._unfit(inputs):
            return WorkloadProblem(f"{unfit}; name the example's arrays as the model's forward does")
        return ModelProblem(f"its forward raised {type(error).__name__}: {words}; mend the model or its workload")

    def _unfit(self, inputs: Arrays) -> str | None:
        """How the names of an example fail to be those of `forward`."""
        forward = self._module.forward
        try:
            if schema := getattr(forward, "schema", None):
                known = [argument.name for argument in schema.arguments[1:]]
                return None if set(inputs) <= set(known) else f"{sorted(inputs)} for forward({', '.join(known)})"
            inspect.signature(forward).bind(**inputs)
        except TypeError as error:
            return str(error)
        return None


def _loaded(artifact: Artifact, place: Place) -> Any:
    layout, path = artifact.layout, artifact.path
    if layout["kind"] == "torchscript":
        whole = torch_script.load(path, place.target)
        return torch_script.called(whole, layout["submodule"], path).eval()
    if artifact.skeleton is None:
        raise ArtifactUnreadable(f"{path.name} holds tensors without a module to put them in; declare its skeleton")
    module = torch_layout.rebuild(artifact.skeleton, path, layout)
    try:
        return module.to(place.target)
    except (RuntimeError, TypeError) as error:
        words = torch_layout.first_sentence(error)
        if "out of memory" in words:
            raise HarnessError(f"{words}; take a smaller precision or size") from error
        raise Unsupported(Reason.NO_KERNEL, words) from error


def _try_engine(place: Place) -> None:
    """Run one packed product on the device: the engine says for itself where it cannot."""
    import torch

    dynamic: Any = import_module("torch.ao.nn.quantized.dynamic")
    try:
        with torch_layout.quiet(), torch.inference_mode():
            dynamic.Linear(1, 1)(torch.zeros(1, 1, device=place.target))
    except RuntimeError as error:
        raise Unsupported(Reason.NO_KERNEL, torch_layout.first_sentence(error)) from error


def _setting(name: str) -> str | None:
    """One of the settings that torch was built with."""
    import torch

    found = re.search(rf"\b{name}=([^,\s]+)", torch.__config__.show())
    return found.group(1) if found else None
