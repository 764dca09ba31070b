from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from fixed_judgement import (
    AGAINST,
    CONTROL,
    FP16,
    FP32,
    HOSTILE_JUDGED,
    JUDGED,
    JUDGEMENT,
    TURN_STATIC,
    VERDICTS,
    live,
)
from fixed_run import RUN
from rich.cells import cell_len

from harness.cells import Cell
from harness.comparisons import Answer, Basis, Judged, Judgement, Outcome, Verdict
from harness.consequences import compared_cells
from harness.render.gate import Comparison, comparison_of
from harness.render.gate_terminal import cell_table, gate_report
from harness.render.judged_rows import ANSWER_GLYPHS
from harness.render.look import Look
from harness.render.terminal import final_report
from harness.render.text import encodable
from harness.render.verdict_rows import GLYPHS, MEANINGS, verdict_row, worst_first
from harness.results import Run

WIDE = Look(140)


def judged(*verdicts: Verdict, **more: object) -> Run:
    """The fixed run with these verdicts alone."""
    values = {"against": AGAINST, "profile": "gate", "verdicts": verdicts}
    fine = tuple(one for one in JUDGED.measurements if one.failure is None and one.cell.device == "cpu")
    planned = tuple(one.cell for one in fine)
    run = replace(JUDGED, measurements=fine, planned=planned)
    return replace(run, judgement=Judgement(**(values | more)), duels=())  # type: ignore[arg-type]


def shown(run: Run = JUDGED) -> Comparison:
    found = comparison_of(run)
    assert found is not None
    return found


UNCHANGED = live(FP32, Outcome.UNCHANGED, "within", 0.04, 0.004, 0.01)
SLOWER = live(FP32, Outcome.REGRESSED, "slower", 0.04, 0.1, 0.01)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_every_outcome_has_a_sign_of_its_own_shape_and_a_meaning(encoding: str) -> None:
    assert set(GLYPHS) == set(Outcome) == set(MEANINGS)
    assert len({encodable(glyph, encoding) for glyph in GLYPHS.values()}) == len(Outcome)
    assert set(ANSWER_GLYPHS) == set(Answer)


def test_a_run_that_was_not_judged_shows_no_gate() -> None:
    assert comparison_of(RUN) is None
    assert "GATE" not in final_report(RUN, WIDE)


def test_the_headline_says_how_much_was_compared_with_what_and_what_came_of_it() -> None:
    headline = shown().headline
    assert headline.coverage == "compared 5 of 12 cells against origin/main at 1a2b3c4"
    assert headline.sentence.startswith(f"gate failed · {headline.coverage} · 1 failed · 3 regressed (1 accepted) · ")
    assert headline.sentence.endswith(" · 1 unchanged · 1 claim fails · 1 budget missed")


@pytest.mark.parametrize(
    ("run", "state"),
    [
        (judged(UNCHANGED), "gate passed"),
        (judged(UNCHANGED, replace(SLOWER, is_fatal=True)), "gate failed"),
        (judged(UNCHANGED, SLOWER), "gate passed"),
        (judged(Verdict(FP32, None, Outcome.NEW, "no baseline", "baselines/")), "nothing was compared"),
        (judged(Verdict(FP32, None, Outcome.NEW, "no baseline", "baselines/", is_fatal=True)), "gate failed"),
        (judged(), "nothing was compared"),
        (replace(judged(UNCHANGED), complete=False, finished=None), "gate interrupted"),
        (judged(UNCHANGED, judged=(Judged("budget", "b", FP32, Answer.MISSED, "", is_fatal=True),)), "gate failed"),
    ],
)
def test_the_state_of_the_gate_follows_what_is_fatal(run: Run, state: str) -> None:
    assert shown(run).headline.state == state
    assert f"═══ {state.upper()}" in gate_report(shown(run), WIDE)


def test_nothing_compared_is_said_in_so_many_words() -> None:
    said = gate_report(shown(judged()), WIDE)
    assert "NOTHING WAS COMPARED: 0 of 8 cells against origin/main at 1a2b3c4" in said
    failed = gate_report(shown(judged(Verdict(FP32, None, Outcome.FAILED, "crash", AGAINST, is_fatal=True))), WIDE)
    assert "GATE FAILED · nothing was compared: 0 of 8 cells" in failed


def test_a_regression_that_does_not_fail_the_gate_says_so() -> None:
    assert "1 regressed (1 not fatal)" in shown(judged(SLOWER)).headline.sentence
    assert "(does not fail the gate)" in gate_report(shown(judged(SLOWER)), WIDE)
    unsupported = Verdict(FP16, None, Outcome.UNSUPPORTED, "NO_KERNEL", AGAINST, is_fatal=True)
    assert "(fails the gate)" in gate_report(shown(judged(unsupported)), WIDE)


def test_the_worst_comes_first() -> None:
    outcomes = [row.outcome for row in worst_first(map(verdict_row, VERDICTS))]
    assert outcomes[:4] == [Outcome.FAILED, Outcome.REGRESSED, Outcome.REGRESSED, Outcome.MISSING]
    assert outcomes[-5:] == [Outcome.IMPROVED, *[Outcome.UNCHANGED] * 4]


def test_of_two_regressions_the_one_of_more_margins_comes_first() -> None:
    small = replace(SLOWER, metric="peak_bytes", ratio=1.05, margin=0.01)
    assert [row.metric for row in worst_first(map(verdict_row, (SLOWER, small)))] == ["peak memory", "latency"]


@pytest.mark.parametrize(
    ("controls", "said", "is_loud"),
    [
        ((CONTROL,), "unchanged within 1.1 % — this machine is fit", False),
        ((replace(CONTROL, outcome=Outcome.REGRESSED, ratio=1.05, low=1.03, high=1.07),), "TRIPPED", True),
        ((replace(CONTROL, outcome=Outcome.INCONCLUSIVE, could_see=0.07),), "could see ≥ 7 % — whether", False),
        ((CONTROL, replace(CONTROL, cell=FP16, outcome=Outcome.IMPROVED)), "piper-joe fp16 cpu improved", True),
        ((), "none was run", False),
    ],
)
def test_the_control_says_whether_the_machine_is_fit(controls: tuple[Verdict, ...], said: str, is_loud: bool) -> None:
    control = shown(judged(UNCHANGED, controls=controls)).control
    assert control is not None
    assert said in control.text
    assert control.is_loud is is_loud


def test_the_control_is_a_matter_of_time_alone() -> None:
    size = Verdict(FP32, "artifact_bytes", Outcome.UNCHANGED, "the same", AGAINST, Basis.EXACT, 5, 5, 1.0)
    control = shown(judged(UNCHANGED, controls=(CONTROL, size))).control
    assert control is not None
    assert control.text == "baseline against itself: unchanged within 1.1 % — this machine is fit"


def test_what_is_called_compared_is_what_the_exit_code_calls_compared() -> None:
    gone = Verdict(FP32, "peak_bytes", Outcome.MISSING, "no reading", AGAINST)
    for verdicts in ((UNCHANGED, gone), (gone,), (UNCHANGED,), VERDICTS):
        run = judged(*verdicts)
        assert run.judgement is not None
        assert shown(run).headline.compared == len(compared_cells(run.judgement))


def test_stored_comparisons_need_no_control() -> None:
    stored = replace(UNCHANGED, basis=Basis.STORED, pairs=0)
    assert shown(judged(stored)).control is None


@pytest.mark.parametrize(
    ("rate", "comparisons", "stage", "said"),
    [
        (0.01, 42, 0.01, "chance of any false alarm in this run ≤ 1 %: 42 comparisons, two stages of 1 % each"),
        (0.01, 1, 0.0002379, "chance of any false alarm in this run ≤ 1 %: 1 comparison, two stages of 0.0238 % each"),
        (0.01, 0, None, "chance of any false alarm in this run ≤ 1 %"),
        (None, 42, 0.01, ""),
        (math.nan, 42, 0.01, ""),
    ],
)
def test_the_chance_of_a_false_alarm_is_said_and_how_it_is_kept(
    rate: float | None, comparisons: int, stage: float | None, said: str
) -> None:
    run = judged(UNCHANGED, error_rate=rate, comparisons=comparisons, stage_rate=stage)
    assert shown(run).error_control == said


def test_what_is_unchanged_is_summed_up_by_the_least_that_is_true_of_all() -> None:
    other = replace(UNCHANGED, cell=FP16, ratio=0.99, low=0.974, high=1.0)
    run = judged(UNCHANGED, other)
    assert shown(run).unchanged == ("latency of 2 cells, each within 2.6 %",)
    assert "· unchanged      latency of 2 cells, each within 2.6 %" in gate_report(shown(run), WIDE)


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict(FP32, "artifact_bytes", Outcome.UNCHANGED, "", "", Basis.EXACT, 5, 5, 1.0, 1.0, 1.0), ", identical"),
        (Verdict(FP32, "peak_bytes", Outcome.UNCHANGED, "", "", Basis.EXACT, 5, 5, 1.002, 0.98), ", within 0.2 %"),
        (Verdict(FP32, "latency_seconds", Outcome.UNCHANGED, "", "", margin=0.05), ", within 5 %"),
        (Verdict(FP32, "latency_seconds", Outcome.UNCHANGED, "", ""), ""),
    ],
)
def test_unchanged_says_no_more_than_is_known(verdict: Verdict, said: str) -> None:
    (line,) = shown(judged(verdict)).unchanged
    assert line.endswith(f" of 1 cell{said}")


@pytest.mark.parametrize("look", [WIDE, Look(80), Look(60), Look(40), Look(80, "ascii")], ids=str)
def test_the_gate_keeps_within_the_width_but_for_commands(look: Look) -> None:
    lines = gate_report(shown(), look).splitlines()
    assert max(cell_len(line) for line in lines if "settle  " not in line) <= look.width
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("width", [140, 80, 60])
def test_the_gate_names_every_verdict_every_settle_command_and_every_answer(width: int) -> None:
    said = " ".join(gate_report(shown(), Look(width)).split())
    rows = [verdict_row(verdict) for verdict in VERDICTS]
    for row in rows:
        if row.outcome is not Outcome.UNCHANGED:
            assert f"{row.glyph} {row.outcome}" in said
            assert row.name in said
            assert row.text in said or row.metric == "p99"
        if row.settle:
            assert f"settle {row.settle}" in said
    assert "inconclusive in passing: p99 of 1 cell" in said
    for one in JUDGEMENT.judged:
        assert one.answer in said
        assert one.name in said
        assert one.text in said
    for line in (*JUDGEMENT.problems, *JUDGEMENT.accepted):
        assert line in said


def test_a_thousand_new_cells_take_few_lines() -> None:
    new = tuple(Verdict(Cell(f"m{i}", "fp32", "cpu"), None, Outcome.NEW, "no baseline yet", "b") for i in range(1000))
    said = gate_report(shown(judged(*new)), WIDE)
    assert "○ new            1000 cells: no baseline yet" in said
    assert "+992 more" in said
    assert len(said.splitlines()) < 10


def test_a_thousand_regressions_are_cut_off_and_the_rest_is_counted() -> None:
    slower = tuple(replace(SLOWER, cell=Cell(f"m{i}", "fp32", "cpu"), is_fatal=True) for i in range(1000))
    said = gate_report(shown(judged(*slower)), WIDE)
    assert said.count("▲ regressed") == 60
    assert "+940 more; the report has them" in said


def test_colour_changes_no_word() -> None:
    painted = gate_report(shown(), Look(140, colour=True))
    assert "\x1b[" in painted
    assert re.sub(r"\x1b\[[\d;]*m", "", painted) == gate_report(shown(), WIDE)


def test_hostile_words_and_odd_numbers_move_nothing() -> None:
    hostile = shown(HOSTILE_JUDGED)
    cells = HOSTILE_JUDGED.judgement.verdicts if HOSTILE_JUDGED.judgement else ()
    for said in (gate_report(hostile, Look(100)), cell_table(cells, Look(100))):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", said)
        assert not re.search(r"\b(nan|inf)\b", said)
        assert "<script>" in said
        assert len(said) < 40_000


def test_a_failing_test_shows_the_cells_metrics_and_what_would_settle_them() -> None:
    said = cell_table(verdict for verdict in VERDICTS if verdict.cell == TURN_STATIC)
    assert said.startswith("smart-turn-v3 int8-static cpu, against origin/main at 1a2b3c4 and baselines/\n")
    assert re.search(r"▲ regressed +latency +6\.13 ms +6\.89 ms +\+12\.4 % \[\+8\.0, \+16\.8\] +3 %", said)
    assert "    cause: waiting for a core" in said
    assert "    settle  pytest suites/ --model smart-turn-v3" in said


def test_what_is_unchanged_is_in_the_table_of_a_cell_and_nowhere_else() -> None:
    said = cell_table((UNCHANGED, SLOWER))
    assert len(re.findall("unchanged", said)) == 1
    assert len(re.findall("regressed", said)) == 2


def test_the_table_of_a_cell_without_verdicts_says_that_nothing_was_compared() -> None:
    assert cell_table(()) == "nothing was compared"


def test_the_health_of_the_gate_counts_pairs_controls_and_seconds() -> None:
    health = dict(shown().health)
    # 10 + 26 + 9 + 9 + 13 pairs of cells with their trials, and 7 of the control; 3.1 s each.
    assert health["measured"] == (
        "74 pairs of processes in 6 comparisons and 1 of control, 14 of them with the model rebuilt,"
        " 6 of them trials of how to measure"
    )
    assert health["spent"] == "3m49s"
    assert health["time budget"] == "ended 1 cell before all was decided"


@pytest.mark.parametrize(("of", "shown_as"), [("", "latency"), (" of whole streams", "latency of whole streams")])
def test_a_time_of_something_else_than_one_inference_says_of_what(of: str, shown_as: str) -> None:
    timed = next(verdict for verdict in VERDICTS if verdict.metric == "latency_seconds")
    assert verdict_row(replace(timed, of=of)).metric == shown_as
