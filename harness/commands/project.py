"""Where the project is: the nearest folder, from here upwards, that declares models."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.errors import UsageProblem
from harness.options import models_folder


def add_root(command: argparse.ArgumentParser) -> None:
    """Add `--root` to a command that works on a project."""
    command.add_argument("--root", type=Path, default=Path(), metavar="DIR", help="the project (default: here)")


def project_root(start: Path) -> Path:
    """Find the project; `start` may be any folder within it."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / models_folder(folder)).is_dir():
            return folder
    raise UsageProblem(f"no folder of models at or above {start.name or start}; go to the project or give --root")
