"""A run that does not live to its end: what was measured is kept, what was started is gone, and it can go on."""

import json
import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.worker.lease import lease

from .conftest import Project


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait for something that must happen; a minute is for ever here."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has fetched yet has ended too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_ctrl_c_leaves_a_report_and_no_worker(project: Project) -> None:
    run = project.start("--model", "tiny,hanging", "--precision", "fp32")
    wait_for(project.mark.exists)
    run.send_signal(signal.SIGINT)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 2
    assert gone(int(project.mark.read_text()))
    assert project.status() == {"tiny/fp32": "measured", "hanging/fp32": "failed"}
    assert project.record()["complete"] is False
    assert (project.latest / "report.html").exists()
    assert "tiny" in output


def test_kill_9_leaves_a_readable_journal_and_no_worker(project: Project) -> None:
    run = project.start("--model", "tiny,hanging", "--precision", "fp32")
    wait_for(project.mark.exists)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    wait_for(lambda: gone(int(project.mark.read_text())))
    events = [json.loads(line) for line in (project.latest / "events.jsonl").read_text().splitlines()]
    finished = [event["cell"]["model"] for event in events if event["kind"] == "cell-finished"]
    assert finished == ["tiny"]
    assert events[-1]["body"]["phase"] == "first inference"


def test_a_killed_run_is_resumed_without_measuring_again_what_it_had(project: Project) -> None:
    arguments = ("--model", "tiny,hanging", "--precision", "fp32", "--cell-limit", "4s")
    run = project.start(*arguments)
    wait_for(project.mark.exists)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    with (project.latest / "events.jsonl").open("a") as journal:
        journal.write('{"at":"cut sho')
    done = project.run(*arguments, "--resume")
    assert project.status() == {"tiny/fp32": "measured", "hanging/fp32": "failed"}, done.stdout
    lines = (project.latest / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines if line.endswith("}")]
    started = [event["cell"]["model"] for event in events if event["kind"] == "cell-started"]
    assert started == ["tiny", "hanging", "hanging"]
    assert len(list((project.folder / "reports").iterdir())) == 2, "one run and the pointer to it"


def test_resuming_with_other_options_is_refused(project: Project) -> None:
    project.run("--model", "tiny", "--precision", "fp32")
    done = project.run("--model", "tiny", "--precision", "fp32", "--threads", "2", "--resume")
    assert done.returncode == 4
    assert "threads" in done.stderr


def test_a_run_that_waits_for_another_says_so(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(project.temporary))
    with lease(("cpu",)):
        run = project.start("--model", "tiny", "--precision", "fp32")
        assert run.stdout is not None
        said = ""
        while "waiting for cpu" not in said:
            line = run.stdout.readline()
            assert line, said
            said += line
        assert run.poll() is None
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 0, output
    assert project.status() == {"tiny/fp32": "measured"}


def test_resuming_tries_again_what_had_failed(project: Project) -> None:
    arguments = ("--model", "tiny,raising", "--precision", "fp32", "--artifact-cache", str(project.folder / "cache"))
    assert project.run(*arguments).returncode == 1
    project.environment["QUANTGATE_TEST_MENDED"] = "what it lacked is there now"
    assert project.run(*arguments, "--resume").returncode == 0
    assert project.status() == {"tiny/fp32": "measured", "raising/fp32": "measured"}
    events = [json.loads(line) for line in (project.latest / "events.jsonl").read_text().splitlines() if line]
    started = [event["cell"]["model"] for event in events if event["kind"] == "cell-started"]
    assert started == ["tiny", "raising", "raising"]


def test_a_run_of_other_code_is_not_gone_on_with(project: Project) -> None:
    arguments = ("--model", "tiny", "--precision", "fp32")
    assert project.run(*arguments).returncode == 0
    source = project.folder / "suites" / "models" / "tiny.py"
    source.write_text(source.read_text() + "\n# as good as new\n")
    done = project.run(*arguments, "--resume")
    assert done.returncode == 4
    assert "the suites have changed since" in done.stderr
