"""A git repository as the harness reads it: where it is, what a revision means, and git asked without side effects.

Hooks do not run, the index is not refreshed, nothing is asked on the terminal, and what a hook that started us was told
of its own repository is forgotten.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from harness.errors import UsageProblem

_SETTINGS = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "submodule.recurse=false", "advice.detachedHead=false")

_OF_A_HOOK = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
"""What git tells its hooks: with these, a command in the worktree would work on the repository of the hook."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as seen from a folder in it: `top` is its working tree, `below` the folder's place there."""

    top: Path
    below: Path

    @classmethod
    def around(cls, folder: Path) -> Repository:
        """Find the repository of a folder."""
        found = git(folder, "rev-parse", "--show-toplevel")
        top = found.stdout.removesuffix("\n")
        if found.returncode or not top:
            raise UsageProblem(
                f"{folder} is in no working tree that git can read: {words(found.stderr) or 'it has no files'};"
                " run in a clone of the project, or compare with python=PATH, env=K=V or precision=P"
            )
        whole = Path(top).resolve()
        return cls(whole, folder.resolve().relative_to(whole))

    def commit(self, revision: str) -> str:
        """The full name of the commit that a revision means."""
        # A name that begins with a dash would be read as an option.
        found = None if revision.startswith("-") else self._git("rev-parse", "--verify", f"{revision}^{{commit}}")
        if found is None or found.returncode:
            raise UsageProblem(f"there is no revision {revision!r} here; {self._instead(revision)}")
        return found.stdout.strip()

    def _instead(self, revision: str) -> str:
        """What to do about a revision that is not known."""
        if self._git("rev-parse", "--verify", "HEAD").returncode and not self._names():
            return "the repository has no commit yet: make one first"
        if self._git("rev-parse", "--is-shallow-repository").stdout.strip() == "true":
            return "this clone is shallow: git fetch --unshallow (or git fetch --depth=1 origin REVISION) and try again"
        if near := get_close_matches(revision, self._names(), n=1):
            return f"did you mean {near[0]}? If it is on the remote: git fetch"
        if re.fullmatch("[0-9a-f]{4,39}", revision):
            return "no commit, or more than one, begins so: write more of its name, or git fetch"
        forms = " (other forms: python=PATH, env=K=V, precision=P)" if "=" in revision else ""
        return f"check its name with git log, or git fetch if it is on the remote{forms}"

    def _names(self) -> list[str]:
        return self._git("for-each-ref", "--format=%(refname:short)").stdout.split()

    def _git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return git(self.top, *arguments)


def without_hook(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without what a git hook was told, and with what is given."""
    kept = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    return {**kept, "GIT_TERMINAL_PROMPT": "0", **(environment or {})}


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git in a folder and return what it said; the caller looks at its exit code."""
    try:
        return subprocess.run(
            command(folder, *arguments),
            check=False,
            env=without_hook(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
        )
    except FileNotFoundError as error:
        raise UsageProblem("git is not installed; install it to compare with a revision") from error


def command(folder: Path, *arguments: str) -> list[str]:
    """Return the words of a git command as the harness runs it."""
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    return ["git", "-C", str(folder), *settings, "--no-optional-locks", *arguments]


def words(text: str) -> str:
    """The end of what git said, on one line."""
    lines = [line.strip().removeprefix("fatal: ").removeprefix("error: ") for line in text.splitlines()]
    return "; ".join([line for line in lines if line][-4:])
