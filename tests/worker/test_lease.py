"""One process at a time measures on a device, and a lease ends with the process that holds it. Real processes."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.cells import Cell
from harness.conduct import campaign
from harness.worker.lease import lease, lease_path
from tests.fakes import start_python

HOLDER = """
import sys, time
from harness.worker.lease import lease
with lease(tuple(sys.argv[1:])):
    print("held")
    time.sleep(600)
"""

ONE_AFTER_THE_OTHER = """
import os, sys, time
from harness.worker.lease import lease
with lease(("cpu",)):
    os.open(sys.argv[1], os.O_CREAT | os.O_EXCL)
    time.sleep(0.1)
    os.unlink(sys.argv[1])
"""


class Waited(Exception):
    """Somebody else holds the device."""


def refuse_to_wait() -> None:
    raise Waited


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases of a test are none of anybody's who measures on this machine now."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.fixture
def hold() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Have another process hold devices."""
    holders = []

    def start(*devices: str) -> subprocess.Popen[str]:
        holders.append(start_python(HOLDER, *devices))
        assert holders[-1].stdout.readline() == "held\n"
        return holders[-1]

    yield start
    for holder in holders:
        holder.kill()
        holder.communicate()


def is_free(*devices: str) -> bool:
    try:
        with lease(devices, on_wait=refuse_to_wait):
            return True
    except Waited:
        return False


def test_what_another_process_holds_is_waited_for(hold) -> None:
    hold("cpu")
    assert not is_free("cpu")
    assert is_free("cuda:0")


def test_a_lease_ends_when_its_holder_is_killed(hold) -> None:
    holder = hold("cpu")
    holder.kill()
    holder.wait()
    assert is_free("cpu")


def test_a_lease_ends_with_its_block_also_by_an_error() -> None:
    with pytest.raises(ZeroDivisionError), lease(("cpu",)):
        raise ZeroDivisionError
    assert is_free("cpu")


def test_whoever_waits_goes_on_when_the_device_is_free(hold) -> None:
    holder = hold("cpu")
    waits = []

    def end_the_wait() -> None:
        waits.append("waited")
        holder.kill()
        holder.wait()

    with lease(("cpu",), on_wait=end_the_wait):
        assert waits == ["waited"]


def test_two_processes_never_hold_a_device_at_once(tmp_path: Path) -> None:
    both = [start_python(ONE_AFTER_THE_OTHER, tmp_path / "busy") for _ in range(3)]
    for process in both:
        process.communicate()
    assert [process.returncode for process in both] == [0, 0, 0]


def test_several_devices_are_held_together_and_let_go_together(hold) -> None:
    with lease(("cuda:1", "cuda:0")):
        pass
    holder = hold("cuda:1", "cuda:0")
    assert not is_free("cuda:0")
    assert not is_free("cuda:1")
    holder.kill()
    holder.wait()
    assert is_free("cuda:0", "cuda:1")


def test_devices_are_taken_in_one_order_whatever_order_is_asked(monkeypatch) -> None:
    taken = []
    monkeypatch.setattr("harness.worker.lease.lease_path", lambda device: taken.append(device) or lease_path(device))
    for devices in (("cuda:1", "cpu", "cuda:0"), ("cuda:0", "cuda:1", "cpu")):
        with lease(devices):
            pass
    assert taken == ["cpu", "cuda:0", "cuda:1"] * 2


def test_no_device_needs_no_lease() -> None:
    with lease(()):
        assert list(Path(tempfile.gettempdir()).glob("*.lease")) == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("cuda", "cuda:0", True),
        ("cuda:0", "cuda:1", False),
        ("cpu", "cuda", False),
        ("mps", "coreml", False),
        ("cpu", "cpu", True),
    ],
)
def test_a_device_by_two_names_is_one(one: str, other: str, same: bool) -> None:
    first, second = (campaign._leased(Cell("tone", "fp32", device)) for device in (one, other))
    assert (lease_path(first) == lease_path(second)) == same
