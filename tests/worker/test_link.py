"""Whatever a worker does, the parent gets an answer, and afterwards nothing of it is left. Real processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from harness.results import Phase
from harness.worker import protocol
from harness.worker.link import Worker, WorkerDied, WorkerTimedOut
from tests.fakes import PATIENCE_SECONDS, is_gone, start_python, wait_gone, wait_until

Assign = Callable[..., protocol.Assignment]

NOTHING = protocol.Check("no such runtime", "cpu", "fp32")
"""What every worker answers at once: that it knows no such runtime."""

START_SLEEPER = """
sleeper = subprocess.Popen(["sleep", "600"])
(HERE / "pids").write_text(f"{os.getpid()} {sleeper.pid}")
"""


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """A test that fails leaves no process behind either."""
    yield
    if (tmp_path / "pids").exists():
        for pid in pids(tmp_path):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def pids(folder: Path) -> tuple[int, ...]:
    """The worker's process and the one that it started."""
    worker, sleeper = (int(pid) for pid in (folder / "pids").read_text().split())
    return worker, sleeper


BROKEN = {
    "raises": ("raise ValueError('no\\nsuch weights')", "its reference raised ValueError: no such weights; mend model"),
    "asserts": ("assert 1 == 2", "its reference raised AssertionError"),
    "runs out of memory": ("raise MemoryError('4 GB')", "out of memory: 4 GB; free some or choose a smaller size"),
    "returns nonsense": ("return 3", "AttributeError"),
    "has no file": ("return FileReference(HERE / 'none.onnx', 'onnx', '')", "none.onnx"),
}


@pytest.mark.parametrize(("body", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_a_model_that_breaks_is_an_answer_in_one_line_with_its_phase(assigned: Assign, body: str, said: str) -> None:
    with Worker({}) as worker:
        reply = worker.ask(protocol.Open(assigned(reference=body)), PATIENCE_SECONDS)
        again = worker.ask(NOTHING, PATIENCE_SECONDS)
    assert isinstance(reply, protocol.Broke)
    assert reply.phase is Phase.REFERENCE
    assert said in reply.text
    assert "\n" not in reply.text
    assert isinstance(again, protocol.Broke)  # it lives on


def test_a_declaration_that_cannot_be_imported_is_an_answer(assigned: Assign) -> None:
    with Worker({}) as worker:
        reply = worker.ask(protocol.Open(assigned(after="import nowhere_to_be_found")), PATIENCE_SECONDS)
    assert isinstance(reply, protocol.Broke)
    assert "declared cannot be imported: ModuleNotFoundError" in reply.text
    assert "; mend the file or take it away" in reply.text


DEADLY = {
    "exits": ("os._exit(3)", "the worker ended by itself with exit code 3"),
    "exits politely": ("sys.exit(4)", "the worker ended by itself with exit code 4"),
    "is killed": ("os.kill(os.getpid(), signal.SIGKILL)", "the worker was killed by SIGKILL"),
    "aborts": ("os.abort()", "the worker was killed by SIGABRT"),
    "writes where nothing is": ("import ctypes; ctypes.string_at(0)", "the worker was killed by SIGSEGV"),
}


@pytest.mark.parametrize(("body", "cause"), DEADLY.values(), ids=DEADLY.keys())
def test_a_worker_that_dies_is_told_with_cause_phase_and_last_words(assigned: Assign, body: str, cause: str) -> None:
    last = f"print('so long', file=sys.stderr, flush=True); {body}"
    with Worker({}) as worker, pytest.raises(WorkerDied) as caught:
        worker.ask(protocol.Open(assigned(reference=last)), PATIENCE_SECONDS)
    assert caught.value.text.startswith(cause)
    assert caught.value.phase is Phase.REFERENCE
    assert "so long" in caught.value.last_words


def test_a_kill_by_the_kernel_says_where_to_look(assigned: Assign) -> None:
    with Worker({}) as worker, pytest.raises(WorkerDied, match="too little memory"):
        worker.ask(protocol.Open(assigned(reference="os.kill(os.getpid(), signal.SIGKILL)")), PATIENCE_SECONDS)


def test_a_dead_worker_stays_dead(assigned: Assign) -> None:
    with Worker({}) as worker:
        for request in (protocol.Open(assigned(reference="os._exit(3)")), NOTHING, NOTHING):
            with pytest.raises(WorkerDied, match="exit code 3"):
                worker.ask(request, PATIENCE_SECONDS)


def test_a_worker_that_does_not_answer_is_killed_with_all_it_started(assigned: Assign, tmp_path: Path) -> None:
    hangs = protocol.Open(assigned(reference=f"{START_SLEEPER}\nprint('waiting', flush=True)\ntime.sleep(600)"))
    with Worker({}) as worker:
        worker.ask(NOTHING, PATIENCE_SECONDS)  # it is up: what is waited for is the model alone
        with pytest.raises(WorkerTimedOut, match="no answer within 1 s; killed") as caught:
            worker.ask(hangs, 1.0)
        wait_gone(*pids(tmp_path))
    assert caught.value.phase is Phase.REFERENCE
    assert "waiting" in caught.value.last_words


def test_a_worker_that_was_killed_for_its_silence_answers_nothing_more(assigned: Assign) -> None:
    with Worker({}) as worker:
        with pytest.raises(WorkerTimedOut):
            worker.ask(protocol.Open(assigned(reference="time.sleep(600)")), 1.0)
        with pytest.raises(WorkerDied, match="was killed before it could be asked"):
            worker.ask(NOTHING, 1.0)


def test_what_a_dead_worker_started_is_killed_too(assigned: Assign, tmp_path: Path) -> None:
    with Worker({}) as worker, pytest.raises(WorkerDied):
        worker.ask(protocol.Open(assigned(reference=f"{START_SLEEPER}\nos._exit(3)")), PATIENCE_SECONDS)
    wait_gone(*pids(tmp_path))


def test_a_worker_that_dies_is_mourned_at_once_though_its_child_lives(assigned: Assign, tmp_path: Path) -> None:
    """A forked child holds the pipe open: its end alone does not tell of the worker's death."""
    forks = """
    child = os.fork()
    if child == 0:
        time.sleep(600)
    (HERE / "pids").write_text(f"{os.getpid()} {child}")
    os._exit(3)
    """
    with Worker({}) as worker, pytest.raises(WorkerDied, match="exit code 3"):
        worker.ask(protocol.Open(assigned(reference=forks)), PATIENCE_SECONDS)
    wait_gone(*pids(tmp_path))


def test_leaving_ends_the_worker_and_all_it_started(assigned: Assign, tmp_path: Path) -> None:
    class Interrupted(Exception):
        pass

    def interrupt() -> None:
        if (tmp_path / "pids").exists():
            raise Interrupted

    hangs = protocol.Open(assigned(reference=f"{START_SLEEPER}\ntime.sleep(600)"))
    with pytest.raises(Interrupted), Worker({}, on_tick=interrupt) as worker:
        worker.ask(hangs, PATIENCE_SECONDS)
    wait_gone(*pids(tmp_path))


def test_a_worker_leaves_no_descriptor_and_no_child_behind() -> None:
    here = psutil.Process()
    with Worker({}) as worker:
        worker.ask(NOTHING, PATIENCE_SECONDS)
    before = here.num_fds()
    with Worker({}) as worker:
        worker.ask(NOTHING, PATIENCE_SECONDS)
    assert here.num_fds() == before
    assert not psutil.pid_exists(worker.pid)


def test_a_python_that_is_not_there_leaves_no_descriptor_behind(tmp_path: Path) -> None:
    before = psutil.Process().num_fds()
    for _ in range(3):
        with pytest.raises(FileNotFoundError), Worker({}, python=str(tmp_path / "python")):
            pass
    assert psutil.Process().num_fds() == before


def test_a_worker_is_in_a_group_of_its_own() -> None:
    with Worker({}) as worker:
        assert os.getpgid(worker.pid) == worker.pid != os.getpgid(0)


def test_phases_are_told_in_order(assigned: Assign) -> None:
    heard: list[Phase] = []
    with Worker({}, on_phase=heard.append) as worker:
        reply = worker.ask(protocol.Open(assigned()), PATIENCE_SECONDS)
        worker.ask(protocol.CheckOutputs(), PATIENCE_SECONDS)
        worker.ask(protocol.Close(), PATIENCE_SECONDS)
    assert isinstance(reply, protocol.Opened)
    assert heard == [
        Phase.REFERENCE,
        Phase.IMPORT,
        Phase.OPEN,
        Phase.PLACEMENT,
        Phase.INPUTS,
        Phase.FIRST,
        Phase.OUTPUTS,
        Phase.CLOSE,
    ]


def test_a_worker_has_the_environment_it_was_given(assigned: Assign) -> None:
    with Worker({"OMP_NUM_THREADS": "7"}) as worker:
        tells = "raise ValueError(os.environ['OMP_NUM_THREADS'] + os.environ['PATH'][:0])"
        reply = worker.ask(protocol.Open(assigned(reference=tells)), PATIENCE_SECONDS)
    assert isinstance(reply, protocol.Broke)
    assert "ValueError: 7;" in reply.text


def test_a_worker_may_print_as_much_as_it_likes_and_its_last_words_are_the_end(assigned: Assign) -> None:
    chatty = "print('x' * 5_000_000); print('the end', flush=True); raise ValueError('after all')"
    with Worker({}) as worker:
        reply = worker.ask(protocol.Open(assigned(reference=chatty)), PATIENCE_SECONDS)
        words = worker.last_words()
    assert isinstance(reply, protocol.Broke)
    assert len(words) <= 2_000
    assert "the end" in words
    assert words.endswith("ValueError: after all"), "where the model raised is the very end"


def test_a_model_that_asks_a_question_is_told_that_nobody_answers(assigned: Assign) -> None:
    with Worker({}) as worker:
        reply = worker.ask(protocol.Open(assigned(reference="input('sure? ')")), PATIENCE_SECONDS)
    assert isinstance(reply, protocol.Broke)
    assert "EOFError" in reply.text


def test_what_a_model_started_cannot_take_the_worker_s_requests(assigned: Assign) -> None:
    listens = "subprocess.Popen(['cat'], stdout=subprocess.DEVNULL)\nraise ValueError('started')"
    with Worker({}) as worker:
        for request in (protocol.Open(assigned(reference=listens)), *[NOTHING] * 20):
            assert isinstance(worker.ask(request, PATIENCE_SECONDS), protocol.Broke)


def test_the_parent_sleeps_while_it_waits(assigned: Assign) -> None:
    ticks: list[float] = []
    with Worker({}, on_tick=lambda: ticks.append(time.monotonic())) as worker:
        worker.ask(NOTHING, PATIENCE_SECONDS)
        ticks.clear()
        wall, busy = time.monotonic(), time.process_time()
        with pytest.raises(WorkerTimedOut):
            worker.ask(protocol.Open(assigned(reference="time.sleep(600)")), 1.5)
        wall, busy = time.monotonic() - wall, time.process_time() - busy
    assert busy < 0.1 * wall
    assert 1 <= len(ticks) <= 10


def test_a_parent_that_is_killed_takes_its_worker_along(assigned: Assign, tmp_path: Path) -> None:
    script = """
    import sys
    import msgspec
    from harness.worker import protocol
    from harness.worker.link import Worker
    with Worker({}) as worker:
        worker.ask(protocol.Open(msgspec.json.decode(sys.argv[1], type=protocol.Assignment)), 600)
    """
    assignment = assigned(reference=f"{START_SLEEPER}\ntime.sleep(600)")
    parent = start_python(script, msgspec.json.encode(assignment).decode())
    wait_until(lambda: (tmp_path / "pids").exists() and len((tmp_path / "pids").read_text().split()) == 2, "it worked")
    worker, _ = pids(tmp_path)
    assert not is_gone(worker)
    parent.kill()
    parent.communicate()
    wait_gone(worker)


MISBEHAVING_DRIVE: dict[str, Any] = {
    "hangs at the second inference": (
        "drive.times = getattr(drive, 'times', 0) + 1\nif drive.times == 2: time.sleep(600)\nyield call(inputs)",
        WorkerTimedOut,
        "no answer within 1 s",
    ),
    "dies at the second inference": (
        "drive.times = getattr(drive, 'times', 0) + 1\nif drive.times == 2: os._exit(9)\nyield call(inputs)",
        WorkerDied,
        "exit code 9",
    ),
}


def test_a_phase_with_a_limit_of_its_own_is_waited_for_no_longer(assigned: Assign) -> None:
    with Worker({}) as worker, pytest.raises(WorkerTimedOut, match=r"no answer within 0\.5 s; killed") as caught:
        worker.ask(
            protocol.Open(assigned(drive="time.sleep(600)\nyield call(inputs)")), PATIENCE_SECONDS, {Phase.FIRST: 0.5}
        )
    assert caught.value.phase is Phase.FIRST


def test_making_an_example_is_no_part_of_the_first_inference_and_its_limit(assigned: Assign) -> None:
    slow = "def make():\n    time.sleep(1.5)\n    return root_of(4)\nreturn Workload('w', 1, [Example('4', make)], '4')"
    with Worker({}) as worker:
        reply = worker.ask(protocol.Open(assigned(workload=slow)), PATIENCE_SECONDS, {Phase.FIRST: 1.0})
    assert isinstance(reply, protocol.Opened), reply


@pytest.mark.parametrize(("drive", "lost", "said"), MISBEHAVING_DRIVE.values(), ids=MISBEHAVING_DRIVE.keys())
def test_a_loss_names_the_phase_it_came_in(opened_worker, drive: str, lost: type[Exception], said: str) -> None:
    worker = opened_worker(drive=drive)
    with pytest.raises(lost, match=said) as caught:
        worker.ask(protocol.CheckOutputs(), 1.0)
    assert caught.value.phase is Phase.OUTPUTS  # type: ignore[attr-defined]
