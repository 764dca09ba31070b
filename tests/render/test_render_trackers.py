"""The files for github-action-benchmark and Bencher, held against what their makers document of them.

Neither can be run here: one is an action, the other sends what it reads to a server. So their formats are written down
again: Bencher's from its reference (https://bencher.dev/docs/reference/bencher-metric-format as of November 2026: the
schema, and how long names may be), the action's from its README (`customSmallerIsBetter`).
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fixed_judgement import HOSTILE_JUDGED, JUDGED
from fixed_quality import HOSTILE_QUALITY, QUALITY_JUDGED
from fixed_run import RUN
from jsonschema import Draft7Validator

from harness.cells import Cell
from harness.render.exports.trackers import bencher, bigger_is_better, smaller_is_better
from harness.results import Run

NUMBER = {"type": "number"}
BENCHER = {
    "type": "object",
    "propertyNames": {"minLength": 1, "maxLength": 1024},
    "additionalProperties": {
        "type": "object",
        "propertyNames": {"minLength": 1, "maxLength": 64},
        "additionalProperties": {
            "type": "object",
            "properties": {"value": NUMBER, "lower_value": NUMBER, "upper_value": NUMBER},
            "required": ["value"],
            "additionalProperties": False,
        },
    },
}
TEXT = {"type": "string", "minLength": 1}
ACTION = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"name": TEXT, "unit": TEXT, "value": NUMBER, "range": TEXT, "extra": TEXT},
        "required": ["name", "unit", "value"],
        "additionalProperties": False,
    },
}


@pytest.mark.parametrize("run", [RUN, JUDGED, QUALITY_JUDGED, HOSTILE_JUDGED, HOSTILE_QUALITY])
def test_they_are_what_their_readers_document(run: Run) -> None:
    Draft7Validator(BENCHER).validate(json.loads(bencher(run)))
    for export in (smaller_is_better, bigger_is_better):
        entries = json.loads(export(run))
        Draft7Validator(ACTION).validate(entries)
        names = [entry["name"] for entry in entries]
        assert len(names) == len(set(names)), "the action keeps one of each name"


def test_names_that_differ_beyond_what_bencher_takes_stay_apart() -> None:
    (measured,) = [one for one in RUN.measurements if one.cell == RUN.planned[0]]
    cells = [Cell("n" * 2000 + end, "fp32", "cpu") for end in "ab"]
    measurements = tuple(replace(measured, cell=cell) for cell in cells)
    told = json.loads(bencher(replace(RUN, planned=tuple(cells), measurements=measurements)))
    assert [len(name) for name in told] == [1024, 1024]
