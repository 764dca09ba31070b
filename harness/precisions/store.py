"""Keeps artifacts: found by everything that decides them, verified by content, written whole or not at all.

A key is the digest of reference, recipe, settings, engine, library versions and calibration. What is found under it
is used only when its bytes still have the digest of its manifest; otherwise it is thrown away and made again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from harness.endpoints import Service
from harness.models import Artifact, Coverage, FileReference, ModuleReference, Reference
from harness.packages import installed_version
from harness.precisions import Converted, Recipe

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Key:
    """What decides an artifact. Two conversions with the same digest give the same result."""

    reference: str
    precision: str
    recipe_version: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    engine: str | None = None
    libraries: Mapping[str, str | None] = field(default_factory=dict)
    calibration: str | None = None

    @property
    def digest(self) -> str:
        """The name of the folder that holds the artifact."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is written beside an artifact. `file` is None where the artifact is the reference itself, used in place."""

    key: Key
    file: str | None
    format: str
    precision: str
    digest: str
    size_bytes: int
    provenance: str
    conversion_seconds: float
    coverage: Coverage
    layout: dict[str, Any]


def file_digest(path: Path) -> str:
    """The sha256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def reference_digest(reference: Reference) -> str:
    """What the reference is, by content: of the file, or of everything that decides a module's weights."""
    match reference:
        case FileReference():
            return file_digest(reference.path)
        case ModuleReference():
            return hashlib.sha256(msgspec.json.encode(reference.identity)).hexdigest()
        case Service():
            return hashlib.sha256(reference.described.encode()).hexdigest()


def library_versions(recipe: Recipe, reference_format: str) -> dict[str, str | None]:
    """Versions of the libraries that take part in a conversion, without importing them."""
    return {name: installed_version(name) for name in recipe.distributions.get(reference_format, ())}


class ArtifactStore:
    """A folder of artifacts that several runs may use at once."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, key: Key, reference: Reference) -> Artifact | None:
        """Return the artifact of a key when it is there and its bytes are what they were. Changes nothing."""
        folder = self._root / key.digest
        try:
            manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
        except (OSError, ValueError, msgspec.DecodeError):
            return None
        path = _place(manifest, folder, reference)
        if manifest.file is None:
            intact = manifest.digest == key.reference  # just read from the very file
        else:
            intact = path.is_file() and file_digest(path) == manifest.digest
        return _artifact(manifest, path, reference) if intact else None

    def make(self, key: Key, reference: Reference, convert: Callable[[Path], Converted], suffix: str) -> Artifact:
        """Convert under a lock; a second run that wants the same artifact waits and then finds it.

        `convert` writes to the path it is given, in a folder of its own.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        with _lock(self._root / f"{key.digest}.lock"):
            if found := self.find(key, reference):
                return found
            # Under the lock, what stands here is spoilt, or was left by a conversion that was killed.
            for left in (self._root / key.digest, *self._root.glob(f".making-{key.digest}-*")):
                _discard(left)
            scratch = Path(tempfile.mkdtemp(prefix=f".making-{key.digest}-", dir=self._root))
            try:
                target = scratch / f"{key.precision}{suffix}"
                start = time.perf_counter()
                converted = convert(target)
                seconds = time.perf_counter() - start
                size_bytes = target.stat().st_size
                if is_reference := _is_same_file(target, reference):
                    # Used where it lies: a link here would be a second way to damage somebody's weights.
                    target.unlink()
                manifest = Manifest(
                    key=key,
                    file=None if is_reference else target.name,
                    format=reference.format,
                    precision=key.precision,
                    digest=key.reference if is_reference else file_digest(target),
                    size_bytes=size_bytes,
                    provenance=reference.provenance,
                    conversion_seconds=seconds,
                    coverage=converted.coverage,
                    layout=dict(converted.layout),
                )
                (scratch / "manifest.json").write_bytes(msgspec.json.encode(manifest))
                scratch.rename(self._root / key.digest)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
            return _artifact(manifest, _place(manifest, self._root / key.digest, reference), reference)


def _artifact(manifest: Manifest, path: Path, reference: Reference) -> Artifact:
    return Artifact(
        path=path,
        format=manifest.format,
        precision=manifest.precision,
        digest=manifest.digest,
        size_bytes=manifest.size_bytes,
        coverage=manifest.coverage,
        provenance=manifest.provenance,
        conversion_seconds=manifest.conversion_seconds,
        layout=manifest.layout,
        skeleton=reference.skeleton if isinstance(reference, ModuleReference) else None,
        service=reference if isinstance(reference, Service) else None,
    )


def _place(manifest: Manifest, folder: Path, reference: Reference) -> Path:
    """Where the artifact lies: in the store, or where the reference does that it is."""
    if manifest.file is None:
        assert isinstance(reference, FileReference)
        return reference.path
    return folder / manifest.file


def _is_same_file(path: Path, reference: Reference) -> bool:
    """Whether a conversion gave the reference itself, by linking to it."""
    try:
        return isinstance(reference, FileReference) and path.samefile(reference.path)
    except OSError:
        return False


def _discard(folder: Path) -> None:
    """Take an entry out of the way at once; a reader that holds it open keeps its bytes."""
    doomed = folder.with_name(f".discarded-{os.getpid()}-{folder.name}")
    try:
        folder.rename(doomed)
    except OSError:
        return
    shutil.rmtree(doomed, ignore_errors=True)


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
