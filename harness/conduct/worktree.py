"""A revision of the user's repository, checked out beside it for as long as a block lasts, and gone after it.

Owns the temporary worktree and the process that removes it. The user's tree, index, branches, stash and configuration
are never written; other worktrees are never pruned, not even where their folder is missing (it may be on a disk that
is not mounted now). Hooks do not run and submodules are not fetched; filters (LFS) work as in any checkout.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from harness.conduct.git import Repository, command, git, without_hook, words
from harness.errors import HarnessError, UsageProblem

_PREFIX = "quantgate-arm-"
_TREE = "tree"
_LOCK = "lock"
_GRACE_SECONDS = 5.0

_REMOVER = """
trap '' HUP INT TERM
group=
while read -r line; do group=$line; done
if [ -n "$group" ] && kill -s TERM -- "-$group" 2>/dev/null; then
    waited=0
    while [ $waited -lt 50 ] && kill -s 0 -- "-$group" 2>/dev/null; do sleep 0.1; waited=$((waited + 1)); done
    kill -s KILL -- "-$group" 2>/dev/null
fi
tree=$1/$3
rm -rf -- "$tree" 2>/dev/null || { chmod -R u+rwx -- "$tree"; rm -rf -- "$tree"; }
if git -C "$2" worktree list --porcelain | LC_ALL=C grep -qxF -- "worktree $tree"; then
    git -C "$2" worktree remove --force --force -- "$tree" || exit 1
fi
rm -rf -- "$1"
[ ! -e "$1" ]
"""
"""Waits until its input ends, which is when this process ends, however that comes. Each line of the input is the
process group that works in the tree now; it is ended before the tree is removed."""


class Checkout:
    """A tree that is there while the block lasts. Whatever works in it is ended before it is removed."""

    def __init__(self, tree: Path, remover: _Remover) -> None:
        self.tree = tree
        self._remover = remover

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        output: IO[bytes],
        *,
        environment: Mapping[str, str] | None = None,
        limit_seconds: float | None = None,
    ) -> int | None:
        """Run a command in a process group of its own; return its exit code, None where it took too long.

        What it leaves running is killed.
        """
        process = subprocess.Popen(
            arguments,
            cwd=folder,
            env=without_hook(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        self._remover.note(process.pid)
        try:
            return process.wait(limit_seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _end(process)
            self._remover.note(None)


@contextmanager
def checked_out(repository: Repository, commit: str, label: str) -> Iterator[Checkout]:
    """Check a commit out into a temporary folder; it is removed whatever ends the block, or this process."""
    remove_leftovers(repository)
    folder = _folder(repository)
    try:
        remover = _Remover(folder, repository.top)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        checkout = Checkout(folder / _TREE, remover)
        _add(checkout, repository, commit, label)
        yield checkout
    except BaseException:
        remover.finish()
        raise
    if problem := remover.finish():
        raise HarnessError(
            f"the worktree {folder / _TREE} could not be removed ({problem}); remove it with:"
            f" git worktree remove --force {folder / _TREE}"
        )


def remove_leftovers(repository: Repository) -> None:
    """Remove the worktrees of runs that ended with their remover, as when the power fails. Others' are left alone."""
    listed = git(repository.top, "worktree", "list", "--porcelain").stdout.splitlines()
    for line in listed:
        tree = Path(line.removeprefix("worktree "))
        ours = line.startswith("worktree ") and tree.name == _TREE and tree.parent.name.startswith(_PREFIX)
        if ours and _is_abandoned(tree.parent):
            # One that cannot be removed does not keep this run from its work; git worktree list goes on to show it.
            _remove_now(tree.parent, repository.top)


class _Remover:
    """A small process that removes a folder and its worktree when this one lets go of it, or dies."""

    def __init__(self, folder: Path, top: Path) -> None:
        self._folder, self._top = folder, top
        # Held by the remover, too: whoever finds the folder with its lock free may remove it.
        self._lock = (folder / _LOCK).open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._output = tempfile.TemporaryFile(prefix="quantgate-")  # noqa: SIM115 - closed in finish
        self._process = subprocess.Popen(
            _remover_command(folder, top),
            cwd="/",
            env=without_hook(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._output,
            pass_fds=(self._lock.fileno(),),
            start_new_session=True,
        )

    def note(self, group: int | None) -> None:
        """Tell which process group works in the tree now."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # somebody killed it: `finish` sees to the tree
            self._process.stdin.write(f"{group or ''}\n".encode())
            self._process.stdin.flush()

    def finish(self) -> str | None:
        """Have the folder removed and wait for it; return what went wrong."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        code = self._process.wait()
        with self._lock, self._output as output:
            output.seek(0)
            said = output.read().decode(errors="replace")
        if code < 0:
            return _remove_now(self._folder, self._top)
        return (words(said) or f"exit code {code}") if code else None


def _remover_command(folder: Path, top: Path) -> list[str]:
    return ["sh", "-c", _REMOVER, "quantgate-remover", str(folder), str(top), _TREE]


def _remove_now(folder: Path, top: Path) -> str | None:
    done = subprocess.run(
        _remover_command(folder, top),
        check=False,
        cwd="/",
        env=without_hook(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    return (words(done.stderr) or f"exit code {done.returncode}") if done.returncode else None


def _folder(repository: Repository) -> Path:
    try:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
    except OSError as error:
        raise HarnessError(f"no temporary folder can be made ({error.strerror}); make room or set TMPDIR") from error
    if folder.is_relative_to(repository.top):
        folder.rmdir()
        raise UsageProblem(
            f"the folder for temporary files, {folder.parent}, is inside the repository; set TMPDIR to one outside"
        )
    return folder


def _add(checkout: Checkout, repository: Repository, commit: str, label: str) -> None:
    adding = command(repository.top, "worktree", "add", "--quiet", "--detach", str(checkout.tree), commit)
    with tempfile.TemporaryFile(prefix="quantgate-") as output:
        code = checkout.run(adding, repository.top, output)
        output.seek(0)
        said = words(output.read().decode(errors="replace"))
    if code:
        raise HarnessError(
            f"{label} cannot be checked out into {checkout.tree.parent}: {said or f'git ended with exit code {code}'};"
            " mend that, or set TMPDIR to a folder with more room"
        )


def _is_abandoned(folder: Path) -> bool:
    """Whether nobody holds the lock of a folder that is ours to remove."""
    try:
        if folder.stat().st_uid != os.getuid():
            return False
        with (folder / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its group: politely first, so that git can take back what it has begun."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
    # PermissionError: on macOS, when only zombies are left in the group.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
