"""What every runtime offers, and the lazy table of them. Only the files beside this one import a runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from harness.cells import Device
from harness.models import Arrays, Artifact

if TYPE_CHECKING:
    import numpy as np

    from harness.probes.tree import TreeGauge


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a session is to run. `engine` is a quantized engine (`x86`, `fbgemm`, `qnnpack`, `onednn`) or None."""

    threads: int = 1
    engine: str | None = None
    session_options: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    """What a session draws at random begins with it."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the compute truly is.

    `by_provider` counts nodes (or parameters) by the place that holds them. `astray` names those that are not on the
    device asked for, harmless ones (shapes, copies) left out.
    """

    device: str
    by_provider: Mapping[str, int]
    astray: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in the loaded model: parameters counted, by dtype and by the outermost parts it has a name for.

    `uncounted` says why nothing could be counted, where that is so.
    """

    parameter_count: int
    count_by_dtype: Mapping[str, int]
    count_by_part: Mapping[str, int] = field(default_factory=dict)
    uncounted: str = ""


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """Device memory by the runtime's own allocator, in bytes: the peaks, and what is allocated now. None: not told."""

    peak_allocated_bytes: int | None
    peak_reserved_bytes: int | None
    allocated_bytes: int | None = None


class Session(Protocol):
    """A loaded model on a device."""

    def call(self, inputs: Arrays) -> Arrays:
        """One inference; returns only when the outputs are on the host."""

    def device_seconds(self) -> float | None:
        """Time of the last call by the device's own events; None where the device has none."""

    def device_memory(self) -> DeviceMemory | None:
        """Peaks since the last reset, and what is allocated now; None where the allocator does not say."""

    def reset_device_memory(self) -> None:
        """Begin a new phase of `device_memory`."""

    def placement(self) -> Placement:
        """Where the compute truly is, read from the runtime after loading."""

    def contents(self) -> Contents:
        """What was loaded."""

    def close(self) -> None:
        """Give everything back."""


@dataclass(frozen=True, slots=True)
class Served:
    """What a client noticed of one request: seconds from its start to the first byte, and to each piece of audio."""

    first_byte_seconds: float
    arrival_seconds: tuple[float, ...]
    pieces: tuple[np.ndarray[Any, Any], ...]


@dataclass(frozen=True, slots=True)
class Crowd:
    """What became of requests that came so many at once. `median_seconds` is of those that were answered."""

    at_once: int
    requests: int
    failed: int
    seconds: float
    median_seconds: float | None
    first_error: str


@runtime_checkable
class Serving(Session, Protocol):
    """A session whose model is in other processes, and answers over a wire."""

    concurrency: tuple[int, ...]

    def served(self) -> Served | None:
        """What a client noticed of the last call."""

    def crowd(self, inputs: Sequence[Arrays], at_once: int, seconds: float) -> Crowd:
        """Call it from so many clients at once for so long."""

    def gauge(self) -> TreeGauge:
        """The memory of those processes."""


class Runtime(Protocol):
    """A library that runs artifacts."""

    name: str
    distributions: tuple[str, ...]

    def load_library(self) -> None:
        """Import the library; timed by the caller as the cold import."""

    def check(self, device: Device, precision: str, tuning: Tuning) -> None:
        """Prove with a tiny model that the device runs this precision; raise Unsupported in the engine's words."""

    def open(self, artifact: Artifact, device: Device, tuning: Tuning) -> Session:
        """Create the session; raise Unsupported where the machine cannot."""

    def other_kernels(self, precision: str) -> Mapping[str, Mapping[str, str]]:
        """Session options, by name, under which the same artifact runs on other kernels and should answer the same.

        Importing nothing: asked by the parent.
        """

    def versions(self) -> dict[str, Any]:
        """Timing-relevant facts of the library: version, build, BLAS, instruction sets, quantized engine."""


def _onnx() -> Runtime:
    from harness.runtimes.onnx import OnnxRuntime

    return OnnxRuntime()


def _torch() -> Runtime:
    from harness.runtimes.torch import TorchRuntime

    return TorchRuntime()


def _http() -> Runtime:
    from harness.runtimes.http import HttpRuntime

    return HttpRuntime()


RUNTIMES: Mapping[str, Callable[[], Runtime]] = {"onnx": _onnx, "torch": _torch, "http": _http}
