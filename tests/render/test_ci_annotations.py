"""Workflow commands: one that sums up and the five worst, read back as GitHub's runner reads them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from fixed_judgement import HOSTILE_JUDGED, JUDGED, JUDGEMENT
from fixed_quality import QUALITY_JUDGED
from fixed_run import HOSTILE, RUN

from harness.render.ci.annotations import workflow_commands
from harness.render.ci.where import page_of_ci
from harness.results import FailedTest, Run, Trouble

GITHUB = {"GITHUB_ACTIONS": "true"}
FINISHED = "2026-11-21T03:02:41.907+00:00"
FINE = tuple(one for one in RUN.measurements if one.failure is None and one.cell.device == "cpu")
GREEN = replace(
    RUN, planned=tuple(one.cell for one in FINE), measurements=FINE, complete=True, finished=FINISHED, judgement=None
)
NOTHING_COMPARED = replace(GREEN, judgement=replace(JUDGEMENT, verdicts=(), judged=()), compares=True)


def read(line: str) -> tuple[str, str, str]:
    """Level, title and message of a command: the form and the escapes of GitHub's runner."""
    found = re.fullmatch(r"::(error|warning|notice) title=([^:,\r\n]*)::([^\r\n]*)", line)
    assert found, line
    message, title = found[3], found[2].replace("%3A", ":").replace("%2C", ",")
    plain = [one.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%") for one in (title, message)]
    return found[1], plain[0], plain[1]


@pytest.mark.parametrize("run", [RUN, JUDGED, QUALITY_JUDGED, HOSTILE, HOSTILE_JUDGED, GREEN, NOTHING_COMPARED])
def test_there_are_never_more_than_six_and_each_is_a_command_of_its_own(run: Run) -> None:
    lines = workflow_commands(run, GITHUB)
    assert 1 <= len(lines) <= 6
    for line in lines:
        _, title, message = read(line)
        assert title
        assert message
        assert len(title) <= 200
        assert len(message) <= 1000


@pytest.mark.parametrize("environ", [{}, {"CI": "true"}, {"GITHUB_ACTIONS": "false"}, {"GITLAB_CI": "true"}])
def test_elsewhere_there_are_none(environ: dict[str, str]) -> None:
    assert workflow_commands(JUDGED, environ) == ()


def test_the_first_sums_up_and_the_five_worst_follow_in_the_words_of_the_rows() -> None:
    first, *worst = map(read, workflow_commands(JUDGED, GITHUB))
    assert first[:2] == ("error", "Quantgate: gate failed")
    assert first[2].startswith("gate failed · compared 5 of 12 cells against origin/main at 1a2b3c4 · 1 failed")
    assert [title for _, title, _ in worst] == [
        "✕ failed: piper-joe int4-weight-only cpu",
        "▲ regressed: smart-turn-v3 int8-static cpu",
        "▲ regressed: piper-joe int8-dynamic cpu",
        "□ missing: marian-de fp32 cpu",
        "✕ fails: piper-joe int8-dynamic cpu",
    ]
    assert "+12.4 % [+8.0, +16.8]" in worst[1][2]
    assert {level for level, *_ in worst} == {"error"}


@pytest.mark.parametrize(
    ("run", "level", "title"),
    [
        (GREEN, "notice", "Quantgate: complete"),
        (RUN, "error", "Quantgate: interrupted"),
        (NOTHING_COMPARED, "error", "Quantgate: nothing was compared"),
        (replace(NOTHING_COMPARED, options={"has_gate": False}), "warning", "Quantgate: nothing was compared"),
        (replace(GREEN, trouble=Trouble("no base")), "error", "Quantgate: not judged"),
        (replace(GREEN, failed_tests=(FailedTest("a::b", "no"),)), "error", "Quantgate: failed"),
    ],
    ids=["green", "interrupted", "nothing compared", "nothing compared, no gate", "trouble", "failed test"],
)
def test_the_level_says_whether_the_exit_code_is_green(run: Run, level: str, title: str) -> None:
    assert read(workflow_commands(run, GITHUB)[0])[:2] == (level, title)


def test_what_does_not_fail_the_run_is_a_warning() -> None:
    verdicts = tuple(replace(one, is_fatal=False) for one in JUDGED.judgement.verdicts if one.metric is not None)
    run = replace(GREEN, judgement=replace(JUDGEMENT, verdicts=verdicts, judged=()), compares=True)
    _, *worst = map(read, workflow_commands(run, GITHUB))
    assert {level for level, *_ in worst} == {"warning"}


def test_no_text_begins_a_command_of_its_own_or_ends_ours() -> None:
    evil = "100 %\r\n::error title=x::y\n%0A::stop-commands::z, a:b"
    run = replace(GREEN, failed_tests=(FailedTest(evil, evil),))
    _, line = workflow_commands(run, GITHUB)
    assert "\n" not in line
    assert "\r" not in line
    level, title, message = read(line)
    assert (level, title) == ("error", "✕ failed test: 100 % ::error title=x::y %0A::stop-commands::z, a:b")
    assert message == "100 % ::error title=x::y %0A::stop-commands::z, a:b"


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({}, ""),
        (
            {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "me/mine", "GITHUB_RUN_ID": "7"},
            "https://github.com/me/mine/actions/runs/7",
        ),
        ({"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "me/mine"}, ""),
        ({"CI_JOB_URL": "https://gitlab.example/me/mine/-/jobs/7"}, "https://gitlab.example/me/mine/-/jobs/7"),
        ({"CI_JOB_URL": "https://a.example/1", "QUANTGATE_REPORT_URL": "https://b.example/2"}, "https://b.example/2"),
        ({"QUANTGATE_REPORT_URL": "https://b.example/2> <img src=x>"}, ""),
        ({"QUANTGATE_REPORT_URL": "javascript:alert(1)"}, ""),
        ({"QUANTGATE_REPORT_URL": "https://b.example/2\n"}, ""),
    ],
)
def test_a_ci_says_where_it_keeps_the_files_and_nothing_else_is_taken_for_an_address(environ, address) -> None:
    assert page_of_ci(environ) == address
