"""Every number of a run, one after the other, with its interval and what was said of it. What has none says why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.cells import Cell
from harness.comparisons import Clock, Verdict
from harness.metrics import METRICS, Better
from harness.render.rows import State, rows_of
from harness.results import Measurement, Reading, Run, Sample
from harness.scores import Quality, Score
from harness.stats.estimates import relative_half_width
from harness.stats.groups import score_estimate
from harness.stats.passes import pass_means
from harness.worth.possible import cut_score


@dataclass(frozen=True, slots=True)
class Value:
    """One metric of one cell. Without a value, `note` says why; `low` and `high` are its 95 % interval, where known.

    `metric` is None where nothing was measured of the cell: `state` and `note` say what became of it.
    """

    cell: Cell
    state: State
    metric: str | None = None
    unit: str = ""
    better: Better = Better.NEITHER
    value: float | None = None
    low: float | None = None
    high: float | None = None
    outcome: str = ""
    note: str = ""


def values_of(run: Run) -> Iterator[Value]:
    """Every metric of every planned cell; a cell that gave none is there once, with the reason."""
    said = {(one.cell, one.metric): one for one in run.judgement.verdicts} if run.judgement else {}
    for row in rows_of(run):
        if row.measurement is None or row.state is not State.MEASURED:
            text = f"{row.problem.code}: {row.problem.text}" if row.problem else ""
            whole = said.get((row.cell, None))
            yield Value(row.cell, row.state, outcome=_outcome(whole), note=text)
        else:
            yield from _of_cell(row.measurement, said)


def _of_cell(measurement: Measurement, said: dict[tuple[Cell, str | None], Verdict]) -> Iterator[Value]:
    cell = measurement.cell
    if (whole := said.get((cell, None))) is not None:
        yield Value(cell, State.MEASURED, outcome=_outcome(whole), note=whole.text)
    for reading in measurement.readings:
        yield _reading(measurement, reading, said.get((cell, reading.metric)))
    if measurement.quality is not None:
        for score in measurement.quality.scores:
            yield _score(cell, measurement.quality, score, said.get((cell, score.metric)))


def _reading(measurement: Measurement, reading: Reading, verdict: Verdict | None) -> Value:
    metric = METRICS[reading.metric]
    spread = _spread(measurement.sample) if reading.metric == "latency_seconds" else None
    value = reading.value
    return Value(
        cell=measurement.cell,
        state=State.MEASURED,
        metric=metric.name,
        unit=metric.unit,
        better=metric.better,
        value=value,
        low=value / (1 + spread) if value is not None and spread is not None else None,
        high=value * (1 + spread) if value is not None and spread is not None else None,
        outcome=_outcome(verdict),
        note=reading.unavailable or reading.note or "",
    )


def _spread(sample: Sample | None) -> float | None:
    """How far off the time may be within its process, relative; None where too few passes tell."""
    means = pass_means(sample, Clock.WALL) if sample else ()
    return relative_half_width(means) if len(means) > 1 else None


def _score(cell: Cell, quality: Quality, score: Score, verdict: Verdict | None) -> Value:
    found = score_estimate(quality, score) if score.terms else None
    shown = cut_score(score.metric, found) if found else None
    doubt = f"untrusted: {score.untrusted}" if score.untrusted else ""
    return Value(
        cell=cell,
        state=State.MEASURED,
        metric=score.metric,
        unit=score.unit,
        better=score.better,
        value=score.value,
        low=shown.low if shown else None,
        high=shown.high if shown else None,
        outcome=_outcome(verdict),
        note=score.unavailable or doubt or score.note or "",
    )


def _outcome(verdict: Verdict | None) -> str:
    return str(verdict.outcome) if verdict else ""
