"""The exit codes of `quantgate`. A script may rely on them: they do not change."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended."""

    PASS = 0
    REGRESSION = 1
    USAGE = 2
    INTERNAL = 3
    INCONCLUSIVE = 10
    NOTHING_COMPARABLE = 11
