"""What was written of a run can be read again, whatever died."""

from __future__ import annotations

import errno
import os
import resource
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness import journal as journals
from harness.cells import Cell
from harness.comparisons import Duel, Judgement, Pair, Side
from harness.errors import HarnessError, RecordUnreadable
from harness.journal import (
    EVENTS_FILE,
    RUN_FILE,
    Finished,
    Journal,
    duels,
    fold,
    measurements,
    point_latest,
    read_events,
    read_run,
    replace_file,
    write_run,
)
from harness.limits import CallWork, Rates, Work
from harness.results import SCHEMA, Environment, Failure, Measurement, Phase, Provenance, Reading, Status
from tests.fakes import start_python
from tests.samples import CELL, FAILED, MEASURED, OTHER, RUN, THIRD, UNSUPPORTED

WRITER = """
import sys
from pathlib import Path
from harness.cells import Cell
from harness.journal import Journal
journal, name, count = Journal(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
for number in range(count):
    journal.write("block", Cell(name, "fp32", "cpu"), number=number, filler="x" * 3_000)
    print(number)
"""


def ticking() -> Any:
    seconds = iter(range(60))
    return lambda: f"2030-01-01T00:00:{next(seconds):02}.000+00:00"


def begun(folder: Path) -> Journal:
    journal = Journal(folder, ticking())
    journal.write("run-started", environment=RUN.environment, options=RUN.options, planned=RUN.planned)
    return journal


def numbers(folder: Path, name: str) -> list[int]:
    return [event.body["number"] for event in read_events(folder) if event.cell and event.cell.model == name]


def test_events_come_back_in_order_with_time_kind_cell_and_body(tmp_path: Path) -> None:
    journal = Journal(tmp_path, ticking())
    journal.write("phase", CELL, phase=Phase.OPEN)
    journal.write("run-finished")
    first, second = read_events(tmp_path)
    assert (first.at, first.kind, first.cell) == ("2030-01-01T00:00:00.000+00:00", "phase", CELL)
    assert first.body == {"phase": "open"}
    assert (second.at, second.kind, second.cell, second.body) == (
        "2030-01-01T00:00:01.000+00:00",
        "run-finished",
        None,
        {},
    )


def test_after_kill_9_everything_written_before_is_there(tmp_path: Path) -> None:
    writer = start_python(WRITER, tmp_path, "one", 1_000_000)
    assert writer.stdout is not None
    written = [int(next(writer.stdout)) for _ in range(50)]
    writer.send_signal(signal.SIGKILL)
    written += [int(line) for line in writer.stdout if line.endswith("\n")]
    assert writer.wait() == -signal.SIGKILL
    read = numbers(tmp_path, "one")
    assert read[: len(written)] == written
    assert len(read) - len(written) <= 1  # written, but not yet said


def test_two_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [start_python(WRITER, tmp_path, name, 300) for name in ("one", "two")]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert numbers(tmp_path, "one") == numbers(tmp_path, "two") == list(range(300))


def test_a_line_cut_short_is_passed_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write("one")
    journal.write("two")
    path = tmp_path / EVENTS_FILE
    path.write_bytes(path.read_bytes()[:-9])
    assert [event.kind for event in read_events(tmp_path)] == ["one"]


def test_a_run_goes_on_after_a_line_cut_short(tmp_path: Path) -> None:
    (tmp_path / EVENTS_FILE).write_bytes(b'{"at":"2030","ki')
    journal = Journal(tmp_path)
    journal.write_after_crash("run-resumed")
    journal.write("phase", CELL, phase=Phase.OPEN)
    assert [event.kind for event in read_events(tmp_path)] == ["run-resumed", "phase"]


@pytest.mark.parametrize("line", [b"\xff\xfe", b"[]", b'{"kind":"x"}', b'{"at":1,"kind":"x"}', b"null", b""])
def test_a_line_of_another_shape_is_passed_over(tmp_path: Path, line: bytes) -> None:
    Journal(tmp_path).write("one")
    with (tmp_path / EVENTS_FILE).open("ab") as file:
        file.write(line + b"\n")
    Journal(tmp_path).write("two")
    assert [event.kind for event in read_events(tmp_path)] == ["one", "two"]


def test_a_full_disk_is_told_with_the_next_step_and_spoils_no_later_line(tmp_path: Path) -> None:
    script = """
    import resource, signal, sys
    from pathlib import Path
    from harness.errors import HarnessError
    from harness.journal import Journal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    journal = Journal(Path(sys.argv[1]))
    journal.write("one")
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, resource.RLIM_INFINITY))
    try:
        journal.write("two", filler="x" * 5_000)
    except HarnessError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    journal.write("three")
    """
    writer = start_python(script, tmp_path)
    said, _ = writer.communicate()
    assert writer.returncode == 0
    assert f"{EVENTS_FILE} cannot be written: {os.strerror(errno.EFBIG)}" in said
    assert "--reports" in said
    assert said.count("\n") == 1
    assert [event.kind for event in read_events(tmp_path)] == ["one", "three"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_missing_journal_is_one_line_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(RecordUnreadable, match=r"No such file.*; name the folder of a run") as caught:
        list(read_events(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_run_is_folded_from_its_events(tmp_path: Path) -> None:
    journal = begun(tmp_path)
    for measured in RUN.measurements:
        journal.write("cell-started", measured.cell)
        journal.write("phase", measured.cell, phase=Phase.OPEN)
        journal.write("cell-finished", measured.cell, measurement=measured)
    journal.write("run-finished")
    folded = fold(tmp_path)
    assert folded == replace(RUN, id=tmp_path.name, finished="2030-01-01T00:00:10.000+00:00")
    assert folded.complete


@pytest.mark.parametrize(
    ("phases", "reached"), [((), Phase.START), ((Phase.REFERENCE, Phase.OPEN, Phase.FIRST), Phase.FIRST)]
)
def test_the_cell_that_an_interrupted_run_was_at_is_failed_with_its_phase(tmp_path: Path, phases, reached) -> None:
    journal = begun(tmp_path)
    journal.write("cell-finished", CELL, measurement=MEASURED)
    journal.write("cell-started", OTHER)
    for phase in phases:
        journal.write("phase", OTHER, phase=phase)
    folded = fold(tmp_path)
    assert not folded.complete
    assert folded.finished is None
    done, interrupted = folded.measurements
    assert done == MEASURED
    assert interrupted.status is Status.FAILED
    assert interrupted.failure is not None
    assert interrupted.failure.phase is reached
    assert "--resume" in interrupted.failure.text
    assert interrupted.cell == OTHER


def test_a_reference_that_is_run_for_its_answers_alone_is_no_cell_of_the_run(tmp_path: Path) -> None:
    """A comparison of one precision scores its outputs beside fp32's, which nobody asked to measure."""
    journal = begun(tmp_path)
    journal.write("cell-finished", CELL, measurement=MEASURED)
    journal.write("cell-finished", OTHER, measurement=replace(MEASURED, cell=OTHER))
    journal.write("phase", Cell("elsewhere", "fp32", "cpu"), phase=Phase.ANSWERS)
    journal.write("run-finished")
    folded = fold(tmp_path)
    assert [one.cell for one in folded.measurements] == [CELL, OTHER]


def test_a_cell_measured_after_a_resume_is_no_longer_interrupted(tmp_path: Path) -> None:
    journal = begun(tmp_path)
    journal.write("cell-started", OTHER)
    journal.write_after_crash("run-resumed")
    journal.write("cell-started", OTHER)
    journal.write("cell-finished", OTHER, measurement=UNSUPPORTED)
    assert fold(tmp_path).measurements == (UNSUPPORTED,)


def test_a_run_that_ended_without_all_its_cells_is_not_complete(tmp_path: Path) -> None:
    journal = begun(tmp_path)
    journal.write("cell-finished", CELL, measurement=MEASURED)
    journal.write("run-finished")
    assert not fold(tmp_path).complete


def test_what_the_runtime_says_of_itself_joins_the_libraries(tmp_path: Path) -> None:
    journal = begun(tmp_path)
    journal.write("runtime", CELL, facts={"onnx: build": "abc"})
    journal.write("runtime", OTHER, facts={"torch: engine": None})
    assert fold(tmp_path).environment.libraries == {"python": "3.11", "onnx: build": "abc", "torch: engine": None}


def test_events_of_an_unknown_kind_change_nothing(tmp_path: Path) -> None:
    journal = begun(tmp_path)
    before = fold(tmp_path)
    journal.write("weather", CELL, phase="sunny")
    assert fold(tmp_path) == before


@pytest.mark.parametrize("kind", ["run-started", "runtime", "phase", "cell-finished"])
def test_an_event_without_its_body_is_passed_over(tmp_path: Path, kind: str) -> None:
    journal = begun(tmp_path)
    before = fold(tmp_path)
    journal.write(kind, CELL)
    assert fold(tmp_path) == before
    assert measurements(tmp_path) == {}


def test_only_cells_that_ended_count_as_measured(tmp_path: Path) -> None:
    journal = begun(tmp_path)
    journal.write("cell-started", OTHER)
    journal.write("cell-finished", CELL, measurement=FAILED)
    journal.write("cell-finished", CELL, measurement=MEASURED)
    assert measurements(tmp_path) == {CELL: MEASURED}


@pytest.mark.parametrize("name", ["", RUN_FILE])
def test_a_run_is_read_as_it_was_written(tmp_path: Path, name: str) -> None:
    assert write_run(tmp_path, RUN) == tmp_path / RUN_FILE
    assert read_run(tmp_path / name) == RUN


def test_a_run_without_a_record_is_read_from_its_events(tmp_path: Path) -> None:
    begun(tmp_path).write("cell-finished", THIRD, measurement=FAILED)
    assert read_run(tmp_path).measurements == (FAILED,)


CORRUPT = {
    "empty": b"",
    "cut short": msgspec.json.encode(RUN)[:200],
    "no record": b"[1, 2]",
    "no schema": b"{}",
    "no run": b'{"schema": 1}',
    "nonsense inside": msgspec.json.encode(RUN).replace(b"[0.2,0.3]", b"[0.2]"),
    "not text": b'{"schema": 1, "id": "\xff\xfe"}',
}


@pytest.mark.parametrize("content", CORRUPT.values(), ids=CORRUPT.keys())
def test_a_corrupt_record_is_one_line_with_the_next_step(tmp_path: Path, content: bytes) -> None:
    (tmp_path / RUN_FILE).write_bytes(content)
    with pytest.raises(
        RecordUnreadable, match=r"run\.json is not a run record: .*; measure again or restore"
    ) as caught:
        read_run(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_newer_record_is_refused_with_both_numbers(tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).write_bytes(b'{"schema": %d, "everything": "else"}' % (SCHEMA + 1))
    expected = rf"schema {SCHEMA + 1}, newer than this Quantgate reads \({SCHEMA}\); upgrade"
    with pytest.raises(RecordUnreadable, match=expected):
        read_run(tmp_path)


def test_a_missing_record_is_one_line_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(RecordUnreadable, match=r"No such file.*; name the folder of a run"):
        read_run(tmp_path / "nowhere")


def test_a_file_that_cannot_be_replaced_stays_as_it_was_and_leaves_no_scratch(tmp_path: Path, monkeypatch) -> None:
    path = replace_file(tmp_path / "record", b"old")

    def half(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[:1])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(HarnessError, match=r"No space left on device; make room"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["record"]


def test_ctrl_c_while_a_file_is_written_leaves_the_old_one_and_no_scratch(tmp_path: Path, monkeypatch) -> None:
    path = replace_file(tmp_path / "record", b"old")

    def interrupted(place: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        replace_file(path, b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["record"]
    assert path.read_bytes() == b"old"


def test_a_reader_sees_the_old_file_whole_or_the_new_one_whole(tmp_path: Path) -> None:
    path = replace_file(tmp_path / "record", b"old" * 1_000)
    with path.open("rb", buffering=0) as reader:
        begun = reader.read(1_500)
        replace_file(path, b"new")
        assert begun + reader.read() == b"old" * 1_000
    assert path.read_bytes() == b"new"


def test_latest_points_at_the_last_run_and_moves_with_the_folder(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    for name in ("one", "two"):
        (reports / name).mkdir(parents=True)
        point_latest(reports / name)
    assert (reports / "latest").readlink() == Path("two")
    moved = reports.rename(tmp_path / "moved")
    assert (moved / "latest").resolve() == moved / "two"


def test_latest_that_is_in_the_way_is_one_line_with_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "latest" / "kept").mkdir(parents=True)
    (tmp_path / "one").mkdir()
    with pytest.raises(HarnessError, match=r"latest cannot be made: .*; take away what stands there"):
        point_latest(tmp_path / "one")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["latest", "one"]


def test_the_time_is_utc_to_the_millisecond() -> None:
    assert msgspec.convert(journals.now(), type=Any).endswith("+00:00")
    assert len(journals.now()) == len("2030-01-01T00:00:00.000+00:00")


def test_an_interrupted_cell_is_a_record_that_can_be_written(tmp_path: Path) -> None:
    begun(tmp_path).write("cell-started", CELL)
    write_run(tmp_path, fold(tmp_path))
    assert read_run(tmp_path).measurements == (
        Measurement(
            CELL,
            Status.FAILED,
            failure=Failure(
                Phase.START, "the run ended while this cell was being measured; pytest --resume measures it again"
            ),
            notes=("interrupted",),
        ),
    )


def test_a_journal_is_read_on_from_where_it_was_read_before(tmp_path: Path) -> None:
    journal, finished = Journal(tmp_path), Finished(tmp_path)
    journal.write("cell-finished", CELL, measurement=MEASURED)
    assert finished.cells() == {CELL: MEASURED}
    (tmp_path / EVENTS_FILE).write_bytes(
        (tmp_path / EVENTS_FILE).read_bytes().replace(b"cell-finished", b"cell-forgottn")
    )
    assert finished.cells() == {CELL: MEASURED}, "what was read is not read again"


def test_a_line_that_is_still_being_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    Journal(tmp_path).write("cell-finished", CELL, measurement=MEASURED)
    path, finished = tmp_path / EVENTS_FILE, Finished(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert finished.cells() == {}
    path.write_bytes(whole)
    assert finished.cells() == {CELL: MEASURED}


def judged_events(folder: Path) -> Journal:
    journal = begun(folder)
    pair = Pair(1, {"wall": 0.1}, Side({"wall": 1.0}), Side({"wall": 1.1}), 3, 3.0, old_laps=(1.0, 1.01))
    journal.write("duel", CELL, duel=Duel(CELL, "HEAD at 1a2b3c4d"))
    journal.write("pair", CELL, is_control=False, pair=pair)
    journal.write("judged", judgement=Judgement("HEAD at 1a2b3c4d", "gate", ()))
    return journal


def test_a_run_that_was_compared_comes_back_with_its_judgement_and_its_pairs_without_single_inferences(
    tmp_path,
) -> None:
    judged_events(tmp_path)
    folded = fold(tmp_path)
    assert folded.judgement == Judgement("HEAD at 1a2b3c4d", "gate", ())
    ((pair,),) = [duel.pairs for duel in folded.duels]
    assert (pair.log_ratios, pair.old_laps) == ({"wall": 0.1}, ())
    assert duels(tmp_path)[0].pairs[0].old_laps == (1.0, 1.01)


def test_a_resumed_run_has_its_pairs_and_is_not_judged_yet(tmp_path: Path) -> None:
    judged_events(tmp_path).write_after_crash("run-resumed")
    folded = fold(tmp_path)
    assert folded.judgement is None
    assert [len(duel.pairs) for duel in folded.duels] == [1]


def test_the_last_judgement_of_a_run_counts(tmp_path: Path) -> None:
    judged_events(tmp_path).write("judged", judgement=Judgement("HEAD at 1a2b3c4d", "nightly", ()))
    judgement = fold(tmp_path).judgement
    assert judgement is not None
    assert judgement.profile == "nightly"


def test_a_run_s_limits_are_made_of_its_rates_and_its_work(tmp_path: Path) -> None:
    work = Work("onnx", ((CallWork(10.0), CallWork(10.0)),))
    known = Provenance("tone", "full", "w", "r", "a", "onnx", "p", "hums", "d", 2, count_by_dtype={"float32": 1})
    timed = replace(MEASURED, readings=(Reading("latency_seconds", 0.25),), provenance=known, work=work)
    journal = Journal(tmp_path)
    journal.write("run-started", planned=(CELL,), options={}, environment=Environment())
    journal.write("cell-finished", CELL, measurement=timed)
    journal.write("rates", CELL, rates=Rates("onnx", "cpu", 1, {"fp32": 200.0}))
    run = fold(tmp_path)
    # A pass of two examples: 20 operations at 200 a second, so 0.05 s an inference, of 0.25.
    assert run.measurements[0].value("limit_seconds") == pytest.approx(0.05)
    assert run.measurements[0].value("limit_share_fraction") == pytest.approx(0.2)
    assert read_run(write_run(tmp_path, run)) == run


def test_work_and_rates_come_back_though_json_has_no_keys_but_text(tmp_path: Path) -> None:
    work = Work("torch", ((CallWork(10.0, {1: 400, 20: 500}),),))
    rates = Rates("torch", "cpu", 1, {"fp32": 200.0}, {1024: 300.0})
    known = Provenance("tone", "full", "w", "r", "a", "torch", "p", "hums", "d", 1, count_by_dtype={"float32": 1})
    journal = begun(tmp_path)
    journal.write("cell-finished", CELL, measurement=replace(MEASURED, provenance=known, work=work))
    journal.write("rates", CELL, rates=rates)
    run = fold(tmp_path)
    assert (run.measurements[0].status, run.measurements[0].work) == (Status.MEASURED, work)
    assert run.rates == (rates,)
    assert measurements(tmp_path)[CELL].work == work
