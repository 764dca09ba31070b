"""What a metric is: its name, unit, which way is better, and the margin it is judged by unless told otherwise.

`METRICS` are read off a measurement; those of what came out stand in `quality_metrics`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Better(StrEnum):
    """Which direction of a metric is an improvement."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"


class Pool(StrEnum):
    """How the terms of single examples make the value of a metric."""

    MEAN = "mean"
    """One number an example; the value is their mean."""
    SHARE = "share"
    """One 0 or 1 an example; the value is the share of ones."""
    RATIO = "ratio"
    """Two numbers an example; the value is the sum of the first over the sum of the second."""
    GREATEST = "greatest"
    """One number an example; the value is the greatest."""
    RANKED = "ranked"
    """A score and a label (0 or 1) an example; the value is the area under the ROC curve."""
    CALIBRATED = "calibrated"
    """A probability and a label an example; the value is the expected calibration error over ten bins."""
    BLEU = "bleu"
    """Statistics of BLEU an example: length of hypothesis, of reference, then matches and totals of 1- to 4-grams."""
    CHRF = "chrf"
    """Statistics of chrF++ an example: for each order, the n-grams of the hypothesis, of the reference, and common."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A quantity that can be measured of a cell.

    `margin` is relative for what is read off a measurement; of quality it is in the metric's own unit: how much may be
    lost. `ceiling` is the value of what is the same as the reference, or perfect. `unusable` is the value from which on
    the outputs are wrong and no result. `is_judged`: a change of it can fail a gate; else it is shown.
    `of_reference`: it is measured against the outputs of fp32, so that fp32 itself is at the ceiling.
    """

    name: str
    unit: str
    better: Better
    margin: float
    summary: str
    pool: Pool | None = None
    ceiling: float | None = None
    unusable: float | None = None
    is_judged: bool = True
    of_reference: bool = False

    @property
    def is_quality(self) -> bool:
        """Whether it is of what came out, example by example."""
        return self.pool is not None


_LOWER, _HIGHER, _NEITHER = Better.LOWER, Better.HIGHER, Better.NEITHER

METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("latency_seconds", "s", _LOWER, 0.03, "wall time of one inference: mean of a pass, median of passes"),
        Metric("latency_p50_seconds", "s", _LOWER, 0.05, "median wall time over all inferences, short and long alike"),
        Metric("latency_p90_seconds", "s", _LOWER, 0.10, "90th percentile of the wall time"),
        Metric("latency_p95_seconds", "s", _LOWER, 0.10, "95th percentile of the wall time"),
        Metric("latency_p99_seconds", "s", _LOWER, 0.15, "99th percentile of the wall time"),
        Metric("corrected_p50_seconds", "s", _LOWER, 0.05, "median time without waiting for a core"),
        Metric("device_p50_seconds", "s", _LOWER, 0.05, "median time by the device's own events"),
        Metric("throughput_per_second", "1/s", _HIGHER, 0.05, "inferences a second, one after the other"),
        Metric("real_time_factor", "s/s", _LOWER, 0.05, "wall seconds a second of audio"),
        Metric("token_seconds", "s", _LOWER, 0.05, "wall seconds a token made"),
        Metric("tokens_count", "", _NEITHER, 0.0, "tokens made in one pass of the workload"),
        Metric("audio_seconds", "s", _NEITHER, 0.0, "audio made or heard in one pass of the workload"),
        Metric("first_audible_seconds", "s", _LOWER, 0.05, "median time until the first audible sample is heard"),
        Metric("chunk_gap_p50_seconds", "s", _LOWER, 0.05, "median time between two chunks of a stream"),
        Metric("chunk_gap_max_seconds", "s", _LOWER, 0.25, "longest time between two chunks of a stream"),
        Metric("underruns_count", "", _LOWER, 0.0, "silences heard between the chunks of a stream, median of passes"),
        Metric("underrun_seconds", "s", _LOWER, 0.25, "silence heard between chunks in a pass, median of passes"),
        Metric("first_byte_seconds", "s", _LOWER, 0.05, "median time until a service's first byte of the answer"),
        Metric("requests_per_second", "1/s", _HIGHER, 0.05, "requests a service answers, the best of the crowds tried"),
        Metric("errors_fraction", "", _LOWER, 0.0, "share of the requests of all crowds that failed"),
        Metric("import_seconds", "s", _LOWER, 0.15, "cold import of the runtime"),
        Metric("conversion_seconds", "s", _LOWER, 0.25, "making the artifact, when it was made"),
        Metric("open_seconds", "s", _LOWER, 0.15, "creating the session from the artifact"),
        Metric("first_inference_seconds", "s", _LOWER, 0.15, "the very first inference"),
        Metric("peak_bytes", "B", _LOWER, 0.01, "highest resident memory of the worker in any phase"),
        Metric("peak_load_bytes", "B", _LOWER, 0.01, "highest resident memory while loading"),
        Metric("peak_first_bytes", "B", _LOWER, 0.01, "highest resident memory during the first inference"),
        Metric("peak_steady_bytes", "B", _LOWER, 0.01, "highest resident memory while timing"),
        Metric("steady_growth_bytes", "B", _LOWER, 0.03, "steady peak above what was resident when timing began"),
        Metric("device_before_bytes", "B", _LOWER, 0.01, "memory allocated on the device when timing began"),
        Metric("device_during_bytes", "B", _LOWER, 0.01, "highest memory allocated on the device while timing"),
        Metric("device_peak_bytes", "B", _LOWER, 0.01, "highest memory allocated on the device in any phase"),
        Metric("device_after_bytes", "B", _LOWER, 0.01, "memory allocated on the device when timing was over"),
        Metric("device_reserved_bytes", "B", _LOWER, 0.01, "highest memory reserved on the device"),
        Metric("device_process_bytes", "B", _LOWER, 0.02, "device memory of the process as the driver counts it"),
        Metric("artifact_bytes", "B", _LOWER, 0.0, "size of the artifact on disk"),
        Metric("parameters_count", "", _NEITHER, 0.0, "weights in the artifact, counted"),
        Metric("weights_covered_fraction", "", _HIGHER, 0.0, "share of the weight bytes that were truly converted"),
        Metric(
            "limit_seconds",
            "s",
            _NEITHER,
            0.0,
            "least time of one inference that this machine's arithmetic and memory allow",
            is_judged=False,
        ),
        Metric(
            "limit_share_fraction",
            "",
            _HIGHER,
            0.0,
            "share of what this machine allows: the least time over the latency",
            is_judged=False,
        ),
        Metric("energy_joules_per_inference", "J", _LOWER, 0.10, "energy of one inference"),
    )
}
