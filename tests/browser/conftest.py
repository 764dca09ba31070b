"""The browser these tests drive, and the fixed run that they show."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from devtools import Browser, Tab, find_browser, running

sys.path[:0] = [str(Path(__file__).parents[1] / "render"), str(Path(__file__).parents[2] / "bench")]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium. Where CI is set its absence is a failure, elsewhere a skip that says so."""
    path = find_browser()
    if path is None:
        missing = "no Chromium or Chrome on PATH; install one (Debian: apt-get install chromium) to run this"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with running(path) as started:
        yield started


@pytest.fixture(scope="session")
def page_tab(browser: Browser) -> Tab:
    """One page for all tests that open what they look at."""
    return Tab(browser)


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    """A fresh page."""
    opened = Tab(browser)
    yield opened
    opened.close()
