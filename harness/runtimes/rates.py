"""How fast a runtime is seen to be at its best: the shortest of several short repetitions, never their mean.

Owns what is tried and for how long; the files beside it say how each runtime does it. Imports no runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from harness.cells import Device
from harness.limits import Rates
from harness.runtimes import Tuning

Timed = Callable[[Callable[[], object]], float]
"""Does some work and gives its seconds, by the clock of whoever does it."""

READ_SIZES = (1_000_000, 4_000_000, 16_000_000, 64_000_000)
"""Bytes that are read over and over: what fits a cache is faster. Below the least a call costs more than it reads."""

_LEAST_REPETITIONS = 3


@runtime_checkable
class MeasuresRates(Protocol):
    """A runtime that can say how fast it is."""

    def rates(self, device: Device, tuning: Tuning, seconds: float) -> Rates:
        """What it reaches on a device in about so many seconds."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Something to repeat, and how much of the amount (operations, bytes) it does each time.

    `key` says what it is a trial of; of several the fastest counts. `make` prepares it, and may fail.
    """

    key: str | int
    amount: float
    make: Callable[[], Callable[[], object]]


def best_seconds(work: Callable[[], object], timed: Timed, seconds: float) -> float:
    """The shortest of as many repetitions as fit, and of a few in any case."""
    timed(work)
    shortest, spent, repetitions = float("inf"), 0.0, 0
    while repetitions < _LEAST_REPETITIONS or spent < seconds:
        taken = timed(work)
        shortest, spent, repetitions = min(shortest, taken), spent + taken, repetitions + 1
    return shortest


def measured(
    runtime: str, device: Device, tuning: Tuning, trials: Iterable[Trial], timed: Timed, seconds: float
) -> Rates:
    """The best rate of every key; of one whose trials all failed, why the last did."""
    listed = list(trials)
    found: dict[str | int, float] = {}
    failed: dict[str, str] = {}
    for trial, rate in _tried(listed, timed, seconds / max(len(listed), 1)):
        if isinstance(rate, float):
            found[trial.key] = max(rate, found.get(trial.key, 0.0))
        else:
            failed[str(trial.key)] = rate
    reached = {str(key) for key in found}
    return Rates(
        runtime=runtime,
        device=str(device),
        threads=tuning.threads,
        operations_per_second={key: rate for key, rate in found.items() if isinstance(key, str)},
        read_bytes_per_second={key: rate for key, rate in found.items() if isinstance(key, int)},
        unavailable={key: why for key, why in failed.items() if key not in reached},
    )


def _tried(trials: Iterable[Trial], timed: Timed, seconds: float) -> Iterator[tuple[Trial, float | str]]:
    """One after the other, so that the largest is gone before the next is made."""
    for trial in trials:
        try:
            shortest = best_seconds(trial.make(), timed, seconds)
        except Exception as error:  # noqa: BLE001 - a kernel that is missing is no reason to know nothing
            yield trial, " ".join(f"{type(error).__name__}: {error}".split())[:200]
            continue
        if shortest > 0:
            yield trial, trial.amount / shortest
        else:
            yield trial, "it took no time that the clock shows"
