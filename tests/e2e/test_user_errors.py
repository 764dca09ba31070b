"""What users get wrong, in one run: each cell that suffers from it says so in one clear line, and the others go on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

ROOT = Path(__file__).parents[2]

MODELS = """
import sys
from dataclasses import replace
from pathlib import Path

from harness.endpoints import Endpoint, openai_speech
from harness.models import Example, Need, Workload
from harness.services import Service, speech_service
from suites.models.chatterbox import MODELS as VOICES
from suites.models.smart_turn_v2 import MODELS as TURNS

TURN = replace(next(one for one in TURNS if one.size == "tiny"), precisions=("fp32",), exam=None)
ABSENT = Need("no-such-distribution", "pip install 'quantgate[torch]'", is_library=True)
VOICE = replace(next(one for one in VOICES if one.name == "chatterbox-tiny"), precisions=("fp32",))


def silent(setting):
    whole = VOICE.workload(setting)
    (example,) = whole.examples

    def load():
        import numpy as np

        return {**example.load(), "text_ids": np.zeros((1, 0), dtype=np.int64)}

    return Workload("nothing to say", 1, (Example("silent", load),), "nothing")


MODELS = (
    replace(TURN, name="another-layout"),
    replace(TURN, name="cut-short"),
    replace(TURN, name="extra-missing", needs=(ABSENT,)),
    replace(TURN, name="too-large", size_bytes=10**15),
    replace(VOICE, name="silent", workload=silent),
    speech_service(
        name="server-down",
        service=Service(endpoint=openai_speech(model="tts", voice="nova"), url="http://127.0.0.1:9", wait_seconds=2.0),
        texts=("Nobody is there.",),
    ),
    speech_service(
        name="streams-nothing",
        service=Service(
            command=(sys.executable, str(Path(__file__).parents[1] / "mute.py"), "{port}"),
            endpoint=Endpoint(path="/speak", body={"text": "{text}"}, sample_rate=8000),
            identity=("mute",),
        ),
        texts=("Say something.",),
    ),
    replace(TURN, name="well"),
)
"""

MUTE = """
import struct, sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(b"up")

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        layout = struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
        self.answer(b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + layout + b"data" + struct.pack("<I", 0))

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
"""A server that answers with the header of a WAV file and not one sample."""


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """The run, and how each model of it ended."""
    import torch

    folder = tmp_path_factory.mktemp("project")
    (folder / "zoo" / "models").mkdir(parents=True)
    (folder / "zoo" / "models" / "wrong.py").write_text(MODELS)
    (folder / "zoo" / "mute.py").write_text(MUTE)
    (folder / "zoo" / "test_cells.py").write_text((ROOT / "suites" / "test_cells.py").read_text())
    (folder / "pyproject.toml").write_text('[tool.quantgate]\nmodels = "zoo/models"\n[tool.pytest.ini_options]\n')
    torch.save({"encoder.weight": torch.zeros(3, 3)}, folder / "another.pt")
    (folder / "cut.pt").write_bytes((folder / "another.pt").read_bytes()[:200])
    (folder / "tmp").mkdir()
    command = [sys.executable, "-m", "pytest", "zoo/", "-p", "no:cacheprovider", "--cell-seconds", "50ms"]
    command += ["--size", "tiny", "--model", "*"]
    command += ["--checkpoint", "another-layout=another.pt", "--checkpoint", "cut-short=cut.pt"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    environment |= {
        "XDG_CACHE_HOME": str(folder / "cache"),
        "TMPDIR": str(folder / "tmp"),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "400",
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=580
    )
    record = folder / "reports" / "latest" / "run.json"
    assert record.exists(), done.stdout + done.stderr
    return done, {one["cell"]["model"]: one for one in json.loads(record.read_text())["measurements"]}


def said(measurement: dict[str, Any]) -> str:
    """What the record says of a cell that has no numbers."""
    failure = measurement["failure"]
    return str(failure["text"] if failure else measurement["text"])


@pytest.mark.parametrize(
    ("model", "status", "reason", "words"),
    [
        ("another-layout", "failed", None, ("another.pt", "tensors", "give a checkpoint of this model and size")),
        ("cut-short", "failed", None, ("cut.pt", "cannot be read as weights")),
        ("extra-missing", "unsupported", "NO_PACKAGE", ("no-such-distribution", "pip install 'quantgate[torch]'")),
        ("too-large", "unsupported", "TOO_LITTLE_MEMORY", ("GB of weights", "is available", "a smaller size")),
        ("silent", "failed", None, ("a text of zero length", "give at least one id of text")),
        ("server-down", "failed", None, ("no server answers at http://127.0.0.1:9", "start it, or declare Service")),
        ("streams-nothing", "failed", None, ("/speak answered with a header and no audio", "streams nothing", "log")),
    ],
)
def test_each_mistake_has_one_clear_line(ended, model: str, status: str, reason: str | None, words) -> None:
    done, found = ended
    one = found[model]
    assert (one["status"], reason and one["reason"]) == (status, reason), one
    assert all(word in said(one) for word in words), said(one)
    assert "\n" not in said(one)
    assert said(one)[:60] in done.stdout


def test_the_other_cells_go_on(ended) -> None:
    done, found = ended
    assert found["well"]["status"] == "measured"
    assert done.returncode == 1
    assert "Traceback" not in done.stdout
