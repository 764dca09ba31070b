"""A Python interpreter that may host workers: found by what the user wrote, asked what it is and what it lacks."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageProblem
from harness.worker import protocol
from harness.worker.link import Worker, WorkerLost

OLDEST = (3, 11)
NEEDED = ("msgspec>=0.20",) if sys.platform == "linux" else ("msgspec>=0.20", "psutil>=6.0")
"""What a worker imports before it hosts a model; libraries of runtimes are asked for cell by cell."""

_LIMIT_SECONDS = 60.0

_ASK = """
import sys
if sys.path and not sys.path[0]:
    del sys.path[0]
import json
lacks = []
for name in sys.argv[1:]:
    try:
        __import__(name)
    except ImportError:
        lacks.append(name)
paths = list(sys.path)
for finder in sys.meta_path:
    module = sys.modules.get(getattr(finder, "__module__", None))
    for name, path in getattr(module, "MAPPING", {}).items():
        if name != "harness" and path:
            paths.append(path.rpartition("/")[0])
print(json.dumps([list(sys.version_info[:3]), sys.prefix, sys.base_prefix, lacks, paths]))
"""
"""Runs on any Python. Beside the search path it tells of the folders that setuptools' editable installs lead to."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """What an interpreter says of itself. `paths` is where it imports from besides the working directory."""

    path: str
    version: tuple[int, ...]
    prefix: Path
    base_prefix: Path
    lacks: tuple[str, ...]
    paths: tuple[str, ...]

    @property
    def label(self) -> str:
        """A name for records: its version, and the name of its environment where it is one; no path."""
        version = ".".join(map(str, self.version))
        return f"python {version}" if self.prefix == self.base_prefix else f"python {version} in {self.prefix.name}"

    def check_worker(self) -> None:
        """Raise where no worker can come up under it."""
        if self.lacks:
            wanted = [need for need in NEEDED if _name(need) in self.lacks]
            raise UsageProblem(
                f"{self.path} cannot host a worker: it lacks {', '.join(self.lacks)}; install with:"
                f" {self.path} -m pip install {' '.join(repr(need) for need in wanted)}"
            )
        with Worker({}, python=self.path) as worker:
            try:
                worker.ask(protocol.Hello(), _LIMIT_SECONDS)
            except WorkerLost as lost:
                last = "".join(lost.last_words.splitlines()[-1:])
                raise UsageProblem(
                    f"{self.path} cannot host a worker: {lost.text}: {last}; try"
                    f" {self.path} -m pip install -U {' '.join(repr(need) for need in NEEDED)}"
                ) from lost


def found_interpreter(text: str) -> str:
    """The path of an interpreter, given as a path, as a name on PATH, or as the folder of an environment."""
    given = Path(text).expanduser()
    if given.is_dir():
        given /= "bin/python"
    found = shutil.which(str(given))
    if found is None:
        raise UsageProblem(f"--against python={text}: {given} is no program that can be run; check the path")
    return str(Path(found).absolute())  # not resolved: an environment's python is a link that must stay one


def inspect(python: str) -> Interpreter:
    """Ask an interpreter what it is; raise where it is too old to host a worker."""
    try:
        done = subprocess.run(
            [python, "-c", _ASK, *map(_name, NEEDED)],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LIMIT_SECONDS,
        )
        version, prefix, base_prefix, lacks, paths = json.loads(done.stdout.splitlines()[-1])
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as error:
        raise UsageProblem(f"{python} does not answer as a Python does ({type(error).__name__}); check it") from error
    if tuple(version) < OLDEST:
        found, oldest = (".".join(map(str, one)) for one in (version, OLDEST))
        raise UsageProblem(
            f"{python} is Python {found}, and a worker needs {oldest} or newer; make an environment with one"
        )
    return Interpreter(python, tuple(version), Path(prefix), Path(base_prefix), tuple(lacks), tuple(paths))


def _name(need: str) -> str:
    return need.partition(">=")[0]
