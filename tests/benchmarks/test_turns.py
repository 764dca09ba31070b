"""The timer that takes turns, used as pytest-benchmark uses one; and two processes that do."""

from __future__ import annotations

import random
import socket
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from harness.benchmarks.ring import TestRing, unusable
from harness.benchmarks.side import GO, TURN_SECONDS, Clock, Turns
from harness.benchmarks.turns import Place
from harness.conduct.duel import CornerLost, Manner

BARE = ("-p", "no:hypothesispytest", "-p", "no:anyio", "--benchmark-max-time=0.03", "--benchmark-min-rounds=3")


def alone(rounds: int, seconds: float, chosen=None) -> tuple[Clock, list[float], int]:
    """So many rounds of so many seconds on a clock whose turn always comes back at once; and how often it went."""
    ours, theirs = socket.socketpair()
    handed = []

    def give_back() -> None:
        while line := theirs.recv(1 << 16):
            handed.extend(line.splitlines())
            theirs.sendall(GO)

    thread = threading.Thread(target=give_back)
    thread.start()
    with ours:
        clock = Clock(Turns(ours), chosen)
        clock.begin_turn()
        told = []
        for _ in range(rounds):
            start = clock()
            time.sleep(seconds)
            end = clock()
            told.append(end - start)
        clock.end_turn()
    thread.join()
    theirs.close()
    return clock, told, len(handed)


def test_a_long_round_is_a_turn_and_a_short_one_only_a_part() -> None:
    clock, told, handed = alone(3, TURN_SECONDS)
    assert handed == 3
    assert [turn[:2] for turn in clock.of_turns(3)] == [(0, 1), (1, 1), (2, 1)]
    assert all(TURN_SECONDS <= seconds < 10 for seconds in told)
    clock, _, handed = alone(40, TURN_SECONDS / 20)
    assert 1 <= handed < 20


def test_of_several_rounds_the_first_after_the_other_side_is_left_out() -> None:
    clock, _, _ = alone(40, TURN_SECONDS / 20)
    timed = Counter(clock._turn_of)
    assert max(timed.values()) > 1
    assert {turn: rounds for turn, rounds, *_ in clock.of_turns(40)} == {
        turn: max(rounds - 1, 1) for turn, rounds in timed.items()
    }


def test_only_the_last_rounds_are_the_benchmark_s() -> None:
    clock, told, _ = alone(5, TURN_SECONDS)
    assert [turn for turn, *_ in clock.of_turns(2)] == [3, 4]
    assert clock.last(2) == pytest.approx(told[-2:])


def test_sleep_is_time_by_the_wall_and_without_waiting_but_none_on_the_cpu() -> None:
    clock, _, _ = alone(3, 0.02)
    for _, _, wall, corrected, computed in clock.of_turns(3):
        assert computed < corrected <= wall


def test_a_timer_that_the_test_chose_is_what_pytest_benchmark_is_told_of() -> None:
    readings = iter(range(100))
    clock, told, _ = alone(3, 0.001, lambda: float(next(readings)))
    assert told == [1.0, 1.0, 1.0]
    assert all(wall < 1 for _, _, wall, *_ in clock.of_turns(3))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder with one test of each kind."""
    (tmp_path / "test_kinds.py").write_text(
        "import time, threading, pytest\n"
        "def test_quick(benchmark): benchmark(sum, range(1_000))\n"
        "@pytest.mark.benchmark(group='slow', timer=time.process_time)\n"
        "def test_pedantic(benchmark): benchmark.pedantic(sum, args=(range(200_000),), rounds=4, iterations=2)\n"
        "def test_threads(benchmark):\n"
        "    def work():\n"
        "        thread = threading.Thread(target=sum, args=(range(300_000),)); thread.start(); thread.join()\n"
        "    benchmark(work)\n"
        "def test_fails(benchmark): benchmark(sum, (1,)); assert 0, 'it is broken'\n"
        "def test_dies(benchmark): import os; os._exit(7)\n"
        "def test_skips(benchmark): pytest.skip('not today')\n"
        "def test_plain(): pass\n"
    )
    return Place("here", sys.executable, tmp_path, tmp_path, BARE)


@pytest.mark.parametrize(("test", "clock"), [("quick", "corrected"), ("pedantic", "corrected"), ("threads", "wall")])
def test_two_processes_make_a_pair(place: Place, test: str, clock: str) -> None:
    ring = TestRing(f"test_kinds.py::test_{test}", place, place, random.Random(1))
    measured = ring.fight(Manner(limit_seconds=60))
    assert measured.clock == clock or not Path("/proc/thread-self/schedstat").exists()
    assert measured.pair.quads >= 1
    assert measured.differences == ()


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ("fails", "the test failed: call: AssertionError: it is broken"),
        ("skips", "the test was skipped: not today"),
        ("dies", r"its process was lost \(ended with 7\)"),
        ("unknown", "the test is not there"),
    ],
)
def test_a_side_that_gives_no_time_says_why(place: Place, test: str, why: str) -> None:
    ring = TestRing(f"test_kinds.py::test_{test}", place, place, random.Random(1))
    with pytest.raises(CornerLost, match=why):
        ring.fight(Manner(limit_seconds=60))


def test_a_module_of_the_other_side_s_tree_is_refused(place: Place) -> None:
    stray = replace(place, shunned=place.root).alone("test_kinds.py::test_quick", 60, lambda: None)
    assert "was imported from the working tree, not from the other side's" in (unusable(stray) or "")


def test_the_tests_with_a_benchmark_are_listed_without_being_run(place: Place) -> None:
    found = place.collected((str(place.root),), 60, lambda: None)
    assert [name.partition("::test_")[2] for name in found.names] == [
        *("quick", "pedantic", "threads", "fails", "dies", "skips")
    ]
