"""How a run ended, by its record alone: the word, and both exit codes. The table of docs/ci-surfaces.md."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.cells import Cell, Reason
from harness.comparisons import LOST_SUPPORT, Answer, Judged, Judgement, Outcome, Verdict
from harness.ending import Tone, Word, ending_of, unanswered
from harness.results import FailedTest, Failure, Measurement, Phase, Run, Status, Trouble
from tests.samples import CELL, MEASURED, OTHER
from tests.samples import RUN as SAMPLE

LATENCY = "latency_seconds"
CUDA = Cell("tone", "fp32", "cuda")

BROKEN = Measurement(OTHER, Status.FAILED, failure=Failure(Phase.OPEN, "it broke"))
CANNOT = Measurement(OTHER, Status.UNSUPPORTED, reason=Reason.NO_KERNEL, text="no kernel")
NO_DEVICE = Measurement(CUDA, Status.UNSUPPORTED, reason=Reason.NO_DEVICE, text="no such device")

FINE = replace(SAMPLE, planned=(CELL,), measurements=(MEASURED,))
STOPPED = replace(FINE, finished=None, complete=False)
COMPARED = replace(FINE, compares=True)
FAILED_TEST = (FailedTest("suites/test_cells.py::test_mine", "assert False"),)


def said(outcome: Outcome, metric: str | None = LATENCY, **more: Any) -> Verdict:
    return Verdict(CELL, metric, outcome, "as it was", "main", **more)


def judged(*verdicts: Verdict, promises: tuple[Judged, ...] = (), run: Run = COMPARED, **options: Any) -> Run:
    judgement = Judgement("main", "gate", verdicts, judged=promises)
    return replace(run, judgement=judgement, options={**run.options, **options})


def promise(answer: Answer, *, is_fatal: bool) -> Judged:
    return Judged("budget", "quick", CELL, answer, "as it was", is_fatal=is_fatal)


SLOWER = said(Outcome.REGRESSED, is_fatal=True)
SAME = said(Outcome.UNCHANGED)
MISSED = promise(Answer.MISSED, is_fatal=True)

TABLE: dict[str, tuple[Run, Word, int, int]] = {
    # what was measured, where nothing is compared
    "all measured": (FINE, Word.MEASURED, 0, 11),
    "a cell that this machine cannot run": (
        replace(FINE, planned=(CELL, OTHER), measurements=(MEASURED, CANNOT)),
        Word.MEASURED,
        0,
        11,
    ),
    "a cell that broke": (replace(FINE, planned=(CELL, OTHER), measurements=(MEASURED, BROKEN)), Word.FAILED, 1, 1),
    "a cell that broke, without a gate": (
        replace(FINE, planned=(CELL, OTHER), measurements=(MEASURED, BROKEN), options={"has_gate": False}),
        Word.FAILED,
        1,
        1,
    ),
    "a device that gave nothing": (
        replace(FINE, planned=(CELL, CUDA), measurements=(MEASURED, NO_DEVICE)),
        Word.FAILED,
        1,
        1,
    ),
    "a cell that nobody measured": (replace(FINE, planned=(CELL, OTHER)), Word.FAILED, 1, 1),
    "a test that failed": (replace(FINE, failed_tests=FAILED_TEST), Word.FAILED, 1, 1),
    "a test that failed first, with -x": (
        replace(FINE, planned=(CELL, OTHER), failed_tests=FAILED_TEST, complete=False),
        Word.FAILED,
        1,
        1,
    ),
    # what was asked for, and could not be done
    "a comparison that could not be made": (replace(COMPARED, trouble=Trouble("no base")), Word.NOT_JUDGED, 1, 1),
    "a comparison that means nothing": (
        replace(COMPARED, trouble=Trouble("no base", is_usage=True)),
        Word.NOT_JUDGED,
        4,
        1,
    ),
    "a comparison that could not be made, and a test that said so": (
        replace(COMPARED, trouble=Trouble("no base"), failed_tests=FAILED_TEST),
        Word.NOT_JUDGED,
        1,
        1,
    ),
    # an end that came too soon
    "Ctrl-C, or a kill": (STOPPED, Word.INTERRUPTED, 2, 10),
    "Ctrl-C behind a cell that broke": (
        replace(STOPPED, planned=(CELL, OTHER), measurements=(MEASURED, BROKEN)),
        Word.INTERRUPTED,
        2,
        10,
    ),
    "Ctrl-C among pairs of which some show a regression": (judged(SLOWER, run=STOPPED), Word.INTERRUPTED, 2, 10),
    "a disk that was full in the middle": (replace(STOPPED, trouble=Trouble("no space")), Word.INTERRUPTED, 2, 10),
    # what was compared
    "nothing worse": (judged(SAME), Word.PASSED, 0, 0),
    "nothing worse, of some cells": (judged(SAME, replace(said(Outcome.NEW, None), cell=OTHER)), Word.PASSED, 0, 0),
    "a regression": (judged(SLOWER), Word.FAILED, 1, 1),
    "a regression that was accepted": (judged(said(Outcome.REGRESSED, accepted="why")), Word.PASSED, 0, 0),
    "a regression under a profile that lets it pass": (judged(said(Outcome.REGRESSED)), Word.PASSED, 0, 0),
    "a regression without a gate": (judged(said(Outcome.REGRESSED), has_gate=False), Word.UNGATED, 0, 0),
    "undecided": (judged(said(Outcome.INCONCLUSIVE)), Word.UNDECIDED, 0, 10),
    "undecided, and better otherwise": (
        judged(said(Outcome.INCONCLUSIVE), said(Outcome.IMPROVED, "peak_bytes")),
        Word.UNDECIDED,
        0,
        10,
    ),
    "suspect": (judged(said(Outcome.SUSPECT)), Word.UNDECIDED, 0, 10),
    "undecided where it had been decided, in the nightly": (
        judged(said(Outcome.INCONCLUSIVE, is_fatal=True)),
        Word.FAILED,
        1,
        1,
    ),
    "undecided without a gate": (judged(said(Outcome.INCONCLUSIVE), has_gate=False), Word.UNGATED, 0, 0),
    "support that was lost": (
        judged(said(Outcome.UNSUPPORTED, None, differences=(LOST_SUPPORT,), is_fatal=True), SAME),
        Word.FAILED,
        1,
        1,
    ),
    # what was to be compared, and was not
    "only new cells": (judged(said(Outcome.NEW, None)), Word.NOTHING_COMPARED, 5, 11),
    "only another machine's baselines": (judged(said(Outcome.NOT_COMPARABLE)), Word.NOTHING_COMPARED, 5, 11),
    "only new cells, without a gate": (judged(said(Outcome.NEW, None), has_gate=False), Word.NOTHING_COMPARED, 0, 11),
    "no verdict at all": (judged(), Word.NOTHING_COMPARED, 5, 11),
    "no judgement where one was asked for": (COMPARED, Word.NOTHING_COMPARED, 5, 11),
    "no judgement, in a record that does not say that one was asked for, but against what": (
        replace(FINE, options={"against": "main"}),
        Word.NOTHING_COMPARED,
        5,
        11,
    ),
    "only new cells, and a test that failed": (
        replace(judged(said(Outcome.NEW, None)), failed_tests=FAILED_TEST),
        Word.FAILED,
        1,
        1,
    ),
    # what was promised
    "a budget that is missed, and nothing to compare": (judged(promises=(MISSED,), run=FINE), Word.FAILED, 1, 1),
    "a budget that is missed and does not matter": (
        judged(promises=(promise(Answer.MISSED, is_fatal=False),), run=FINE),
        Word.MEASURED,
        0,
        11,
    ),
    "a budget that is met, and nothing to compare": (
        judged(promises=(promise(Answer.MET, is_fatal=False),), run=FINE),
        Word.MEASURED,
        0,
        11,
    ),
    "a budget that is missed beside nothing worse": (judged(SAME, promises=(MISSED,)), Word.FAILED, 1, 1),
    "a budget that is missed, and only new cells": (
        judged(said(Outcome.NEW, None), promises=(MISSED,)),
        Word.FAILED,
        1,
        1,
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_run_has_one_word_and_two_exit_codes(name: str) -> None:
    run, word, pytest_code, command_code = TABLE[name]
    ending = ending_of(run)
    assert (ending.word, ending.pytest_code, ending.command_code) == (word, pytest_code, command_code)


@pytest.mark.parametrize("name", TABLE)
def test_what_is_not_green_says_why_or_its_word_does(name: str) -> None:
    run, word, *_ = TABLE[name]
    ending = ending_of(run)
    assert bool(ending.reasons) >= (word in (Word.FAILED, Word.NOT_JUDGED))
    assert not ending.reasons or ending.tone is not Tone.PASSED


def test_every_word_is_in_the_table() -> None:
    assert {word for _, word, *_ in TABLE.values()} == set(Word)


@pytest.mark.parametrize(
    ("word", "tone"),
    [
        (Word.INTERRUPTED, Tone.UNSURE),
        (Word.NOT_JUDGED, Tone.FAILED),
        (Word.FAILED, Tone.FAILED),
        (Word.NOTHING_COMPARED, Tone.UNSURE),
        (Word.UNDECIDED, Tone.UNSURE),
        (Word.UNGATED, Tone.UNSURE),
        (Word.PASSED, Tone.PASSED),
        (Word.MEASURED, Tone.PASSED),
    ],
)
def test_only_what_is_fine_is_green(word: Word, tone: Tone) -> None:
    assert replace(ending_of(FINE), word=word).tone is tone


def test_the_reasons_of_a_red_run_name_cell_device_and_test() -> None:
    run = replace(
        judged(SLOWER, promises=(MISSED,)),
        planned=(CELL, OTHER, CUDA),
        measurements=(MEASURED, BROKEN, NO_DEVICE),
        failed_tests=(*FAILED_TEST, FailedTest("suites/test_cells.py::test_yours")),
    )
    assert ending_of(run).reasons == (
        "tone/fp32/cpu latency_seconds: regressed: as it was",
        "tone/fp32/cpu budget 'quick': missed: as it was",
        "tone/int8-dynamic/cpu: failed in open: it broke",
        "nothing was measured on cuda",
        "2 tests failed, the first of them suites/test_cells.py::test_mine",
    )


@pytest.mark.parametrize(
    ("planned", "measured", "text"),
    [
        ((CELL,), (MEASURED,), ""),
        ((CELL, OTHER), (MEASURED, CANNOT), ""),
        ((CELL, OTHER), (MEASURED,), "1 of 2 planned cells have no measurement"),
        ((CELL, CUDA), (MEASURED, NO_DEVICE), "nothing was measured on cuda"),
        ((OTHER, CUDA), (BROKEN, NO_DEVICE), "nothing was measured on cpu, cuda"),
        ((), (), "nothing was measured on any device"),
    ],
)
def test_what_was_asked_and_has_no_number_is_named(planned: Any, measured: Any, text: str) -> None:
    assert unanswered(replace(FINE, planned=planned, measurements=measured)) == text
