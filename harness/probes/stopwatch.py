"""The one timing loop of the project: seconds of one call, of each chunk of a stream, and what a listener hears.

Owns the clock, garbage collection while timing, and the correction for waiting. Knows no model, device or statistic.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from harness.probes import Unavailable

if TYPE_CHECKING:
    import numpy as np

Clock = Callable[[], int]
"""Nanoseconds that never go back."""

SCHEDSTAT = Path("/proc/thread-self/schedstat")
AUDIBLE = 10 ** (-50 / 20)
"""-50 dB of full scale: below it a sample counts as silence."""


class Lap(NamedTuple):
    """The seconds of one inference; a tuple, because making one costs time between two inferences."""

    wall_seconds: float
    corrected_seconds: float | None


class StreamLap(NamedTuple):
    """One streamed inference: each chunk's own seconds, and when it came, counted from the start."""

    wall_seconds: float
    corrected_seconds: float | None
    chunk_seconds: tuple[float, ...]
    arrival_seconds: tuple[float, ...]
    chunks: tuple[Any, ...]


class RunDelay:
    """Nanoseconds that the calling thread has waited for a core, as the kernel counts them.

    The file stays open, so a reading costs one `pread`. It belongs to the thread that opened it.
    """

    def __init__(self, path: Path = SCHEDSTAT) -> None:
        self._file = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        self._thread = threading.get_native_id()

    def nanoseconds(self) -> int:
        """Return the second field: time runnable, but not running."""
        return int(os.pread(self._file, 80, 0).split(None, 2)[1])

    def timeslices(self) -> int:
        """Return the third field: how often the thread was put on a core; 0 where the kernel does not count."""
        return int(os.pread(self._file, 80, 0).split()[2])

    def belongs_here(self) -> bool:
        """Whether the calling thread is the one that opened it (after a fork it no longer is)."""
        return threading.get_native_id() == self._thread

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def open_run_delay(path: Path = SCHEDSTAT) -> RunDelay | Unavailable:
    """Open the calling thread's waiting time, or say why this machine has none."""
    try:
        delay = RunDelay(path)
    except OSError as problem:
        return Unavailable(f"this system does not tell how long a thread waits for a core ({problem.strerror}: {path})")
    try:
        if delay.timeslices() > 0:
            return delay
        why = "is all zeros: the kernel does not count scheduling"
    except (OSError, ValueError, IndexError):
        why = "is of an unknown layout"
    delay.close()
    return Unavailable(f"{path} {why}")


class Stopwatch:
    """Times calls on the thread that made it. Close it, or use it in a `with`.

    `corrected` asks for the contention-corrected time, max(wall - waiting for a core, CPU time of the thread). It means
    something only where that one thread does all the work: one thread, on the CPU. Waiting is booked when the thread
    gets its core back, possibly after the lap, which is why the CPU time is the floor.
    """

    def __init__(
        self,
        *,
        corrected: bool,
        clock: Clock = time.perf_counter_ns,
        cpu_clock: Clock = time.thread_time_ns,
        run_delay: Callable[[], RunDelay | Unavailable] = open_run_delay,
    ) -> None:
        self._clock = clock
        self._cpu_clock = cpu_clock
        self._delay: RunDelay | None = None
        self.uncorrected: str | None = None
        """Why laps carry no corrected time; None when they do."""
        if not corrected:
            self.uncorrected = "only the time of a single thread on the CPU can be corrected for waiting"
            return
        match run_delay():
            case Unavailable(why):
                self.uncorrected = why
            case delay:
                self._delay = delay

    def time(self, work: Callable[[], object]) -> Lap:
        """Time one call. The wall clock is innermost, so that nothing of the harness is between its two readings.

        What `work` returns is let go after the clock was read.
        """
        clock = self._clock
        if self._delay is None:
            start = clock()
            output = work()
            stop = clock()
            del output
            return Lap((stop - start) / 1e9, None)
        delay, cpu_clock = self._own_delay(), self._cpu_clock
        waited = delay()
        cpu = cpu_clock()
        start = clock()
        output = work()
        stop = clock()
        waited = delay() - waited
        del output
        wall = stop - start
        # Who did not wait needs no floor: the second, costly reading of the CPU clock is spared.
        working = wall if not waited else _corrected(wall, waited, cpu_clock() - cpu)
        return Lap(wall / 1e9, working / 1e9)

    def stream(self, begin: Callable[[], Iterable[Any]], *, keep: bool = False) -> StreamLap:
        """Time every chunk of one streamed inference, the first from before `begin` is called.

        The last stretch, from the final chunk to the end of the iterator, belongs to the whole, but to no chunk.
        With `keep` the chunks come back; without it each is let go when the next one has come.
        """
        clock, cpu_clock = self._clock, self._cpu_clock
        delay = None if self._delay is None else self._own_delay()
        stamps: list[int] = []
        chunks: list[Any] = []
        waited = delay() if delay else 0
        cpu = cpu_clock() if delay else 0
        start = clock()
        for chunk in begin():
            stamps.append(clock())
            if keep:
                chunks.append(chunk)
        stop = clock()
        cpu = cpu_clock() - cpu if delay else 0
        waited = delay() - waited if delay else 0
        wall = stop - start
        return StreamLap(
            wall / 1e9,
            _corrected(wall, waited, cpu) / 1e9 if delay else None,
            tuple((now - before) / 1e9 for before, now in pairwise([start, *stamps])),
            tuple((stamp - start) / 1e9 for stamp in stamps),
            tuple(chunks),
        )

    def close(self) -> None:
        """Close what is open; a closed stopwatch times wall seconds only."""
        if self._delay is not None:
            self._delay.close()
            self._delay = None
            self.uncorrected = "the stopwatch is closed"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _own_delay(self) -> Clock:
        """Return the reader of the waiting time, refused to every thread but the one it is of."""
        assert self._delay is not None
        if not self._delay.belongs_here():
            raise RuntimeError("a stopwatch corrects only the thread that made it; make one in the thread that works")
        return self._delay.nanoseconds


def _corrected(wall: int, waited: int, cpu: int) -> int:
    """Return the time without waiting: never below the CPU time, never above the wall time it is a part of."""
    return min(wall, max(wall - waited, cpu))


@contextmanager
def quiet_collector() -> Iterator[None]:
    """Keep the garbage collector from running inside a block, and leave it as it was found.

    Everything alive is collected once, then frozen, so that a collection a library asks for stays short.
    """
    was_enabled = gc.isenabled()
    was_frozen = gc.get_freeze_count() > 0
    gc.collect()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        # There is no way to thaw only one's own share: what someone else froze stays frozen, ours with it.
        if not was_frozen:
            gc.unfreeze()
        if was_enabled:
            gc.enable()


@dataclass(frozen=True, slots=True)
class Playback:
    """What a listener hears of a stream whose chunks are played as soon as they can be.

    `underrun_seconds` are the silences between chunks because the next one had not come: one entry for each.
    """

    first_audible_seconds: float | None
    gap_seconds: tuple[float, ...]
    underrun_seconds: tuple[float, ...]
    audio_seconds: float


def play(
    arrival_seconds: Sequence[float],
    chunks: Sequence[np.ndarray[Any, Any]],
    sample_rate: int,
    threshold: float = AUDIBLE,
) -> Playback:
    """Play a stream on paper: a chunk starts when it has come and the one before it has ended.

    `threshold` is a share of full scale, which is 1 for floats and the largest value of an integer type. Gaps are the
    times between the arrivals of two chunks.
    """
    if len(arrival_seconds) != len(chunks):
        raise ValueError(f"{len(arrival_seconds)} arrivals for {len(chunks)} chunks")
    if sample_rate <= 0:
        raise ValueError(f"a sample rate is above zero, not {sample_rate}")
    if any(later < earlier for earlier, later in pairwise(arrival_seconds)):
        raise ValueError("chunks arrive one after the other, but these arrivals go back in time")
    heard: float | None = None
    underruns: list[float] = []
    played_until: float | None = None
    audio_seconds = 0.0
    for arrival, chunk in zip(arrival_seconds, chunks, strict=True):
        samples = _single_channel(chunk)
        if not samples.size:
            continue
        begins = arrival if played_until is None else max(arrival, played_until)
        if played_until is not None and arrival > played_until:
            underruns.append(arrival - played_until)
        if heard is None and (index := _first_above(samples, threshold)) is not None:
            heard = begins + index / sample_rate
        played_until = begins + samples.size / sample_rate
        audio_seconds += samples.size / sample_rate
    gaps = tuple(later - earlier for earlier, later in pairwise(arrival_seconds))
    return Playback(heard, gaps, tuple(underruns), audio_seconds)


def first_audible_seconds(
    arrival_seconds: Sequence[float],
    chunks: Sequence[np.ndarray[Any, Any]],
    sample_rate: int,
    threshold: float = AUDIBLE,
) -> float | None:
    """Return when the first sample above the threshold is heard; None if none ever is."""
    return play(arrival_seconds, chunks, sample_rate, threshold).first_audible_seconds


def _single_channel(chunk: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the samples in one row; a batch or several channels have no one moment of being heard."""
    if chunk.size and max(chunk.shape, default=1) != chunk.size:
        raise ValueError(f"audio of shape {tuple(chunk.shape)} is not one channel of one example")
    return chunk.reshape(-1)


def _first_above(samples: np.ndarray[Any, Any], threshold: float) -> int | None:
    """Return the index of the first sample louder than the threshold."""
    import numpy as np

    if np.issubdtype(samples.dtype, np.unsignedinteger):
        raise ValueError(f"audio of type {samples.dtype} has no agreed silence; give signed integers or floats")
    if np.issubdtype(samples.dtype, np.integer):
        level = np.abs(samples.astype(np.float64)) / float(np.iinfo(samples.dtype).max)
    else:
        level = np.abs(samples)
        if not np.isfinite(level).all():
            raise ValueError("the audio holds samples that are not finite")
    loud = level > threshold
    index = int(loud.argmax())
    return index if loud[index] else None
