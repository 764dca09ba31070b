import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_nvml import FakeNvml

from harness.cells import Device
from harness.probes import Unavailable
from harness.probes.condition import Sampler
from harness.probes.cores import Trees
from harness.probes.gpu import Gpu
from harness.results import Condition

NO_GPU = Unavailable("none")


class Machine:
    """Fake kernel trees with a clock, changed between samples."""

    def __init__(self, root: Path, cores: tuple[int, ...] = (0, 1)) -> None:
        self.proc, self.sys = root / "proc", root / "sys"
        self.proc.mkdir()
        self.sys.mkdir()
        self.seconds = 0.0
        self.sampler = Sampler(
            trees=Trees(self.proc, self.sys),
            pid=10,
            cores=cores,
            find_gpu=lambda index: NO_GPU,
            clock=lambda: int(self.seconds * 1e9),
        )

    def write(self, name: str, text: str) -> None:
        path = self.proc.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def core(self, number: int, *, user: int = 0, idle: int = 0, wait: int = 0, steal: int = 0) -> str:
        return f"cpu{number} {user} 0 0 {idle} {wait} 0 0 {steal} 0 0\n"

    def process(self, pid: int, parent: int, ticks: tuple[int, int, int, int]) -> None:
        fields = " ".join(map(str, ticks))
        self.write(f"proc/{pid}/stat", f"{pid} (odd ) name) S {parent} 1 1 0 -1 0 0 0 0 0 {fields} 20 0 1\n")

    def sample(self, when: str = "during") -> Condition:
        return self.sampler.sample(when)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_machine_that_says_nothing_gives_none_everywhere(machine: Machine) -> None:
    machine.sample("before")
    machine.seconds = 1
    said = machine.sample("after")
    # A Mac has no file for its load, and tells it all the same.
    assert dataclasses.replace(said, load_1m=None) == Condition(when="after")


def test_the_load_of_the_last_minute_is_read(machine: Machine) -> None:
    machine.write("proc/loadavg", "1.25 0.50 0.10 2/90 1234\n")
    assert machine.sample().load_1m == 1.25


def test_other_processes_are_what_is_busy_and_not_ones_own(machine: Machine) -> None:
    machine.write("proc/stat", "cpu 9 9 9 9\n" + machine.core(0) + machine.core(1))
    machine.process(10, 1, (100, 0, 0, 0))
    machine.process(11, 10, (0, 0, 0, 0))
    machine.process(12, 11, (0, 0, 0, 0))
    machine.process(99, 1, (0, 0, 0, 0))
    assert machine.sample("before").other_cpu_fraction is None
    # 200 ticks pass on two cores: 130 busy, of which the tree took 20 + 30 + 10.
    machine.write("proc/stat", machine.core(0, user=80, idle=20) + machine.core(1, user=50, idle=50))
    machine.process(10, 1, (115, 5, 0, 0))
    machine.process(11, 10, (30, 0, 0, 0))
    machine.process(12, 11, (0, 10, 0, 0))
    machine.process(99, 1, (70, 0, 0, 0))
    assert machine.sample().other_cpu_fraction == pytest.approx((130 - 60) / 200)


def test_a_child_that_ended_stays_ones_own(machine: Machine) -> None:
    machine.write("proc/stat", machine.core(0) + machine.core(1))
    machine.process(10, 1, (0, 0, 0, 0))
    machine.process(11, 10, (40, 0, 0, 0))
    machine.sample("before")
    machine.write("proc/stat", machine.core(0, user=60, idle=40) + machine.core(1, idle=100))
    (machine.proc / "11" / "stat").unlink()
    machine.process(10, 1, (0, 0, 100, 0))  # 40 of before and 60 of now, waited for
    assert machine.sample().other_cpu_fraction == pytest.approx(0)


def test_cores_one_may_not_use_do_not_count(tmp_path: Path) -> None:
    machine = Machine(tmp_path, cores=(1,))
    machine.process(10, 1, (0, 0, 0, 0))
    machine.write("proc/stat", machine.core(0) + machine.core(1))
    machine.sample()
    machine.write("proc/stat", machine.core(0, user=100) + machine.core(1, user=25, idle=60, wait=5, steal=10))
    said = machine.sample()
    assert said.other_cpu_fraction == pytest.approx(0.25)
    assert said.steal_fraction == pytest.approx(0.10)


def test_too_short_a_time_gives_no_share(machine: Machine) -> None:
    machine.process(10, 1, (0, 0, 0, 0))
    machine.write("proc/stat", machine.core(0) + machine.core(1))
    machine.sample()
    machine.write("proc/stat", machine.core(0, user=5) + machine.core(1, user=5))
    said = machine.sample()
    assert said.other_cpu_fraction is None
    assert said.steal_fraction is None


def test_shares_are_of_the_time_since_the_last_sample(machine: Machine) -> None:
    machine.process(10, 1, (0, 0, 0, 0))
    shares = []
    for steal in (0, 50, 60):
        machine.write("proc/stat", machine.core(0, steal=steal, idle=steal) + machine.core(1))
        shares.append(machine.sample().steal_fraction)
        machine.write("proc/stat", machine.core(0, steal=steal, idle=steal) + machine.core(1))
    assert shares == [None, 0.5, 0.5]


def test_pressure_is_the_share_of_time_in_which_someone_waited(machine: Machine) -> None:
    machine.write(
        "proc/pressure/cpu", "some avg10=9.00 avg60=9.00 avg300=9.00 total=1000000\nfull avg10=0.00 total=5\n"
    )
    assert machine.sample().pressure_some_fraction is None
    machine.seconds = 4
    machine.write(
        "proc/pressure/cpu", "some avg10=9.00 avg60=9.00 avg300=9.00 total=2000000\nfull avg10=0.00 total=5\n"
    )
    assert machine.sample().pressure_some_fraction == pytest.approx(0.25)


def test_frequency_and_governor_are_those_of_ones_cores(machine: Machine) -> None:
    for core, kilohertz, governor in ((0, 2_000_000, "performance"), (1, 3_000_000, "powersave"), (2, 9, "other")):
        machine.write(f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq", f"{kilohertz}\n")
        machine.write(f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor", f"{governor}\n")
    said = machine.sample()
    assert said.frequency_hz == 2.5e9
    assert said.governor == "performance, powersave"


def test_the_hottest_sensor_of_the_cpu_is_the_temperature(machine: Machine) -> None:
    for zone, kind, milli in ((0, "iwlwifi_1", 99_000), (1, "x86_pkg_temp", 55_500)):
        machine.write(f"sys/class/thermal/thermal_zone{zone}/type", kind + "\n")
        machine.write(f"sys/class/thermal/thermal_zone{zone}/temp", f"{milli}\n")
    assert machine.sample().temperature_celsius == 55.5
    machine.write("sys/class/hwmon/hwmon0/name", "k10temp\n")
    machine.write("sys/class/hwmon/hwmon0/temp1_input", "61000\n")
    assert machine.sample().temperature_celsius == 61


def test_heat_and_quota_stops_since_the_last_sample_are_named(machine: Machine) -> None:
    heat = "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count"
    machine.write("proc/self/cgroup", "0::/\n")
    machine.write("sys/fs/cgroup/cpu.max", "100000 100000\n")
    machine.write("sys/fs/cgroup/cpu.stat", "nr_throttled 7\n")
    machine.write(heat, "5\n")
    assert machine.sample().throttled is None
    assert machine.sample().throttled == "no"
    machine.write(heat, "8\n")
    machine.write("sys/fs/cgroup/cpu.stat", "nr_throttled 9\n")
    assert machine.sample().throttled == "heat, 3 times; CPU quota, 2 times"


def test_no_quota_stops_do_not_say_that_nothing_throttled(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "0::/\n")
    machine.write("sys/fs/cgroup/cpu.max", "100000 100000\n")
    machine.write("sys/fs/cgroup/cpu.stat", "nr_throttled 7\n")
    machine.sample()
    assert machine.sample().throttled is None


def test_a_cuda_device_is_described_by_its_own_gpu(machine: Machine) -> None:
    asked: list[int | None] = []

    def find(index: int | None) -> Gpu:
        asked.append(index)
        nvml = FakeNvml()
        nvml.reasons = 0x40
        nvml.compute = {10: 1, 11: 1, 500: 1}
        return Gpu(nvml, 0)

    machine.process(10, 1, (0, 0, 0, 0))
    machine.process(11, 10, (0, 0, 0, 0))
    sampler = Sampler(trees=Trees(machine.proc, machine.sys), pid=10, cores=(0,), find_gpu=find)
    said = sampler.sample("before", Device("cuda", 1))
    sampler.sample("after", Device("cuda", 1))
    assert asked == [1]
    assert said.temperature_celsius == 41
    assert said.frequency_hz == 1.98e9
    assert said.throttled == "hardware thermal slowdown"
    assert said.gpu_processes == 1


def test_on_the_cpu_a_gpu_lends_no_temperature(machine: Machine) -> None:
    sampler = Sampler(
        trees=Trees(machine.proc, machine.sys), pid=10, cores=(0,), find_gpu=lambda index: Gpu(FakeNvml(), 0)
    )
    said = sampler.sample("before", Device("cpu"))
    assert said.temperature_celsius is None
    assert said.gpu_processes == 2


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="this system has no /proc")
def test_a_real_rival_is_seen_and_ones_own_work_is_not() -> None:
    burn = "import time\nend = time.monotonic() + 1.0\nwhile time.monotonic() < end: pass"
    core = min(os.sched_getaffinity(0))
    # As root of its own tree the sampler takes a process that does nothing: everyone else is a rival.
    idle = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        stranger, own = Sampler(pid=idle.pid, cores=(core,)), Sampler(cores=(core,))
        stranger.sample("before")
        own.sample("before")
        pinned = f"import os\nos.sched_setaffinity(0, {{{core}}})\n" + burn
        subprocess.run([sys.executable, "-c", pinned], check=True)
        seen, not_seen = stranger.sample("after").other_cpu_fraction, own.sample("after").other_cpu_fraction
    finally:
        idle.communicate(b"\n")
    assert seen is not None
    assert not_seen is not None
    assert seen - not_seen > 0.05


def test_fixed_work_takes_a_little_of_real_time_and_is_forgotten_once_told() -> None:
    sampler = Sampler()
    sampler.time_fixed_work()
    seconds = sampler.sample("during").fixed_work_seconds
    assert seconds is not None
    assert seconds > 1e-6
    assert sampler.sample("after").fixed_work_seconds is None
