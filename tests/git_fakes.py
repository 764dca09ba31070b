"""Real git repositories for tests, and everything that can be seen of them."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from harness.conduct.git import without_hook

WHO = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder as a user would; return what it printed."""
    done = subprocess.run(
        ["git", "-C", str(folder), *WHO, *arguments], check=True, capture_output=True, text=True, env=without_hook()
    )
    return done.stdout.strip()


def new_repository(folder: Path) -> Path:
    """Make an empty repository whose branch is main."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    return folder


def commit(folder: Path, **files: str) -> str:
    """Write files (`a__b` is `a/b.py`) and commit everything; return the commit's name."""
    write(folder, **files)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "a commit")
    return git(folder, "rev-parse", "HEAD")


def write(folder: Path, **files: str) -> None:
    """Write Python files: `a__b` is `a/b.py`."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def everything_in(folder: Path) -> dict[str, str]:
    """Return every file below, `.git` too, with a digest of its content and its mode."""
    return {
        str(path.relative_to(folder)): f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mode:o}"
        for place, _, names in os.walk(folder)
        for path in (Path(place) / name for name in names)
    }


def worktrees(folder: Path) -> set[str]:
    """Return the folders that git takes for working trees of this repository."""
    lines = git(folder, "worktree", "list", "--porcelain").splitlines()
    return {line.removeprefix("worktree ") for line in lines if line.startswith("worktree ")}
