"""axe-core, the accessibility checker, as its own package of npm ships it: fetched once, kept, and checked."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from devtools import absent

VERSION = "4.14.1"
SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
PATIENCE_SECONDS = 120


def axe_source() -> str:
    """The script. Where CI is set its absence is a failure, elsewhere a skip that says how to get it."""
    kept = _folder() / f"axe-core-{VERSION}.min.js"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        if (problem := _fetch(kept)) is not None:
            absent(f"axe-core is not here: {problem}; install npm (Debian: apt-get install npm) to run this")
    script = kept.read_bytes()
    assert hashlib.sha256(script).hexdigest() == SHA256, f"{kept} is not what was published as {VERSION}; remove it"
    return script.decode()


def _folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "quantgate-tests"


def _fetch(kept: Path) -> str | None:
    """Fetch the package and keep its script; why that was not possible, where it was not."""
    npm = shutil.which("npm")
    if npm is None:
        return "no npm on PATH"
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", "--silent", f"axe-core@{VERSION}", "--pack-destination", folder]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, timeout=PATIENCE_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return f"npm said nothing for {PATIENCE_SECONDS} s"
        packed = next(Path(folder).glob("*.tgz"), None)
        if done.returncode or packed is None:
            return f"npm pack failed: {done.stderr.decode(errors='replace').strip()[-300:]}"
        with tarfile.open(fileobj=io.BytesIO(packed.read_bytes())) as archive:
            script = archive.extractfile("package/axe.min.js")
            assert script is not None
            fresh = kept.with_suffix(f".{os.getpid()}")
            fresh.write_bytes(script.read())
            fresh.replace(kept)
    return None
