"""The view of the gate's health: its control, what could have been seen, what was done again, where the time went."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from fixed_judgement import DUELS, HOSTILE_JUDGED, JUDGED, JUDGEMENT, LATENCY, VERDICTS, live
from fixed_run import RUN
from one_view import at_load, elements, markup_of, rows_in, text_of

from harness.cells import Cell
from harness.comparisons import Basis, Duel, Judgement, Outcome, Verdict
from harness.render.gate import comparison_of
from harness.render.gate_terminal import gate_report
from harness.render.look import Look
from harness.render.page.spent import WIDTH, spent_of
from harness.results import Run


def section(run: Run) -> str:
    return markup_of(run, "health")


def cells_of(row: str) -> list[str]:
    return [text_of(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]


def of_table(markup: str, caption: str) -> list[list[str]]:
    """The cells of the body of the table whose caption begins so."""
    tables = re.findall(r"<table.*?</table>", markup, re.DOTALL)
    return [cells_of(row) for table in tables if f"<caption>{caption}" in table for row in rows_in(table)]


SEEN, PARTS, LONGEST = "The smallest change", "Parts", "The cells that took longest"


def test_the_words_about_control_and_error_are_those_of_the_terminal() -> None:
    comparison = comparison_of(JUDGED)
    assert comparison is not None
    assert comparison.control is not None
    terminal, page = " ".join(gate_report(comparison, Look(4000)).split()), text_of(section(JUDGED))
    for words in (comparison.control.text, comparison.error_control):
        assert words in terminal
        assert words in page
    for _, words in comparison.health:
        assert words in page


def test_a_control_that_tripped_is_loud() -> None:
    tripped = replace(JUDGEMENT.controls[0], outcome=Outcome.REGRESSED)
    loud = section(replace(JUDGED, judgement=replace(JUDGEMENT, controls=(tripped,))))
    assert re.search(r'<dd class="loud"><bdi>TRIPPED', loud)
    assert 'class="loud"' not in section(JUDGED)


def test_the_forest_of_the_control_is_drawn() -> None:
    markup = section(JUDGED)
    assert len(re.findall(r'<figure class="forest"', markup)) == 1
    assert "6 pairs of fresh processes" in text_of(markup)
    assert "<figure" not in section(replace(JUDGED, duels=DUELS[:-1]))


def test_the_cells_stand_by_the_smallest_change_that_could_have_been_seen_the_worst_first() -> None:
    rows = of_table(section(JUDGED), SEEN)
    # Half the widths of the intervals, times 1.1: 0.0614, 0.0436, 0.0291, 0.0132 and 0.0111, rounded upwards.
    assert [row[0] for row in rows] == [
        *("piper-joe int8-dynamic cpu", "smart-turn-v3 int8-static cpu", "smart-turn-v3 fp32 cpu"),
        *("piper-joe fp32 cpu", "piper-joe int8-static cpu"),
    ]
    assert [row[1] for row in rows] == ["6.8 %", "4.8 %", "3.3 %", "1.5 %", "1.3 %"]
    assert [row[2] for row in rows] == ["3 %"] * 5
    # 25 pairs and a trial, at 3.1 s a pair.
    assert rows[0][3:] == ["? inconclusive", "26", "1m21s"]


def test_what_was_judged_by_stored_numbers_has_no_pairs() -> None:
    stored = Verdict(Cell("m", "fp32", "cpu"), LATENCY, Outcome.INCONCLUSIVE, "", "b", Basis.STORED, could_see=0.2)
    (row,) = of_table(section(replace(JUDGED, judgement=replace(JUDGEMENT, verdicts=(stored,)))), SEEN)
    assert row == ["m fp32 cpu", "20 %", "– none", "? inconclusive", "stored", "– none"]


def test_what_was_done_again_is_counted() -> None:
    told = text_of(section(JUDGED))
    # Confirmed: 4, 4 and 6 pairs; each of the five duels with pairs had one trial.
    assert "Confirmed 14 pairs of 3 cells in fresh processes" in told
    assert "Tried 5 pairs of 5 cells" in told
    assert "Rebuilt 14 pairs of 3 cells" in told
    live_only = tuple(one for one in VERDICTS if one.basis is not Basis.STORED)
    assert "Measured again" not in text_of(section(replace(JUDGED, judgement=replace(JUDGEMENT, verdicts=live_only))))
    assert "Measured again 6 cells live" in told, "what the baselines could not settle"


def test_memory_that_was_weighed_again_is_told_where_there_was_no_pair() -> None:
    weighed = next(one for one in VERDICTS if one.metric == "peak_bytes")
    run = replace(JUDGED, duels=(), judgement=replace(JUDGEMENT, verdicts=(weighed,)))
    assert "Weighed again 1 cell, in fresh processes" in text_of(section(run))
    assert "Weighed again" not in text_of(section(JUDGED))


@pytest.mark.parametrize(
    ("options", "profile", "said"),
    [
        ({}, "gate", "3m49s of 30m00s (profile gate)"),
        ({}, "nightly", "3m49s of 4h00m (profile nightly)"),
        ({"time_budget_seconds": 600.0}, "gate", "3m49s of 10m00s (--time-budget)"),
        ({}, "a profile of next year", "Spent 3m49s"),
    ],
)
def test_the_time_that_was_used_stands_beside_the_time_there_was(
    options: dict[str, float], profile: str, said: str
) -> None:
    # 74 pairs of 3.1 s.
    run = replace(JUDGED, options={**JUDGED.options, **options}, judgement=replace(JUDGEMENT, profile=profile))
    assert said in text_of(section(run))


def test_what_the_time_left_open_is_named() -> None:
    assert "ended 1 cell before all was decided : piper-joe int8-dynamic cpu" in text_of(section(JUDGED))


def test_the_bar_divides_the_time_as_the_table_says() -> None:
    markup = section(JUDGED)
    rows = of_table(markup, PARTS)
    assert [row[0] for row in rows] == [
        *("Cells by themselves", "Trials of how to measure", "Pairs, first look", "Pairs, confirmation"),
        *("Control", "Everything else"),
    ]
    # 02:55:57.120 to 03:02:41.907 is 404.787 s; of it 5 cells took 9.4 s, 4 took 0.2 s and one 3.1 s by themselves.
    seconds = [5 * 9.4 + 4 * 0.2 + 3.1, 5 * 3.1, 48 * 3.1, 14 * 3.1, 7 * 3.1]
    seconds.append(404.787 - sum(seconds))
    drawn = re.findall(r'<rect class="part-(\w+)" x="([\d.]+)" y="0" width="([\d.]+)"', markup)
    assert [kind for kind, _, _ in drawn] == ["alone", "trial", "first", "second", "control", "rest"]
    for place, (_, x, width) in enumerate(drawn):
        assert float(x) == pytest.approx(sum(seconds[:place]) / 404.787 * WIDTH, abs=0.06)
        assert float(width) == pytest.approx(seconds[place] / 404.787 * WIDTH - 2, abs=0.06)
    assert "The run took 6m45s." in text_of(markup)
    assert [row[3] for row in rows][2] == "37 %", "148.8 of 404.8 s"


@pytest.mark.parametrize(
    ("finished", "said"),
    [
        (None, "the run did not end"),
        ("<i>later</i>", "the run did not end"),
        ("2026-11-21T02:56:07.120+00:00", "The run took 10s, and its parts 4m40s"),
    ],
)
def test_where_the_whole_is_not_known_or_smaller_nothing_is_left_over(finished: str | None, said: str) -> None:
    spent = spent_of(replace(JUDGED, finished=finished))
    assert said in spent.whole
    assert [part.name for part in spent.parts][-1] == "control"
    assert sum(part.seconds for part in spent.parts) == pytest.approx(74 * 3.1 + 5 * 9.4 + 4 * 0.2 + 3.1)


def test_a_part_too_small_to_draw_is_drawn_all_the_same() -> None:
    short = replace(RUN.measurements[1], seconds_spent=0.001)
    spent = spent_of(replace(JUDGED, measurements=(short,)))
    assert spent.parts[0].width == 1.0


def test_the_ten_cells_that_took_longest_are_listed_and_five_of_them_at_once() -> None:
    markup = section(JUDGED)
    rows = of_table(at_load(markup), LONGEST)
    assert len(rows) == 5
    assert rows[0] == ["piper-joe int8-dynamic cpu", "9s", "1m21s"]
    assert rows[1] == ["piper-joe fp32 cpu", "9s", "53s"], "its pairs and those of the control"
    assert len(of_table(markup, "The next longest")) == 5


def test_a_run_that_was_not_judged_says_so_and_where_its_time_went() -> None:
    told = text_of(section(RUN))
    assert "Nothing was judged in this run" in told
    assert "Cells by themselves 10 cells" in told
    for words in ("error control", "Could see", "against itself", "Confirmed"):
        assert words not in told
    empty = text_of(section(replace(RUN, measurements=())))
    assert "No time was recorded." in empty


def test_of_many_cells_few_are_there_when_the_page_opens() -> None:
    cells = [Cell(f"model-{number}", "fp32", "cpu") for number in range(400)]
    verdicts = tuple(live(cell, Outcome.UNCHANGED, "", 0.04, 0.0, 0.01 + n / 1e5) for n, cell in enumerate(cells))
    duels = tuple(Duel(cell, "before", pairs=DUELS[0].pairs) for cell in cells)
    run = replace(JUDGED, duels=(*duels, DUELS[-1]), judgement=Judgement("before", "gate", verdicts))
    markup = section(run)
    assert elements(markup) < 300
    assert len(of_table(at_load(markup), SEEN)) == 12
    assert len(of_table(markup, "The next")) == 60 + 5
    # The 73rd of 400: 1.1 times 0.01 and 327 hundred-thousandths.
    assert "Of 328 more cells the smallest change that would have shown is 1.5 % or less." in text_of(markup)
    assert len(markup.encode()) < 40_000


def test_hostile_words_show_as_text() -> None:
    markup = section(HOSTILE_JUDGED)
    assert "<script" not in markup
    assert "&lt;script&gt;" in markup
    assert "w" * 700 not in markup, "nothing is endless"
    assert "nan" not in text_of(markup).lower().split()
