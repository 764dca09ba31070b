from __future__ import annotations

import re
from dataclasses import replace

import pytest
from fixed_run import ENVIRONMENT, HOSTILE, PLANNED, RUN, failed, measured
from rich.cells import cell_len

from harness.cells import Cell
from harness.render.figures import UNPAIRED
from harness.render.head import head
from harness.render.look import Look
from harness.render.rows import rows_of
from harness.render.terminal import cell_line, final_report, table
from harness.results import Condition, Environment, Phase

WIDE, NARROW = Look(160), Look(60)
ROWS = rows_of(RUN)


@pytest.mark.parametrize("look", [WIDE, Look(100), Look(80), NARROW], ids=lambda look: str(look.width))
def test_the_table_keeps_within_the_width(look: Look) -> None:
    assert max(cell_len(line) for line in table(ROWS, look).splitlines()) <= look.width


@pytest.mark.parametrize("look", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_cell_is_in_the_table(look: Look) -> None:
    shown = table(ROWS, look)
    for model in ("piper-joe", "smart-turn-v3", "silero-vad"):
        planned = sum(cell.model == model for cell in PLANNED)
        assert len(re.findall(rf"^{model} ", shown, re.MULTILINE)) == planned


def test_columns_that_do_not_fit_are_named() -> None:
    assert "too narrow for: " in table(ROWS, NARROW)
    assert "too narrow" not in table(ROWS, WIDE)


def test_each_dash_of_a_measured_cell_leads_to_its_reason() -> None:
    shown = table(ROWS, WIDE)
    marks = set(re.findall(r"– \[(\d+)\]", shown))
    assert marks == set(re.findall(r"^\[(\d+)\] ", shown, re.MULTILINE)) == {"1", "2"}
    assert "[2] no audio in this model" in shown


def test_a_ratio_is_never_shown_without_its_warning() -> None:
    assert f"≈ {UNPAIRED}" in table(ROWS, WIDE)
    alone = rows_of(replace(RUN, planned=(), measurements=(measured(Cell("m", "fp32", "cpu"), 0.1, 1, 1.0),)))
    assert "≈" not in table(alone, WIDE)


def test_the_end_names_every_cell_without_numbers_and_how_to_run_it_again() -> None:
    said = final_report(RUN, WIDE)
    assert "NO_KERNEL: ConvTranspose(float16) has no kernel in CPUExecutionProvider" in said
    assert "failed in convert: the process was killed by signal 9" in said
    assert "| terminate called after throwing an instance of 'std::bad_alloc'" in said
    assert "rerun  pytest suites/ --model piper-joe --precision int4-weight-only --device cpu" in said
    assert "interrupted: the run ended before its turn" in said


def test_the_headline_says_how_the_run_ended() -> None:
    assert "═══ INTERRUPTED · measured 5 of 11 ·" in final_report(RUN, WIDE)
    ended = replace(RUN, complete=True, finished="2026-11-21T03:02:41+00:00")
    assert "═══ FAILED · measured 5 of 11 ·" in final_report(ended, WIDE)


def test_a_run_without_cells_says_so() -> None:
    assert final_report(replace(RUN, planned=(), measurements=()), WIDE) == "═══ INTERRUPTED · measured 0 of 0 ═══"


def test_a_thousand_cells_that_share_a_reason_take_few_lines() -> None:
    planned = tuple(Cell(f"m{i}", "fp32", "cpu") for i in range(1000))
    said = final_report(replace(RUN, planned=planned, measurements=()), WIDE)
    listed = said[said.index("◌ not measured\n") :]
    assert len(listed.splitlines()) < 5
    assert "+992 more" in listed


def test_cells_set_beside_fp32_of_another_device_stand_in_one_table_with_it() -> None:
    cells = {("fp32", "cuda"): 0.04, ("int8-dynamic", "cpu"): 0.05}
    run = replace(
        RUN,
        planned=(),
        measurements=tuple(measured(Cell("m", *where), seconds, 1, 1.0) for where, seconds in cells.items()),
    )
    head, _, fp32, int8, *_ = table(rows_of(run), WIDE).splitlines()
    assert head.split()[:4] == ["all", "devices", "precision,", "on"]
    assert re.match(r"m +fp32 cuda +.* ref ", fp32)
    assert re.match(r"m +int8-dynamic cpu +.* ≈0\.8× of cuda fp32 ", int8)


def test_a_poor_encoding_still_lines_up() -> None:
    shown = table(ROWS, Look(160, "ascii"))
    assert shown.isascii()
    rule = next(line for line in shown.splitlines() if line.startswith("---"))
    for line in shown.split("\n\n")[0].splitlines():
        assert len(line) == len(rule)


def test_colour_changes_no_word_and_no_width() -> None:
    painted = final_report(RUN, Look(160, colour=True))
    assert painted != final_report(RUN, WIDE)
    assert re.sub(r"\x1b\[[\d;]*m", "", painted) == final_report(RUN, WIDE)


def test_hostile_text_moves_nothing() -> None:
    said = final_report(HOSTILE, Look(100, colour=False))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", said)
    assert "<script>" in said
    assert len(said) < 6000


def test_the_line_of_a_measured_cell_says_place_name_and_time() -> None:
    line, _ = cell_line(ROWS[2], 12, WIDE, eta="eta 6m05s").splitlines()
    assert line.startswith("  3/12 piper-joe int8-dynamic cpu  ")
    assert re.search(r"\d ms ±\d.* ≈0\.\d× fp32 +peak 272 MB +eta 6m05s$", line)


def test_the_line_of_an_unsupported_cell_says_why() -> None:
    line = cell_line(ROWS[1], 12, WIDE)
    assert line.endswith("∅ unsupported: NO_KERNEL: ConvTranspose(float16) has no kernel in CPUExecutionProvider")


def test_a_line_never_runs_over_the_width_and_never_breaks() -> None:
    long = failed(Cell("m" * 300, "fp32", "cpu"), Phase.OPEN, "first\nsecond " + "word " * 300)
    row = rows_of(replace(RUN, planned=(), measurements=(long,)))[0]
    (line,) = cell_line(row, 12, NARROW, eta="eta 6m05s").splitlines()
    assert cell_len(line) <= 60


def test_notes_follow_their_cell() -> None:
    assert cell_line(ROWS[3], 12, WIDE).splitlines()[1] == "      ! no steady state within 40 warm-up inferences"


def test_the_head_says_machine_libraries_and_plan() -> None:
    host, env, plan = head(ENVIRONMENT, 12, 400, WIDE).splitlines()
    assert host == "host     AMD EPYC 7B13 · avx avx2 f16c fma sse4_2 · 2 usable cores · 1 thread · Linux · x86_64"
    assert env == "env      python CPython 3.11.2 · torch 2.13.0+cpu · onnxruntime 1.31.1"
    assert plan == "plan     12 cells, about 6m40s"


def test_the_head_says_what_auto_means_on_each_device() -> None:
    said = head(ENVIRONMENT, 12, 400, WIDE, auto=["on cpu means bf16: AMX-bf16", "on mps means fp16: it does"])
    assert said.splitlines()[3:] == [
        "auto     on cpu means bf16: AMX-bf16",
        "auto     on mps means fp16: it does",
    ]


def test_an_unknown_machine_is_said_to_be_unknown() -> None:
    assert head(Environment(), 1, None, WIDE).splitlines() == [
        "host     not recorded",
        "env      not recorded",
        "plan     1 cell",
    ]


@pytest.mark.parametrize(
    ("during", "said"),
    [
        (
            {"other_cpu_fraction": 0.38},
            "! other processes used 38% of the cores meanwhile: measure again in quiet, or use --against",
        ),
        ({"steal_fraction": 0.07}, "! the host took 7% of the cores meanwhile: "),
        ({"other_cpu_fraction": 0.02}, ""),
        ({}, ""),
    ],
)
def test_who_else_used_the_machine_is_told_with_the_cell_where_it_matters(during: dict[str, float], said: str) -> None:
    quiet = next(row for row in ROWS if row.measurement is not None and row.figures)
    told = replace(quiet.measurement, conditions=(Condition("during", **during),))
    line = cell_line(replace(quiet, measurement=told, notes=()), 12, WIDE)
    assert (said in line) if said else ("!" not in line)
