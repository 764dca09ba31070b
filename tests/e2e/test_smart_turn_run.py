"""Smart Turn v2 through the real plugin: with a checkpoint it is examined, and the options of its own project hold."""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from harness.models import Setting
from suites.models import smart_turn_v2

ROOT = Path(__file__).parents[2]
TINY, _ = smart_turn_v2.MODELS
PERCENT = 25


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """What is converted and recorded is so once, for the checkpoint and for the run."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def checkpoint(cache, tmp_path_factory):
    """A folder as `save_pretrained` leaves it: seeded weights, the last bias so that half of the exam is positive."""
    folder = tmp_path_factory.mktemp("turn") / "my-turns"
    folder.mkdir()
    reference = TINY.reference(Setting(made=folder, seed=3))
    module = reference.skeleton()
    reference.fill(module)
    exam = TINY.exam(Setting(made=cache / "made", checkpoint=folder)).examples
    with torch.no_grad():
        likely = [
            module(**{name: torch.from_numpy(array) for name, array in one.load().items()}).item() for one in exam
        ]
        middle = torch.tensor(statistics.median(likely), dtype=torch.float64)
        module.classifier[-1].bias -= torch.logit(middle).float()
    save_file({name: tensor.clone() for name, tensor in module.state_dict().items()}, folder / "model.safetensors")
    (folder / "config.json").write_text('{"model_type": "wav2vec2"}')
    return folder


@pytest.fixture(scope="module")
def record(checkpoint, cache, tmp_path_factory):
    """The record of a run with all of its options, and what was said."""
    folder = tmp_path_factory.mktemp("run")
    temporary = tmp_path_factory.mktemp("own")
    command = (
        *(sys.executable, "-m", "pytest", "suites/test_cells.py", "-p", "no:cacheprovider"),
        *("--cell", "smart-turn-v2-tiny/fp32/cpu", "--cell", "smart-turn-v2-tiny/int8-dynamic/cpu"),
        *("--checkpoint", f"smart-turn-v2-tiny={checkpoint}", "--sample-percent", str(PERCENT)),
        *("--single-core", "--low-memory", "--cell-seconds", "100ms", "--no-gate"),
        *("--reports", str(folder), "--artifact-cache", str(cache)),
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**environment, "TMPDIR": str(temporary), "COLUMNS": "160"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "latest" / "run.json").read_text()), done.stdout, (folder / "latest").resolve()


def test_with_a_checkpoint_every_metric_of_its_project_has_a_value(record):
    run, _, _ = record
    assert [one["cell"]["precision"] for one in run["measurements"]] == ["fp32", "int8-dynamic"]
    for one in run["measurements"]:
        values = {score["metric"]: score.get("value") for score in one["quality"]["scores"]}
        # Half of the labels and half of the answers are positive, in the whole set: none of these is of one kind.
        for metric in ("accuracy", "decision_precision", "recall", "f1", "positive_share"):
            assert values[metric] is not None, (one["cell"], metric, one["quality"])
            assert 0 <= values[metric] <= 1


def test_the_figures_say_which_checkpoint_they_came_from_and_nothing_waits_for_one(record):
    run, said, folder = record
    assert {one["provenance"]["weights"] for one in run["measurements"]} == {"checkpoint my-turns"}
    assert "smart-turn-v2-tiny: checkpoint my-turns" in said
    page = (folder / "report.html").read_text()
    for text in (said, page):
        assert "random weights" not in text
        assert "needs a checkpoint" not in text
    assert "mean ± sd" in page
    assert "calls " in page


def test_a_balanced_part_of_the_examples_is_taken_on_one_core_one_at_a_time(record):
    run, _, _ = record
    options = run["options"]
    assert (options["sample_percent"], options["single_core"], options["low_memory"]) == (PERCENT, True, True)
    for one in run["measurements"]:
        assert one["provenance"]["examples"] < 4
        ids = one["quality"]["exam"]["ids"]
        # At least one of every kind is taken, so it is more than a quarter of the 32; and of both labels alike.
        assert 8 <= len(ids) < 32
        assert sum(name.endswith("-complete") for name in ids) == len(ids) // 2
    assert run["environment"]["identity"]["threads"] == 1
