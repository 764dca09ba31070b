"""What a session that was timed gives once more is kept, file by file, and nothing of that is taken for the model's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.models import AudioOutput, Example
from harness.phases import Phase
from harness.scores import Part
from harness.worker import protocol
from harness.worker.answers import joined, keep, keep_part, kept, outputs_digest
from harness.worker.link import Worker, WorkerDied
from tests.samples import workload

np = pytest.importorskip("numpy")

EXAM = """
def exam(setting):
    examples = [Example(str(v), lambda v=v: root_of(v), {"size": "small"}) for v in (1, 16, 25)]
    return Workload("exam", 1, examples, "exam")
"""
HAS_EXAM = {"more": "exam=lambda setting: exam(setting)", "after": EXAM}

Start = Callable[..., Worker]


def answer(worker: Worker, folder: Path) -> protocol.Answered:
    reply = worker.ask(protocol.Answer(str(folder)), 60)
    assert isinstance(reply, protocol.Answered), reply
    return reply


def timed(worker: Worker) -> Worker:
    assert isinstance(worker.ask(protocol.CheckOutputs(), 60), protocol.Checked)
    assert isinstance(worker.ask(protocol.Time(0.0, 1, 100), 60), protocol.Block)
    return worker


def test_outputs_of_both_sets_are_read_again_as_they_came(opened_worker: Start, tmp_path: Path) -> None:
    told = answer(timed(opened_worker(**HAS_EXAM)), tmp_path / "kept")
    found = kept(tmp_path / "kept")
    assert found is not None
    assert found.answered == told
    assert told.timed.ids == ("4", "9")
    assert told.exam is not None
    assert (told.exam.name, told.exam.ids, told.exam.slices) == ("exam", ("1", "16", "25"), ({"size": "small"},) * 3)
    for part, roots in ((Part.TIMED, (2, 3)), (Part.EXAM, (1, 4, 5))):
        for index, root in enumerate(roots):
            outputs = found.outputs(part, index)
            assert outputs is not None
            assert list(outputs) == ["y"]
            assert outputs["y"].dtype == np.float32
            np.testing.assert_array_equal(outputs["y"], np.full((1, 4), root, np.float32))
    assert found.outputs(Part.EXAM, 3) is None


def test_the_same_outputs_have_the_same_digest_in_another_process_and_others_another(
    opened_worker: Start, tmp_path: Path
) -> None:
    first = answer(opened_worker(**HAS_EXAM), tmp_path / "one")
    again = answer(opened_worker(**HAS_EXAM), tmp_path / "two")
    assert (again.outputs_digest, again.exam_outputs_digest) == (first.outputs_digest, first.exam_outputs_digest)
    other = answer(opened_worker(drive="yield {'y': call(inputs)['y'] + 1e-6}", **HAS_EXAM), tmp_path / "three")
    assert other.outputs_digest != first.outputs_digest
    assert other.exam_outputs_digest != first.exam_outputs_digest
    assert (other.timed, other.exam) == (first.timed, first.exam), "they were asked the same"


DRIFTS = """
yield {"y": call(inputs)["y"] + next(STEPS)}
"""


@pytest.mark.parametrize(
    ("steps", "is_steady"),
    [("itertools.repeat(0)", True), ("itertools.count()", False), ("itertools.chain([1], itertools.repeat(0))", True)],
    ids=["always the same", "drifting", "the cold inference alone is other"],
)
def test_a_session_whose_answers_change_while_it_is_timed_is_not_called_steady(
    opened_worker: Start, tmp_path: Path, steps: str, is_steady: bool
) -> None:
    worker = opened_worker(drive=DRIFTS, after=f"import itertools\nSTEPS = {steps}")
    assert answer(timed(worker), tmp_path / "kept").was_steady is is_steady


@pytest.mark.parametrize(
    ("raises", "said"),
    [
        ("raise ValueError('no\\nroom')", "ValueError: no room"),
        ("yield {'y': call(inputs)['y'] * float('nan')}", "holds 4 NaN of 4 values for example '16'"),
        ("return", "the model gave no output for example '16'"),
    ],
    ids=["raises", "not a number", "nothing"],
)
def test_an_exam_example_that_fails_is_counted_and_the_others_are_kept(
    opened_worker: Start, tmp_path: Path, raises: str, said: str
) -> None:
    drive = f"if inputs['x'][0, 0] == 16:\n    {raises}\nelse:\n    yield call(inputs)"
    told = answer(opened_worker(drive=drive, **HAS_EXAM), tmp_path / "kept")
    assert told.exam is not None
    assert told.exam.ids == ("1", "16", "25")
    assert list(told.exam.failed) == ["16"]
    assert said in told.exam.failed["16"]
    found = kept(tmp_path / "kept")
    assert found is not None
    there = [found.outputs(Part.EXAM, index) is not None for index in range(3)]
    assert there == [True, False, True]


def test_a_timed_example_that_fails_is_told_and_leaves_no_index(opened_worker: Start, tmp_path: Path) -> None:
    drive = "LEFT.pop()\nyield call(inputs)"
    worker = opened_worker(drive=drive, after="LEFT = [None] * 5")  # one cold, two checked, two timed
    reply = timed(worker).ask(protocol.Answer(str(tmp_path / "kept")), 60)
    assert isinstance(reply, protocol.Broke), reply
    assert (reply.phase, reply.text) == (Phase.ANSWERS, "IndexError: pop from empty list")
    assert kept(tmp_path / "kept") is None
    assert isinstance(worker.ask(protocol.Close(), 60), protocol.Closed), "what was counted is told all the same"


def test_an_exam_that_would_not_end_in_time_is_left_away_and_says_so(opened_worker: Start, tmp_path: Path) -> None:
    worker = timed(opened_worker(**HAS_EXAM, drive="time.sleep(0.05)\nyield call(inputs)"))
    told = worker.ask(protocol.Answer(str(tmp_path / "kept"), max_seconds=0.2), 60)  # two examples and three: 0.25 s
    assert isinstance(told, protocol.Answered), told
    assert told.exam is None
    assert told.exam_problem.startswith("its 3 examples at 0.05")
    assert told.timed.ids == ("4", "9")


def test_an_exam_is_driven_otherwise_where_the_model_says_so(opened_worker: Start, tmp_path: Path) -> None:
    after = EXAM + "def twice(call, inputs):\n    yield call(inputs)\n    yield call(inputs)\n"
    more = "exam=lambda setting: exam(setting), exam_drive=lambda call, inputs: twice(call, inputs)"
    answer(opened_worker(more=more, after=after), tmp_path / "kept")
    found = kept(tmp_path / "kept")
    assert found is not None
    outputs, one_chunk = found.outputs(Part.EXAM, 1), found.outputs(Part.TIMED, 0)
    assert outputs is not None
    assert one_chunk is not None
    np.testing.assert_array_equal(outputs["y"], np.full(8, 4, np.float32))
    assert one_chunk["y"].shape == (1, 4), "the only chunk keeps its shape"


def test_a_part_of_the_workload_is_a_part_of_the_exam_too(opened_worker: Start, tmp_path: Path) -> None:
    told = answer(opened_worker(sample_percent=50.0, **HAS_EXAM), tmp_path / "kept")
    assert len(told.timed.ids) == 1
    assert told.exam is not None
    assert len(told.exam.ids) == 2
    whole = answer(opened_worker(**HAS_EXAM), tmp_path / "whole")
    assert whole.exam is not None
    assert whole.exam.digest != told.exam.digest


def test_a_worker_killed_during_the_exam_leaves_no_index(opened_worker: Start, tmp_path: Path) -> None:
    drive = "if inputs['x'][0, 0] == 25:\n    os.kill(os.getpid(), signal.SIGKILL)\nyield call(inputs)"
    worker = opened_worker(drive=drive, **HAS_EXAM)
    with pytest.raises(WorkerDied) as died:
        worker.ask(protocol.Answer(str(tmp_path / "kept")), 60)
    assert died.value.phase is Phase.ANSWERS
    assert len(list((tmp_path / "kept" / "exam").iterdir())) == 2, "it had begun"
    assert kept(tmp_path / "kept") is None


def test_what_a_folder_held_before_is_gone_before_anything_new_is_kept(opened_worker: Start, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    answer(opened_worker(**HAS_EXAM), folder)
    drive = "if inputs['x'][0, 0] == 25:\n    os.kill(os.getpid(), signal.SIGKILL)\nyield call(inputs)"
    with pytest.raises(WorkerDied):
        opened_worker(drive=drive, **HAS_EXAM).ask(protocol.Answer(str(folder)), 60)
    assert kept(folder) is None, "an index of the session before would vouch for outputs of two"


HEAVY = """
def heavy():
    import numpy as np
    kept = np.ones(200_000_000, np.uint8)
    time.sleep(0.2)
    return root_of(kept[0])
def exam(setting):
    return Workload("exam", 1, [Example("heavy", heavy)], "exam")
"""


def test_neither_memory_nor_time_of_the_exam_is_counted_as_the_model_s(opened_worker: Start, tmp_path: Path) -> None:
    def closed(**given: Any) -> protocol.Closed:
        worker = timed(opened_worker(**given))
        told = answer(worker, tmp_path / f"kept{len(given)}")
        assert (told.seconds > 0.2) == bool(given), "the exam was run"
        reply = worker.ask(protocol.Close(), 60)
        assert isinstance(reply, protocol.Closed)
        return reply

    plain = closed().steady_peak
    examined = closed(more="exam=lambda setting: exam(setting)", after=HEAVY).steady_peak
    assert plain.peak_bytes is not None
    assert examined.peak_bytes is not None
    # Two processes of one model differ by a few MB; what the exam allocates is 200 MB.
    assert examined.peak_bytes < plain.peak_bytes + 60_000_000


FULL = """
import resource
CALLS = []
def fill_up_at_last():
    CALLS.append(1)
    if len(CALLS) > 5:  # one cold, two checked, two timed
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
"""


def test_a_full_disk_is_told_in_a_line_and_leaves_no_index(opened_worker: Start, tmp_path: Path) -> None:
    # Python has the signal of such a limit ignored: a write past it raises, as on a full disk.
    worker = timed(opened_worker(drive="fill_up_at_last()\nyield call(inputs)", after=FULL))
    reply = worker.ask(protocol.Answer(str(tmp_path / "kept")), 60)
    assert isinstance(reply, protocol.Broke), reply
    assert reply.phase is Phase.ANSWERS
    assert reply.text == (
        "the outputs cannot be kept in timed: File too large; make room or choose another --reports folder"
    )
    assert kept(tmp_path / "kept") is None
    assert isinstance(worker.ask(protocol.Close(), 60), protocol.Closed)


# Without a worker.


def part(folder: Path, *outputs: Any) -> Any:
    examples = [Example(str(index), dict) for index in range(len(outputs))]
    return keep_part(folder, Part.TIMED, workload(*examples), lambda index: [outputs[index]], may_fail=False)


def test_chunks_become_one_row_of_values_an_output() -> None:
    chunks = ({"y": np.array([[1, 2]]), "end": np.array([0])}, {"y": np.array([[3]])})
    whole = joined(chunks)
    assert {name: values.tolist() for name, values in whole.items()} == {"y": [1, 2, 3], "end": [0]}


OTHERS = {
    "another value": {"y": np.array([1.0, 3.0], np.float32)},
    "another name": {"z": np.array([1.0, 2.0], np.float32)},
    "another dtype": {"y": np.array([1.0, 2.0], np.float64)},
    "another shape": {"y": np.array([[1.0, 2.0]], np.float32)},
    "one more": {"y": np.array([1.0, 2.0], np.float32), "z": np.zeros(0)},
    "other signs": {"y": np.array([1.0, 2.0], np.float32) * np.float32(-1)},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_whatever_differs_in_an_output_changes_its_digest(other: dict[str, Any]) -> None:
    plain = {"y": np.array([1.0, 2.0], np.float32)}
    assert outputs_digest(plain) == outputs_digest({"y": plain["y"].copy()}) != outputs_digest(other)


def test_a_digest_is_of_the_values_and_not_of_how_they_lie_in_memory() -> None:
    table = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert outputs_digest({"y": table}) == outputs_digest({"y": np.asfortranarray(table)})


def test_any_name_of_an_output_is_kept(tmp_path: Path) -> None:
    names = ["names", "output0", "a/b", "file", "ünïcode"]
    outputs = {name: np.full(2, place) for place, name in enumerate(names)}
    examples, digest = part(tmp_path, outputs)
    keep(tmp_path, protocol.Answered(digest, "", True, examples, None, 0.0))
    found = kept(tmp_path)
    assert found is not None
    again = found.outputs(Part.TIMED, 0)
    assert again is not None
    assert {name: values.tolist() for name, values in again.items()} == {
        name: [place, place] for place, name in enumerate(names)
    }


def test_a_folder_that_cannot_be_made_is_told_with_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, no folder")
    with pytest.raises(
        HarnessError, match=r"cannot be kept in timed: .*; make room or choose another --reports folder"
    ):
        part(tmp_path / "taken", {"y": np.ones(1)})


def test_audio_is_also_kept_as_recordings_where_people_want_to_listen(tmp_path: Path) -> None:
    import wave

    spoken = {"y": np.array([[0.0, 0.5, -1.5, 1.0]], np.float32)}
    examples = workload(Example("good day/../x", dict))
    keep_part(tmp_path, Part.EXAM, examples, lambda _: (spoken,), may_fail=True, audio=AudioOutput("y", 22_050))
    (recording,) = (tmp_path / "exam").glob("*.wav")
    assert recording.name == "00000-good_day_.._x.wav"
    with wave.open(str(recording)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (22_050, 1, 4)
        assert np.frombuffer(file.readframes(4), "<i2").tolist() == [0, 16384, -32767, 32767]


def test_sets_of_which_other_examples_failed_did_not_give_the_same(tmp_path: Path) -> None:
    def digest(*failing: int) -> str:
        def run(index: int) -> tuple[dict[str, Any]]:
            if index in failing:
                raise ValueError("no")
            return ({"y": np.zeros(2, np.float32)},)

        folder = tmp_path / "-".join(map(str, failing))
        examples = workload(Example("a", dict), Example("b", dict), Example("c", dict))
        return keep_part(folder, Part.EXAM, examples, run, may_fail=True)[1]

    assert digest(0) == digest(0)
    assert len({digest(0), digest(1), digest(0, 1)}) == 3
