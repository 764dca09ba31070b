"""What a stage takes, its share, and which one is the bottleneck, in the terminal and on the page."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fixed_run import RUN, measured

from harness.cells import Cell
from harness.comparisons import Answer, Judged
from harness.render.judged_rows import judged_row
from harness.render.look import Look
from harness.render.page.assemble import render_html
from harness.render.rows import rows_of
from harness.render.stages import stages_line, stages_report
from harness.render.terminal import final_report

STAGES = {"tokenise": 0.0001, "translate": 0.062, "transfer": 0.0002, "synthesise": 0.0247}
# of 87.0 ms
LINE = (
    "tokenise 100 µs (0.1 %), translate 62.0 ms (71 %) ← bottleneck, transfer 200 µs (0.2 %), synthesise 24.7 ms (28 %)"
)
CELL = Cell("voice", "fp32", "cpu")
STAGED = replace(RUN, planned=(CELL,), measurements=(replace(measured(CELL, 0.087, 1, 1.0), stages=STAGES),))


def test_a_stage_has_its_time_and_its_share_and_the_slowest_is_called_the_bottleneck() -> None:
    assert stages_line(STAGES) == LINE


@pytest.mark.parametrize("stages", [{}, {"all": 0.1}, {"a": 0.0, "b": 0.0}], ids=["none", "one", "no time"])
def test_what_is_not_divided_has_no_line(stages: dict[str, float]) -> None:
    assert stages_line(stages) == ""


def test_terminal_and_page_say_the_same() -> None:
    assert f"stages\n  voice fp32 cpu\n      {LINE}\n" in final_report(STAGED, Look(160))
    assert f"<bdi>{LINE}</bdi>" in render_html(STAGED)


def test_the_lines_keep_within_the_width() -> None:
    assert max(map(len, stages_report(rows_of(STAGED), Look(60)).splitlines())) <= 60


def test_a_run_without_stages_does_not_speak_of_them() -> None:
    assert "bottleneck" not in final_report(RUN, Look(160)) + render_html(RUN)


@pytest.mark.parametrize(
    ("answer", "value", "said"),
    [
        (Answer.MISSED, 0.082, "translate latency 82.0 ms, target 70.0 ms: missed by 12.0 ms (17 %)"),
        (Answer.MET, 0.0665, "translate latency 66.5 ms, target 70.0 ms: met, 3.50 ms (5 %) to spare"),
    ],
)
def test_a_budget_of_a_stage_says_which_and_by_how_much(answer: Answer, value: float, said: str) -> None:
    judged = Judged("budget", "b", CELL, answer, "", metric="latency_seconds", value=value, target=0.07)
    assert judged_row(replace(judged, stage="translate")).text == said
    assert judged_row(judged).text == said.removeprefix("translate ")
