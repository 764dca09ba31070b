from pathlib import Path

import pytest

from harness.probes.cores import Trees, allowed_cores, quota_stops, usable_cores


def trees(root: Path, own_groups: str, files: dict[str, str]) -> Trees:
    """Fake kernel trees: which groups this process is in, and files below /sys/fs/cgroup."""
    (root / "proc" / "self").mkdir(parents=True)
    (root / "proc" / "self" / "cgroup").write_text(own_groups)
    for name, text in files.items():
        path = root / "sys" / "fs" / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Trees(root / "proc", root / "sys")


V1 = "4:cpu,cpuacct:/docker/abc\n3:memory:/docker/abc\n"


@pytest.mark.parametrize(
    ("own_groups", "files", "usable"),
    [
        ("", {}, 4),
        ("0::/job\n", {"job/cpu.max": "max 100000\n"}, 4),
        ("0::/job\n", {"job/cpu.max": "150000 100000\n"}, 1.5),
        ("0::/a/b\n", {"a/cpu.max": "50000 100000\n", "a/b/cpu.max": "200000 100000\n"}, 0.5),  # the parent's is less
        ("0::/job\n", {"job/cpu.max": "900000 100000\n"}, 4),  # more than there is
        ("0::/../..\n", {"cpu.max": "100000 100000\n"}, 1),  # a container that sees its own group as the root
        (
            V1,
            {"cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "200000", "cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000"},
            2,
        ),
        (V1, {"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2),
        (V1, {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ("3:memory:/docker/abc\n", {"memory/docker/abc/cpu.max": "100000 100000\n"}, 4),  # not a CPU group
    ],
)
def test_the_smallest_quota_on_the_way_up_caps_the_cores(
    tmp_path: Path, own_groups: str, files: dict[str, str], usable: float
) -> None:
    assert usable_cores(trees(tmp_path, own_groups, files), (0, 1, 2, 3)) == usable


def test_stops_are_counted_only_where_there_is_a_quota(tmp_path: Path) -> None:
    stat = "nr_periods 9\nnr_throttled 3\nthrottled_usec 100\n"
    capped = trees(tmp_path / "a", "0::/job\n", {"job/cpu.max": "50000 100000\n", "job/cpu.stat": stat})
    free = trees(tmp_path / "b", "0::/job\n", {"job/cpu.max": "max 100000\n", "job/cpu.stat": stat})
    assert quota_stops(capped) == 3
    assert quota_stops(free) is None


def test_this_process_may_use_at_least_one_core() -> None:
    assert len(allowed_cores()) >= 1
    assert 0 < usable_cores(Trees(), allowed_cores()) <= len(allowed_cores())
