"""The devices that torch runs on: claiming one, waiting for it, timing by its events, asking its allocator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from harness.cells import Device, Reason, Unsupported
from harness.precisions.torch_layout import first_sentence
from harness.runtimes import DeviceMemory

if TYPE_CHECKING:
    import torch

Result = TypeVar("Result")


class Place(Protocol):
    """A device that was claimed."""

    target: torch.device
    seconds: float | None

    def run(self, work: Callable[[], Result]) -> Result:
        """Do the work and return when the device is done with it; `seconds` is then by its own events."""

    def memory(self) -> DeviceMemory | None:
        """Peaks since the last reset, and what is allocated now; None where no allocator counts."""

    def reset_memory(self) -> None:
        """Forget the peaks."""

    def release(self) -> None:
        """Give cached memory back."""


def claim(device: Device) -> Place:
    """Prove that torch has the device, and make it the current one; otherwise refuse in torch's words."""
    match device.kind:
        case "cpu":
            return HostPlace()
        case "cuda":
            return CudaPlace(_index(device))
        case "mps":
            return MpsPlace()
        case kind:
            raise Unsupported(Reason.NO_DEVICE, f"torch has no {kind} device; on a Mac ask for mps")


class HostPlace:
    """The CPU: what it returns is done, and its memory is the process's own."""

    seconds: float | None = None

    def __init__(self) -> None:
        import torch

        self.target = torch.device("cpu")

    def run(self, work: Callable[[], Result]) -> Result:
        """Do the work."""
        return work()

    def memory(self) -> DeviceMemory | None:
        """None: the host's memory is measured by the process."""
        return None

    def reset_memory(self) -> None:
        """Nothing is counted."""

    def release(self) -> None:
        """Nothing is cached."""


class CudaPlace:
    """One CUDA device: timed between two events on the stream, with fp32 products that are not rounded to TF32."""

    def __init__(self, index: int) -> None:
        import torch

        self._cuda: Any = torch.cuda
        self.target = torch.device("cuda", index)
        _touch(self.target)
        self._cuda.set_device(self.target)
        # An fp32 cell computes in fp32: torch would let cuDNN's convolutions round to TF32 on its own.
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        self._begin = self._cuda.Event(enable_timing=True)
        self._end = self._cuda.Event(enable_timing=True)
        self.seconds: float | None = None

    def run(self, work: Callable[[], Result]) -> Result:
        """Do the work between two events, and wait for every stream."""
        self.seconds = None
        self._begin.record()
        result = work()
        self._end.record()
        self._cuda.synchronize(self.target)
        self.seconds = self._begin.elapsed_time(self._end) / 1000
        return result

    def memory(self) -> DeviceMemory | None:
        """What torch's caching allocator counts."""
        return DeviceMemory(
            peak_allocated_bytes=self._cuda.max_memory_allocated(self.target),
            peak_reserved_bytes=self._cuda.max_memory_reserved(self.target),
            allocated_bytes=self._cuda.memory_allocated(self.target),
        )

    def reset_memory(self) -> None:
        """Forget the peaks."""
        self._cuda.reset_peak_memory_stats(self.target)

    def release(self) -> None:
        """Give the allocator's cache back."""
        self._cuda.empty_cache()


class MpsPlace:
    """Apple's GPU. Its allocator tells what is allocated now, never the peak: so no peak is reported."""

    seconds: float | None = None

    def __init__(self) -> None:
        import torch

        self._mps: Any = torch.mps
        self.target = torch.device("mps")
        _touch(self.target)

    def run(self, work: Callable[[], Result]) -> Result:
        """Do the work and wait for the GPU."""
        result = work()
        self._mps.synchronize()
        return result

    def memory(self) -> DeviceMemory | None:
        """What is allocated now: a value read between two calls is no peak."""
        return DeviceMemory(None, None, self._mps.current_allocated_memory())

    def reset_memory(self) -> None:
        """Nothing is counted."""

    def release(self) -> None:
        """Give the allocator's cache back."""
        self._mps.empty_cache()


def _index(device: Device) -> int:
    import torch

    count = torch.cuda.device_count()
    if device.index is not None and 0 < count <= device.index:
        raise Unsupported(
            Reason.NO_DEVICE, f"torch sees {count} CUDA device{'s' * (count > 1)}, counted from 0; none is {device}"
        )
    return device.index or 0


def _touch(target: torch.device) -> None:
    """Put something on the device: torch then says for itself why it cannot."""
    import torch

    try:
        torch.zeros(1, device=target)
    except (AssertionError, RuntimeError) as error:
        raise Unsupported(Reason.NO_DEVICE, f"{first_sentence(error)}; no {target.type} device for torch") from error
