"""Which cores this process may use, by affinity and by the quotas of its control groups, and whether those held it up.

Linux keeps all of it in files, whose roots are parameters. Elsewhere every core counts and no quota is known.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Trees:
    """Where the kernel shows its files."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")


def read_text(path: Path) -> str | None:
    """Return the text of a kernel file; None where it is missing, forbidden or not answering."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return None


def read_number(path: Path) -> int | None:
    """Return the whole number in a kernel file."""
    text = read_text(path)
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


def allowed_cores() -> tuple[int, ...]:
    """Return the numbers of the cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def usable_cores(trees: Trees, allowed: tuple[int, ...]) -> float:
    """Return how many cores' worth of time there is: the allowed ones, or less where a quota caps them."""
    quotas = [quota for group in groups(trees, "cpu") if (quota := _quota(group)) is not None]
    return round(min([float(len(allowed)), *quotas]), 3)


def quota_stops(trees: Trees) -> int | None:
    """Return how often a quota has stopped this process's groups; None where no group has a quota."""
    stops = None
    for group in groups(trees, "cpu"):
        if _quota(group) is None:
            continue
        for line in (read_text(group / "cpu.stat") or "").splitlines():
            name, _, count = line.partition(" ")
            if name == "nr_throttled":
                stops = (stops or 0) + int(count)
    return stops


def _quota(group: Path) -> float | None:
    """Return the quota of one group in cores, by either version of control groups."""
    newer = (read_text(group / "cpu.max") or "").split()
    if len(newer) == 2 and newer[0].isdecimal():
        return int(newer[0]) / int(newer[1])
    quota, period = read_number(group / "cpu.cfs_quota_us"), read_number(group / "cpu.cfs_period_us")
    return quota / period if quota and period and quota > 0 else None


def groups(trees: Trees, controller: str) -> Iterator[Path]:
    """Walk from this process's own groups up to the root; in a container only the upper ones may be there."""
    mounted = trees.sys / "fs" / "cgroup"
    seen = set()
    for line in (read_text(trees.proc / "self" / "cgroup") or "").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "":
            roots = (mounted, mounted / "unified")
        elif controller in controllers.split(","):
            roots = (mounted / controllers, mounted / controller)
        else:
            continue
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for root in roots:
            for depth in range(len(parts), -1, -1):
                group = root.joinpath(*parts[:depth])
                if group.is_dir() and (where := group.resolve()) not in seen:
                    seen.add(where)
                    yield group
