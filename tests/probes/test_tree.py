"""Memory of processes that are not ours: summed over those that live, unavailable in words where it is not seen."""

from __future__ import annotations

import socket
import sys

import psutil
import pytest

from harness.probes import Unavailable
from harness.probes.memory import Peak
from harness.probes.tree import TreeGauge, listening, tree_of
from tests.fakes import start_python

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the mark that can be set back is Linux's")

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-u", "-c",
    "held = b'x' * 100_000_000; print('up'); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
for line in sys.stdin:
    if line == "end\\n":
        child.kill(); child.wait()
    else:
        spike = b"x" * 200_000_000
        del spike
    print("done", flush=True)
"""


@pytest.fixture
def parent():
    """A process with a child that holds 100 MB; told a word, it has a spike of 200 MB, told to, it ends the child."""
    import subprocess

    process = subprocess.Popen(
        [sys.executable, "-u", "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    process.child = int(process.stdout.readline())

    def tell(word: str) -> None:
        process.stdin.write(f"{word}\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"

    process.tell = tell
    yield process
    for one in (process.child, process.pid):
        if psutil.pid_exists(one):
            psutil.Process(one).kill()
    process.wait()


def test_a_phase_sums_the_peaks_of_parent_and_child(parent) -> None:
    gauge = TreeGauge(lambda: (parent.pid,), "the server's")
    assert gauge.pids() == {parent.pid, parent.child}
    begun = gauge.begin()
    assert isinstance(begun, int)
    assert begun > 100e6
    parent.tell("spike")
    peak = gauge.end(begun)
    assert isinstance(peak, Peak)
    assert abs(peak.growth_bytes - 200e6) < 4e6
    assert peak.note == "the server's 2 processes, each one's own peak summed; not of this worker"
    again = gauge.begin()
    assert isinstance(again, int)
    quiet = gauge.end(again)
    assert isinstance(quiet, Peak)
    assert quiet.growth_bytes < 4e6  # the spike of the phase before is forgotten


def test_a_process_that_ended_within_a_phase_is_named_in_the_note(parent) -> None:
    gauge = TreeGauge(lambda: (parent.pid,), "the server's")
    begun = gauge.begin()
    assert isinstance(begun, int)
    parent.tell("end")
    peak = gauge.end(begun)
    assert isinstance(peak, Peak)
    assert peak.note == "the server's 1 process; not of this worker; 1 ended before and not counted"


def test_processes_that_are_gone_have_no_memory_and_it_is_not_zero() -> None:
    gone = start_python("pass")
    gone.wait()
    gauge = TreeGauge(lambda: (gone.pid,), "the server's")
    assert tree_of((gone.pid,)) == frozenset()
    for found in (gauge.begin(), gauge.end(1), gauge.so_far()):
        assert isinstance(found, Unavailable)
        assert found.why == "the server's processes have ended"


def test_why_roots_are_unknown_is_handed_on() -> None:
    gauge = TreeGauge(lambda: Unavailable("it is far away"), "the server's")
    assert [gauge.begin(), gauge.end(1), gauge.so_far()] == [Unavailable("it is far away")] * 3


def test_who_listens_on_a_port_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert listening(listener.getsockname()[1]) == [psutil.Process().pid]
        port = listener.getsockname()[1]
    found = listening(port)
    assert isinstance(found, Unavailable)
    assert f"no process of this machine listens on port {port}" in found.why
