"""What the NVIDIA driver says of a GPU, through NVML. Each answer is a value or why there is none.

Owns the way from CUDA's numbering to NVML's. Imports pynvml only when asked, creates no CUDA context, polls nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from harness.probes import Unavailable

Answer = TypeVar("Answer")

_SLOWED = {
    0x0004: "power cap",
    0x0008: "hardware slowdown",
    0x0020: "software thermal slowdown",
    0x0040: "hardware thermal slowdown",
    0x0080: "power brake",
    0x0100: "display clock setting",
    0x0200: "board limit",
    0x0400: "reliability voltage",
}
"""Bits of NVML's clock event reasons that slow a busy GPU; idle and clocks set on purpose are no throttling."""


def load_nvml() -> Any | Unavailable:
    """Import and start NVML; it may be started often."""
    try:
        import pynvml
    except ImportError:
        return Unavailable("nvidia-ml-py is not installed; pip install nvidia-ml-py")
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as problem:
        return Unavailable(f"no NVIDIA driver answers ({problem})")
    return pynvml


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU (or MIG slice), as NVML sees it."""

    nvml: Any
    handle: Any

    def name(self) -> str | Unavailable:
        """Product name."""
        return self._ask("the name", lambda: _text(self.nvml.nvmlDeviceGetName(self.handle)))

    def compute_capability(self) -> tuple[int, int] | Unavailable:
        """CUDA's number for what its cores can do."""
        return self._ask("the compute capability", self._capability)

    def memory_bytes(self) -> int | Unavailable:
        """All of its memory."""
        return self._ask("the memory", lambda: int(self.nvml.nvmlDeviceGetMemoryInfo(self.handle).total))

    def temperature_celsius(self) -> float | Unavailable:
        """Temperature of the chip."""
        sensor = self.nvml.NVML_TEMPERATURE_GPU
        return self._ask("the temperature", lambda: float(self.nvml.nvmlDeviceGetTemperature(self.handle, sensor)))

    def frequency_hz(self) -> float | Unavailable:
        """Clock of the multiprocessors now."""
        clock = self.nvml.NVML_CLOCK_SM
        return self._ask("the clock", lambda: 1e6 * self.nvml.nvmlDeviceGetClockInfo(self.handle, clock))

    def throttled(self) -> str | Unavailable:
        """What slows it now, or `no`."""
        return self._ask("throttling", self._throttled)

    def energy_millijoules(self) -> int | Unavailable:
        """Energy since the driver was loaded."""
        return self._ask("the energy", lambda: int(self.nvml.nvmlDeviceGetTotalEnergyConsumption(self.handle)))

    def process_bytes(self, pid: int) -> int | Unavailable:
        """Memory that one process holds on the GPU, by the driver's count: contexts and libraries included."""
        processes = self._ask("the processes", self._processes)
        if isinstance(processes, Unavailable):
            return processes
        if pid not in processes:
            return Unavailable(
                f"the driver lists no process {pid} on this GPU; inside a container it knows processes by other numbers"
            )
        held = processes[pid]
        return Unavailable("the driver lists the process without its memory") if held is None else held

    def other_processes(self, own: Collection[int]) -> int | Unavailable:
        """How many processes other than one's own are on the GPU."""
        processes = self._ask("the processes", self._processes)
        return processes if isinstance(processes, Unavailable) else len(processes.keys() - set(own))

    def _processes(self) -> dict[int, int | None]:
        """Return bytes by pid; a process that computes and draws is listed twice with the same number."""
        listed = [
            *self.nvml.nvmlDeviceGetComputeRunningProcesses(self.handle),
            *self.nvml.nvmlDeviceGetGraphicsRunningProcesses(self.handle),
        ]
        return {int(process.pid): process.usedGpuMemory for process in listed}

    def _capability(self) -> tuple[int, int]:
        major, minor = self.nvml.nvmlDeviceGetCudaComputeCapability(self.handle)
        return int(major), int(minor)

    def _throttled(self) -> str:
        # Renamed with driver 535; older bindings know the older name only.
        reasons = getattr(self.nvml, "nvmlDeviceGetCurrentClocksEventReasons", None)
        reasons = reasons or self.nvml.nvmlDeviceGetCurrentClocksThrottleReasons
        bits = int(reasons(self.handle))
        return ", ".join(text for bit, text in _SLOWED.items() if bits & bit) or "no"

    def _ask(self, what: str, question: Callable[[], Answer]) -> Answer | Unavailable:
        return _ask(self.nvml, what, question)


def open_gpu(
    index: int | None = None,
    *,
    load: Callable[[], Any] = load_nvml,
    environ: Mapping[str, str] = os.environ,
) -> Gpu | Unavailable:
    """Open the GPU that CUDA calls `cuda:index` in a process with this environment."""
    nvml = load()
    if isinstance(nvml, Unavailable):
        return nvml
    wanted = _visible(index or 0, environ)
    if isinstance(wanted, Unavailable):
        return wanted
    if isinstance(wanted, int):
        doubt = _order_in_doubt(nvml, environ)
        if doubt is not None:
            return doubt
        handle = _ask(nvml, f"GPU {wanted}", lambda: nvml.nvmlDeviceGetHandleByIndex(wanted))
    else:
        handle = _ask(nvml, f"GPU {wanted}", lambda: nvml.nvmlDeviceGetHandleByUUID(wanted))
    return handle if isinstance(handle, Unavailable) else Gpu(nvml, handle)


def driver_version(load: Callable[[], Any] = load_nvml) -> str | Unavailable:
    """Version of the NVIDIA driver."""
    nvml = load()
    if isinstance(nvml, Unavailable):
        return nvml
    return _ask(nvml, "the driver", lambda: _text(nvml.nvmlSystemGetDriverVersion()))


def cuda_version(load: Callable[[], Any] = load_nvml) -> str | Unavailable:
    """The newest CUDA the driver supports; NVML writes 12.8 as 12080."""
    nvml = load()
    if isinstance(nvml, Unavailable):
        return nvml
    number = _ask(nvml, "CUDA", lambda: int(nvml.nvmlSystemGetCudaDriverVersion()))
    return number if isinstance(number, Unavailable) else f"{number // 1000}.{number % 1000 // 10}"


def _visible(index: int, environ: Mapping[str, str]) -> int | str | Unavailable:
    """Return what CUDA_VISIBLE_DEVICES makes of an index: NVML's index, or a UUID."""
    if "CUDA_VISIBLE_DEVICES" not in environ:
        return index
    listed = [entry.strip() for entry in environ["CUDA_VISIBLE_DEVICES"].split(",") if entry.strip()]
    if index >= len(listed) or listed[index] == "-1":
        return Unavailable(f"CUDA_VISIBLE_DEVICES={environ['CUDA_VISIBLE_DEVICES']} shows no GPU {index}")
    return int(listed[index]) if listed[index].isdecimal() else listed[index]


def _order_in_doubt(nvml: Any, environ: Mapping[str, str]) -> Unavailable | None:
    """CUDA numbers the fastest GPU first, NVML goes by the bus: between unlike GPUs an index may name the wrong one."""
    if environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID":
        return None

    def names() -> set[str]:
        count = nvml.nvmlDeviceGetCount()
        return {_text(nvml.nvmlDeviceGetName(nvml.nvmlDeviceGetHandleByIndex(index))) for index in range(count)}

    found = _ask(nvml, "the GPUs", names)
    if isinstance(found, Unavailable):
        return found
    if len(found) > 1:
        return Unavailable(
            "CUDA and the driver may number these unlike GPUs differently; set CUDA_DEVICE_ORDER=PCI_BUS_ID"
        )
    return None


def _ask(nvml: Any, what: str, question: Callable[[], Answer]) -> Answer | Unavailable:
    """Ask NVML; its refusal becomes the reason."""
    try:
        return question()
    except nvml.NVMLError as problem:
        return Unavailable(f"the NVIDIA driver does not tell {what} ({problem})")


def _text(answer: str | bytes) -> str:
    """Older bindings answer in bytes."""
    return answer.decode() if isinstance(answer, bytes) else answer
