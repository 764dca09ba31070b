"""XTTS v2, tiny, streamed through the suite at every precision that it asks for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

ROOT = Path(__file__).parents[2]
STREAM = "xtts-v2-stream-tiny"
PRECISIONS = ("fp32", "fp16", "int8-dynamic")


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    reports = tmp_path_factory.mktemp("reports")
    options = ["--model", STREAM, "--device", "cpu", "--cell-seconds", "100ms", "--no-gate", "--reports", str(reports)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "suites/test_cells.py", *options, "-p", "no:cacheprovider"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout
    record = json.loads((reports / "latest" / "run.json").read_text())
    assert all(one["status"] == "measured" for one in record["measurements"]), done.stdout
    return {one["cell"]["precision"]: one for one in record["measurements"]}


def value(cell, metric):
    return next(one["value"] for one in cell["readings"] if one["metric"] == metric)


def score(cell, metric):
    return next(one["value"] for one in cell["quality"]["scores"] if one["metric"] == metric)


def test_every_precision_is_measured_and_says_as_much(cells):
    assert cells.keys() == set(PRECISIONS)
    assert len({value(cell, "audio_seconds") for cell in cells.values()}) == 1


def test_a_stream_is_heard_before_it_has_ended(cells):
    for cell in cells.values():
        a_pass = value(cell, "real_time_factor") * value(cell, "audio_seconds")
        assert 0 < value(cell, "first_audible_seconds") < a_pass
        assert (value(cell, "underruns_count") > 0) is (value(cell, "underrun_seconds") > 0)


def test_parameters_stand_in_the_record_by_part(cells):
    parts = {"GPT-2 stack", "conditioning", "perceiver", "embeddings and heads", "vocoder", "speaker encoder"}
    for cell in cells.values():
        counted = cell["provenance"]["count_by_part"]
        assert counted.keys() == parts
        assert sum(counted.values()) == value(cell, "parameters_count") == 552_446


def test_what_is_converted_is_what_its_kind_of_conversion_finds(cells):
    assert value(cells["fp16"], "weights_covered_fraction") == 1
    left = " ".join(cells["int8-dynamic"]["provenance"]["left_unconverted"])
    assert "gpt.gpt.h." not in left, "a projection of the stack is no Linear"
    assert "conv_pre" in left, "convolutions are of no use to what converts Linear"


@pytest.mark.parametrize("precision", PRECISIONS[1:])
def test_a_precision_says_nearly_what_fp32_says(cells, precision):
    cell = cells[precision]
    assert 0.5 < score(cell, "top1_agreement") <= 1, "by chance it is one in sixty-six"
    assert 0 < score(cell, "log_mel_distance") < 0.5
    assert score(cell, "duration_drift") == 0


def test_the_words_need_a_checkpoint(cells):
    said = next(one for one in cells["fp32"]["quality"]["scores"] if one["metric"] == "word_error_rate")
    assert said["value"] is None
    assert said["unavailable"].startswith("needs a checkpoint")
