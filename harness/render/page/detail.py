"""Everything recorded of one cell, arranged to be read: the answer, its drawings, readings by subject, gaps, origins.

Leaves nothing out: a metric that no subject claims is listed under "other". What belongs together is one line of words,
so that a page has room for many cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields

from harness.metrics import METRICS
from harness.render import numbers
from harness.render.beside import saved_entries, spread_entries
from harness.render.page.bars import Divided, MemoryBars, covered_bar, memory_bars, stage_bar
from harness.render.page.slices import SliceMarks, slice_marks
from harness.render.page.strip import Strip, strip_of
from harness.render.quality_rows import QualityDetail, quality_detail
from harness.render.rows import Row
from harness.render.stages import stages_line
from harness.results import Condition, Measurement, PlacementProof, Provenance, Reading, WarmUp
from harness.worth.weighing import lead_score

_SUBJECTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("time", ("latency_", "corrected_", "device_p50_", "throughput_", "limit_")),
    ("audio", ("real_time_", "audio_", "first_audible_", "chunk_", "underrun")),
    ("service", ("first_byte_", "requests_", "errors_")),
    ("loading", ("import_", "conversion_", "open_", "first_inference_")),
    ("memory", ("peak_", "steady_", "device_")),
    ("artifact", ("artifact_", "parameters_", "weights_")),
    ("energy", ("energy_",)),
)
_OTHER = "other"
_CONDITION_UNITS = ("_fraction", "_seconds", "_hz", "_celsius")
_DIGEST_SHOWN = 12
_LEFT_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Line:
    """A name and what is said under it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Drawings:
    """What is drawn of one measurement by itself."""

    strip: Strip | None = None
    memory: MemoryBars | None = None
    stages: Divided | None = None
    covered: Divided | None = None
    slices: SliceMarks | None = None


@dataclass(frozen=True, slots=True)
class Detail:
    """All of a cell, ready to place."""

    row: Row
    drawings: Drawings = field(default_factory=Drawings)
    readings: tuple[Line, ...] = ()
    gaps: tuple[Line, ...] = ()
    making: tuple[Line, ...] = ()
    quality: QualityDetail | None = None
    stages: str = ""
    covered: str = ""
    modules: str = ""


def detail_of(row: Row, marks: int) -> Detail:
    """Arrange a cell; `marks` is how many dots the drawing of its samples may have."""
    measurement = row.measurement
    if measurement is None:
        return Detail(row)
    quality, lead = measurement.quality, lead_score(measurement)
    drawings = Drawings(
        strip=strip_of(measurement, marks),
        memory=memory_bars(measurement),
        stages=stage_bar(measurement.stages),
        covered=covered_bar(measurement),
        slices=slice_marks(quality, lead) if quality and lead else None,
    )
    return Detail(
        row=row,
        drawings=drawings,
        readings=(*_subjects(measurement.readings, drawings.memory), *_beside(measurement, row.reference)),
        gaps=tuple(_gaps(measurement.readings)),
        making=(*_process(measurement), *_origin(measurement.provenance), *_conditions(measurement.conditions)),
        quality=quality_detail(quality, lead) if quality else None,
        stages=stages_line(measurement.stages),
        covered=_covered(measurement.provenance),
        modules=_modules(measurement.provenance),
    )


def _subjects(readings: Iterable[Reading], memory: MemoryBars | None) -> Iterable[Line]:
    """The readings that have a value; those that stand at a bar of memory, and add nothing to it, are not repeated."""
    drawn = memory.metrics if memory else frozenset()
    said: dict[str, list[str]] = {title: [] for title in (*(title for title, _ in _SUBJECTS), _OTHER)}
    for reading in readings:
        if reading.value is not None and (reading.note or reading.metric not in drawn):
            text = f"{numbers.metric_words(reading.metric)} {numbers.reading(METRICS[reading.metric], reading.value)}"
            said[_subject(reading.metric)].append(f"{text} ({reading.note})" if reading.note else text)
    return (Line(title, _together(found)) for title, found in said.items() if found)


def _beside(measurement: Measurement, fp32: Measurement | None) -> Iterable[Line]:
    if measurement.sample is not None:
        yield Line("spread", _together(f"{name} {text}, {of}" for name, text, of in spread_entries(measurement.sample)))
    if fp32 is not None and (saved := [f"{name} {text}" for name, text, _ in saved_entries(measurement, fp32)]):
        device = "" if fp32.cell.device == measurement.cell.device else f" on {fp32.cell.device}"
        yield Line(f"beside fp32{device}", _together(saved))


def _subject(metric: str) -> str:
    return next((title for title, starts in _SUBJECTS if metric.startswith(starts)), _OTHER)


def _together(texts: Iterable[str]) -> str:
    return " · ".join(texts)


def _gaps(readings: Iterable[Reading]) -> Iterable[Line]:
    """What has no value, under the reason that it shares."""
    names: dict[str, list[str]] = {}
    for reading in readings:
        if reading.unavailable is not None:
            names.setdefault(reading.unavailable, []).append(numbers.metric_words(reading.metric))
    return (Line(", ".join(found), why) for why, found in names.items())


def _process(measurement: Measurement) -> Iterable[Line]:
    said = []
    if measurement.sample is not None:
        sample = measurement.sample
        said.append(f"{len(sample.wall_seconds)} inferences in {sample.passes} passes of the workload")
    if measurement.warm_up is not None:
        said.append(_warm_up(measurement.warm_up))
    said.append(f"{numbers.duration(measurement.seconds_spent)} spent on this cell, all in all")
    yield Line("process", _together(said))
    if measurement.placement is not None:
        yield Line("placement", _placement(measurement.placement))


def _warm_up(warm_up: WarmUp) -> str:
    steady = "then steady" if warm_up.steady else "and no steady state"
    return f"warm-up of {warm_up.inferences}, {numbers.seconds(warm_up.seconds)}, thrown away, {steady}"


def _placement(proof: PlacementProof) -> str:
    places = ", ".join(f"{count} on {provider}" for provider, count in proof.by_provider.items())
    return f"{places}; astray: {', '.join(proof.astray)}" if proof.astray else f"{places}; none astray"


def _covered(provenance: Provenance | None) -> str:
    if provenance is None or not provenance.weight_count:
        return ""
    return (
        f"{provenance.converted_count} of {provenance.weight_count} weight tensors,"
        f" {numbers.bytes_(provenance.converted_bytes)} of {numbers.bytes_(provenance.weight_bytes)}"
    )


def _modules(provenance: Provenance | None) -> str:
    """Which classes of modules were converted, and which were left as they were."""
    if provenance is None:
        return ""
    sides = (("converted", provenance.modules_converted), ("left", provenance.modules_left))
    told = (f"{name} {', '.join(f'{n:,} {kind}' for kind, n in found.items())}" for name, found in sides if found)
    return "; ".join(told)


def _origin(provenance: Provenance | None) -> Iterable[Line]:
    if provenance is None:
        return
    if left := provenance.left_unconverted:
        more = f" and {len(left) - _LEFT_SHOWN} more (run.json has them)" if len(left) > _LEFT_SHOWN else ""
        yield Line("left as they were", ", ".join(left[:_LEFT_SHOWN]) + more)
    if provenance.count_by_dtype:
        counts = (f"{numbers.count(count)} {dtype}" for dtype, count in provenance.count_by_dtype.items())
        yield Line("parameters", ", ".join(counts))
    if provenance.count_by_part:
        yield Line("parameters by part", _parts(provenance.count_by_part))
    yield Line("weights", provenance.weights)
    yield Line("artifact", f"{provenance.artifact_format}, {provenance.artifact_provenance}")
    yield Line("workload", f"{provenance.workload}, {provenance.examples} examples")
    digests = (
        ("reference", provenance.reference_digest),
        ("artifact", provenance.artifact_digest),
        ("workload", provenance.workload_digest),
        ("calibration", provenance.calibration_digest),
    )
    shown = ", ".join(f"{name} {digest[:_DIGEST_SHOWN]}" for name, digest in digests if digest)
    yield Line("by content", f"{shown} (run.json has them whole)")


def _parts(counts: Mapping[str, int]) -> str:
    total = sum(counts.values()) or 1
    return ", ".join(f"{name} {count:,} ({count / total:.0%})" for name, count in counts.items())


def _conditions(conditions: Sequence[Condition]) -> Iterable[Line]:
    """The machine before, during and after: a line for each moment, with all that it says at any of them."""
    names = [one.name for one in fields(Condition) if one.name != "when"]
    said = [name for name in names if any(getattr(condition, name) is not None for condition in conditions)]
    for condition in conditions if said else ():
        told = (f"{_condition_words(name)} {_condition(name, getattr(condition, name))}" for name in said)
        yield Line(f"machine {condition.when}", _together(told))


def _condition_words(name: str) -> str:
    unit = next((unit for unit in _CONDITION_UNITS if name.endswith(unit)), "")
    return name.removesuffix(unit).replace("_", " ")


def _condition(name: str, value: str | float | None) -> str:
    if value is None:
        return "not known"
    if isinstance(value, str):
        return value
    if name.endswith("_fraction"):
        return numbers.percent(value)
    if name.endswith("_seconds"):
        return numbers.seconds(value)
    if name.endswith("_hz"):
        return f"{numbers.plain(value / 1e9)} GHz"
    return f"{numbers.plain(value)} °C" if name.endswith("_celsius") else numbers.plain(value)
