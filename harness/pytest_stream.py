"""Pytest's terminal as a plain text stream that may be written to in the middle of a test."""

from __future__ import annotations

import io
import sys
from contextlib import nullcontext

import pytest


class PytestStream(io.TextIOBase):
    """Writes through pytest's own reporter, with output capturing lifted for the moment of the writing.

    Whatever pytest has left standing on the line is ended before ours begins.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._plugin = config.pluginmanager.get_plugin
        self._at_line_start = True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The terminal's encoding."""
        return getattr(sys.__stdout__, "encoding", None) or "ascii"

    def isatty(self) -> bool:
        """Whether somebody watches."""
        reporter = self._plugin("terminalreporter")
        if reporter is None:  # asked while pytest is being configured: its reporter comes later
            return sys.stdout.isatty()
        return bool(reporter.isatty)

    def write(self, text: str) -> int:
        """Write now; the first text begins on a line of its own."""
        capture = self._plugin("capturemanager")
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            self._put(text)
        return len(text)

    def _put(self, text: str) -> None:
        reporter = self._plugin("terminalreporter")
        if reporter is None or not text:
            return
        if self._at_line_start:
            reporter.ensure_newline()
        reporter.write(text, flush=True)
        self._at_line_start = text.endswith("\n")
