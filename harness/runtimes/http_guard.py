"""Stands between a worker and the server it started: whatever becomes of the worker, the server ends with it.

A script of its own, run with nothing but the standard library. Its standard input is a pipe from the worker: when that
closes (the worker closed it, crashed, or was killed) every process that came of the server is ended, also those that
left its process group. Its standard output tells the server's process id, or why there is none, and how it ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_GRACE_SECONDS = 2.0
_LAST_SECONDS = 5.0


def main() -> None:
    """Start the server, and outlive it."""
    is_linux = sys.platform == "linux"
    libc = ctypes.CDLL(None, use_errno=True) if is_linux else None
    if libc is not None:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)

    def die_with_guard() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    try:
        server = subprocess.Popen(
            sys.argv[1:],
            stdin=subprocess.DEVNULL,
            stdout=2,
            stderr=2,
            preexec_fn=die_with_guard,  # noqa: PLW1509 - one thread so far
        )
    except (OSError, subprocess.SubprocessError) as problem:
        _say(f"no {getattr(problem, 'strerror', None) or problem}")
        return
    _say(f"pid {server.pid}")
    ended = threading.Event()
    threading.Thread(target=_end_with_worker, args=(server.pid, ended), daemon=True).start()
    _say(f"ended {_wait_for(server.pid)}")
    ended.set()
    _end_everything()


def _say(line: str) -> None:
    with contextlib.suppress(OSError):
        os.write(1, f"{line}\n".encode())


def _wait_for(server: int) -> int:
    """The server's exit code. Whoever else is a child here was the server's and lost its parent."""
    while True:
        pid, status = os.wait()
        if pid == server:
            return os.waitstatus_to_exitcode(status)


def _end_with_worker(server: int, ended: threading.Event) -> None:
    """Wait for the pipe's end; then ask the server to go, and make it."""
    while os.read(0, 1):
        pass
    with contextlib.suppress(ProcessLookupError):
        os.kill(server, signal.SIGTERM)
    ended.wait(_GRACE_SECONDS)
    _end_everything()


def _end_everything() -> None:
    """Kill what came of the server, wait until it is gone, and go."""
    deadline = time.monotonic() + _LAST_SECONDS
    while (left := tuple(_descendants())) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        time.sleep(0.01)
    os.killpg(0, signal.SIGKILL)  # and this process with it


def _descendants() -> Iterator[int]:
    """The living processes below this one, where the system has a list of them."""
    parents: dict[int, int] = {}
    with contextlib.suppress(FileNotFoundError):
        for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - quick to start, so no pathlib
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                state, parent = file.read().rpartition(b")")[2].split()[:2]
                if state != b"Z":
                    parents[int(name)] = int(parent)
    below = {os.getpid()}
    while new := {pid for pid, parent in parents.items() if parent in below} - below:
        below |= new
    yield from below - {os.getpid()}


if __name__ == "__main__":
    main()
