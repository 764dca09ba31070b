"""Quality as a user meets it: measured with every cell, in the record, and nothing of it left lying about."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from .conftest import GatedProject, Project
from .test_interrupted import gone, wait_for

DECIDING = """
import sys
from functools import partial

from harness.models import Decides


def sums(call, inputs):
    yield {"y": call(inputs)["y"].mean(keepdims=True)}


def labelled(setting):
    # The bias alone makes the mean positive or not: those of inputs of nothing are decided by it.
    return Workload("nothing", 1, tuple(Example(f"e{n}", ones(0.0), label="no") for n in range(6)), "nothing")


def hangs_when_scored(setting):
    if "onnxruntime" not in sys.modules and "QUANTGATE_TEST_MENDED" not in os.environ:
        Path(os.environ["QUANTGATE_TEST_MARK"]).write_text(str(os.getpid()))
        time.sleep(600)
    return labelled(setting)


def deciding(name, **changes):
    described = dict(
        meanings=(Decides("y", threshold=0.5, positive="yes"),), workload=labelled, exam=labelled, drive=sums,
    )
    return model(name, **(described | changes))


always_yes = {"int8-dynamic": partial(build, bias=1.0)}
MODELS = (
    deciding("faithful"),
    deciding("wrong", given=always_yes),
    deciding("slow-to-score", workload=hangs_when_scored),
)
"""


@pytest.fixture
def deciding(project: Project) -> Project:
    """A project of models that decide: one faithfully, one whose int8 always says yes, one whose scoring hangs."""
    source = project.folder / "suites" / "models" / "tiny.py"
    source.write_text(source.read_text() + DECIDING)
    return project


def quality(project: Project) -> dict[str, Any]:
    """What is recorded of each cell's outputs."""
    return {
        "/".join((one["cell"]["model"], one["cell"]["precision"])): one["quality"]
        for one in project.record()["measurements"]
    }


def value(found: dict[str, Any], metric: str) -> Any:
    (score,) = [one for one in found["scores"] if one["metric"] == metric]
    return score["value"]


def outputs(project: Project) -> list[Path]:
    return sorted((project.latest / "outputs").rglob("answers.json"))


def test_every_measured_cell_has_its_quality_in_the_record_and_its_outputs_are_not_kept(deciding: Project) -> None:
    done = deciding.run("--model", "faithful", "-n", "2")
    assert done.returncode == 0, done.stdout
    found = quality(deciding)
    assert list(found) == ["faithful/fp32", "faithful/int8-dynamic"]
    for one in found.values():
        assert (one["is_same"], one["was_steady"], one["problem"], one["wrong"]) == (True, True, None, None)
        assert (value(one, "sqnr_db"), value(one, "accuracy"), one["decisions"]) == (100.0, 1.0, 6)
        assert one["exam"]["ids"] == [f"e{number}" for number in range(6)]
    assert not (deciding.latest / "outputs").exists()
    lines = (deciding.latest / "events.jsonl").read_text().splitlines()
    phases = [event["body"]["phase"] for event in map(json.loads, lines) if event["kind"] == "phase"]
    assert phases.index("timing") < phases.index("answers") < phases.index("close") < phases.index("quality")


def test_wrong_outputs_fail_the_run_and_the_numbers_are_in_the_record(deciding: Project) -> None:
    done = deciding.run("--model", "wrong")
    assert done.returncode == 1
    assert deciding.status() == {"wrong/fp32": "measured", "wrong/int8-dynamic": "failed"}
    assert "quality: the outputs are wrong: decision_agreement is 0" in done.stdout
    (failed,) = [one for one in deciding.record()["measurements"] if one["status"] == "failed"]
    assert failed["failure"]["phase"] == "quality"
    assert next(one["value"] for one in failed["readings"] if one["metric"] == "latency_seconds") > 0
    assert failed["quality"]["flipped"] == [f"e{number}" for number in range(6)]


def interrupted(project: Project) -> None:
    run = project.start("--model", "slow-to-score", "--precision", "fp32")
    wait_for(project.mark.exists)
    run.send_signal(signal.SIGINT)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 2, output
    wait_for(lambda: gone(int(project.mark.read_text())))


def test_ctrl_c_while_outputs_are_examined_leaves_them_and_resuming_ends_the_run(deciding: Project) -> None:
    interrupted(deciding)
    assert deciding.record()["complete"] is False
    assert len(outputs(deciding)) == 1
    deciding.environment["QUANTGATE_TEST_MENDED"] = "nothing hangs now"
    done = deciding.run("--model", "slow-to-score", "--precision", "fp32", "--resume")
    assert done.returncode == 0, done.stdout
    assert deciding.status() == {"slow-to-score/fp32": "measured"}
    assert value(quality(deciding)["slow-to-score/fp32"], "accuracy") == 1.0
    assert not (deciding.latest / "outputs").exists()
    assert len(list((deciding.folder / "reports").iterdir())) == 2, "one run and the pointer to it"


def test_int8_is_tried_on_other_kernels_and_outputs_are_kept_where_that_is_asked_for(deciding: Project) -> None:
    asked = ("--model", "faithful", "--precision", "int8-dynamic", "--other-kernels", "--keep-outputs")
    assert deciding.run(*asked).returncode == 0
    tried = quality(deciding)["faithful/int8-dynamic"]["sensitivity"]
    assert [(one["problem"], one["flips"], one["of"]) for one in tried] == [(None, 0, 6)] * 2
    kept = {str(one.parent.relative_to(deciding.latest / "outputs")) for one in outputs(deciding)}
    assert kept >= {"faithful/fp32/cpu", "faithful/int8-dynamic/cpu"}, "fp32's too, though it was not asked for"
    assert len(kept) == 4


# Live, beside another side.

ALWAYS = """
meanings=(__import__("harness.models").models.Decides("y", positive="yes"),),
workload=lambda setting: Workload("ones", 1, tuple(Example(f"e{{n}}", ones, label="yes") for n in range(8)), "ones"),
drive=lambda call, inputs: iter([{{"y": call(inputs)["y"].mean(keepdims=True) - {off}}}])
"""


def test_a_change_that_every_precision_shares_is_found_beside_the_other_side_s_fp32(gated: GatedProject) -> None:
    gated.declare(loop=ALWAYS.format(off=0))
    gated.commit()
    gated.declare(loop=ALWAYS.format(off=1))
    done = gated.compare("--time-budget", "2s")
    assert done.returncode == 1, done.stdout
    assert gated.status() == {"loop/fp32": "measured"}, "beside its own fp32 it is as good as ever"
    whole = gated.verdict(None)
    assert (whole["outcome"], whole["is_fatal"]) == ("failed", True)
    assert "its outputs are wrong: decision_agreement is 0" in whole["text"]
    assert "improved" not in gated.outcomes().values()
