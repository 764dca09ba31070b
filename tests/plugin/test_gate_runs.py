"""The gate as a user meets it: real pytest runs, real workers, a real repository; what is said, and the exit code."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.git_fakes import everything_in, git, worktrees

from .conftest import GatedProject
from .test_interrupted import wait_for

FASTER, SLOWER = "drive=looping(4_000)", "drive=looping(12_000)"


def source_of(project: GatedProject) -> dict[str, str]:
    """Everything of the project's tree but the runs, and but what git writes when it is asked."""
    found = everything_in(project.folder)
    return {name: what for name, what in found.items() if not name.startswith("reports/") and "__pycache__" not in name}


def quantgate(project: GatedProject, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of quantgate in the project."""
    return subprocess.run(
        [sys.executable, "-m", "harness.cli", *arguments],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class Compared:
    """A project whose models differ from those of its commit in every way there is, compared with it once."""

    def __init__(self, project: GatedProject) -> None:
        self.project = project
        project.declare(
            same="",
            slower=FASTER,
            faster=SLOWER,
            gone="",
            elsewhere="",
            breaks="",
            mended="reference=raises",
            lost="",
        )
        self.revision = project.commit()
        project.declare(
            same="",
            slower=SLOWER,
            faster=FASTER,
            elsewhere='workload=lambda setting: workload(setting, "other content")',
            breaks="reference=raises",
            mended="",
            added="",
            lost='needs=(Need("no-such-distribution", "pip install no-such-distribution"),)',
        )
        self.before = source_of(project)
        self.done = project.compare()


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Compared:
    """One run for all tests that only read what it said."""
    return Compared(GatedProject(tmp_path_factory.mktemp("compared") / "project", cache))


def whole(project: GatedProject, model: str) -> dict[str, Any]:
    """The one verdict of a cell as a whole."""
    return project.verdict(None, model)


@pytest.mark.parametrize(
    ("model", "outcome", "is_fatal"),
    [("same", "unchanged", False), ("slower", "regressed", True), ("faster", "improved", False)],
)
def test_a_change_of_the_code_is_named_and_only_the_worse_is_fatal(compared, model, outcome, is_fatal) -> None:
    verdict = compared.project.verdict("latency_seconds", model)
    assert (verdict["outcome"], verdict["is_fatal"]) == (outcome, is_fatal), verdict
    assert verdict["against"] == f"HEAD at {compared.revision[:8]}"


def test_what_was_said_to_change_rests_on_two_stages_of_fresh_processes(compared: Compared) -> None:
    by_model: dict[str, set[int]] = {}
    for event in compared.project.events("pair"):
        if not event["body"]["is_control"]:
            by_model.setdefault(event["cell"]["model"], set()).add(event["body"]["pair"]["stage"])
    assert by_model == {"same": {1}, "slower": {1, 2}, "faster": {1, 2}}


@pytest.mark.parametrize(
    ("model", "outcome", "said", "is_fatal"),
    [
        ("gone", "missing", "has this cell, and this side does not declare it", True),
        ("added", "new", "does not declare it", False),
        ("elsewhere", "not-comparable", "do not do the same work", False),
        ("breaks", "failed", "the weights are on another planet", True),
        ("mended", "not-comparable", "cannot be measured", False),
        ("lost", "unsupported", "can run it", True),
    ],
)
def test_a_cell_without_its_other_side_says_why(compared, model, outcome, said, is_fatal) -> None:
    verdict = whole(compared.project, model)
    assert (verdict["outcome"], verdict["is_fatal"]) == (outcome, is_fatal), verdict
    assert said in verdict["text"]


def test_the_key_by_which_the_work_differs_is_named(compared: Compared) -> None:
    (difference,) = whole(compared.project, "elsewhere")["differences"]
    assert difference["key"] == "workload"
    assert difference["old"] != difference["new"]


def test_the_run_is_red_and_its_tests_show_tables_without_a_traceback(compared: Compared) -> None:
    out = compared.done.stdout
    assert compared.done.returncode == 1, out
    failed = {line.split()[1] for line in out.splitlines() if line.startswith("FAILED")}
    assert {name.removeprefix("suites/test_gate.py::") for name in failed if "test_speed" in name} == {
        f"test_speed[{name}/fp32/cpu]" for name in ("slower", "breaks", "lost")
    }
    assert "verdicts.check" not in out, "that would be pytest's traceback"
    assert "Traceback" not in out.partition("test_speed[slower/fp32/cpu]")[2].partition("____ test_")[0]
    assert "confirmed in fresh processes" in out
    assert "gone" in out
    assert "missing" in out


def test_the_control_ran_on_one_cell_and_is_no_verdict(compared: Compared) -> None:
    controls = compared.project.judgement()["controls"]
    assert {(one["against"], one["cell"]["precision"]) for one in controls} == {
        (f"HEAD at {compared.revision[:8]}, against itself", "fp32")
    }
    (latency,) = [one for one in controls if one["metric"] == "latency_seconds"]
    assert latency["outcome"] in ("unchanged", "inconclusive")


def test_neither_the_tree_nor_git_nor_the_temporary_folder_keeps_a_trace(compared: Compared) -> None:
    project = compared.project
    assert source_of(project) == compared.before
    assert worktrees(project.folder) == {str(project.folder)}
    assert not list(project.temporary.glob("quantgate-arm-*"))
    assert git(project.folder, "status", "--porcelain") == "M suites/models/tiny.py"


def test_what_is_said_of_a_side_is_one_line_without_a_path_of_this_machine(compared: Compared) -> None:
    record = compared.project.record()
    said = [one["problem"] for one in record["duels"] if one["problem"]]
    said += [one["text"] for one in record["judgement"]["verdicts"]]
    assert len(said) > 20
    for text in said:
        assert "\n" not in text
        assert compared.project.folder.parent.name not in text
        assert sys.prefix not in text


def test_quantgate_report_renders_the_judged_run_again(compared: Compared, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(compared.project.latest.resolve(), copy)
    page = (copy / "report.html").read_text()
    (copy / "report.html").unlink()
    done = quantgate(compared.project, "report", str(copy))
    assert done.returncode == 0, done.stderr
    assert "regressed" in page
    assert (copy / "report.html").read_text().count("regressed") == page.count("regressed")


def test_unchanged_code_is_green(gated: GatedProject) -> None:
    done = gated.compare("--time-budget", "30s")
    assert done.returncode == 0, done.stdout
    assert gated.verdict("latency_seconds")["outcome"] in ("unchanged", "inconclusive")
    assert gated.verdict("artifact_bytes")["outcome"] == "unchanged"
    assert worktrees(gated.folder) == {str(gated.folder)}


def test_where_everything_is_new_nothing_was_compared_and_that_is_not_green(gated: GatedProject) -> None:
    gated.declare(other="")
    gated.folder.joinpath("suites/models/tiny.py").write_text(gated.models.read_text())
    git(gated.folder, "rm", "--quiet", "--cached", "suites/models/tiny.py")
    git(gated.folder, "commit", "--quiet", "--message", "no models")
    done = gated.compare()
    assert whole(gated, "other")["outcome"] == "new"
    assert done.returncode == 5, done.stdout
    assert "nothing was compared" in done.stdout


def test_a_base_whose_models_do_not_import_is_one_clear_problem(gated: GatedProject) -> None:
    sound = gated.models.read_text()
    gated.models.write_text("import no_such_module_anywhere\n")
    revision = gated.commit()
    gated.models.write_text(sound)
    done = gated.compare()
    assert done.returncode == 1, done.stdout
    assert f"the suites of HEAD at {revision[:8]} cannot be read" in done.stdout
    assert "no_such_module_anywhere" in done.stdout
    assert "Traceback" not in done.stdout
    said = [line for line in done.stdout.splitlines() if line.startswith("the suites of")]
    assert len(said) == 1, "four tests ask for a verdict, and one tells why there is none"
    assert gated.status() == {"loop/fp32": "measured"}
    assert worktrees(gated.folder) == {str(gated.folder)}


def test_a_comparison_that_could_not_be_made_is_not_green_where_no_test_asks_for_a_verdict(gated: GatedProject) -> None:
    (gated.folder / "suites" / "test_gate.py").unlink()
    sound = gated.models.read_text()
    gated.models.write_text("import no_such_module_anywhere\n")
    gated.commit()
    gated.models.write_text(sound)
    done = gated.compare()
    assert done.returncode == 1, done.stdout
    assert "no_such_module_anywhere" in done.stdout


def test_a_cell_of_which_nothing_is_said_is_skipped_and_does_not_pass(gated: GatedProject) -> None:
    done = gated.compare("--time-budget", "1s", "--precision", "fp32", "-rs", against="precision=fp32")
    assert done.returncode == 5, done.stdout
    assert "nothing was said of its" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--against", "nosuchref"), "there is no revision 'nosuchref' here"),
        (("--against", "python=/no/such/python"), "is no program that can be run"),
        (("--against", "HEAD", "-n", "2"), "--against compares in one process; leave pytest-xdist's -n away"),
        (("--against", "HEAD", "--settle"), "--settle compares with the baselines' revisions"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line_before_anything_is_measured(gated, arguments, said) -> None:
    done = gated.run(*arguments)
    assert done.returncode == 4, done.stdout
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert said in lines[0]
    assert not (gated.folder / "reports").exists()


def test_an_expectation_that_means_nothing_is_refused_with_its_line_before_anything_is_measured(gated) -> None:
    gated.expect("\n[[budget]]\nname = 'quick'\ncells = '*'\nmetrik = 'latency_seconds'\nat_most = 1\n")
    place = (gated.folder / "suites" / "expectations.toml").read_text().splitlines().index("metrik = 'latency_seconds'")
    done = gated.run()
    assert done.returncode == 4, done.stdout
    assert f"expectations.toml:{place + 1}:" in done.stderr
    assert "metrik" in done.stderr
    assert not (gated.folder / "reports").exists()


def test_against_a_precision_the_others_are_compared_and_itself_is_left_out(gated: GatedProject) -> None:
    gated.declare(loop="precisions=('fp32', 'int8-dynamic')")
    done = gated.compare("--time-budget", "4s", against="precision=fp32")
    assert done.returncode == 0, done.stdout
    assert {name.rsplit("/", 1)[0] for name in gated.outcomes()} == {"loop/int8-dynamic"}
    verdict = gated.verdict("latency_seconds")
    assert verdict["against"] == "fp32"
    assert verdict["pairs"] >= 1


def test_against_a_variable_the_other_side_has_it_and_this_side_has_not(gated: GatedProject) -> None:
    gated.declare(loop="drive=looping(16_000 if os.environ.get('QUANTGATE_TEST_SLOW') else 4_000)")
    done = gated.compare("--time-budget", "30s", against="env=QUANTGATE_TEST_SLOW=1")
    assert done.returncode == 0, done.stdout
    assert gated.verdict("latency_seconds")["outcome"] == "improved"


def test_against_another_interpreter_pairs_are_made(gated: GatedProject) -> None:
    done = gated.compare("--time-budget", "1s", against=f"python={sys.executable}")
    assert done.returncode == 0, done.stdout
    (duel,) = [one for one in gated.record()["duels"] if not one["is_control"]]
    assert duel["against"].startswith("python 3.")
    assert len(duel["pairs"]) >= 1
    assert sys.prefix not in json.dumps(duel)


def test_a_spent_budget_ends_the_run_soon_and_says_inconclusive(gated: GatedProject) -> None:
    gated.declare(loop="", another="")
    gated.commit()
    done = gated.compare("--time-budget", "100ms")
    assert done.returncode == 0, done.stdout
    pairs = gated.events("pair")
    assert len(pairs) <= 1, "one pair was begun in time, and no other"
    said = {
        one["cell"]["model"]: one["outcome"]
        for one in gated.judgement()["verdicts"]
        if one["metric"] in (None, "latency_seconds")
    }
    assert said == {"loop": "inconclusive", "another": "inconclusive"}


def test_without_a_gate_a_regression_is_shown_and_the_run_is_green(gated: GatedProject) -> None:
    gated.declare(loop=SLOWER)
    done = gated.compare("--no-gate", "--time-budget", "30s")
    verdict = gated.verdict("latency_seconds")
    assert (verdict["outcome"], verdict["is_fatal"]) == ("regressed", False)
    assert done.returncode == 0, done.stdout
    assert "regressed" in done.stdout


def begin_and_wait_for_pairs(gated: GatedProject, count: int) -> subprocess.Popen[str]:
    """A run that would take long, stopped in the middle of its pairs by whoever called."""
    run = gated.start("--against", "HEAD")
    wait_for(
        lambda: (
            run.poll() is not None or ((gated.latest / "events.jsonl").exists() and len(gated.events("pair")) >= count)
        )
    )
    assert run.poll() is None, run.communicate()[0]
    return run


def test_ctrl_c_among_the_pairs_leaves_report_and_record_with_the_pairs_so_far(gated: GatedProject) -> None:
    run = begin_and_wait_for_pairs(gated, 2)
    run.send_signal(signal.SIGINT)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 2, output
    record = gated.record()
    assert record["complete"] is False
    assert sum(len(duel["pairs"]) for duel in record["duels"]) == len(gated.events("pair")) >= 2
    assert gated.verdict("latency_seconds")["outcome"] == "inconclusive"
    assert "inconclusive" in (gated.latest / "report.html").read_text()
    assert worktrees(gated.folder) == {str(gated.folder)}


def test_a_killed_comparison_goes_on_from_its_pairs_when_resumed(gated: GatedProject) -> None:
    run = begin_and_wait_for_pairs(gated, 3)
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    before = gated.events("pair")
    done = gated.compare("--resume", "--time-budget", "30s")
    assert done.returncode == 0, done.stdout
    after = gated.events("pair")
    assert after[: len(before)] == before
    assert len(gated.events("cell-started")) == 1
    kept = [pair["log_ratios"] for duel in gated.record()["duels"] for pair in duel["pairs"]]
    assert all(event["body"]["pair"]["log_ratios"] in kept for event in before)
    assert gated.verdict("latency_seconds")["pairs"] == sum(not event["body"]["is_control"] for event in after)
    wait_for(lambda: worktrees(gated.folder) == {str(gated.folder)})


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--profile", "nightly"], 5), (["--profile", "nightly", "--no-gate"], 0), ([], 0)]
)
def test_a_night_whose_baselines_are_gone_is_not_green(gated: GatedProject, arguments: list[str], code: int) -> None:
    """Evicted, forgotten or never stored: everything is new then, and used to pass."""
    done = gated.run(*arguments)
    assert done.returncode == code, done.stdout
    assert ("nothing was compared: this run is not green" in done.stdout) == (code == 5)


@pytest.mark.parametrize(("profile", "code"), [("gate", 0), ("nightly", 1)])
def test_a_missed_budget_is_told_and_is_fatal_under_nightly_only(gated: GatedProject, profile: str, code: int) -> None:
    gated.expect(
        "\n[[budget]]\nname = 'quicker than light'\ncells = '*/*/*'\nmetric = 'latency_seconds'\n"
        "at_most = 1e-9\nsource = 'a test'\n"
    )
    done = gated.run("--profile", profile)
    (judged,) = gated.judgement()["judged"]
    assert (judged["name"], judged["answer"]) == ("quicker than light", "missed")
    assert "quicker than light" in done.stdout
    assert done.returncode == code, done.stdout


@pytest.fixture(scope="module")
def stored_once(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> GatedProject:
    """Two models with three accepted sessions or more each: on a busy machine a run is refused now and then."""
    project = GatedProject(tmp_path_factory.mktemp("stored") / "project", cache)
    project.declare(loop="", other="")
    # These are about what is stored, not about times: between sessions this machine was seen to halve its speed.
    expected = project.folder / "suites" / "expectations.toml"
    expected.write_text(expected.read_text().replace("\nlatency_seconds = 0.4", "\nlatency_seconds = 0.99"))
    project.commit()
    said = ""
    for _ in range(20):
        assert project.run("--cell-seconds", "400ms").returncode == 0
        done = quantgate(project, "accept", "--new")
        said += done.stdout + done.stderr
        kept = [json.loads(path.read_text())["sessions"] for path in project.folder.glob("baselines/*/*/*.json")]
        if len(kept) == 2 and min(map(len, kept)) >= 3:
            return project
    raise AssertionError(said)


@pytest.fixture
def stored(stored_once: GatedProject, tmp_path: Path) -> GatedProject:
    """A copy of the project with baselines, to be changed at will."""
    copied = GatedProject.__new__(GatedProject)
    copied.__dict__.update(stored_once.__dict__)
    copied.folder = tmp_path / "project"
    shutil.copytree(stored_once.folder, copied.folder, symlinks=True)
    copied.models = copied.folder / "suites" / "models" / "tiny.py"
    return copied


def baseline(project: GatedProject, model: str) -> Path:
    (found,) = (project.folder / "baselines").glob(f"*/{model}/fp32.cpu.json")
    return found


def test_against_accepted_results_the_same_code_is_green(stored: GatedProject) -> None:
    done = stored.run()
    assert done.returncode == 0, done.stdout
    outcomes = stored.outcomes()
    assert outcomes["loop/fp32/peak_bytes"] == outcomes["other/fp32/artifact_bytes"] == "unchanged"
    assert outcomes["loop/fp32/latency_seconds"] in ("inconclusive", "suspect", "unchanged")
    assert re.search(r"[3-9] sessions", stored.verdict("latency_seconds")["against"])
    assert "same machine class · 2 of 2 comparable" in done.stdout
    assert re.search(r"1/2 .* [?△·] (inconclusive|suspect|unchanged)", done.stdout), done.stdout


def test_a_baseline_cut_short_costs_one_line_and_its_own_cell(stored: GatedProject) -> None:
    path = baseline(stored, "loop")
    path.write_text(path.read_text()[:-40])
    done = stored.run()
    (problem,) = stored.judgement()["problems"]
    assert "\n" not in problem
    assert path.name in problem
    assert stored.outcomes()["loop/fp32"] == "not-comparable"
    assert stored.outcomes()["other/fp32/peak_bytes"] == "unchanged"
    assert done.returncode == 0, done.stdout


def test_thirty_megabytes_held_are_seen_from_the_store_once_more_processes_were_weighed(stored: GatedProject) -> None:
    stored.declare(loop="workload=holding", other="")
    stored.models.write_text(
        stored.models.read_text().replace(
            "MODELS =",
            "HELD = []\n\n\ndef holding(setting):\n    HELD.append(bytearray(b'x') * 30_000_000)\n"
            "    return workload(setting)\n\n\nMODELS =",
        )
    )
    done = stored.run()
    verdict = stored.verdict("peak_bytes")
    assert (verdict["outcome"], verdict["is_fatal"]) == ("regressed", True), verdict
    assert verdict["pairs"] >= 3
    assert verdict["new"] - verdict["old"] == pytest.approx(30e6, abs=3e6)
    assert stored.verdict("peak_bytes", "other")["outcome"] == "unchanged"
    assert done.returncode == 1
    assert "test_peak_memory[loop/fp32/cpu]" in done.stdout
