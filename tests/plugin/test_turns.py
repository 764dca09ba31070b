"""Which cell comes when, by what earlier runs took; and what is not even tried, because it would not fit."""

import json
from pathlib import Path

import pytest

from .conftest import Project


@pytest.fixture
def cells(project: Project, tmp_path: Path) -> Path:
    """What is recorded of earlier runs, in a cache of its own."""
    cache = tmp_path / "cache"
    project.environment["XDG_CACHE_HOME"] = str(cache)
    (cache / "quantgate").mkdir(parents=True)
    return cache / "quantgate" / "cells.json"


def past(seconds: float) -> dict[str, float | None]:
    return {"seconds": seconds, "cell_seconds": 0.05, "peak_bytes": None}


def measured(project: Project) -> list[str]:
    """The cells in the order in which they were measured."""
    events = [json.loads(line) for line in (project.latest / "events.jsonl").read_text().splitlines()]
    named = [event["cell"] for event in events if event["kind"] == "cell-started"]
    return [f"{cell['model']}/{cell['precision']}" for cell in named]


ORDER = ["tiny/fp32", "tiny/int8-dynamic", "tiny-too/fp32", "tiny-too/int8-dynamic"]


def test_a_run_learns_what_cells_take_and_the_next_begins_with_the_longest(project: Project, cells: Path) -> None:
    assert project.run("--model", "tiny,tiny-too").returncode == 0
    assert measured(project) == ORDER
    learnt = json.loads(cells.read_text())
    assert sorted(learnt) == sorted(f"{cell}/cpu" for cell in ORDER)
    assert all(one["seconds"] > 0 and one["peak_bytes"] > 1e6 for one in learnt.values())

    cells.write_text(json.dumps({"tiny/fp32/cpu": past(2.0), "tiny-too/int8-dynamic/cpu": past(500.0)}))
    again = project.run("--model", "tiny,tiny-too", "-v")
    assert again.returncode == 0
    assert measured(project) == ["tiny-too/fp32", "tiny-too/int8-dynamic", "tiny/fp32", "tiny/int8-dynamic"]
    # Read as declared; said beforehand to take as long as it took: two are known, two are 6 s as cells usually do.
    planned = [f"{one['model']}/{one['precision']}" for one in project.record()["planned"]]
    assert planned == ORDER
    assert "8m34s" in again.stdout


def test_a_cell_that_cannot_fit_is_not_tried_and_the_others_go_on(project: Project, cells: Path) -> None:
    project.run("--model", "tiny", "--precision", "fp32")
    learnt = json.loads(cells.read_text())
    learnt["tiny/fp32/cpu"]["peak_bytes"] = 1e15
    cells.write_text(json.dumps(learnt))
    run = project.run("--model", "tiny,tiny-too", "--precision", "fp32")
    assert project.status() == {"tiny/fp32": "unsupported", "tiny-too/fp32": "measured"}
    (refused,) = [one for one in project.record()["measurements"] if one["status"] == "unsupported"]
    assert refused["reason"] == "TOO_LITTLE_MEMORY"
    assert refused["text"].startswith("needs about 1000000.0 GB of memory (as it did before), ")
    assert run.returncode == 0
    # It is of this hour: neither remembered as something that this machine cannot do, nor kept by a run that goes on.
    support = json.loads((cells.parent / "support.json").read_text())
    assert [one["reason"] for name, one in support.items() if name.startswith("tiny|")] == [None]
    cells.unlink()
    project.run("--model", "tiny,tiny-too", "--precision", "fp32", "--resume")
    assert project.status() == {"tiny/fp32": "measured", "tiny-too/fp32": "measured"}
