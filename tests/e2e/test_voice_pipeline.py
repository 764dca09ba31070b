"""The voice pipeline measured as a user would: its stages timed, the bottleneck named, budgets of stages judged."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUDGET = """
[[budget]]
name = "{name}"
cells = "voice-pipeline-tiny/*/*"
stage = "{stage}"
at_most = {at_most}
source = "this test"
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipeline")
    expectations = folder / "expectations.toml"
    expected = (("an hour will do", "translate", 3600), ("a nanosecond will not", "synthesise", 1e-9))
    text = "".join(BUDGET.format(name=name, stage=stage, at_most=at_most) for name, stage, at_most in expected)
    expectations.write_text(text)
    command = ["suites/", "--model", "voice-pipeline-tiny", "--precision", "fp32", "--device", "cpu"]
    command += ["--cell-seconds", "200ms", "--expectations", str(expectations), "--reports", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *command, "-p", "no:cacheprovider"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    return (
        done,
        json.loads((folder / "latest" / "run.json").read_text()),
        (folder / "latest" / "report.html").read_text(),
    )


def test_each_stage_is_timed_within_the_whole(ran):
    done, record, _ = ran
    assert done.returncode == 0, done.stdout
    (found,) = record["measurements"]
    assert list(found["stages"]) == ["tokenise", "translate", "transfer", "synthesise"]
    assert all(seconds > 0 for seconds in found["stages"].values())
    # Medians of stages add up to about an inference: not to less than half of any, nor to half as much again as all.
    inferences = found["sample"]["wall_seconds"]
    assert min(inferences) / 2 < sum(found["stages"].values()) < max(inferences) * 1.5


def test_terminal_and_page_name_the_bottleneck(ran):
    done, record, page = ran
    stages = record["measurements"][0]["stages"]
    slowest = max(stages, key=stages.get)
    (line,) = [one for one in done.stdout.splitlines() if "← bottleneck" in one]
    assert line.partition(" ← bottleneck")[0].rpartition(",")[2].split()[0] == slowest
    assert line.strip() in page


def test_a_budget_of_each_stage_is_met_or_missed_by_how_much(ran):
    done, record, _ = ran
    judged = {one["name"]: one for one in record["judgement"]["judged"]}
    met, missed = judged["an hour will do"], judged["a nanosecond will not"]
    assert (met["answer"], met["stage"]) == ("met", "translate")
    assert (missed["answer"], missed["stage"]) == ("missed", "synthesise")
    assert "missed by" in missed["text"]
    said = " ".join(done.stdout.split())
    assert "translate latency" in said
    assert "to spare" in said


def test_the_translation_is_the_same_as_fp32s_and_the_speech_is_sound(ran):
    _, record, _ = ran
    readings = {one["metric"]: one for one in record["measurements"][0]["readings"]}
    assert readings["audio_seconds"]["value"] == pytest.approx(2 * 16 * 256 / 16_000)
    assert readings["first_audible_seconds"]["value"] > 0
    assert readings["parameters_count"]["value"] == 429_358
