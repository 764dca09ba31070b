"""Devices of torch: claimed, waited for and timed. Neither GPU is here: stand-ins note the order of what is asked."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from harness.cells import Device, Reason, Unsupported  # noqa: E402
from harness.runtimes import DeviceMemory  # noqa: E402
from harness.runtimes.torch_places import HostPlace, claim  # noqa: E402


class FakeCuda:
    """torch.cuda as far as a place asks it; two events are 12.5 ms apart."""

    def __init__(self, count: int = 2) -> None:
        self.said: list[str] = []
        self._count = count

    def device_count(self) -> int:
        return self._count

    def set_device(self, device) -> None:
        self.said.append(f"current {device}")

    def synchronize(self, device) -> None:
        self.said.append(f"waited for {device}")

    def max_memory_allocated(self, device) -> int:
        return 100 + device.index

    def max_memory_reserved(self, device) -> int:
        return 200 + device.index

    def memory_allocated(self, device) -> int:
        return 50 + device.index

    def reset_peak_memory_stats(self, device) -> None:
        self.said.append(f"reset {device}")

    def empty_cache(self) -> None:
        self.said.append("emptied")

    def Event(self, *, enable_timing: bool):  # noqa: N802
        assert enable_timing
        return SimpleNamespace(record=lambda: self.said.append("event"), elapsed_time=lambda _: 12.5)


@pytest.fixture
def cuda(monkeypatch):
    fake = FakeCuda()
    monkeypatch.setattr(torch, "cuda", fake)
    monkeypatch.setattr("harness.runtimes.torch_places._touch", lambda target: fake.said.append(f"touched {target}"))
    backends = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [backend.allow_tf32 for backend in backends]
    for backend in backends:
        backend.allow_tf32 = True
    yield fake
    for backend, allowed in zip(backends, before, strict=True):
        backend.allow_tf32 = allowed


def test_work_on_cuda_is_between_two_events_and_waited_for(cuda):
    place = claim(Device("cuda", 1))
    cuda.said.clear()
    assert place.run(lambda: cuda.said.append("work") or "done") == "done"
    assert cuda.said == ["event", "work", "event", "waited for cuda:1"]
    assert place.seconds == 0.0125


def test_work_that_raises_leaves_no_time_of_an_earlier_call(cuda):
    place = claim(Device("cuda"))
    place.run(lambda: None)

    def broken():
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        place.run(broken)
    assert place.seconds is None


def test_the_device_is_touched_before_it_is_made_current(cuda):
    claim(Device("cuda", 1))
    assert cuda.said == ["touched cuda:1", "current cuda:1"]


def test_memory_is_that_of_the_device_asked_for(cuda):
    place = claim(Device("cuda", 1))
    assert place.memory() == DeviceMemory(peak_allocated_bytes=101, peak_reserved_bytes=201, allocated_bytes=51)
    place.reset_memory()
    place.release()
    assert cuda.said[-2:] == ["reset cuda:1", "emptied"]


def test_fp32_on_cuda_is_not_rounded_to_tf32(cuda):
    claim(Device("cuda"))
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32


def test_a_cuda_device_that_is_not_there_is_refused_with_how_many_there_are(cuda):
    with pytest.raises(Unsupported, match="torch sees 2 CUDA devices, counted from 0; none is cuda:2") as refused:
        claim(Device("cuda", 2))
    assert refused.value.reason is Reason.NO_DEVICE


def test_work_on_mps_is_waited_for_and_no_peak_is_made_up_of_what_is_allocated_now(monkeypatch):
    said: list[str] = []
    fake = SimpleNamespace(
        synchronize=lambda: said.append("waited"),
        empty_cache=lambda: said.append("emptied"),
        current_allocated_memory=lambda: 40,
    )
    monkeypatch.setattr(torch, "mps", fake)
    monkeypatch.setattr("harness.runtimes.torch_places._touch", lambda _: None)
    place = claim(Device("mps"))
    place.run(lambda: said.append("work"))
    place.release()
    assert said == ["work", "waited", "emptied"]
    assert (place.memory(), place.seconds) == (DeviceMemory(None, None, 40), None)


def test_the_host_has_neither_events_nor_memory_of_its_own():
    place = claim(Device("cpu"))
    assert isinstance(place, HostPlace)
    assert (place.run(lambda: 3), place.seconds, place.memory()) == (3, None, None)
