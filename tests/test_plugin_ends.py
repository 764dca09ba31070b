"""Which exit code a pytest run has: its own where it did not come to its end, else that of how the run ended."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness import plugin
from harness.ending import Ending, Word
from harness.errors import HarnessError, RecordUnwritable, UsageProblem
from harness.results import FailedTest
from tests.baselines.made import measured, run

OK, FAILED, INTERRUPTED = pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED
INTERNAL, USAGE, NO_TESTS = (
    pytest.ExitCode.INTERNAL_ERROR,
    pytest.ExitCode.USAGE_ERROR,
    pytest.ExitCode.NO_TESTS_COLLECTED,
)
FINE = replace(run(measured()), finished="2026-11-21T03:00:00+00:00")
PASSED = Ending(Word.PASSED)
NOTHING = Ending(Word.NOTHING_COMPARED)


class State:
    """What the plugin knows of a run, and whether it was told to end it as complete."""

    def __init__(self, ending: Ending | None, problem: HarnessError | None, unwritable: bool, idle: str) -> None:
        self.ending, self.problem, self._unwritable, self.idle = ending, problem, unwritable, idle
        self.complete: bool | None = None
        self.is_told_of_failure = False

    def some_test_failed(self) -> None:
        self.is_told_of_failure = True

    def finish(self, *, complete: bool) -> None:
        self.complete = complete
        if self._unwritable:
            raise HarnessError("no room; make some")


def ended(
    status: int,
    ending: Ending | None = None,
    problem: HarnessError | None = None,
    *,
    unwritable: bool = False,
    idle: str = "",
    collects: bool = False,
) -> tuple[int, State]:
    """The exit code that a pytest run of this status ends with."""
    state = State(ending, problem, unwritable, idle)
    stash = pytest.Stash()
    stash[plugin._SESSION] = cast("Any", state)
    config = SimpleNamespace(stash=stash, option=SimpleNamespace(collectonly=collects))
    session = SimpleNamespace(config=config, exitstatus=status)
    plugin.pytest_sessionfinish(cast("Any", session), status)
    return int(session.exitstatus), state


@pytest.mark.parametrize(
    ("status", "ending", "code"),
    [
        (OK, PASSED, 0),
        (OK, Ending(Word.FAILED), 1),
        (OK, NOTHING, 5),
        (OK, replace(NOTHING, has_gate=False), 0),
        (OK, Ending(Word.NOT_JUDGED), 1),
        (OK, Ending(Word.NOT_JUDGED, is_usage=True), 4),
        (FAILED, Ending(Word.FAILED), 1),
        (INTERRUPTED, Ending(Word.INTERRUPTED), 2),
        (INTERNAL, Ending(Word.INTERRUPTED), 3),
        (USAGE, None, 4),
        (OK, None, 0),
        (FAILED, None, 1),
        (NO_TESTS, None, 5),
    ],
)
def test_a_run_that_came_to_its_end_ends_as_its_record_says_and_any_other_as_pytest_says(status, ending, code) -> None:
    assert ended(status, ending)[0] == code


@pytest.mark.parametrize(
    ("status", "is_complete"), [(OK, True), (FAILED, True), (INTERRUPTED, False), (INTERNAL, False), (USAGE, False)]
)
def test_only_a_run_that_came_to_its_end_is_recorded_as_finished(status: int, is_complete: bool) -> None:
    assert ended(status, PASSED)[1].complete is is_complete


@pytest.mark.parametrize(
    ("problem", "code"),
    [(RecordUnwritable("no room"), 3), (UsageProblem("no such base"), 4), (HarnessError("no worktree"), 1)],
)
def test_a_problem_of_the_run_as_a_whole_has_its_own_code(problem: HarnessError, code: int) -> None:
    assert ended(OK, Ending(Word.NOT_JUDGED), problem)[0] == code


@pytest.mark.parametrize(
    ("status", "collects", "code"), [(OK, False, 5), (FAILED, False, 1), (INTERRUPTED, False, 2), (OK, True, 0)]
)
def test_a_comparison_that_was_asked_for_and_never_began_is_no_pass(status: int, collects: bool, code: int) -> None:
    assert ended(status, idle="no cell was chosen", collects=collects)[0] == code


def test_a_record_that_cannot_be_written_is_an_internal_error_whatever_the_tests_said() -> None:
    assert ended(OK, PASSED, unwritable=True)[0] == 3


def test_a_failure_that_belongs_to_no_test_is_remembered_too() -> None:
    assert ended(FAILED, Ending(Word.FAILED))[1].is_told_of_failure
    assert not ended(OK, PASSED)[1].is_told_of_failure


@pytest.mark.parametrize(
    ("ending", "lines"),
    [
        (Ending(Word.FAILED, ("piper/fp32/cpu latency: slower",)), ["piper/fp32/cpu latency: slower"]),
        (Ending(Word.FAILED, ("1 test failed",)), []),
        (PASSED, []),
        (NOTHING, ["nothing was compared"]),
    ],
    ids=["by a verdict alone", "by a test", "fine", "nothing"],
)
def test_a_run_that_is_red_while_every_test_passed_ends_with_a_red_line(ending: Ending, lines: list[str]) -> None:
    """Pytest's own last line is green then."""
    failed = (FailedTest("test_x"),) if ending.reasons == ("1 test failed",) else ()
    made = replace(FINE, failed_tests=failed)
    state = SimpleNamespace(problem=None, idle="", run=made, ending=ending, show=lambda: None)
    stash = pytest.Stash()
    stash[plugin._SESSION] = cast("Any", state)
    config = SimpleNamespace(stash=stash, option=SimpleNamespace(collectonly=False), pluginmanager=None)
    said: list[str] = []
    reporter = SimpleNamespace(write_line=lambda text, **_: said.append(text))
    plugin.pytest_terminal_summary(cast("Any", reporter), 1, cast("Any", config))
    red = [line for line in said if line.endswith("this run is not green")]
    assert red == [f"quantgate: {line}: this run is not green" for line in lines]
