"""A server that is started: up when it answers, told when it dies, weighed, and never left behind."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.cells import Device
from harness.endpoints import Endpoint, Service
from harness.errors import HarnessError
from harness.probes import Unavailable
from harness.probes.memory import Peak
from harness.runtimes import Tuning
from harness.runtimes.http import HttpSession, server_gauge
from harness.runtimes.http_server import wait_until_up
from harness.runtimes.http_wire import Wire
from tests.fakes import start_python, wait_until
from tests.runtimes.http_servers import STARTED, answering, whole

np = pytest.importorskip("numpy")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere strays are ended by their group alone")

SPEAK = Endpoint(path="/speak", sample_rate=8_000, body={"text": "{text}"})


@pytest.fixture
def script(tmp_path: Path) -> str:
    """The server's file; its name tells its processes from all others."""
    path = tmp_path / "server.py"
    path.write_text(STARTED)
    return str(path)


def service(script: str, *arguments: str, **more: Any) -> Service:
    return Service(command=(sys.executable, script, "{port}", *arguments), endpoint=SPEAK, **more)


def started(described: Service, threads: int = 1) -> HttpSession:
    return HttpSession(described, Device.parse("cpu"), Tuning(threads=threads))


def of(script: str) -> list[psutil.Process]:
    """The living processes of a server's file."""
    running = [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if script in (process.info["cmdline"] or []) and process.info["status"] != psutil.STATUS_ZOMBIE
    ]
    return [one for one in running if "http_guard.py" not in " ".join(one.info["cmdline"])]


def test_it_is_started_answers_and_is_gone_when_closed(script: str) -> None:
    session = started(service(script, "well"))
    assert session.call({"text": np.array("Hello.")})["audio"].tolist() == [0.5] * 400
    assert len(of(script)) == 1
    session.close()
    assert of(script) == []


@pytest.mark.parametrize("mode", ["stubborn", pytest.param("with a child", marks=linux_only)])
def test_closing_ends_it_whatever_it_does_against_that(script: str, mode: str) -> None:
    session = started(service(script, mode))
    gauge = session.gauge()
    tree = [psutil.Process(pid) for pid in gauge.pids()]
    assert len(tree) == (2 if mode == "with a child" else 1)
    session.close()
    assert not [one for one in tree if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


WORKER = """
import sys
import time
import numpy
from harness.cells import Device
from harness.endpoints import Endpoint, Service
from harness.runtimes import Tuning
from harness.runtimes.http import HttpSession

endpoint = Endpoint(path="/speak", sample_rate=8_000, body={"text": "{text}"})
command = (sys.executable, sys.argv[1], "{port}", sys.argv[2])
session = HttpSession(Service(command=command, endpoint=endpoint), Device.parse("cpu"), Tuning())
print(*session.gauge().pids(), flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("mode", ["well", "stubborn", pytest.param("with a child", marks=linux_only)])
def test_a_worker_killed_at_once_leaves_no_server(script: str, mode: str) -> None:
    worker = start_python(WORKER, script, mode)
    assert worker.stdout is not None
    tree = [psutil.Process(int(pid)) for pid in worker.stdout.readline().split()]
    assert tree
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()

    def gone() -> bool:
        return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in tree)

    wait_until(gone, "the server of a killed worker was gone")


@linux_only
def test_a_guard_killed_at_once_leaves_no_server(script: str) -> None:
    session = started(service(script, "well"))
    server = psutil.Process(next(iter(session.gauge().pids())))
    guard = server.parent()
    assert "http_guard.py" in " ".join(guard.cmdline())
    guard.kill()
    wait_until(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE, "the server was gone, too")
    session.close()


def test_one_that_dies_at_once_is_told_with_its_last_words(script: str) -> None:
    with pytest.raises(HarnessError, match=r"ended by itself \(ended 1\): .*last words: no such voice: nobody"):
        started(service(script, "dies"))


def test_one_that_dies_when_asked_is_told_with_its_last_words(script: str) -> None:
    session = started(service(script, "dies when asked"))
    with pytest.raises(HarnessError, match=r"POST .*/speak failed .*ended by itself \(ended 3\).*out of breath"):
        session.call({"text": np.array("Hello.")})
    session.close()


def test_one_that_is_never_ready_is_given_up_and_ended(script: str) -> None:
    with pytest.raises(HarnessError, match=r"not up within 0.5 s: http://127.0.0.1:\d+/ answers "):
        started(service(script, "never ready", wait_seconds=0.5))
    assert of(script) == []


def test_what_one_answers_that_is_not_ready_is_told_beside_its_last_words() -> None:
    with answering(health=whole(b"", 503)) as server:
        described = Service(url=server.url, endpoint=SPEAK, ready="/health", wait_seconds=0.1)
        with pytest.raises(HarnessError, match=r"within 0.1 s: http.*/health answers 503; loading; raise Service"):
            wait_until_up(Wire(server.url, 1.0), described, lambda: None, lambda: "loading")


def test_a_command_that_is_not_there_is_told_in_one_line() -> None:
    with pytest.raises(HarnessError, match=r"could not be started \(No such file or directory\): no-such-server"):
        started(Service(command=("no-such-server", "{port}"), endpoint=SPEAK))


def test_threads_and_device_are_put_into_command_and_environment(tmp_path: Path) -> None:
    script = "import os, sys; sys.exit(f\"{sys.argv[1:]} {os.environ['OWN']}\")"
    described = Service(
        command=(sys.executable, "-c", script, "{threads}", "on {device}"),
        environment={"OWN": "at {port}"},
        endpoint=SPEAK,
    )
    with pytest.raises(HarnessError, match=r"\['3', 'on cpu'\] at \d+"):
        started(described, threads=3)


@linux_only
def test_the_memory_is_the_server_s_and_not_the_worker_s(script: str) -> None:
    megabytes = 300
    session = started(service(script, "well", str(megabytes)))
    own = np.ones(50_000_000)  # of the worker: 400 MB that must not count
    gauge = session.gauge()
    begun = gauge.begin()
    assert isinstance(begun, int)
    peak = gauge.end(begun)
    session.close()
    assert own.size
    assert isinstance(peak, Peak)
    assert megabytes * 1e6 <= peak.peak_bytes < (megabytes + 100) * 1e6
    assert peak.note == "the server's 1 process; not of this worker"


@linux_only
def test_the_server_behind_a_url_is_found_by_its_port(script: str) -> None:
    session = started(service(script, "well", "200"))
    by_url = HttpSession(Service(url=session.url, endpoint=SPEAK), Device.parse("cpu"), Tuning())
    found = by_url.gauge().so_far()
    session.close()
    assert isinstance(found, tuple)
    assert 200e6 <= found[0] < 300e6


def test_the_memory_of_a_server_elsewhere_is_not_seen() -> None:
    found = server_gauge("192.0.2.1", 8_000, None).begin()  # an address that is nobody's
    assert isinstance(found, Unavailable)
    assert "the server is on 192.0.2.1, another machine" in found.why
