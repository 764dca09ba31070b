"""Which version of a distribution is installed, found by the name of its folder: importing nothing, reading no file.

`importlib.metadata` answers the same, but importing it and its parsers of mail headers costs a worker about as much as
starting Python does. It is still asked where the folders do not say.
"""

from __future__ import annotations

import os
import re
import sys

_SUFFIX = ".dist-info"


def installed_version(distribution: str) -> str | None:
    """Return the version of an installed distribution, or None where it is not installed."""
    wanted = _normal(distribution)
    for folder in sys.path:
        try:
            names = os.listdir(folder or os.curdir)  # noqa: PTH208 - a Path for every file would cost what is saved
        except OSError:
            continue
        for name in names:
            if name.endswith(_SUFFIX):
                found, _, version = name.removesuffix(_SUFFIX).partition("-")
                if version[:1].isdigit() and _normal(found) == wanted:
                    return version
    return _by_metadata(distribution)


def _normal(name: str) -> str:
    """One spelling for what packaging takes for one name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _by_metadata(distribution: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
