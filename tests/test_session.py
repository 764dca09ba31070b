"""What a session takes from the run of before. How sessions run is shown in tests/plugin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness import journal, session
from harness.comparisons import Judgement, Outcome, Verdict
from harness.conduct.order import Order
from harness.errors import HarnessError
from harness.run_folder import decided_before
from harness.verdict.times import LATENCY
from tests.samples import CELL, OTHER, RUN


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Where a run is kept that could decide one of its cells."""
    verdicts = (
        Verdict(CELL, LATENCY, Outcome.UNCHANGED, "as before", "main"),
        Verdict(OTHER, LATENCY, Outcome.INCONCLUSIVE, "nothing shown", "main"),
    )
    folder = tmp_path / "one"
    folder.mkdir()
    journal.write_run(folder, replace(RUN, judgement=Judgement("main", "gate", verdicts)))
    journal.point_latest(folder)
    return tmp_path


@pytest.mark.parametrize(("profile", "decided"), [("smoke", set()), ("gate", set()), ("nightly", {CELL})])
def test_the_run_of_before_is_asked_what_it_decided_where_undecided_may_fail(
    reports: Path, profile: str, decided: set[object]
) -> None:
    assert decided_before(Order(reports, reports=reports, profile=profile)) == decided


def test_where_no_run_was_before_nothing_was_decided(tmp_path: Path) -> None:
    assert decided_before(Order(tmp_path, reports=tmp_path, profile="nightly")) == frozenset()


def test_a_printer_that_breaks_is_told_in_a_line_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> Path:
        raise ZeroDivisionError("float division by zero")

    monkeypatch.setattr(session, "write_all", breaks)
    with pytest.raises(HarnessError, match=r"the record is kept.*ZeroDivisionError.*`quantgate report .*please report"):
        session.Session._written(cast("Any", SimpleNamespace(folder=tmp_path)), RUN)
