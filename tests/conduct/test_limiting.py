"""Whatever becomes of a worker that counts or measures rates, there is an answer that says so."""

from __future__ import annotations

from typing import Any, cast

import pytest

from harness.cells import Reason
from harness.conduct.limiting import counted, rates_of
from harness.limits import CallWork, Rates, Work
from harness.results import Phase
from harness.worker import protocol
from harness.worker.link import Worker, WorkerDied, WorkerTimedOut

ASSIGNMENT = protocol.Assignment("m", None, "tone", "fp32", "cpu", "-", "-", threads=2)
WORK = Work("torch", ((CallWork(1.0),),))
ENDS = [
    (WorkerDied(Phase.LIMIT, "it went", ""), "it went"),
    (WorkerTimedOut(Phase.LIMIT, "no answer", ""), "no answer"),
    (protocol.Broke(Phase.LIMIT, "no such shape"), "no such shape"),
    (protocol.CannotRun(Reason.NO_KERNEL, "no kernel"), "no kernel"),
]


class Scripted:
    def __init__(self, reply: object) -> None:
        self._reply = reply
        self.asked: list[object] = []

    def ask(self, request: object, limit_seconds: float) -> Any:
        self.asked.append((request, limit_seconds))
        if isinstance(self._reply, Exception):
            raise self._reply
        return self._reply


def worker(reply: object) -> Worker:
    return cast("Worker", Scripted(reply))


def test_the_work_is_what_the_worker_counted() -> None:
    assert counted(worker(protocol.Counted(WORK)), 1.0, 60.0) == WORK


@pytest.mark.parametrize(("end", "said"), ENDS)
def test_work_that_could_not_be_counted_says_why(end, said: str) -> None:
    assert counted(worker(end), 1.0, 60.0) == Work(unavailable=said)


def test_a_pass_that_takes_long_is_not_made_once_more() -> None:
    silent = Scripted(protocol.Counted(WORK))
    found = counted(cast("Worker", silent), 61.0, 600.0)
    assert "a pass takes 61 s" in found.unavailable
    assert silent.asked == []


def test_the_rates_are_what_the_worker_measured() -> None:
    rates = Rates("torch", "cpu", 2, {"fp32": 1.0})
    asked = Scripted(protocol.Rated(rates))
    assert rates_of(cast("Worker", asked), "torch", ASSIGNMENT, 0.3, 60.0) == rates
    assert asked.asked == [(protocol.MeasureRates(0.3), 60.0)]


@pytest.mark.parametrize(("end", "said"), ENDS)
def test_rates_that_could_not_be_measured_say_why(end, said: str) -> None:
    found = rates_of(worker(end), "torch", ASSIGNMENT, 1.0, 60.0)
    assert found == Rates("torch", "cpu", 2, unavailable={"rates": said})
