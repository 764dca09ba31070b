"""Asks a worker whose session is closed what fp32 has to do, and how fast the machine is at its best.

Whatever goes wrong is said where the number would stand; the cell's own measurement is safe by then.
"""

from __future__ import annotations

from harness.limits import Rates, Work
from harness.worker import protocol
from harness.worker.link import Worker, WorkerLost

_MOST_PASS_SECONDS = 60.0


def counted(worker: Worker, pass_seconds: float, limit_seconds: float) -> Work:
    """The work of a pass; counting takes about one more."""
    if pass_seconds > _MOST_PASS_SECONDS:
        long = f"a pass takes {pass_seconds:.0f} s, and counting it as long again"
        return Work(unavailable=f"{long}; choose fewer examples (--sample-percent)")
    try:
        reply = worker.ask(protocol.CountWork(), limit_seconds)
    except WorkerLost as lost:
        return Work(unavailable=lost.text)
    return reply.work if isinstance(reply, protocol.Counted) else Work(unavailable=_said(reply))


def rates_of(
    worker: Worker, runtime: str, assignment: protocol.Assignment, seconds: float, limit_seconds: float
) -> Rates:
    """The rates, or why there are none, under the name of the request."""
    try:
        reply = worker.ask(protocol.MeasureRates(seconds), limit_seconds)
    except WorkerLost as lost:
        why = lost.text
    else:
        if isinstance(reply, protocol.Rated):
            return reply.rates
        why = _said(reply)
    return Rates(runtime, assignment.device, assignment.threads, unavailable={"rates": why})


def _said(reply: protocol.Reply) -> str:
    match reply:
        case protocol.Broke(_, text) | protocol.CannotRun(_, text):
            return text
        case _:
            return f"the worker answered with {type(reply).__name__}"
