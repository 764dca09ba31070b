"""pytest-benchmark's own files: which one is meant, what is read of it, and what of two machines must agree."""

import json
from pathlib import Path

import pytest

from harness.benchmarks.stored import find, machine_differences, named_differences, read
from harness.errors import RecordUnreadable, UsageProblem

COMMIT, OTHER = "a" * 40, "b" * 40
MACHINE = {
    "node": "one",
    "machine": "x86_64",
    "system": "Linux",
    "processor": "",
    "python_implementation": "CPython",
    "python_version": "3.11.7",
    "release": "6.1",
    "cpu": {"brand_raw": "A CPU", "arch": "X86_64", "bits": 64, "count": 2},
}


def store(folder: Path, name: str, commit: str = COMMIT, median: float = 1.0, *, dirty: bool = False) -> None:
    there = folder / ".benchmarks" / "Linux-here"
    there.mkdir(parents=True, exist_ok=True)
    stats = {"median": median, "mean": 2.0, "rounds": 5, "iterations": 1, "outliers": "1;2"}
    found = {
        "machine_info": MACHINE,
        "commit_info": {"id": commit, "dirty": dirty, "branch": "main"},
        "benchmarks": [
            {"fullname": "t.py::test_a", "name": "test_a", "stats": stats, "options": {"timer": "perf_counter"}}
        ],
        "datetime": f"2026-11-0{name[3]}T10:00:00+00:00",
        "version": "5.3.1",
    }
    (there / f"{name}.json").write_text(json.dumps(found))


def found(folder: Path, named: str | None = None):
    return find("file://./.benchmarks", named, folder, "Linux-here")


def test_the_newest_file_is_meant_with_those_that_were_stored_of_its_commit(tmp_path: Path) -> None:
    store(tmp_path, f"0001_{COMMIT}", median=1.0)
    store(tmp_path, f"0002_{OTHER}", OTHER, median=9.0)
    store(tmp_path, f"0003_{COMMIT}", median=3.0)
    baseline = found(tmp_path)
    assert baseline is not None
    assert [one.stats.median for _, one in baseline.sessions("t.py::test_a")] == [1.0, 3.0]
    assert baseline.sessions("t.py::test_b") == ()
    assert baseline.describe() == f"0003_{COMMIT} of 2026-11-03, 2 sessions, revision aaaaaaaaaa"


@pytest.mark.parametrize("named", ["0001", "0001_be", ".benchmarks/Linux-here/0001_before.json"])
def test_a_file_is_named_by_number_by_beginning_or_by_path(tmp_path: Path, named: str) -> None:
    store(tmp_path, "0001_before", "unversioned")
    store(tmp_path, "0002_after")
    baseline = found(tmp_path, named)
    assert baseline is not None
    assert (baseline.name, baseline.revision) == ("0001_before", None)


def test_two_states_that_were_not_committed_are_not_one(tmp_path: Path) -> None:
    store(tmp_path, f"0001_{COMMIT}", dirty=True)
    store(tmp_path, f"0002_{COMMIT}", dirty=True)
    baseline = found(tmp_path)
    assert baseline is not None
    assert len(baseline.files) == 1
    assert "with uncommitted changes" in baseline.describe()


def test_nothing_stored_is_none_and_nothing_of_that_name_is_refused(tmp_path: Path) -> None:
    assert found(tmp_path) is None
    with pytest.raises(UsageProblem, match=r"no such file.*store some first"):
        found(tmp_path, "0007")
    with pytest.raises(UsageProblem, match="is no folder; name a file"):
        find("elasticsearch+http://host/index", None, tmp_path, "Linux-here")


@pytest.mark.parametrize("content", ["", "[]", '{"machine_info": {}, "benchmarks": [{"fullname": 1}]}', "\ud800"])
def test_what_is_none_of_its_files_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "0001.json"
    file.write_bytes(content.encode(errors="surrogatepass"))
    with pytest.raises(RecordUnreadable, match="name another"):
        read(file)


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        ({"node": "another", "release": "6.2", "python_version": "3.11.8"}, []),
        ({"machine": "arm64"}, ["machine"]),
        ({"cpu": {**MACHINE["cpu"], "count": 64}}, ["cpu count"]),  # type: ignore[dict-item]
        ({"cpu": None}, ["cpu brand_raw", "cpu arch", "cpu bits", "cpu count"]),
        ({"python_implementation": "PyPy"}, ["python_implementation"]),
    ],
)
def test_the_machine_must_agree_and_its_name_is_no_matter(change, keys: list[str]) -> None:
    assert [one.key for one in machine_differences(MACHINE, {**MACHINE, **change})] == keys


def test_what_may_explain_a_change_is_named() -> None:
    assert [str(one) for one in named_differences(MACHINE, {**MACHINE, "python_version": "3.12.0"})] == [
        "python_version: 3.11.7 → 3.12.0"
    ]
