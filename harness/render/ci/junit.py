"""`junit.xml`: a run for whatever reads JUnit: one suite a model, one class a cell, one test case a thing said of it.

Red here is what is red by exit code: where no test case of a cell says why, one of the run itself does. The same run
gives the same file, and a test case keeps its name from run to run, so that a reader can follow it.
"""

from __future__ import annotations

import hashlib
import math
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from harness.comparisons import LOST_SUPPORT, Answer, Outcome
from harness.ending import Word, ending_of, unanswered
from harness.render.ci.findings import Told, told_of, unexplained
from harness.render.judged_rows import JudgedRow
from harness.render.rows import Row, State
from harness.render.text import clip, visible
from harness.render.verdict_rows import VerdictRow
from harness.results import FailedTest, Run

JUNIT_FILE = "junit.xml"

_OF_THE_RUN = "quantgate"
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_GREEN = (Outcome.UNCHANGED, Outcome.IMPROVED)
_KEPT = (Answer.HOLDS, Answer.MET)
_RED = ("failure", "error")
_TEXT_SHOWN = 4_000
_NAME_SHOWN = 400


@dataclass(frozen=True, slots=True)
class _Case:
    """A test case. `kind` is failure, error, skipped, or empty where it passed; `statistics` are its numbers."""

    suite: str
    classname: str
    name: str
    kind: str = ""
    type: str = ""
    message: str = ""
    more: str = ""
    seconds: float = 0.0
    statistics: tuple[tuple[str, float | str | None], ...] = ()


def junit(run: Run) -> str:
    """Return the document."""
    told = told_of(run)
    cases = tuple(_unique(_cases(told)))
    is_told = any(case.kind in _RED for case in cases)
    by_suite: dict[str, list[_Case]] = {}
    for case in (*cases, *_unique([_ended(told, is_told=is_told)])):
        by_suite.setdefault(case.suite, []).append(case)
    root = ET.Element("testsuites")
    for number, (name, of_it) in enumerate(by_suite.items()):
        root.append(_suite(run, number, name, of_it))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _cases(told: Told) -> Iterator[_Case]:
    for row in told.rows:
        yield _measured(row, told.run)
    if told.comparison is not None:
        for rows in told.comparison.cells.values():
            yield from map(_of_verdict, rows)
        yield from map(_of_judged, told.comparison.judged)
        for problem in told.comparison.problems:
            yield _Case(_OF_THE_RUN, "baselines", clip(problem, 200), "skipped", "unreadable", problem)
    silent = unanswered(told.run) if told.run.finished is not None else ""
    yield _Case(_OF_THE_RUN, "the run", "measured", *(("failure", "not measured", silent) if silent else ()))
    yield from map(_of_test, unexplained(told.run))


def _measured(row: Row, run: Run) -> _Case:
    """Whether the cell was measured at all."""
    said = row.problem.line if row.problem else ""
    words = row.problem.last_words if row.problem else ""
    case = _Case(row.cell.model, str(row.cell), "measured", message=said, more=words, seconds=_seconds(row))
    match row.state:
        case State.MEASURED:
            return case
        case State.UNSUPPORTED:
            return _as(case, "skipped", "unsupported")
        case State.FAILED:
            # The cell that an interruption met is no fault of its model: the run's own test case tells of it.
            was_cut_off = run.finished is None and "interrupted" in row.notes
            return _as(case, "skipped", "interrupted") if was_cut_off else _as(case, "failure", "failed")
        case State.NOT_MEASURED:
            # Of an interrupted run the run's own test case is an error; this cell had no turn.
            return _as(case, "skipped" if run.finished is None else "failure", "not measured")


def _of_verdict(row: VerdictRow) -> _Case:
    verdict = row.verdict
    said = "; ".join(filter(None, (row.values, *row.numbers, *row.remarks)))
    case = _Case(
        verdict.cell.model,
        str(verdict.cell),
        verdict.metric or "compared",
        message=said,
        more=f"to settle it: {row.settle}" if row.settle else "",
        statistics=(
            ("outcome", str(row.outcome)),
            ("old", verdict.old),
            ("new", verdict.new),
            ("ratio", verdict.ratio),
            ("ratio_low", verdict.low),
            ("ratio_high", verdict.high),
            ("change", verdict.change),
            ("change_low", verdict.change_low),
            ("change_high", verdict.change_high),
            ("margin", verdict.margin),
            ("could_see", verdict.could_see),
            ("pairs", verdict.pairs or None),
            ("examples", verdict.examples or None),
        ),
    )
    if verdict.is_fatal:
        return _as(case, "failure", _fatal_type(row))
    if row.outcome in _GREEN and not row.accepted:
        return case
    return _as(case, "skipped", "accepted" if row.accepted else str(row.outcome))


def _fatal_type(row: VerdictRow) -> str:
    if row.outcome is Outcome.REGRESSED:
        return "regression"
    return "lost support" if LOST_SUPPORT in row.verdict.differences else str(row.outcome)


def _of_judged(row: JudgedRow) -> _Case:
    judged = row.judged
    case = _Case(
        judged.cell.model,
        str(judged.cell),
        f"{row.kind} {row.name}",
        message=row.text,
        more="\n".join(filter(None, (f"source: {row.source}" if row.source else "", f"accepted: {row.accepted}"))),
        statistics=(
            ("answer", str(judged.answer)),
            ("value", judged.value),
            ("low", judged.low),
            ("high", judged.high),
            ("target", judged.target),
        ),
    )
    if judged.is_fatal:
        return _as(case, "failure", f"{row.kind} {judged.answer}")
    return case if judged.answer in _KEPT else _as(case, "skipped", "accepted" if row.accepted else str(judged.answer))


def _of_test(test: FailedTest) -> _Case:
    """A test that failed for a reason of its own."""
    file, _, name = test.name.partition("::")
    return _Case("tests", file, name or "the file", "failure", "test", test.text)


def _ended(told: Told, *, is_told: bool) -> _Case:
    """How the run as a whole ended. Where test cases say why it failed, it is not counted as one more failure."""
    ending = ending_of(told.run)
    said = "; ".join(told.sentences)
    case = _Case(
        _OF_THE_RUN,
        "the run",
        "ended",
        message=said,
        more="\n".join(ending.reasons),
        statistics=(("word", str(ending.word)), *_of_the_run(told.run)),
    )
    match ending.word:
        case Word.PASSED | Word.MEASURED:
            return case
        case Word.UNDECIDED | Word.UNGATED as word:
            return _as(case, "skipped", str(word))
        case Word.INTERRUPTED:
            return _as(case, "error", "interrupted")
        case Word.NOT_JUDGED:
            return _as(case, "error", "usage" if ending.is_usage else "not judged")
        case Word.NOTHING_COMPARED:
            return _as(case, "failure" if ending.pytest_code else "skipped", "nothing compared")
        case Word.FAILED:
            return _as(case, "skipped" if is_told else "failure", "failed")
        case other:
            assert_never(other)


def _as(case: _Case, kind: str, type_: str) -> _Case:
    return replace(case, kind=kind, type=type_)


def _seconds(row: Row) -> float:
    return row.measurement.seconds_spent if row.measurement else 0.0


def _unique(cases: Iterable[_Case]) -> Iterator[_Case]:
    """Give two test cases of one name a number: readers keep only one of each."""
    seen = Counter[tuple[str, str, str]]()
    for case in cases:
        shown = replace(case, suite=_name(case.suite), classname=_name(case.classname), name=_name(case.name))
        key = (shown.suite, shown.classname, shown.name)
        seen[key] += 1
        yield shown if seen[key] == 1 else replace(shown, name=f"{shown.name} ({seen[key]})")


def _suite(run: Run, number: int, name: str, cases: list[_Case]) -> ET.Element:
    kinds = Counter(case.kind for case in cases)
    suite = ET.Element(
        "testsuite",
        name=name,
        package=name,
        id=str(number),
        timestamp=_timestamp(run.started),
        hostname="localhost",
        tests=str(len(cases)),
        failures=str(kinds["failure"]),
        errors=str(kinds["error"]),
        skipped=str(kinds["skipped"]),
        time=f"{sum(case.seconds for case in cases):.3f}",
    )
    properties = ET.SubElement(suite, "properties")
    for key, value in (pair for case in cases for pair in _properties(case)):
        ET.SubElement(properties, "property", name=key, value=value)
    for case in cases:
        suite.append(_element(case))
    ET.SubElement(suite, "system-out")
    ET.SubElement(suite, "system-err")
    return suite


def _element(case: _Case) -> ET.Element:
    element = ET.Element("testcase", classname=case.classname, name=case.name, time=f"{case.seconds:.3f}")
    if case.kind:
        said = ET.SubElement(element, case.kind)
        if case.kind in _RED:
            said.attrib |= {"type": _clean(case.type), "message": _clean(case.message)}
        else:  # JUnit knows no types of what was skipped
            said.set("message", _clean(f"{case.type}: {case.message}"))
        said.text = _clean(case.more) or None
    return element


def _properties(case: _Case) -> Iterator[tuple[str, str]]:
    """The statistics of a test case. JUnit has a place for them at the suite only, so each carries its case's name."""
    for key, value in case.statistics:
        if isinstance(value, str) or (value is not None and math.isfinite(value)):
            yield f"{case.classname} {case.name} {key}", _clean(str(value))


def _of_the_run(run: Run) -> Iterator[tuple[str, str]]:
    yield "id", run.id
    if run.judgement is not None:
        yield "against", run.judgement.against
        yield "profile", run.judgement.profile


def _timestamp(started: str) -> str:
    """When the run began, as JUnit writes it: without a time zone."""
    try:
        return datetime.fromisoformat(started).strftime("%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return "1970-01-01T00:00:00"


def _name(said: str) -> str:
    """A name as XML can hold it. One that is endless is cut, and keeps apart from others by its digest."""
    shown = " ".join(_clean(said, 10_000).split()) or "without a name"
    if len(shown) <= _NAME_SHOWN:
        return shown
    return f"{shown[:_NAME_SHOWN]}~{hashlib.sha256(said.encode(errors='replace')).hexdigest()[:16]}"


def _clean(said: str, most: int = _TEXT_SHOWN) -> str:
    """A text without what XML forbids, and without what turns the reading direction."""
    return _NO_XML.sub("\ufffd", clip(visible(said), most))
