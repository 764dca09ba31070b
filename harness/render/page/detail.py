"""Everything recorded of one cell, arranged to be read: readings by subject, what is missing by reason, origins.

Leaves nothing out: a metric that no subject claims is listed under "Other".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from harness.metrics import METRICS
from harness.render import numbers
from harness.render.beside import saved_entries, spread_entries
from harness.render.page.strip import Strip, strip_of
from harness.render.quality_rows import QualityDetail, quality_detail
from harness.render.rows import Row
from harness.render.stages import stages_line
from harness.results import Condition, Measurement, PlacementProof, Provenance, Reading, WarmUp
from harness.worth.weighing import lead_score

_SUBJECTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Time", ("latency_", "corrected_", "device_p50_", "throughput_", "limit_")),
    ("Audio", ("real_time_", "audio_", "first_audible_", "chunk_", "underrun")),
    ("Service", ("first_byte_", "requests_", "errors_")),
    ("Loading", ("import_", "conversion_", "open_", "first_inference_")),
    ("Memory", ("peak_", "steady_", "device_")),
    ("Artifact", ("artifact_", "parameters_", "weights_")),
    ("Energy", ("energy_",)),
)
_OTHER = "Other"
_DIGEST_SHOWN = 12
_LEFT_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Entry:
    """A name, a value in words, and what explains it. `whole` is the value uncut, where it was cut."""

    name: str
    text: str
    meaning: str = ""
    note: str = ""
    whole: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """The readings of one subject that have a value."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """Readings that have no value, for the reason they share."""

    why: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConditionTable:
    """The machine before, during and after: a line for each thing that it says."""

    moments: tuple[str, ...]
    lines: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Detail:
    """All of a cell, ready to place."""

    row: Row
    strip: Strip | None
    subjects: tuple[Subject, ...]
    gaps: tuple[Gap, ...]
    process: tuple[Entry, ...]
    origin: tuple[Entry, ...]
    conditions: ConditionTable | None
    quality: QualityDetail | None = None
    stages: str = ""


def detail_of(row: Row, marks: int) -> Detail:
    """Arrange a cell; `marks` is how many dots its drawing may have."""
    measurement = row.measurement
    if measurement is None:
        return Detail(row, None, (), (), (), (), None)
    return Detail(
        row=row,
        strip=strip_of(measurement, marks),
        subjects=(*_subjects(measurement.readings), *_beside(measurement, row.reference)),
        gaps=tuple(_gaps(measurement.readings)),
        process=tuple(_process(measurement)),
        origin=tuple(_origin(measurement.provenance)) if measurement.provenance else (),
        conditions=_conditions(measurement.conditions) if measurement.conditions else None,
        quality=quality_detail(measurement.quality, lead_score(measurement)) if measurement.quality else None,
        stages=stages_line(measurement.stages),
    )


def _subjects(readings: Iterable[Reading]) -> Iterable[Subject]:
    entries: dict[str, list[Entry]] = {title: [] for title in (*(title for title, _ in _SUBJECTS), _OTHER)}
    for reading in readings:
        if reading.value is not None:
            metric = METRICS[reading.metric]
            text = numbers.reading(metric, reading.value)
            entry = Entry(numbers.metric_words(reading.metric), text, metric.summary, reading.note or "")
            entries[_subject(reading.metric)].append(entry)
    return (Subject(title, tuple(found)) for title, found in entries.items() if found)


def _beside(measurement: Measurement, fp32: Measurement | None) -> Iterable[Subject]:
    if measurement.sample is not None:
        yield Subject("Spread", tuple(Entry(*told) for told in spread_entries(measurement.sample)))
    if fp32 is not None and (saved := tuple(Entry(*told) for told in saved_entries(measurement, fp32))):
        yield Subject("Saved", saved)


def _subject(metric: str) -> str:
    return next((title for title, starts in _SUBJECTS if metric.startswith(starts)), _OTHER)


def _gaps(readings: Iterable[Reading]) -> Iterable[Gap]:
    names: dict[str, list[str]] = {}
    for reading in readings:
        if reading.unavailable is not None:
            names.setdefault(reading.unavailable, []).append(numbers.metric_words(reading.metric))
    return (Gap(why, tuple(found)) for why, found in names.items())


def _process(measurement: Measurement) -> Iterable[Entry]:
    if measurement.sample is not None:
        sample = measurement.sample
        yield Entry("timed", f"{len(sample.wall_seconds)} inferences in {sample.passes} passes of the workload")
    if measurement.warm_up is not None:
        yield Entry("warm-up", _warm_up(measurement.warm_up), "made and thrown away before timing")
    if measurement.placement is not None:
        yield Entry("placement", _placement(measurement.placement), "where the runtime says the compute is")
    yield Entry("spent", numbers.duration(measurement.seconds_spent), "on this cell, all in all")


def _warm_up(warm_up: WarmUp) -> str:
    steady = "then steady" if warm_up.steady else "and no steady state"
    return f"{warm_up.inferences} inferences, {numbers.seconds(warm_up.seconds)}, {steady}"


def _placement(proof: PlacementProof) -> str:
    places = ", ".join(f"{count} on {provider}" for provider, count in proof.by_provider.items())
    return f"{places}; astray: {', '.join(proof.astray)}" if proof.astray else f"{places}; none astray"


def _origin(provenance: Provenance) -> Iterable[Entry]:
    yield Entry("weights", provenance.weights)
    yield Entry("artifact", f"{provenance.artifact_format}, {provenance.artifact_provenance}")
    yield Entry("workload", f"{provenance.workload}, {provenance.examples} examples")
    for name, digest in (
        ("reference digest", provenance.reference_digest),
        ("artifact digest", provenance.artifact_digest),
        ("workload digest", provenance.workload_digest),
        ("calibration digest", provenance.calibration_digest),
    ):
        if digest is not None:
            yield Entry(name, digest[:_DIGEST_SHOWN], whole=digest)
    if provenance.weight_count:
        yield Entry(
            "converted",
            f"{provenance.converted_count} of {provenance.weight_count} weight tensors, "
            f"{numbers.bytes_(provenance.converted_bytes)} of {numbers.bytes_(provenance.weight_bytes)}",
        )
    for name, modules in (
        ("modules converted", provenance.modules_converted),
        ("modules left", provenance.modules_left),
    ):
        if modules:
            yield Entry(name, ", ".join(f"{count:,} {kind}" for kind, count in modules.items()), "by their class")
    if provenance.count_by_dtype:
        counts = (f"{numbers.count(count)} {dtype}" for dtype, count in provenance.count_by_dtype.items())
        yield Entry("parameters", ", ".join(counts))
    if provenance.count_by_part:
        total = sum(provenance.count_by_part.values()) or 1
        parts = (f"{name} {count:,} ({count / total:.0%})" for name, count in provenance.count_by_part.items())
        yield Entry("parameters by part", ", ".join(parts))
    if left := provenance.left_unconverted:
        more = f" and {len(left) - _LEFT_SHOWN} more (run.json has them)" if len(left) > _LEFT_SHOWN else ""
        yield Entry("left as they were", ", ".join(left[:_LEFT_SHOWN]) + more)


def _conditions(conditions: tuple[Condition, ...]) -> ConditionTable:
    names = [field.name for field in fields(Condition) if field.name != "when"]
    said = [name for name in names if any(getattr(condition, name) is not None for condition in conditions)]
    return ConditionTable(
        moments=tuple(condition.when for condition in conditions),
        lines=tuple(
            (_condition_words(name), tuple(_condition(name, getattr(condition, name)) for condition in conditions))
            for name in said
        ),
    )


def _condition_words(name: str) -> str:
    return name.removesuffix("_fraction").removesuffix("_hz").removesuffix("_celsius").replace("_", " ")


def _condition(name: str, value: str | float | None) -> str:
    if value is None:
        return "not known"
    if isinstance(value, str):
        return value
    if name.endswith("_fraction"):
        return numbers.percent(value)
    if name.endswith("_hz"):
        return f"{numbers.plain(value / 1e9)} GHz"
    return f"{numbers.plain(value)} °C" if name.endswith("_celsius") else numbers.plain(value)
