"""The pytest parent: its memory, its CPU while a worker times, what it has loaded, and how long it takes to collect.

Watched from outside during a real run of one cell (Linux: /proc), once with its output in a pipe and once with a
terminal, where a live line is drawn. Bounds: at most 120 MB resident at its peak; at most 1 % of a core in a pipe and
2 % at a terminal while the worker times; no file of torch, onnxruntime or numpy in its address space.

Collection of a project with 200 models, 1,200 cells: `pytest --collect-only -q` takes at most twice as long as it does
for a plain file with one test parametrized 1,200 times, without Quantgate and pytest-benchmark. Sides alternate.
`one test a cell` collects as many items as the plain file; `suites/test_cells.py` asks several tests of each cell.
"""

from __future__ import annotations

import os
import pty
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from common import ROOT, Bound, conclude, cpu_share, first_and_last, mebibytes, mirrored, parser, ratio_of, report

from harness.journal import read_events
from harness.results import Phase

_MOST_BYTES = 120e6
_MOST_SHARE = {"pipe": 0.01, "terminal": 0.02}
_MOST_COLLECTING = 2.0
_HEAVY = re.compile(r"/(torch|onnxruntime|numpy)/")
_LOOK_SECONDS = 0.1

_CELLS = 1200
_PRECISIONS = ("fp32", "fp16", "bf16", "int8-dynamic", "int8-weight-only", "int4-weight-only")

_DECLARATIONS = f"""
from harness.models import Example, FileReference, Model, Workload

def nothing(setting):
    raise AssertionError("collection loads no model")

MODELS = tuple(
    Model(
        name=f"model-{{number:03}}", family=f"family-{{number:03}}", task="none", runtime="onnx",
        precisions={_PRECISIONS!r}, licence="", weights="", reference=nothing, workload=nothing,
    )
    for number in range({_CELLS // len(_PRECISIONS)})
)
"""
_ONE_TEST = "def test_cell(cell):\n    pass\n"
_PLAIN = f"""
import pytest

CASES = [f"model-{{number:03}}/{{precision}}/cpu" for number in range({_CELLS // len(_PRECISIONS)})
         for precision in {_PRECISIONS!r}]

@pytest.mark.parametrize("case", CASES)
def test_case(case):
    pass
"""
_WITHOUT = ("-p", "no:quantgate", "-p", "no:benchmark")


@dataclass
class _Seen:
    """What was seen of a parent process: readings of its CPU seconds while the worker timed, and more."""

    stamps: list[tuple[float, float]] = field(default_factory=list)
    peak_bytes: int = 0
    loaded: set[str] = field(default_factory=set)
    written: list[tuple[float, int]] = field(default_factory=list)

    def written_bytes(self) -> int:
        """What the parent wrote to its terminal or pipe while the worker timed."""
        begun, ended = self.stamps[0][0], self.stamps[-1][0]
        return sum(count for moment, count in self.written if begun <= moment <= ended)

    @property
    def share(self) -> float:
        """Of one core, while the worker timed."""
        return cpu_share(*first_and_last(self.stamps))


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--repeats", type=int, default=5, metavar="N", help="rounds of collecting (default 5)")
    options.add_argument("--model", default="piper-joe", metavar="NAME", help="the cell to watch, at fp32")
    options.add_argument("--cell-seconds", type=float, default=10, metavar="S", help="to time it for (default 10)")
    given = options.parse_args()
    bounds, rows = [], []
    for output in ("pipe", "terminal"):
        seen = _watched(given.model, given.cell_seconds, output)
        _, wall = first_and_last(seen.stamps)
        loaded = ", ".join(sorted(seen.loaded)) or "none"
        share, written = f"{seen.share:.3%}", f"{seen.written_bytes()} bytes"
        rows.append((output, mebibytes(seen.peak_bytes), share, written, f"{wall:.1f} s", loaded))
        bounds += [
            Bound(f"parent's peak resident, {output}", seen.peak_bytes / 1e6, _MOST_BYTES / 1e6, unit=" MB"),
            Bound(f"parent's CPU while waiting, {output}", seen.share * 100, _MOST_SHARE[output] * 100, unit=" %"),
            Bound(f"heavy libraries in the parent, {output}", len(seen.loaded), 0),
        ]
    report(
        f"The parent while {given.model} is measured",
        ("output", "peak resident", "CPU while the worker times", "written", "watched for", "heavy libraries"),
        rows,
    )
    bounds += _collecting(given.repeats, random.Random(given.seed))
    return conclude(bounds)


def _watched(model: str, seconds: float, output: str) -> _Seen:
    """Run pytest on one cell and look at the parent, from outside, until it ends."""
    seen = _Seen()
    with tempfile.TemporaryDirectory() as folder:
        command = _pytest(
            str(ROOT / "suites"),
            *("--device", "cpu", "--model", model, "--precision", "fp32", "--cell-seconds", f"{seconds:g}"),
            *("--reports", folder),
        )
        with _started(command, output, seen) as process:
            while process.poll() is None:
                _look(process.pid, Path(folder), seen)
                time.sleep(_LOOK_SECONDS)
        if process.returncode:
            raise SystemExit(f"pytest ended with {process.returncode}; run it yourself to see why: {' '.join(command)}")
    return seen


def _look(pid: int, reports: Path, seen: _Seen) -> None:
    proc = Path("/proc", str(pid))
    try:
        status, maps = ((proc / name).read_text() for name in ("status", "maps"))
        running = sum(int(file.read_text().split()[0]) for file in proc.glob("task/*/schedstat"))
    except (FileNotFoundError, ProcessLookupError):
        return
    # A process that has ended, but was not waited for, has no memory any more.
    if peak := re.search(r"VmHWM:\s+(\d+) kB", status):
        seen.peak_bytes = max(seen.peak_bytes, int(peak[1]) * 1024)
    seen.loaded.update(_HEAVY.findall(maps))
    if _phase(reports) is Phase.TIMING:
        seen.stamps.append((time.monotonic(), running / 1e9))


def _phase(reports: Path) -> Phase | None:
    """What the worker does now, from the journal."""
    folder = reports / "latest"
    if not (folder / "events.jsonl").exists():
        return None
    phases = [event for event in read_events(folder) if event.kind in ("phase", "cell-finished")]
    return Phase(phases[-1].body["phase"]) if phases and phases[-1].kind == "phase" else None


@contextmanager
def _started(command: Sequence[str], output: str, seen: _Seen) -> Iterator[subprocess.Popen[bytes]]:
    """Start it with its output in a pipe or at a terminal; what it writes is read away, and counted."""
    ours, theirs = pty.openpty() if output == "terminal" else os.pipe()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    reader = threading.Thread(target=_read_away, args=(ours, seen))
    reader.start()
    try:
        yield process
    finally:
        process.wait()
        reader.join()
        os.close(ours)


def _read_away(source: int, seen: _Seen) -> None:
    """Read until nobody can write any more: a pty then says EIO, a pipe ends."""
    with suppress(OSError):
        while piece := os.read(source, 1 << 16):
            seen.written.append((time.monotonic(), len(piece)))


def _collecting(repeats: int, chooser: random.Random) -> list[Bound]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        commands = {
            "suites/test_cells.py": _pytest(
                *_project(root / "suites-tests", (ROOT / "suites/test_cells.py").read_text())
            ),
            "one test a cell": _pytest(*_project(root / "one-test", _ONE_TEST)),
            "plain file": _pytest(*_WITHOUT, *_plain(root / "plain")),
        }
        items = {name: _items(command) for name, command in commands.items()}
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(repeats):
            for name in mirrored(tuple(commands), chooser):
                seconds[name].append(_timed(lambda command=commands[name]: _collected(command)))
    ratios = {name: ratio_of(zip(seconds[name], seconds["plain file"], strict=True)) for name in commands}
    report(
        f"pytest --collect-only -q, {_CELLS} cells / plain file: median of paired runs [95 % interval]",
        ("project", "items", "time", "ratio"),
        [(name, items[name], f"{median(seconds[name]):.2f} s", ratios[name]) for name in commands],
    )
    return [
        Bound(
            f"collecting, {name} ({items[name]} items) / plain ({items['plain file']})", ratio.median, _MOST_COLLECTING
        )
        for name, ratio in ratios.items()
        if name != "plain file"
    ]


def _project(folder: Path, test: str) -> tuple[str, ...]:
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "many.py").write_text(_DECLARATIONS)
    (folder / "test_cells.py").write_text(test)
    (folder / "pyproject.toml").write_text('[tool.quantgate]\nmodels = "models"\n[tool.pytest.ini_options]\n')
    return ("--rootdir", str(folder), "-c", str(folder / "pyproject.toml"), str(folder))


def _plain(folder: Path) -> tuple[str, ...]:
    folder.mkdir()
    (folder / "test_plain.py").write_text(_PLAIN)
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    return ("--rootdir", str(folder), "-c", str(folder / "pyproject.toml"), str(folder))


def _pytest(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]


def _collected(command: Sequence[str]) -> str:
    done = subprocess.run(
        [*command, "--collect-only", "-q"], cwd=command[-1], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"collecting failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def _items(command: Sequence[str]) -> int:
    return sum("::" in line for line in _collected(command).splitlines())


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
