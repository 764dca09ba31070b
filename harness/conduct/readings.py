"""Turns what a worker said into readings. Pure: every value comes from the replies, every gap says why."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from harness.conduct.service_readings import service_readings
from harness.models import Model
from harness.results import Reading, Sample
from harness.stats.estimates import median, percentile, percentile_supported, support_needed
from harness.worker.protocol import Block, Checked, Closed, Crowded, Opened, Peak

Item = TypeVar("Item")

PERCENTILES = {"latency_p90_seconds": 0.90, "latency_p95_seconds": 0.95, "latency_p99_seconds": 0.99}


@dataclass(frozen=True, slots=True)
class Replies:
    """All that a worker said of one cell."""

    opened: Opened
    checked: Checked
    blocks: tuple[Block, ...]
    closed: Closed
    crowds: tuple[Crowded, ...] = ()


def sample_of(blocks: Iterable[Block]) -> Sample:
    """Join the blocks into one sample, in the order measured."""
    blocks = tuple(blocks)
    return Sample(
        example_ids=_joined(block.example_ids for block in blocks),
        wall_seconds=_joined(block.wall_seconds for block in blocks),
        corrected_seconds=_joined_or_none(block.corrected_seconds for block in blocks),
        device_seconds=_joined_or_none(block.device_seconds for block in blocks),
        passes=sum(block.passes for block in blocks),
    )


def stages_of(model: Model, blocks: Iterable[Block]) -> dict[str, float]:
    """The median seconds of each stage of an inference, where the model has stages."""
    seconds = [stages for block in blocks for stages in block.stage_seconds]
    return {name: median(column) for name, column in zip(model.stages, zip(*seconds, strict=True), strict=False)}


def readings_of(model: Model, replies: Replies, sample: Sample) -> tuple[Reading, ...]:
    """Every metric that applies to the cell, in the order of the report."""
    return (
        *_latency(sample, replies),
        *_audio(model, replies, sample),
        *_streamed(model, replies, sample),
        *service_readings(replies.blocks, replies.crowds),
        *_loading(replies.opened),
        *_memory(replies),
        *_device_memory(replies.closed),
        *_artifact(replies.opened),
        _energy(replies.closed, sample),
    )


def _latency(sample: Sample, replies: Replies) -> Iterator[Reading]:
    wall = sample.wall_seconds
    # A median over long and short examples can lie between the two, where no inference is; passes all have one mix.
    passes = [seconds for block in replies.blocks for seconds in block.pass_seconds]
    middle = median(passes) if len(passes) > 1 else passes[0]
    yield Reading("latency_seconds", middle * sample.passes / len(wall))
    yield Reading("latency_p50_seconds", median(wall))
    for name, quantile in PERCENTILES.items():
        if percentile_supported(quantile, len(wall)):
            yield Reading(name, percentile(wall, quantile))
        else:
            needed = support_needed(quantile)
            yield Reading(name, unavailable=f"{len(wall)} inferences; {needed} are needed: raise --cell-seconds")
    if sample.corrected_seconds is None:
        why = next((block.corrected_unavailable for block in replies.blocks if block.corrected_unavailable), "not kept")
        yield Reading("corrected_p50_seconds", unavailable=why)
    else:
        yield Reading("corrected_p50_seconds", median(sample.corrected_seconds))
    if sample.device_seconds is not None:
        yield Reading("device_p50_seconds", median(sample.device_seconds))
    yield Reading("throughput_per_second", len(wall) / math.fsum(wall))


def _audio(model: Model, replies: Replies, sample: Sample) -> Iterator[Reading]:
    lengths = replies.checked.audio_seconds
    if any(seconds is not None for seconds in lengths):
        known = [seconds for seconds in lengths if seconds is not None]
        if len(known) < len(lengths):
            why = f"{len(lengths) - len(known)} of {len(lengths)} examples have no audio length"
            yield Reading("real_time_factor", unavailable=why)
        elif not math.fsum(known):
            yield Reading("real_time_factor", unavailable="the examples hold no audio")
        else:
            total = math.fsum(known)
            passes = [seconds for block in replies.blocks for seconds in block.pass_seconds]
            yield Reading("audio_seconds", total)
            yield Reading("real_time_factor", median(passes) / total)
    if tokens := replies.checked.tokens:
        passes = [seconds for block in replies.blocks for seconds in block.pass_seconds]
        yield Reading("tokens_count", tokens)
        yield Reading("token_seconds", median(passes) / tokens)
    if model.audio is not None:
        heard = [seconds for block in replies.blocks for seconds in block.first_audible_seconds]
        expected = sample.passes * len(lengths)
        if len(heard) == expected:
            yield Reading("first_audible_seconds", median(heard))
        else:
            why = f"{expected - len(heard)} of {expected} outputs had no audible sample"
            yield Reading("first_audible_seconds", unavailable=why)


def _streamed(model: Model, replies: Replies, sample: Sample) -> Iterator[Reading]:
    if not model.streaming:
        return
    gaps = [seconds for block in replies.blocks for seconds in block.chunk_gaps]
    for name, pick in (("chunk_gap_p50_seconds", median), ("chunk_gap_max_seconds", max)):
        if len(gaps) > 1:
            yield Reading(name, pick(gaps))
        else:
            yield Reading(name, unavailable=f"{len(gaps)} gaps between chunks; two are needed")
    if model.audio is None:
        return
    streams = [one for block in replies.blocks for one in block.underruns]
    examples = len(replies.checked.audio_seconds)
    if silent := sample.passes * examples - len(streams):
        why = f"{silent} of {sample.passes * examples} streams were not played"
        yield Reading("underruns_count", unavailable=why)
        yield Reading("underrun_seconds", unavailable=why)
        return
    by_pass = [_joined(streams[first : first + examples]) for first in range(0, len(streams), examples)]
    yield Reading("underruns_count", median([len(one) for one in by_pass]))
    yield Reading("underrun_seconds", median([math.fsum(one) for one in by_pass]))


def _loading(opened: Opened) -> Iterator[Reading]:
    yield Reading("import_seconds", opened.import_seconds)
    seconds = None if opened.uncounted else opened.artifact.conversion_seconds
    if seconds is None:
        yield Reading("conversion_seconds", unavailable="a service is taken as it is")
    else:
        yield Reading("conversion_seconds", seconds, note="in a process of its own, kept after")
    yield Reading("open_seconds", opened.open_seconds)
    yield Reading("first_inference_seconds", opened.first_inference_seconds)


def _memory(replies: Replies) -> Iterator[Reading]:
    phases = {
        "peak_load_bytes": replies.opened.load_peak,
        "peak_first_bytes": replies.opened.first_peak,
        "peak_steady_bytes": replies.closed.steady_peak,
    }
    unknown = next((peak for peak in phases.values() if peak.peak_bytes is None), None)
    if unknown is None:
        highest = max(phases.values(), key=lambda peak: peak.peak_bytes or 0)
        loading = replies.opened.load_peak
        note = highest.note
        if loading.start_bytes is not None:
            note = f"of which {loading.start_bytes / 1e6:.0f} MB were resident before the model was loaded"
        yield Reading("peak_bytes", highest.peak_bytes, note=note)
    else:
        yield Reading("peak_bytes", unavailable=unknown.unavailable)
    for name, peak in phases.items():
        yield _peak(name, peak)
    steady = replies.closed.steady_peak
    if steady.peak_bytes is None or steady.start_bytes is None:
        yield Reading("steady_growth_bytes", unavailable=steady.unavailable or "the start of the phase is not known")
    else:
        yield Reading("steady_growth_bytes", max(0, steady.peak_bytes - steady.start_bytes))


def _peak(name: str, peak: Peak) -> Reading:
    if peak.peak_bytes is None:
        return Reading(name, unavailable=peak.unavailable)
    return Reading(name, peak.peak_bytes, note=peak.note)


def _device_memory(closed: Closed) -> Iterator[Reading]:
    silent = closed.device_unavailable or "the device does not say"
    yield _or_why("device_before_bytes", closed.device_before_bytes, silent)
    yield _or_why("device_during_bytes", closed.device_during_bytes, silent)
    yield _or_why("device_peak_bytes", closed.device_peak_bytes, silent)
    yield _or_why("device_after_bytes", closed.device_after_bytes, silent)
    yield _or_why("device_reserved_bytes", closed.device_reserved_bytes, silent)
    yield _or_why("device_process_bytes", closed.device_process_bytes, closed.device_process_unavailable or silent)


def _or_why(metric: str, value: float | None, why: str) -> Reading:
    return Reading(metric, value) if value is not None else Reading(metric, unavailable=why)


def _artifact(opened: Opened) -> Iterator[Reading]:
    if opened.uncounted:
        for name in ("artifact_bytes", "parameters_count", "weights_covered_fraction"):
            yield Reading(name, unavailable=opened.uncounted)
        return
    coverage = opened.artifact.coverage
    yield Reading("artifact_bytes", opened.artifact.size_bytes)
    yield Reading("parameters_count", opened.parameter_count)
    if coverage.total_bytes:
        note = f"{coverage.converted_count} of {coverage.total_count} weight tensors"
        yield Reading("weights_covered_fraction", coverage.fraction, note=note)
    else:
        yield Reading("weights_covered_fraction", unavailable="the reference holds no weights that can be counted")


def _energy(closed: Closed, sample: Sample) -> Reading:
    if closed.joules is None:
        return Reading("energy_joules_per_inference", unavailable=closed.joules_unavailable or "no counter")
    note = "of the whole device, idle share included"
    return Reading("energy_joules_per_inference", closed.joules / len(sample.wall_seconds), note=note)


def _joined(parts: Iterable[tuple[Item, ...]]) -> tuple[Item, ...]:
    return tuple(item for part in parts for item in part)


def _joined_or_none(parts: Iterable[tuple[float, ...] | None]) -> tuple[float, ...] | None:
    """Join parts of which every one is there; a value that is missing for a block is missing for the sample."""
    kept = tuple(parts)
    if any(part is None for part in kept):
        return None
    return tuple(value for part in kept if part is not None for value in part)
