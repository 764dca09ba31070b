"""Tests of somebody's own that use pytest-benchmark, judged as a user has them judged: real runs, a real repository."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.git_fakes import commit, git, worktrees

from .test_interrupted import wait_for

LOOP = """
def loop(rounds):
    total = 0
    for number in range(rounds):
        total += number
    return total
"""
QUICK = ("--benchmark-max-time=0.03", "--benchmark-min-rounds=5")
BARE = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:anyio")


class Benchmarked:
    """A project without a model: a function, and tests that time it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bench = folder / "bench"
        self.bench.mkdir(parents=True)
        (folder / "work.py").write_text(LOOP)
        (folder / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["."]\n')
        # Wide, so that four short pairs decide: these tests are about what is done with a verdict.
        (folder / "expectations.toml").write_text("[margins]\nlatency_seconds = 0.6\n")
        (folder / ".gitignore").write_text("reports/\n.benchmarks/\n__pycache__/\n")
        temporary = folder.with_name("temporary files")
        temporary.mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))},
            "TMPDIR": str(temporary),
            "COLUMNS": "140",
        }

    def declare(self, **tests: str) -> None:
        """Write tests with these bodies."""
        made = "".join(f"\n\ndef test_{name}(benchmark):\n    {body}\n" for name, body in tests.items())
        (self.bench / "test_work.py").write_text(f"import pytest\n\nfrom work import loop\n{made}")

    def commit(self) -> str:
        """Commit all of it."""
        if not (self.folder / ".git").exists():
            git(self.folder, "init", "--quiet", "--initial-branch", "main")
        return commit(self.folder)

    def command(self, *arguments: str) -> list[str]:
        """The command line of a run."""
        return [sys.executable, "-m", "pytest", "bench", *BARE, *QUICK, *arguments]

    def gate(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run pytest with the gate, to its end."""
        return self.run("--gate-benchmarks", "--expectations", "expectations.toml", *arguments)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run pytest to its end."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    @property
    def latest(self) -> Path:
        """The newest run."""
        return self.folder / "reports" / "latest"

    def record(self) -> dict[str, Any]:
        """Its record."""
        found: dict[str, Any] = json.loads((self.latest / "run.json").read_text())
        return found

    def verdict(self, test: str) -> dict[str, Any]:
        """What was said of a test."""
        verdicts = self.record()["judgement"]["verdicts"]
        (found,) = [one for one in verdicts if one["cell"]["model"] == f"bench/test_work.py::test_{test}"]
        return dict(found)


class Compared:
    """A project whose tests differ from those of its commit in every way there is, compared with it once."""

    def __init__(self, folder: Path) -> None:
        self.project = project = Benchmarked(folder)
        timed = "benchmark(loop, 4_000)"
        project.declare(same=timed, slower=timed, gone=timed, skipped=timed, lost=timed, once="benchmark(loop, 9)")
        self.revision = project.commit()
        project.declare(
            same=timed,
            slower="benchmark(loop, 16_000)",
            skipped='pytest.skip("not today")',
            lost=f"{timed}\n    assert not 'as it was'",
            added="benchmark.pedantic(loop, args=(4_000,))",
            once="pass",
        )
        self.done = project.gate("--against", "HEAD")


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """One run for all tests that only read what it said."""
    return Compared(tmp_path_factory.mktemp("compared") / "project")


@pytest.fixture
def project(tmp_path: Path) -> Benchmarked:
    """A fresh project with one test."""
    made = Benchmarked(tmp_path / "project")
    made.declare(same="benchmark(loop, 4_000)")
    return made


@pytest.mark.parametrize(
    ("test", "outcome", "text"),
    [
        ("slower", "regressed", "slower, confirmed in fresh processes"),
        ("gone", "missing", "HEAD at .* has this test with a benchmark, and this side does not"),
        ("skipped", "unsupported", "SKIPPED: not today; HEAD at .* runs it"),
        ("lost", "failed", "as it was"),
        ("added", "new", "HEAD at .* does not have it"),
        ("once", "unsupported", "timed nothing with its fixture"),
    ],
)
def test_each_test_is_judged_against_its_own_other_side(compared, test: str, outcome: str, text: str) -> None:
    found = compared.project.verdict(test)
    assert found["outcome"] == outcome
    assert re.search(text, found["text"])


def test_unchanged_code_is_not_red(compared) -> None:
    found = compared.project.verdict("same")
    assert found["outcome"] in ("unchanged", "inconclusive")
    assert not found["is_fatal"]


def test_a_regression_is_exit_1_and_is_said_in_the_terminal_and_on_the_page(compared) -> None:
    assert compared.done.returncode == 1, compared.done.stdout + compared.done.stderr
    assert re.search(r"▲ regressed +bench/test_work\.py::test_slower", compared.done.stdout)
    assert "pytest bench/test_work.py::test_" in compared.done.stdout
    assert "test_slower" in (compared.project.latest / "report.html").read_text()


def test_pairs_are_of_fresh_processes_and_the_old_side_meets_itself(compared) -> None:
    duels = compared.project.record()["duels"]
    slower = [one for one in duels if one["cell"]["model"].endswith("test_slower") and not one["is_control"]]
    stages = [pair["stage"] for one in slower for pair in one["pairs"]]
    assert {1, 2} == set(stages)
    assert all(ratio > 0 for one in slower for pair in one["pairs"] for ratio in pair["log_ratios"].values())
    assert [one["against"] for one in duels if one["is_control"]] == [
        f"HEAD at {compared.revision[:8]}, against itself"
    ]


def test_one_round_is_made_two(compared) -> None:
    measured = compared.project.record()["measurements"]
    (added,) = [one for one in measured if one["cell"]["model"].endswith("test_added")]
    assert len(added["sample"]["wall_seconds"]) == 2


def test_the_tree_is_left_as_it_was(compared) -> None:
    assert len(worktrees(compared.project.folder)) == 1
    assert git(compared.project.folder, "status", "--short").split() == ["M", "bench/test_work.py"]


def test_a_stored_file_is_what_a_run_is_held_against(project: Benchmarked) -> None:
    project.declare(same="benchmark(loop, 4_000)", slower="benchmark(loop, 1_000)", gone="benchmark(loop, 9)")
    revision = project.commit()
    assert project.run("--benchmark-autosave").returncode == 0
    # 30 times: sessions differ by half and more on the wall clock, so that little else is beyond doubt.
    project.declare(same="benchmark(loop, 4_000)", slower="benchmark(loop, 60_000)", added="benchmark(loop, 9)")
    done = project.gate()
    assert [project.verdict(test)["outcome"] for test in ("gone", "added")] == ["missing", "new"]
    slower = project.verdict("slower")
    # Where others use the machine meanwhile, a stored time is no more than suspect, and that is said.
    assert slower["outcome"] == ("suspect" if "meanwhile" in slower["text"] else "regressed")
    assert slower["low"] > 1
    assert project.verdict("same")["outcome"] in ("inconclusive", "suspect")
    assert project.verdict("same")["settle"] == (
        f"pytest bench/test_work.py::test_same --gate-benchmarks --against {revision[:12]}"
    )
    assert done.returncode == 1
    assert f"0001_{revision}" in project.record()["judgement"]["against"]


def test_a_stored_file_of_another_machine_is_not_compared_and_the_keys_are_named(project: Benchmarked) -> None:
    assert project.run("--benchmark-save=before").returncode == 0
    (file,) = (project.folder / ".benchmarks").glob("*/0001_before.json")
    found = json.loads(file.read_text())
    found["machine_info"]["cpu"]["brand_raw"] = "another <b>CPU</b>"
    found["machine_info"]["node"] = "another-host"
    file.write_text(json.dumps(found))
    done = project.run("--gate-benchmarks-from", "0001")
    assert project.verdict("same")["outcome"] == "not-comparable"
    assert [one["key"] for one in project.verdict("same")["differences"]] == ["cpu brand_raw"]
    assert done.returncode == 5
    assert "another-host" not in (project.latest / "run.json").read_text()


def test_nothing_stored_is_no_pass_and_says_how_to_store(project: Benchmarked) -> None:
    done = project.gate()
    assert done.returncode == 5
    assert "pytest --benchmark-autosave" in done.stdout
    assert project.verdict("same")["outcome"] == "new"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("-n", "2"), "leave -n away, or add -n 0"),
        (("--benchmark-disable",), "leave it away, or add --benchmark-enable"),
        (("--benchmark-skip",), "leave it away, or add --benchmark-only"),
        (("-p", "no:benchmark"), "leave -p no:benchmark away"),
        (("--against", "precision=fp32"), "a test has no precision"),
        (("--against", "main", "--gate-benchmarks-from", "0001"), "leave one away"),
        (("--gate-benchmarks-from", "0007"), "store some first"),
        (("--resume",), "is begun anew"),
        (("--against", "nowhere"), "is in no working tree"),
    ],
)
def test_what_could_judge_nothing_is_refused_with_the_next_step(project: Benchmarked, arguments, text: str) -> None:
    bare = [one for one in QUICK if arguments != ("-p", "no:benchmark")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "bench", "-p", "no:cacheprovider", *bare, "--gate-benchmarks", *arguments],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 4
    assert text in done.stderr + done.stdout


@pytest.mark.parametrize("arguments", [("--gate-benchmarks",), ("--gate-benchmarks", "-k", "plain")])
def test_no_test_with_a_benchmark_is_no_pass(project: Benchmarked, arguments: tuple[str, ...]) -> None:
    if len(arguments) == 1:
        (project.bench / "test_work.py").unlink()
    (project.bench / "test_plain.py").write_text("def test_plain(): pass\n")
    done = project.run(*arguments)
    assert done.returncode == 5
    assert "no test that uses the fixture `benchmark` was chosen" in done.stdout


def test_ctrl_c_leaves_a_report_and_no_process(project: Benchmarked) -> None:
    project.commit()
    run = subprocess.Popen(
        project.command("--gate-benchmarks", "--against", "HEAD"),
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Whoever starts the tests in the background has interrupts ignored, and children inherit that.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )
    events = project.latest / "events.jsonl"
    # The link comes with the run's folder, the pair with the first two processes that have ended.
    wait_for(lambda: events.exists() and '"kind":"pair"' in events.read_text())
    run.send_signal(signal.SIGINT)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 2, output
    assert project.record()["complete"] is False
    assert (project.latest / "report.html").exists()
    assert len(worktrees(project.folder)) == 1
    alive = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(project.folder) not in alive


def test_a_project_without_models_runs_its_tests_as_if_quantgate_were_not_there(project: Benchmarked) -> None:
    done = project.run()
    assert done.returncode == 0
    assert "quantgate:" not in done.stdout
