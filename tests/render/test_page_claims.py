"""The view of claims, budgets and bounds: what is said, where its marks are, and what waits."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from html import unescape

import pytest
from fixed_judgement import HOSTILE_JUDGED, JUDGED, JUDGEMENT
from fixed_promises import BYTES, KEPT, LOST, MET, MISSED, PROMISED, PROMISES, RANGE, ROUGH, SLOWER, SMALL, UNKNOWN
from fixed_run import PLANNED, RUN
from one_view import at_load, elements, markup_of, rows_in, text_of

from harness.cells import Cell
from harness.comparisons import Judged
from harness.render.gate import comparison_of
from harness.render.gate_terminal import gate_report
from harness.render.look import Look
from harness.render.page.context import page_of
from harness.render.page.promise_scale import WIDTH, axis_of, marks_of
from harness.render.page.promises import view
from harness.results import Run

EDGE = 8.0
REACH = WIDTH / 2 - EDGE


def section(run: Run) -> str:
    return markup_of(run, "claims")


def xs(path: str) -> list[float]:
    """Where a path begins, and where each of its horizontal lines ends."""
    return [float(number) for number in re.findall(r"[MH](-?[\d.]+)", path)]


def with_promises(*judged: Judged) -> Run:
    return replace(JUDGED, judgement=replace(JUDGEMENT, judged=judged))


ROWS = rows_in(section(PROMISED))


def row_of(judged: Judged) -> str:
    (found,) = [row for row in ROWS if judged.name in unescape(row)]
    return found


def test_each_promise_has_its_row_and_its_answer() -> None:
    assert len(ROWS) == len(PROMISES)
    for one in PROMISES:
        assert f"{one.answer}" in text_of(row_of(one))
        assert ("fails the gate" in row_of(one)) is one.is_fatal


def test_what_fails_comes_first_and_the_kinds_by_the_worst_of_them() -> None:
    names = [one.name for one in (SLOWER, BYTES, ROUGH, UNKNOWN, RANGE, SMALL, LOST, KEPT, MISSED, MET)]
    assert [next(name for name in names if name in unescape(row)) for row in ROWS] == names


@pytest.mark.parametrize(
    ("judged", "columns"),
    [
        (RANGE, ["1.2 to 1.5", "1.370 × [1.340, 1.400]"]),
        (SLOWER, ["at least 1.16", "0.780 × [0.760, 0.800]"]),
        (SMALL, ["at most 0.3", "0.296 ×"]),
        (ROUGH, ["at least 1.5", "≈ 1.31 × [1.05, 1.64]"]),
        (BYTES, ["at most 19 MB", "19.3 MB"]),
        (MET, ["≤ 150 ms", "41.1 ms", "met, 109 ms (73 %) to spare"]),
        (MISSED, ["≤ 5.00 ms", "8.01 ms", "missed by 3.01 ms (60 %)"]),
        (LOST, ["≤ 0.02", "0.092 [0.051, 0.133]"]),
        (KEPT, ["≤ 0.02", "0.005 [−0.006, 0.015]"]),
    ],
)
def test_what_was_asked_stands_beside_what_was_found(judged: Judged, columns: list[str]) -> None:
    shown = [text_of(cell) for cell in re.findall(r"<td.*?</td>", row_of(judged))]
    assert shown[1 : 1 + min(len(columns), 2)] == columns[:2]
    assert shown[-1] == (columns[2] if len(columns) == 3 else judged.text)


def test_a_promise_without_a_number_says_why_over_the_columns_of_the_numbers() -> None:
    assert text_of(row_of(UNKNOWN)).endswith("at most 0.55 fp16 was not measured")
    assert 'colspan="3"' in row_of(UNKNOWN)
    assert "<svg" not in row_of(UNKNOWN)


def test_a_record_from_before_numbers_were_kept_shows_its_sentences_alone() -> None:
    older = replace(UNKNOWN, target=None, claimed="", is_floor=None)
    markup = section(with_promises(older))
    assert [text_of(head) for head in re.findall(r"<th scope=\"col\".*?</th>", markup)] == [
        *("Answer", "What was promised, of which cell", "What is said"),
    ]
    (row,) = rows_in(markup)
    assert text_of(row).endswith("cpu fp16 was not measured")
    assert "picture" not in text_of(markup)
    (beside,) = [row for row in rows_in(section(with_promises(older, RANGE))) if "not measured" in row]
    assert 'colspan="4"' in beside


CLAIMS = axis_of([RANGE, SLOWER, SMALL, ROUGH, BYTES, UNKNOWN], is_linear=False)
LOSSES = axis_of([LOST, KEPT], is_linear=True)


def test_the_axis_of_claims_is_logarithmic_and_reaches_as_far_as_most_of_them() -> None:
    # The farthest is 1.16 / 0.78 = 1.487 times worse: the next round factor is 1.5.
    assert CLAIMS is not None
    assert (CLAIMS.left, CLAIMS.middle, CLAIMS.right) == ("1.5× worse", "as asked", "1.5× better")
    assert math.exp(CLAIMS.reach) == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("judged", "times_better"),
    [(RANGE, 1.37 / 1.2), (SLOWER, 0.78 / 1.16), (SMALL, 0.3 / 0.296), (ROUGH, 1.31 / 1.5), (BYTES, 19.0 / 19.3)],
)
def test_a_point_lies_as_far_from_the_middle_as_it_is_better(judged: Judged, times_better: float) -> None:
    marks = marks_of(judged, CLAIMS)
    assert marks is not None
    (x,) = xs(marks.point)
    assert x == pytest.approx(WIDTH / 2 + REACH * math.log(times_better) / math.log(1.5), abs=0.06)
    assert (x > WIDTH / 2) is (times_better > 1), "the shaded side keeps the promise"


def test_the_interval_and_the_claimed_range_lie_on_the_same_axis() -> None:
    marks = marks_of(RANGE, CLAIMS)
    assert marks is not None
    assert xs(marks.whisker) == [
        pytest.approx(WIDTH / 2 + REACH * math.log(end / 1.2) / math.log(1.5), abs=0.06) for end in (1.34, 1.40)
    ]
    best = WIDTH / 2 + REACH * math.log(1.5 / 1.2) / math.log(1.5)
    assert xs(marks.claimed) == [WIDTH / 2, pytest.approx(best, abs=0.06), WIDTH / 2], "a box from the target on"


def test_a_loss_lies_on_a_linear_axis_in_shares_of_what_may_be_lost() -> None:
    # 0.092 of 0.02 is 4.6 shares, 3.6 beyond; nine tenths of two losses are both: the axis reaches 5 shares.
    assert LOSSES is not None
    assert (LOSSES.reach, LOSSES.left, LOSSES.right) == (5.0, "6× as much", "gained")
    lost, kept = marks_of(LOST, LOSSES), marks_of(KEPT, LOSSES)
    assert lost is not None
    assert kept is not None
    assert xs(lost.point) == [pytest.approx(WIDTH / 2 - REACH * 3.6 / 5, abs=0.06)]
    assert xs(kept.point) == [pytest.approx(WIDTH / 2 + REACH * 0.75 / 5, abs=0.06)]
    # The interval of the kept one ends at a gain of 0.006: 1.3 shares to the right.
    assert max(xs(kept.whisker)) == pytest.approx(WIDTH / 2 + REACH * 1.3 / 5, abs=0.06)


def test_what_lies_beyond_the_axis_ends_in_an_arrow_at_its_edge() -> None:
    far = replace(RANGE, value=12.0, low=11.0, high=13.0)
    axis = axis_of([far, *[RANGE] * 9], is_linear=False)
    assert axis is not None
    assert math.exp(axis.reach) == pytest.approx(1.25)
    marks = marks_of(far, axis)
    assert marks is not None
    assert marks.point == ""
    assert xs(marks.arrow) == [WIDTH - EDGE]


@pytest.mark.parametrize(
    "judged",
    [
        UNKNOWN,
        replace(RANGE, is_floor=None),
        replace(RANGE, value=math.nan),
        replace(RANGE, value=0.0),
        replace(RANGE, target=0.0),
    ],
)
def test_what_cannot_be_placed_is_not_drawn(judged: Judged) -> None:
    assert marks_of(judged, CLAIMS) is None


def test_the_marks_of_the_page_are_those_of_the_scale() -> None:
    markup = section(PROMISED)
    assert len(re.findall(r'class="point"', markup)) == 9
    assert len(re.findall(r'class="range"', markup)) == 1
    for one, axis in ((RANGE, CLAIMS), (LOST, LOSSES)):
        marks = marks_of(one, axis)
        assert marks is not None
        assert f'class="point" d="{marks.point}"' in row_of(one)


def test_the_counts_are_by_answer() -> None:
    shown = [text_of(chip) for chip in re.findall(r"<li class=\"chip.*?</li>", section(PROMISED))]
    assert shown == ["✕ 3 fails", "✕ 1 missed", "? 2 cannot tell", "✓ 3 holds", "✓ 1 met"]


def test_every_word_of_the_terminal_about_promises_is_on_the_page() -> None:
    comparison = comparison_of(PROMISED)
    assert comparison is not None
    told = " ".join(gate_report(comparison, Look(4000)).split())
    shown = text_of(section(PROMISED))
    for row in comparison.judged:
        text = row.text.rpartition(": ")[2] if row.kind == "budget" else row.text
        for words in (str(row.judged.answer), row.name, text, row.source, row.accepted):
            assert words in told
            assert words in shown


def test_of_claims_about_other_cells_only_their_number_is_told() -> None:
    elsewhere = [replace(RANGE, cell=Cell(f"away-{number}", "int8-static", "cpu")) for number in range(3)]
    markup = section(with_promises(MET, *elsewhere))
    assert "3 more claims are about cells that are not in this run" in text_of(markup).lower()
    assert "away" not in markup
    alone = section(with_promises(*elsewhere))
    assert "3 more claims" in text_of(alone).lower()
    assert rows_in(alone) == []


def test_a_hundred_promises_cost_little_until_they_are_asked_for() -> None:
    many = [replace(RANGE, name=f"claim {number}", cell=PLANNED[number % 3]) for number in range(140)]
    many += [replace(MET, name=f"budget {number}") for number in range(40)]
    markup = section(with_promises(*many))
    assert elements(markup) < 300
    assert len(rows_in(markup)) == 140, "a hundred of a kind"
    assert len(rows_in(at_load(markup))) == 8
    assert "Not listed: 40 holds." in text_of(markup)
    assert len(markup.encode()) < 140 * 1_200
    assert re.findall(r'data-says="([^"]+)"', markup) == ["Show 94 more claims", "Show 38 more budgets"]


def test_a_run_without_promises_has_no_such_view() -> None:
    assert view(page_of(RUN)) is None
    assert view(page_of(with_promises())) is None


def test_hostile_words_show_as_text() -> None:
    markup = section(HOSTILE_JUDGED)
    assert "<script" not in markup
    assert "&lt;script&gt;" in markup
