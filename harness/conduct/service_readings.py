"""Turns what was seen of a service into readings: its first byte, its throughput, its failed requests. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from harness.results import Reading
from harness.worker.protocol import Block, Crowded


def service_readings(blocks: Sequence[Block], crowds: Sequence[Crowded]) -> Iterator[Reading]:
    """The readings that only services have; none of anything else."""
    if first := [seconds for block in blocks for seconds in block.first_byte_seconds]:
        yield Reading("first_byte_seconds", median(first))
    if not crowds:
        return
    requests = sum(crowd.requests for crowd in crowds)
    failed = sum(crowd.failed for crowd in crowds)
    error = next((crowd.first_error for crowd in crowds if crowd.first_error), "")
    best = max(crowds, key=_rate)
    if failed == requests:
        yield Reading("requests_per_second", unavailable=f"all {requests} requests failed, the first: {error}")
    else:
        yield Reading("requests_per_second", _rate(best), note=_note(crowds, best))
    note = f"{failed} of {requests}, the first: {error}" if failed else f"0 of {requests} requests"
    yield Reading("errors_fraction", failed / requests, note=note)


def _rate(crowd: Crowded) -> float:
    """Answered requests a second."""
    return (crowd.requests - crowd.failed) / crowd.seconds


def _note(crowds: Sequence[Crowded], best: Crowded) -> str:
    return f"best at {best.at_once} at once; " + "; ".join(_level(crowd) for crowd in crowds)


def _level(crowd: Crowded) -> str:
    """One number of clients: how fast, how long each waited, how much memory."""
    words = f"{crowd.at_once}: {_rate(crowd):.3g}/s"
    if crowd.median_seconds is not None:
        words += f", median {crowd.median_seconds:.3g} s"
    if crowd.peak_bytes is not None:
        words += f", {crowd.peak_bytes / 1e6:.0f} MB"
    return f"{words}, {crowd.failed} failed" if crowd.failed else words
