"""The plugin's part for `--gate-benchmarks`: hears of tests that use pytest-benchmark's fixture, and what they told.

Registered for such runs only. Holds no threshold and no format.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest

from harness.benchmark_session import BenchmarkSession
from harness.benchmarks.live import Selection
from harness.benchmarks.own import Told
from harness.errors import HarnessError
from harness.probes.condition import Sampler
from harness.render.text import first_line

FIXTURE = "benchmark"


class BenchmarkGate:
    """Follows one pytest session."""

    def __init__(self, session: BenchmarkSession) -> None:
        self._session = session
        self._found: set[str] = set()
        self._told: dict[str, Told] = {}
        self._sampler = Sampler()

    @pytest.hookimpl
    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Every test that is there, also where options then leave it out."""
        if _uses_benchmark(item):
            self._found.add(item.nodeid)
            item.keywords["quantgate"] = True  # it has a line of its own

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Begin with what is left after every selection."""
        if session.config.option.collectonly:
            return
        chosen = tuple(item.nodeid for item in session.items if _uses_benchmark(item))
        targets = tuple(map(str, session.config.option.file_or_dir))
        if not chosen:
            return
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and session.config.get_verbosity() <= 0:
            reporter.showfspath = False
        try:
            self._session.begin_tests(Selection(targets, frozenset(self._found)), chosen)
        except HarnessError as error:
            raise pytest.UsageError(str(error)) from None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """A test begins, and ends: what it told is then complete."""
        if not _uses_benchmark(item):
            return (yield)
        told = self._told[item.nodeid] = Told()
        self._session.started_test(item.nodeid)
        result = yield
        self._session.ended_test(item.nodeid, told)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """What pytest-benchmark has recorded, and what the machine was like meanwhile."""
        told = self._told.get(item.nodeid)
        if told is None:
            return (yield)
        told.conditions.append(self._sampler.sample("before"))
        try:
            return (yield)
        finally:
            told.conditions.append(self._sampler.sample("during"))
            told.read(getattr(item, "funcargs", {}).get(FIXTURE))

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """How a test ended, where it gave no time."""
        told = self._told.get(report.nodeid)
        if told is None:
            return
        told.spent_seconds += max(report.duration, 0.0)
        if report.failed:
            told.failure = told.failure or f"{report.when}: {first_line(report.longreprtext)}"
        elif report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            told.skipped = reason.removeprefix("Skipped: ") or "no reason given"


def _uses_benchmark(item: pytest.Item) -> bool:
    """Whether a test uses pytest-benchmark's fixture itself, and not through our measuring of a cell."""
    names = getattr(item, "fixturenames", ())
    return FIXTURE in names and "measured" not in names
