"""Finds declared models: files of a folder (`suites/models/`) and installed packages (entry points).

Importing a declaration must import no runtime; what is found is checked and ordered here, never run.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

from harness.cells import Blocked, Reason, matches
from harness.errors import ModelProblem, UsageProblem, suggestion
from harness.models import Model
from harness.packages import installed_version

ENTRY_POINT_GROUP = "quantgate.models"
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Origin:
    """Where to import a model's declaration from: a module, found under `root` unless it is installed."""

    module: str
    root: str | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """A model and where it was declared."""

    model: Model
    origin: Origin


class Sized(Protocol):
    """What must be known of a model to choose it."""

    @property
    def name(self) -> str:
        """What globs are matched with."""

    @property
    def family(self) -> str:
        """What it is one size of."""

    @property
    def size(self) -> str:
        """Which size."""


def discover(root: Path, folder: str) -> tuple[Declared, ...]:
    """Return every declared model, by folder and by entry point, in the order of file and declaration."""
    places = [*_in_folder(root, folder), *_installed()]
    found: dict[str, Declared] = {}
    for origin in places:
        for declared in load(origin):
            name = declared.model.name
            if name in found:
                raise ModelProblem(
                    f"model {name!r} is declared by {found[name].origin.module} and by {origin.module}; rename one"
                )
            found[name] = declared
    return tuple(found.values())


def load(origin: Origin) -> tuple[Declared, ...]:
    """Import one module of declarations."""
    if origin.root is not None and origin.root not in sys.path:
        sys.path.insert(0, origin.root)
    try:
        module = importlib.import_module(origin.module)
    except (Exception, SystemExit) as error:
        words = " ".join(str(error).split())
        raise ModelProblem(
            f"{origin.module} cannot be imported: {type(error).__name__}: {words}; mend the file or take it away"
            " (what a model needs is imported inside its functions)"
        ) from error
    models = getattr(module, "MODELS", None)
    if not isinstance(models, tuple) or not all(isinstance(model, Model) for model in models):
        raise ModelProblem(f"{origin.module} needs MODELS, a tuple of harness.models.Model")
    return tuple(Declared(model, origin) for model in models)


def choose(declared: tuple[Declared, ...], patterns: str, size: str | None) -> tuple[Declared, ...]:
    """Pick models by globs and size; refuse a glob that matches nothing."""
    names = chosen_names([one.model for one in declared], patterns, size)
    return tuple(one for one in choose_all(declared, patterns) if one.model.name in names)


def chosen_names(models: Iterable[Sized], patterns: str, size: str | None) -> frozenset[str]:
    """Which models globs and size pick. A model named in full is picked whatever its size.

    Without a size, a family that has a tiny model is represented by it; a family of which the globs leave only another
    size, by that one.
    """
    matching = [model for model in models if matches(model.name, patterns)]
    named = {pattern.strip() for pattern in patterns.split(",")}
    sizes = {(model.family, model.size) for model in matching}

    def fits(model: Sized) -> bool:
        preferred = size or ("tiny" if (model.family, "tiny") in sizes else "full")
        return model.name in named or model.size == preferred or (model.family, preferred) not in sizes

    return frozenset(model.name for model in matching if fits(model))


def choose_all(declared: Iterable[Declared], patterns: str) -> tuple[Declared, ...]:
    """Pick models by globs, of every size; refuse a glob that matches nothing."""
    everything = tuple(declared)
    wanted = [pattern.strip() for pattern in patterns.split(",")]
    for pattern in wanted:
        if not any(fnmatchcase(one.model.name, pattern) for one in everything):
            hint = suggestion(pattern, [one.model.name for one in everything])
            raise UsageProblem(f"no model matches {pattern!r}; {hint}")
    return tuple(one for one in everything if matches(one.model.name, patterns))


def blocked(model: Model) -> Blocked | None:
    """Say why a model cannot run at all here: what it needs is not installed. Imports nothing."""
    for need in model.needs:
        if installed_version(need.distribution) is None:
            reason = Reason.NO_PACKAGE if need.is_library else Reason.NO_WEIGHTS
            return Blocked(reason, f"{need.distribution} is not installed: {need.install}")
    return None


def source_digest(root: Path, folder: str) -> str:
    """What the suites are, by content: every file beside the folder of models that is no cache.

    Large files (weights, recordings) go by size and time of change: each run makes this digest, and most use it never.
    """
    top = (root / folder).parent
    top = top if top != root else root / folder
    digest = hashlib.sha256()
    for path in sorted(top.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
            digest.update(f"{path.relative_to(top)}\0".encode(errors="surrogateescape"))
            state = path.stat()
            if state.st_size > _READ_BYTES:
                digest.update(f"{state.st_size}\0{state.st_mtime_ns}\0".encode())
            else:
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _in_folder(root: Path, folder: str) -> list[Origin]:
    package = ".".join(Path(folder).parts)
    files = sorted((root / folder).glob("*.py"))
    return [Origin(f"{package}.{file.stem}", str(root)) for file in files if not file.stem.startswith("_")]


def _installed() -> list[Origin]:
    from importlib.metadata import entry_points  # not above: a worker loads models and looks for none

    return [Origin(entry.value) for entry in entry_points(group=ENTRY_POINT_GROUP)]
