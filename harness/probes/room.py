"""How much memory there is for one more process: what the kernel calls available, or less where a group is capped.

Linux keeps all of it in files, whose roots are parameters. Elsewhere psutil says it, or it is not known.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from harness.probes import Unavailable
from harness.probes.cores import Trees, groups, read_number, read_text


def available_bytes(trees: Trees | None = None) -> int | Unavailable:
    """The bytes that can be had before something has to give way; file caches count as free."""
    if trees is None and sys.platform != "linux":
        return _by_psutil()
    trees = trees or Trees()
    free = _field(read_text(trees.proc / "meminfo"), "MemAvailable:")
    if free is None:
        return Unavailable(f"{trees.proc / 'meminfo'} does not say what is available")
    return min([free * 1024, *_left_in_groups(trees)])


def _left_in_groups(trees: Trees) -> Iterator[int]:
    """What each group with a limit leaves, by either version of control groups."""
    for group in groups(trees, "memory"):
        for limit, usage, cached in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            most, used = read_number(group / limit), read_number(group / usage)
            if most is not None and used is not None:
                yield max(most - used + (_field(read_text(group / "memory.stat"), cached) or 0), 0)


def _field(text: str | None, name: str) -> int | None:
    """The number that stands behind a name."""
    for line in (text or "").splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == name and words[1].isdecimal():
            return int(words[1])
    return None


def _by_psutil() -> int | Unavailable:
    try:
        import psutil
    except ImportError:
        return Unavailable("psutil is not installed; pip install psutil")
    return int(psutil.virtual_memory().available)
