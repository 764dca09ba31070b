"""The published schema is the one that records obey."""

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from harness.cells import Cell
from harness.results import SCHEMA, Environment, Measurement, Run, Sample, Status
from harness.schema import run_schema

PUBLISHED = Path(__file__).parents[1] / "docs" / "schema" / f"run-{SCHEMA}.json"


def test_the_published_schema_is_up_to_date() -> None:
    assert json.loads(PUBLISHED.read_text()) == json.loads(json.dumps(run_schema())), (
        "python -m harness.schema > docs/schema/run-N.json"
    )


def test_a_record_obeys_the_published_schema() -> None:
    cell = Cell("m", "fp32", "cpu")
    measured = Measurement(cell, Status.MEASURED, sample=Sample(("a", "a"), (1.0, 2.0)))
    run = Run("r", "now", Environment({"cores": 2}), {"size": None}, (cell,), (measured,), complete=True)
    jsonschema.validate(json.loads(msgspec.json.encode(run)), json.loads(PUBLISHED.read_text()))


def test_a_record_without_its_cells_is_refused_by_the_published_schema() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"id": "r", "schema": 1}, json.loads(PUBLISHED.read_text()))
