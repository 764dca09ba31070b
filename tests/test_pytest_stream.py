"""The stream knows whether somebody watches, whenever it is asked."""

from __future__ import annotations

import io
import os
import pty
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.pytest_stream import PytestStream


def _stream(reporter: object) -> PytestStream:
    plugins = {"terminalreporter": reporter}
    config: Any = SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin=plugins.get))
    return PytestStream(config)


@pytest.mark.parametrize("watched", [True, False])
def test_before_there_is_a_reporter_standard_output_says_whether_somebody_watches(
    watched: bool, monkeypatch, tmp_path: Path
) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb"), os.fdopen(theirs, "w") as terminal, (tmp_path / "file").open("w") as file:
        monkeypatch.setattr("sys.stdout", terminal if watched else file)
        assert _stream(None).isatty() is watched


@pytest.mark.parametrize("watched", [True, False])
def test_the_reporter_knows_better_than_standard_output(watched: bool, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert _stream(SimpleNamespace(isatty=watched)).isatty() is watched
