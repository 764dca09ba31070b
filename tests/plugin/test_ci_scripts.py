"""The scripts of the CI files, run as they stand: a real repository, both sides measured, the comment put in place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs_ci.test_ci_files import FOLDER, GITLAB, read, steps
from tests.npm import absent
from tests.plugin.conftest import GatedProject

SHA = "0123456789abcdef0123456789abcdef01234567"


def script(name: str, mark: str) -> str:
    """The one script of a workflow that holds these words."""
    (found,) = [step["run"] for step in steps(FOLDER / name) if mark in step.get("run", "")]
    return str(found)


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`pytest`, `quantgate` and a `gh` that answers from a file and writes down what it is asked."""
    folder = tmp_path_factory.mktemp("bin")
    for name, module in (("pytest", "pytest"), ("quantgate", "harness.cli")):
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n')
    (folder / "gh").write_text(
        "#!/bin/sh\n"
        'echo "$@" >> "$GH_ASKED"\n'
        'case "$*" in\n'
        '  */pulls*) jq -r "$(echo "$@" | sed "s/.*--jq //")" < "$GH_PULLS" ;;\n'
        '  *--paginate*) printf "%b" "$GH_COMMENTS" ;;\n'
        "esac\n"
    )
    for name in ("pytest", "quantgate", "gh"):
        (folder / name).chmod(0o755)
    return folder


def run(text: str, where: Path, commands: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script as a runner does: `bash -e` with pipefail."""
    environment = {**os.environ, **variables, "PATH": f"{commands}:{os.environ['PATH']}"}
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text]
    return subprocess.run(shell, cwd=where, env=environment, capture_output=True, text=True, timeout=240, check=False)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, cache: Path, commands: Path) -> Path:
    """A project whose branch was measured against main by the workflow's own words."""
    project = GatedProject(tmp_path_factory.mktemp("ci") / "project", cache)
    project.declare(loop="", other="")
    base = project.commit()
    project.declare(loop="", other="reference=raises")
    project.commit()
    added = " ".join((*project.command()[3:], "--time-budget", "5s"))
    variables = {**project.environment, "BASE": base, "PYTEST_ADDOPTS": added}
    done = run(script("github-pull-request.yml", "--against"), project.folder, commands, **variables)
    (project.folder / "said").write_text(f"{done.returncode}\n{done.stdout}{done.stderr}")
    summary = project.folder / "step-summary.md"
    shown = run(
        script("github-pull-request.yml", "GITHUB_STEP_SUMMARY"),
        project.folder,
        commands,
        GITHUB_STEP_SUMMARY=str(summary),
    )
    gathered = run(script("github-pull-request.yml", "mkdir -p kept"), project.folder, commands)
    assert shown.returncode == gathered.returncode == 0, shown.stderr + gathered.stderr
    return project.folder


def test_a_branch_that_breaks_a_model_is_red_and_everything_is_kept(measured: Path) -> None:
    code, *said = (measured / "said").read_text().splitlines()
    assert code == "1", "\n".join(said)
    assert {path.name for path in (measured / "kept").iterdir()} == {
        "run.json",
        "report.html",
        "summary.md",
        "junit.xml",
    }
    assert "1 failed" in (measured / "step-summary.md").read_text()


def test_the_last_job_is_red_with_the_measuring_and_where_too_little_was_compared(
    measured: Path, commands: Path
) -> None:
    covered = script("github-pull-request.yml", "quantgate check")
    assert run(covered, measured, commands).returncode == 1
    fewer = covered.replace("--compared 2", "--compared 3")
    assert fewer != covered
    said = run(fewer, measured, commands)
    assert said.returncode == 1, said.stdout  # what is worse is said first


def test_the_last_job_is_red_where_nothing_was_kept(tmp_path: Path, commands: Path) -> None:
    (tmp_path / "kept").mkdir()
    assert run(script("github-pull-request.yml", "quantgate check"), tmp_path, commands).returncode != 0


@pytest.fixture
def theirs(measured: Path, tmp_path: Path, commands: Path) -> Path:
    """A folder in which the record was taken over, and the comment made of it."""
    shutil.copytree(measured / "kept", tmp_path / "theirs")
    done = run(script("github-comment.yml", "quantgate report"), tmp_path, commands)
    assert done.returncode == 0, done.stdout + done.stderr
    return tmp_path


def put(where: Path, commands: Path, comments: str) -> tuple[str, list[str]]:
    """Put the comment in place; what was printed, and what was asked of `gh`."""
    asked = where / "asked"
    done = run(
        script("github-comment.yml", "comments/$before"),
        where,
        commands,
        GH_ASKED=str(asked),
        GH_COMMENTS=comments,
        REPOSITORY="me/mine",
        NUMBER="7",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, asked.read_text().splitlines()


def test_the_first_comment_is_posted_and_a_later_one_takes_its_place(theirs: Path, commands: Path) -> None:
    marker = (theirs / "ours" / "comment.md").read_text().splitlines()[0]
    assert marker.startswith("<!-- ")
    _, asked = put(theirs, commands, "41\\t<!-- somebody else's -->\\n")
    assert asked[-1].startswith("api --method POST repos/me/mine/issues/7/comments -F body=@ours/comment.md")
    _, asked = put(theirs, commands, f"41\\thello\\n42\\t{marker}\\n43\\t{marker}\\n")
    assert asked[-1].startswith("api --method PATCH repos/me/mine/issues/comments/42 -F body=@ours/comment.md")


def test_a_comment_of_a_stranger_s_numbers_says_whose_they_are(theirs: Path) -> None:
    said = (theirs / "ours" / "comment.md").read_text()
    assert "other fp32 cpu" in said.replace("**", "").replace("\\", "")
    assert "by the pull request's own code" in said


def test_a_record_that_is_none_makes_no_comment(tmp_path: Path, commands: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "run.json").write_text('{"schema": 1, "id": "<script>"}')
    done = run(script("github-comment.yml", "quantgate report"), tmp_path, commands)
    assert done.returncode == 2
    assert not (tmp_path / "ours" / "comment.md").exists()


@pytest.mark.parametrize(
    ("pulls", "number"),
    [
        ([{"state": "open", "number": 12}], "12"),
        ([{"state": "closed", "number": 11}, {"state": "open", "number": 12}], "12"),
        ([{"state": "closed", "number": 11}], ""),
        ([], ""),
        ([{"state": "open", "number": "7; rm -rf /"}], ""),
    ],
)
def test_the_pull_request_is_found_by_its_commit(
    pulls: list[dict[str, object]], number: str, tmp_path: Path, commands: Path
) -> None:
    if shutil.which("jq") is None:
        absent("jq is not here; install it (Debian: apt-get install jq) to run this")
    (tmp_path / "pulls.json").write_text(json.dumps(pulls))
    variables = {
        "GITHUB_OUTPUT": str(tmp_path / "out"),
        "GH_ASKED": str(tmp_path / "asked"),
        "GH_PULLS": str(tmp_path / "pulls.json"),
    }
    done = run(
        script("github-comment.yml", "commits/$SHA/pulls"),
        tmp_path,
        commands,
        REPOSITORY="me/mine",
        SHA=SHA,
        **variables,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "out").read_text() == f"number={number}\n"
    assert f"repos/me/mine/commits/{SHA}/pulls" in (tmp_path / "asked").read_text()


def test_gitlab_gathers_what_its_reports_name(measured: Path, tmp_path: Path, commands: Path) -> None:
    shutil.copytree(measured / "reports", tmp_path / "reports", symlinks=True)
    job = read(GITLAB)[".kept"]
    done = run("\n".join(job["after_script"]), tmp_path, commands)
    assert done.returncode == 0, done.stdout + done.stderr
    for path in job["artifacts"]["reports"].values():
        assert (tmp_path / path).stat().st_size > 0
