"""Where baselines are: `baselines/<machine class>/<model>/<precision>.<device>.json`. Knows places, not verdicts."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from pathlib import Path

from harness.baselines.files import decode, encode
from harness.baselines.machine import Identity, machine_class
from harness.baselines.records import Baseline
from harness.cells import Cell
from harness.errors import HarnessError, RecordUnreadable
from harness.journal import replace_file

FOLDER = "baselines"


class Store:
    """The baselines of a project. Nothing need be there yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, cell: Cell, identity: Identity) -> Path:
        """Where the baseline of a cell belongs on a machine."""
        return self._folder / machine_class(identity) / _place(cell)

    def name(self, path: Path) -> str:
        """A path as messages and records say it: from the folder of baselines on, without where that is."""
        return Path(FOLDER, path.relative_to(self._folder)).as_posix()

    def find(self, cell: Cell, identity: Identity) -> Baseline | None:
        """The baseline of a cell on this class of machine, None where there is none; RecordUnreadable for a bad one."""
        return self._read(self.path(cell, identity), cell)

    def elsewhere(self, cell: Cell, identity: Identity) -> tuple[Baseline, ...]:
        """The baselines of a cell on other classes of machine."""
        paths = sorted(self._folder.glob(f"*/{_place(cell).as_posix()}"))
        found = (self._read(path, cell) for path in paths if path != self.path(cell, identity))
        return tuple(one for one in found if one is not None)

    def cells(self, identity: Identity) -> tuple[Cell, ...]:
        """Every cell that is stored for this class of machine, as far as its file can be read."""
        found = []
        for path in sorted((self._folder / machine_class(identity)).glob("*/*.json")):
            with suppress(RecordUnreadable, OSError):
                found.append(decode(path.read_bytes(), self.name(path)).cell)
        return tuple(found)

    def write(self, baseline: Baseline) -> bool:
        """Keep a baseline; whether a byte changed."""
        path, content = self.path(baseline.cell, baseline.identity), encode(baseline)
        try:
            if path.read_bytes() == content:
                return False
        except FileNotFoundError:
            pass
        except OSError as error:
            raise RecordUnreadable(f"{self.name(path)} cannot be read: {error.strerror}; mend its rights") from error
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HarnessError(
                f"{self.name(path.parent)} cannot be made: {error.strerror}; make room for it"
            ) from error
        replace_file(path, content)
        return True

    def _read(self, path: Path, cell: Cell) -> Baseline | None:
        name = self.name(path)
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RecordUnreadable(f"{name} cannot be read: {error.strerror}; restore it from git") from error
        found = decode(raw, name)
        if found.cell != cell:
            raise RecordUnreadable(f"{name} is of {found.cell}; put it back where it came from, or remove it")
        if found.machine != path.parents[1].name:
            raise RecordUnreadable(f"{name} is of the machine {found.machine}; put it back, or remove it")
        return found


def _place(cell: Cell) -> Path:
    return Path(_plain(cell.model), f"{_plain(cell.precision)}.{_plain(cell.device)}.json")


def _plain(name: str) -> str:
    """A name as a part of a path; one that cannot be a part gets a digest, so that no two become the same."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*", name) and len(name) <= 100:
        return name
    if re.fullmatch(r"cuda:\d+", name):
        return name.replace(":", "-")
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:60]
    return f"{readable}~{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:8]}"


def any_baseline(folder: Path) -> bool:
    """Whether anything was ever accepted here."""
    return any(folder.glob("*/*/*.json"))
