"""The exports of a made-up run, read by those who read such files."""

import csv
import io
import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from fixed_quality import HOSTILE_QUALITY, QUALITY_JUDGED
from fixed_run import RUN
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from harness.cells import Cell
from harness.comparisons import Judgement, Outcome, Verdict
from harness.metrics import METRICS, Better
from harness.render.exports.benchmarks import pytest_benchmark
from harness.render.exports.openmetrics import gitlab_metrics, openmetrics
from harness.render.exports.table import COLUMNS, as_csv
from harness.render.exports.trackers import bencher, bigger_is_better, smaller_is_better
from harness.render.exports.values import values_of
from harness.results import Measurement, Reading, Run, Sample, Status

CELL = Cell("tone", "fp32", "cpu")
HOSTILE = Cell('=cmd|"\\\n<script>', "fp32", "cpu")


def run_of(*measurements: Measurement, judgement: Judgement | None = None) -> Run:
    cells = tuple(one.cell for one in measurements)
    return replace(RUN, planned=cells, measurements=measurements, judgement=judgement)


def measured(cell: Cell = CELL, seconds: tuple[float, ...] = (0.2, 0.3), **values: float | None) -> Measurement:
    readings = [
        Reading(name, value) if value is not None else Reading(name, unavailable="no gauge")
        for name, value in values.items()
    ]
    return Measurement(
        cell,
        Status.MEASURED,
        readings=tuple(readings),
        sample=Sample(("a",) * len(seconds), seconds, passes=len(seconds)),
    )


def samples(text: str) -> dict[tuple[str, str], float]:
    """By metric and model, what a reader of OpenMetrics finds."""
    return {
        (one.name, one.labels.get("model", "")): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_every_number_of_a_run_is_in_the_csv_and_every_cell_without_one_has_its_reason() -> None:
    lines = list(csv.DictReader(io.StringIO(as_csv(RUN))))
    assert set(lines[0]) == set(COLUMNS)
    for measurement in RUN.measurements:
        name = (measurement.cell.model, measurement.cell.precision, measurement.cell.device)
        found = {line["metric"]: line for line in lines if (line["model"], line["precision"], line["device"]) == name}
        if measurement.status is Status.MEASURED:
            for reading in measurement.readings:
                line = found[reading.metric]
                assert line["value"] == ("" if reading.value is None else repr(float(reading.value)))
                assert reading.value is not None or line["note"] == reading.unavailable
        else:
            assert list(found) == [""]
            assert found[""]["state"] == str(measurement.status)
            assert found[""]["note"]


def test_quality_stands_in_the_csv_with_its_interval() -> None:
    lines = list(csv.DictReader(io.StringIO(as_csv(QUALITY_JUDGED))))
    (line,) = [
        one
        for one in lines
        if (one["metric"], one["precision"]) == ("accuracy", "int8-dynamic") and one["model"] == "smart-turn-v3"
    ][:1]
    assert float(line["low"]) < float(line["value"]) < float(line["high"])


def test_no_text_of_a_run_is_a_formula_in_a_spreadsheet() -> None:
    (line, *_) = csv.DictReader(io.StringIO(as_csv(run_of(measured(HOSTILE, latency_seconds=0.2)))))
    assert line["model"] == f"'{HOSTILE.model}"


def test_a_time_has_the_interval_of_its_passes() -> None:
    (value,) = values_of(run_of(measured(seconds=(0.1, 0.1, 0.1), latency_seconds=0.1)))
    assert (value.low, value.value, value.high) == pytest.approx((0.1, 0.1, 0.1))
    (value,) = values_of(run_of(measured(seconds=(0.1, 0.2, 0.1), latency_seconds=0.1)))
    assert value.low is not None
    assert value.high is not None
    assert value.low < 0.1 < value.high
    assert value.low * value.high == pytest.approx(0.01)


def test_what_was_said_of_a_metric_stands_beside_it() -> None:
    verdict = Verdict(CELL, "latency_seconds", Outcome.REGRESSED, "slower", "HEAD")
    run = run_of(measured(latency_seconds=0.2, peak_bytes=5.0), judgement=Judgement("HEAD", "gate", (verdict,)))
    assert {one.metric: one.outcome for one in values_of(run)} == {"latency_seconds": "regressed", "peak_bytes": ""}
    assert "slower" not in smaller_is_better(run)
    assert "regressed" in smaller_is_better(run)


def test_the_two_files_of_the_action_hold_every_value_that_has_a_direction_once() -> None:
    smaller, bigger = json.loads(smaller_is_better(RUN)), json.loads(bigger_is_better(RUN))
    expected = {
        better: {f"{one.cell} {one.metric}" for one in values_of(RUN) if one.value is not None and one.better is better}
        for better in Better
    }
    assert {one["name"] for one in smaller} == expected[Better.LOWER]
    assert {one["name"] for one in bigger} == expected[Better.HIGHER]
    for entry in (*smaller, *bigger):
        assert set(entry) <= {"name", "unit", "value", "range", "extra"}
        assert isinstance(entry["value"], int | float)


def test_bencher_has_a_value_between_its_bounds() -> None:
    told = json.loads(bencher(RUN))
    assert set(told) == {str(one.cell) for one in RUN.measurements if one.status is Status.MEASURED}
    for measures in told.values():
        for measure in measures.values():
            assert set(measure) <= {"value", "lower_value", "upper_value"}
            assert measure.get("lower_value", -math.inf) <= measure["value"] <= measure.get("upper_value", math.inf)


def test_openmetrics_is_read_back_by_prometheus_value_for_value() -> None:
    found = [
        (family.name, one.labels, one.value)
        for family in text_string_to_metric_families(openmetrics(QUALITY_JUDGED))
        for one in family.samples
        if "model" in one.labels
    ]
    expected = [one for one in values_of(QUALITY_JUDGED) if one.value is not None]
    assert len(found) == len(expected)
    for one in expected:
        labels = {"model": one.cell.model, "precision": one.cell.precision, "device": one.cell.device}
        assert (f"quantgate_{one.metric}", labels, one.value) in found


def test_a_hostile_run_is_still_openmetrics_and_csv() -> None:
    assert list(text_string_to_metric_families(openmetrics(HOSTILE_QUALITY)))
    lines = list(csv.reader(io.StringIO(as_csv(HOSTILE_QUALITY))))
    assert {len(line) for line in lines} == {len(COLUMNS)}


def test_cells_are_counted_by_how_they_ended() -> None:
    counts = {
        one.labels["state"]: one.value
        for family in text_string_to_metric_families(openmetrics(RUN))
        if family.name == "quantgate_cells"
        for one in family.samples
    }
    assert sum(counts.values()) == len(RUN.planned)
    assert counts["measured"] == sum(one.status is Status.MEASURED for one in RUN.measurements)


def test_a_hostile_name_is_a_label_like_any_other() -> None:
    run = run_of(measured(HOSTILE, latency_seconds=0.2))
    assert samples(openmetrics(run))["quantgate_latency_seconds", HOSTILE.model] == 0.2


@pytest.mark.parametrize(("one", "other", "is_same"), [(1.0, 1.001, True), (1.0, 1.2, False), (2e8, 2.001e8, True)])
def test_gitlab_sees_a_change_only_beyond_about_the_margin(one: float, other: float, is_same: bool) -> None:
    texts = [gitlab_metrics(run_of(measured(latency_seconds=value))) for value in (one, other)]
    assert (texts[0] == texts[1]) is is_same
    told = samples(texts[0])["quantgate_latency_seconds", "tone"]
    assert told == pytest.approx(one, rel=METRICS["latency_seconds"].margin)


def test_gitlab_is_told_what_is_judged_only() -> None:
    names = {name for name, _ in samples(gitlab_metrics(RUN))}
    assert names <= {f"quantgate_{name}" for name, one in METRICS.items() if one.is_judged} | {
        "quantgate_cells",
        "quantgate_verdicts",
    }


def test_pytest_benchmark_compares_two_exported_runs(tmp_path: Path) -> None:
    slower = replace(RUN, measurements=tuple(slowed(one) for one in RUN.measurements))
    for number, one in enumerate((RUN, slower), 1):
        (tmp_path / f"000{number}_run.json").write_text(pytest_benchmark(one))
    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", "--columns=median,rounds", "--name=long"]
        + [str(tmp_path / f"000{number}_run.json") for number in (1, 2)],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    for measurement in RUN.measurements:
        cell = str(measurement.cell)
        assert (done.stdout.count(f"test_latency[{cell}]") == 2) is (measurement.status is Status.MEASURED), cell
    assert "(2.00)" in done.stdout


def slowed(measurement: Measurement) -> Measurement:
    """The same, twice as slow."""
    if measurement.sample is None:
        return measurement
    twice = tuple(2 * seconds for seconds in measurement.sample.wall_seconds)
    return replace(measurement, sample=replace(measurement.sample, wall_seconds=twice))


def test_pytest_benchmark_gets_statistics_worked_by_hand() -> None:
    (entry,) = json.loads(pytest_benchmark(run_of(measured(seconds=(1.0, 2.0, 3.0, 4.0)))))["benchmarks"]
    stats = entry["stats"]
    assert (stats["min"], stats["max"], stats["mean"], stats["median"], stats["total"]) == (1, 4, 2.5, 2.5, 10)
    assert (stats["q1"], stats["q3"], stats["iqr"]) == pytest.approx((1.75, 3.25, 1.5))
    assert stats["stddev"] == pytest.approx(math.sqrt(5 / 3))
    assert (stats["rounds"], stats["iterations"], stats["ops"]) == (4, 1, pytest.approx(0.4))
    assert (stats["outliers"], stats["ld15iqr"], stats["hd15iqr"]) == ("2;0", 1, 4)
