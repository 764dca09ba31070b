import gc
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from harness.probes import Unavailable
from harness.probes.stopwatch import (
    RunDelay,
    Stopwatch,
    first_audible_seconds,
    open_run_delay,
    play,
    quiet_collector,
)


def scripted(*stamps: int):
    """A clock that shows these nanoseconds, one a reading, and breaks when read more often."""
    return iter(stamps).__next__


class FakeDelay:
    def __init__(self, *waited: int) -> None:
        self.nanoseconds = scripted(*waited)

    def belongs_here(self) -> bool:
        return True

    def close(self) -> None:
        pass


def test_a_lap_is_the_difference_of_two_readings() -> None:
    watch = Stopwatch(corrected=False, clock=scripted(1_000, 3_500_001_000))
    assert watch.time(lambda: None).wall_seconds == 3.5


def test_the_wall_clock_is_read_innermost() -> None:
    read: list[str] = []

    def note(name: str):
        def clock() -> int:
            read.append(name)
            return len(read)

        return clock

    class Delay(FakeDelay):
        def __init__(self) -> None:
            self.nanoseconds = note("delay")

    watch = Stopwatch(corrected=True, clock=note("wall"), cpu_clock=note("cpu"), run_delay=Delay)
    watch.time(lambda: read.append("work"))
    assert read == ["delay", "cpu", "wall", "work", "wall", "delay", "cpu"]


@pytest.mark.parametrize(
    ("wall", "waited", "cpu", "expected"),
    [
        (100, 0, 90, 100),  # nobody waited: sleeping or paging belongs to the work
        (100, 30, 60, 70),  # waiting is taken off
        (100, 80, 60, 60),  # waiting of before, booked late: the CPU time is the floor
        (100, 80, 110, 100),  # the CPU clock was read outside the span: never above the wall
    ],
)
def test_waiting_is_taken_off_down_to_the_cpu_time(wall: int, waited: int, cpu: int, expected: int) -> None:
    for lap in (
        Stopwatch(
            corrected=True,
            clock=scripted(0, wall),
            cpu_clock=scripted(7, 7 + cpu),
            run_delay=lambda: FakeDelay(50, 50 + waited),
        ).time(lambda: None),
        Stopwatch(
            corrected=True,
            clock=scripted(0, wall),
            cpu_clock=scripted(7, 7 + cpu),
            run_delay=lambda: FakeDelay(50, 50 + waited),
        ).stream(lambda: ()),
    ):
        assert lap.corrected_seconds == pytest.approx(expected / 1e9)


def test_what_the_work_returns_outlives_the_timed_span() -> None:
    order: list[str] = []

    class Output:
        def __del__(self) -> None:
            order.append("freed")

    def clock() -> int:
        order.append("clock")
        return len(order)

    Stopwatch(corrected=False, clock=clock).time(Output)
    assert order == ["clock", "clock", "freed"]


def test_without_correction_the_lap_says_none_and_the_watch_says_why() -> None:
    watch = Stopwatch(corrected=False)
    assert watch.time(lambda: None).corrected_seconds is None
    assert "single thread" in (watch.uncorrected or "")


def test_a_machine_that_does_not_count_waiting_gives_a_reason() -> None:
    watch = Stopwatch(corrected=True, run_delay=lambda: Unavailable("no such file"))
    assert watch.time(lambda: None).corrected_seconds is None
    assert watch.uncorrected == "no such file"


@pytest.mark.parametrize(
    ("content", "word"), [(None, "No such file"), ("0 0 0\n", "does not count"), ("12\n", "layout"), ("", "layout")]
)
def test_a_missing_or_strange_schedstat_is_unavailable(tmp_path: Path, content: str | None, word: str) -> None:
    path = tmp_path / "schedstat"
    if content is not None:
        path.write_text(content)
    found = open_run_delay(path)
    assert isinstance(found, Unavailable)
    assert word in found.why


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system does not list open files")
def test_an_unusable_schedstat_is_not_left_open(tmp_path: Path) -> None:
    path = tmp_path / "schedstat"
    path.write_text("0 0 0\n")
    open_run_delay(path)
    assert path not in [entry.resolve() for entry in Path("/proc/self/fd").iterdir()]


def test_the_second_field_is_the_waiting_time(tmp_path: Path) -> None:
    path = tmp_path / "schedstat"
    path.write_text("99107033 64838 31\n")
    delay = open_run_delay(path)
    assert isinstance(delay, RunDelay)
    assert delay.nanoseconds() == 64838
    delay.close()


def test_another_thread_cannot_use_the_watch(tmp_path: Path) -> None:
    path = tmp_path / "schedstat"
    path.write_text("9 8 7\n")
    problems: list[Exception] = []
    with Stopwatch(corrected=True, run_delay=lambda: RunDelay(path)) as watch:

        def elsewhere() -> None:
            try:
                watch.time(lambda: None)
            except RuntimeError as problem:
                problems.append(problem)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert "the thread that made it" in str(problems[0])


@pytest.mark.skipif(not Path("/proc/thread-self/schedstat").exists(), reason="this system does not count waiting")
def test_real_waiting_is_taken_off_and_real_work_is_not() -> None:
    core = min(os.sched_getaffinity(0))
    rival = os.fork()
    if rival == 0:
        os.sched_setaffinity(0, {core})
        while True:
            pass
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {core})

        def work() -> None:
            end = time.thread_time_ns() + 60_000_000
            while time.thread_time_ns() < end:
                pass

        with Stopwatch(corrected=True) as watch:
            laps = [watch.time(work) for _ in range(5)]
    finally:
        os.sched_setaffinity(0, allowed)
        os.kill(rival, 9)
        os.waitpid(rival, 0)
    assert sum(lap.wall_seconds for lap in laps) > 1.3 * sum(lap.corrected_seconds or 0 for lap in laps)
    assert all((lap.corrected_seconds or 0) >= 0.06 for lap in laps)


def test_each_chunk_of_a_stream_has_its_seconds_and_its_arrival() -> None:
    watch = Stopwatch(corrected=False, clock=scripted(0, 2_000_000_000, 5_000_000_000, 6_000_000_000))
    lap = watch.stream(lambda: iter("ab"), keep=True)
    assert lap.chunk_seconds == (2, 3)
    assert lap.arrival_seconds == (2, 5)
    assert lap.wall_seconds == 6
    assert lap.chunks == ("a", "b")


def test_the_first_chunk_includes_beginning_the_stream() -> None:
    now = [0]

    def begin() -> Iterator[str]:
        now[0] += 4_000_000_000
        return iter("a")

    assert Stopwatch(corrected=False, clock=lambda: now[0]).stream(begin).chunk_seconds == (4,)


def test_chunks_are_let_go_unless_kept() -> None:
    assert Stopwatch(corrected=False).stream(lambda: iter("ab")).chunks == ()


def test_a_stream_that_breaks_breaks_the_lap() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        Stopwatch(corrected=False).stream(broken)


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_quiet_inside_and_as_before_afterwards(enabled: bool) -> None:
    was = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        with quiet_collector():
            assert not gc.isenabled()
            assert gc.get_freeze_count() > 0
        assert gc.isenabled() is enabled
        assert gc.get_freeze_count() == 0
        with pytest.raises(KeyError), quiet_collector():
            raise KeyError
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was else gc.disable)()


def test_what_another_froze_stays_frozen() -> None:
    gc.freeze()
    try:
        with quiet_collector():
            pass
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


SILENCE = np.zeros(100, dtype=np.float32)
TONE = np.full(100, 0.5, dtype=np.float32)
LATE_TONE = np.concatenate([np.zeros(50, dtype=np.float32), np.full(50, 0.5, dtype=np.float32)])


@pytest.mark.parametrize(
    ("arrivals", "chunks", "heard"),
    # 100 samples at 100 a second: every chunk plays for one second.
    [
        ([0.3], [TONE], 0.3),
        ([0.3], [LATE_TONE], 0.8),
        ([0.3, 0.4], [SILENCE, TONE], 1.3),  # it came early, but is heard after the silence before it
        ([0.3, 2.0], [SILENCE, TONE], 2.0),  # it came late
        ([0.3, 0.4], [np.zeros(0, np.float32), TONE], 0.4),  # an empty chunk plays for no time
        ([0.3, 0.4], [SILENCE, SILENCE], None),
        ([], [], None),
    ],
)
def test_the_first_audible_sample_is_heard_when_it_is_played(arrivals, chunks, heard) -> None:
    assert first_audible_seconds(arrivals, chunks, 100) == (None if heard is None else pytest.approx(heard))


@pytest.mark.parametrize(
    ("level", "audible"),
    [(0.0031, False), (0.0032, True), (-0.0032, True), (np.int16(103), False), (np.int16(104), True)],
)
def test_fifty_decibels_below_full_scale_is_the_limit(level, audible: bool) -> None:
    # 10^(-50/20) = 0.0031623; of 32767 that is 103.6.
    chunk = np.full(10, level)
    assert (first_audible_seconds([1.0], [chunk], 100) is not None) is audible


def test_a_late_chunk_is_an_underrun_as_long_as_the_silence() -> None:
    heard = play([0.5, 1.0, 3.0], [TONE, TONE, TONE], 100)
    # Plays 0.5 to 1.5, 1.5 to 2.5, then nothing until 3.0.
    assert heard.underrun_seconds == pytest.approx((0.5,))
    assert heard.gap_seconds == pytest.approx((0.5, 2.0))
    assert heard.audio_seconds == pytest.approx(3.0)


def test_a_row_of_one_channel_is_audio_and_two_channels_are_not() -> None:
    assert first_audible_seconds([0.0], [TONE.reshape(1, 1, -1)], 100) == 0.0
    with pytest.raises(ValueError, match="one channel"):
        first_audible_seconds([0.0], [TONE.reshape(2, -1)], 100)


@pytest.mark.parametrize(
    ("arrivals", "chunks", "rate"),
    [
        ([0.0], [], 100),
        ([0.0], [TONE], 0),
        ([1.0, 0.5], [TONE, TONE], 100),
        ([0.0], [np.array([np.nan, 1.0])], 100),
        ([0.0], [np.full(4, 200, dtype=np.uint8)], 100),
    ],
)
def test_streams_that_make_no_sense_are_refused(arrivals, chunks, rate) -> None:
    with pytest.raises(ValueError):
        play(arrivals, chunks, rate)
