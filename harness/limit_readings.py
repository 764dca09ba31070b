"""Puts beside every measured cell the least time that the machine allows for its work, and the share it reaches.

Pure: from the records of a run. The work is that of fp32 on the same device (or on the CPU): the other precisions have
the same to do. Where one makes less of it (fewer tokens, a shorter sound), so much less is asked of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from harness.cells import Cell
from harness.limits import Limit, Rates, Work, limit_of
from harness.results import Measurement, Reading, Status

_REFERENCE, _HOST = "fp32", "cpu"
_METRICS = ("limit_seconds", "limit_share_fraction")
_MADE = {"tokens_count": "tokens", "audio_seconds": "audio"}

CONTRADICTION = (
    "faster than the limit, which cannot be: the machine was slower while its rates were measured,"
    " or a kernel does with fewer operations than were counted; measure again"
)


class _Unknown(Exception):
    """There is no limit; the text says why."""


def with_limits(measurements: Iterable[Measurement], rates: Sequence[Rates]) -> tuple[Measurement, ...]:
    """The measurements, each with its limit or with why there is none. Untouched where no limit was asked for."""
    found = tuple(measurements)
    cells = {one.cell: one for one in found}
    if not rates and not any(one.work for one in found):
        return found
    return tuple(
        replace(one, readings=(*one.readings, *_readings(one, cells, rates)))
        if one.status is Status.MEASURED and not any(one.reading(name) for name in _METRICS)
        else one
        for one in found
    )


def joined(rates: Iterable[Rates]) -> tuple[Rates, ...]:
    """The best of what was measured several times."""
    best: dict[tuple[str, str, int], Rates] = {}
    for one in rates:
        key = (one.runtime, one.device, one.threads)
        best[key] = best[key].joined(one) if key in best else one
    return tuple(best.values())


def _readings(measured: Measurement, cells: dict[Cell, Measurement], rates: Sequence[Rates]) -> tuple[Reading, Reading]:
    try:
        reference, work = _work(measured, cells)
        reached = _rates(work, measured.cell, rates)
        limit, note = _limit(measured, reference, work, reached)
    except _Unknown as unknown:
        return Reading("limit_seconds", unavailable=str(unknown)), Reading(
            "limit_share_fraction", unavailable=str(unknown)
        )
    latency = measured.value("latency_seconds")
    if not latency:
        return Reading("limit_seconds", limit, note=note), Reading(
            "limit_share_fraction", unavailable="no latency to divide by"
        )
    share = limit / latency
    doubt = CONTRADICTION if share > 1 else note
    return Reading("limit_seconds", limit, note=note), Reading("limit_share_fraction", share, note=doubt)


def _work(measured: Measurement, cells: dict[Cell, Measurement]) -> tuple[Measurement, Work]:
    """What fp32 had to do, and its measurement."""
    cell = measured.cell
    places = (Cell(cell.model, _REFERENCE, device) for device in (cell.device, _HOST))
    reference = next((cells[place] for place in places if place in cells and cells[place].work), None)
    if reference is None or reference.work is None:
        raise _Unknown(f"the work is counted in {_REFERENCE}, which was not measured here; choose it, too")
    if reference.work.unavailable:
        raise _Unknown(f"the work could not be counted: {reference.work.unavailable}")
    own, other = (one.provenance.workload_digest if one.provenance else None for one in (measured, reference))
    if own != other:
        raise _Unknown(f"{_REFERENCE} was measured on other examples")
    return reference, reference.work


def _rates(work: Work, cell: Cell, rates: Sequence[Rates]) -> Rates:
    found = next((one for one in rates if (one.runtime, one.device) == (work.runtime, cell.device)), None)
    if found is None:
        raise _Unknown(f"how fast {work.runtime} is on {cell.device} at its best was not measured")
    return found


def _limit(measured: Measurement, reference: Measurement, work: Work, rates: Rates) -> tuple[float, str]:
    """The limit of one inference, and how it comes about."""
    assert measured.sample is not None
    assert measured.provenance is not None
    limit = limit_of(work, rates, measured.cell.precision, measured.provenance.count_by_dtype)
    if limit is None:
        missing = "; ".join(f"{kind}: {why}" for kind, why in rates.unavailable.items())
        raise _Unknown(f"no rate of arithmetic is known that {measured.cell.precision} may use ({missing})")
    made, less = _made(measured, reference)
    share = made * measured.sample.passes / len(measured.sample.wall_seconds)
    return limit.seconds * share, f"{_cause(limit, work, share)}{less}"


def _cause(limit: Limit, work: Work, share: float) -> str:
    computing, reading = limit.arithmetic_seconds * share, limit.reading_seconds * share
    return (
        f"{limit.binds} binds: {_short(work.operations * share)} operations take {_milliseconds(computing)},"
        f" reading the weights {_milliseconds(reading)}"
    )


def _made(measured: Measurement, reference: Measurement) -> tuple[float, str]:
    """How much of fp32's output this precision makes, at most all of it, and words where it is not."""
    shares = [
        (own / other, words)
        for metric, words in _MADE.items()
        if (own := measured.value(metric)) and (other := reference.value(metric))
    ]
    least, words = min(shares, default=(1.0, ""))
    return (1.0, "") if least >= 1 else (least, f"; it makes {least:.4g} of the {words} that {_REFERENCE} makes")


def _short(number: float) -> str:
    for least, name in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if number >= least:
            return f"{number / least:.3g} {name}"
    return f"{number:.0f}"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms"
