"""Chatterbox measured by itself, tiny, in a process of its own: what the record says of it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    reports = tmp_path_factory.mktemp("reports")
    chosen = ["--model", "chatterbox*", "--precision", "int8-dynamic", "--device", "cpu", "--cell-seconds", "100ms"]
    command = ["suites/test_cells.py", *chosen, "--no-gate", "--reports", str(reports), "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout
    record = json.loads((reports / "latest" / "run.json").read_text())
    return {(one["cell"]["model"], one["cell"]["precision"]): one for one in record["measurements"]}


def reading(of: dict[str, Any], metric: str) -> dict[str, Any]:
    return next(one for one in of["readings"] if one["metric"] == metric)


def test_what_int8_dynamic_converted_and_left_is_told_by_kind(measured) -> None:
    provenance = measured["chatterbox-tiny", "int8-dynamic"]["provenance"]
    assert provenance["modules_converted"]["LSTM"] == 1
    assert provenance["modules_left"]["Embedding"] == 6
    assert provenance["left_unconverted"][0].split(" (")[1].startswith("Embedding")
    assert set(provenance["count_by_part"]) == {"t3", "ve", "tokenizer", "speaker_encoder", "flow", "mel2wav"}


def test_it_speaks_as_long_as_its_tokens_and_the_host_has_no_device_memory(measured) -> None:
    cell = measured["chatterbox-tiny", "int8-dynamic"]
    assert reading(cell, "audio_seconds")["value"] == pytest.approx(16 / 25)
    for when in ("before", "peak", "after"):
        assert reading(cell, f"device_{when}_bytes")["unavailable"] == "the cpu has no memory of its own"


def test_the_long_text_is_heard_a_chunk_at_a_time(measured) -> None:
    cell = measured["chatterbox-long-tiny", "int8-dynamic"]
    assert reading(cell, "audio_seconds")["value"] == pytest.approx(3 * 8 / 25)
    assert reading(cell, "first_audible_seconds")["value"] > 0
    assert reading(cell, "chunk_gap_max_seconds")["value"] > 0
