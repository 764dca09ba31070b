"""What tests of the other side's trees share."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conduct.examined import Side


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files: this test's own, so that what is left in it is seen."""
    folder = tmp_path / "temporary files"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Artifacts are converted once for all sides."""
    return tmp_path_factory.mktemp("converted")


@pytest.fixture
def side(tmp_path: Path, converted: Path) -> Callable[..., Side]:
    """Make a side of a comparison, in a folder of its own."""
    return lambda name="side", **given: Side(tmp_path / name, given.pop("store", converted), **given)
