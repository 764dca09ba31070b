"""Where the project is: the nearest folder, from here upwards, that declares models, or has tests."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.errors import UsageProblem
from harness.options import models_folder


def add_root(command: argparse.ArgumentParser) -> None:
    """Add `--root` to a command that works on a project."""
    command.add_argument("--root", type=Path, default=Path(), metavar="DIR", help="the project (default: here)")


_PYTEST = ("pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")


def project_root(start: Path, *, needs_models: bool = True) -> Path:
    """Find the project; `start` may be any folder within it.

    Where models are not needed it may also be the nearest folder with pytest's settings: whose tests have a benchmark
    has no models.
    """
    start = start.resolve()
    folders = (start, *start.parents)
    for folder in folders:
        if (folder / models_folder(folder)).is_dir():
            return folder
    if not needs_models and (found := [one for one in folders if any((one / name).is_file() for name in _PYTEST)]):
        return found[0]
    raise UsageProblem(f"no folder of models at or above {start.name or start}; go to the project or give --root")
