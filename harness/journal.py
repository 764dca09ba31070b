"""A run's folder: `events.jsonl`, appended as things happen, and `run.json` at the end. Reads both, whatever died.

Several processes may append to one journal (pytest-xdist); a line is written whole or, on a crash, cut short at the
end, and readers pass over a line they cannot read.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from harness.cells import Cell, Reason
from harness.comparisons import Duel, Judgement
from harness.duel_events import duels_of, without_laps
from harness.errors import HarnessError, RecordUnreadable, RecordUnwritable
from harness.limit_readings import joined, with_limits
from harness.limits import Rates
from harness.older import as_newer
from harness.results import (
    SCHEMA,
    Environment,
    Event,
    Fact,
    FailedTest,
    Failure,
    Measurement,
    Phase,
    Run,
    Status,
    Trouble,
)

EVENTS_FILE = "events.jsonl"
RUN_FILE = "run.json"

_UNREADABLE = (KeyError, ValueError, msgspec.DecodeError)
"""An event whose body lacks what its kind promises, or holds what is refused, is passed over like a line cut short."""

_encode = msgspec.json.Encoder().encode
_decode_event = msgspec.json.Decoder(Event).decode


def now() -> str:
    """Tell the time, in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Journal:
    """Appends events to a run's folder."""

    def __init__(self, folder: Path, clock: Callable[[], str] = now) -> None:
        self.folder = folder
        self._path = folder / EVENTS_FILE
        self._clock = clock

    def write(self, kind: str, cell: Cell | None = None, **body: Any) -> None:
        """Append one event; when this returns, the line survives the death of this process."""
        self._append(_encode(Event(self._clock(), kind, cell, body)) + b"\n")

    def write_after_crash(self, kind: str) -> None:
        """Append an event on a line of its own, also when the last line was cut short."""
        self._append(b"\n" + _encode(Event(self._clock(), kind)) + b"\n")

    def _append(self, line: bytes) -> None:
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                end = os.fstat(descriptor).st_size
                try:
                    _write_whole(descriptor, line)
                except OSError:
                    os.ftruncate(descriptor, end)  # half a line would spoil the one after it
                    raise
            finally:
                os.close(descriptor)
        except OSError as error:
            raise RecordUnwritable(
                f"{self._path} cannot be written: {error.strerror}; make room or choose another --reports folder"
            ) from error


def read_events(folder: Path) -> Iterator[Event]:
    """Every event that can be read, in order. A line cut short by a crash, or of an unknown shape, is passed over."""
    path = folder / EVENTS_FILE
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise RecordUnreadable(f"{path} cannot be read: {error.strerror}; name the folder of a run") from error
    yield from _events(lines)


def _events(lines: Iterable[bytes]) -> Iterator[Event]:
    for line in lines:
        try:
            yield _decode_event(line)
        except (msgspec.DecodeError, ValueError):
            continue


class Finished:
    """The cells whose measuring has ended, read on from where it was read before: a journal grows long."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / EVENTS_FILE
        self._read_bytes = 0
        self._cells: dict[Cell, Measurement] = {}

    def cells(self) -> dict[Cell, Measurement]:
        """What is known by now. A resumed run tries again what had failed."""
        with self._path.open("rb") as file:
            file.seek(self._read_bytes)
            whole_lines = file.read().rpartition(b"\n")[0]
        if whole_lines:
            self._read_bytes += len(whole_lines) + 1
        for event in _events(whole_lines.split(b"\n")):
            if event.kind == "run-resumed":
                self._cells = _without_failed(self._cells)
            if event.kind == "cell-finished" and event.cell is not None:
                with suppress(*_UNREADABLE):
                    self._cells[event.cell] = msgspec.convert(event.body["measurement"], Measurement, str_keys=True)
        return dict(self._cells)


def measurements(folder: Path) -> dict[Cell, Measurement]:
    """The cells whose measuring has ended, from the journal alone."""
    return Finished(folder).cells()


def fold(folder: Path) -> Run:  # noqa: C901, PLR0912 - one case a kind of event
    """Make the run out of its events. A cell that was begun and not ended is failed, with the phase it had reached."""
    started = finished = ""
    environment, options = Environment(), {}
    planned: tuple[Cell, ...] = ()
    done: dict[Cell, Measurement] = {}
    open_phase: dict[Cell, Phase] = {}
    libraries: dict[str, Fact] = {}
    judgement: Judgement | None = None
    compared: list[Event] = []
    rates: list[Rates] = []
    failed_tests: list[FailedTest] = []
    trouble: Trouble | None = None
    compares = False
    for event in read_events(folder):
        with suppress(*_UNREADABLE):
            match event.kind, event.cell:
                case "run-started", _:
                    planned = msgspec.convert(event.body["planned"], tuple[Cell, ...])
                    options = msgspec.convert(event.body["options"], dict[str, Fact])
                    environment = msgspec.convert(event.body["environment"], Environment)
                    started = started or event.at
                case "run-finished", _:
                    finished = event.at
                case "run-resumed", _:
                    finished, done, open_phase, judgement = "", _without_failed(done), {}, None
                    failed_tests, trouble = [], None
                case "asked", _:
                    compares = bool(event.body["compares"])
                    options = options | {"has_gate": bool(event.body["has_gate"])}
                case "test-failed", _:
                    failed_tests.append(msgspec.convert(event.body, FailedTest))
                case "trouble", _:
                    trouble = msgspec.convert(event.body, Trouble)
                case "runtime", _:
                    libraries |= msgspec.convert(event.body["facts"], dict[str, Fact])
                case "cell-started", Cell() as cell:
                    open_phase[cell] = Phase.START
                case "phase", Cell() as cell if cell in open_phase:
                    # A reference is run for its answers alone, and is then no cell of the run.
                    open_phase[cell] = Phase(event.body["phase"])
                case "cell-finished", Cell() as cell:
                    done[cell] = msgspec.convert(event.body["measurement"], Measurement, str_keys=True)
                    open_phase.pop(cell, None)
                case "rates", _:
                    rates.append(msgspec.convert(event.body["rates"], Rates, str_keys=True))
                case "judged", _:
                    judgement = msgspec.convert(event.body["judgement"], Judgement)
                case _:
                    compared.append(event)
    for cell, phase in open_phase.items():
        if cell not in done:
            text = "the run ended while this cell was being measured; pytest --resume measures it again"
            done[cell] = Measurement(cell, Status.FAILED, failure=Failure(phase, text), notes=("interrupted",))
    return Run(
        id=folder.resolve().name,
        started=started,
        environment=replace(environment, libraries=environment.libraries | libraries),
        options=options,
        planned=planned,
        measurements=with_limits(done.values(), joined(rates)),
        complete=bool(started and finished) and all(cell in done for cell in planned),
        finished=finished or None,
        duels=tuple(without_laps(duel) for duel in duels_of(compared)),
        judgement=judgement,
        rates=joined(rates),
        compares=compares,
        failed_tests=tuple(failed_tests),
        trouble=trouble,
    )


def duels(folder: Path) -> tuple[Duel, ...]:
    """Every duel of a run with all that was kept of it, single inferences included."""
    return duels_of(read_events(folder))


def _without_failed(done: dict[Cell, Measurement]) -> dict[Cell, Measurement]:
    """What need not be tried again: memory may be had where it was short."""
    return {
        cell: found
        for cell, found in done.items()
        if found.status is not Status.FAILED and found.reason is not Reason.TOO_LITTLE_MEMORY
    }


def write_run(folder: Path, run: Run) -> Path:
    """Write `run.json`, whole or not at all."""
    return replace_file(folder / RUN_FILE, msgspec.json.format(_encode(run), indent=1))


def read_run(path: Path) -> Run:
    """Read a run from its folder or its `run.json`; from the events where the run did not live to write one."""
    file = path / RUN_FILE if path.is_dir() else path
    if path.name == EVENTS_FILE or (path.is_dir() and not file.exists()):
        folder = path if path.is_dir() else path.parent
        run = fold(folder)
        if not run.started:
            raise RecordUnreadable(f"{folder / EVENTS_FILE} does not tell how the run began; name the folder of a run")
        return as_newer(run)
    try:
        raw = file.read_bytes()
        schema = msgspec.json.decode(raw, type=_Numbered).schema
        if schema is None:
            raise RecordUnreadable(_no_record(file, "it has no schema number"))
        if schema > SCHEMA:
            raise RecordUnreadable(f"{file} has schema {schema}, newer than this Quantgate reads ({SCHEMA}); upgrade")
        if schema < 1:
            raise RecordUnreadable(_no_record(file, f"it has schema {schema}, and the first was 1"))
        return as_newer(msgspec.json.decode(raw, type=Run))
    except OSError as error:
        raise RecordUnreadable(f"{file} cannot be read: {error.strerror}; name the folder of a run") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordUnreadable(_no_record(file, str(error))) from error


def _no_record(file: Path, why: str) -> str:
    return f"{file} is not a run record: {why}; measure again or restore the file"


def replace_file(path: Path, content: bytes) -> Path:
    """Write a file so that a reader sees the old one or the new one, never a part."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        scratch.write_bytes(content)
        scratch.replace(path)
    except OSError as error:
        raise HarnessError(f"{path} cannot be written: {error.strerror}; make room and try again") from error
    finally:
        scratch.unlink(missing_ok=True)  # also where Ctrl-C came in between
    return path


def point_latest(folder: Path) -> None:
    """Let `reports/latest` point at this run."""
    link = folder.parent / "latest"
    scratch = folder.parent / f".latest.{os.getpid()}"
    try:
        scratch.unlink(missing_ok=True)
        scratch.symlink_to(folder.name)
        scratch.replace(link)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise HarnessError(f"{link} cannot be made: {error.strerror}; take away what stands there") from error


class _Numbered(msgspec.Struct):
    schema: int | None = None


def _write_whole(descriptor: int, line: bytes) -> None:
    while line:
        line = line[os.write(descriptor, line) :]
