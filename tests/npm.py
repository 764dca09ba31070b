"""Packages of npm that tests use: fetched once with the machine's own npm, kept among its caches."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

PATIENCE_SECONDS = 120


def node_package(name: str, version: str) -> Path:
    """The folder of a package. Where CI is set its absence is a failure, elsewhere a skip that says how to get it."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "quantgate-tests"
    folder = base / f"{name}-{version}"
    if not folder.is_dir() and (problem := _fetch(name, version, folder)) is not None:
        absent(f"{name} is not here: {problem}; install npm (Debian: apt-get install npm) to run this")
    return folder


def absent(missing: str) -> NoReturn:
    """Fail in CI and skip elsewhere, with what is missing and how to get it."""
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def _fetch(name: str, version: str, folder: Path) -> str | None:
    """Fetch a package into its folder, whole or not at all; why that was not possible, where it was not."""
    npm = shutil.which("npm")
    if npm is None:
        return "no npm on PATH"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        command = [npm, "pack", "--silent", f"{name}@{version}"]
        try:
            done = subprocess.run(command, cwd=scratch, capture_output=True, timeout=PATIENCE_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return f"npm said nothing for {PATIENCE_SECONDS} s"
        packed = next(Path(scratch).glob("*.tgz"), None)
        if done.returncode or packed is None:
            return f"npm pack failed: {done.stderr.decode(errors='replace').strip()[-300:]}"
        subprocess.run(["tar", "-xzf", packed.name], cwd=scratch, check=True, timeout=PATIENCE_SECONDS)
        try:
            (Path(scratch) / "package").replace(folder)
        except OSError:
            if not folder.is_dir():  # another process was first
                raise
    return None
