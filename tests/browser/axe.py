"""axe-core, the accessibility checker, as its own package of npm ships it, and checked to be that."""

from __future__ import annotations

import hashlib

from tests.npm import node_package

VERSION = "4.14.1"
SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"


def axe_source() -> str:
    """The script."""
    script = (node_package("axe-core", VERSION) / "axe.min.js").read_bytes()
    assert hashlib.sha256(script).hexdigest() == SHA256, f"this is not what was published as {VERSION}"
    return script.decode()
