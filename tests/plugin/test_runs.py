"""A run as a user sees it: what is measured, what is said, what is left behind, which exit code."""

import json
import subprocess
import sys
from pathlib import Path

from .conftest import Project


def test_measured_cells_pass_and_leave_record_report_and_pointer(project: Project) -> None:
    done = project.run("--model", "tiny")
    assert done.returncode == 0, done.stdout
    assert project.status() == {"tiny/fp32": "measured", "tiny/int8-dynamic": "measured"}
    assert project.record()["complete"] is True
    assert (project.latest / "report.html").read_text().startswith("<!")
    assert project.latest.is_symlink()
    assert "tiny fp32 cpu" in done.stdout
    assert "report.html" in done.stdout


def test_each_cell_is_measured_once_for_all_its_tests(project: Project) -> None:
    project.run("--model", "tiny", "--precision", "fp32")
    events = [json.loads(line) for line in (project.latest / "events.jsonl").read_text().splitlines()]
    assert [event["kind"] for event in events].count("cell-started") == 1


def test_what_breaks_says_so_in_one_line_and_the_other_cells_run_on(project: Project) -> None:
    done = project.run("--model", "nan,not-onnx,raising,dying,tiny", "--precision", "fp32")
    assert done.returncode == 1
    assert project.status() == {
        "nan/fp32": "failed",
        "not-onnx/fp32": "failed",
        "raising/fp32": "failed",
        "dying/fp32": "failed",
        "tiny/fp32": "measured",
    }
    failures = {one["cell"]["model"]: one["failure"] for one in project.record()["measurements"] if one["failure"]}
    assert failures["nan"]["phase"] == "outputs"
    assert "NaN" in failures["nan"]["text"]
    assert "the weights are on another planet" in failures["raising"]["text"]
    assert "SIGKILL" in failures["dying"]["text"]
    assert "not.onnx" in failures["not-onnx"]["text"]
    assert "Traceback" not in done.stdout.replace(failures["raising"]["last_words"], "")


def test_a_run_in_which_nothing_could_be_measured_is_not_green(project: Project) -> None:
    done = project.run("--model", "without-weights")
    assert done.returncode == 1
    assert "pip install no-such-distribution" in done.stdout


def test_a_device_this_machine_lacks_is_unsupported_in_the_engines_words(project: Project) -> None:
    project.run("--model", "tiny", "--device", "cuda:7")
    found = project.record()["measurements"][0]
    assert (found["status"], found["reason"]) == ("unsupported", "NO_DEVICE")
    assert found["text"]


def test_a_device_on_which_nothing_was_measured_is_not_made_good_by_another(project: Project) -> None:
    done = project.run("--model", "tiny", "--precision", "fp32", "--device", "cpu", "--device", "cuda:7")
    assert {one["status"] for one in project.record()["measurements"]} == {"measured", "unsupported"}
    assert "nothing was measured on cuda:7" in done.stdout
    assert done.returncode == 1


def test_a_planned_cell_that_nothing_measured_is_not_green(project: Project) -> None:
    (project.folder / "suites" / "test_cells.py").write_text(
        "def test_one(cell, request):\n    if cell.precision == 'fp32':\n        request.getfixturevalue('measured')\n"
    )
    done = project.run("--model", "tiny")
    assert "1 of 2 planned cells have no measurement" in done.stdout
    assert done.returncode == 1


def test_a_hanging_model_is_killed_at_its_time_limit(project: Project) -> None:
    done = project.run("--model", "hanging", "--cell-limit", "3s")
    assert done.returncode == 1
    failure = project.record()["measurements"][0]["failure"]
    assert "3 s" in failure["text"]
    assert failure["phase"] == "first inference"
    assert not Path(f"/proc/{project.mark.read_text()}").exists()


def test_words_that_mean_nothing_are_refused_in_one_line(project: Project) -> None:
    for arguments, says in (
        (("--device", "tpu"), "unknown device 'tpu'"),
        (("--model", "tinny"), "did you mean tiny?"),
        (("--precision", "int3"), "no cell has a precision that matches 'int3'"),
        (("--precision", "fp32,int3"), "no cell has a precision that matches 'int3'"),
        (("-n", "2", "--model", "tinny"), "did you mean tiny?"),
        (("-n", "2", "--benchmark-json", "out.json"), "keeps nothing under pytest-xdist"),
        (("--artifact-cache", "pyproject.toml"), "is a file; name a folder"),
        (("--cell-seconds", "soon"), "is no duration"),
        (("--checkpoint", "tiny"), "write NAME=PATH"),
        (("--checkpoint", "tiny=/no/such/file"), "does not exist"),
        (("--single-core", "--threads", "2"), "--single-core means one thread"),
        (("--resume",), "holds no run"),
    ):
        done = project.run(*arguments)
        assert done.returncode == 4, (arguments, done.stdout)
        assert (done.stdout + done.stderr).count(says) == 1, (arguments, done.stdout, done.stderr)
        assert "Traceback" not in done.stdout + done.stderr


def test_reports_that_cannot_be_written_are_one_line(project: Project) -> None:
    (project.folder / "taken").write_text("a file, no folder")
    done = project.run("--model", "tiny", "--reports", "taken")
    assert done.returncode == 4
    assert "--reports" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_the_parent_imports_no_runtime(project: Project) -> None:
    (project.folder / "conftest.py").write_text(
        "import sys, json, pathlib\n"
        "def pytest_unconfigure(config):\n"
        "    heavy = [name for name in ('torch', 'onnxruntime', 'onnx', 'numpy') if name in sys.modules]\n"
        "    pathlib.Path('heavy.json').write_text(json.dumps(heavy))\n"
    )
    assert project.run("--model", "tiny").returncode == 0
    assert json.loads((project.folder / "heavy.json").read_text()) == []


def test_collecting_measures_nothing(project: Project) -> None:
    done = project.run("--collect-only", "-q")
    assert done.returncode == 0
    assert "test_latency[tiny/fp32/cpu]" in done.stdout
    assert not (project.folder / "reports").exists()


def test_a_deselected_cell_is_not_planned(project: Project) -> None:
    project.run("--model", "tiny", "-k", "fp32")
    assert [cell["precision"] for cell in project.record()["planned"]] == ["fp32"]


def test_with_several_processes_every_cell_arrives_once_and_none_overlap(project: Project) -> None:
    done = project.run("--model", "tiny*", "-n", "2")
    assert done.returncode == 0, done.stdout
    assert len(project.status()) == 4
    assert "tiny-too int8-dynamic cpu" in done.stdout
    events = [json.loads(line) for line in (project.latest / "events.jsonl").read_text().splitlines()]
    spans = [event["kind"] for event in events if event["kind"] in ("cell-started", "cell-finished")]
    assert spans == ["cell-started", "cell-finished"] * 4


def test_pytest_benchmarks_own_commands_work_on_the_cells(project: Project) -> None:
    for _ in range(2):
        done = project.run("--model", "tiny", "--benchmark-autosave", "--benchmark-json=bench.json")
        assert done.returncode == 0, done.stdout
    entry = next(one for one in json.loads((project.folder / "bench.json").read_text())["benchmarks"])
    record = next(one for one in project.record()["measurements"] if one["cell"]["precision"] == "fp32")
    assert entry["extra_info"]["precision"] == "fp32"
    assert entry["stats"]["rounds"] == len(record["sample"]["wall_seconds"])
    assert abs(entry["stats"]["max"] / max(record["sample"]["wall_seconds"]) - 1) < 1e-9
    compare = subprocess.run(
        [str(Path(sys.executable).parent / "pytest-benchmark"), "compare", "--histogram=histogram"],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert compare.returncode == 0, compare.stderr
    assert "test_latency[tiny/fp32/cpu]" in compare.stdout
    assert list(project.folder.glob("histogram*.svg"))


def test_the_suite_runs_without_pytest_benchmark(project: Project) -> None:
    assert project.run("--model", "tiny", "--precision", "fp32", "-p", "no:benchmark").returncode == 0


def test_models_of_an_installed_package_are_measured_too(project: Project) -> None:
    package = project.folder / "elsewhere"
    info = package / "others-1.0.dist-info"
    info.mkdir(parents=True)
    source = (project.folder / "suites" / "models" / "tiny.py").read_text().replace('model("tiny', 'model("other')
    (package / "others.py").write_text(source[: source.index("MODELS = (")] + 'MODELS = (model("other"),)\n')
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[quantgate.models]\nothers = others\n")
    project.environment["PYTHONPATH"] = str(package)
    assert project.run("--model", "other", "--precision", "fp32").returncode == 0
    assert project.status() == {"other/fp32": "measured"}


def test_one_odd_model_file_is_named_and_nothing_is_measured(project: Project) -> None:
    (project.folder / "suites" / "models" / "odd.py").write_text("import no_such_library\n")
    done = project.run("--model", "tiny")
    assert done.returncode == 4
    assert "suites.models.odd cannot be imported: ModuleNotFoundError: No module named 'no_such_library'" in done.stderr


def test_a_reference_that_is_not_there_is_named(project: Project) -> None:
    source = project.folder / "suites" / "models" / "tiny.py"
    source.write_text(source.read_text().replace('path.write_text("this is no model")', "pass"))
    (project.folder / "tmp" / "cache").mkdir()
    project.run("--model", "not-onnx", "--artifact-cache", "tmp/cache")
    failure = project.record()["measurements"][0]["failure"]
    assert "not.onnx does not exist; check the path" in failure["text"]


def test_somebodys_weights_are_not_linked_into_the_cache(project: Project, tmp_path: Path) -> None:
    cache = tmp_path / "own-cache"
    project.run("--model", "tiny", "--precision", "fp32", "--artifact-cache", str(cache))
    assert project.status() == {"tiny/fp32": "measured"}
    assert not list((cache / "artifacts").rglob("*.onnx"))
    assert [file.stat().st_nlink for file in cache.rglob("*.onnx")] == [1]
