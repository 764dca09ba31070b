"""Installed versions are found as `importlib.metadata` finds them, without importing it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from harness.packages import installed_version


def _install(folder: Path, name: str, version: str) -> None:
    info = folder / name
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: whatever\nVersion: {version}\n")


@pytest.mark.parametrize("asked", ["some-voice", "Some.Voice", "some_voice"])
def test_spellings_of_one_name_are_one_distribution(asked: str, tmp_path: Path, monkeypatch) -> None:
    _install(tmp_path, "Some_Voice-1.2.3.dist-info", "1.2.3")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert installed_version(asked) == "1.2.3"


def test_a_longer_name_is_another_distribution(tmp_path: Path, monkeypatch) -> None:
    _install(tmp_path, "voice_extras-1.2.3.dist-info", "1.2.3")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert installed_version("voice") is None


def test_the_folder_that_comes_first_is_the_one_that_python_imports(tmp_path: Path, monkeypatch) -> None:
    for order, version in (("a", "1.0"), ("b", "2.0")):
        _install(tmp_path / order, f"thing-{version}.dist-info", version)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "b"), str(tmp_path / "a"), str(tmp_path / "gone")])
    assert installed_version("thing") == "2.0"


def test_what_is_installed_has_the_version_that_importlib_metadata_tells() -> None:
    found = [each for each in distributions() if each.name]
    assert len(found) > 5
    assert {each.name: installed_version(each.name) for each in found} == {each.name: each.version for each in found}


def test_asking_imports_no_metadata_library() -> None:
    code = (
        "import sys; from harness.packages import installed_version; assert installed_version('pytest');"
        "assert 'importlib.metadata' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
