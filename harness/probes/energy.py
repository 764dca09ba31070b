"""Energy between two moments, from counters that run anyway: NVML for a GPU, RAPL for CPU packages.

Both count the whole device, whoever used it, and the note says so. Without a counter, or when it stood still, there is
no number; power is never sampled and summed up.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.cells import Device
from harness.probes import Unavailable
from harness.probes.gpu import Gpu, open_gpu
from harness.probes.stopwatch import Clock

POWERCAP = Path("/sys/class/powercap")
_MOST_WATTS = 600
"""No package takes more, so a counter cannot have gone all the way round within its range divided by this."""


@dataclass(frozen=True, slots=True)
class Joules:
    """Energy spent, and on what it was counted."""

    joules: float
    note: str


class Counter(Protocol):
    """Energy counted by hardware or driver."""

    @property
    def note(self) -> str:
        """On what it counts."""

    def read(self) -> tuple[int, ...] | Unavailable:
        """Return what every counter shows."""

    def joules(self, before: tuple[int, ...], after: tuple[int, ...], seconds: float) -> float | Unavailable:
        """Return the energy between two readings that were so many seconds apart."""


class EnergyMeter:
    """Start it, do the work, stop it."""

    def __init__(self, counter: Counter | Unavailable, clock: Clock = time.perf_counter_ns) -> None:
        self._counter = counter
        self._clock = clock
        self._begun: tuple[int, tuple[int, ...] | Unavailable] | None = None

    def start(self) -> None:
        """Read the counter a first time."""
        begun = self._counter if isinstance(self._counter, Unavailable) else self._counter.read()
        self._begun = self._clock(), begun

    def stop(self) -> Joules | Unavailable:
        """Return the energy since `start`, or why there is none."""
        if self._begun is None:
            raise RuntimeError("the meter was not started; start it first")
        (start, before), self._begun = self._begun, None
        if isinstance(self._counter, Unavailable):
            return self._counter
        after = self._counter.read()
        if isinstance(before, Unavailable):
            return before
        if isinstance(after, Unavailable):
            return after
        spent = self._counter.joules(before, after, (self._clock() - start) / 1e9)
        if isinstance(spent, Unavailable):
            return spent
        if spent <= 0:
            return Unavailable("the energy counter stood still; measure for longer")
        return Joules(spent, self._counter.note)


@dataclass(frozen=True, slots=True)
class GpuCounter:
    """NVML's count of a GPU since the driver was loaded."""

    gpu: Gpu
    note: str = "the whole GPU, by NVML"

    def read(self) -> tuple[int, ...] | Unavailable:
        """Return millijoules."""
        found = self.gpu.energy_millijoules()
        return found if isinstance(found, Unavailable) else (found,)

    def joules(self, before: tuple[int, ...], after: tuple[int, ...], seconds: float) -> float | Unavailable:  # noqa: ARG002 -- this counter does not wrap
        """Return the difference; a smaller count later means that the driver was loaded anew."""
        if after[0] < before[0]:
            return Unavailable("the GPU's energy counter went back: its driver was loaded anew")
        return (after[0] - before[0]) / 1e3


@dataclass(frozen=True, slots=True)
class RaplCounter:
    """RAPL's count of every CPU package, in microjoules, each wrapping at its own range."""

    zones: tuple[Path, ...]
    ranges: tuple[int, ...]
    note: str = "all CPU packages, by RAPL, whoever used them"

    def read(self) -> tuple[int, ...] | Unavailable:
        """Return microjoules by package."""
        try:
            return tuple(int((zone / "energy_uj").read_text()) for zone in self.zones)
        except (OSError, ValueError) as problem:
            return Unavailable(f"the RAPL counter cannot be read ({_reason(problem)})")

    def joules(self, before: tuple[int, ...], after: tuple[int, ...], seconds: float) -> float | Unavailable:
        """Return the sum of the differences; one wrap is made good, a full round cannot be seen."""
        if seconds * _MOST_WATTS > min(self.ranges) / 1e6:
            return Unavailable(f"within {seconds:.0f} s the RAPL counter may have gone all the way round; measure less")
        microjoules = 0
        for earlier, later, span in zip(before, after, self.ranges, strict=True):
            microjoules += later - earlier if later >= earlier else later - earlier + span
        return microjoules / 1e6


def open_meter(device: Device, *, powercap: Path = POWERCAP) -> EnergyMeter:
    """Return the meter of a device; where it has no counter, `stop` says why."""
    match device.kind:
        case "cuda":
            gpu = open_gpu(device.index)
            return EnergyMeter(gpu if isinstance(gpu, Unavailable) else GpuCounter(gpu))
        case "cpu":
            return EnergyMeter(find_rapl(powercap))
        case kind:
            return EnergyMeter(Unavailable(f"no energy counter is known for {kind}"))


def find_rapl(powercap: Path = POWERCAP) -> RaplCounter | Unavailable:
    """Find the packages' counters: zones named `package-N`, once each (the same one may show by two drivers)."""
    if not powercap.is_dir():
        return Unavailable("this system has no RAPL energy counter (no powercap in sysfs)")
    by_name: dict[str, Path] = {}
    for zone in (*sorted(powercap.glob("intel-rapl:*")), *sorted(powercap.glob("intel-rapl-*"))):
        name = _line(zone / "name")
        if name is not None and name.startswith("package-"):
            by_name.setdefault(name, zone)
    if not by_name:
        return Unavailable("this CPU shows no RAPL package counter")
    zones = tuple(by_name.values())
    try:
        ranges = tuple(int((zone / "max_energy_range_uj").read_text()) for zone in zones)
        for zone in zones:
            (zone / "energy_uj").read_text()
    except PermissionError:
        return Unavailable("the RAPL counter is for root only; let this user read energy_uj under powercap")
    except (OSError, ValueError) as problem:
        return Unavailable(f"the RAPL counter cannot be read ({_reason(problem)})")
    return RaplCounter(zones, ranges)


def _line(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None


def _reason(problem: OSError | ValueError) -> str:
    """Return the system's word for it, without the path."""
    return problem.strerror or "no number" if isinstance(problem, OSError) else "no number"
