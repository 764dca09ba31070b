"""The parent's end: starts a worker in a process group of its own, asks it, waits without spinning, kills the group.

Whatever the worker does, the parent gets an answer: a reply, or `WorkerDied` / `WorkerTimedOut` with its last words.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

import msgspec

from harness.errors import HarnessError
from harness.phases import Phase
from harness.worker import protocol

_LAST_WORDS_BYTES = 2_000
_TICK_SECONDS = 1.0
_GRACE_SECONDS = 5.0
NO_LIMITS: Mapping[Phase, float] = MappingProxyType({})
_START = str(Path(__file__).with_name("start.py"))


class WorkerLost(HarnessError):
    """The worker gave no reply. `phase` is what it was doing."""

    def __init__(self, phase: Phase, text: str, last_words: str) -> None:
        super().__init__(text)
        self.phase = phase
        self.text = text
        self.last_words = last_words


class WorkerDied(WorkerLost):
    """The process ended by itself: a crash, an out-of-memory kill, an exit from inside a library."""


class WorkerTimedOut(WorkerLost):
    """The process did not answer within its time limit and was killed with everything it had started."""


class Worker:
    """A worker process, as a context: on leaving, the process and everything it started are gone.

    `python` and `folder` are the interpreter and the working directory, this process's own unless told.
    `on_phase` hears what the worker is doing; `on_tick` is called about once a second while the parent waits.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        python: str = sys.executable,
        folder: str | None = None,
        on_phase: Callable[[Phase], None] | None = None,
        on_tick: Callable[[], None] | None = None,
    ) -> None:
        self._environment = environment
        self._python = python
        self._folder = folder
        self._on_phase = on_phase
        self._on_tick = on_tick
        self._phase = Phase.START
        self._unread = b""
        self._is_started = False

    def hear(self, on_phase: Callable[[Phase], None], on_tick: Callable[[], None]) -> Self:
        """Tell from now on what the worker does, and that time goes by."""
        self._on_phase, self._on_tick = on_phase, on_tick
        return self

    def __enter__(self) -> Self:
        if not self._is_started:
            self.start()
        return self

    def start(self) -> None:
        """Start the process; `stop` must follow, whatever happens."""
        self._words = tempfile.TemporaryFile(prefix="quantgate-")  # noqa: SIM115 - closed in stop
        replies, replies_child = os.pipe()
        os.set_inheritable(replies_child, True)
        try:
            self._process = subprocess.Popen(
                # -P: what lies in the working directory is imported only where a model's own root leads there.
                [self._python, "-P", _START, str(replies_child)],
                cwd=self._folder,
                stdin=subprocess.PIPE,
                stdout=self._words,
                stderr=self._words,
                pass_fds=(replies_child,),
                env={**os.environ, **self._environment},
                start_new_session=True,
            )
        except BaseException:
            os.close(replies)
            self._words.close()
            raise
        finally:
            os.close(replies_child)
        self._replies = replies
        self._selector = selectors.DefaultSelector()
        self._selector.register(replies, selectors.EVENT_READ)
        self._is_started = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Kill the process with everything it started, and close what leads to it."""
        self._kill()
        self._selector.close()
        os.close(self._replies)
        self._words.close()

    @property
    def is_alive(self) -> bool:
        """Whether the process has been started and has not ended."""
        return self._is_started and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    def ask(
        self, request: protocol.Request, limit_seconds: float, phase_limits: Mapping[Phase, float] = NO_LIMITS
    ) -> protocol.Reply:
        """Send one request and wait for its reply, at most so long; a phase that is named has a limit of its own."""
        self._send(protocol.encode(request) + b"\n")
        deadline = time.monotonic() + limit_seconds
        while True:
            reply = self._read(self._line(deadline, limit_seconds))
            if not isinstance(reply, protocol.Progress):
                return reply
            self._phase = reply.phase
            if reply.phase in phase_limits:
                limit_seconds = phase_limits[reply.phase]
                deadline = time.monotonic() + limit_seconds
            if self._on_phase:
                self._on_phase(reply.phase)

    def last_words(self) -> str:
        """The end of what the process printed: what libraries say before they die."""
        size = self._words.seek(0, os.SEEK_END)
        self._words.seek(max(0, size - _LAST_WORDS_BYTES))
        return self._words.read().decode(errors="replace").strip()

    def _read(self, line: bytes) -> protocol.Reply:
        try:
            reply: protocol.Reply = protocol.decode_reply(line)
        except msgspec.DecodeError as error:
            words = self.last_words()
            self._kill()
            raise WorkerLost(self._phase, f"the worker's reply cannot be read ({error}); killed", words) from error
        return reply

    def _send(self, line: bytes) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        if pipe.closed:
            raise WorkerDied(self._phase, "the worker was killed before it could be asked", self.last_words())
        try:
            pipe.write(line)
            pipe.flush()
        except BrokenPipeError:
            self._mourn()

    def _line(self, deadline: float, limit_seconds: float) -> bytes:
        while b"\n" not in self._unread:
            left = deadline - time.monotonic()
            if left <= 0:
                words = self.last_words()
                self._kill()
                raise WorkerTimedOut(self._phase, f"no answer within {limit_seconds:g} s; killed", words)
            if self._selector.select(min(left, _TICK_SECONDS)):
                piece = os.read(self._replies, 1 << 16)
                if not piece:
                    self._mourn()
                self._unread += piece
            elif self._process.poll() is not None and not self._selector.select(0):
                self._mourn()  # the pipe is still open: a child that the worker had forked holds it
            if self._on_tick:
                self._on_tick()
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _mourn(self) -> None:
        try:
            code = self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        raise WorkerDied(self._phase, _cause_of_death(code), self.last_words())

    def _kill(self) -> None:
        """Kill the whole group: the worker and whatever a library started. Also when the worker itself is gone."""
        # PermissionError: on macOS, when only zombies are left in the group.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait()


def _cause_of_death(code: int | None) -> str:
    if code is None:
        return "the worker closed its pipe and did not end"
    if code >= 0:
        return f"the worker ended by itself with exit code {code}"
    name = signal.Signals(-code).name
    hint = " (often the kernel's answer to too little memory; see dmesg)" if name == "SIGKILL" else ""
    return f"the worker was killed by {name}{hint}"
