"""Starts a server and ends it: a free port, a guard that outlives the worker, waiting until it answers."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from harness.endpoints import Service, filled
from harness.errors import HarnessError
from harness.runtimes.http_wire import Wire

_GUARD = str(Path(__file__).with_name("http_guard.py"))
_LAST_WORDS_BYTES = 600
_ANSWER_SECONDS = 5.0
_PAUSE_SECONDS = 0.02
_END_SECONDS = 15.0
_SERVER_ERROR = 500


class ServerDown(HarnessError):
    """No server answers: it is not running, could not be started, or ended."""


class Server:
    """A server of our own. It listens on the loopback and is gone when `close` returns, or when this process dies."""

    def __init__(self, service: Service, words: Mapping[str, str]) -> None:
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        command, environment = list(service.command), dict(service.environment)
        for name, value in {**words, "port": str(port)}.items():
            command = filled(command, f"{{{name}}}", value)
            environment = filled(environment, f"{{{name}}}", value)
        self._shown = shlex.join(command)
        self._words = tempfile.TemporaryFile(prefix="quantgate-server-")  # noqa: SIM115 - closed in close
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", _GUARD, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            cwd=service.folder,
            env={**os.environ, **environment},
            start_new_session=True,
        )
        told, _, rest = self._told().partition(" ")
        if told != "pid":
            self.close()
            raise ServerDown(
                f"the server could not be started ({rest or told}): {self._shown}; check Service(command=…)"
            )
        self.pid = int(rest)

    def problem(self, within_seconds: float = 0.0) -> str | None:
        """Why no answer is to be expected any more; None while the server runs, and goes on to for so long."""
        with suppress(subprocess.TimeoutExpired):
            self._guard.wait(within_seconds)
        if self._guard.returncode is None:
            return None
        return f"the server ended by itself ({self._told() or 'killed'}): {self._shown}; {self.last_words()}"

    def last_words(self) -> str:
        """The end of what the server printed, on one line."""
        size = self._words.seek(0, os.SEEK_END)
        self._words.seek(max(0, size - _LAST_WORDS_BYTES))
        said = " ".join(self._words.read().decode(errors="replace").split())
        return f"its last words: {said}" if said else "it printed nothing"

    def close(self) -> None:
        """End the server and all it started."""
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        try:
            self._guard.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()
        assert self._guard.stdout is not None
        self._guard.stdout.close()
        self._words.close()

    def _told(self) -> str:
        """The next line of the guard's."""
        assert self._guard.stdout is not None
        return self._guard.stdout.readline().decode().strip()


def wait_until_up(wire: Wire, service: Service, problem: Callable[[], str | None], words: Callable[[], str]) -> None:
    """Return once the server answers; raise when it has ended, or has not answered in time."""
    deadline = time.monotonic() + service.wait_seconds
    while True:
        answer = wire.status(service.ready, min(_ANSWER_SECONDS, service.wait_seconds))
        if isinstance(answer, int) and answer < _SERVER_ERROR:
            return
        if ended := problem():
            raise ServerDown(ended)
        if time.monotonic() > deadline:
            raise ServerDown(
                f"the server was not up within {service.wait_seconds:g} s: {wire.base}{service.ready} answers {answer};"
                f" {words()}; raise Service(wait_seconds=…) or mend it"
            )
        time.sleep(_PAUSE_SECONDS)


def refuse_absent(wire: Wire, service: Service) -> None:
    """Raise where no server answers at a url that should have one."""
    answer = wire.status(service.ready, _ANSWER_SECONDS)
    if isinstance(answer, str):
        raise ServerDown(
            f"no server answers at {wire.base}{service.ready} ({answer}); start it,"
            " or declare Service(command=…) to have it started"
        )
    if answer >= _SERVER_ERROR:
        raise ServerDown(f"the server at {wire.base}{service.ready} answers {answer}: it is not ready; see its log")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found
