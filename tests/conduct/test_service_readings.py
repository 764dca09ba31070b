"""Readings that only a service has, worked by hand from what a worker said."""

from __future__ import annotations

from typing import Any

import pytest

from harness.conduct.readings import Replies, readings_of, sample_of
from harness.conduct.service_readings import service_readings
from harness.results import Reading
from harness.worker import protocol
from tests.samples import block, checked, closed, model, opened


def crowd(at_once: int, requests: int, failed: int, seconds: float, **more: Any) -> protocol.Crowded:
    return protocol.Crowded(at_once, requests, failed, seconds, **more)


def read(*crowds: protocol.Crowded, first: tuple[float, ...] = ()) -> dict[str, Reading]:
    return {one.metric: one for one in service_readings((block(first_byte_seconds=first),), crowds)}


def test_what_is_no_service_has_none_of_them() -> None:
    assert read() == {}


def test_the_first_byte_is_the_median_over_all_blocks() -> None:
    blocks = (block(first_byte_seconds=(0.1, 0.5)), block(first_byte_seconds=(0.2,)))
    assert [(one.metric, one.value) for one in service_readings(blocks, ())] == [("first_byte_seconds", 0.2)]


def test_throughput_is_that_of_the_best_crowd_and_every_crowd_is_in_the_note() -> None:
    one = crowd(1, 10, 0, 5.0, median_seconds=0.5, peak_bytes=300_000_000)
    four = crowd(4, 21, 1, 4.0, median_seconds=0.75, first_error="POST … answered 503")
    found = read(one, four)
    assert found["requests_per_second"].value == 5.0  # 20 answered in 4 s, against 10 in 5 s
    assert found["requests_per_second"].note == (
        "best at 4 at once; 1: 2/s, median 0.5 s, 300 MB; 4: 5/s, median 0.75 s, 1 failed"
    )


def test_failed_requests_are_a_share_of_all_with_the_first_one_s_words() -> None:
    found = read(crowd(1, 10, 0, 1.0), crowd(4, 30, 3, 1.0, first_error="POST … answered 503"))
    assert found["errors_fraction"].value == pytest.approx(3 / 40)
    assert found["errors_fraction"].note == "3 of 40, the first: POST … answered 503"
    assert read(crowd(1, 10, 0, 1.0))["errors_fraction"].value == 0.0


def test_where_all_failed_there_is_no_throughput() -> None:
    found = read(crowd(2, 4, 4, 1.0, first_error="it is down"))
    assert found["requests_per_second"].unavailable == "all 4 requests failed, the first: it is down"
    assert found["errors_fraction"].value == 1.0


def test_of_a_service_nothing_is_counted_and_its_memory_is_said_to_be_its_own() -> None:
    whose = "the server's 2 processes, each one's own peak summed; not of this worker"
    told = opened(
        uncounted="a service: its files are its own",
        load_peak=protocol.Peak(peak_bytes=50, note="since it was started"),
        first_peak=protocol.Peak(40, 60, note=whose),
    )
    blocks = (block(),)
    replies = Replies(told, checked(), blocks, closed(steady_peak=protocol.Peak(55, 70, note=whose)))
    found = {one.metric: one for one in readings_of(model(), replies, sample_of(blocks))}
    for name in ("artifact_bytes", "parameters_count", "weights_covered_fraction"):
        assert found[name].unavailable == "a service: its files are its own"
    assert found["conversion_seconds"].unavailable == "a service is taken as it is"
    assert (found["peak_bytes"].value, found["peak_bytes"].note) == (70, whose)
