"""What is installed from a built wheel: made once for all tests that ask, because pip takes most of their time."""

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Installed:
    """A virtual environment that somebody else has: the wheel, and nothing of this repository."""

    home: Path

    def run(self, folder: Path, *command: str, seconds: int = 120) -> "subprocess.CompletedProcess[str]":
        """Run one of its commands in a folder."""
        return subprocess.run(
            [str(self.home / "bin" / command[0]), *command[1:]],
            cwd=folder,
            env={"XDG_CACHE_HOME": str(self.home / "cache"), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this repository."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return next(folder.glob("quantgate-*.whl"))


@pytest.fixture(scope="session")
def alone(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel without extras: no runtime, no numpy."""
    return _installed(tmp_path_factory.mktemp("alone"), str(wheel))


@pytest.fixture(scope="session")
def with_onnx(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel with what ONNX models need; no torch."""
    return _installed(tmp_path_factory.mktemp("with-onnx"), f"{wheel}[onnx]")


def _installed(home: Path, what: str) -> Installed:
    venv.create(home, symlinks=True)
    python, constraints = str(home / "bin" / "python"), str(ROOT / "constraints.txt")
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "-c", constraints, what]
    subprocess.run(install, check=True, capture_output=True, timeout=900)
    return Installed(home)
