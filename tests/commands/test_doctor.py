"""`quantgate doctor`: what pairs of identical code say, what is advised, and how the command ends."""

import io
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.cells import Cell
from harness.cli import main
from harness.commands import doctor
from harness.commands.diagnosis import (
    Peaks,
    Seen,
    Spread,
    Surroundings,
    TooFew,
    advice,
    reach,
    seen,
    spread_of,
)
from harness.commands.diagnosis_text import lines
from harness.commands.doctor import Told, answer, exit_of
from harness.comparisons import Clock, Duel, Outcome, Pair, Side
from harness.conduct.fitness import Examination, Examined
from harness.metrics import METRICS
from harness.results import Condition
from harness.stats.sequential import LOOKS, look

CELL = Cell("tone", "fp32", "cpu")
QUIET = Condition(
    "after", load_1m=0.5, other_cpu_fraction=0.0, steal_fraction=0.0, throttled="no", governor="performance"
)
AROUND = Surroundings(2.0, 1, "cpu", 10, Condition("before", load_1m=0.5), QUIET)
RATE = 0.01
MIB = 2**20


def margin_of(_cell: Cell, metric: str) -> float:
    return METRICS[metric].margin


def pair(log: float, *, stage: int = 1, wall: float | None = None, error: float = 0.001, peak_mib: float = 100) -> Pair:
    """A pair of five seconds that differs by `log`; the wall clock as told, or alike."""
    side = Side({Clock.WALL: 0.01, Clock.CORRECTED: 0.01}, {"peak_bytes": peak_mib * MIB}, 100)
    logs = {Clock.WALL: log if wall is None else wall, Clock.CORRECTED: log}
    return Pair(stage, logs, side, side, 30, 5.0, dict.fromkeys(logs, error))


def duel(logs: Sequence[float], **more: object) -> Duel:
    made = tuple(pair(log, **more) for log in logs)  # type: ignore[arg-type]
    return Duel(CELL, "itself", Clock.CORRECTED, made, is_control=True)


STEADY = duel([0.005, -0.005, 0.005, -0.005, 0.005, -0.005, 0.005, -0.005, 0.0])
WILD = duel([0.10, -0.10, 0.10, -0.10, 0.10, -0.10, 0.10, -0.10, 0.0])
SHIFTED = duel([0.10, 0.101, 0.099, 0.10])
SHIFTED_TWICE = replace(SHIFTED, pairs=(*SHIFTED.pairs, *(replace(one, stage=2) for one in SHIFTED.pairs)))


def known(of: Duel = STEADY, uncorrected: str | None = None) -> Seen:
    found = seen(of, uncorrected, margin_of, RATE)
    assert isinstance(found, Seen)
    return found


def test_the_reach_is_the_look_s_own_bound_and_what_finds_it_nine_times_in_ten() -> None:
    # 1, -1, 1, -1 per cent: the deviation is 2/√3 per cent, and its error over four pairs 1/√3 per cent.
    ratios = [0.01, -0.01, 0.01, -0.01]
    half = (look(ratios, RATE).high - look(ratios, RATE).low) / 2
    assert math.log1p(reach(0.02 / math.sqrt(3), 4, RATE)) == pytest.approx(half + 1.645 * 0.01 / math.sqrt(3))


def test_more_pairs_less_noise_and_a_looser_rate_see_smaller_changes() -> None:
    reaches = [reach(0.02, pairs, RATE) for pairs in LOOKS]
    assert reaches == sorted(reaches, reverse=True)
    assert reach(0.01, 9, RATE) < reach(0.02, 9, RATE)
    assert reach(0.02, 9, RATE) < reach(0.02, 9, RATE / 10)


def test_what_lies_between_processes_is_what_the_quads_do_not_explain() -> None:
    # ±3 per cent in turns: sd 3.464 %; 1.732 % within is a quarter of the variance.
    found = spread_of([pair(log, error=0.01732) for log in (0.03, -0.03, 0.03, -0.03)], Clock.CORRECTED)
    assert found.sd == pytest.approx(0.03464, rel=1e-3)
    assert found.own_speed == pytest.approx(0.75, abs=1e-3)
    assert Spread(0.01, None).own_speed is None
    assert Spread(0.01, 0.02).own_speed == 0.0


def test_seconds_count_the_trial_once_and_a_confirmation_twice() -> None:
    trial = [pair(0.0, stage=0)] * 3
    found = known(replace(STEADY, pairs=(*trial, *STEADY.pairs)))
    first = found.reaches[0]
    assert (first.pairs, first.unchanged_seconds, first.confirmed_seconds) == (4, 15 + 20, 15 + 40)
    assert (found.pairs, found.trial_pairs, found.is_rebuilt) == (9, 3, True)


def test_the_margin_decides_how_many_pairs_are_needed() -> None:
    assert known().pairs_needed is not None
    assert known(WILD).pairs_needed is None
    assert known(WILD).seconds_needed is None


def test_identical_code_trips_only_when_two_stages_call_it_changed() -> None:
    assert not known(SHIFTED).is_tripped
    found = known(SHIFTED_TWICE)
    assert found.is_tripped
    assert found.control.outcome is Outcome.REGRESSED


def test_a_clock_that_is_there_is_not_called_missing() -> None:
    assert known(uncorrected="of the chunks").uncorrected is None
    only_wall = [replace(one, log_ratios={Clock.WALL: 0.0}, errors={}) for one in STEADY.pairs[:1]] * 4
    assert known(Duel(CELL, "itself", Clock.WALL, tuple(only_wall)), "macOS").uncorrected == "macOS"


@pytest.mark.parametrize(
    ("of", "says"),
    [
        (duel([0.0] * 3), "3 pairs are too few, 4 are the least; give --seconds 50 or a quicker --model"),
        (duel([]), "0 pairs are too few, 4 are the least; give more --seconds or a quicker --model"),
        (replace(STEADY, problem="it broke"), "it broke; run pytest on this cell to see it alone"),
    ],
)
def test_too_little_is_never_a_number(of: Duel, says: str) -> None:
    assert seen(of, None, margin_of, RATE) == TooFew(CELL, len(of.pairs), says)


def after(**changed: object) -> Surroundings:
    return replace(AROUND, after=replace(QUIET, **changed))  # type: ignore[arg-type]


NOISY_WALL = replace(
    STEADY,
    pairs=tuple(
        replace(one, log_ratios={**one.log_ratios, Clock.WALL: 10 * one.log_ratios[Clock.CORRECTED]})
        for one in STEADY.pairs
    ),
)
UNEVEN_PEAKS = replace(STEADY, pairs=(*STEADY.pairs, pair(0.0, peak_mib=105)))
WALL_ONLY = Duel(
    CELL,
    "itself",
    Clock.WALL,
    tuple(replace(one, log_ratios={Clock.WALL: one.log_ratios[Clock.WALL]}) for one in STEADY.pairs),
)


@pytest.mark.parametrize(
    ("of", "around", "words"),
    [
        (SHIFTED_TWICE, AROUND, "identical code was called regressed by +10"),
        (STEADY, after(other_cpu_fraction=0.43), "other processes used 43 % of the cores"),
        (STEADY, after(other_cpu_fraction=None, load_1m=4.0), "the load is 4.0 on 2 cores"),
        (NOISY_WALL, AROUND, "10.0 times as much"),
        (STEADY, after(steal_fraction=0.05), "the host took 5.0 %"),
        (STEADY, after(throttled="CPU quota, 7 times"), "held back (CPU quota, 7 times)"),
        (STEADY, after(governor="powersave"), "cpupower frequency-set"),
        (STEADY, replace(after(gpu_processes=2), device="cuda"), "2 other processes hold the GPU"),
        (WALL_ONLY, replace(AROUND, threads=2), "--single-core"),
        (WALL_ONLY, replace(AROUND, threads=4), "4 threads share 2 cores"),
        (WALL_ONLY, AROUND, "the wall clock decides"),
        (WILD, AROUND, "is between processes"),
        (WILD, AROUND, "out of reach"),
        (UNEVEN_PEAKS, AROUND, "5.0 MiB apart"),
        (STEADY, replace(AROUND, cells=1_000), "--time-budget"),
    ],
)
def test_advice_names_what_was_found_and_only_that(of: Duel, around: Surroundings, words: str) -> None:
    one = known(of, "not Linux" if of is WALL_ONLY else None)
    assert words in " ".join(advice(one, around))
    assert words not in " ".join(advice(known(), AROUND))


def test_a_quiet_machine_needs_no_advice() -> None:
    assert advice(known(), AROUND) == ()


def test_a_margin_that_is_advised_can_be_kept() -> None:
    found = known(WILD)
    text = next(line for line in advice(found, AROUND) if "latency_seconds = " in line)
    advised = float(text.split("latency_seconds = ")[1].split()[0])
    assert found.best <= advised < found.best + 0.005


@pytest.mark.parametrize(
    ("cells", "code", "says"),
    [
        ([known()], 0, "fit: tone/fp32/cpu shows 3 %"),
        ([known(SHIFTED_TWICE)], 1, "not fit"),
        ([known(), known(SHIFTED_TWICE)], 1, "not fit"),
        ([known(WILD)], 10, "not shown to be fit: tone/fp32/cpu shows"),
        ([known(), TooFew(CELL, 1, "too slow")], 10, "tone/fp32/cpu: too slow"),
        ([], 10, "not shown to be fit"),
    ],
)
def test_the_exit_code_and_the_answer_say_the_same(cells: list[Seen | TooFew], code: int, says: str) -> None:
    assert exit_of(cells) == code
    assert says in answer(cells)


def test_what_is_not_told_is_named() -> None:
    dark = replace(AROUND, after=Condition("after"))
    said = next(lines((), dark, (), RATE))
    assert "not told: steal, throttling, governor, temperature" in said
    assert "steal 0" not in said


def test_the_page_marks_the_pairs_that_see_the_margin() -> None:
    text = "\n".join(lines((known(),), AROUND, ("do this",), RATE))
    assert "margin 3 % ✓" in text
    assert "without waiting (decides)" in text
    assert text.rstrip().endswith("- do this")


def test_without_peaks_none_is_shown() -> None:
    text = "\n".join(lines((replace(known(), peaks=None),), AROUND, (), RATE))
    assert "peak memory        not told by this system" in text
    assert known().peaks == Peaks(18, 100 * MIB, 100 * MIB, 4 * MIB)


def project(folder: Path, needs: str = "") -> None:
    # A folder of its own name: `suites` is this repository's, and may be imported already.
    models = folder / f"zoo_{folder.name}" / "models"
    models.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(f"[tool.quantgate]\nmodels = '{models.relative_to(folder)}'\n")
    (models / "tone.py").write_text(
        "from harness.models import Model, Need\n"
        "def never(_):\n    raise AssertionError\n"
        "MODELS = (Model(name='tone', family='tone', task='hum', runtime='onnx', precisions=('fp32',),\n"
        f"    licence='none', weights='none', reference=never, workload=never{needs}),)\n"
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--model", "none-such"], "no model matches 'none-such'"),
        (["--seconds", "1"], "10 s are the least"),
        (["--cells", "0"], "at least 1"),
        (["--device", "tpu"], "unknown device 'tpu'"),
        ([], "pip install absent-for-sure"),
    ],
)
def test_nothing_to_measure_is_said_with_the_next_step(
    words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, ", needs=(Need('absent-for-sure', 'pip install absent-for-sure'),)")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert main(["doctor", "--root", str(tmp_path), *words]) == 2
    assert says in capsys.readouterr().err


def test_json_holds_what_the_page_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = SimpleNamespace(declared=(SimpleNamespace(model=SimpleNamespace(name="tone", precisions=("fp32",))),))
    examination = Examination((Examined(WILD, None),), AROUND.before, AROUND.after)
    monkeypatch.setattr(doctor, "plan", lambda _order: asked)
    monkeypatch.setattr(doctor, "examine", lambda *_: examination)
    project(tmp_path)
    assert main(["doctor", "--root", str(tmp_path), "--format", "json"]) == 10
    found = json.loads(capsys.readouterr().out)
    assert found["cells"][0]["pairs_needed"] is None
    assert found["cells"][0]["spreads"]["corrected"]["sd"] == pytest.approx(0.1)
    assert found["answer"].startswith("not shown to be fit")


def test_progress_is_a_line_now_and_then_where_there_is_no_terminal() -> None:
    stream, now = io.StringIO(), [0.0]
    told = Told(stream, 60.0, clock=lambda: now[0], every_seconds=15.0)
    told.gate_started(1, 60.0)
    for second in range(5, 60, 5):
        now[0] = float(second)
        told.gate_pair(CELL, 1, second // 5, None, None, 1, 60.0 - second)
    said = stream.getvalue().splitlines()
    assert said[0] == "measuring identical code in pairs for 60 s"
    assert said[1] == "tone/fp32/cpu: pair 3, 45 s left"
    assert len(said) == 4
