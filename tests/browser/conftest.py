"""The browser these tests drive, and the fixed run that they show."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from devtools import Browser, Tab, present_browser, running

sys.path[:0] = [str(Path(__file__).parents[1] / "render"), str(Path(__file__).parents[2] / "bench")]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium, one for all tests."""
    with running(present_browser()) as started:
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
