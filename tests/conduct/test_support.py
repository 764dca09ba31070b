"""What this machine can run is remembered for as long as the libraries are the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest

from harness.cells import Cell, Reason
from harness.conduct import support as supports
from harness.conduct.support import Answer, Support
from harness.errors import HarnessError
from harness.results import Phase
from harness.worker import protocol
from harness.worker.link import WorkerDied, WorkerTimedOut
from tests.samples import CELL, FAILED, MEASURED, OTHER, UNSUPPORTED


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], list[Any]]:
    """Have every probe's worker reply this; what it was asked is noted."""

    def reply(answer: Any) -> list[Any]:
        asked: list[Any] = []

        class Scripted:
            def __init__(self, _environment: object) -> None: ...

            def __enter__(self) -> Self:
                return self

            def __exit__(self, *_: object) -> None: ...

            def ask(self, request: Any, _limit_seconds: float) -> Any:
                asked.append(request)
                if isinstance(answer, Exception):
                    raise answer
                return answer

        monkeypatch.setattr(supports, "Worker", Scripted)
        return asked

    return reply


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (protocol.CheckPassed(), Answer("probed")),
        (protocol.CannotRun("NO_KERNEL", "no kernel"), Answer("probed", Reason.NO_KERNEL, "no kernel")),
        (protocol.Broke(Phase.START, "it broke"), Answer("probed", Reason.PROBE_CRASHED, "it broke")),
        (
            WorkerDied(Phase.START, "killed by SIGSEGV", "so long"),
            Answer("probed", Reason.PROBE_CRASHED, "killed by SIGSEGV; so long"),
        ),
        (
            WorkerTimedOut(Phase.START, "no answer within 60 s; killed", "..."),
            Answer("probed", Reason.PROBE_TIMED_OUT, "no answer within 60 s; killed"),
        ),
    ],
)
def test_every_end_of_a_probe_is_an_answer(answering, tmp_path: Path, reply: Any, answer: Answer) -> None:
    asked = answering(reply)
    assert Support(tmp_path).probe(CELL, "onnx", {}) == answer
    assert asked == [protocol.Check("onnx", "cpu", "fp32")]


def test_an_answer_that_makes_no_sense_is_our_own_mistake(answering, tmp_path: Path) -> None:
    answering(protocol.NeedsConversion())
    with pytest.raises(HarnessError, match="this is a defect of Quantgate"):
        Support(tmp_path).probe(CELL, "onnx", {})


def test_a_real_probe_says_what_the_runtime_says(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    support = Support(tmp_path)
    assert support.probe(CELL, "onnx", {}).reason is None
    assert support.probe(replace_device(CELL, "mps"), "onnx", {}).reason is Reason.NO_DEVICE


def replace_device(cell: Cell, device: str) -> Cell:
    return replace(cell, device=device)


def test_what_was_probed_of_a_runtime_is_known_of_its_other_models(answering, tmp_path: Path) -> None:
    answering(protocol.CheckPassed())
    support = Support(tmp_path)
    support.probe(CELL, "onnx", {})
    assert support.known(Cell("another", "fp32", "cpu"), "onnx") == Answer("probed")
    assert support.known(Cell("another", "fp32", "cpu"), "torch") is None
    assert support.known(Cell("another", "fp16", "cpu"), "onnx") is None
    assert support.known(Cell("another", "fp32", "cuda"), "onnx") is None


def test_what_a_run_has_shown_of_a_cell_stands_above_a_probe(answering, tmp_path: Path) -> None:
    answering(protocol.CheckPassed())
    support = Support(tmp_path)
    support.probe(OTHER, "onnx", {})
    support.learn(UNSUPPORTED)
    known = support.known(OTHER, "onnx")
    assert known is not None
    assert (known.reason, known.text) == (Reason.NO_KERNEL, "no kernel for it")


def test_what_was_learned_is_known_after_it_was_saved(tmp_path: Path) -> None:
    support = Support(tmp_path / "cache")
    support.learn(MEASURED)
    support.learn(UNSUPPORTED)
    support.save()
    again = Support(tmp_path / "cache")
    for cell in (CELL, OTHER):
        assert again.known(cell, "onnx") == support.known(cell, "onnx") is not None


def test_a_failure_never_makes_a_cell_unsupported(tmp_path: Path) -> None:
    support = Support(tmp_path)
    support.learn(FAILED)
    known = support.known(FAILED.cell, "onnx")
    assert known is None or known.reason is None


def test_what_memory_was_there_once_is_no_matter_of_support(tmp_path: Path) -> None:
    support = Support(tmp_path)
    support.learn(MEASURED)
    support.learn(replace(UNSUPPORTED, cell=CELL, reason=Reason.TOO_LITTLE_MEMORY))
    assert support.known(CELL, "onnx") == Answer("measured")


def test_other_versions_of_the_libraries_are_asked_again(tmp_path: Path, monkeypatch) -> None:
    support = Support(tmp_path)
    support.learn(MEASURED)
    support.save()
    monkeypatch.setattr(supports, "_LIBRARIES", ("onnxruntime", "pytest"))
    assert Support(tmp_path).known(CELL, "onnx") is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"a": 1}', b'{"\xff": {"tried": ""}}', b'{"a":{"tried":"x","reason":"Y"}}']
)
def test_a_file_that_cannot_be_read_is_forgotten(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "support.json").write_bytes(content)
    support = Support(tmp_path)
    assert support.known(CELL, "onnx") is None
    support.learn(MEASURED)
    support.save()
    assert Support(tmp_path).known(CELL, "onnx") is not None


def test_answers_that_cannot_be_kept_spoil_nothing(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    support = Support(tmp_path / "cache")
    support.learn(MEASURED)
    support.save()
    assert support.known(CELL, "onnx") is not None


def test_each_runtime_precision_and_device_is_probed_once(answering, tmp_path: Path) -> None:
    answering(protocol.CheckPassed())
    support = Support(tmp_path)
    cells = (CELL, Cell("another", "fp32", "cpu"), Cell("net", "fp32", "cpu"), OTHER)
    runtimes = {"tone": "onnx", "another": "onnx", "net": "torch"}
    unprobed = support.unprobed(cells, runtimes)
    assert {(runtimes[cell.model], cell.precision) for cell in unprobed} == {
        ("onnx", "fp32"),
        ("torch", "fp32"),
        ("onnx", "int8-dynamic"),
    }
    assert len(unprobed) == 3
    for cell in unprobed:
        support.probe(cell, runtimes[cell.model], {})
    assert support.unprobed(cells, runtimes) == ()
