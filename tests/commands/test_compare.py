"""`quantgate compare`: two stored runs, a table, a headline, an exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import main
from harness.commands.compare import exit_of
from harness.comparisons import Outcome, Verdict
from harness.journal import write_run
from harness.results import Measurement, Run
from tests.baselines.made import CELL, FAILED, OTHER, UNSUPPORTED, measured, run, scored


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def compared(a: Run, b: Run, *words: str) -> int:
    for name, one in (("a", a), ("b", b)):
        Path(name).mkdir(exist_ok=True)
        write_run(Path(name), one)
    return main(["compare", "a", "b/run.json", *words])


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        (measured(), measured(), 10, "not decided"),
        (measured(), measured(artifact_bytes=2_000_000.0), 1, "worse"),
        (measured(), measured(seconds=(0.02,) * 4), 10, "not decided"),
        (measured(), FAILED, 1, "worse"),
        (measured(), UNSUPPORTED, 1, "worse"),
        (measured(), measured(OTHER), 1, "worse"),
        (UNSUPPORTED, UNSUPPORTED, 11, "nothing comparable"),
        (FAILED, measured(), 11, "nothing comparable"),
        (measured(), measured(provenance={"workload_digest": "other"}), 11, "nothing comparable"),
    ],
)
def test_the_exit_code_and_the_headline_say_the_same(
    old: Measurement, new: Measurement, code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compared(run(old), run(new, id="run-2")) == code
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"{says} · ")


def test_a_run_beside_itself_is_not_called_unchanged_in_any_time(capsys: pytest.CaptureFixture[str]) -> None:
    one = run(measured())
    assert compared(one, one, "--format", "json") == 10
    verdicts = json.loads(capsys.readouterr().out)["verdicts"]
    times = [verdict["outcome"] for verdict in verdicts if verdict["metric"].endswith("_seconds")]
    assert times == ["inconclusive"] * 4


def test_swapping_the_runs_turns_worse_into_better(capsys: pytest.CaptureFixture[str]) -> None:
    a, b = run(measured()), run(measured(artifact_bytes=2_000_000.0), id="run-2")
    assert compared(a, b) == 1
    assert "▲ regressed" in capsys.readouterr().out
    assert compared(b, a) == 10
    assert "▼ improved" in capsys.readouterr().out


def test_json_holds_every_verdict_and_its_rate(capsys: pytest.CaptureFixture[str]) -> None:
    two = measured(), measured(OTHER)
    compared(run(*two), run(*two, id="run-2"), "--format", "json")
    found = json.loads(capsys.readouterr().out)
    assert {verdict["metric"] for verdict in found["verdicts"]} >= {"latency_seconds", "artifact_bytes"}
    # Two cells have four times each; a run may raise a false alarm once in a hundred.
    assert (found["comparisons"], found["stage_rate"]) == (8, 0.00125)


def test_margins_come_from_the_expectations_that_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("loose.toml").write_text("[margins]\nartifact_bytes = 0.7\n")
    a, b = run(measured()), run(measured(artifact_bytes=2_000_000.0), id="run-2")
    assert compared(a, b, "--expectations", "loose.toml") == 10
    said = capsys.readouterr().out
    assert "within the margin, counted" in said  # 1,234,567 to 2,000,000 is 62 % more


ALL_RIGHT, HALF_RIGHT = (1,) * 200, (1, 0) * 100


def test_quality_is_compared_example_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    worse = scored(HALF_RIGHT, agrees=ALL_RIGHT, digest="p")
    assert compared(run(measured(quality=scored(ALL_RIGHT))), run(measured(quality=worse), id="run-2")) == 1
    assert "accuracy" in capsys.readouterr().out


def test_the_same_outputs_are_unchanged(capsys: pytest.CaptureFixture[str]) -> None:
    one = run(measured(quality=scored()))
    assert compared(one, one, "--format", "json") == 10
    found = {verdict["metric"]: verdict["outcome"] for verdict in json.loads(capsys.readouterr().out)["verdicts"]}
    assert (found["accuracy"], found["decision_agreement"]) == ("unchanged", "unchanged")


def test_what_became_wrong_is_not_called_better_in_anything(capsys: pytest.CaptureFixture[str]) -> None:
    old = measured(quality=scored(ALL_RIGHT))
    new = measured(quality=scored(HALF_RIGHT, digest="p"), artifact_bytes=1_000.0)
    assert compared(run(old), run(new, id="run-2"), "--format", "json") == 1
    outcomes = {verdict["metric"]: verdict["outcome"] for verdict in json.loads(capsys.readouterr().out)["verdicts"]}
    assert "improved" not in outcomes.values()
    assert outcomes["artifact_bytes"] == "inconclusive"


@pytest.mark.parametrize(("digest", "rate"), [("o", 0.01), ("p", 0.02)])
def test_what_is_said_of_quality_has_a_chance_of_error_of_its_own(
    digest: str, rate: float, capsys: pytest.CaptureFixture[str]
) -> None:
    right = ALL_RIGHT if digest == "o" else HALF_RIGHT
    old, new = measured(quality=scored(ALL_RIGHT)), measured(quality=scored(right, digest=digest))
    compared(run(old), run(new, id="run-2"), "--format", "json")
    assert json.loads(capsys.readouterr().out)["error_rate"] == pytest.approx(rate)


def test_what_may_be_lost_comes_from_the_expectations(capsys: pytest.CaptureFixture[str]) -> None:
    Path("loose.toml").write_text("[margins]\naccuracy = 0.9\ndecision_agreement = 0.9\n")
    old, new = measured(quality=scored(ALL_RIGHT)), measured(quality=scored(HALF_RIGHT, digest="p"))
    assert compared(run(old), run(new, id="run-2"), "--expectations", "loose.toml") == 10
    assert "within the margin" in capsys.readouterr().out


@pytest.mark.parametrize("bad", ["nowhere", "broken"])
def test_a_run_that_cannot_be_read_ends_with_one_line(bad: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("broken").mkdir()
    Path("broken/run.json").write_text('{"schema": 1, "id":')
    assert main(["compare", bad, bad]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_comparing_needs_no_runtime_and_no_model(tmp_path: Path) -> None:
    compared(run(measured()), run(measured(), id="run-2"))
    program = (
        "import sys; from harness.cli import main; main(['compare', 'a', 'b']);"
        "heavy = [n for n in ('torch', 'onnxruntime', 'numpy', 'transformers') if n in sys.modules];"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert str(CELL.model) in done.stdout


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([Outcome.UNCHANGED, Outcome.IMPROVED, Outcome.NEW, Outcome.NOT_COMPARABLE], 0),
        ([Outcome.UNCHANGED, Outcome.SUSPECT], 10),
        ([Outcome.UNCHANGED, Outcome.INCONCLUSIVE], 10),
        ([Outcome.NEW, Outcome.UNSUPPORTED], 11),
        ([], 11),
    ],
)
def test_a_pass_is_what_was_compared_and_decided(outcomes: list[Outcome], code: int) -> None:
    assert exit_of([Verdict(CELL, None, outcome, "", "run a") for outcome in outcomes]) == code
