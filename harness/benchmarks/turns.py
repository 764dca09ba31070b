"""The parent's end of two processes that run one test in turns: starts them, hands the turn on, hears what came of it.

Blocks while it waits: a parent that polls would take a core from what is timed. Decides nothing, computes nothing.
"""

from __future__ import annotations

import json
import os
import random
import selectors
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from harness.conduct.duel import CornerLost

_SCRIPT = str(Path(__file__).with_name("side.py"))
_TICK_SECONDS = 1.0
_LAST_WORDS_BYTES = 2_000


class Turn(msgspec.Struct, frozen=True, array_like=True):
    """The rounds of one turn: which turn, how many rounds, and their seconds by wall, without waiting, on the CPU."""

    number: int
    rounds: int
    wall: float
    corrected: float
    computed: float


class Report(msgspec.Struct, frozen=True):
    """What one process told of its test. `names` are the tests with a benchmark that it found."""

    outcome: str
    text: str = ""
    turns: tuple[Turn, ...] = ()
    rounds: int = 0
    iterations: int = 1
    is_corrected: bool = False
    is_alone: bool = False
    seconds: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()
    versions: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Place:
    """Where one side's tests are run: its name, interpreter, tree, and what pytest is told besides the test.

    `paths` are put before the import path. Nothing may be imported from the tree that is `shunned`. `options` are those
    of Quantgate's plugin, which stays away there: whether a value belongs to each.
    """

    name: str
    python: str
    folder: Path
    root: Path
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    shunned: Path | None = None
    options: Mapping[str, bool] = field(default_factory=dict)

    def file_of(self, test: str) -> tuple[str, ...]:
        """What pytest is told to collect for a test."""
        return (str(self.root / test.partition("::")[0]),)

    def collected(self, targets: tuple[str, ...], limit_seconds: float, on_tick: Callable[[], None]) -> Report:
        """Which tests with a benchmark there are."""
        with Process(self, None, targets, on_tick=on_tick) as process:
            return process.report(limit_seconds)

    def alone(self, test: str, limit_seconds: float, on_tick: Callable[[], None]) -> Report:
        """What came of a test that has every turn."""
        with Process(self, test, self.file_of(test), on_tick=on_tick) as process:
            return process.report(limit_seconds)


class Process:
    """One process of pytest, as a context: on leaving, it and everything it started are gone."""

    def __init__(
        self,
        place: Place,
        test: str | None,
        targets: tuple[str, ...],
        *,
        core: int | None = None,
        hash_seed: int | None = None,
        on_tick: Callable[[], None],
    ) -> None:
        self.place = place
        self._test = test
        self._targets = targets
        self._core = core
        self._hash_seed = hash_seed
        self._on_tick = on_tick
        self._unread = b""
        self.told: Report | None = None

    def __enter__(self) -> Self:
        place = self.place
        self._line, theirs = socket.socketpair()
        self._scratch = tempfile.TemporaryDirectory(prefix="quantgate-side-")
        self._words = tempfile.TemporaryFile(prefix="quantgate-")
        order = {
            "wanted": self._test,
            "options": dict(place.options),
            "core": self._core,
            "paths": place.paths,
            "shunned": str(place.shunned.resolve()) if place.shunned else None,
        }
        with theirs:
            self._process = subprocess.Popen(
                [
                    *(place.python, "-P", _SCRIPT, str(theirs.fileno()), json.dumps(order)),
                    *(*place.arguments, f"--rootdir={place.root}", *self._quiet(), *self._targets),
                ],
                cwd=place.folder,
                stdin=subprocess.DEVNULL,
                stdout=self._words,
                stderr=self._words,
                pass_fds=(theirs.fileno(),),
                env=self._environment(),
                start_new_session=True,
            )
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._line, selectors.EVENT_READ)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._selector.close()
        self._line.close()
        self._words.close()
        with suppress(OSError):  # what a test leaves there may not be ours to remove
            self._scratch.cleanup()

    def _environment(self) -> dict[str, str]:
        """The place's variables. Both sides of a pair lay out their dictionaries alike, unless that is decided."""
        seed = {} if self._hash_seed is None else {"PYTHONHASHSEED": str(self._hash_seed)}
        # Whoever is a worker of pytest-xdist has variables that would make one of the process that it starts.
        usual = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST_")}
        return {**seed, **usual, **self.place.environment}

    def _quiet(self) -> tuple[str, ...]:
        """Whatever the project's own settings ask pytest to write goes to a folder that is thrown away."""
        there = self._scratch.name
        collect = ("--collect-only",) if self._test is None else ()
        return (
            *("-p", "no:quantgate", "-p", "no:harness.plugin"),
            *(*collect, "-q", "-p", "no:cacheprovider", "--benchmark-quiet"),
            *(f"--benchmark-storage=file://{there}", f"--junitxml={there}/junit.xml"),
        )

    def until_ready(self, limit_seconds: float) -> None:
        """Wait until the test is about to be called; it may also be over already."""
        self._hear(limit_seconds)

    def turn(self, limit_seconds: float) -> None:
        """Let this side run until it hands over, or is over."""
        with suppress(BrokenPipeError):
            self._line.sendall(b"g")
        self._hear(limit_seconds)

    def report(self, limit_seconds: float) -> Report:
        """Let this side run to its end, without anybody beside it."""
        self.until_ready(limit_seconds)
        while self.told is None:
            self.turn(limit_seconds)
        return self.told

    def _hear(self, limit_seconds: float) -> None:
        deadline = time.monotonic() + limit_seconds
        while b"\n" not in self._unread:
            left = deadline - time.monotonic()
            if left <= 0:
                raise self.lost(f"no answer within {limit_seconds:g} s; killed")
            if self._selector.select(min(left, _TICK_SECONDS)):
                piece = self._line.recv(1 << 20)
                if not piece:
                    raise self.lost(self._end())
                self._unread += piece
            elif self._process.poll() is not None and not self._selector.select(0):
                raise self.lost(self._end())  # what the test had started still holds the line
            self._on_tick()
        line, _, self._unread = self._unread.partition(b"\n")
        said: dict[str, Any] = msgspec.json.decode(line)
        if said.pop("kind") == "report":
            self.told = msgspec.convert(said, Report)

    def _end(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5.0)
        code = self._process.returncode
        how = "closed its line" if code is None else f"ended with {code}" if code >= 0 else signal.Signals(-code).name
        return f"its process was lost ({how})"

    def lost(self, text: str) -> CornerLost:
        """What is raised where this side cannot go on."""
        size = self._words.seek(0, os.SEEK_END)
        self._words.seek(max(0, size - _LAST_WORDS_BYTES))
        words = self._words.read().decode(errors="replace").strip()
        return CornerLost(self.place, text, words)


def in_turns(old: Process, new: Process, chance: random.Random, limit_seconds: float) -> tuple[Report, Report]:
    """Let both sides run their test, one at a time: old new new old, or the other way round, by chance."""
    for process in chance.sample((old, new), 2):
        process.until_ready(limit_seconds)
    while old.told is None or new.told is None:
        sides = chance.sample((old, new), 2)
        for process in (*sides, *reversed(sides)):
            if process.told is None:
                process.turn(limit_seconds)
    return old.told, new.told
