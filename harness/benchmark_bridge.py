"""Enters a measured sample into pytest-benchmark by its public words only: a timer and `pedantic`.

pytest-benchmark reads its timer before and after each round. A timer that gives back the measured seconds makes it
record exactly what was measured in the worker; nothing is run again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest

from harness.results import Measurement

_CLOCK = pytest.StashKey["ReplayClock"]()


class ReplayClock:
    """A timer that tells measured durations: each pair of readings is one inference apart."""

    __name__ = "quantgate_worker_clock"

    def __init__(self) -> None:
        self._readings: Iterator[float] = iter(())

    def __call__(self) -> float:
        """Tell the next reading: a start, its end, a start, its end."""
        return next(self._readings)

    def replay(self, benchmark: Any, measured: Measurement) -> None:
        """Have `benchmark` record the sample of a measurement, and what it is a sample of."""
        assert measured.sample is not None
        seconds = measured.sample.wall_seconds
        self._readings = iter(list(chain.from_iterable((0.0, second) for second in seconds)))
        cell = measured.cell
        benchmark.group = f"{cell.model} {cell.device}"
        benchmark.extra_info.update(
            model=cell.model,
            precision=cell.precision,
            device=cell.device,
            **{reading.metric: reading.value for reading in measured.readings if reading.value is not None},
        )
        benchmark.pedantic(_nothing, rounds=len(seconds), iterations=1)


def give_clock(item: pytest.Item) -> None:
    """Have the item's benchmark use a clock of its own. Done at collection, before its fixture reads the mark."""
    clock = ReplayClock()
    item.stash[_CLOCK] = clock
    item.add_marker(pytest.mark.benchmark(timer=clock))


def clock_of(item: pytest.Item) -> ReplayClock | None:
    """The clock given at collection."""
    return item.stash.get(_CLOCK, None)


def _nothing() -> None:
    """What is run instead: the inferences have been made in the worker."""
