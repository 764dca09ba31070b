import sys

import pytest
from fake_nvml import FakeNvml

from harness.probes import Unavailable
from harness.probes.gpu import Gpu, cuda_version, driver_version, load_nvml, open_gpu


def opened(nvml: FakeNvml, index: int = 0, **environ: str) -> Gpu:
    gpu = open_gpu(index, load=lambda: nvml, environ=environ)
    assert isinstance(gpu, Gpu)
    return gpu


def test_a_gpu_tells_what_the_driver_knows() -> None:
    gpu = opened(FakeNvml())
    assert gpu.name() == "H200"
    assert gpu.memory_bytes() == 139 << 30
    assert gpu.compute_capability() == (9, 0)
    assert gpu.temperature_celsius() == 41
    assert gpu.frequency_hz() == 1.98e9
    assert gpu.energy_millijoules() == 5000
    assert driver_version(lambda: gpu.nvml) == "570.86"
    assert cuda_version(lambda: gpu.nvml) == "12.8"


@pytest.mark.parametrize(
    ("bits", "text"),
    [(0, "no"), (0x1, "no"), (0x2, "no"), (0x4, "power cap"), (0x48, "hardware slowdown, hardware thermal slowdown")],
)
def test_only_what_slows_a_busy_gpu_is_throttling(bits: int, text: str) -> None:
    nvml = FakeNvml()
    nvml.reasons = bits
    assert opened(nvml).throttled() == text


def test_the_memory_of_a_process_is_the_drivers_count() -> None:
    assert opened(FakeNvml()).process_bytes(100) == 3 << 30


def test_a_process_the_driver_does_not_list_has_no_memory_of_zero() -> None:
    found = opened(FakeNvml()).process_bytes(999)
    assert isinstance(found, Unavailable)
    assert "container" in found.why


def test_a_process_listed_without_memory_is_unavailable() -> None:
    nvml = FakeNvml()
    nvml.compute = {100: None}
    assert isinstance(opened(nvml).process_bytes(100), Unavailable)


def test_own_processes_are_not_others_and_a_double_entry_is_one() -> None:
    nvml = FakeNvml()
    nvml.graphics = {200: 1 << 30, 300: None}
    assert opened(nvml).other_processes({100}) == 2


ASKED = {
    "nvmlDeviceGetName": Gpu.name,
    "nvmlDeviceGetMemoryInfo": Gpu.memory_bytes,
    "nvmlDeviceGetCudaComputeCapability": Gpu.compute_capability,
    "nvmlDeviceGetTemperature": Gpu.temperature_celsius,
    "nvmlDeviceGetClockInfo": Gpu.frequency_hz,
    "nvmlDeviceGetCurrentClocksEventReasons": Gpu.throttled,
    "nvmlDeviceGetTotalEnergyConsumption": Gpu.energy_millijoules,
    "nvmlDeviceGetComputeRunningProcesses": lambda gpu: gpu.process_bytes(100),
    "nvmlDeviceGetGraphicsRunningProcesses": lambda gpu: gpu.other_processes(()),
}


@pytest.mark.parametrize("name", ASKED)
def test_what_the_driver_refuses_is_unavailable_in_its_words(name: str) -> None:
    found = ASKED[name](Gpu(FakeNvml(refused=(name,)), 0))
    assert isinstance(found, Unavailable)
    assert "Not Supported" in found.why


def test_without_a_driver_every_way_in_says_why() -> None:
    missing = Unavailable("no NVIDIA driver answers (Library Not Found)")
    for found in (open_gpu(0, load=lambda: missing), driver_version(lambda: missing), cuda_version(lambda: missing)):
        assert found is missing


def test_without_the_package_the_reason_is_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    found = load_nvml()
    assert isinstance(found, Unavailable)
    assert "pip install nvidia-ml-py" in found.why


def test_the_real_binding_has_every_name_that_is_asked() -> None:
    pynvml = pytest.importorskip("pynvml")
    names = [name for name in vars(FakeNvml) if name.startswith(("nvml", "NVML"))]
    assert [name for name in names if not hasattr(pynvml, name)] == []


@pytest.mark.parametrize(
    ("visible", "index", "name"),
    [("1,0", 0, "B"), ("1,0", 1, "A"), ("GPU-b", 0, "B"), ("0, 1", 1, "B"), (None, 1, "B")],
)
def test_cudas_numbering_is_followed(visible: str | None, index: int, name: str) -> None:
    environ = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"} | ({} if visible is None else {"CUDA_VISIBLE_DEVICES": visible})
    assert opened(FakeNvml(("A", "B")), index, **environ).name() == name


@pytest.mark.parametrize(("visible", "index"), [("", 0), ("-1", 0), ("0", 1)])
def test_a_gpu_hidden_from_cuda_is_unavailable(visible: str, index: int) -> None:
    found = open_gpu(index, load=FakeNvml, environ={"CUDA_VISIBLE_DEVICES": visible})
    assert isinstance(found, Unavailable)
    assert "CUDA_VISIBLE_DEVICES" in found.why


def test_between_unlike_gpus_an_index_alone_is_not_trusted() -> None:
    nvml = FakeNvml(("A", "B"))
    found = open_gpu(0, load=lambda: nvml, environ={})
    assert isinstance(found, Unavailable)
    assert "CUDA_DEVICE_ORDER=PCI_BUS_ID" in found.why
    assert opened(FakeNvml(("A", "A")), 1).name() == "A"


def test_a_gpu_that_is_not_there_is_unavailable() -> None:
    assert isinstance(open_gpu(7, load=FakeNvml, environ={}), Unavailable)
