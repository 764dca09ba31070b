"""Packages of npm that tests use: fetched once with the machine's own npm, kept among its caches."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest


def node_package(name: str, version: str) -> Path:
    """The folder of a package. Where CI is set its absence is a failure, elsewhere a skip that says so."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "quantgate-tests"
    folder = base / f"{name}-{version}"
    if folder.is_dir():
        return folder
    missing = f"the npm package {name} {version} cannot be had: {{}}; install Node.js with npm (Debian: nodejs, npm)"
    if shutil.which("npm") is None or shutil.which("node") is None:
        _without(missing.format("there is no npm here"))
    base.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=base) as scratch:
        command = ["npm", "pack", "--silent", f"{name}@{version}"]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, timeout=120, check=False)
        packed = next(Path(scratch).glob("*.tgz"), None)
        if packed is None:
            _without(missing.format((done.stderr.strip().splitlines() or ["npm gave nothing"])[-1]))
        subprocess.run(["tar", "-xzf", packed.name], cwd=scratch, check=True, timeout=60)
        (Path(scratch) / "package").replace(folder)
    return folder


def _without(why: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)
