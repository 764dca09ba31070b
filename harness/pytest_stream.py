"""Pytest's terminal as a plain text stream that may be written to in the middle of a test."""

from __future__ import annotations

import io

import pytest


class PytestStream(io.TextIOBase):
    """Writes through pytest's own reporter, with output capturing lifted for the moment of the writing."""

    def __init__(self, config: pytest.Config) -> None:
        self._reporter = config.pluginmanager.get_plugin("terminalreporter")
        self._capture = config.pluginmanager.get_plugin("capturemanager")
        self._at_line_start = False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The terminal's encoding."""
        import sys

        return getattr(sys.__stdout__, "encoding", None) or "ascii"

    def isatty(self) -> bool:
        """Whether somebody watches."""
        return bool(self._reporter is not None and self._reporter.isatty)

    def write(self, text: str) -> int:
        """Write now; the first text begins on a line of its own."""
        if self._reporter is None or not text:
            return len(text)
        if self._capture is None:
            self._put(text)
        else:
            with self._capture.global_and_fixture_disabled():
                self._put(text)
        return len(text)

    def _put(self, text: str) -> None:
        if not self._at_line_start:
            self._reporter.ensure_newline()
        self._reporter.write(text, flush=True)
        self._at_line_start = text.endswith("\n")
