"""A run against stored baselines: what is compared, what is not, and which key says so."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.baselines.accepting import file_run
from harness.baselines.comparing import NO_BASELINE, Shelf, compare_stored, gather, shelf_of
from harness.baselines.files import encode
from harness.baselines.records import baseline_of
from harness.baselines.store import Store
from harness.cells import Cell
from harness.comparisons import Outcome, Verdict
from harness.metrics import METRICS
from harness.results import Condition, Measurement, Run
from tests.baselines.made import CELL, FAILED, IDENTITY, OTHER, UNSUPPORTED, measured, run

RATE = 0.001
COUNTED = ("artifact_bytes", "parameters_count", "weights_covered_fraction")


def margin_of(cell: Cell, metric: str) -> float:
    return METRICS[metric].margin


def stored(folder: Path, *runs: Run) -> Store:
    store = Store(folder)
    for one in runs:
        list(file_run(store, one))
    return store


def compared(new: Run, *olds: Run, folder: Path) -> dict[str | None, Verdict]:
    """The verdicts on the first cell by metric."""
    shelf = gather(stored(folder, *olds), new.planned, new.environment.identity)
    assert not shelf.problems
    return {one.metric: one for one in compare_stored(new, shelf, margin_of, RATE) if one.cell == CELL}


def test_every_stored_metric_is_judged(tmp_path: Path) -> None:
    found = compared(run(measured(), id="run-2", day=2), run(measured()), folder=tmp_path)
    assert set(found) == {
        "latency_seconds",
        "import_seconds",
        "open_seconds",
        "first_inference_seconds",
        "peak_bytes",
        *COUNTED,
    }
    assert all(found[metric].outcome is Outcome.UNCHANGED for metric in COUNTED)


def test_margins_are_asked_for_by_cell_and_metric(tmp_path: Path) -> None:
    store, new = stored(tmp_path, run(measured())), run(measured(artifact_bytes=1_300_000.0), id="run-2")
    shelf = gather(store, new.planned, new.environment.identity)
    asked = compare_stored(new, shelf, lambda cell, metric: 0.1 if metric == "artifact_bytes" else 0.0, RATE)
    [verdict] = [one for one in asked if one.metric == "artifact_bytes"]
    assert verdict.outcome is Outcome.UNCHANGED


@pytest.mark.parametrize("sessions", [1, 2])
def test_one_or_two_sessions_never_say_unchanged_of_a_time(tmp_path: Path, sessions: int) -> None:
    olds = [run(measured(), id=f"run-{day}", day=day) for day in range(1, sessions + 1)]
    found = compared(run(measured(), id="new", day=9), *olds, folder=tmp_path)
    times = [verdict for metric, verdict in found.items() if metric and metric.endswith("_seconds")]
    assert len(times) == 4
    assert {verdict.outcome for verdict in times} == {Outcome.INCONCLUSIVE}


def test_slower_than_one_session_is_suspect_and_names_the_command_that_settles_it(tmp_path: Path) -> None:
    old = run(measured(seconds=(0.010,) * 4), commit="abc123")
    new = run(measured(seconds=(0.012,) * 4), id="run-2", day=2)
    verdict = compared(new, old, folder=tmp_path)["latency_seconds"]
    assert verdict.outcome is Outcome.SUSPECT
    assert verdict.settle == "pytest suites/ --model tone --precision fp32 --device cpu --against abc123"


@pytest.mark.parametrize(
    ("share", "stolen", "when", "outcome"),
    [
        (0.6, 0.0, "during", Outcome.SUSPECT),
        (0.0, 0.2, "during", Outcome.SUSPECT),
        (0.05, 0.005, "during", Outcome.REGRESSED),
        (None, None, "during", Outcome.REGRESSED),
        (0.6, 0.2, "before", Outcome.REGRESSED),
    ],
)
def test_three_times_slower_is_suspect_where_others_used_the_machine_meanwhile(
    tmp_path: Path, share: float | None, stolen: float | None, when: str, outcome: Outcome
) -> None:
    slow = (0.030,) * 4
    busy = Condition(when, other_cpu_fraction=share, steal_fraction=stolen)
    new = replace(measured(seconds=slow, corrected=slow), conditions=(busy,))
    old = measured(corrected=(0.010,) * 4)
    assert compared(run(new, id="run-2", day=2), run(old), folder=tmp_path)["latency_seconds"].outcome is outcome


@pytest.mark.parametrize(
    ("before", "now", "outcome"),
    [
        (1e-3, 1.8e-3, Outcome.SUSPECT),
        (1e-3, 1.1e-3, Outcome.REGRESSED),
        (None, 1.8e-3, Outcome.REGRESSED),
        (1e-3, None, Outcome.REGRESSED),
    ],
)
def test_three_times_slower_is_suspect_where_fixed_work_took_longer_too(
    tmp_path: Path, before: float | None, now: float | None, outcome: Outcome
) -> None:
    slow = (0.030,) * 4
    new = replace(measured(seconds=slow, corrected=slow), conditions=(Condition("during", fixed_work_seconds=now),))
    old = replace(measured(corrected=(0.010,) * 4), conditions=(Condition("during", fixed_work_seconds=before),))
    verdict = compared(run(new, id="run-2", day=2), run(old), folder=tmp_path)["latency_seconds"]
    assert verdict.outcome is outcome
    assert ("1.80 times as long" in verdict.text) == (outcome is Outcome.SUSPECT)


def test_the_newest_session_tells_what_is_counted_and_which_revision_settles(tmp_path: Path) -> None:
    olds = (
        run(measured(artifact_bytes=1_000_000.0), commit="first"),
        run(measured(artifact_bytes=1_234_567.0), id="run-2", day=2, commit="second"),
    )
    found = compared(run(measured(seconds=(0.02,) * 4), id="run-3", day=3), *olds, folder=tmp_path)
    assert found["artifact_bytes"].outcome is Outcome.UNCHANGED
    assert found["latency_seconds"].settle is not None
    assert found["latency_seconds"].settle.endswith("--against second")


def test_a_committed_revision_settles_before_a_newer_one_that_was_not(tmp_path: Path) -> None:
    olds = run(measured(), commit="clean"), run(measured(), id="run-2", day=2, commit="edited", dirty=True)
    new = run(measured(seconds=(0.02,) * 4), id="run-3", day=3)
    settle = compared(new, *olds, folder=tmp_path)["latency_seconds"].settle
    assert settle is not None
    assert settle.endswith("--against clean")


def test_without_a_revision_there_is_no_command_that_would_settle(tmp_path: Path) -> None:
    new = run(measured(seconds=(0.012,) * 4), id="run-2", day=2)
    verdict = compared(new, run(measured(), commit=None), folder=tmp_path)["latency_seconds"]
    assert (verdict.outcome, verdict.settle) == (Outcome.SUSPECT, None)


def test_the_time_without_waiting_is_compared_where_both_have_it(tmp_path: Path) -> None:
    """The wall clock doubled, only because others ran."""
    old = run(measured(seconds=(0.010,) * 4, corrected=(0.010,) * 4))
    new = run(measured(seconds=(0.020,) * 4, corrected=(0.010,) * 4), id="run-2", day=2)
    verdict = compared(new, old, folder=tmp_path)["latency_seconds"]
    assert verdict.ratio == pytest.approx(1.0)
    assert "without waiting for a core" in verdict.text


def test_a_latency_of_longer_audio_is_compared_a_second_of_audio(tmp_path: Path) -> None:
    """Three times the time for three times the audio: alone that would be a regression."""
    examples = {"provenance": {"examples": 2}}
    old = run(measured(corrected=(0.010,) * 4, audio_seconds=2.0, **examples))
    slow = (0.030,) * 4
    new = measured(seconds=slow, corrected=slow, audio_seconds=6.0, **examples)
    verdict = compared(run(new, id="run-2", day=2), old, folder=tmp_path)["latency_seconds"]
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.ratio == pytest.approx(1.0)
    # Two inferences of 10 ms made two seconds of audio.
    assert (verdict.old, verdict.new) == (pytest.approx(0.010), pytest.approx(0.010))
    assert verdict.of == " a second of audio"
    assert "the audio is 200.0 % longer (2.00 → 6.00 s), so it is judged a second of audio" in verdict.text
    assert "work: 2 s of audio → 6 s of audio" in [str(one) for one in verdict.differences]


def test_as_long_audio_is_compared_as_it_is(tmp_path: Path) -> None:
    slow = (0.030,) * 4
    new = measured(seconds=slow, corrected=slow, audio_seconds=2.005)
    old = run(measured(corrected=(0.010,) * 4, audio_seconds=2.0))
    verdict = compared(run(new, id="run-2", day=2), old, folder=tmp_path)["latency_seconds"]
    assert (verdict.outcome, verdict.of, verdict.old) == (Outcome.REGRESSED, "", pytest.approx(0.010))


@pytest.mark.parametrize(("old", "new"), [(None, (0.010,) * 4), ((0.010,) * 4, None)])
def test_else_the_wall_clock_is(tmp_path: Path, old: Any, new: Any) -> None:
    olds = run(measured(corrected=old))
    verdict = compared(run(measured(corrected=new), id="run-2"), olds, folder=tmp_path)["latency_seconds"]
    assert "wall clock" in verdict.text


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"provenance": {"workload_digest": "other"}}, "workload_digest"),
        ({"provenance": {"reference_digest": "other"}}, "reference_digest"),
        ({"provenance": {"size": "full"}}, "size"),
    ],
)
def test_other_weights_or_examples_are_not_comparable_and_the_key_is_named(
    tmp_path: Path, changes: dict[str, Any], key: str
) -> None:
    found = compared(run(measured(**changes), id="run-2"), run(measured()), folder=tmp_path)
    assert list(found) == [None]
    assert found[None].outcome is Outcome.NOT_COMPARABLE
    assert [one.key for one in found[None].differences] == [key]
    assert key in found[None].text


@pytest.mark.parametrize("option", ["low_memory", "single_core"])
def test_another_way_of_measuring_is_not_comparable(tmp_path: Path, option: str) -> None:
    found = compared(run(measured(), id="run-2", options={option: True}), run(measured()), folder=tmp_path)
    assert found[None].outcome is Outcome.NOT_COMPARABLE
    assert [one.key for one in found[None].differences] == [option]


def test_another_machine_is_not_comparable_and_the_nearest_one_says_how(tmp_path: Path) -> None:
    far = run(measured(), identity={"threads": 8, "cpu_model": "Other", "os": "Darwin"})
    near = run(measured(), identity={"threads": 2})
    found = compared(run(measured(), id="run-2"), far, near, folder=tmp_path)
    assert found[None].outcome is Outcome.NOT_COMPARABLE
    assert [str(one) for one in found[None].differences] == ["threads: 2 → 1"]


def test_other_versions_are_compared_and_named(tmp_path: Path) -> None:
    olds = [run(measured(), id=f"run-{n}", day=n, libraries={"onnxruntime": f"1.{n}"}) for n in (28, 29)]
    new = run(measured(), id="new", day=30, libraries={"onnxruntime": "1.31", "torch": "2.13"})
    found = compared(new, *olds, folder=tmp_path)
    assert set(COUNTED) <= set(found)
    for verdict in found.values():
        assert [str(one) for one in verdict.differences] == ["onnxruntime: 1.28 or 1.29 → 1.31"]


def test_another_artifact_of_the_same_weights_is_compared_and_named(tmp_path: Path) -> None:
    new = run(measured(provenance={"artifact_digest": "b" * 64}, artifact_bytes=2_000_000.0), id="run-2")
    verdict = compared(new, run(measured()), folder=tmp_path)["artifact_bytes"]
    assert verdict.outcome is Outcome.REGRESSED
    assert [one.key for one in verdict.differences] == ["artifact_digest"]


def test_what_is_not_stored_yet_is_new(tmp_path: Path) -> None:
    found = compared(run(measured()), folder=tmp_path)
    assert (found[None].outcome, found[None].against) == (Outcome.NEW, NO_BASELINE)


@pytest.mark.parametrize(
    ("now", "outcome", "says"),
    [
        (None, Outcome.MISSING, "was not measured"),
        (FAILED, Outcome.FAILED, "timing: it broke"),
        (UNSUPPORTED, Outcome.UNSUPPORTED, "NO_KERNEL: no kernel for it; on 2030-01-01 it was measured (run run-1)"),
    ],
)
def test_a_stored_cell_that_was_not_measured_is_told_as_what_it_is(
    tmp_path: Path, now: Measurement | None, outcome: Outcome, says: str
) -> None:
    new = run(*([now] if now else []), id="run-2", planned=(CELL,))
    found = compared(new, run(measured()), folder=tmp_path)
    assert found[None].outcome is outcome
    assert says in found[None].text
    assert found[None].against != NO_BASELINE


def test_a_metric_that_one_side_lacks_is_missing_or_new_and_never_the_same(tmp_path: Path) -> None:
    old = run(measured(peak_bytes=None))
    new = run(measured(artifact_bytes=None), id="run-2")
    found = compared(new, old, folder=tmp_path)
    assert found["peak_bytes"].outcome is Outcome.NEW
    assert found["artifact_bytes"].outcome is Outcome.MISSING
    assert "no gauge here" in found["artifact_bytes"].text


def test_a_duration_of_nothing_is_none(tmp_path: Path) -> None:
    found = compared(run(measured(import_seconds=0.0), id="run-2"), run(measured()), folder=tmp_path)
    assert found["import_seconds"].outcome is Outcome.MISSING


def test_a_file_that_cannot_be_read_costs_its_own_cell_only(tmp_path: Path) -> None:
    store = stored(tmp_path, run(measured(), measured(OTHER)))
    store.path(CELL, IDENTITY).write_bytes(b"{")
    new = run(measured(), measured(OTHER), id="run-2")
    shelf = gather(store, new.planned, new.environment.identity)
    [problem] = shelf.problems
    assert "fp32.cpu.json" in problem
    verdicts = compare_stored(new, shelf, margin_of, RATE)
    assert [one.outcome for one in verdicts if one.cell == CELL] == [Outcome.NOT_COMPARABLE]
    assert {one.metric for one in verdicts if one.cell == OTHER} >= set(COUNTED)


_ONE = measured()
_MADE = baseline_of(run(_ONE), _ONE)
assert _MADE is not None
_FILE = encode(_MADE)


@given(st.integers(0, len(_FILE) - 1))
def test_a_file_cut_short_anywhere_never_says_unchanged(tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    store = Store(tmp_path_factory.mktemp("baselines"))
    path = store.path(CELL, IDENTITY)
    path.parent.mkdir(parents=True)
    path.write_bytes(_FILE[:length])
    new = run(measured(), id="run-2")
    shelf = gather(store, new.planned, new.environment.identity)
    assert len(shelf.problems) == 1
    assert [one.outcome for one in compare_stored(new, shelf, margin_of, RATE)] == [Outcome.NOT_COMPARABLE]


# No number has a better side in both directions: what has none is worse either way.
@given(st.sampled_from(["artifact_bytes", "weights_covered_fraction"]), st.integers(1, 10**6), st.integers(1, 10**6))
def test_swapping_the_runs_turns_regressed_into_improved(metric: str, one: int, other: int) -> None:
    a, b = (
        run(measured(**{metric: n / 10**6 if metric in COUNTED[2:] else float(n)}), id=str(n)) for n in (one, other)
    )

    def outcome(old: Run, new: Run) -> Outcome:
        return next(v.outcome for v in compare_stored(new, shelf_of(old), margin_of, RATE) if v.metric == metric)

    swapped = {
        Outcome.REGRESSED: Outcome.IMPROVED,
        Outcome.IMPROVED: Outcome.REGRESSED,
        Outcome.UNCHANGED: Outcome.UNCHANGED,
    }
    assert outcome(b, a) is swapped[outcome(a, b)]
    assert (outcome(a, b) is Outcome.UNCHANGED) == (one == other)


def test_a_cell_that_failed_is_no_baseline_of_a_comparison_of_runs() -> None:
    assert shelf_of(run(FAILED)) == Shelf()
