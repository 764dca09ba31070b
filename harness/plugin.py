"""The pytest plugin: turns the grid into tests, lends each its measurement, and ends with the report.

Holds no threshold and no format: it asks the campaign and hands the run to the printers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from typing import NoReturn

import pytest

from harness.benchmark_bridge import ReplayClock, clock_of, give_clock
from harness.benchmark_gate import BenchmarkGate
from harness.benchmark_session import BenchmarkSession
from harness.cells import Cell
from harness.checks import Absent as Absent  # noqa: PLC0414 - whoever writes tests finds them here
from harness.checks import Promises as Promises  # noqa: PLC0414
from harness.checks import Verdicts as Verdicts  # noqa: PLC0414
from harness.ending import Word, unanswered
from harness.errors import HarnessError, RecordUnwritable, UsageProblem
from harness.options import add_options, quiet_benchmark_table, read_options
from harness.render.ci.annotations import workflow_commands
from harness.render.text import clip, first_line, one_line
from harness.results import Measurement, Status
from harness.session import Session

_SESSION = pytest.StashKey[Session]()
_OF_A_JUDGEMENT = ("verdicts", "promises", "absent_cells")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add Quantgate's options to pytest's."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the options, once, before pytest-benchmark reads its own."""
    try:
        order = read_options(config)
        quiet_benchmark_table(config)
        session = Session(config, order) if order.benchmarks is None else BenchmarkSession(config, order)
        config.stash[_SESSION] = session
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from None
    if isinstance(session, BenchmarkSession):
        config.pluginmanager.register(BenchmarkGate(session), "quantgate-benchmarks")
    config.pluginmanager.register(_Follower(config.stash[_SESSION]), "quantgate-follower")


class _Follower:
    """Hears of every test that ended: the moment to make room for pytest's line, and to read what others measured."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Make room; with pytest-xdist, tell of the cells that its workers have measured."""
        self._session.hide()
        if report.failed:
            self._session.test_failed(report.nodeid, first_line(report.longreprtext))
        if report.when == "teardown":
            self._session.follow()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell a worker of pytest-xdist which folder the run writes to."""
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    node.workerinput["quantgate_folder"] = str(config.stash[_SESSION].folder)  # type: ignore[attr-defined]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object, error: object) -> None:
    """Hear from a worker of pytest-xdist what it could not begin."""
    del error
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    problem = getattr(node, "workeroutput", {}).get("quantgate_problem")
    if problem:
        config.stash[_SESSION].problem = UsageProblem(problem)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test a cell of every test that asks for one."""
    if "cell" in metafunc.fixturenames and not _names_cells_itself(metafunc):
        session = metafunc.config.stash[_SESSION]
        cells = session.cells()
        if "promises" in metafunc.fixturenames:
            cells = session.promised() or cells[:1]
        if "verdicts" in metafunc.fixturenames and not session.compares:
            cells = cells[:1]  # they will be deselected: thousands of them would only make the collection slow
        metafunc.parametrize("cell", cells, ids=[str(cell) for cell in cells], scope="session")


def _names_cells_itself(metafunc: pytest.Metafunc) -> bool:
    """Whether a test is parametrized with cells of its own."""
    named = (mark.args[0] for mark in metafunc.definition.iter_markers("parametrize") if mark.args)
    return any("cell" in (names.replace(",", " ").split() if isinstance(names, str) else names) for names in named)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse a grid that means nothing; prepare what needs its benchmark entry."""
    session = config.stash[_SESSION]
    if session.problem is not None and not session.is_xdist_worker:
        raise pytest.UsageError(str(session.problem))
    if session.problem is not None:
        # Under pytest-xdist an error here would be one of xdist's own: the controller is told, and says it.
        items.clear()
        config.workeroutput["quantgate_problem"] = str(session.problem)  # type: ignore[attr-defined]
    for item in items:
        names = getattr(item, "fixturenames", ())
        if {"measured", *_OF_A_JUDGEMENT} & set(names):
            item.keywords["quantgate"] = True
        if "as_benchmark" in names:
            give_clock(item)
    _put_largest_first(session, items)
    _put_verdicts_last(config, session, items)


def _put_largest_first(session: Session, items: list[pytest.Item]) -> None:
    """Have cells measured by what they took before; tests of no cell stay where they are."""
    if all(_cell_of(item) is None for item in items):
        return  # a project without models must be able to run its tests
    turns = {cell: turn for turn, cell in enumerate(session.in_turn())}
    found = [(place, turns[cell]) for place, item in enumerate(items) if (cell := _cell_of(item)) in turns and cell]
    ordered = [items[place] for place, _ in sorted(found, key=lambda one: one[1])]
    for (place, _), item in zip(found, ordered, strict=True):
        items[place] = item


def _cell_of(item: pytest.Item) -> Cell | None:
    """The cell that a test is about, if it is about one."""
    call = getattr(item, "callspec", None)
    cell = call.params.get("cell") if call else None
    return cell if isinstance(cell, Cell) else None


def _put_verdicts_last(config: pytest.Config, session: Session, items: list[pytest.Item]) -> None:
    """Judge when everything was measured; leave the tests away whose question nobody asked."""
    if not any(map(_asks_of_a_judgement, items)):
        return  # whoever has no models must not be asked what was promised of them
    is_asked = {"verdicts": session.compares, "absent_cells": session.compares, "promises": bool(session.promised())}
    judged, unasked, rest = list[pytest.Item](), list[pytest.Item](), list[pytest.Item]()
    for item in items:
        asks = _asks_of_a_judgement(item)
        (rest if not asks else judged if all(is_asked[name] for name in asks) else unasked).append(item)
    items[:] = [*rest, *judged]
    if unasked:
        config.hook.pytest_deselected(items=unasked)


def _asks_of_a_judgement(item: pytest.Item) -> tuple[str, ...]:
    """Which of our fixtures a test uses that need everything judged; not one of its own that has such a name."""
    own = getattr(item, "callspec", None)
    names, params = getattr(item, "fixturenames", ()), own.params if own else ()
    used = (name for name in _OF_A_JUDGEMENT if name in names and name not in params)
    return tuple(name for name in used if name == "absent_cells" or "cell" in params)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin the run with what is left after every selection."""
    if session.config.option.collectonly:
        return
    chosen = {cell for item in session.items if (cell := _cell_of(item)) is not None}
    # As declared, whatever is measured first: so the tables are read.
    offered = session.config.stash[_SESSION].cells() if chosen else ()
    planned = tuple(dict.fromkeys((*(cell for cell in offered if cell in chosen), *sorted(chosen.difference(offered)))))
    if planned:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and session.config.get_verbosity() <= 0:
            reporter.showfspath = False
        try:
            session.config.stash[_SESSION].begin(planned)
        except HarnessError as error:
            raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """After the tests: compare, where that was asked for and no test has asked for a verdict."""
    result = yield
    state = session.config.stash[_SESSION]
    if not session.shouldstop and not session.shouldfail and not session.config.option.collectonly:
        try:
            state.compare()
        except HarnessError as error:
            state.problem = error
    return result


@pytest.fixture(scope="session")
def _quantgate(pytestconfig: pytest.Config) -> Session:
    return pytestconfig.stash[_SESSION]


def _end(session: Session, error: RecordUnwritable) -> NoReturn:
    """End the run: what is measured from here on would be lost."""
    session.problem = error
    pytest.exit(str(error), returncode=pytest.ExitCode.INTERNAL_ERROR)


@pytest.fixture
def measured(cell: Cell, _quantgate: Session) -> Measurement:
    """The measurement of the test's cell. The first test that asks has the cell measured; the others read it.

    Skips where the machine cannot run the cell, with the reason; fails where measuring failed, without a traceback.
    """
    found, problem = None, ""
    try:
        found = _quantgate.measurement(cell)
    except RecordUnwritable as error:
        _end(_quantgate, error)
    except HarnessError as error:
        problem = str(error)
    if found is None:
        pytest.fail(problem, pytrace=False)
    match found.status:
        case Status.MEASURED:
            return found
        case Status.UNSUPPORTED:
            pytest.skip(f"{found.reason}: {found.text}")
        case Status.FAILED:
            assert found.failure is not None
            pytest.fail(_quantgate.told(found.cell, found.failure), pytrace=False)


@pytest.fixture
def verdicts(cell: Cell, _quantgate: Session) -> Verdicts:
    """What is said of the test's cell, live or against the baselines. The first test that asks has all cells compared.

    Tests that use it run after all others; where nothing is to be compared, they are deselected.
    """
    _have_judged(_quantgate)
    return Verdicts(cell, _quantgate)


@pytest.fixture
def promises(cell: Cell, _quantgate: Session) -> Promises:
    """What was promised of the test's cell: claims, budgets, bounds. A cell of which nothing is has no such test.

    Also where nothing is compared: budgets and bounds need no other side.
    """
    _have_judged(_quantgate)
    return Promises(cell, _quantgate)


@pytest.fixture
def absent_cells(_quantgate: Session) -> Absent:
    """What is said of cells that are stored, and that this run has not. Deselected where nothing is compared."""
    _have_judged(_quantgate)
    return Absent(_quantgate)


def _have_judged(session: Session) -> None:
    """Have all cells judged, once; fail in a line where that cannot be."""
    problem = ""
    try:
        session.judgement()
    except RecordUnwritable as error:
        _end(session, error)
    except HarnessError as error:
        problem = session.untold(error)
    if problem:
        pytest.fail(problem, pytrace=False)


@pytest.fixture
def as_benchmark(measured: Measurement, request: pytest.FixtureRequest) -> Callable[[], None]:
    """Enter the cell's sample into pytest-benchmark, so that its own options work on it."""
    clock: ReplayClock | None = clock_of(request.node)

    def enter() -> None:
        if clock is not None and request.config.pluginmanager.hasplugin("benchmark"):
            clock.replay(request.getfixturevalue("benchmark"), measured)

    return enter


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport, config: pytest.Config) -> tuple[str, str, str] | None:
    """Leave pytest's letters away for tests of cells: each cell has a line of its own."""
    if "quantgate" not in getattr(report, "keywords", ()) or (report.when != "call" and report.outcome == "passed"):
        return None
    quiet = report.passed and config.get_verbosity() <= 0
    return report.outcome, "", "" if quiet else report.outcome.upper()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the record and the report, also of a run that was interrupted."""
    state = session.config.stash[_SESSION]
    try:
        if exitstatus == pytest.ExitCode.TESTS_FAILED:
            state.some_test_failed()
        state.finish(complete=exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED))
    except HarnessError as error:
        state.problem = error
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        return
    ended_by_itself = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if isinstance(state.problem, RecordUnwritable):
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
    elif isinstance(state.problem, UsageProblem):
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
    elif state.ending is not None and ended_by_itself:
        session.exitstatus = state.ending.pytest_code
    elif exitstatus == pytest.ExitCode.OK and state.idle and not session.config.option.collectonly:
        session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """Show the table."""
    state = config.stash[_SESSION]
    said_by_pytest = exitstatus == pytest.ExitCode.USAGE_ERROR and not config.pluginmanager.hasplugin("dsession")
    if state.problem is not None and not said_by_pytest:
        terminalreporter.write_line(f"quantgate: {state.problem}", red=True)
    elif state.idle and not said_by_pytest and not config.option.collectonly:
        terminalreporter.write_line(f"quantgate: {state.idle}", red=True)
    state.show()
    if state.run is not None and state.ending is not None:
        if state.ending.word is Word.NOTHING_COMPARED and state.ending.pytest_code:
            terminalreporter.write_line("quantgate: nothing was compared: this run is not green", red=True)
        silent = unanswered(state.run) if state.run.finished is not None else ""
        # Where no test failed, pytest's last line is green, and the exit code is not.
        alone = state.ending.reasons[:1] if state.ending.word is Word.FAILED and not state.run.failed_tests else ()
        for reason in dict.fromkeys((*alone, *([silent] if silent else []))):
            terminalreporter.write_line(f"quantgate: {clip(one_line(reason), 300)}: this run is not green", red=True)
        for command in workflow_commands(state.run, os.environ):
            terminalreporter.write_line(command)
