"""What this machine can run, found by trying in a subprocess with a time limit, and remembered.

An answer is remembered under the versions of the libraries that gave it: another version is asked again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from harness.cells import Cell, Reason
from harness.errors import HarnessError
from harness.journal import replace_file
from harness.packages import installed_version
from harness.results import Measurement, Status
from harness.worker import protocol
from harness.worker.link import Worker, WorkerDied, WorkerTimedOut

PROBE_LIMIT_SECONDS = 60.0
_LIBRARIES = ("torch", "onnxruntime", "onnxruntime-gpu", "onnx", "torchao", "nvidia-ml-py", "quantgate")


class Answer(msgspec.Struct, frozen=True):
    """What was found: nothing in the way, or a reason. `tried` says how: `probed`, `measured`, or `failed`."""

    tried: str
    reason: Reason | None = None
    text: str = ""


class Support:
    """Answers of earlier probes and runs, kept in one file of the cache folder."""

    def __init__(self, cache: Path) -> None:
        self._file = cache / "support.json"
        self._answers = _read(self._file)
        self._versions = _versions_digest()

    def known(self, cell: Cell, runtime: str) -> Answer | None:
        """What is known of a cell: from a run that tried it, else from a probe of its runtime."""
        return self._answers.get(self._key(cell.model, cell)) or self._answers.get(self._key(runtime, cell))

    def probe(self, cell: Cell, runtime: str, environment: Mapping[str, str]) -> Answer:
        """Try the cell's precision on its device with a tiny model, in a subprocess."""
        answer = probe(runtime, cell, environment)
        self._answers[self._key(runtime, cell)] = answer
        return answer

    def unprobed(self, cells: Iterable[Cell], runtimes: Mapping[str, str]) -> tuple[Cell, ...]:
        """One cell for every runtime, precision and device that has not been probed."""
        wanted = {self._key(runtimes[cell.model], cell): cell for cell in cells}
        return tuple(cell for key, cell in wanted.items() if key not in self._answers)

    def learn(self, measurement: Measurement) -> None:
        """Remember what the measuring of a cell showed about whether it can run; not what memory this hour left."""
        if measurement.reason is Reason.TOO_LITTLE_MEMORY:
            return
        match measurement.status:
            case Status.MEASURED:
                answer = Answer("measured")
            case Status.UNSUPPORTED:
                answer = Answer("measured", measurement.reason, measurement.text)
            case Status.FAILED:
                answer = Answer("failed")
        self._answers[self._key(measurement.cell.model, measurement.cell)] = answer

    def save(self) -> None:
        """Write the answers down. Where that fails they are found again next time."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._file, msgspec.json.encode(self._answers))
        except (OSError, HarnessError):
            return

    def _key(self, subject: str, cell: Cell) -> str:
        return "|".join((subject, cell.precision, cell.device, self._versions))


def probe(runtime: str, cell: Cell, environment: Mapping[str, str]) -> Answer:
    """Ask a fresh worker whether a runtime can; a crash and a hang are answers too."""
    request = protocol.Check(runtime=runtime, device=cell.device, precision=cell.precision)
    try:
        with Worker(environment) as worker:
            reply = worker.ask(request, PROBE_LIMIT_SECONDS)
    except WorkerDied as died:
        return Answer("probed", Reason.PROBE_CRASHED, f"{died.text}; {died.last_words[-200:]}")
    except WorkerTimedOut as timed_out:
        return Answer("probed", Reason.PROBE_TIMED_OUT, timed_out.text)
    match reply:
        case protocol.CheckPassed():
            return Answer("probed")
        case protocol.CannotRun(reason, text):
            return Answer("probed", Reason(reason), text)
        case protocol.Broke(_, text):
            return Answer("probed", Reason.PROBE_CRASHED, text)
        case other:
            raise HarnessError(f"the worker answered a probe with {other!r}; this is a defect of Quantgate")


def _read(file: Path) -> dict[str, Answer]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Answer])
    except (OSError, ValueError, msgspec.DecodeError):
        return {}


def _versions_digest() -> str:
    found = [f"{name}=={installed_version(name)}" for name in _LIBRARIES]
    return hashlib.sha256("\n".join(found).encode()).hexdigest()[:12]
