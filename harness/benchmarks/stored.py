"""Files that pytest-benchmark has stored: found, read as input that nobody vouches for, and what they say of each test.

Reads; decides nothing. A file is named by its number (`0001`), by a part of its name's beginning, or by its path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from harness.comparisons import Difference
from harness.errors import RecordUnreadable, UsageProblem

HOW_TO_STORE = "store some first, on the revision to compare with: pytest --benchmark-autosave"
_MUST_AGREE = ("machine", "system", "processor", "python_implementation")
_OF_THE_CPU = ("brand_raw", "arch", "bits", "count")
_IS_NAMED = ("python_version", "python_compiler", "release")
_MOST_BYTES = 1 << 30


class Stats(msgspec.Struct, frozen=True):
    """What is stored of a test's rounds, in seconds a call."""

    median: float
    mean: float
    rounds: int
    iterations: int = 1


class Options(msgspec.Struct, frozen=True):
    """How it was measured."""

    timer: str = "perf_counter"


class Stored(msgspec.Struct, frozen=True):
    """One test of a file."""

    fullname: str
    stats: Stats
    options: Options = Options()


class Commit(msgspec.Struct, frozen=True):
    """Of which revision a file is."""

    id: str | None = None
    dirty: bool = False

    @property
    def revision(self) -> str | None:
        """The commit; None where it was stored outside a repository."""
        return self.id if self.id and re.fullmatch("[0-9a-f]{7,64}", self.id) else None


class File(msgspec.Struct, frozen=True):
    """One stored run."""

    machine_info: dict[str, Any]
    benchmarks: tuple[Stored, ...]
    datetime: str = ""
    commit_info: Commit = Commit()


@dataclass(frozen=True, slots=True)
class Baseline:
    """Stored runs that a run is compared with: the one that was meant, which is the last, and others of its commit."""

    name: str
    files: tuple[File, ...]

    @property
    def newest(self) -> File:
        """The one that was meant."""
        return self.files[-1]

    def sessions(self, test: str) -> tuple[tuple[str, Stored], ...]:
        """What each stored run says of a test, with the time when it was stored. A median of no time says nothing."""
        told = ((file.datetime, one) for file in self.files for one in file.benchmarks if one.fullname == test)
        return tuple((when, one) for when, one in told if one.stats.median > 0)

    @property
    def revision(self) -> str | None:
        """The commit that was measured."""
        return self.newest.commit_info.revision

    def describe(self) -> str:
        """Which file, in a few words."""
        commit = self.newest.commit_info
        state = " with uncommitted changes" if commit.dirty else ""
        revision = f"revision {self.revision[:10]}{state}" if self.revision else "no revision"
        count = f"{len(self.files)} sessions" if len(self.files) > 1 else "1 session"
        return f"{self.name} of {self.newest.datetime[:10] or 'no date'}, {count}, {revision}"


def find(storage: str, named: str | None, folder: Path, machine: str) -> Baseline | None:
    """Find what was named, else the newest file of this kind of machine; None where nothing was named nor is there."""
    paths = _named(storage, named, folder, machine)
    if not paths:
        if named is None:
            return None
        raise UsageProblem(f"--gate-benchmarks-from {named}: no such file, and none in {storage}; {HOW_TO_STORE}")
    chosen = read(paths[-1])
    commit = chosen.commit_info
    if named is not None or commit.revision is None or commit.dirty:
        return Baseline(paths[-1].stem, (chosen,))
    # --benchmark-autosave names a file by its commit; the others need not be read.
    others = [read(path) for path in paths[:-1] if commit.revision in path.name]
    return Baseline(paths[-1].stem, (*(file for file in others if file.commit_info == commit), chosen))


def read(path: Path) -> File:
    """Read one file."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise RecordUnreadable(
                f"{path} is larger than {_MOST_BYTES >> 20:,} MiB; store without --benchmark-save-data"
            )
        return msgspec.json.decode(path.read_bytes(), type=File)
    except OSError as error:
        raise RecordUnreadable(f"{path} cannot be read: {error.strerror}; name another file") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordUnreadable(
            f"{path} is no file of pytest-benchmark: {error}; store again or name another"
        ) from error


def machine_differences(stored: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Difference, ...]:
    """By what two machines differ such that their times say nothing about each other. The host's name is no matter."""
    return (*_differing(stored, now, _MUST_AGREE), *_differing(_cpu(stored), _cpu(now), _OF_THE_CPU, "cpu "))


def named_differences(stored: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Difference, ...]:
    """What may explain a change."""
    return _differing(stored, now, _IS_NAMED)


def _cpu(machine: Mapping[str, Any]) -> Mapping[str, Any]:
    found = machine.get("cpu")
    return found if isinstance(found, Mapping) else {}


def _differing(
    old: Mapping[str, Any], new: Mapping[str, Any], keys: Sequence[str], prefix: str = ""
) -> tuple[Difference, ...]:
    pairs = [(key, _said(old.get(key)), _said(new.get(key))) for key in keys]
    return tuple(Difference(f"{prefix}{key}", before, now) for key, before, now in pairs if before != now)


def _said(fact: object) -> str:
    return "none" if fact is None else str(fact)[:100]


def _named(storage: str, named: str | None, folder: Path, machine: str) -> list[Path]:
    """The files that are meant, in the order stored."""
    if named is not None and (folder / named).is_file():
        return [folder / named]
    kind, colons, rest = storage.partition("://")
    if colons and kind != "file":
        raise UsageProblem(f"--benchmark-storage {storage} is no folder; name a file with --gate-benchmarks-from FILE")
    there = folder / (rest if colons else storage)
    if named is None:
        return sorted((there / machine).glob("[0-9][0-9][0-9][0-9]_*.json"), key=lambda path: path.name)
    try:
        found = [*there.glob(f"{named}*.json"), *there.glob(f"*/{named}*.json")]
    except (ValueError, NotImplementedError):
        return []
    return sorted(found, key=lambda path: (path.parent.name == machine, path.name))


def machine_folder() -> str:
    """How pytest-benchmark calls the folder of this kind of machine and Python."""
    from pytest_benchmark.utils import get_machine_id

    return str(get_machine_id())  # type: ignore[no-untyped-call]
