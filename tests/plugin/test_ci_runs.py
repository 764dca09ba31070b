"""What a CI gets of a real run: exit code, tests and every file say the same. Real pytest, real workers."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from .conftest import GatedProject, Project

SLOWER = "drive=looping(12_000)"
FILES = ("comment.md", "junit.xml", "report.html", "summary.md")


def red_cases(project: Project) -> list[str]:
    """The test cases of junit.xml that failed or broke, each with its type."""
    root = ET.parse(project.latest / "junit.xml").getroot()
    return [
        f"{case.get('classname')} {case.get('name')}: {red.get('type')}"
        for case in root.iter("testcase")
        for red in (*case.findall("failure"), *case.findall("error"))
    ]


def state_in(project: Project, name: str) -> str:
    """The word for how the run ended, as a file of the run has it."""
    said = (project.latest / name).read_text()
    pattern = r'<span class="state">([^<]+)</span>' if name.endswith("html") else r"### \S+ (.+)"
    found = re.search(pattern, said)
    assert found, said[:2000]
    return found[1][:1].lower() + found[1][1:]


def failed_tests(out: str) -> set[str]:
    """The tests that pytest says failed."""
    lines = (line.split()[1] for line in out.splitlines() if line.startswith("FAILED"))
    return {line.partition("::")[2] for line in lines}


def test_of_a_slower_model_and_a_promise_not_kept_every_file_and_the_exit_code_say_failed(gated: GatedProject) -> None:
    gated.environment["GITHUB_ACTIONS"] = "true"
    gated.declare(loop="", stays="")
    gated.commit()
    gated.declare(loop=SLOWER, stays="")
    gated.expect(
        "\n[[budget]]\nname = 'quicker than light'\ncells = 'stays/*/*'\nmetric = 'latency_seconds'\n"
        "at_most = 1e-9\nsource = 'a test'\n"
    )
    done = gated.compare("--profile", "nightly", "--time-budget", "60s")
    assert done.returncode == 1, done.stdout
    assert {state_in(gated, name) for name in ("comment.md", "summary.md", "report.html")} == {"gate failed"}
    assert "GATE FAILED" in done.stdout
    assert failed_tests(done.stdout) >= {"test_speed[loop/fp32/cpu]", "test_promises[stays/fp32/cpu]"}
    assert "test_promises[loop/fp32/cpu]" not in done.stdout, "nothing was promised of it"
    red = red_cases(gated)
    assert "loop/fp32/cpu latency_seconds: regression" in red
    assert "stays/fp32/cpu budget quicker than light: budget missed" in red
    commands = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert commands[0].startswith("::error title=Quantgate%3A gate failed::gate failed")
    assert 3 <= len(commands) <= 6


def test_a_budget_that_is_missed_fails_a_test_also_where_nothing_is_compared(gated: GatedProject) -> None:
    gated.expect(
        "\n[[budget]]\nname = 'quicker than light'\ncells = '*/*/*'\nmetric = 'latency_seconds'\n"
        "at_most = 1e-9\nsource = 'a test'\n"
    )
    done = gated.run("--profile", "nightly")
    assert done.returncode == 1, done.stdout
    assert failed_tests(done.stdout) == {"test_promises[loop/fp32/cpu]"}
    assert "quicker than light" in done.stdout.partition("loop fp32 cpu, what was promised of it")[2]
    assert red_cases(gated) == ["loop/fp32/cpu budget quicker than light: budget missed"]
    assert {state_in(gated, name) for name in ("comment.md", "summary.md", "report.html")} == {"gate failed"}


def test_what_breaks_is_red_on_every_surface_and_no_annotation_is_printed_elsewhere(project: Project) -> None:
    project.environment.pop("GITHUB_ACTIONS", None)
    done = project.run("--model", "[rt]*i*", "--precision", "fp32")
    assert done.returncode == 1, done.stdout
    assert sorted(path.name for path in project.latest.iterdir() if path.name in FILES) == sorted(FILES)
    assert {state_in(project, name) for name in ("comment.md", "summary.md", "report.html")} == {"failed"}
    assert red_cases(project) == ["raising/fp32/cpu measured: failed"]
    assert not [line for line in done.stdout.splitlines() if line.startswith("::")]


def test_a_green_run_is_green_everywhere_and_its_many_processes_annotate_it_once(project: Project) -> None:
    project.environment["GITHUB_ACTIONS"] = "true"
    done = project.run("--model", "tiny", "-n", "2")
    assert done.returncode == 0, done.stdout
    commands = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert commands == ["::notice title=Quantgate%3A complete::complete · measured 2 of 2"]
    assert red_cases(project) == []
    assert {state_in(project, name) for name in ("comment.md", "summary.md", "report.html")} == {"complete"}


def test_a_live_comparison_of_no_cell_is_not_green_whatever_else_passes(gated: GatedProject) -> None:
    (gated.folder / "suites" / "test_plain.py").write_text("def test_plain(): pass\n")
    gated.commit()
    done = gated.compare("-k", "plain")
    assert done.returncode == 5, done.stdout
    assert "1 passed" in done.stdout
    assert "nothing was compared: this run is not green; name the folder of the suites" in done.stdout
    assert gated.compare("-k", "plain", "--collect-only").returncode == 0
