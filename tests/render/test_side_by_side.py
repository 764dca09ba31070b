"""Runs side by side: every cell of every run is there, what differs is said, and nothing is judged."""

import re
from dataclasses import replace
from html import unescape

import pytest
from fixed_judgement import JUDGED
from fixed_run import HOSTILE, RUN
from page_tree import Tree

from harness.cells import Cell
from harness.comparisons import Judgement, Outcome, Verdict
from harness.render.page.side_by_side import MOST_RUNS, Spot, render_side_by_side, side_by_side
from harness.results import Environment, Run, Status
from tests.baselines.made import CELL, FAILED, OTHER, UNSUPPORTED, measured, run


def everything(_: Cell) -> bool:
    return True


def spot(first: Run, second: Run, cell: Cell = CELL) -> Spot | None:
    """What the second run's column says of a cell."""
    view = side_by_side([first, second], everything, "")
    lines = {
        (line.model, line.precision, block.device): line
        for block in view.blocks
        for line in (*block.lines, *block.later)
    }
    return lines[cell.model, cell.precision, cell.device].spots[1]


def slower(factor: float) -> Run:
    return run(measured(seconds=(0.01 * factor,) * 4, latency_seconds=0.01 * factor))


@pytest.mark.parametrize(
    ("factor", "times"), [(1.0, "≈1.0× A"), (1.26, "≈1.3× A"), (2.0, "≈2.0× A"), (0.5, "≈0.5× A"), (0.049, "≈0.05× A")]
)
def test_a_time_stands_beside_that_of_the_first_run_to_a_tenth(factor: float, times: str) -> None:
    found = spot(slower(1), slower(factor))
    assert found is not None
    assert found.times == times


@pytest.mark.parametrize(
    ("second", "times"),
    [
        (run(measured(provenance={"workload_digest": "other"})), "other examples than A"),
        (run(measured(provenance={"reference_digest": "other"})), "another model than A"),
    ],
)
def test_times_of_other_work_have_no_ratio(second: Run, times: str) -> None:
    found = spot(slower(1), second)
    assert found is not None
    assert found.times == times


@pytest.mark.parametrize(("first", "second"), [(run(FAILED), slower(1)), (run(measured(OTHER)), slower(1))])
def test_where_the_first_run_has_no_time_there_is_no_ratio(first: Run, second: Run) -> None:
    found = spot(first, second)
    assert found is not None
    assert found.value.startswith("10.0")
    assert found.times == ""


@pytest.mark.parametrize(
    ("second", "word", "rest"),
    [(run(FAILED), "failed", "failed in "), (run(UNSUPPORTED), "unsupported", "NO_"), (run(measured(OTHER)), None, "")],
)
def test_what_is_missing_is_said_and_never_blank(second: Run, word: str | None, rest: str) -> None:
    found = spot(slower(1), second)
    if word is None:
        assert found is None
        assert "not in this run" in render_side_by_side([slower(1), second])
        return
    assert found is not None
    assert found.word == word
    assert found.rest[0].startswith(rest)


@pytest.mark.parametrize("outcome", [Outcome.REGRESSED, Outcome.IMPROVED, Outcome.UNCHANGED, Outcome.SUSPECT])
def test_a_run_that_was_judged_keeps_its_own_word(outcome: Outcome) -> None:
    verdict = Verdict(CELL, "latency_seconds", outcome, "", "baselines/")
    judged = replace(slower(1), judgement=Judgement(against="baselines/", profile="gate", verdicts=(verdict,)))
    found, alone = spot(slower(1), judged), spot(judged, slower(1))
    assert found is not None
    assert alone is not None
    assert (found.word, alone.word) == (str(outcome), "")


def elsewhere(**facts: object) -> Run:
    """A run whose environment differs from that of `run()` in these facts."""
    identity = {key.removeprefix("machine_"): fact for key, fact in facts.items() if key.startswith("machine_")}
    libraries = {key: fact for key, fact in facts.items() if not key.startswith("machine_")}
    old = slower(1).environment
    new = Environment({**old.identity, **identity}, {**old.libraries, **libraries}, old.info)
    return replace(slower(1), environment=new)


def differing(first: Run, second: Run) -> dict[str, tuple[str, ...]]:
    view = side_by_side([first, second], everything, "")
    return {key: values for one in view.differing for key, values in one.lines}


def test_only_what_differs_is_told_of_the_machine_and_its_libraries() -> None:
    first, second = elsewhere(onnxruntime="1.30.0"), elsewhere(onnxruntime="1.31.1", machine_cpu_model="Other")
    assert differing(first, second) == {
        "cpu model": ("Abacus (family 1)", "Other"),
        "onnxruntime": ("1.30.0", "1.31.1"),
    }
    assert differing(first, first) == {}


def test_a_fact_of_the_machine_that_one_run_lacks_differs_and_one_of_a_library_does_not() -> None:
    first, second = slower(1), elsewhere(machine_gpu_memory="80 GB", torch="2.13.0")
    assert differing(first, second) == {"gpu memory": ("not recorded", "80 GB")}
    assert side_by_side([first, second], everything, "").one_sided == 1


def test_every_fact_is_the_same_or_differs_or_is_of_some_runs_only() -> None:
    first, second = slower(1), elsewhere(machine_cpu_model="Other", torch="2.13.0")
    view = side_by_side([first, second], everything, "")
    told = view.agreeing + view.one_sided + sum(len(one.lines) for one in view.differing)
    environment = second.environment
    assert told == len(environment.identity) + len(environment.libraries) + len(environment.info) + len(second.options)


def test_what_a_run_lacks_is_named_at_the_top() -> None:
    view = side_by_side([run(measured(), measured(OTHER)), slower(1)], everything, "")
    assert [(gap.mark, gap.count, gap.names) for gap in view.gaps] == [("B", 1, ("tone int8-dynamic cpu",))]


@pytest.mark.parametrize("count", [1, MOST_RUNS + 1])
def test_side_by_side_are_two_runs_to_eight(count: int) -> None:
    with pytest.raises(ValueError, match="2 to 8 runs"):
        side_by_side([RUN] * count, everything, "")


def test_every_time_and_peak_of_every_run_is_on_the_page_under_its_run() -> None:
    page = render_side_by_side([RUN, JUDGED, HOSTILE])
    view = side_by_side([RUN, JUDGED, HOSTILE], everything, "")
    rows = [line for block in view.blocks for line in (*block.lines, *block.later)]
    cells = re.findall(r"<tr><th scope=\"row\" id=\"c=.*?</tr>", page, re.DOTALL)
    assert len(cells) == len(rows)
    for row, shown in zip(rows, cells, strict=True):
        columns = shown.split("<td")[1:]
        assert len(columns) == 3
        for one, text in zip(row.spots, columns, strict=True):
            assert (one.value if one else "not in this run") in unescape(text)
    planned = {cell for one in (RUN, JUDGED, HOSTILE) for cell in (*one.planned, *(m.cell for m in one.measurements))}
    assert len(rows) == len(planned)


def test_nothing_from_outside_becomes_markup() -> None:
    page = render_side_by_side([HOSTILE, RUN])
    Tree(page)  # every element that is opened is closed in its order
    for text in ("<script>alert", "<img", "<marquee", "\u202e", "\x1b"):
        assert text not in page
    assert page.count("<script>") == 1


def test_no_verdict_is_made_of_two_runs() -> None:
    page = render_side_by_side([slower(1), slower(9)]).partition("<main>")[2].partition("<script>")[0]
    assert "not judged" in page
    for word in ("regressed", "improved", "unchanged", "slower", "faster"):
        assert word not in page


def many(cells: int) -> Run:
    made = tuple(
        replace(measured(), cell=Cell(f"model-{place}", precision, ("cpu", "cuda", "mps")[place % 3]))
        for place in range(cells // 4)
        for precision in ("fp32", "fp16", "int8-dynamic", "int8-static")
    )
    assert all(one.status is Status.MEASURED for one in made)
    return replace(run(*made), planned=tuple(one.cell for one in made))


@pytest.mark.parametrize("runs", [2, MOST_RUNS])
def test_a_page_of_1200_cells_keeps_its_size_and_its_elements(runs: int) -> None:
    page = render_side_by_side([many(1200)] * runs)
    assert len(page.encode()) <= 1_500_000
    at_load = re.sub(r"<noscript.*?</noscript>", "<noscript>", page, flags=re.DOTALL)
    assert len(re.findall(r"<[a-z]", at_load)) <= 5_000
    assert page.count('scope="row" id="c=') == 1200
