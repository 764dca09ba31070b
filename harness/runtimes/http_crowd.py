"""Many requests at once: how many are answered in a second, how long each takes, how many fail. None is left out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from itertools import count
from statistics import median

from harness.errors import HarnessError
from harness.runtimes import Crowd

_TURNS = 2
"""Each of the clients asks so often at least."""

_AFTER_FAILURE_SECONDS = 0.05
"""Whoever is refused asks again a little later: else the share of failures would tell how quickly a server refuses."""


def crowd(ask: Callable[[str], object], texts: Sequence[str], at_once: int, seconds: float) -> Crowd:
    """Ask from so many threads for so long, each a new text as soon as the one before is answered."""
    took: list[float] = []
    failed: list[str] = []
    turn = count()
    gate = threading.Barrier(at_once + 1)

    def client() -> None:
        gate.wait()
        while (place := next(turn)) < _TURNS * at_once or time.monotonic() < deadline:
            start = time.perf_counter()
            try:
                ask(texts[place % len(texts)])
            except Exception as error:  # noqa: BLE001 - however a request fails, it counts
                failed.append(str(error) if isinstance(error, HarnessError) else f"{type(error).__name__}: {error}")
                time.sleep(_AFTER_FAILURE_SECONDS)
            else:
                took.append(time.perf_counter() - start)

    threads = [threading.Thread(target=client, daemon=True) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    gate.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    return Crowd(
        at_once=at_once,
        requests=len(took) + len(failed),
        failed=len(failed),
        seconds=time.perf_counter() - begun,
        median_seconds=median(took) if took else None,
        first_error=failed[0] if failed else "",
    )
