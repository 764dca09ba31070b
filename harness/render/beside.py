"""What people ask of a cell beside its readings: mean ± sd of its times, and what it saves against fp32 in per cent."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean, stdev

from harness.render import numbers
from harness.results import Measurement, Sample

_SAVED = (
    ("artifact_bytes", "model size", "of the artifact on disk"),
    ("peak_bytes", "peak memory", "of the worker's highest resident memory"),
    ("device_peak_bytes", "peak on the device", "of the highest memory allocated on the device"),
)


def spread_entries(sample: Sample) -> Iterator[tuple[str, str, str]]:
    """Name, text and meaning of how far the times of single inferences lie apart."""
    times = sample.wall_seconds
    said = f"{numbers.seconds(fmean(times))} ± {numbers.seconds(stdev(times))}"
    yield "mean ± sd", said, f"of {numbers.count(len(times))} inferences, examples of all lengths together"
    yield "shortest, longest", f"{numbers.seconds(min(times))}, {numbers.seconds(max(times))}", "of the same"


def saved_entries(own: Measurement, fp32: Measurement) -> Iterator[tuple[str, str, str]]:
    """Name, text and meaning of what a cell saves, or takes more, beside the fp32 of its model."""
    for metric, name, of in _SAVED:
        now, before = own.value(metric), fp32.value(metric)
        if now is not None and before:
            device = "" if fp32.cell.device == own.cell.device else f" on {fp32.cell.device}"
            shown = f"{numbers.bytes_(before)} → {numbers.bytes_(now)}"
            yield name, f"{reduction(now / before)} ({shown})", f"{of}, beside fp32{device}"


def reduction(share: float) -> str:
    """A share of fp32's as what is saved of it, or needed more, in per cent."""
    per_cent = abs(1 - share) * 100
    text = f"{per_cent:.0f}" if per_cent >= 9.95 else f"{per_cent:.1f}"
    if float(text) == 0:
        return "the same"
    return f"{text} % {'less' if share < 1 else 'more'}"
