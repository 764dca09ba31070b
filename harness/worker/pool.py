"""Keeps one worker ahead: a fresh process that has come up and waits for its first request. And one that converts.

A cell then does not wait for an interpreter to start. The worker ahead is started by exec like any other, hosts one
arm only, and comes up while nothing is being timed: `settle` waits for it before a timing begins. The one that converts
small models is kept for the next: nothing of it is measured, and what it has imported need not be imported again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress

from harness.worker import protocol
from harness.worker.link import Worker, WorkerLost

_COMING_UP_SECONDS = 60.0


class Pool:
    """Gives workers of one environment. `wanted` says whether a worker ahead would still be of use."""

    def __init__(
        self,
        environment: Mapping[str, str],
        wanted: Callable[[], bool],
        *,
        python: str = sys.executable,
        folder: str | None = None,
    ) -> None:
        self._environment = environment
        self._wanted = wanted
        self._python = python
        self._folder = folder
        self._ahead: Worker | None = None
        self._converter: Worker | None = None

    def worker(self) -> Worker:
        """The worker ahead where there is one alive, else a new one. The caller enters and leaves it."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead.is_alive:
            return ahead
        if ahead is not None:
            ahead.stop()
        return self.fresh()

    def fresh(self) -> Worker:
        """A new worker, whoever is ahead: for what is not a cell's measuring."""
        return Worker(self._environment, python=self._python, folder=self._folder)

    def converter(self) -> Worker:
        """The worker that converted before, where it still lives, else a new one. `close` ends it."""
        if self._converter is None or not self._converter.is_alive:
            self._end_converter()
            self._converter = self.fresh()
            self._converter.start()
        return self._converter

    def refill(self) -> None:
        """Start a worker ahead, where none is and one is wanted; it comes up by itself."""
        if self._ahead is None and self._wanted():
            self._ahead = self.fresh()
            self._ahead.start()

    def settle(self) -> None:
        """Wait until the worker ahead has come up. One that does not is given up: a cell starts its own then."""
        if self._ahead is None:
            return
        try:
            self._ahead.ask(protocol.Hello(), _COMING_UP_SECONDS)
        except WorkerLost:
            self._end_ahead()

    def close(self) -> None:
        """End the worker ahead, and the one that converts."""
        self._end_converter()
        self._end_ahead()

    def _end_ahead(self) -> None:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            with suppress(WorkerLost):
                ahead.stop()

    def _end_converter(self) -> None:
        converter, self._converter = self._converter, None
        if converter is not None:
            with suppress(WorkerLost):
                converter.stop()
