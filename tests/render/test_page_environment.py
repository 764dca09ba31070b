"""The view of the environment: what differs, what disturbed, and all that was recorded."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from fixed_judgement import HOSTILE_JUDGED, JUDGED, JUDGEMENT, LATENCY, TURN_STATIC
from fixed_run import ENVIRONMENT, HOSTILE, MEASUREMENTS, RUN
from one_view import at_load, elements, markup_of, rows_in, text_of

from harness.cells import Cell
from harness.comparisons import Basis, Difference, Outcome, Verdict
from harness.render.gate import comparison_of
from harness.results import Condition, Measurement, Run, Status

DRIVER = Difference("nvidia_driver", "570.1", "580.2")
WEIGHTS = Difference("weights", "4f2a", "77aa")


def section(run: Run) -> str:
    return markup_of(run, "environment")


def cells_of(row: str) -> list[str]:
    return [text_of(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]


def of_table(markup: str, caption: str) -> list[list[str]]:
    """The cells of the bodies of the tables whose caption begins so."""
    tables = re.findall(r"<table.*?</table>", markup, re.DOTALL)
    return [cells_of(row) for table in tables if f"<caption>{caption}" in table for row in rows_in(table)]


def differing_run(*found: Difference) -> Run:
    verdicts = tuple(replace(one, differences=found) for one in JUDGEMENT.verdicts[:2])
    return replace(JUDGED, judgement=replace(JUDGEMENT, verdicts=verdicts))


def test_what_can_change_a_time_is_on_top() -> None:
    markup = section(differing_run(WEIGHTS, DRIVER))
    assert of_table(markup, "What differs") == [
        ["nvidia driver", "570.1", "580.2", "yes", "1"],
        ["weights", "4f2a", "77aa", "no", "1"],
    ]
    assert markup.index("nvidia driver") < markup.index(">Identity<"), "what differs comes first"


def test_every_difference_of_the_terminal_is_in_the_table() -> None:
    comparison = comparison_of(JUDGED)
    assert comparison is not None
    shown = of_table(section(JUDGED), "What differs")
    assert [f"{key}: {old} → {new}" for key, old, new, *_ in shown] == list(comparison.differences)
    assert len(shown) == 1


def test_where_nothing_differs_that_is_said_and_where_nothing_was_compared_it_is_not() -> None:
    assert "nothing differs but what was compared" in text_of(section(differing_run()))
    assert "differs" not in text_of(section(RUN))


def test_the_verdicts_that_noise_could_not_change_are_told_from_those_it_could() -> None:
    stored = replace(
        JUDGED,
        judgement=replace(
            JUDGEMENT,
            verdicts=tuple(
                replace(one, basis=Basis.STORED, outcome=outcome)
                for one, outcome in zip(
                    [one for one in JUDGEMENT.verdicts if one.metric == LATENCY and one.basis is Basis.LIVE],
                    (Outcome.UNCHANGED, Outcome.REGRESSED, Outcome.SUSPECT, Outcome.UNCHANGED, Outcome.UNCHANGED),
                    strict=True,
                )
            ),
        ),
    )
    told = text_of(section(stored))
    assert "5 of 5 cells were disturbed while timed" in told
    assert "other processes used at most 38 % of the cores" in told
    assert "A verdict on a time of 1 cell rests on such a measurement" in told
    assert "3 cells stayed unchanged in spite of it" in told
    assert "1 cell could not be decided" in told
    assert "take turns" not in told

    live = text_of(section(JUDGED))
    assert "It could not have made a change in the verdicts on 5 cells" in live
    assert "rests on" not in live
    assert "verdict" not in text_of(section(RUN)).replace("No verdict on a time; the figures may be off", "")


def test_a_disturbed_cell_stands_with_how_much_of_what() -> None:
    rows = of_table(section(JUDGED), "Cells that were disturbed")
    assert len(rows) == 5
    assert rows[0][1:3] == ["38 %", "0.1 %"]
    assert rows[0][3] == "– not known", "never nought, and never blank"


@pytest.mark.parametrize(
    ("during", "said"),
    [
        (Condition("during", other_cpu_fraction=0.03, steal_fraction=0.0), "No cell was disturbed while it was timed"),
        (Condition("during", load_1m=1.0), "does not say who else used it"),
        (None, "Nothing was recorded of the machine"),
    ],
)
def test_a_quiet_run_and_one_that_does_not_say_are_told_apart(during: Condition | None, said: str) -> None:
    quiet = tuple(replace(one, conditions=(during,) if during else ()) for one in MEASUREMENTS)
    markup = section(replace(RUN, measurements=quiet))
    assert said in text_of(markup)
    assert of_table(markup, "Cells that were disturbed") == []


def test_every_fact_that_was_recorded_is_shown_and_what_was_not_is_said() -> None:
    told = text_of(section(RUN))
    for words in ("cpu model AMD EPYC 7B13", "threads 1", "torch 2.13.0+cpu", "sample percent 100", "kernel 6.1.0"):
        assert words in told
    assert "Not known: gpu name, gpu memory." in told
    assert "Not found: onnxruntime-gpu." in told
    assert "Not set: engine." in told


def test_a_long_fact_and_the_words_of_a_runtime_are_folded() -> None:
    isa = " ".join(f"avx512_{number}" for number in range(20))
    environment = replace(
        ENVIRONMENT,
        identity={**ENVIRONMENT.identity, "cpu_isa": isa},
        libraries={**ENVIRONMENT.libraries, "torch: torch_blas": "mkl"},
    )
    markup = section(replace(RUN, environment=environment))
    assert re.search(rf"<details[^>]*><summary>cpu isa</summary><p><bdi>{isa}</bdi></p></details>", markup)
    assert "torch: torch blas" not in at_load(markup)
    assert "torch: torch blas mkl" in text_of(markup)


def many_cells(count: int) -> Run:
    """A run of disturbed cells, each judged by what is stored, with many differences."""
    cells = [Cell(f"model-{number}", "fp32", "cpu") for number in range(count)]
    busy = (Condition("during", other_cpu_fraction=0.38, steal_fraction=0.001),)
    found = tuple(Difference(f"library {number}", "1", "2") for number in range(40))
    measured = tuple(
        Measurement(cell, Status.MEASURED, sample=MEASUREMENTS[0].sample, conditions=busy) for cell in cells
    )
    verdicts = tuple(
        Verdict(cell, LATENCY, Outcome.UNCHANGED, "", "before", Basis.STORED, differences=found) for cell in cells
    )
    return replace(JUDGED, planned=tuple(cells), measurements=measured, judgement=replace(JUDGEMENT, verdicts=verdicts))


def test_of_many_disturbed_cells_few_are_there_when_the_page_opens_and_the_rest_is_counted() -> None:
    markup = section(many_cells(300))
    assert elements(markup) < 300
    assert len(of_table(markup, "Cells that were disturbed")) == 48
    assert len(of_table(at_load(markup), "Cells that were disturbed")) == 6
    assert len(of_table(at_load(markup), "What differs")) == 8
    assert "Show the next 42 disturbed cells" in markup
    assert "252 more are not listed" in text_of(markup)


def test_a_cell_of_the_run_is_linked_to() -> None:
    links = re.findall(r'<a href="#([^"]+)">', section(JUDGED))
    assert len(links) == 5
    assert f"c={TURN_STATIC.model}/{TURN_STATIC.precision}/{TURN_STATIC.device}" in links


@pytest.mark.parametrize("run", [HOSTILE, HOSTILE_JUDGED], ids=["hostile", "judged"])
def test_hostile_words_show_as_text(run: Run) -> None:
    markup = section(run)
    assert "<script" not in markup
    assert "<u>" not in markup
    assert "&lt;u&gt;v&lt;/u&gt;" in markup
    assert "\x00" not in markup
