"""A worker that hosts a service: what it opens, times and is loaded with, through the real protocol."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.worker import protocol
from harness.worker.link import Worker
from tests.runtimes.http_servers import LOUD, QUIET, STARTED, UNKNOWN, answering, streamed, wav, whole

pytest.importorskip("numpy")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="peaks of other processes are read on Linux")

DECLARED = """
import sys
from harness.services import Endpoint, Service, speech_service

speak = Endpoint(path="/speak", sample_rate=8_000, body={{"text": "{{text}}"}})
MODELS = (speech_service(name="tone", service=Service({service}, endpoint=speak, {more}), texts=("one", "two")),)
"""


def assigned(folder: Path, service: str, more: str = "") -> protocol.Assignment:
    (folder / "declared.py").write_text(DECLARED.format(service=service, more=more))
    return protocol.Assignment(
        module="declared",
        root=str(folder),
        model="tone",
        precision="fp32",
        device="cpu",
        store=str(folder / "store"),
        made=str(folder / "made"),
    )


def converted(assignment: protocol.Assignment) -> protocol.Assignment:
    with Worker({}) as worker:
        assert isinstance(worker.ask(protocol.Open(assignment), 60), protocol.NeedsConversion)
        assert isinstance(worker.ask(protocol.Convert(assignment), 60), protocol.Converted)
    return assignment


def test_a_running_service_is_opened_timed_by_its_arrivals_and_loaded(tmp_path: Path) -> None:
    pause = 0.3
    with answering(speak=streamed([wav(LOUD, size=UNKNOWN), LOUD], pause)) as server:
        assignment = converted(assigned(tmp_path, f"url={server.url!r}", "concurrency=(1, 2)"))
        with Worker({}) as worker:
            opened = worker.ask(protocol.Open(assignment), 60)
            assert isinstance(opened, protocol.Opened)
            assert opened.uncounted == "a service: its files are its own"
            assert opened.concurrency == (1, 2)
            assert opened.artifact.coverage.total_bytes == 0
            checked = worker.ask(protocol.CheckOutputs(), 60)
            assert isinstance(checked, protocol.Checked)
            assert checked.audio_seconds == (0.1, 0.1)
            block = worker.ask(protocol.Time(0.0, 2, 100), 60)
            assert isinstance(block, protocol.Block)
            assert block.example_ids == ("text-1", "text-2") * 2
            assert "the work is the server's" in (block.corrected_unavailable or "")
            rows = zip(block.first_byte_seconds, block.first_audible_seconds, block.wall_seconds, strict=True)
            for first_byte, audible, total in rows:
                assert 0 < first_byte <= audible <= total - pause / 2
            laps = worker.ask(protocol.Lap(0, 0.0), 60)
            assert isinstance(laps, protocol.Laps)
            assert laps.cpu_seconds is None, "what the client computes says nothing of the server"
            crowd = worker.ask(protocol.Crowd(2, 0.0), 60)
            assert isinstance(crowd, protocol.Crowded)
            assert (crowd.at_once, crowd.requests, crowd.failed) == (2, 4, 0)
            answered = worker.ask(protocol.Answer(str(tmp_path / "outputs")), 60)
            assert isinstance(answered, protocol.Answered)
            assert answered.was_steady


def test_silence_before_the_sound_counts_until_the_first_audible_sample(tmp_path: Path) -> None:
    with answering(speak=whole(wav(QUIET + LOUD))) as server:
        assignment = converted(assigned(tmp_path, f"url={server.url!r}"))
        with Worker({}) as worker:
            worker.ask(protocol.Open(assignment), 60)
            worker.ask(protocol.CheckOutputs(), 60)
            block = worker.ask(protocol.Time(0.0, 1, 100), 60)
    assert isinstance(block, protocol.Block)
    for first_byte, audible in zip(block.first_byte_seconds, block.first_audible_seconds, strict=True):
        assert audible >= first_byte + 0.05  # 400 samples at 8 kHz


@linux_only
def test_peaks_are_the_server_s_in_every_phase(tmp_path: Path) -> None:
    script = tmp_path / "server.py"
    script.write_text(STARTED)
    command = f"command=(sys.executable, {str(script)!r}, '{{port}}', 'well', '300')"
    assignment = converted(assigned(tmp_path, command))
    with Worker({}) as worker:
        opened = worker.ask(protocol.Open(assignment), 60)
        assert isinstance(opened, protocol.Opened)
        worker.ask(protocol.CheckOutputs(), 60)
        worker.ask(protocol.Time(0.0, 1, 100), 60)
        crowd = worker.ask(protocol.Crowd(2, 0.0), 60)
        closed = worker.ask(protocol.Close(), 60)
    assert isinstance(crowd, protocol.Crowded)
    assert isinstance(closed, protocol.Closed)
    for peak in (
        opened.load_peak.peak_bytes,
        opened.first_peak.peak_bytes,
        crowd.peak_bytes,
        closed.steady_peak.peak_bytes,
    ):
        assert peak is not None
        assert 300e6 <= peak < 400e6
    assert opened.load_peak.start_bytes is None
    assert "not of this worker" in (opened.load_peak.note or "")


def test_a_failing_request_breaks_the_cell_with_one_line(tmp_path: Path) -> None:
    with answering(speak=whole(b"no voice", 500)) as server:
        assignment = converted(assigned(tmp_path, f"url={server.url!r}"))
        with Worker({}) as worker:
            reply = worker.ask(protocol.Open(assignment), 60)
    assert isinstance(reply, protocol.Broke)
    assert reply.text.endswith("/speak answered 500 Internal Server Error: no voice")
