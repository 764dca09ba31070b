"""The figures of a cell: what each column says, how it is written, and why a value is missing.

Owns the columns, in their order. Every figure is made here once; printers only place it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from harness.render import numbers
from harness.results import Measurement, Sample
from harness.stats.estimates import relative_half_width
from harness.stats.passes import pass_means
from harness.worth.weighing import is_of_reference, lead_score, unknown_quality

REFERENCE = "fp32"

UNPAIRED = "unpaired: the two cells were measured one after the other, so the ratio is rough, and rounded to a tenth"


@dataclass(frozen=True, slots=True)
class Figure:
    """A value ready to print, or the dash and `why`. `aside` is what belongs beside it: an uncertainty, a share."""

    text: str
    aside: str = ""
    why: str = ""
    note: str = ""
    value: float | None = None

    def __str__(self) -> str:
        return f"{self.text} {self.aside}" if self.aside else self.text


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a cell has no numbers. `code` is a reason code, or the phase in which the cell failed."""

    code: str
    text: str
    last_words: str = ""

    @property
    def line(self) -> str:
        """Code and text as they stand beside each other."""
        return f"{self.code}: {self.text}" if self.text else self.code


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of every cell: its heading, what it means, and whether it stays where no cell has a value."""

    key: str
    title: str
    meaning: str
    figure: Callable[[Measurement, Measurement | Problem], Figure]
    always: bool = True


def spread(sample: Sample) -> float | None:
    """Return the relative half width of the 95 % interval over whole passes; None for a single pass."""
    means = pass_means(sample)
    return relative_half_width(means) if len(means) > 1 else None


def _missing(why: str) -> Figure:
    return Figure(numbers.DASH, why=why)


def _of_reading(measurement: Measurement, metric: str, write: Callable[[float], str], absent: str) -> Figure:
    reading = measurement.reading(metric)
    if reading is None:
        return _missing(absent)
    if reading.value is None:
        return _missing(reading.unavailable or absent)
    return Figure(write(reading.value), note=reading.note or "", value=reading.value)


def _latency(measurement: Measurement, _: Measurement | Problem) -> Figure:
    assert measurement.sample is not None
    half = spread(measurement.sample)
    aside = "one pass" if half is None else numbers.half_width(half)
    figure = _of_reading(
        measurement, "latency_seconds", lambda value: numbers.seconds(value, half), "no latency was recorded"
    )
    return figure if figure.why else replace(figure, aside=aside)


def _speed(measurement: Measurement, reference: Measurement | Problem) -> Figure:
    if measurement.cell.precision == REFERENCE:
        return Figure("ref", value=1.0)
    if isinstance(reference, Problem):
        return _missing(reference.text)
    if _workload(measurement) != _workload(reference):
        return _missing("fp32 was measured on other examples")
    own, other = measurement.value("latency_seconds"), reference.value("latency_seconds")
    if not own or not other:
        return _missing("no latency to divide")
    times = Figure(f"≈{numbers.rough_times(other / own)}", note=UNPAIRED, value=other / own)
    device = reference.cell.device
    if device == measurement.cell.device:
        return times
    across = f"across devices: fp32 was measured on {device} and this on {measurement.cell.device}; {UNPAIRED}"
    return replace(times, aside=f"of {device} fp32", note=across)


def _workload(measurement: Measurement) -> str | None:
    return measurement.provenance.workload_digest if measurement.provenance else None


def _load(measurement: Measurement, _: Measurement | Problem) -> Figure:
    total = 0.0
    for metric in ("import_seconds", "open_seconds", "first_inference_seconds"):
        reading = measurement.reading(metric)
        if reading is None or reading.value is None:
            why = reading.unavailable if reading else None
            return _missing(f"{metric.removesuffix('_seconds').replace('_', ' ')}: {why or 'not recorded'}")
        total += reading.value
    return Figure(numbers.seconds(total), value=total)


def _size(measurement: Measurement, reference: Measurement | Problem) -> Figure:
    own = _of_reading(measurement, "artifact_bytes", numbers.bytes_, "the size was not recorded")
    full = None if isinstance(reference, Problem) else reference.value("artifact_bytes")
    if own.value is None or not full or measurement.cell.precision == REFERENCE:
        return own
    return replace(own, aside=numbers.percent(own.value / full))


def _placement(measurement: Measurement, _: Measurement | Problem) -> Figure:
    proof = measurement.placement
    if proof is None:
        return _missing("the runtime did not say where the compute is")
    where = ", ".join(f"{n} on {provider}" for provider, n in proof.by_provider.items())
    if proof.astray:
        return Figure(f"{len(proof.astray)} astray", note=f"{', '.join(proof.astray)} ({where})")
    return Figure("proven", note=where)


def _quality(measurement: Measurement, _: Measurement | Problem) -> Figure:
    """The lead metric: as decisions flipped where it is those of fp32, else as its value; the rest stands beside it."""
    quality, score = measurement.quality, lead_score(measurement)
    if quality is None or score is None or score.value is None:
        return _missing(unknown_quality(measurement))
    flips = f"flips {len(quality.flipped)} of {quality.decisions}" if quality.decisions else ""
    doubt = f"untrusted: {score.untrusted}" if score.untrusted else ""
    if measurement.cell.precision == REFERENCE and is_of_reference(score.metric):
        return Figure("ref", aside="untrusted" if doubt else "", note=doubt, value=score.value)
    own = f"{numbers.metric_words(score.metric)} {numbers.quality(score.value, score.unit)}"
    text, *rest = (flips, own) if score.metric == "decision_agreement" and flips else (own, flips)
    asides = ("untrusted",) if doubt else rest if text == own and measurement.cell.precision != REFERENCE else ()
    return Figure(text, aside=" ".join(one for one in asides if one), note=doubt, value=score.value)


def _reading(
    metric: str, write: Callable[[float], str], absent: str
) -> Callable[[Measurement, Measurement | Problem], Figure]:
    return lambda measurement, _: _of_reading(measurement, metric, write, absent)


COLUMNS: tuple[Column, ...] = (
    Column(
        "latency",
        "latency",
        "wall time of one inference: the mean over a whole pass of the workload, in the median pass;"
        " ± is the 95 % interval over the passes of this one process",
        _latency,
    ),
    Column("speed", "× fp32", f"the latency of fp32 ÷ this one's: above 1 is faster; {UNPAIRED}", _speed),
    Column(
        "quality",
        "quality",
        "what its outputs are worth, by the first metric of those that people notice: right decisions, words misheard,"
        " decisions flipped against fp32 on the cpu, likeness to its outputs; the cell has them all, with intervals",
        _quality,
        always=False,
    ),
    Column(
        "rate",
        "per second",
        "inferences a second, one after the other",
        _reading("throughput_per_second", numbers.per_second, "throughput was not recorded"),
    ),
    Column(
        "rtf",
        "RTF",
        "wall seconds a second of audio: below 1 is faster than real time",
        _reading("real_time_factor", numbers.plain, "no audio in this model"),
        always=False,
    ),
    Column("load", "load", "cold import + session + first inference", _load),
    Column(
        "peak",
        "peak",
        "highest resident memory of the worker in any phase",
        _reading("peak_bytes", numbers.bytes_, "peak memory was not recorded"),
    ),
    Column(
        "device_peak",
        "on device",
        "highest memory allocated on the device",
        _reading("device_peak_bytes", numbers.bytes_, "no device memory was recorded"),
        always=False,
    ),
    Column("size", "size (of fp32)", "the artifact on disk, and its share of fp32's", _size),
    Column(
        "covered",
        "covered",
        "share of the weight bytes that were truly converted",
        _reading("weights_covered_fraction", numbers.percent, "the share was not recorded"),
    ),
    Column(
        "limit",
        "of limit",
        "the share it reaches of what this machine allows: the least time for its arithmetic and for reading its"
        " weights ÷ the latency",
        _reading("limit_share_fraction", numbers.percent, "no limit was measured"),
        always=False,
    ),
    Column("placed", "placed", "whether the runtime proved where the compute is", _placement),
)
