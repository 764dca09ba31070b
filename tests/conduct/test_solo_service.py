"""A service is loaded with many requests at once: after its timing, before its outputs are given once more."""

from __future__ import annotations

from typing import Any, cast

from harness.conduct.solo import Plan, Solo
from harness.phases import Phase
from harness.results import Measurement, Status
from harness.worker import protocol
from harness.worker.pool import Pool
from tests.conduct.test_solo import ANSWERS, ASSIGNMENT, STEPS, Stage, requests, script
from tests.samples import CELL, model, opened


def measure(*levels: int, **replies: Any) -> tuple[Measurement, list[Any]]:
    """What comes of a service for which so many requests at once are declared; the requests its worker had."""
    crowds = [protocol.Crowded(at_once, 10, 0, 10.0 / at_once) for at_once in levels]
    stage = Stage(script(**{"Open": opened(concurrency=levels, uncounted="its own"), "Crowd": crowds, **replies}))
    plan = Plan(timing_seconds=0.5, limit_seconds=60.0)
    measured = Solo(model(), CELL, ASSIGNMENT, cast("Pool", stage), plan, stage, ANSWERS).measure()
    return measured, stage.asked[0]


def test_each_crowd_is_asked_for_after_the_timing_and_before_the_answers() -> None:
    measured, asked = measure(1, 4)
    assert requests(asked)[-5:] == ["Time", "Crowd", "Crowd", *STEPS[-2:]]
    assert [(one.at_once, one.seconds) for one in asked if isinstance(one, protocol.Crowd)] == [(1, 0.25), (4, 0.25)]
    assert measured.value("requests_per_second") == 4.0  # 10 in 2.5 s, against 10 in 10 s
    assert measured.value("errors_fraction") == 0.0


def test_without_crowds_none_is_asked_for() -> None:
    measured, asked = measure()
    assert "Crowd" not in requests(asked)
    assert measured.reading("requests_per_second") is None


def test_a_crowd_that_breaks_the_worker_fails_the_cell() -> None:
    broke = protocol.Broke(phase=Phase.TIMING, text="the server is gone")
    measured, _ = measure(2, Crowd=[broke])
    assert measured.status is Status.FAILED
    assert measured.failure is not None
    assert measured.failure.text == "the server is gone"


def test_of_weights_that_cannot_be_counted_no_share_is_noted() -> None:
    measured, _ = measure()
    assert not any("of the weight bytes converted" in note for note in measured.notes)
