"""How disturbed the machine is, at three moments of a cell: whatever could make a timing wrong.

Owns the reading of load, pressure, other processes, frequency, heat and GPUs. What this machine does not say is None.
Samples when asked and never by itself.
"""

from __future__ import annotations

import hashlib
import os
import re
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from harness.cells import Device
from harness.probes import Unavailable
from harness.probes.cores import Trees, allowed_cores, quota_stops, read_number, read_text
from harness.probes.gpu import Gpu, open_gpu
from harness.probes.stopwatch import Clock
from harness.results import Condition

Answer = TypeVar("Answer")

FEWEST_TICKS = 20
"""Below so many ticks of all cores together, shares between two samples are rounding error."""

_FIXED_WORK = bytes(1 << 18)
_WORK_REPEATS = 5

_CPU_ZONES = re.compile(r"x86_pkg_temp|TCPU|cpu.*|soc.*|acpitz", re.IGNORECASE)
_CPU_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")


@dataclass(frozen=True, slots=True)
class _Counts:
    """Counters that only ever rise, at one moment."""

    nanoseconds: int
    all_ticks: int | None
    busy_ticks: int | None
    steal_ticks: int | None
    own_ticks: int | None
    pressure_microseconds: int | None
    heat_stops: int | None
    quota_stops: int | None


class Sampler:
    """Takes samples. Shares (`other_cpu_fraction` and the like) are of the time since the sampler's last sample.

    The first sample therefore has none. `pid` is the root of the process tree that is one's own.
    """

    def __init__(
        self,
        *,
        trees: Trees = Trees(),  # noqa: B008 -- frozen
        pid: int | None = None,
        cores: tuple[int, ...] | None = None,
        find_gpu: Callable[[int | None], Gpu | Unavailable] = open_gpu,
        clock: Clock = time.monotonic_ns,
    ) -> None:
        self._trees = trees
        self._pid = pid
        self._cores = cores
        self._find_gpu = find_gpu
        self._gpus: dict[int | None, Gpu | Unavailable] = {}
        self._clock = clock
        self._last: _Counts | None = None
        self._work_seconds: list[float] = []

    def time_fixed_work(self) -> None:
        """Time a fixed piece of hashing, about a millisecond: what it takes longer, the cores themselves are slower.

        Neighbours outside this machine's own view (another guest on the same core) show in nothing else.
        """
        self._work_seconds.append(statistics.median(_hash_seconds(self._clock) for _ in range(_WORK_REPEATS)))

    def sample(self, when: str, device: Device | None = None) -> Condition:
        """Say how the machine is now. On a CUDA device, frequency, temperature and throttling are the GPU's."""
        tree = _process_tree(self._trees, self._pid or os.getpid())
        cores = allowed_cores() if self._cores is None else self._cores
        now = self._count(cores, tree)
        last, self._last = self._last, now
        work, self._work_seconds = self._work_seconds, []
        gpu = self._opened(device)
        on_gpu = device is not None and device.kind == "cuda"
        if on_gpu:
            frequency = None if isinstance(gpu, Unavailable) else _known(gpu.frequency_hz())
            temperature = None if isinstance(gpu, Unavailable) else _known(gpu.temperature_celsius())
            throttled = None if isinstance(gpu, Unavailable) else _known(gpu.throttled())
        else:
            frequency, temperature = self._frequency_hz(cores), self._temperature_celsius()
            throttled = None if last is None else _throttled(last, now)
        return Condition(
            when=when,
            load_1m=self._load(),
            other_cpu_fraction=None if last is None else _other_cpu(last, now),
            steal_fraction=None if last is None else _share(last, now, _rise(last.steal_ticks, now.steal_ticks)),
            pressure_some_fraction=None if last is None else _pressure(last, now),
            frequency_hz=frequency,
            governor=self._governor(cores),
            temperature_celsius=temperature,
            throttled=throttled,
            gpu_processes=None if isinstance(gpu, Unavailable) else _known(gpu.other_processes(tree)),
            fixed_work_seconds=statistics.median(work) if work else None,
        )

    def _opened(self, device: Device | None) -> Gpu | Unavailable:
        """Return the device's GPU, opened at the first sample that asks for it."""
        index = device.index if device is not None and device.kind == "cuda" else None
        if index not in self._gpus:
            self._gpus[index] = self._find_gpu(index)
        return self._gpus[index]

    def _count(self, cores: tuple[int, ...], tree: dict[int, int]) -> _Counts:
        ticks = _core_ticks(read_text(self._trees.proc / "stat") or "", cores)
        total = [sum(column) for column in zip(*ticks, strict=True)] if ticks else []
        # user, nice, system, idle, iowait, irq, softirq, steal; guest time is already in user.
        return _Counts(
            nanoseconds=self._clock(),
            all_ticks=sum(total) if total else None,
            busy_ticks=sum(total[:3]) + sum(total[5:7]) if total else None,
            steal_ticks=total[7] if total else None,
            own_ticks=sum(tree.values()) if tree else None,
            pressure_microseconds=_pressure_total(read_text(self._trees.proc / "pressure" / "cpu") or ""),
            heat_stops=self._heat_stops(cores),
            quota_stops=quota_stops(self._trees),
        )

    def _load(self) -> float | None:
        """Return the mean number of runnable processes over a minute."""
        words = (read_text(self._trees.proc / "loadavg") or "").split()
        if words:
            return float(words[0])
        return os.getloadavg()[0] if sys.platform == "darwin" else None

    def _core_files(self, cores: tuple[int, ...], name: str) -> list[str]:
        folder = self._trees.sys / "devices" / "system" / "cpu"
        return [text.strip() for core in cores if (text := read_text(folder / f"cpu{core}" / name)) is not None]

    def _frequency_hz(self, cores: tuple[int, ...]) -> float | None:
        """Return the mean over one's cores."""
        found = [1e3 * int(text) for text in self._core_files(cores, "cpufreq/scaling_cur_freq") if text.isdecimal()]
        return sum(found) / len(found) if found else None

    def _governor(self, cores: tuple[int, ...]) -> str | None:
        return ", ".join(sorted(set(self._core_files(cores, "cpufreq/scaling_governor")))) or None

    def _heat_stops(self, cores: tuple[int, ...]) -> int | None:
        found = self._core_files(cores, "thermal_throttle/core_throttle_count")
        return sum(int(text) for text in found if text.isdecimal()) if found else None

    def _temperature_celsius(self) -> float | None:
        """Return the hottest of the CPU's sensors."""
        found = [
            read_number(zone / "temp")
            for zone in (self._trees.sys / "class" / "thermal").glob("thermal_zone*")
            if _CPU_ZONES.fullmatch((read_text(zone / "type") or "").strip())
        ]
        found += [
            read_number(path)
            for sensor in (self._trees.sys / "class" / "hwmon").glob("hwmon*")
            if (read_text(sensor / "name") or "").strip() in _CPU_SENSORS
            for path in sensor.glob("temp*_input")
        ]
        return max((milli / 1000 for milli in found if milli is not None), default=None)


def _hash_seconds(clock: Clock) -> float:
    start = clock()
    hashlib.blake2b(_FIXED_WORK).digest()
    return (clock() - start) / 1e9


def _core_ticks(stat: str, cores: tuple[int, ...]) -> list[list[int]]:
    """Return the first eight columns of /proc/stat for one's own cores."""
    wanted = {f"cpu{core}" for core in cores}
    rows = (line.split() for line in stat.splitlines())
    return [[int(word) for word in row[1:9]] for row in rows if row and row[0] in wanted and len(row) >= 9]


def _process_tree(trees: Trees, root: int) -> dict[int, int]:
    """Return CPU ticks by process for a process and all below it.

    Children that were waited for are in their parent's count, so the sum does not lose a worker that has ended.
    """
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for folder in trees.proc.glob("[0-9]*"):
        # The name in brackets may hold blanks and brackets itself.
        fields = (read_text(folder / "stat") or "").rpartition(")")[2].split()
        if len(fields) >= 15:
            parents[int(folder.name)] = int(fields[1])
            ticks[int(folder.name)] = sum(int(field) for field in fields[11:15])
    own = {root} & ticks.keys()
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in own and pid not in own}
        grown = bool(more)
        own |= more
    return {pid: ticks[pid] for pid in own}


def _pressure_total(text: str) -> int | None:
    """Return microseconds in which some process waited for a core, since the machine started."""
    found = re.search(r"^some .*total=(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else None


def _rise(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else max(0, after - before)


def _share(last: _Counts, now: _Counts, ticks: int | None) -> float | None:
    """Return ticks as a share of all that one's cores had since the last sample."""
    passed = _rise(last.all_ticks, now.all_ticks)
    if ticks is None or passed is None or passed < FEWEST_TICKS:
        return None
    return min(1.0, ticks / passed)


def _other_cpu(last: _Counts, now: _Counts) -> float | None:
    """Return the share of one's cores that other processes used."""
    busy, own = _rise(last.busy_ticks, now.busy_ticks), _rise(last.own_ticks, now.own_ticks)
    return None if busy is None or own is None else _share(last, now, max(0, busy - own))


def _pressure(last: _Counts, now: _Counts) -> float | None:
    """Return the share of the time in which some process of the machine waited for a core."""
    waited = _rise(last.pressure_microseconds, now.pressure_microseconds)
    passed = now.nanoseconds - last.nanoseconds
    return None if waited is None or passed <= 0 else min(1.0, waited * 1e3 / passed)


def _throttled(last: _Counts, now: _Counts) -> str | None:
    """Return what held the cores back since the last sample, `no`, or None where heat is not told."""
    heat, quota = _rise(last.heat_stops, now.heat_stops), _rise(last.quota_stops, now.quota_stops)
    found = [f"heat, {heat} times" if heat else "", f"CPU quota, {quota} times" if quota else ""]
    return "; ".join(filter(None, found)) or (None if heat is None else "no")


def _known(answer: Answer | Unavailable) -> Answer | None:
    return None if isinstance(answer, Unavailable) else answer
