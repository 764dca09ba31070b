"""Peak host memory of the own process, phase by phase, as the kernel saw it: no polling, so no spike is too short.

Linux: writing 5 to `clear_refs` sets the high-water mark back to what is resident now; VmHWM then holds the peak of
the phase. Elsewhere psutil answers as well as it can, and the note says what the number is. `ru_maxrss` is never used:
a child inherits its parent's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harness.probes import Unavailable

MISSED_NOTE = "the kernel sums memory per core and may miss up to {mib:.2g} MiB of a peak on this machine"


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest resident memory of a phase, and what was resident when the phase began.

    `missed_bytes` is how much of a short peak the kernel's per-core counting may miss. `note` says what the number is
    where it is not the peak of the phase.
    """

    peak_bytes: int
    start_bytes: int
    missed_bytes: int = 0
    note: str | None = None

    def __post_init__(self) -> None:
        if self.peak_bytes <= 0 or self.start_bytes <= 0:
            raise ValueError(f"a process always has memory, so {self.peak_bytes} and {self.start_bytes} are no peak")

    @property
    def growth_bytes(self) -> int:
        """How far the peak rose above the start; 0 when it did not."""
        return max(0, self.peak_bytes - self.start_bytes)


class Gauge(Protocol):
    """A way to learn a peak on one kind of system."""

    def begin(self) -> int | Unavailable:
        """Begin a phase; return the bytes resident now."""

    def end(self, start_bytes: int) -> Peak | Unavailable:
        """End the phase that began with `start_bytes`."""


class LinuxGauge:
    """The high-water mark of `/proc/self/status`, set back by `/proc/self/clear_refs`."""

    def __init__(self, proc: Path = Path("/proc/self"), *, cores: int | None = None, usable: int | None = None) -> None:
        self._status = proc / "status"
        self._clear = proc / "clear_refs"
        online = cores or os.cpu_count() or 1
        # A core's count joins the total after max(32, 2·cores) pages (percpu_counter_batch), one counter a page kind.
        self._missed = max(32, 2 * online) * os.sysconf("SC_PAGE_SIZE") * (usable or _usable(online))

    def begin(self) -> int | Unavailable:
        """Set the mark back, and make sure that it went."""
        before = self._read()
        if isinstance(before, Unavailable):
            return before
        try:
            self._clear.write_text("5")
        except OSError as problem:
            return Unavailable(
                f"the kernel refused to set the peak back ({problem.strerror}: {self._clear}); "
                "allow the process to write there, or read the peak of the whole process from outside"
            )
        after = self._read()
        if isinstance(after, Unavailable):
            return after
        if after["VmHWM"] == before["VmHWM"] and after["VmHWM"] > after["VmRSS"] + self._missed:
            return Unavailable(f"the kernel took the reset in {self._clear}, but kept the old peak")
        return after["VmRSS"]

    def end(self, start_bytes: int) -> Peak | Unavailable:
        """Read the mark; what is resident at the end counts too, for newer kernels count that exactly."""
        now = self._read()
        if isinstance(now, Unavailable):
            return now
        # Worth a word only where it could be seen: small machines miss a fraction of a MiB.
        note = MISSED_NOTE.format(mib=self._missed / 2**20) if self._missed > 2**20 else None
        return Peak(max(now["VmHWM"], now["VmRSS"]), start_bytes, self._missed, note)

    def _read(self) -> dict[str, int] | Unavailable:
        """Return VmHWM and VmRSS in bytes."""
        found: dict[str, int] = {}
        try:
            for line in self._status.read_text().splitlines():
                name, _, rest = line.partition(":")
                if name in ("VmHWM", "VmRSS"):
                    found[name] = int(rest.split()[0]) * 1024
        except (OSError, ValueError, IndexError) as problem:
            return Unavailable(f"{self._status} cannot be read for the peak ({problem})")
        if len(found) < 2:
            return Unavailable(f"{self._status} has no VmHWM: this kernel does not keep the peak of a process")
        return found


class PsutilGauge:
    """What psutil offers where the kernel has no mark that can be set back. The note says what it is."""

    def begin(self) -> int | Unavailable:
        """Return what is resident."""
        return self._resident()

    def end(self, start_bytes: int) -> Peak | Unavailable:
        """Return the peak of the process so far (Windows), or what is resident at the end (macOS)."""
        now = self._resident()
        if isinstance(now, Unavailable):
            return now
        whole = self._of_the_process()
        if whole is not None:
            return Peak(whole, start_bytes, note="peak of the process so far, not of the phase alone")
        return Peak(now, start_bytes, note="rss at phase end, not a peak")

    def _resident(self) -> int | Unavailable:
        try:
            import psutil

            return int(psutil.Process().memory_info().rss)
        except ImportError:
            return Unavailable("psutil is not installed; pip install psutil")
        except psutil.Error as problem:
            return Unavailable(f"psutil cannot read the own memory ({problem})")

    def _of_the_process(self) -> int | None:
        import psutil

        peak = getattr(psutil.Process().memory_info(), "peak_wset", None)
        return None if peak is None else int(peak)


@dataclass(slots=True)
class Phase:
    """A phase that is going on; `peak` is there once it has ended."""

    peak: Peak | Unavailable = field(default_factory=lambda: Unavailable("the phase has not ended"))


class PeakMeter:
    """Takes one phase after the other. Phases do not nest: setting the mark back would lose the outer peak."""

    def __init__(self, gauge: Gauge | None = None) -> None:
        self._gauge: Gauge = gauge or (LinuxGauge() if sys.platform == "linux" else PsutilGauge())
        self._begun: int | Unavailable | None = None

    def start(self) -> None:
        """Begin a phase."""
        if self._begun is not None:
            raise RuntimeError("a phase is going on; stop it before another one starts")
        self._begun = self._gauge.begin()

    def stop(self) -> Peak | Unavailable:
        """End the phase and return its peak, or why there is none."""
        begun, self._begun = self._begun, None
        if begun is None:
            raise RuntimeError("no phase is going on; start one first")
        return begun if isinstance(begun, Unavailable) else self._gauge.end(begun)

    @contextmanager
    def phase(self) -> Iterator[Phase]:
        """Measure a block; the peak is in the phase afterwards, also when the block raises."""
        self.start()
        phase = Phase()
        try:
            yield phase
        finally:
            phase.peak = self.stop()


def _usable(online: int) -> int:
    """Return how many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else online
