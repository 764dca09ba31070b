"""What is said of one run of a test against stored ones: numbers in, verdicts out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.benchmark_judging import Shelf
from harness.benchmarks.own import Told, cell_of, measurement
from harness.benchmarks.stored import Baseline, Commit, File, Options, Stats, Stored
from harness.comparisons import Outcome
from harness.conduct.order import Order
from harness.expectations import Expectations
from harness.judging import Bench
from harness.results import Condition, Environment, Run

TEST = "bench/test_a.py::test_a"
MACHINE = {"machine": "x86_64", "cpu": {"brand_raw": "A CPU", "count": 2}}
COMMIT = "c" * 40


def told(seconds: float, **more: Any) -> Told:
    return Told(seconds=[seconds] * 5, timer="perf_counter", **more)


def stored(*medians: float, timer: str = "perf_counter", machine: dict[str, Any] = MACHINE) -> Baseline:
    """A file a median, a day apart each."""
    one = [Stored(TEST, Stats(median, median, 5), Options(timer)) for median in medians]
    files = [
        File(machine, (test,), f"2026-11-{day:02}T10:00:00+00:00", Commit(COMMIT)) for day, test in enumerate(one, 1)
    ]
    return Baseline("0001_x", tuple(files))


def judge(now: Told, baseline: Baseline | None, tmp_path, gone: tuple[str, ...] = ()):
    found = measurement(TEST, now)
    run = Run("run", "now", Environment(), {}, (found.cell,), (found,), complete=True)
    bench = Bench(Order(tmp_path), Expectations())
    return Shelf(baseline, MACHINE, {found.cell: now.timer}, gone).judge(bench, run)


@pytest.mark.parametrize(
    ("now", "medians", "outcome"),
    [
        (30.0, (1.0,), Outcome.REGRESSED),
        (2.0, (1.0,), Outcome.SUSPECT),
        (1.0, (1.0,), Outcome.INCONCLUSIVE),
        (1 / 30, (1.0,), Outcome.IMPROVED),
        # Four sessions a day apart that hardly differ: their own spread is what counts.
        (1.2, (1.0, 1.01, 0.99, 1.0), Outcome.REGRESSED),
    ],
)
def test_a_stored_time_says_only_what_sessions_cannot(now: float, medians, outcome: Outcome, tmp_path) -> None:
    (verdict,) = judge(told(now), stored(*medians), tmp_path).verdicts
    assert verdict.outcome is outcome
    assert verdict.of == " (the median round)"
    has_command = outcome in (Outcome.SUSPECT, Outcome.INCONCLUSIVE)
    assert verdict.settle == (f"pytest {TEST} --gate-benchmarks --against {COMMIT[:12]}" if has_command else None)


def test_where_others_used_the_machine_slower_is_no_more_than_suspect(tmp_path) -> None:
    busy = told(30.0, conditions=[Condition("during", other_cpu_fraction=0.5)])
    (verdict,) = judge(busy, stored(1.0), tmp_path).verdicts
    assert verdict.outcome is Outcome.SUSPECT


@pytest.mark.parametrize(
    ("baseline", "key"),
    [
        (stored(1.0, timer="time.process_time"), "timer"),
        (stored(1.0, machine={**MACHINE, "cpu": {"brand_raw": "B", "count": 2}}), "cpu brand_raw"),
    ],
)
def test_what_was_stored_otherwise_is_not_comparable(baseline: Baseline, key: str, tmp_path) -> None:
    (verdict,) = judge(told(1.0), baseline, tmp_path).verdicts
    assert verdict.outcome is Outcome.NOT_COMPARABLE
    assert [one.key for one in verdict.differences] == [key]


@pytest.mark.parametrize(
    ("now", "outcome", "is_fatal"),
    [
        (Told(failure="call: it broke"), Outcome.FAILED, True),
        (Told(skipped="not today"), Outcome.UNSUPPORTED, True),
        (Told(), Outcome.UNSUPPORTED, True),
    ],
)
def test_a_stored_test_that_gives_no_time_any_more_is_red(now: Told, outcome: Outcome, is_fatal, tmp_path) -> None:
    (verdict,) = judge(now, stored(1.0), tmp_path).verdicts
    assert (verdict.outcome, verdict.is_fatal) == (outcome, is_fatal)


@pytest.mark.parametrize("median", [0.0, -1.0])
def test_a_stored_median_of_no_time_says_nothing(median: float, tmp_path) -> None:
    (verdict,) = judge(told(1.0), stored(median), tmp_path).verdicts
    assert verdict.outcome is Outcome.NEW
    (verdict,) = judge(told(30.0), stored(median, 1.0), tmp_path).verdicts
    assert (verdict.outcome, verdict.old) == (Outcome.REGRESSED, 1.0)


@pytest.mark.parametrize(
    "times",
    [
        ("2026-11-01T10:00:00", "2026-11-02T10:00:00+00:00"),  # pytest-benchmark 3 named no zone
        ("", "2026-11-02T10:00:00+00:00"),
        ("yesterday", "today"),
    ],
)
def test_stored_times_of_every_age_of_pytest_benchmark_are_read(times: tuple[str, str], tmp_path) -> None:
    baseline = stored(1.0, 1.0)
    files = tuple(
        File(MACHINE, file.benchmarks, when, file.commit_info) for when, file in zip(times, baseline.files, strict=True)
    )
    (verdict,) = judge(told(30.0), replace(baseline, files=files), tmp_path).verdicts
    assert verdict.outcome is Outcome.REGRESSED


def test_a_test_that_is_gone_is_missing_and_one_that_is_not_stored_is_new(tmp_path) -> None:
    gone = judge(told(1.0), stored(1.0), tmp_path, ("bench/test_a.py::test_b",)).verdicts[-1]
    assert (gone.cell, gone.outcome, gone.is_fatal) == (cell_of("bench/test_a.py::test_b"), Outcome.MISSING, True)
    empty = replace(stored(1.0), files=(File(MACHINE, ()),))
    for baseline in (None, empty):
        (verdict,) = judge(told(1.0), baseline, tmp_path).verdicts
        assert verdict.outcome is Outcome.NEW
        assert "pytest --benchmark-autosave" in verdict.text
