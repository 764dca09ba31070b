"""Memory that is available: what the kernel says, or what a group's limit leaves of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.probes import Unavailable
from harness.probes.cores import Trees
from harness.probes.room import available_bytes

KB = 1024
INFO = "MemTotal: 24000 kB\nMemFree: 100 kB\nMemAvailable:    8000 kB\n"


def trees(root: Path, own_groups: str, files: dict[str, str], info: str = INFO) -> Trees:
    (root / "proc" / "self").mkdir(parents=True)
    (root / "proc" / "self" / "cgroup").write_text(own_groups)
    (root / "proc" / "meminfo").write_text(info)
    for name, text in files.items():
        path = root / "sys" / "fs" / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Trees(root / "proc", root / "sys")


@pytest.mark.parametrize(
    ("own_groups", "files", "available"),
    [
        ("", {}, 8000 * KB),
        ("0::/\n", {"memory.max": "max\n", "memory.current": "5\n"}, 8000 * KB),
        ("0::/job\n", {"job/memory.max": "3000000", "job/memory.current": "1000000"}, 2_000_000),
        # What only caches files gives way.
        (
            "0::/job\n",
            {
                "job/memory.max": "3000000",
                "job/memory.current": "1000000",
                "job/memory.stat": "anon 600000\nfile 400000\ninactive_file 300000\n",
            },
            2_300_000,
        ),
        # A group above with a lower limit counts; one that is overdrawn leaves nothing.
        (
            "0::/outer/inner\n",
            {
                "outer/memory.max": "1000",
                "outer/memory.current": "5000",
                "outer/inner/memory.max": "3000000",
                "outer/inner/memory.current": "10",
            },
            0,
        ),
        # The older kind, without a limit and with one.
        (
            "5:memory:/job\n",
            {"memory/job/memory.limit_in_bytes": "9223372036854771712", "memory/job/memory.usage_in_bytes": "7"},
            8000 * KB,
        ),
        (
            "5:memory:/job\n3:cpu:/other\n",
            {
                "memory/job/memory.limit_in_bytes": "5000000",
                "memory/job/memory.usage_in_bytes": "2000000",
                "memory/job/memory.stat": "inactive_file 1\ntotal_inactive_file 500000\n",
            },
            3_500_000,
        ),
    ],
)
def test_what_is_available_is_the_least_that_anything_leaves(
    tmp_path: Path, own_groups: str, files: dict[str, str], available: int
) -> None:
    assert available_bytes(trees(tmp_path, own_groups, files)) == available


def test_a_kernel_that_does_not_say_is_not_guessed_at(tmp_path: Path) -> None:
    found = available_bytes(trees(tmp_path, "", {}, info="MemTotal: 5 kB\n"))
    assert isinstance(found, Unavailable)
    assert "does not say" in found.why


def test_this_machine_has_some() -> None:
    found = available_bytes()
    assert isinstance(found, int)
    assert found > 0
