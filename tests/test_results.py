"""Records refuse nonsense at birth and are the same after a trip through JSON."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cells import Cell, Reason
from harness.metrics import METRICS
from harness.results import (
    Condition,
    Environment,
    Event,
    Failure,
    Measurement,
    Phase,
    PlacementProof,
    Provenance,
    Reading,
    Run,
    Sample,
    Status,
    WarmUp,
)
from tests.samples import CELL, FAILED, MEASURED, UNSUPPORTED

finite = st.floats(allow_nan=False, allow_infinity=False)
seconds = st.floats(min_value=0, exclude_min=True, max_value=1e9)
counts = st.integers(min_value=0, max_value=2**62)
words = st.text(max_size=8)
facts = st.one_of(words, st.integers(-(2**62), 2**62), finite, st.booleans(), st.none())
tables = st.dictionaries(words, facts, max_size=3)
cells = st.builds(Cell, words, words, words)


def tuples(values: st.SearchStrategy[Any], size: int) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, min_size=size, max_size=size).map(tuple)


samples = st.integers(2, 5).flatmap(
    lambda size: st.builds(
        Sample,
        tuples(words, size),
        tuples(seconds, size),
        st.none() | tuples(seconds, size),
        st.none() | tuples(seconds, size),
        st.integers(1, 9),
    )
)
readings = st.lists(st.sampled_from(sorted(METRICS)), unique=True, max_size=4).flatmap(
    lambda names: st.tuples(
        *(
            st.builds(Reading, st.just(name), finite, st.none(), st.none() | words)
            | st.builds(Reading, st.just(name), st.none(), words, st.none() | words)
            for name in names
        )
    )
)
failures = st.builds(Failure, st.sampled_from(Phase), words, words)
common = {
    "readings": readings,
    "warm_up": st.none() | st.builds(WarmUp, counts, seconds, st.booleans(), tuples(seconds, 2)),
    "provenance": st.none()
    | st.builds(
        Provenance,
        *[words] * 9,
        examples=counts,
        calibration_digest=st.none() | words,
        converted_bytes=counts,
        weight_bytes=counts,
        count_by_dtype=st.dictionaries(words, counts, max_size=2),
        left_unconverted=tuples(words, 2),
        modules_left=st.dictionaries(words, counts, max_size=2),
    ),
    "placement": st.none()
    | st.builds(PlacementProof, words, st.dictionaries(words, counts, max_size=2), tuples(words, 1)),
    "conditions": tuples(st.builds(Condition, words, load_1m=st.none() | finite, gpu_processes=st.none() | counts), 2),
    "text": words,
    "notes": tuples(words, 2),
    "stages": st.dictionaries(words, seconds, max_size=2),
    "seconds_spent": seconds,
}
measurements = st.one_of(
    st.builds(Measurement, cells, st.just(Status.MEASURED), sample=samples, **common),
    st.builds(Measurement, cells, st.just(Status.UNSUPPORTED), reason=st.sampled_from(Reason), **common),
    st.builds(Measurement, cells, st.just(Status.FAILED), failure=failures, **common),
)
runs = st.builds(
    Run,
    id=words,
    started=words,
    environment=st.builds(Environment, tables, tables, tables),
    options=tables,
    planned=tuples(cells, 2),
    measurements=st.lists(measurements, max_size=2).map(tuple),
    complete=st.booleans(),
    finished=st.none() | words,
)
json_values = st.recursive(
    facts, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2), max_leaves=4
)
events = st.builds(Event, words, words, st.none() | cells, st.dictionaries(words, json_values, max_size=3))


@given(runs)
def test_a_run_is_the_same_after_a_trip_through_json(run: Run) -> None:
    assert msgspec.json.decode(msgspec.json.encode(run), type=Run) == run


@given(events)
def test_an_event_is_the_same_after_a_trip_through_json(event: Event) -> None:
    assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event


@given(measurements)
def test_a_measurement_is_the_same_after_a_trip_inside_an_event(measured: Measurement) -> None:
    line = msgspec.json.encode(Event("now", "cell-finished", measured.cell, {"measurement": measured}))
    event = msgspec.json.decode(line, type=Event)
    assert msgspec.convert(event.body["measurement"], Measurement) == measured


def sample(**more: Any) -> Sample:
    return Sample(**{"example_ids": ("a", "b"), "wall_seconds": (1.0, 2.0), **more})


NONSENSE = {
    "one inference": lambda: sample(example_ids=("a",), wall_seconds=(1.0,)),
    "no inference": lambda: sample(example_ids=(), wall_seconds=()),
    "fewer names than inferences": lambda: sample(example_ids=("a",)),
    "fewer corrected than wall": lambda: sample(corrected_seconds=(1.0,)),
    "more device than wall": lambda: sample(device_seconds=(1.0, 2.0, 3.0)),
    "an inference in no time": lambda: sample(wall_seconds=(1.0, 0.0)),
    "an inference backwards": lambda: sample(wall_seconds=(1.0, -1.0)),
    "wall NaN": lambda: sample(wall_seconds=(1.0, math.nan)),
    "wall infinite": lambda: sample(wall_seconds=(1.0, math.inf)),
    "corrected NaN": lambda: sample(corrected_seconds=(1.0, math.nan)),
    "corrected negative": lambda: sample(corrected_seconds=(1.0, -0.5)),
    "device infinite": lambda: sample(device_seconds=(math.inf, 1.0)),
    "no pass": lambda: sample(passes=0),
    "a metric nobody knows": lambda: Reading("speed", 1.0),
    "neither value nor why": lambda: Reading("peak_bytes"),
    "both value and why": lambda: Reading("peak_bytes", 1.0, "because"),
    "a reading of NaN": lambda: Reading("peak_bytes", math.nan),
    "a reading of infinity": lambda: Reading("peak_bytes", -math.inf),
    "a warm-up of NaN": lambda: WarmUp(3, math.nan, steady=True),
    "a warm-up with an infinite lap": lambda: WarmUp(1, 1.0, steady=True, wall_seconds=(math.inf,)),
    "failed without a failure": lambda: Measurement(CELL, Status.FAILED),
    "measured with a failure": lambda: dataclasses.replace(MEASURED, failure=FAILED.failure),
    "unsupported without a reason": lambda: Measurement(CELL, Status.UNSUPPORTED),
    "measured with a reason": lambda: dataclasses.replace(MEASURED, reason=Reason.NO_KERNEL),
    "failed with a reason": lambda: dataclasses.replace(FAILED, reason=Reason.NO_KERNEL),
    "measured without a sample": lambda: Measurement(CELL, Status.MEASURED),
    "a metric twice": lambda: dataclasses.replace(
        MEASURED, readings=(Reading("peak_bytes", 1), Reading("peak_bytes", 2))
    ),
    "a stage of NaN": lambda: dataclasses.replace(MEASURED, stages={"open": math.nan}),
    "NaN seconds spent": lambda: dataclasses.replace(MEASURED, seconds_spent=math.nan),
}


@pytest.mark.parametrize("make", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_refused_at_birth(make: Any) -> None:
    with pytest.raises(ValueError):
        make()


@pytest.mark.parametrize("record", [MEASURED, UNSUPPORTED, FAILED], ids=lambda record: record.status)
def test_records_cannot_be_changed(record: Measurement) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.text = "better"  # type: ignore[misc]


def test_nonsense_is_refused_from_json_too() -> None:
    text = msgspec.json.encode(MEASURED).replace(b"0.2,", b"-0.2,")
    with pytest.raises(msgspec.ValidationError, match="wall_seconds must be finite and above zero"):
        msgspec.json.decode(text, type=Measurement)


@pytest.mark.parametrize(
    ("metric", "value", "why"),
    [
        ("latency_p50_seconds", 0.25, None),
        ("energy_joules_per_inference", None, "no counter"),
    ],
)
def test_a_metric_is_found_by_name_with_its_value_or_why(metric: str, value: float | None, why: str | None) -> None:
    reading = MEASURED.reading(metric)
    assert reading is not None
    assert (reading.value, reading.unavailable) == (value, why)
    assert MEASURED.value(metric) == value


def test_a_metric_that_does_not_apply_has_no_reading() -> None:
    assert MEASURED.reading("real_time_factor") is None
    assert MEASURED.value("real_time_factor") is None
