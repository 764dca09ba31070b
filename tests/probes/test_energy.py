from pathlib import Path

import pytest
from fake_nvml import FakeNvml

from harness.cells import Device
from harness.probes import Unavailable, energy
from harness.probes.energy import EnergyMeter, GpuCounter, Joules, find_rapl, open_meter
from harness.probes.gpu import Gpu


def zone(powercap: Path, folder: str, name: str, microjoules: int, span: int = 262_143_328_850) -> Path:
    made = powercap / folder
    made.mkdir(parents=True)
    (made / "name").write_text(name + "\n")
    (made / "energy_uj").write_text(f"{microjoules}\n")
    (made / "max_energy_range_uj").write_text(f"{span}\n")
    return made


def clock(*seconds: float):
    return iter([int(second * 1e9) for second in seconds]).__next__


def test_the_packages_are_summed_once_each_and_their_parts_not_at_all(tmp_path: Path) -> None:
    first = zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    second = zone(tmp_path, "intel-rapl:1", "package-1", 7_000_000)
    parts = [
        zone(tmp_path, "intel-rapl:0:0", "core", 0),
        zone(tmp_path, "intel-rapl:2", "psys", 0),
        zone(tmp_path, "intel-rapl-mmio:0", "package-0", 0),
    ]
    meter = EnergyMeter(find_rapl(tmp_path), clock(0, 1))
    meter.start()
    (first / "energy_uj").write_text("3500000")
    (second / "energy_uj").write_text("8000000")
    for part in parts:
        (part / "energy_uj").write_text("900000000")
    spent = meter.stop()
    assert isinstance(spent, Joules)
    assert spent.joules == pytest.approx(2.5 + 1)
    assert "whoever used them" in spent.note


def test_a_counter_that_wrapped_goes_on_from_its_range(tmp_path: Path) -> None:
    package = zone(tmp_path, "intel-rapl:0", "package-0", 999_000_000, span=1_000_000_000)
    meter = EnergyMeter(find_rapl(tmp_path), clock(0, 1))
    meter.start()
    (package / "energy_uj").write_text("2000000")
    # 1 J up to the range, 2 J after it.
    assert meter.stop() == Joules(3.0, "all CPU packages, by RAPL, whoever used them")


def test_a_time_in_which_it_could_go_all_the_way_round_is_refused(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 0, span=6_000_000_000)
    for seconds, refused in ((9.0, False), (11.0, True)):
        # 6000 J at 600 W last for ten seconds.
        counter = find_rapl(tmp_path)
        assert not isinstance(counter, Unavailable)
        assert isinstance(counter.joules((0,), (5,), seconds), Unavailable) is refused


def test_a_counter_that_stood_still_is_not_zero_joules(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 5)
    meter = EnergyMeter(find_rapl(tmp_path), clock(0, 1))
    meter.start()
    found = meter.stop()
    assert isinstance(found, Unavailable)
    assert "stood still" in found.why


def test_without_rapl_the_meter_says_so(tmp_path: Path) -> None:
    for powercap in (tmp_path, tmp_path / "missing"):
        meter = open_meter(Device("cpu"), powercap=powercap)
        meter.start()
        found = meter.stop()
        assert isinstance(found, Unavailable)
        assert "RAPL" in found.why


def test_a_counter_for_root_only_says_so(tmp_path: Path, monkeypatch) -> None:
    package = zone(tmp_path, "intel-rapl:0", "package-0", 5)
    read_text = Path.read_text

    def refuse(self: Path, *given) -> str:
        if self == package / "energy_uj":
            raise PermissionError(13, "Permission denied")
        return read_text(self, *given)

    monkeypatch.setattr(Path, "read_text", refuse)
    found = find_rapl(tmp_path)
    assert isinstance(found, Unavailable)
    assert "root only" in found.why


def test_a_counter_that_goes_away_while_measuring_is_unavailable(tmp_path: Path) -> None:
    package = zone(tmp_path, "intel-rapl:0", "package-0", 5)
    meter = EnergyMeter(find_rapl(tmp_path), clock(0, 1))
    meter.start()
    (package / "energy_uj").unlink()
    assert isinstance(meter.stop(), Unavailable)


def test_nvml_counts_millijoules_of_the_whole_gpu() -> None:
    nvml = FakeNvml()
    nvml.energy_millijoules = [5_000, 12_500]
    meter = EnergyMeter(GpuCounter(Gpu(nvml, 0)))
    meter.start()
    assert meter.stop() == Joules(7.5, "the whole GPU, by NVML")


def test_a_gpu_counter_that_went_back_is_unavailable() -> None:
    nvml = FakeNvml()
    nvml.energy_millijoules = [5_000, 100]
    meter = EnergyMeter(GpuCounter(Gpu(nvml, 0)))
    meter.start()
    found = meter.stop()
    assert isinstance(found, Unavailable)
    assert "went back" in found.why


def test_a_gpu_without_the_counter_says_the_drivers_words() -> None:
    nvml = FakeNvml(refused=("nvmlDeviceGetTotalEnergyConsumption",))
    meter = EnergyMeter(GpuCounter(Gpu(nvml, 0)))
    meter.start()
    found = meter.stop()
    assert isinstance(found, Unavailable)
    assert "Not Supported" in found.why


def test_a_cuda_device_is_metered_by_its_own_gpu(monkeypatch) -> None:
    asked: list[int | None] = []

    def fake_open(index: int | None) -> Unavailable:
        asked.append(index)
        return Unavailable("no driver")

    monkeypatch.setattr(energy, "open_gpu", fake_open)
    meter = open_meter(Device("cuda", 1))
    meter.start()
    assert meter.stop() == Unavailable("no driver")
    assert asked == [1]


def test_a_device_without_a_known_counter_says_so() -> None:
    meter = open_meter(Device("mps"))
    meter.start()
    assert meter.stop() == Unavailable("no energy counter is known for mps")


def test_a_meter_that_was_not_started_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="start it first"):
        EnergyMeter(Unavailable("x")).stop()
