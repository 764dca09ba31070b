"""What is looked at, warmed up and timed, on a session made of arithmetic. Real ones: test_worker.py."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.cells import Reason, Unsupported
from harness.errors import WorkloadProblem
from harness.models import AudioOutput, Example, once
from harness.probes.memory import PeakMeter
from harness.runtimes import Contents, DeviceMemory, Placement
from harness.worker import protocol
from harness.worker.bench import Bench
from tests.samples import model, workload

np = pytest.importorskip("numpy")


class Arithmetic:
    """A session whose outputs are computed from its inputs by the function given."""

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self._compute = compute
        self.seen: list[float] = []
        self.closed = False

    def call(self, inputs: Any) -> Any:
        self.seen.append(float(inputs["x"].flat[0]))
        return self._compute(inputs)

    def device_seconds(self) -> float | None:
        return None

    def device_memory(self) -> DeviceMemory | None:
        return None

    def reset_device_memory(self) -> None:
        pass

    def placement(self) -> Placement:
        return Placement("cpu", {"CPU": 1})

    def contents(self) -> Contents:
        return Contents(1, {"float32": 1})

    def close(self) -> None:
        self.closed = True


def same(inputs: Any) -> Any:
    return {"y": inputs["x"]}


class Loading:
    """An example's inputs, and how often they were made."""

    def __init__(self, value: float) -> None:
        self.value = value
        self.times = 0

    def __call__(self) -> Any:
        self.times += 1
        return {"x": np.full(4, self.value, np.float32)}


def bench(
    compute: Callable[[Any], Any] = same,
    *,
    values: tuple[float, ...] = (1.0, 2.0),
    low_memory: bool = False,
    threads: int = 1,
    device: str = "cpu",
    lengths: tuple[float | None, ...] | None = None,
    **declared: Any,
) -> tuple[Bench, Arithmetic, list[Loading]]:
    loadings = [Loading(value) for value in values]
    lengths = lengths or (None,) * len(values)
    examples = [
        Example(f"e{index}", loading, audio_seconds=length)
        for index, (loading, length) in enumerate(zip(loadings, lengths, strict=True))
    ]
    assignment = protocol.Assignment(
        "m", None, "tone", "fp32", device, "-", "-", threads=threads, low_memory=low_memory
    )
    session = Arithmetic(compute)
    return (
        Bench(model(**declared), workload(*examples), session, PeakMeter(), assignment, lambda: session),
        session,
        loadings,
    )


def timing(**more: Any) -> protocol.Time:
    return protocol.Time(**{"seconds": 0.0, "min_passes": 1, "max_inferences": 1_000, **more})


UNUSABLE = {
    "NaN": (lambda _: {"y": np.array([1, np.nan, np.nan])}, r"output 'y' holds 2 NaN of 3 values for example 'e0'"),
    "infinite": (lambda _: {"y": np.array([np.inf, 1])}, r"output 'y' holds 1 infinite of 2 values for example 'e0'"),
    "NaN in the second output": (
        lambda _: {"y": np.ones(2), "z": np.array([np.nan], np.float16)},
        r"output 'z' holds 1 NaN of 1 values",
    ),
    "empty": (lambda _: {"y": np.zeros((1, 0))}, r"the outputs for example 'e0' are empty"),
    "nothing": (lambda _: {}, r"no output for example 'e0'; check its drive function"),
}


@pytest.mark.parametrize(("compute", "said"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_outputs_that_are_no_numbers_are_refused_with_output_and_example(compute, said: str) -> None:
    with pytest.raises(WorkloadProblem, match=said):
        bench(compute)[0].check_outputs()


def test_the_example_with_the_bad_output_is_named() -> None:
    def second_is_bad(inputs: Any) -> Any:
        return {"y": np.log(2 - inputs["x"])}

    with np.errstate(all="ignore"), pytest.raises(WorkloadProblem, match="4 infinite of 4 values for example 'e1'"):
        bench(second_is_bad)[0].check_outputs()


@pytest.mark.parametrize("output", [np.array([1, 2]), np.array([True]), np.array(["text"]), np.array([1j])])
def test_outputs_without_a_way_to_be_infinite_pass(output: Any) -> None:
    checked = bench(lambda _: {"y": output})[0].check_outputs()
    assert checked.chunks == (1, 1)


def test_looking_at_the_outputs_is_given_up_where_the_rest_would_take_too_long() -> None:
    def slow(inputs: Any) -> Any:
        time.sleep(0.05)
        return {"y": inputs["x"]}

    arm, session, _ = bench(slow, values=(1.0,) * 20)
    with pytest.raises(Unsupported, match=r"20 examples at .* not timed; raise it") as caught:
        arm.check_outputs(0.4)
    assert caught.value.reason is Reason.TOO_SLOW
    assert len(session.seen) == 1, "one of twenty told it"


def test_an_example_that_yields_nothing_is_named() -> None:
    def only_ones(call: Callable[[Any], Any], inputs: Any) -> Iterator[Any]:
        if inputs["x"][0] == 1:
            yield call(inputs)

    with pytest.raises(WorkloadProblem, match="no output for example 'e1'; check its drive function"):
        bench(drive=only_ones, streaming=True)[0].check_outputs()


def test_every_example_is_looked_at_once_in_order() -> None:
    arm, session, _ = bench(values=(3.0, 1.0, 2.0))
    checked = arm.check_outputs()
    assert session.seen == [3.0, 1.0, 2.0]
    assert len(checked.first_pass_seconds) == 3
    assert checked.audio_seconds == (None, None, None)


def test_whole_passes_are_timed_so_that_every_example_weighs_the_same() -> None:
    arm, session, _ = bench(values=(1.0, 2.0, 3.0))
    arm.check_outputs()
    session.seen.clear()
    block = arm.time(timing(min_passes=2))
    assert session.seen == [1.0, 2.0, 3.0] * 2
    assert block.example_ids == ("e0", "e1", "e2") * 2
    assert (block.passes, len(block.wall_seconds), len(block.pass_seconds)) == (2, 6, 2)
    assert block.pass_seconds[0] == pytest.approx(sum(block.wall_seconds[:3]))


def test_the_most_inferences_are_kept_to_the_pass() -> None:
    arm, _, _ = bench(values=(1.0, 2.0))
    arm.check_outputs()
    block = arm.time(timing(seconds=600.0, max_inferences=5))
    assert len(block.wall_seconds) == 6


def test_the_first_inference_is_one_and_the_first() -> None:
    arm, session, _ = bench(values=(5.0, 6.0))
    assert arm.first_inference() > 0
    assert session.seen == [5.0]


@pytest.mark.parametrize(("low_memory", "times"), [(False, 1), (True, 4)])
def test_inputs_are_kept_unless_memory_is_short(low_memory: bool, times: int) -> None:
    arm, _, loadings = bench(low_memory=low_memory)
    arm.check_outputs()
    arm.time(timing(min_passes=3))
    assert [loading.times for loading in loadings] == [times, times]


def test_an_example_that_cannot_be_made_is_named() -> None:
    broken = workload(Example("the 3rd", lambda: {}["x"]))
    assignment = protocol.Assignment("m", None, "tone", "fp32", "cpu", "-", "-")
    arm = Bench(model(), broken, Arithmetic(same), PeakMeter(), assignment, lambda: Arithmetic(same))
    with pytest.raises(WorkloadProblem, match=r"example 'the 3rd' cannot be made: KeyError: 'x'; mend the workload"):
        arm.check_outputs()


def test_warming_up_ends_and_runs_the_examples_in_turn() -> None:
    arm, session, _ = bench(values=(1.0, 2.0))
    arm.check_outputs()
    session.seen.clear()
    warm = arm.warm_up(0.05)
    assert session.seen == ([1.0, 2.0] * len(session.seen))[: len(session.seen)]
    assert len(warm.wall_seconds) == len(session.seen) >= 1
    assert warm.seconds == pytest.approx(sum(warm.wall_seconds))


def test_nothing_timed_has_no_peak_and_says_so() -> None:
    arm, session, _ = bench()
    closed = arm.close()
    assert (closed.steady_peak.peak_bytes, closed.steady_peak.unavailable) == (None, "nothing was timed")
    assert closed.joules is None
    assert closed.joules_unavailable
    assert session.closed


def test_what_was_timed_has_a_peak_and_the_cpu_has_no_memory_of_its_own() -> None:
    arm, _, _ = bench()
    arm.check_outputs()
    arm.time(timing())
    closed = arm.close()
    assert (closed.steady_peak.peak_bytes or 0) > 0
    assert (closed.device_peak_bytes, closed.device_unavailable) == (None, "the cpu has no memory of its own")
    assert closed.device_process_unavailable


@pytest.mark.parametrize(
    ("before", "peak", "reserved"), [((70, 80, 60), 100, 128), ((170, 180, 60), 170, 180), ((None, None, 60), 100, 128)]
)
def test_device_memory_is_told_before_during_and_after_and_its_peak_of_all_phases(
    before: tuple[int | None, int | None, int], peak: int, reserved: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm, session, _ = bench()
    told = iter([DeviceMemory(*before), DeviceMemory(100, 128, 65)])
    resets: list[bool] = []
    monkeypatch.setattr(session, "device_memory", lambda: next(told))
    monkeypatch.setattr(session, "reset_device_memory", lambda: resets.append(True))
    arm.check_outputs()
    arm.time(timing())
    arm.time(timing())
    closed = arm.close()
    assert (closed.device_before_bytes, closed.device_during_bytes, closed.device_after_bytes) == (60, 100, 65)
    assert (closed.device_peak_bytes, closed.device_reserved_bytes) == (peak, reserved)
    assert resets == [True]


def test_where_nothing_was_timed_there_is_no_before_and_no_after(monkeypatch: pytest.MonkeyPatch) -> None:
    arm, session, _ = bench()
    monkeypatch.setattr(session, "device_memory", lambda: DeviceMemory(100, 128, 65))
    closed = arm.close()
    assert (closed.device_before_bytes, closed.device_during_bytes, closed.device_after_bytes) == (None, None, None)
    assert closed.device_peak_bytes == 100


@pytest.mark.parametrize(("threads", "streaming"), [(2, False), (1, True)])
def test_time_that_cannot_be_corrected_says_why(threads: int, streaming: bool) -> None:
    arm, _, _ = bench(threads=threads, streaming=streaming)
    arm.check_outputs()
    block = arm.time(timing())
    assert block.corrected_seconds is None
    assert block.corrected_unavailable


def thrice(call: Callable[[Any], Any], inputs: Any) -> Iterator[Any]:
    for _ in range(3):
        yield call(inputs)


def test_a_streaming_model_is_timed_by_chunk() -> None:
    arm, _, _ = bench(streaming=True, drive=thrice)
    assert arm.check_outputs().chunks == (3, 3)
    block = arm.time(timing(min_passes=2))
    assert block.example_ids == ("e0",) * 3 + ("e1",) * 3 + ("e0",) * 3 + ("e1",) * 3
    assert len(block.wall_seconds) == 12
    assert len(block.chunk_gaps) == 8  # two between three chunks, four examples
    assert (block.passes, len(block.pass_seconds)) == (2, 2)


@pytest.mark.parametrize(
    ("sample_rate", "silences"),
    [(10**9, 2), (1, 0)],
    ids=["chunks of four nanoseconds run dry", "chunks of four seconds do not"],
)
def test_a_stream_of_audio_tells_the_silences_between_its_chunks(sample_rate: int, silences: int) -> None:
    arm, _, _ = bench(streaming=True, drive=thrice, audio=AudioOutput("y", sample_rate))
    arm.check_outputs()
    block = arm.time(timing(min_passes=2))
    assert [len(stream) for stream in block.underruns] == [silences] * 4
    assert all(seconds > 0 for stream in block.underruns for seconds in stream)


def test_a_model_that_does_not_stream_is_timed_whole_whatever_it_yields() -> None:
    arm, session, _ = bench(drive=thrice)
    arm.check_outputs()
    session.seen.clear()
    block = arm.time(timing())
    assert session.seen == [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]
    assert len(block.wall_seconds) == 2
    assert block.chunk_gaps == ()


def think_then_speak(call: Any, inputs: Any) -> Any:
    yield {"thought": call(inputs)["y"][:2]}
    time.sleep(0.02)
    yield {"audio": np.full(100, 0.5, np.float32)}


def test_stages_are_timed_beside_the_whole_that_they_make_up() -> None:
    arm, _, _ = bench(stages=("think", "speak"), drive=think_then_speak, audio=AudioOutput("audio", 200))
    checked = arm.check_outputs()
    assert checked.audio_seconds == (0.5, 0.5)
    block = arm.time(timing(min_passes=2))
    assert block.example_ids == ("e0", "e1", "e0", "e1")
    for whole, (think, speak) in zip(block.wall_seconds, block.stage_seconds, strict=True):
        assert think + speak <= whole
        assert think < 0.02 <= speak
    assert block.first_audible_seconds == pytest.approx(block.wall_seconds, abs=0.01)


def test_a_drive_that_leaves_out_a_stage_is_refused() -> None:
    arm, _, _ = bench(stages=("think", "speak", "listen"), drive=think_then_speak)
    with pytest.raises(WorkloadProblem, match="2 outputs for the stages think, speak, listen"):
        arm.check_outputs()


def half_silent(inputs: Any) -> Any:
    """200 samples, the first half of them silent: a second of sound at 200 Hz, heard after half a second."""
    return {"audio": np.concatenate([np.zeros(100), np.full(100, 0.5)]).astype(np.float32)}


def test_sound_made_is_measured_by_its_samples_and_heard_after_its_silence() -> None:
    arm, _, _ = bench(half_silent, audio=AudioOutput("audio", 200), lengths=(9.0, 9.0))
    checked = arm.check_outputs()
    assert checked.audio_seconds == (1.0, 1.0)
    for heard, wall in zip(checked.first_audible_seconds, checked.first_pass_seconds, strict=True):
        assert 0.5 <= heard <= wall + 0.5
    block = arm.time(timing())
    assert block.first_audible_seconds == pytest.approx([wall + 0.5 for wall in block.wall_seconds], abs=0.05)


def test_silence_is_never_heard_and_is_told() -> None:
    arm, _, _ = bench(lambda _: {"audio": np.zeros(200, np.float32)}, audio=AudioOutput("audio", 200))
    checked = arm.check_outputs()
    assert checked.first_audible_seconds == (None, None)
    assert checked.audio_note == "no audible sample in e0, e1"
    assert arm.time(timing()).first_audible_seconds == ()


def test_sound_heard_by_the_model_has_the_length_that_the_examples_say() -> None:
    assert bench(lengths=(1.5, 2.5))[0].check_outputs().audio_seconds == (1.5, 2.5)


def test_a_block_of_a_duel_is_one_example_over_and_over_until_its_seconds_are_spent() -> None:
    arm, session, _ = bench()
    laps = arm.lap(protocol.Lap(example=1, seconds=0.002, discard=2))
    assert set(session.seen) == {2.0}
    assert len(session.seen) == len(laps.wall_seconds) + 2
    assert sum(laps.wall_seconds) >= 0.002
    assert sum(laps.wall_seconds[:-1]) < 0.002


def test_a_block_of_a_stream_is_a_whole_example_and_can_be_corrected() -> None:
    arm, _, _ = bench(drive=thrice, streaming=True)
    laps = arm.lap(protocol.Lap(example=0, seconds=0.0))
    assert len(laps.wall_seconds) == 1
    assert laps.corrected_seconds is not None
    assert 0 < laps.corrected_seconds[0] <= laps.wall_seconds[0]


@pytest.mark.parametrize(("drive", "seconds"), [(once, 0.25), (thrice, 0.75)], ids=["one call", "three calls"])
def test_the_time_on_a_device_is_that_of_every_call_of_an_example(
    monkeypatch: pytest.MonkeyPatch, drive: Any, seconds: float
) -> None:
    arm, session, _ = bench(drive=drive, device="cuda")
    monkeypatch.setattr(session, "device_seconds", lambda: 0.25)
    arm.check_outputs()
    laps = arm.lap(protocol.Lap(example=0, seconds=0.0, discard=2))
    assert laps.device_seconds == (seconds,)
    assert arm.time(timing(min_passes=2)).device_seconds == (seconds,) * 4


def test_of_calls_that_a_device_does_not_tell_no_part_stands_for_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    arm, session, _ = bench(drive=thrice, device="cuda")
    told = iter((0.25, None, 0.25))
    monkeypatch.setattr(session, "device_seconds", lambda: next(told))
    assert arm.lap(protocol.Lap(example=0, seconds=0.0)).device_seconds is None


def test_the_collector_stays_quiet_from_the_first_block_of_a_duel_to_its_end() -> None:
    was = gc.isenabled()
    arm, _, _ = bench()
    arm.lap(protocol.Lap(0, 0.0))
    assert not gc.isenabled()
    arm.close()
    assert gc.isenabled() is was


def test_rebuilding_closes_the_session_and_goes_on_with_a_new_one() -> None:
    arm, session, _ = bench()
    arm.lap(protocol.Lap(0, 0.0))
    session.closed = False
    assert arm.rebuild(4_096).seconds >= 0
    assert session.closed
    assert arm.lap(protocol.Lap(0, 0.0)).wall_seconds


def test_the_peak_of_a_duel_is_the_one_before_the_first_rebuilding() -> None:
    arm, _, _ = bench()
    arm.lap(protocol.Lap(0, 0.0))
    arm.rebuild(0)
    held = np.ones(8_000_000)  # 64 MB that only a later session would need
    arm.rebuild(0)
    peak = arm.close().steady_peak
    assert peak.peak_bytes is not None
    assert peak.start_bytes is not None
    assert peak.peak_bytes - peak.start_bytes < held.nbytes / 2


def test_what_cannot_be_watched_is_not_opened_once_more_to_say_so() -> None:
    def reopen() -> Any:
        raise AssertionError("a service would be started for nothing")

    assignment = protocol.Assignment("m", None, "tone", "fp32", "cpu", "-", "-")
    arm = Bench(model(), workload(Example("e0", Loading(1.0))), Arithmetic(same), PeakMeter(), assignment, reopen)
    arm.close()
    assert "does not show what is computed" in arm.count_work().work.unavailable
