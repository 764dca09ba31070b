"""Peak memory of another process and all that it started: the sum of each one's own peak, and who listens on a port.

The sum is an upper bound: processes need not peak at one moment, and pages they share count in each. A process that
ended within a phase is not counted; the note says so.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.probes import Unavailable
from harness.probes.memory import LinuxGauge, Peak

Roots = Callable[[], Sequence[int] | Unavailable]
"""Finds the processes that a tree grows from, anew each time."""


class TreeGauge:
    """The peaks of process trees, phase by phase. `whose` names them in the note: the server's."""

    def __init__(self, roots: Roots, whose: str) -> None:
        self._roots = roots
        self._whose = whose
        self._begun: frozenset[int] = frozenset()

    def begin(self) -> int | Unavailable:
        """Set every process's mark back; return what is resident in all of them."""
        pids = self.pids()
        if isinstance(pids, Unavailable):
            return pids
        self._begun = pids
        return _sum(pids, _reset)

    def end(self, start_bytes: int) -> Peak | Unavailable:
        """The sum of the peaks since the phase began."""
        pids = self.pids()
        if isinstance(pids, Unavailable):
            return pids
        total = _sum(pids, _peak)
        if isinstance(total, Unavailable):
            return total
        return Peak(total, start_bytes, note=self._note(pids, len(self._begun - pids)))

    def so_far(self) -> tuple[int, str] | Unavailable:
        """The sum of the peaks since each process began, with its note."""
        pids = self.pids()
        if isinstance(pids, Unavailable):
            return pids
        total = _sum(pids, _peak)
        return total if isinstance(total, Unavailable) else (total, self._note(pids, 0))

    def pids(self) -> frozenset[int] | Unavailable:
        """The processes that are weighed, as far as they run now."""
        roots = self._roots()
        return roots if isinstance(roots, Unavailable) else tree_of(roots)

    def _note(self, pids: frozenset[int], ended: int) -> str:
        many = "process" if len(pids) == 1 else "processes, each one's own peak summed"
        note = f"{self._whose} {len(pids)} {many}; not of this worker"
        if sys.platform != "linux":
            note += "; resident at the end of the phase, not a peak"
        return f"{note}; {ended} ended before and not counted" if ended else note


def tree_of(roots: Sequence[int]) -> frozenset[int]:
    """These processes and all below them, as far as they still run."""
    import psutil

    found: set[int] = set()
    for root in roots:
        try:
            process = psutil.Process(root)
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            found |= {root, *(child.pid for child in process.children(recursive=True))}
        except psutil.Error:
            continue
    return frozenset(found)


def listening(port: int) -> Sequence[int] | Unavailable:
    """The processes that listen on a port of this machine, as far as they are ours to see."""
    import psutil

    try:
        all_of_it = psutil.net_connections(kind="tcp")
    except psutil.Error as problem:
        return Unavailable(f"this system does not say who listens on port {port} ({problem})")
    here = [one for one in all_of_it if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port]
    pids = sorted({one.pid for one in here if one.pid})
    if pids:
        return pids
    if here:
        return Unavailable(f"who listens on port {port} is not ours to read; start it as this user, or by a command")
    return Unavailable(f"no process of this machine listens on port {port}: it runs elsewhere, its memory is not seen")


def _sum(pids: frozenset[int], read: Callable[[int], int | Unavailable]) -> int | Unavailable:
    """A quantity of all processes together. One that ends meanwhile is left out, one that is kept from us is not."""
    total = 0
    for pid in pids:
        value = read(pid)
        if not isinstance(value, Unavailable):
            total += value
        elif _runs(pid):
            return value
    return total or Unavailable("the server's processes have ended")


def _runs(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _reset(pid: int) -> int | Unavailable:
    return LinuxGauge(Path(f"/proc/{pid}")).begin() if sys.platform == "linux" else _resident(pid)


def _peak(pid: int) -> int | Unavailable:
    if sys.platform != "linux":
        return _resident(pid)
    found = LinuxGauge(Path(f"/proc/{pid}")).end(1)  # the start is the tree's, not of each process
    return found if isinstance(found, Unavailable) else found.peak_bytes


def _resident(pid: int) -> int | Unavailable:
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error as problem:
        return Unavailable(f"the memory of process {pid} cannot be read ({problem})")
