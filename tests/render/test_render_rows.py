from __future__ import annotations

from dataclasses import replace

import pytest
from fixed_run import HOSTILE, MEASUREMENTS, PLANNED, RUN, measured

from harness.cells import Cell, Reason
from harness.render.figures import COLUMNS, spread
from harness.render.numbers import DASH
from harness.render.rows import Row, State, by_reason, headline_of, rows_of, shown_columns
from harness.results import Reading, Sample

ROWS = rows_of(RUN)


def row(precision: str, model: str = "piper-joe", device: str = "cpu") -> Row:
    return next(row for row in ROWS if row.cell == Cell(model, precision, device))


def test_every_planned_cell_has_a_row_in_the_order_planned() -> None:
    assert tuple(row.cell for row in ROWS) == PLANNED


def test_a_cell_measured_beside_the_plan_is_shown_too() -> None:
    rows = rows_of(replace(RUN, planned=PLANNED[:1]))
    assert len(rows) == len(MEASUREMENTS)


def test_the_headline_counts_each_state() -> None:
    headline = headline_of(RUN, ROWS)
    assert headline.sentence == "interrupted · measured 5 of 11 · 4 unsupported · 1 failed · 1 not measured"


def test_an_empty_run_is_counted_as_nothing_of_nothing() -> None:
    empty = replace(RUN, planned=(), measurements=(), complete=True, finished="2026-11-21T03:02:41+00:00")
    assert headline_of(empty, rows_of(empty)).sentence == "failed · measured 0 of 0"


def test_the_speed_is_the_reference_median_divided_by_the_own() -> None:
    slow, fast = measured(Cell("m", "fp32", "cpu"), 0.04, 1, 1.0), measured(Cell("m", "int8", "cpu"), 0.05, 1, 1.0)
    run = replace(RUN, planned=(), measurements=(fast, slow))
    figure = rows_of(run)[0].figures["speed"]
    assert figure.text == "≈0.8×"
    assert "unpaired" in figure.note


def test_the_reference_itself_is_named_as_such() -> None:
    assert row("fp32").figures["speed"].text == "ref"


def test_fp32_of_another_device_is_named_as_such() -> None:
    other = measured(Cell("m", "int8", "cpu"), 0.05, 1, 1.0)
    run = replace(RUN, planned=(), measurements=(other, measured(Cell("m", "fp32", "cuda"), 0.04, 1, 1.0)))
    figure = rows_of(run)[0].figures["speed"]
    assert str(figure) == "≈0.8× of cuda fp32"
    assert figure.note.startswith("across devices: fp32 was measured on cuda and this on cpu; unpaired")


def test_fp32_of_the_own_device_is_taken_before_that_of_another() -> None:
    times = {("fp32", "cuda"): 0.01, ("fp32", "cpu"): 0.10, ("int8", "cpu"): 0.05}
    cells = tuple(measured(Cell("m", *where), seconds, 1, 1.0) for where, seconds in times.items())
    assert str(rows_of(replace(RUN, planned=(), measurements=cells))[2].figures["speed"]) == "≈2.0×"


def test_an_fp32_of_another_model_or_without_a_result_is_no_reference() -> None:
    other = measured(Cell("m", "int8", "cpu"), 0.05, 1, 1.0)
    failed = replace(MEASUREMENTS[4], cell=Cell("m", "fp32", "cuda"))
    stranger = measured(Cell("n", "fp32", "cuda"), 0.04, 1, 1.0)
    figure = rows_of(replace(RUN, planned=(), measurements=(other, failed, stranger)))[0].figures["speed"]
    assert (figure.text, figure.why) == (DASH, "fp32 of this model was not measured")


def test_other_examples_make_no_ratio() -> None:
    reference, other = (
        measured(Cell("m", "fp32", "cpu"), 0.04, 1, 1.0),
        measured(Cell("m", "int8", "cpu"), 0.05, 1, 1.0),
    )
    assert other.provenance is not None
    other = replace(other, provenance=replace(other.provenance, workload_digest="other"))
    run = replace(RUN, planned=(), measurements=(reference, other))
    assert rows_of(run)[1].figures["speed"].why == "fp32 was measured on other examples"


def test_a_failed_reference_is_named_as_the_reason() -> None:
    failed = replace(MEASUREMENTS[4], cell=Cell("m", "fp32", "cpu"))
    run = replace(RUN, planned=(), measurements=(failed, measured(Cell("m", "int8", "cpu"), 0.05, 1, 1.0)))
    assert "failed in convert" in rows_of(run)[1].figures["speed"].why


def test_loading_is_the_sum_of_import_session_and_first_inference() -> None:
    assert row("fp32").figures["load"].value == pytest.approx(0.183 + 0.31 + 0.0412 * 1.9)


def test_a_missing_part_of_loading_is_named() -> None:
    whole = measured(Cell("m", "fp32", "cpu"), 0.04, 1, 1.0)
    readings = tuple(
        Reading("open_seconds", unavailable="the clock broke") if reading.metric == "open_seconds" else reading
        for reading in whole.readings
    )
    figure = rows_of(replace(RUN, planned=(), measurements=(replace(whole, readings=readings),)))[0].figures["load"]
    assert (figure.text, figure.value, figure.why) == (DASH, None, "open: the clock broke")


def test_the_size_stands_beside_its_share_of_the_reference() -> None:
    assert str(row("int8-dynamic").figures["size"]) == "18.7 MB 30 %"


def test_a_measured_zero_is_no_gap() -> None:
    nothing = measured(Cell("m", "fp32", "cpu"), 0.04, 1, 0.0)
    figure = rows_of(replace(RUN, planned=(), measurements=(nothing,)))[0].figures["covered"]
    assert (figure.text, figure.why) == ("0 %", "")


def test_every_dash_has_a_reason_and_every_reason_a_dash() -> None:
    figures = [figure for row in ROWS for figure in row.figures.values()]
    assert any(figure.why for figure in figures)
    for figure in figures:
        assert (figure.text == DASH) == bool(figure.why)
        assert figure.text.strip()


def test_a_row_has_either_all_figures_or_a_problem() -> None:
    for one in ROWS:
        assert bool(one.problem) != bool(one.figures)
        assert set(one.figures) in (set(), {column.key for column in COLUMNS})


def test_the_real_time_factor_is_a_column_only_where_there_is_audio() -> None:
    quiet = replace(RUN, planned=(), measurements=(measured(Cell("m", "fp32", "cpu"), 0.1, 1, 1.0, audio=False),))
    assert "rtf" in {column.key for column in shown_columns(ROWS)}
    assert "rtf" not in {column.key for column in shown_columns(rows_of(quiet))}


def test_the_spread_is_that_of_whole_passes() -> None:
    # Two passes of means 1 and e: the logs are 0 and 1, sd √½, half width t(0.975; 1)·√½/√2 = 12.706/2.
    sample = Sample(("a", "b") * 2, (0.5, 1.5, 0.5 * 2.718281828459045, 1.5 * 2.718281828459045), passes=2)
    assert spread(sample) == pytest.approx(573.2, rel=1e-3)


def test_one_pass_says_nothing_about_spread() -> None:
    assert spread(Sample(("a", "b"), (1.0, 2.0))) is None
    assert row("fp32", "smart-turn-v3").figures["latency"].aside == "one pass"


def test_the_anchor_of_an_ordinary_cell_can_be_typed() -> None:
    assert row("fp16", device="cuda").anchor == "c=piper-joe/fp16/cuda"


def test_anchors_are_short_unique_and_plain_whatever_the_names() -> None:
    anchors = [one.anchor for one in rows_of(HOSTILE)]
    assert len(set(anchors)) == len(anchors)
    for anchor in anchors:
        assert len(anchor) <= 200
        assert anchor.isascii()
        assert not set(anchor) & set(" <>\"'&")


def test_cells_that_share_a_reason_are_told_together() -> None:
    found = by_reason(ROWS, State.UNSUPPORTED)
    together = found[f"{Reason.NO_PACKAGE}: silero-vad is not installed; pip install quantgate[voice]"]
    assert [one.cell.precision for one in together] == ["fp32", "fp16"]
    assert sum(map(len, found.values())) == 4
