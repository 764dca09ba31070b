"""The order of a measurement, and what becomes of each way it can end. Workers here are scripts: see tests/worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any, Self, cast

import msgspec
import pytest

from harness.cells import Cell, Reason
from harness.conduct.patience import passes_within
from harness.conduct.solo import Plan, Solo
from harness.limits import CallWork, Rates, Work
from harness.results import Condition, Measurement, Phase, Status
from harness.worker import protocol
from harness.worker.link import WorkerDied, WorkerTimedOut
from harness.worker.pool import Pool
from tests.fakes import declare, root_onnx
from tests.samples import CELL, OTHER, THIRD, answered, block, checked, closed, model, opened

ASSIGNMENT = protocol.Assignment("m", None, "tone", "fp32", "cpu", "-", "-")
ANSWERS = Path("outputs/tone")
WARM = protocol.Warm((0.3, 0.2), steady=True, seconds=0.5)

Script = dict[type[Any], Iterator[Any]]


def script(**replies: Any) -> Script:
    """What a worker answers, by request. One reply is given again and again; of a list, one after the other."""
    usual = {
        "Open": opened(),
        "CheckOutputs": checked(),
        "WarmUp": WARM,
        "Time": block(),
        "Answer": answered(),
        "Close": closed(),
    }
    return {
        getattr(protocol, name): iter(reply) if isinstance(reply, list) else repeat(reply)
        for name, reply in {**usual, **replies}.items()
    }


class Stage:
    """Starts the scripted workers, one after the other, and hears what the conductor tells."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = iter(scripts)
        self.asked: list[list[Any]] = []
        self.limits: set[float] = set()
        self.phase_limits: list[dict[Phase, float]] = []
        self.pooled: list[str] = []
        self.alive = 0
        self.most_alive = 0
        self.blocks: list[protocol.Block] = []
        self.phases: list[Phase] = []
        self.facts: dict[str, Any] = {}
        self.when: list[str] = []
        self.rated: list[tuple[Cell, Rates]] = []

    # What the conductor takes its workers from (`pool.Pool`).

    def refill(self) -> None:
        self.pooled.append("refill")

    def settle(self) -> None:
        self.pooled.append("settle")

    def worker(self) -> Any:
        stage, answers, asked = self, next(self._scripts), list[Any]()
        self.asked.append(asked)
        pooled = self.pooled

        class Scripted:
            def hear(self, on_phase: Callable[[Phase], None], on_tick: Callable[[], None]) -> Self:
                self._on_phase, self._on_tick = on_phase, on_tick
                return self

            def __enter__(self) -> Self:
                stage.alive += 1
                stage.most_alive = max(stage.most_alive, stage.alive)
                return self

            def __exit__(self, *_: object) -> None:
                stage.alive -= 1

            def ask(self, request: Any, limit_seconds: float, phase_limits: Any = ()) -> Any:
                asked.append(request)
                stage.limits.add(limit_seconds)
                stage.phase_limits.append(dict(phase_limits))
                pooled.append(type(request).__name__)
                self._on_tick()
                self._on_phase(Phase.TIMING)
                reply = next(answers[type(request)])
                if isinstance(reply, Exception):
                    raise reply
                return reply

            def last_words(self) -> str:
                return "so long"

        return Scripted()

    def converter(self) -> Any:
        self.pooled.append("converter")
        return self.worker()

    # What the conductor tells (`solo.Watch`).

    def phase(self, _cell: object, phase: Phase) -> None:
        self.phases.append(phase)

    def block(self, _cell: object, told: protocol.Block) -> None:
        self.blocks.append(told)

    def tick(self) -> None:
        pass

    def condition(self, _cell: object, when: str) -> Condition:
        self.when.append(when)
        return Condition(when)

    def runtime_facts(self, _cell: object, facts: Any) -> None:
        self.facts |= facts

    def rates(self, cell: Cell, rates: Rates) -> None:
        self.rated.append((cell, rates))


@pytest.fixture
def measure() -> Callable[..., tuple[Measurement, Stage]]:
    """Measure a cell with workers that answer by scripts."""

    def run(
        *scripts: Script, plan: Plan | None = None, cell: Cell = CELL, size_bytes: int | None = None
    ) -> tuple[Measurement, Stage]:
        stage = Stage(*scripts)
        plan = plan or Plan(timing_seconds=0.0, limit_seconds=60.0)
        measured = Solo(
            model(size_bytes=size_bytes), cell, ASSIGNMENT, cast("Pool", stage), plan, stage, ANSWERS
        ).measure()
        assert stage.alive == 0
        return measured, stage

    return run


def requests(asked: list[Any]) -> list[str]:
    return [type(request).__name__ for request in asked]


STEPS = ["Open", "CheckOutputs", "WarmUp", "Time", "Time", "Time", "Answer", "Close"]


def test_a_cell_whose_artifact_is_there_is_measured_in_one_fresh_worker(measure) -> None:
    measured, stage = measure(script())
    assert measured.status is Status.MEASURED
    assert [requests(asked) for asked in stage.asked] == [STEPS]
    first_five = ["Open", "refill", "CheckOutputs", "settle", "WarmUp"]
    assert stage.pooled[:5] == first_five, "the next worker has come up before anything is timed"
    assert stage.limits == {60.0}


def test_a_conversion_has_a_process_of_its_own_and_the_cell_a_fresh_one(measure) -> None:
    measured, stage = measure(needs_conversion(), script(Convert=protocol.Converted(1.5)), script())
    assert measured.status is Status.MEASURED
    assert [requests(asked) for asked in stage.asked] == [["Open"], ["Convert"], STEPS]
    assert stage.most_alive == 1


@pytest.mark.parametrize(("size_bytes", "is_kept"), [(None, False), (64_000_001, False), (64_000_000, True)])
def test_a_small_model_is_converted_by_the_worker_that_is_kept_for_it(measure, size_bytes, is_kept: bool) -> None:
    scripts = (needs_conversion(), script(Convert=protocol.Converted(1.5)), script())
    measured, stage = measure(*scripts, size_bytes=size_bytes)
    assert measured.status is Status.MEASURED
    assert [requests(asked) for asked in stage.asked] == [["Open"], ["Convert"], STEPS]
    assert ("converter" in stage.pooled) is is_kept


def test_every_worker_is_given_the_whole_assignment(measure) -> None:
    _, stage = measure(needs_conversion(), script(Convert=protocol.Converted(1.0)), script())
    assert [asked[0].assignment for asked in stage.asked] == [ASSIGNMENT] * 3


def needs_conversion() -> Script:
    return script(Open=protocol.NeedsConversion())


ENDS: dict[str, Callable[[Any], list[Script]]] = {
    "opening": lambda end: [script(Open=end)],
    "converting": lambda end: [needs_conversion(), script(Convert=end)],
    "opening after converting": lambda end: [
        needs_conversion(),
        script(Convert=protocol.Converted(1.0)),
        script(Open=end),
    ],
    "checking": lambda end: [script(CheckOutputs=end)],
    "warming up": lambda end: [script(WarmUp=end)],
    "the second block": lambda end: [script(Time=[block(), end])],
    "closing": lambda end: [script(Close=end)],
}


def answering(end: Any) -> list[Script]:
    return [script(Answer=end)]


at_any_moment = pytest.mark.parametrize("scripts", ENDS.values(), ids=ENDS.keys())


@at_any_moment
def test_a_worker_that_cannot_makes_the_cell_unsupported_with_its_words(measure, scripts) -> None:
    measured, _ = measure(*scripts(protocol.CannotRun("NO_KERNEL", "no kernel for Conv")))
    assert (measured.status, measured.reason) == (Status.UNSUPPORTED, Reason.NO_KERNEL)
    assert measured.text == "no kernel for Conv"
    assert measured.sample is None


@at_any_moment
def test_what_breaks_makes_the_cell_failed_with_phase_words_and_last_words(measure, scripts) -> None:
    measured, _ = measure(*scripts(protocol.Broke(Phase.OUTPUTS, "output 'y' holds NaN")))
    assert measured.status is Status.FAILED
    assert measured.failure is not None
    assert (measured.failure.phase, measured.failure.text) == (Phase.OUTPUTS, "output 'y' holds NaN")
    assert measured.failure.last_words == "so long"


@pytest.mark.parametrize("lost", [WorkerDied, WorkerTimedOut])
@pytest.mark.parametrize("scripts", [*ENDS.values(), answering], ids=[*ENDS.keys(), "answering"])
def test_a_worker_that_is_lost_makes_the_cell_failed(measure, scripts, lost) -> None:
    measured, _ = measure(*scripts(lost(Phase.CONVERT, "it went", "help")))
    assert measured.status is Status.FAILED
    assert measured.failure is not None
    failure = measured.failure
    assert (failure.phase, failure.text, failure.last_words) == (Phase.CONVERT, "it went", "help")


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (protocol.Broke(Phase.ANSWERS, "no room is left"), "answers: no room is left"),
        (protocol.CannotRun("NO_PACKAGE", "its exam needs speech: pip install speech"), "NO_PACKAGE: its exam needs"),
    ],
)
def test_where_outputs_cannot_be_kept_the_cell_is_measured_and_its_quality_says_why(measure, end, said: str) -> None:
    measured, stage = measure(script(Answer=end))
    assert measured.status is Status.MEASURED
    assert measured.value("latency_p50_seconds") == pytest.approx(0.25)
    assert measured.quality is not None
    assert measured.quality.problem is not None
    assert measured.quality.problem.startswith(said)
    assert requests(stage.asked[0])[-1] == "Close", "peaks and counters are asked for all the same"


def test_the_outputs_are_kept_where_the_campaign_says_after_everything_was_timed(measure) -> None:
    measured, stage = measure(script())
    assert stage.asked[0][-2] == protocol.Answer(str(ANSWERS), max_seconds=60.0)
    assert measured.quality is None, "what they are worth is another process's to say"


def test_three_passes_are_made_however_short_the_time(measure) -> None:
    measured, stage = measure(script(), plan=Plan(timing_seconds=0.001, limit_seconds=60.0))
    assert measured.sample is not None
    assert measured.sample.passes == 3
    assert len(stage.blocks) == 3


def test_the_time_is_spent_and_not_much_more(measure) -> None:
    # Each block of two inferences takes 0.5 s: four of them make the 2 s.
    measured, stage = measure(script(), plan=Plan(timing_seconds=2.0, limit_seconds=60.0))
    assert measured.sample is not None
    assert measured.sample.passes == 4
    times = [request for request in stage.asked[0] if isinstance(request, protocol.Time)]
    assert [request.seconds for request in times] == [1.0, 1.0, 1.0, 0.5]
    assert {request.min_passes for request in times} == {1}


def test_very_short_inferences_are_timed_until_there_are_enough(measure) -> None:
    many = block(*[1e-6] * 2_000)
    measured, stage = measure(script(Time=many), plan=Plan(timing_seconds=3_600.0, limit_seconds=60.0))
    assert measured.sample is not None
    assert len(measured.sample.wall_seconds) == 6_000
    times = [request for request in stage.asked[0] if isinstance(request, protocol.Time)]
    assert [request.max_inferences for request in times] == [5_000, 3_000, 1_000]


def test_half_of_the_time_at_most_is_spent_on_warming_up(measure) -> None:
    _, stage = measure(script(), plan=Plan(timing_seconds=2.0, limit_seconds=60.0))
    assert [request.max_seconds for request in stage.asked[0] if isinstance(request, protocol.WarmUp)] == [1.0]


def test_every_block_is_told_before_the_next_is_asked_for(measure) -> None:
    blocks = [block(0.1, 0.2), block(0.3, 0.4), WorkerDied(Phase.TIMING, "it went", "")]
    measured, stage = measure(script(Time=blocks))
    assert measured.status is Status.FAILED
    assert stage.blocks == blocks[:2]


def test_the_machine_is_looked_at_before_during_and_after(measure) -> None:
    measured, _ = measure(script())
    assert [condition.when for condition in measured.conditions] == ["before", "during", "after"]


def test_what_is_known_of_the_cell_is_in_its_measurement(measure) -> None:
    measured, stage = measure(script())
    assert measured.cell == CELL
    assert measured.value("latency_p50_seconds") == pytest.approx(0.25)
    assert measured.warm_up is not None
    assert (measured.warm_up.inferences, measured.warm_up.steady) == (2, True)
    assert measured.provenance is not None
    assert (measured.provenance.weights, measured.provenance.examples) == ("some weights", 2)
    assert (measured.provenance.converted_bytes, measured.provenance.weight_bytes) == (750, 1_000)
    assert measured.provenance.left_unconverted == ("left",)
    assert measured.placement is not None
    assert measured.placement.by_provider == {"CPU": 3}
    assert stage.facts == {"engine": "1.0"}
    assert stage.phases


def test_a_measurement_is_the_same_for_who_made_it_and_who_reads_it(measure) -> None:
    measured, _ = measure(script())
    assert msgspec.json.decode(msgspec.json.encode(measured), type=Measurement) == measured


@pytest.mark.parametrize(
    ("replies", "note"),
    [
        (
            {"WarmUp": protocol.Warm((0.1, 0.2, 0.3), steady=False, seconds=0.6)},
            "no steady state within 3 warm-up inferences",
        ),
        ({"CheckOutputs": checked(audio_note="no audible sample in a")}, "no audible sample in a"),
        ({}, "75% of the weight bytes converted"),
    ],
)
def test_what_a_reader_should_know_is_noted(measure, replies: dict[str, Any], note: str) -> None:
    measured, _ = measure(script(**replies))
    assert note in measured.notes


QUICK_FP32 = Plan(timing_seconds=0.0, limit_seconds=600.0, fp32_seconds=1.6)
NO_FP32 = Plan(timing_seconds=0.0, limit_seconds=600.0)
SLOW_PASS = protocol.CannotRun("TOO_SLOW", "13 examples take long")


@pytest.mark.parametrize(
    ("plan", "seconds"),
    [
        (QUICK_FP32, 64.0),  # 40 times fp32 at the usual ten minutes
        (Plan(0.0, 3_600.0, 1.6), 384.0),  # and six times as many in an hour
        (Plan(0.0, 600.0, 0.004), 10.0),  # a small model has to be loaded and compiled, too
        (Plan(0.0, 600.0, 30.0), 600.0),  # never longer than a step may take
        (NO_FP32, 150.0),
    ],
)
def test_the_first_inference_in_half_precision_has_a_limit_of_its_own(measure, plan: Plan, seconds: float) -> None:
    _, stage = measure(script(), plan=plan, cell=THIRD)
    assert stage.phase_limits[0] == {Phase.FIRST: pytest.approx(seconds)}
    _, stage = measure(script(), plan=plan)
    assert stage.phase_limits[0] == {}, "fp32 has nothing to be slower than"
    _, stage = measure(script(), plan=plan, cell=OTHER)
    assert stage.phase_limits[0] == {}, "eight bits that hang have failed"


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (
            QUICK_FP32,
            "one inference did not end within 64 s, more than 40× as long as fp32 (1.6 s): not timed; --cell-limit ra",
        ),
        (NO_FP32, "one inference did not end within 150 s, and there is no fp32 of this run to set it beside: not"),
    ],
)
def test_half_precision_whose_first_inference_does_not_end_is_too_slow_and_not_failed(measure, plan, said: str) -> None:
    lost = WorkerTimedOut(Phase.FIRST, "no answer within 64 s; killed", "")
    measured, _ = measure(script(Open=lost), plan=plan, cell=THIRD)
    assert (measured.status, measured.reason) == (Status.UNSUPPORTED, Reason.TOO_SLOW)
    assert measured.text.startswith(said)


@pytest.mark.parametrize(
    ("asked", "lost"),
    [
        (CELL, WorkerTimedOut(Phase.FIRST, "no answer", "")),
        (OTHER, WorkerTimedOut(Phase.FIRST, "no answer", "")),
        (THIRD, WorkerTimedOut(Phase.OPEN, "no answer", "")),
        (THIRD, WorkerDied(Phase.FIRST, "it went", "")),
    ],
    ids=["fp32", "not half precision", "while opening", "died"],
)
def test_what_hangs_otherwise_stays_failed(measure, asked: Cell, lost: Exception) -> None:
    measured, _ = measure(script(Open=lost), plan=QUICK_FP32, cell=asked)
    assert measured.status is Status.FAILED


@pytest.mark.parametrize(
    ("asked", "plan", "said"),
    [
        (
            THIRD,
            QUICK_FP32,
            "one inference takes 107 s, 67× as long as fp32 (1.6 s): 13 examples take long",
        ),
        (THIRD, NO_FP32, "13 examples take long"),
        (CELL, NO_FP32, "13 examples take long"),
    ],
)
def test_a_pass_that_would_not_end_in_time_is_too_slow_with_the_factor(measure, asked, plan, said: str) -> None:
    slow = script(Open=opened(first_inference_seconds=107.0), CheckOutputs=SLOW_PASS)
    measured, stage = measure(slow, plan=plan, cell=asked)
    assert (measured.status, measured.reason, measured.text) == (Status.UNSUPPORTED, Reason.TOO_SLOW, said)
    assert stage.asked[0][1] == protocol.CheckOutputs(600.0)


def test_a_stream_is_too_slow_by_all_of_it_and_not_by_its_first_chunk(measure) -> None:
    stream = opened(first_inference_seconds=2.0, first_whole_seconds=80.0)
    measured, _ = measure(script(Open=stream, CheckOutputs=SLOW_PASS), plan=QUICK_FP32, cell=THIRD)
    assert measured.text.startswith("one inference takes 80 s, 50× as long as fp32 (1.6 s)")


@pytest.mark.parametrize(
    ("pass_seconds", "passes", "note"),
    [
        ((13.0, 7.0), 3, None),
        ((20.0, 8.0), 2, "timed in 2 passes instead of 3: one takes 28 s, and --cell-limit is 60 s"),
        ((30.0, 28.0), 1, "timed in 1 pass instead of 3: one takes 58 s, and --cell-limit is 60 s"),
    ],
)
def test_fewer_passes_are_made_where_three_do_not_fit_the_limit(measure, pass_seconds, passes: int, note) -> None:
    measured, _ = measure(script(CheckOutputs=checked(first_pass_seconds=pass_seconds)))
    assert measured.sample is not None
    assert measured.sample.passes == passes
    assert [one for one in measured.notes if one.startswith("timed in")] == ([note] if note else [])


def test_a_slow_cell_of_one_example_is_timed_twice() -> None:
    assert passes_within(3, 50.0, inferences=1, limit_seconds=60.0) == 2


def test_a_real_half_precision_that_never_answers_is_killed_and_too_slow(tmp_path: Path) -> None:
    root_onnx(tmp_path / "root.onnx")
    endless = "time.sleep(600)\nyield call(inputs)"
    solo = Solo(model(), THIRD, declare(tmp_path, drive=endless), Pool({}, lambda: False), Plan(0.0, 20.0), Stage())
    measured = solo.measure()
    assert (measured.status, measured.reason) == (Status.UNSUPPORTED, Reason.TOO_SLOW), measured
    assert measured.text.startswith("one inference did not end within 5 s")


def test_an_interrupt_is_not_a_measurement() -> None:
    stage = Stage(script(Time=[block()]))

    def interrupted(_cell: object, _block: object) -> None:
        raise KeyboardInterrupt

    stage.block = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        Solo(model(), CELL, ASSIGNMENT, cast("Pool", stage), Plan(1.0, 60.0), stage, ANSWERS).measure()
    assert stage.alive == 0


LIMITED = Plan(timing_seconds=0.0, limit_seconds=60.0, rates_seconds=0.3)
WORK, RATES = Work("onnx", ((CallWork(1.0),),)), Rates("onnx", "cpu", 1, {"fp32": 1.0})


def test_fp32_is_asked_for_its_work_and_for_rates_when_all_else_is_told(measure) -> None:
    measured, stage = measure(
        script(CountWork=protocol.Counted(WORK), MeasureRates=protocol.Rated(RATES)), plan=LIMITED
    )
    assert requests(stage.asked[0])[-3:] == ["Close", "CountWork", "MeasureRates"]
    assert measured.work == WORK
    assert stage.rated == [(CELL, RATES)]


@pytest.mark.parametrize(("asked", "plan"), [(OTHER, LIMITED), (CELL, Plan(0.0, 60.0))])
def test_no_other_precision_is_asked_and_none_where_no_limit_is_wanted(measure, asked: Cell, plan: Plan) -> None:
    measured, stage = measure(script(), plan=plan, cell=asked)
    assert requests(stage.asked[0])[-1] == "Close"
    assert measured.work is None


def test_a_worker_that_dies_over_its_limit_costs_no_cell(measure) -> None:
    gone = WorkerDied(Phase.LIMIT, "it went", "")
    measured, stage = measure(script(CountWork=gone, MeasureRates=gone), plan=LIMITED)
    assert measured.status is Status.MEASURED
    assert measured.value("latency_p50_seconds") == pytest.approx(0.25)
    assert measured.work == Work(unavailable="it went")
    assert stage.rated == [(CELL, Rates("onnx", "cpu", 1, unavailable={"rates": "it went"}))]
