"""What is counted beside the clock while a cell is timed: energy, and the device's memory."""

from __future__ import annotations

import os
from collections.abc import Callable

from harness.cells import Device
from harness.probes import Unavailable
from harness.probes.energy import Joules, open_meter
from harness.probes.gpu import open_gpu
from harness.runtimes import DeviceMemory
from harness.worker import protocol


class DeviceCounters:
    """Energy from the first timed inference to the last, and device memory as the driver counts it."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._meter = open_meter(device)
        self._started = False
        self._before: DeviceMemory | None = None

    def start(self, allocator: DeviceMemory | None = None) -> None:
        """Begin to count; the allocator says what is on the device before, and forgets its peaks after this."""
        self._before = allocator
        self._meter.start()
        self._started = True

    def closed(self, steady: protocol.Peak, allocator: DeviceMemory | None) -> protocol.Closed:
        """What was counted, and why what was not."""
        energy = self._meter.stop() if self._started else Unavailable("nothing was timed")
        process = self._process_bytes()
        return protocol.Closed(
            steady_peak=steady,
            joules=energy.joules if isinstance(energy, Joules) else None,
            joules_unavailable=energy.why if isinstance(energy, Unavailable) else None,
            device_peak_bytes=self._highest(allocator, lambda one: one.peak_allocated_bytes),
            device_reserved_bytes=self._highest(allocator, lambda one: one.peak_reserved_bytes),
            device_unavailable=self._allocator_silent(),
            device_process_bytes=None if isinstance(process, Unavailable) else process,
            device_process_unavailable=process.why if isinstance(process, Unavailable) else None,
            device_before_bytes=self._before.allocated_bytes if self._before else None,
            device_during_bytes=allocator.peak_allocated_bytes if allocator and self._started else None,
            device_after_bytes=allocator.allocated_bytes if allocator and self._started else None,
        )

    def _highest(self, allocator: DeviceMemory | None, peak: Callable[[DeviceMemory], int | None]) -> int | None:
        """The higher of the peaks until the timing began and since."""
        told = [peak(one) for one in (self._before, allocator) if one is not None]
        return max((one for one in told if one is not None), default=None)

    def _allocator_silent(self) -> str:
        if self._device.kind == "cpu":
            return "the cpu has no memory of its own"
        return "the runtime's allocator does not say"

    def _process_bytes(self) -> int | Unavailable:
        if self._device.kind != "cuda":
            return Unavailable(f"{self._device.kind} has no driver that counts memory by process")
        gpu = open_gpu(self._device.index)
        return gpu if isinstance(gpu, Unavailable) else gpu.process_bytes(os.getpid())
