"""A checked-out revision is gone when its block ends, however it ends, and the user's tree never noticed. Real git."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from harness.conduct.git import Repository
from harness.conduct.worktree import checked_out, remove_leftovers
from harness.errors import HarnessError, UsageProblem
from tests.fakes import PATIENCE_SECONDS, hear_signals, start_python, wait_gone, wait_until
from tests.git_fakes import commit, everything_in, git, new_repository, worktrees

pytestmark = pytest.mark.usefixtures("temporary")

HOLDER = """
import sys, time
from pathlib import Path
from harness.conduct.git import Repository
from harness.conduct.worktree import checked_out
repository = Repository.around(Path(sys.argv[1]))
with checked_out(repository, repository.commit("HEAD"), "HEAD") as checkout:
    print(checkout.tree)
    if len(sys.argv) > 2:
        checkout.run(["sh", "-c", sys.argv[2]], checkout.tree, open(sys.argv[3], "wb"))
    time.sleep(600)
"""

Hold = Callable[..., tuple["subprocess.Popen[str]", Path]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository of one commit, under a name that is not easy."""
    folder = new_repository(tmp_path / "my prøject")
    commit(folder, kept="1", changed="1", dropped="1")
    return folder


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Have another process hold a worktree."""
    holders = []

    def start(project: Path, *more: object) -> tuple[subprocess.Popen[str], Path]:
        holder = start_python(HOLDER, project, *more)
        holders.append(holder)
        assert holder.stdout is not None
        return holder, Path(holder.stdout.readline().rstrip("\n"))

    yield start
    for holder in holders:
        holder.kill()
        holder.communicate()


def remover_of(process: int) -> psutil.Process:
    """The process that removes the worktree of another one."""
    (found,) = [child for child in psutil.Process(process).children() if "quantgate-remover" in child.cmdline()]
    return found


def nothing_is_left(project: Path, temporary: Path) -> bool:
    return worktrees(project) == {str(project)} and not list(temporary.glob("quantgate-arm-*"))


def make_dirty(project: Path) -> None:
    """Leave every kind of unfinished work in a tree."""
    (project / "changed.py").write_text("stashed")
    git(project, "stash")
    (project / "changed.py").write_text("staged")
    git(project, "add", "changed.py")
    (project / "changed.py").write_text("not staged")
    (project / "dropped.py").unlink()
    (project / "new.py").write_text("not tracked")


def open_head(project: Path):
    repository = Repository.around(project)
    return checked_out(repository, repository.commit("HEAD"), "HEAD")


def test_a_dirty_tree_its_index_and_the_whole_repository_stay_byte_for_byte_the_same(project: Path) -> None:
    first = git(project, "rev-parse", "HEAD")
    commit(project, kept="2")
    make_dirty(project)
    before = everything_in(project)
    repository = Repository.around(project)
    with checked_out(repository, repository.commit(first), "the first") as checkout:
        assert {path.name: path.read_text() for path in checkout.tree.glob("*.py")} == {
            "kept.py": "1",
            "changed.py": "1",
            "dropped.py": "1",
        }
        assert git(checkout.tree, "status", "--porcelain", "--branch") == "## HEAD (no branch)"
        (checkout.tree / "built.py").write_text("by somebody")
    assert everything_in(project) == before


def test_the_worktree_is_there_within_the_block_and_gone_after_it(project: Path, temporary: Path) -> None:
    with open_head(project) as checkout:
        assert worktrees(project) == {str(project), str(checkout.tree)}
    assert nothing_is_left(project, temporary)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit])
def test_the_worktree_is_gone_when_an_error_ends_the_block(
    project: Path, temporary: Path, error: type[BaseException]
) -> None:
    with pytest.raises(error), open_head(project):
        raise error
    assert nothing_is_left(project, temporary)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_worktree_is_gone_when_its_process_is_ended_by(
    hold: Hold, project: Path, temporary: Path, number: signal.Signals
) -> None:
    make_dirty(project)
    before = everything_in(project)
    holder, tree = hold(project)
    assert (tree / "kept.py").exists()
    remover = remover_of(holder.pid)
    os.kill(holder.pid, number)
    holder.wait(PATIENCE_SECONDS)
    wait_gone(remover.pid)
    assert everything_in(project) == before
    assert nothing_is_left(project, temporary)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_signal_to_the_whole_group_as_of_ctrl_c_does_not_reach_the_remover(
    project: Path, temporary: Path, number: signal.Signals
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-u", "-c", HOLDER, str(project)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hear_signals,  # noqa: PLW1509 - no threads here
    )
    assert holder.stdout is not None
    assert Path(holder.stdout.readline().rstrip("\n")).is_dir()
    remover = remover_of(holder.pid)
    os.killpg(holder.pid, number)
    holder.communicate()
    wait_gone(remover.pid)
    assert nothing_is_left(project, temporary)


def test_what_works_in_the_tree_is_ended_with_the_killed_process_and_leaves_no_file(
    hold: Hold, project: Path, temporary: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "pid"
    busy = f"echo $$ > '{mark}'; while :; do mkdir -p some/where; date > some/where/$RANDOM; done"
    holder, _ = hold(project, busy, tmp_path / "output")
    wait_until(lambda: mark.exists() and mark.read_text(), "the command has begun")
    remover = remover_of(holder.pid)
    holder.kill()
    holder.wait()
    wait_gone(remover.pid, int(mark.read_text()))
    assert nothing_is_left(project, temporary)


def slow_checkout(project: Path, script: str) -> None:
    """Have git call a filter while it checks out."""
    (project / ".gitattributes").write_text("*.py filter=slow\n")
    commit(project, kept="2")
    git(project, "config", "filter.slow.smudge", script)
    git(project, "config", "filter.slow.required", "true")


def test_a_process_killed_while_git_still_checks_out_leaves_nothing(
    project: Path, temporary: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "pid"
    slow_checkout(project, f"echo $$ > '{mark}'; sleep 600; cat")
    before = everything_in(project)
    holder = start_python(HOLDER, project)
    wait_until(lambda: mark.exists() and mark.read_text(), "git calls the filter")
    remover = remover_of(holder.pid)
    holder.kill()
    holder.communicate()
    wait_gone(remover.pid, int(mark.read_text()))
    assert everything_in(project) == before
    assert nothing_is_left(project, temporary)


def test_a_checkout_that_fails_is_told_in_git_s_words_and_leaves_nothing(project: Path, temporary: Path) -> None:
    slow_checkout(project, "echo 'No space left on device' >&2; exit 1")
    before = everything_in(project)
    said = r"HEAD cannot be checked out into .*No space left on device.*smudge filter slow failed; .*TMPDIR"
    with pytest.raises(HarnessError, match=said) as caught, open_head(project):
        pass
    assert "\n" not in str(caught.value)
    assert everything_in(project) == before
    assert nothing_is_left(project, temporary)


def test_a_worktree_is_gone_although_its_remover_was_killed(project: Path, temporary: Path) -> None:
    with open_head(project):
        remover_of(os.getpid()).kill()
    assert nothing_is_left(project, temporary)


def test_a_worktree_that_was_locked_or_spoiled_inside_is_gone_too(project: Path, temporary: Path) -> None:
    with open_head(project) as checkout:
        git(project, "worktree", "lock", str(checkout.tree))
        (checkout.tree / ".git").unlink()
    assert nothing_is_left(project, temporary)


def leave_behind(hold: Hold, project: Path) -> Path:
    """End a holder and its remover at once, as a power cut does."""
    holder, tree = hold(project)
    remover = remover_of(holder.pid)
    remover.kill()
    holder.kill()
    wait_gone(holder.pid, remover.pid)
    assert worktrees(project) == {str(project), str(tree)}
    return tree


@pytest.mark.parametrize("is_folder_left", [True, False])
def test_what_a_power_cut_left_is_removed_by_the_next_run(
    hold: Hold, project: Path, temporary: Path, is_folder_left: bool
) -> None:
    tree = leave_behind(hold, project)
    if not is_folder_left:
        tree.parent.rename(temporary.parent / "elsewhere")
    with open_head(project) as checkout:
        assert worktrees(project) == {str(project), str(checkout.tree)}
    assert nothing_is_left(project, temporary)


def test_what_another_run_uses_now_is_left_alone(hold: Hold, project: Path) -> None:
    _, tree = hold(project)
    remove_leftovers(Repository.around(project))
    assert (tree / "kept.py").exists()
    with open_head(project) as checkout:
        assert worktrees(project) == {str(project), str(tree), str(checkout.tree)}
    assert worktrees(project) == {str(project), str(tree)}


def test_a_worktree_of_the_user_s_is_left_alone_even_while_its_folder_is_away(project: Path, tmp_path: Path) -> None:
    own = tmp_path / "on a stick" / "tree"
    git(project, "worktree", "add", "--quiet", str(own), "-b", "own")
    own.parent.rename(tmp_path / "unplugged")
    with open_head(project):
        pass
    assert worktrees(project) == {str(project), str(own)}


def test_inside_a_git_hook_of_another_repository_it_is_still_this_one(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = new_repository(tmp_path / "other")
    commit(other, other="1")
    before = everything_in(other)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    with open_head(project) as checkout:
        assert (checkout.tree / "kept.py").exists()
        with (tmp_path / "output").open("wb") as output:
            checkout.run(["sh", "-c", "echo > more; git add more; git status --porcelain"], checkout.tree, output)
    assert (tmp_path / "output").read_text() == "A  more\n"
    assert everything_in(other) == before


def test_hooks_of_the_repository_do_not_run(project: Path, tmp_path: Path) -> None:
    hook = project / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
    hook.chmod(0o755)
    with open_head(project):
        pass
    assert not (tmp_path / "ran").exists()


def test_a_folder_for_temporary_files_inside_the_repository_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything_in(project)
    (project / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(project / "tmp"))
    with pytest.raises(UsageProblem, match="is inside the repository; set TMPDIR to one outside"), open_head(project):
        pass
    assert everything_in(project) == before


def test_what_a_command_leaves_running_is_killed(project: Path, tmp_path: Path) -> None:
    with open_head(project) as checkout, (tmp_path / "output").open("w+b") as output:
        assert checkout.run(["sh", "-c", "sleep 600 & echo $!; exit 3"], checkout.tree, output) == 3
        output.seek(0)
        wait_gone(int(output.read()))


def test_a_command_that_takes_too_long_is_ended_with_all_it_started(project: Path, tmp_path: Path) -> None:
    with open_head(project) as checkout, (tmp_path / "output").open("w+b") as output:
        script = "sleep 600 & echo $!; wait"
        assert checkout.run(["sh", "-c", script], checkout.tree, output, limit_seconds=0.5) is None
        output.seek(0)
        wait_gone(int(output.read()))


def test_a_revision_is_found_from_any_folder_of_the_tree(project: Path) -> None:
    commit(project, deep__down="1")
    repository = Repository.around(project / "deep")
    assert (repository.top, repository.below) == (project, Path("deep"))
    head = git(project, "rev-parse", "HEAD")
    git(project, "tag", "--annotate", "v1", "--message", "a tag that is an object of its own")
    for name in ("HEAD", "main", "v1", head, head[:7], "HEAD~0"):
        assert repository.commit(name) == head


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        ("mian", "'mian' here; did you mean main?"),
        ("no-such-thing", "check its name with git log, or git fetch if it is on the remote"),
        ("deadbeef", "no commit, or more than one, begins so"),
        ("pyton=/usr/bin/python", r"other forms: python=PATH, env=K=V, precision=P"),
        ("--all", "there is no revision '--all'"),
        ("main..main", "there is no revision 'main..main'"),
        ("HEAD:kept.py", "there is no revision"),
    ],
)
def test_a_revision_that_is_not_there_is_named_with_what_to_do(project: Path, revision: str, said: str) -> None:
    with pytest.raises(UsageProblem, match=said) as caught:
        Repository.around(project).commit(revision)
    assert "\n" not in str(caught.value)


def test_a_repository_without_a_commit_says_so(tmp_path: Path) -> None:
    empty = Repository.around(new_repository(tmp_path / "empty"))
    with pytest.raises(UsageProblem, match="no commit yet: make one first"):
        empty.commit("HEAD")


def test_a_shallow_clone_says_what_to_fetch(project: Path, tmp_path: Path) -> None:
    commit(project, kept="2")
    git(tmp_path, "clone", "--quiet", "--depth=1", project.as_uri(), "shallow")
    shallow = Repository.around(tmp_path / "shallow")
    assert shallow.commit("HEAD") == git(project, "rev-parse", "HEAD")
    for revision in ("HEAD~1", git(project, "rev-parse", "HEAD~1"), "origin/other"):
        with pytest.raises(UsageProblem, match="this clone is shallow: git fetch --unshallow"):
            shallow.commit(revision)


def test_a_folder_that_is_in_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"not a git repository.*run in a clone of the project"):
        Repository.around(tmp_path)


def test_without_git_it_says_so(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageProblem, match="git is not installed"):
        Repository.around(project)
