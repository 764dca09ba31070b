"""What a test told in this process, as a measurement."""

import time
from types import SimpleNamespace

import pytest
from pytest_benchmark.stats import Metadata

from harness.benchmarks.own import Told, measurement
from harness.benchmarks.side import ROUNDS_KEPT
from harness.cells import Cell, Reason
from harness.results import Status
from harness.stats.passes import pass_means


def test_rounds_become_a_sample_whose_passes_they_are() -> None:
    found = measurement("t.py::test_a", Told(seconds=[1.0, 2.0, 6.0], iterations=10))
    assert found.cell == Cell("t.py::test_a", "as-is", "cpu")
    # The middle one; three calls in nine seconds.
    assert found.value("latency_seconds") == 2.0
    assert found.value("throughput_per_second") == pytest.approx(1 / 3)
    assert found.sample is not None
    assert pass_means(found.sample) == (1.0, 2.0, 6.0)


def test_of_very_many_rounds_some_by_chance_are_kept_in_order_and_that_is_said() -> None:
    found = measurement("t", Told(seconds=[1.0 + number for number in range(ROUNDS_KEPT * 3)]))
    assert found.sample is not None
    kept = found.sample.wall_seconds
    assert len(kept) == ROUNDS_KEPT
    assert list(kept) == sorted(set(kept))
    reading = found.reading("latency_seconds")
    assert reading is not None
    assert "3,000 rounds by pytest-benchmark; 1,000 of them, by chance" in (reading.note or "")


@pytest.mark.parametrize(
    ("told", "status", "words"),
    [
        (Told(failure="call: it broke", seconds=[1.0, 1.0]), Status.FAILED, "call: it broke"),
        (Told(skipped="not today"), Status.UNSUPPORTED, "not today"),
        (Told(), Status.UNSUPPORTED, "timed nothing with its fixture"),
        (Told(seconds=[0.0, 1.0]), Status.FAILED, "rounds of no time; give it more to do"),
    ],
)
def test_a_test_without_a_time_says_why(told: Told, status: Status, words: str) -> None:
    found = measurement("t", told)
    assert found.status is status
    assert found.reason is (Reason.SKIPPED if status is Status.UNSUPPORTED else None)
    assert words in (found.text or found.failure.text)  # type: ignore[union-attr]


def test_rounds_of_many_calls_are_taken_over_as_pytest_benchmark_tells_them() -> None:
    """Its own statistics hold seconds of one call: a round of ten calls in 5 s is half a second each."""
    there = SimpleNamespace(
        name="n", fullname="f", group=None, param=None, params=None, extra_info={}, cprofile_stats=None
    )
    stats = Metadata(there, iterations=10, options={"timer": time.perf_counter})
    for round_seconds in (5.0, 6.0, 7.0):
        stats.update(round_seconds)
    told = Told()
    told.read(SimpleNamespace(stats=stats))
    assert (told.seconds, told.iterations, told.timer) == ([0.5, 0.6, 0.7], 10, "perf_counter")
    assert measurement("t.py::test_a", told).value("latency_seconds") == stats.stats.median == 0.6
