"""This repository's own suite, the README's main job, on the real models: briefly timed, everything else as it is."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BY_DEFAULT = {
    *("piper-joe", "piper-joe-stream", "silero-vad", "silero-vad-torchscript", "smart-turn-v3"),
    *("smart-turn-v2-tiny", "chatterbox-tiny", "chatterbox-long-tiny", "xtts-v2-tiny", "xtts-v2-stream-tiny"),
    *("nllb-600m-tiny", "voice-pipeline-tiny"),
}
"""What ships with a package, and of the others the tiny size."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    reports = tmp_path_factory.mktemp("reports")
    command = [
        "suites/",
        "--device",
        "cpu",
        "--cell-seconds",
        "200ms",
        "--reports",
        str(reports),
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=1800
    )
    return done, json.loads((reports / "latest" / "run.json").read_text())


def test_every_cell_is_measured_or_says_why_this_machine_cannot(whole) -> None:
    done, record = whole
    assert done.returncode == 0, done.stdout
    assert record["complete"] is True
    ended = {tuple(one["cell"].values()): one["status"] for one in record["measurements"]}
    assert len(ended) == len(record["planned"])
    assert {model for model, _, _ in ended} == BY_DEFAULT
    assert set(ended.values()) <= {"measured", "unsupported"}
    reasons = Counter(one["reason"] for one in record["measurements"] if one["status"] == "unsupported")
    assert set(reasons) <= {"NOTHING_CONVERTED", "NO_RECIPE", "NO_KERNEL"}
    assert ended["piper-joe", "int4-weight-only", "cpu"] == "unsupported", "no MatMul of Piper has constant weights"


def test_real_models_give_what_their_kind_promises(whole) -> None:
    _, record = whole
    by_cell = {tuple(one["cell"].values()): one for one in record["measurements"]}

    def value(cell: tuple[str, str, str], metric: str) -> float:
        found = next(one for one in by_cell[cell]["readings"] if one["metric"] == metric)
        assert found["value"] is not None, found
        return float(found["value"])

    voice = ("piper-joe", "fp32", "cpu")
    assert value(voice, "audio_seconds") > 10
    assert 0 < value(voice, "real_time_factor") < 1, "a voice that cannot keep up with itself on any of our machines"
    assert value(voice, "parameters_count") == 15_650_459
    stream = ("piper-joe-stream", "fp32", "cpu")
    whole_paragraph = value(stream, "audio_seconds") / by_cell[stream]["provenance"]["examples"]
    assert value(stream, "first_audible_seconds") < whole_paragraph
    shipped = ("smart-turn-v3", "int8-static", "cpu")
    assert by_cell[shipped]["provenance"]["artifact_provenance"] == "as shipped"
    assert "self-made" in by_cell["smart-turn-v3", "fp32", "cpu"]["provenance"]["weights"]
    assert value(shipped, "artifact_bytes") < value(("smart-turn-v3", "fp32", "cpu"), "artifact_bytes") / 3
    for cell, one in by_cell.items():
        if one["status"] == "measured":
            assert one["placement"]["astray"] == [], cell
            assert value(cell, "peak_bytes") > value(cell, "artifact_bytes") / 4, cell


def test_the_record_holds_no_name_of_this_machine_or_its_user(whole) -> None:
    import getpass
    import socket

    _, record = whole
    text = json.dumps(record)
    assert str(Path.home()) not in text
    assert str(ROOT) not in text
    assert socket.gethostname() not in {str(fact) for part in record["environment"].values() for fact in part.values()}
    assert f'"{getpass.getuser()}"' not in text
