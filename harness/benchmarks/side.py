"""The process of one side, as a script: pytest on one test, whose rounds take turns with those of the other side's.

Only pytest-benchmark's public words are used: its timer. What this timer gives can be subtracted once, at the end of a
round, and between two rounds the turn may go to the other side. So both sides are timed in the same seconds, whatever
the test does with its fixture, and no test is changed.

Imports nothing of Quantgate: the tree whose tests these are may hold another version of it, or be it. That is why the
few lines that read how long a thread has waited stand here a second time (`probes.stopwatch` has the first).
"""

from __future__ import annotations

import json
import os
import platform
import random
import resource
import socket
import sys
import threading
import time
from array import array
from collections.abc import Callable, Generator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

TURN_SECONDS = 0.010
"""How long a side has the turn, and one round at least."""

EXACT_FROM_SECONDS = 100e-6
"""Rounds of at least so long are corrected for waiting one by one: to read the waiting takes some microseconds."""

ALONE_WITHIN = 0.02
"""What other threads and processes may compute beside the thread that is timed, as a share of what that computes."""

ROUNDS_KEPT = 1_000
GO = b"g"


class Turns:
    """The line to whoever lets both sides run in turns."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def tell(self, what: str, **told: Any) -> None:
        """Say something."""
        self._line.sendall(json.dumps({"kind": what, **told}).encode() + b"\n")

    def hand_over(self, what: str = "over") -> None:
        """Give the turn away and sleep until it comes back; who gets none any more ends."""
        self.tell(what)
        if self._line.recv(1) != GO:
            os._exit(1)


class Waiting:
    """For how long the calling thread has waited for a core, as the kernel counts; None where it does not."""

    def __init__(self, path: str = "/proc/thread-self/schedstat") -> None:
        self._path = path
        self._file: int | None = None
        self._thread = 0

    def seconds(self) -> float | None:
        """The waiting of this thread so far."""
        if threading.get_native_id() != self._thread:
            self._open()
        if self._file is None:
            return None
        return int(os.pread(self._file, 80, 0).split(None, 2)[1]) / 1e9

    def _open(self) -> None:
        self._thread = threading.get_native_id()
        try:
            self._file = os.open(self._path, os.O_RDONLY)
            if not int(os.pread(self._file, 80, 0).split()[2]):
                self._file = None  # all zeros: the kernel does not count
        except (OSError, ValueError, IndexError):
            self._file = None


class Stamp(float):
    """A reading of the clock. One subtracted from another ends a round."""

    clock: Clock
    early: float
    late: float
    waited: float | None
    computed: float

    def __sub__(self, start: float) -> float:
        """What passed since an earlier reading."""
        return self.clock.ended(start, self) if isinstance(start, Stamp) else float(self) - start


class Clock:
    """A timer for pytest-benchmark: keeps what each round took, and lets the turn go between two rounds.

    `chosen` is the timer that the test or the command line asked for: what pytest-benchmark is told is of that one.
    """

    __name__ = "quantgate_turns"

    def __init__(self, turns: Turns, chosen: Callable[[], float] | None) -> None:
        self._turns = turns
        self._chosen = chosen
        self._waiting = Waiting()
        self._is_exact = True
        self._shares: list[tuple[float, float]] = []
        self._rounds = array("d"), array("d"), array("d")
        self._turn_of = array("L")
        self.thread_seconds = self.process_seconds = 0.0
        self.is_corrected = True

    def __call__(self) -> Stamp:
        """Read the clocks. The wall clock is read first and last: at either end of a round the inner reading counts."""
        early = time.perf_counter()
        stamp = Stamp(early if self._chosen is None else self._chosen())
        stamp.clock, stamp.early = self, early
        stamp.waited = self._waiting.seconds() if self._is_exact else None
        stamp.computed = time.thread_time() if self._is_exact else 0.0
        stamp.late = time.perf_counter()
        return stamp

    def ended(self, start: Stamp, end: Stamp) -> float:
        """Keep a round; hand over where the turn has lasted long enough."""
        wall, corrected, computed = end.early - start.late, -1.0, -1.0
        if start.waited is not None and end.waited is not None:
            computed = end.computed - start.computed
            corrected = min(wall, max(wall - (end.waited - start.waited), computed))
        for kept, seconds in zip(self._rounds, (wall, corrected, computed), strict=True):
            kept.append(seconds)
        self._turn_of.append(len(self._shares))
        self._is_exact = wall >= EXACT_FROM_SECONDS
        if time.perf_counter() - self._began >= TURN_SECONDS:
            self.end_turn()
            self._turns.hand_over()
            self.begin_turn()
        return wall if self._chosen is None else float(end) - float(start)

    def begin_turn(self) -> None:
        """The turn has come."""
        self._waited = self._waiting.seconds()
        self._thread, self._process = time.thread_time(), time.process_time()
        self._began = time.perf_counter()

    def end_turn(self) -> None:
        """What share of the turn was not waiting, and what computing: rounds too short to be read alone go by these.

        A pause meets a round as likely as rounds fill the turn, so that this is right on the average.
        """
        span = time.perf_counter() - self._began
        waited, thread = self._waiting.seconds(), time.thread_time() - self._thread
        self.thread_seconds += thread
        self.process_seconds += time.process_time() - self._process
        if waited is None or self._waited is None:
            self.is_corrected = False
            waited = self._waited = 0.0
        self._shares.append((1 - min((waited - self._waited) / span, 1.0), min(thread / span, 1.0)))

    def of_turns(self, rounds: int) -> list[tuple[int, int, float, float, float]]:
        """The last so many rounds by turn: which, how many, and their seconds by wall, without waiting, on the CPU.

        Of several rounds the first is left out: the other process had the core, and its caches, before it.
        """
        places: dict[int, list[int]] = {}
        for place in range(len(self._turn_of) - rounds, len(self._turn_of)):
            places.setdefault(self._turn_of[place], []).append(place)
        return [self._turn(turn, found[1:] or found) for turn, found in places.items()]

    def _turn(self, turn: int, places: list[int]) -> tuple[int, int, float, float, float]:
        working, computing = self._shares[turn]
        walls, corrected, computed = self._rounds
        exact = [corrected[at] >= 0 for at in places]
        return (
            turn,
            len(places),
            sum(walls[at] for at in places),
            sum(corrected[at] if is_exact else walls[at] * working for at, is_exact in zip(places, exact, strict=True)),
            sum(
                computed[at] if is_exact else walls[at] * computing for at, is_exact in zip(places, exact, strict=True)
            ),
        )

    def last(self, rounds: int) -> list[float]:
        """Seconds of some of the last so many rounds, in the order timed: all, where they are few."""
        walls = self._rounds[0][-rounds:]
        chance = random.Random(0)  # noqa: S311 - no secret depends on it
        chosen = range(rounds) if rounds <= ROUNDS_KEPT else sorted(chance.sample(range(rounds), ROUNDS_KEPT))
        return [walls[at] for at in chosen]


class Part:
    """A plugin of pytest: keeps the one test that is wanted, gives it the clock, and tells what came of it."""

    def __init__(self, turns: Turns, wanted: str | None, options: dict[str, bool]) -> None:
        self._turns = turns
        self._wanted = wanted
        self._options = options
        self._clock: Clock | None = None
        self.names: list[str] = []
        self.told: dict[str, Any] = {}

    @pytest.hookimpl
    def pytest_addoption(self, parser: pytest.Parser) -> None:
        """Quantgate's plugin stays away here; what the project's settings say to it is heard and does nothing."""
        group = parser.getgroup("quantgate")
        for name, has_value in self._options.items():
            if has_value:
                group.addoption(name, action="append")
            else:
                group.addoption(name, action="store_true")

    @pytest.hookimpl
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Why a file could not be collected."""
        if report.failed:
            self._tell("failed", f"{report.nodeid} cannot be collected: {_last_line(report.longreprtext)}")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """What there is, and of it what is wanted, with a clock of its own before its fixture reads the mark."""
        self.names = [item.nodeid for item in items if "benchmark" in getattr(item, "fixturenames", ())]
        items[:] = [item for item in items if item.nodeid == self._wanted]
        for item in items:
            mark = item.get_closest_marker("benchmark")
            given = dict(mark.kwargs) if mark else {}
            chosen = given.get("timer") or getattr(config.getoption("benchmark_timer"), "target", None)
            self._clock = Clock(self._turns, None if chosen is time.perf_counter else chosen)
            item.add_marker(pytest.mark.benchmark(**{**given, "timer": self._clock}), append=False)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Whatever is made ready for the test is there: from here on it runs in turns."""
        assert self._clock is not None
        spent = _children_seconds()
        self._turns.hand_over("ready")
        self._clock.begin_turn()
        try:
            return (yield)
        finally:
            self._clock.end_turn()
            found: Any = getattr(getattr(item, "funcargs", {}).get("benchmark"), "stats", None)
            rounds = len(found.stats.data) if found is not None else 0
            if rounds:
                others = self._clock.process_seconds - self._clock.thread_seconds + _children_seconds() - spent
                self.told |= {
                    "turns": self._clock.of_turns(rounds),
                    "rounds": rounds,
                    "iterations": found.iterations,
                    "is_corrected": self._clock.is_corrected,
                    "is_alone": others <= ALONE_WITHIN * self._clock.thread_seconds,
                    "seconds": self._clock.last(rounds),
                }

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """How the test ended."""
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self._tell("skipped", reason.removeprefix("Skipped: "))
        elif report.failed:
            self._tell("failed", f"{report.when}: {_last_line(report.longreprtext)}")

    def _tell(self, outcome: str, text: str) -> None:
        self.told = {"outcome": outcome, "text": text} | self.told


def _last_line(text: str) -> str:
    lines = [line.removeprefix("E").strip() for line in text.splitlines() if line.startswith("E ")]
    return (lines or [line for line in text.splitlines() if line.strip()] or [""])[0]


def _children_seconds() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _strays(shunned: str | None) -> list[str]:
    """Modules of this process that lie in the tree of the other side, and not in an environment that is kept there."""
    if shunned is None:
        return []
    found = []
    prefixes = [path for path in map(os.path.realpath, (sys.prefix, sys.base_prefix)) if path.startswith(shunned + "/")]
    for name, module in list(sys.modules.items()):
        file = os.path.realpath(getattr(module, "__file__", None) or "/")
        is_inside = file.startswith(shunned + "/") and not any(file.startswith(prefix + "/") for prefix in prefixes)
        if is_inside and name != "__main__" and not {"site-packages", "dist-packages"} & set(Path(file).parts):
            found.append(f"{name} ({os.path.relpath(file, shunned)})")
    return found


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "implementation": platform.python_implementation()}
    for name in ("pytest-benchmark", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def main() -> None:
    """Run the test that the order names, or only look which there are; tell what came of it, and nothing else."""
    order = json.loads(sys.argv[2])
    line = socket.socket(fileno=int(sys.argv[1]))
    line.set_inheritable(False)
    sys.path[:0] = order["paths"]
    if order["core"] is not None:
        os.sched_setaffinity(0, {order["core"]})
    turns = Turns(line)
    part = Part(turns, order["wanted"], order["options"])
    code = pytest.main(sys.argv[3:], plugins=[part])
    told = {
        "outcome": "passed" if part.told else "absent",
        "text": f"pytest ended with exit code {int(code)}",
    } | part.told
    turns.tell("report", names=part.names, strays=_strays(order["shunned"]), versions=_versions(), **told)


if __name__ == "__main__":
    main()
