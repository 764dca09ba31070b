"""Filing runs: one session each, nothing twice, and nothing that is no baseline."""

from pathlib import Path
from typing import Any

import pytest

from harness.baselines.accepting import Fate, file_run
from harness.baselines.noise import too_noisy
from harness.baselines.records import MOST_SESSIONS
from harness.baselines.store import Store
from harness.results import Measurement
from tests.baselines.made import CELL, FAILED, IDENTITY, OTHER, UNSUPPORTED, measured, run


def fates(store: Store, *args: Any, **more: Any) -> list[Fate]:
    return [one.fate for one in file_run(store, run(*args, **more))]


def test_accepting_the_same_run_again_changes_no_byte(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert fates(store, measured()) == [Fate.WRITTEN]
    path = store.path(CELL, IDENTITY)
    before, touched = path.read_bytes(), path.stat().st_mtime_ns
    assert fates(store, measured()) == [Fate.KEPT]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (before, touched)


def test_the_order_in_which_runs_are_accepted_does_not_matter(tmp_path: Path) -> None:
    for folder, days in (("a", (1, 2, 3)), ("b", (3, 1, 2))):
        for day in days:
            fates(Store(tmp_path / folder), measured(), id=f"run-{day}", day=day)
    a, b = (Store(tmp_path / folder).path(CELL, IDENTITY).read_bytes() for folder in "ab")
    assert a == b


def test_the_oldest_session_is_dropped_beyond_the_most(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for day in range(1, MOST_SESSIONS + 3):
        fates(store, measured(), id=f"run-{day}", day=day)
    found = store.find(CELL, IDENTITY)
    assert found is not None
    assert [one.run for one in found.sessions] == [f"run-{day}" for day in range(3, MOST_SESSIONS + 3)]


def test_a_run_older_than_all_that_is_kept_changes_nothing_and_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for day in range(2, MOST_SESSIONS + 2):
        fates(store, measured(), id=f"run-{day}", day=day)
    [filed] = file_run(store, run(measured(), id="late", day=1))
    assert filed.fate is Fate.KEPT
    assert "older than all" in filed.text


def test_versions_that_no_session_has_any_more_are_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for day in range(1, MOST_SESSIONS + 2):
        libraries = {"onnxruntime": "1.29" if day == 1 else "1.30"}
        fates(store, measured(), id=f"run-{day}", day=day, libraries=libraries)
    found = store.find(CELL, IDENTITY)
    assert found is not None
    assert [known["onnxruntime"] for known in found.libraries.values()] == ["1.30"]


@pytest.mark.parametrize(
    "key", ["reference_digest", "artifact_digest", "workload_digest", "calibration_digest", "artifact_format"]
)
def test_other_content_is_refused_with_the_key_and_the_next_step(tmp_path: Path, key: str) -> None:
    store = Store(tmp_path)
    fates(store, measured())
    before = store.path(CELL, IDENTITY).read_bytes()
    [filed] = file_run(store, run(measured(provenance={key: "other"}), id="run-2", day=2))
    assert filed.fate is Fate.REFUSED
    assert key in filed.text
    assert "remove the file in a reviewed commit" in filed.text
    assert f"quantgate accept {CELL} --metric" in filed.text
    assert store.path(CELL, IDENTITY).read_bytes() == before


def test_another_way_of_measuring_is_other_content(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fates(store, measured())
    [filed] = file_run(store, run(measured(), id="run-2", options={"low_memory": True}))
    assert filed.fate is Fate.REFUSED
    assert "low_memory: False → True" in filed.text


def test_one_bad_cell_stops_no_other(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = store.path(CELL, IDENTITY)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"{")
    assert fates(store, measured(), measured(OTHER)) == [Fate.REFUSED, Fate.WRITTEN]
    assert path.read_bytes() == b"{"


@pytest.mark.parametrize(
    ("measurement", "fate", "says"),
    [
        (FAILED, Fate.REFUSED, "it failed (timing): it broke"),
        (UNSUPPORTED, Fate.UNSUPPORTED, "NO_KERNEL: no kernel for it"),
        (measured(seconds=(0.01, 0.02, 0.01, 0.02)), Fate.REFUSED, "10% is the most"),
    ],
)
def test_what_is_no_baseline_is_refused_by_name(
    tmp_path: Path, measurement: Measurement, fate: Fate, says: str
) -> None:
    [filed] = file_run(Store(tmp_path), run(measurement))
    assert (filed.cell, filed.fate) == (CELL, fate)
    assert says in filed.text
    assert not list(tmp_path.iterdir())


def test_a_cell_that_was_planned_and_not_measured_is_refused(tmp_path: Path) -> None:
    [first, second] = file_run(Store(tmp_path), run(measured(), planned=(CELL, OTHER)))
    assert (first.fate, second.fate) == (Fate.WRITTEN, Fate.REFUSED)
    assert second.cell == OTHER


# The half width of ln x over four passes of c(1 ± e) is about 3.18 · 1.155 e / 2: 1.84 e.
@pytest.mark.parametrize(
    ("e", "steady", "noisy"),
    [(0.04, True, False), (0.06, True, True), (0.008, False, False), (0.02, False, True)],
)
def test_noise_is_judged_by_its_two_bounds(e: float, steady: bool, noisy: bool) -> None:
    seconds = (1 + e, 1 - e, 1 + e, 1 - e)
    assert (too_noisy(measured(seconds=seconds, steady=steady)) is not None) == noisy


def test_waiting_for_a_core_is_no_noise_where_it_can_be_told_apart() -> None:
    wall, corrected = (0.01, 0.03, 0.01, 0.03), (0.01,) * 4
    assert too_noisy(measured(seconds=wall)) is not None
    assert too_noisy(measured(seconds=wall, corrected=corrected)) is None


@pytest.mark.parametrize("seconds", [(0.0, 0.0, 0.0)], ids=["no time"])
def test_a_pass_of_no_time_is_no_baseline(seconds: tuple[float, ...]) -> None:
    assert "no corrected time" in (too_noisy(measured(seconds=(0.01,) * 3, corrected=seconds)) or "")
