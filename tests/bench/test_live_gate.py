"""bench/live_gate.py: what counts as right, what the table says, what a change of a declaration does."""

import subprocess
from dataclasses import replace

import pytest
from bare.slowed import ONE_IN, extra_of, slowed
from common import Ratio
from live_gate import Clone
from live_rows import SCENARIOS, Ran, Right, Scenario, Truth, bounds, false_alarms, next_amount, rightness, row

from harness import zoo
from harness.comparisons import Clock, Duel, Judgement, Outcome, Pair, Side, Verdict
from harness.models import Model, once
from tests.samples import CELL, RUN, model

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
SAME, WORK, HELD, SLEEP, TAIL = (
    BY_NAME[name] for name in ("unchanged", "work+3%", "held+20MB", "sleep+5%", "tail+50%")
)
REGRESSED, IMPROVED, UNCHANGED, UNSURE = Outcome.REGRESSED, Outcome.IMPROVED, Outcome.UNCHANGED, Outcome.INCONCLUSIVE


def verdict(metric: str, outcome: Outcome, **more: object) -> Verdict:
    plain = {"ratio": 1.05, "low": 1.03, "high": 1.07, "is_fatal": outcome is REGRESSED}
    return Verdict(CELL, metric, outcome, "so", "abc", **{**plain, **more})  # type: ignore[arg-type]


def ran(
    scenario: Scenario, *verdicts: Verdict, exit_code: int | None = None, controls: tuple[Verdict, ...] = ()
) -> Ran:
    side = Side({Clock.WALL: 0.01})
    duels = tuple(
        Duel(CELL, "abc", pairs=(Pair(1, {Clock.WALL: 0.0}, side, side, 9, 5.0),) * 4, is_control=is_control)
        for is_control in (False, True)
    )
    run = replace(RUN, duels=duels, judgement=Judgement("abc", "gate", verdicts, controls))
    usual = 1 if any(one.is_fatal for one in verdicts) else 0
    return Ran(scenario, "none", usual if exit_code is None else exit_code, 61.0, run)


LATENCY, P95, PEAK, SIZE = "latency_seconds", "latency_p95_seconds", "peak_bytes", "artifact_bytes"


@pytest.mark.parametrize(
    ("of", "right"),
    [
        (ran(SAME, verdict(LATENCY, UNCHANGED), verdict(P95, UNSURE)), Right.YES),
        (ran(SAME, verdict(LATENCY, UNSURE)), Right.UNDECIDED),
        (ran(SAME, verdict(LATENCY, REGRESSED)), Right.NO),
        (ran(SAME, verdict(LATENCY, IMPROVED)), Right.NO),
        (ran(SAME, verdict(LATENCY, UNCHANGED), verdict(SIZE, REGRESSED)), Right.NO),
        (ran(SAME, verdict(LATENCY, UNCHANGED), exit_code=1), Right.NO),
        (ran(SAME), Right.NO),
        (ran(WORK, verdict(LATENCY, REGRESSED)), Right.YES),
        (ran(WORK, verdict(LATENCY, REGRESSED), verdict(P95, REGRESSED)), Right.YES),
        (ran(WORK, verdict(LATENCY, REGRESSED), verdict(PEAK, REGRESSED)), Right.NO),
        (ran(WORK, verdict(LATENCY, REGRESSED), exit_code=0), Right.NO),
        (ran(WORK, verdict(LATENCY, UNSURE)), Right.UNDECIDED),
        (ran(WORK, verdict(LATENCY, UNCHANGED)), Right.NO),
        (ran(WORK, verdict(LATENCY, IMPROVED)), Right.NO),
        (ran(HELD, verdict(LATENCY, UNCHANGED), verdict(PEAK, REGRESSED)), Right.YES),
        (ran(HELD, verdict(LATENCY, REGRESSED), verdict(PEAK, REGRESSED)), Right.NO),
        (ran(HELD, verdict(LATENCY, UNCHANGED), verdict(PEAK, UNCHANGED)), Right.NO),
        (ran(SLEEP, verdict(LATENCY, REGRESSED, cause="waiting")), Right.YES),
        (ran(SLEEP, verdict(LATENCY, REGRESSED)), Right.NO),
        (ran(TAIL, verdict(LATENCY, UNCHANGED), verdict(P95, REGRESSED)), Right.YES),
        (ran(TAIL, verdict(LATENCY, REGRESSED), verdict(P95, UNSURE)), Right.UNDECIDED),
        (Ran(SAME, "none", 4, 3.0, None, "usage"), Right.NO),
        (Ran(SAME, "none", 0, 3.0, RUN), Right.NO),
    ],
)
def test_an_answer_is_held_against_the_truth(of: Ran, right: Right) -> None:
    assert rightness(of) is right


def test_a_change_that_was_made_is_no_false_alarm_and_every_other_is() -> None:
    of = ran(WORK, verdict(LATENCY, REGRESSED), verdict(SIZE, IMPROVED), verdict(PEAK, REGRESSED), verdict(P95, UNSURE))
    assert [one.metric for one in false_alarms(of)] == [SIZE, PEAK]


def test_a_row_says_what_was_said_and_what_it_took() -> None:
    of = replace(ran(SLEEP, verdict(LATENCY, REGRESSED, cause="waiting"), verdict(P95, UNCHANGED)), truth="+5.00 %")
    shown = ("sleep+5%", "+5.00 %", "latency regressed", "1.0500 [1.0300, 1.0700]", "waiting", "4", "20 s", "61 s", "1")
    assert row(of) == (*shown, "yes")


def test_a_row_without_a_loud_verdict_says_that_of_the_latency_and_that_the_control_tripped() -> None:
    of = ran(SAME, verdict(LATENCY, UNSURE), controls=(verdict(LATENCY, REGRESSED),))
    assert row(of)[2] == "latency inconclusive; control tripped"


def test_a_row_of_a_run_that_wrote_nothing_gives_its_last_words() -> None:
    assert row(Ran(SAME, "none", 4, 3.0, None, "no such option"))[2] == "no such option"


@pytest.mark.parametrize(
    ("runs", "failing"),
    [
        ([ran(SAME, verdict(LATENCY, UNCHANGED)), ran(WORK, verdict(LATENCY, REGRESSED))], []),
        (
            [ran(SAME, verdict(LATENCY, REGRESSED))],
            ["verdicts that are", "unchanged code: shown", "unchanged code: red"],
        ),
        ([ran(WORK, verdict(LATENCY, REGRESSED)), ran(WORK, verdict(LATENCY, UNSURE))], ["3 % and more"]),
        ([ran(HELD, verdict(PEAK, UNCHANGED))], ["memory"]),
        ([ran(SLEEP, verdict(LATENCY, REGRESSED))], ["a sleep"]),
        ([ran(TAIL, verdict(P95, UNSURE))], ["a slower tail"]),
        ([Ran(WORK, "", 3, 1.0, None)], ["runs without", "3 % and more"]),
    ],
)
def test_bounds_fail_for_what_was_wrong_and_for_nothing_else(runs: list[Ran], failing: list[str]) -> None:
    broken = [bound.name for bound in bounds(runs) if not bound.holds]
    assert len(broken) == len(failing)
    assert all(name.startswith(begins) for name, begins in zip(broken, failing, strict=True))


def test_the_next_amount_is_in_proportion() -> None:
    # 200 units took 4 %, so 5 % needs 250.
    assert next_amount(200, 0.04, 0.05) == pytest.approx(250)


@pytest.mark.parametrize("achieved", [0.0, -0.01])
def test_a_trial_that_took_nothing_tells_nothing(achieved: float) -> None:
    with pytest.raises(ValueError, match="calibrate for longer"):
        next_amount(200, achieved, 0.05)


def test_the_true_change_is_given_as_timed_by_itself_and_in_turns() -> None:
    found = Truth(Ratio(1.0301, 1.03, 1.0302, 9), Ratio(1.035, 1.02, 1.05, 9))
    assert found.said(WORK, 12) == "+3.01 %; in turns +3.5 [2.0, 5.0]"
    assert found.said(TAIL, 12) == "1 in 12: +3.01 %; in turns +3.5 [2.0, 5.0]"
    assert Truth().said(SAME, 12) == "none"
    assert Truth().said(HELD, 12) == "+19.07 MiB"
    with pytest.raises(ValueError, match="not measured"):
        Truth().said(WORK, 12)


@pytest.mark.parametrize(
    ("turns", "is_doubtful"),
    [((1.02, 1.03), False), ((1.035, 1.045), True), ((1.01, 1.02), True), ((1.035, 1.055), False)],
)
def test_a_change_is_in_doubt_where_an_exact_check_says_otherwise(
    turns: tuple[float, float], is_doubtful: bool
) -> None:
    low, high = turns
    # Exact for 3 % is what is no wider than 1.5 %.
    assert Truth(Ratio(1.03, 1.03, 1.03, 9), Ratio((low + high) / 2, low, high, 9)).is_doubtful(0.03) is is_doubtful


def driven(one: Model, times: int = 1) -> list[object]:
    return [list(one.drive(lambda inputs: inputs, {"x": number})) for number in range(times)]  # type: ignore[dict-item]


def test_a_slowed_model_gives_the_same_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = model(drive=once)
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    assert driven(slowed(plain, "work", 3)) == driven(plain)
    assert driven(slowed(plain, "sleep", 0.002)) == driven(plain)
    assert slept == [0.002]


def test_a_tail_slows_one_inference_in_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    monkeypatch.setattr("bare.slowed._multiply", done.append)
    assert len(driven(slowed(model(drive=once), "tail", 7), 1_200)) == 1_200
    assert set(done) == {7}
    assert 0.6 * 1_200 / ONE_IN < len(done) < 1.4 * 1_200 / ONE_IN


def test_held_memory_is_taken_as_the_workload_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[bytearray] = []
    monkeypatch.setattr("bare.slowed._HELD", held)
    heavy = slowed(model(workload=lambda setting: setting), "held", 1_000)
    assert not held
    assert heavy.workload("here") == "here"  # type: ignore[arg-type, comparison-overlap]
    assert [len(block) for block in held] == [1_000]


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="work, tail, sleep or held"):
        extra_of("nap", 1.0)


@pytest.fixture
def clone(tmp_path) -> Clone:  # type: ignore[no-untyped-def]
    models = tmp_path / "suites" / "models"
    models.mkdir(parents=True)
    (models / "tone.py").write_text("MODELS = ()\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "plain")
    return Clone(tmp_path, git(tmp_path, "rev-parse", "HEAD"))


def git(folder, *words: str) -> str:  # type: ignore[no-untyped-def]
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout.strip()


def test_each_change_is_one_commit_on_the_plain_code(clone: Clone) -> None:
    declared = zoo.Declared(model(), zoo.Origin("suites.models.tone", str(clone.folder)))
    file = clone.folder / "suites" / "models" / "tone.py"
    clone.change(declared, WORK, 250.0)
    assert "slowed(model, 'work', 250.0) if model.name == 'tone' else model" in file.read_text()
    clone.change(declared, SAME, 0.0)
    assert "slowed" not in file.read_text()
    assert file.read_text().startswith("MODELS = ()\n")
    assert git(clone.folder, "rev-parse", "HEAD~1") == clone.base
    assert git(clone.folder, "status", "--porcelain") == ""
