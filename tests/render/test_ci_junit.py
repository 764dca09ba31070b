"""JUnit: valid by the schema that Jenkins reads it by, the same for the same run, red where the run is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fixed_judgement import HOSTILE_JUDGED, JUDGED, JUDGEMENT
from fixed_quality import HOSTILE_QUALITY, QUALITY_JUDGED
from fixed_run import HOSTILE, RUN
from lxml import etree

from harness.cells import AS_IS, Cell
from harness.render.ci.findings import told_of
from harness.render.ci.junit import junit
from harness.results import FailedTest, Failure, Measurement, Phase, Run, Status, Trouble

SCHEMA = etree.XMLSchema(file=Path(__file__).with_name("schemas") / "junit-10.xsd")
TESTS = (
    FailedTest("suites/test_own.py::TestMine::test_it[a b]", "assert 1 == 2"),
    FailedTest("suites/test_cells.py::test_latency[piper-joe/int4-weight-only/cpu]", "convert: killed"),
    FailedTest(
        "suites/test_gate.py::test_speed[smart-turn-v3/int8-static/cpu]", "smart-turn-v3 int8-static cpu, against main"
    ),
    FailedTest("suites/test_gate.py::test_mine[smart-turn-v3/int8-static/cpu]", "assert 3 > 4"),
    FailedTest("suites/test_broken.py"),
)
RUNS = {
    "plain": RUN,
    "judged": JUDGED,
    "quality": QUALITY_JUDGED,
    "hostile": HOSTILE,
    "hostile judged": HOSTILE_JUDGED,
    "hostile quality": HOSTILE_QUALITY,
    "tests": replace(JUDGED, failed_tests=TESTS),
    "trouble": replace(RUN, finished="2026-11-21T03:00:00+00:00", trouble=Trouble("no \x00 base\nat all")),
    "empty": replace(RUN, planned=(), measurements=()),
}


def root_of(run: Run) -> etree._Element:
    return etree.fromstring(junit(run).encode())


def cases(run: Run) -> dict[tuple[str, str], etree._Element]:
    """The test cases by class and name."""
    return {(case.get("classname"), case.get("name")): case for case in root_of(run).iter("testcase")}


def said(case: etree._Element) -> tuple[str, str]:
    """What became of a test case, and of which type."""
    (child,) = case
    return child.tag, child.get("type") or child.get("message").partition(":")[0]


@pytest.mark.parametrize("name", RUNS)
def test_it_is_valid_by_jenkins_schema_and_counts_what_it_holds(name: str) -> None:
    root = root_of(RUNS[name])
    assert SCHEMA.validate(root), SCHEMA.error_log
    for suite in root:
        found = {tag: len(suite.findall(f"testcase/{tag}")) for tag in ("failure", "error", "skipped")}
        told = (suite.get("tests"), suite.get("failures"), suite.get("errors"), suite.get("skipped"))
        assert told == tuple(
            map(str, (len(suite.findall("testcase")), found["failure"], found["error"], found["skipped"]))
        )


@pytest.mark.parametrize("name", RUNS)
def test_no_two_test_cases_nor_suites_have_one_name_and_the_same_run_gives_the_same_file(name: str) -> None:
    root = root_of(RUNS[name])
    suites = [suite.get("name") for suite in root]
    assert len(suites) == len(set(suites))
    keys = [(case.getparent().get("name"), case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(keys) == len(set(keys))
    assert junit(RUNS[name]) == junit(RUNS[name])


def test_a_suite_is_a_model_a_class_a_cell_and_a_test_case_what_is_said_of_it() -> None:
    root = root_of(JUDGED)
    assert [suite.get("name") for suite in root] == [
        "piper-joe",
        "smart-turn-v3",
        "silero-vad",
        "marian-de",
        "quantgate",
    ]
    (suite,) = [one for one in root if one.get("name") == "smart-turn-v3"]
    assert {(case.get("classname"), case.get("name")) for case in suite.findall("testcase")} == {
        ("smart-turn-v3/fp32/cpu", "measured"),
        ("smart-turn-v3/fp32/cpu", "latency_seconds"),
        ("smart-turn-v3/fp32/cpu", "budget total ≤ 5 ms"),
        ("smart-turn-v3/int8-static/cpu", "measured"),
        ("smart-turn-v3/int8-static/cpu", "latency_seconds"),
        ("smart-turn-v3/int8-static/cpu", "open_seconds"),
    }


@pytest.mark.parametrize(
    ("cell", "name", "kind", "of_type"),
    [
        ("smart-turn-v3/int8-static/cpu", "latency_seconds", "failure", "regression"),
        ("smart-turn-v3/fp32/cpu", "latency_seconds", "skipped", "accepted"),
        ("smart-turn-v3/int8-static/cpu", "open_seconds", "skipped", "suspect"),
        ("piper-joe/int8-dynamic/cpu", "latency_seconds", "skipped", "inconclusive"),
        ("piper-joe/int8-dynamic/cpu", "claim int8-dynamic is ≥ 1.16 × as fast as fp32", "failure", "claim fails"),
        ("smart-turn-v3/fp32/cpu", "budget total ≤ 5 ms", "skipped", "missed"),
        ("piper-joe/fp16/cpu", "measured", "skipped", "unsupported"),
        ("piper-joe/fp16/cpu", "compared", "skipped", "unsupported"),
        ("piper-joe/int4-weight-only/cpu", "measured", "failure", "failed"),
        ("silero-vad/fp32/cpu", "compared", "skipped", "new"),
        ("piper-joe/fp32/cuda", "latency_seconds", "skipped", "not-comparable"),
        ("marian-de/fp32/cpu", "compared", "failure", "missing"),
        ("the run", "measured", "failure", "not measured"),
        ("the run", "ended", "skipped", "failed"),
    ],
)
def test_what_became_of_a_test_case_has_its_type(cell: str, name: str, kind: str, of_type: str) -> None:
    assert said(cases(JUDGED)[cell, name]) == (kind, of_type)


@pytest.mark.parametrize("name", ["latency_seconds", "artifact_bytes", "peak_bytes"])
def test_what_is_unchanged_passes(name: str) -> None:
    assert len(cases(JUDGED)["piper-joe/fp32/cpu", name]) == 0


def test_a_reason_is_the_message_and_the_last_words_stand_below_it() -> None:
    (failure,) = cases(JUDGED)["piper-joe/int4-weight-only/cpu", "measured"]
    assert failure.get("message").startswith("failed in convert: the process was killed by signal 9")
    assert "std::bad_alloc" in failure.text


def test_the_statistics_of_a_verdict_are_properties_that_carry_its_name() -> None:
    found = {one.get("name"): one.get("value") for one in root_of(JUDGED).iter("property")}
    name = "smart-turn-v3/int8-static/cpu latency_seconds"
    # Of fixed_judgement: 6.13 ms before, 12.44 % more, ± 4.36 points, in 13 pairs.
    assert float(found[f"{name} old"]) == 0.00613
    assert float(found[f"{name} ratio"]) == pytest.approx(1.1244)
    assert float(found[f"{name} ratio_low"]) == pytest.approx(1.0808)
    assert float(found[f"{name} ratio_high"]) == pytest.approx(1.168)
    assert (found[f"{name} margin"], found[f"{name} pairs"], found[f"{name} outcome"]) == ("0.03", "13", "regressed")


def test_a_failed_test_is_a_test_case_where_its_cell_does_not_say_so_already() -> None:
    found = cases(RUNS["tests"])
    (suite,) = [one for one in root_of(RUNS["tests"]) if one.get("name") == "tests"]
    assert {(case.get("classname"), case.get("name")) for case in suite.findall("testcase")} == {
        ("suites/test_own.py", "TestMine::test_it[a b]"),
        ("suites/test_gate.py", "test_mine[smart-turn-v3/int8-static/cpu]"),
        ("suites/test_broken.py", "the file"),
    }
    assert said(found["suites/test_own.py", "TestMine::test_it[a b]"]) == ("failure", "test")


@pytest.mark.parametrize(
    ("run", "kind", "of_type"),
    [
        (RUN, "error", "interrupted"),
        (RUNS["trouble"], "error", "not judged"),
        (replace(RUNS["trouble"], trouble=Trouble("what?", is_usage=True)), "error", "usage"),
    ],
    ids=["interrupted", "not judged", "usage"],
)
def test_what_is_no_fault_of_the_models_is_an_error(run: Run, kind: str, of_type: str) -> None:
    assert said(cases(run)["the run", "ended"]) == (kind, of_type)


def test_a_baseline_that_cannot_be_read_is_skipped_with_its_line() -> None:
    (case,) = [case for (where, _), case in cases(JUDGED).items() if where == "baselines"]
    assert said(case) == ("skipped", "unreadable")
    assert "truncated at line 12" in case[0].get("message")


def test_a_run_that_broke_off_before_a_cell_s_turn_does_not_call_it_a_failure() -> None:
    assert said(cases(RUN)["piper-joe/fp16/cuda", "measured"]) == ("skipped", "not measured")


def test_names_that_differ_at_their_end_only_stay_apart() -> None:
    names = ["n" * 5000 + end for end in "ab"]
    measured = tuple(
        Measurement(Cell(name, "fp32", "cpu"), Status.MEASURED, sample=RUN.measurements[0].sample) for name in names
    )
    run = replace(RUN, planned=tuple(one.cell for one in measured), measurements=measured)
    assert len([suite for suite in root_of(run) if suite.get("name").startswith("nnn")]) == 2


def test_two_promises_of_one_name_are_two_test_cases() -> None:
    again = replace(JUDGED, judgement=replace(JUDGEMENT, judged=(JUDGEMENT.judged[0],) * 2))
    names = [name for (_, name) in cases(again) if name.startswith("claim")]
    assert names == [
        "claim int8-static is ≥ 1.16 × as fast as fp32",
        "claim int8-static is ≥ 1.16 × as fast as fp32 (2)",
    ]


def test_a_test_that_a_cell_stands_for_fails_once_and_another_for_itself() -> None:
    name, own = "bench/test_a.py::TestMine::test_it[x[1]]", "bench/test_a.py::test_plain"
    failed = Measurement(Cell(name, AS_IS, "cpu"), Status.FAILED, failure=Failure(Phase.TIMING, "assert 1 == 2"))
    run = replace(
        RUN,
        planned=(failed.cell,),
        measurements=(failed,),
        finished="2026-11-21T03:00:00+00:00",
        failed_tests=(FailedTest(name, "assert 1 == 2"), FailedTest(own, "assert 3 > 4")),
    )
    red = [case.get("name") for case in root_of(run).iter("testcase") if case.find("failure") is not None]
    assert red == ["measured", "measured", "test_plain"]
    assert [one.about for one in told_of(run).findings if isinstance(one.of, FailedTest)] == [own]


@pytest.mark.parametrize(
    ("notes", "came"), [(("interrupted",), ("skipped", "interrupted")), ((), ("failure", "failed"))]
)
def test_the_cell_that_an_interruption_met_is_no_failure_of_its_model(
    notes: tuple[str, ...], came: tuple[str, str]
) -> None:
    failed = next(one for one in RUN.measurements if one.failure is not None)
    run = replace(RUN, finished=None, measurements=(replace(failed, notes=notes),), planned=(failed.cell,))
    assert said(cases(run)[str(failed.cell), "measured"]) == came
