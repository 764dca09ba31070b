"""What the record of a pair tells of its quads: ratios by each clock, single inferences, what differs."""

from __future__ import annotations

import math
import random
from typing import Any

import msgspec
import pytest

from harness.comparisons import Clock, Difference
from harness.conduct.pairing import LAPS_KEPT, Measured, OtherWork, Quad, Told, differences_between, measured
from harness.worker import protocol
from tests.samples import closed, opened

TOLD = Told(opened(), closed())


def block(*seconds: float, **clocks: Any) -> protocol.Laps:
    """A block by whose every clock, but that of a device, each inference took as long."""
    plain = {"wall_seconds": seconds, "corrected_seconds": seconds, "device_seconds": None, "cpu_seconds": sum(seconds)}
    return protocol.Laps(**{**plain, **clocks})


def record(*quads: Quad, old: Told = TOLD, new: Told = TOLD, **more: Any) -> Measured:
    plain = {"stage": 1, "seconds": 3.0, "is_rebuilt": False}
    return measured(quads, old, new, (), random.Random(0), **{**plain, **more})


def steady(old: float = 1.0, new: float = 1.0, example: int = 0) -> Quad:
    return Quad(example, (block(old), block(old)), (block(new), block(new)))


def test_the_ratio_of_a_pair_is_the_mean_of_its_quads_log_ratios_of_mean_times() -> None:
    # Quads of 2 → 4, 2 → 4 and 1 → 4: log ratios of ln 2, ln 2 and 2 ln 2, whose mean errs by a third of ln 2.
    uneven = Quad(0, (block(1.0), block(2.0, 3.0)), (block(6.0, 2.0), block(4.0)))
    pair = record(uneven, steady(2.0, 4.0, example=1), steady(1.0, 4.0)).pair
    told = dict.fromkeys((Clock.WALL, Clock.CORRECTED, Clock.CPU))
    assert pair.log_ratios == pytest.approx(dict.fromkeys(told, 4 / 3 * math.log(2)))
    assert pair.errors == pytest.approx(dict.fromkeys(told, math.log(2) / 3))
    assert pair.old.seconds == pytest.approx(dict.fromkeys(told, 5 / 3))
    assert pair.new.seconds == pytest.approx(dict.fromkeys(told, 4.0))
    assert (pair.old.inferences, pair.new.inferences, pair.quads) == (7, 7, 3)


def test_each_clock_has_a_ratio_of_its_own() -> None:
    old = block(1.0, 1.0, corrected_seconds=(0.5, 0.5), device_seconds=(0.1, 0.1), cpu_seconds=8.0)
    new = block(2.0, 2.0, corrected_seconds=(1.5, 1.5), device_seconds=(0.4, 0.4), cpu_seconds=40.0)
    pair = record(*[Quad(0, (old, old), (new, new))] * 3).pair
    expected = {Clock.WALL: 2, Clock.CORRECTED: 3, Clock.DEVICE: 4, Clock.CPU: 5}
    assert pair.log_ratios == pytest.approx({clock: math.log(ratio) for clock, ratio in expected.items()})


def test_where_the_work_is_another_process_s_nothing_is_said_by_the_cpu_clock() -> None:
    blocks = (block(1.0, corrected_seconds=None, cpu_seconds=None),) * 2
    found = record(*[Quad(0, blocks, blocks)] * 3)
    assert (found.clock, set(found.pair.log_ratios)) == (Clock.WALL, {Clock.WALL})


@pytest.mark.parametrize(
    ("old", "new", "decides"),
    [
        ({}, {}, Clock.CORRECTED),
        ({"corrected_seconds": None}, {}, Clock.WALL),
        ({}, {"corrected_seconds": None}, Clock.WALL),
        ({"device_seconds": (1.0,)}, {"device_seconds": (1.0,)}, Clock.CORRECTED),
        (
            {"corrected_seconds": None, "device_seconds": (1.0,)},
            {"corrected_seconds": None, "device_seconds": (1.0,)},
            Clock.DEVICE,
        ),
        ({"corrected_seconds": None, "device_seconds": (1.0,)}, {"corrected_seconds": None}, Clock.WALL),
    ],
)
def test_the_clock_that_decides_is_one_that_both_sides_have(old: Any, new: Any, decides: Clock) -> None:
    quad = Quad(0, (block(1.0, **old),) * 2, (block(1.0, **new),) * 2)
    found = record(quad, quad, quad)
    assert found.clock is decides
    assert decides in found.pair.log_ratios
    assert (Clock.CORRECTED in found.pair.log_ratios) == (decides is Clock.CORRECTED)


def test_a_clock_that_was_silent_in_one_block_tells_nothing_of_the_pair() -> None:
    silent = Quad(0, (block(1.0), block(1.0, corrected_seconds=None)), (block(1.0), block(1.0)))
    found = record(steady(), silent, steady())
    assert found.clock is Clock.WALL
    assert Clock.CORRECTED not in found.pair.log_ratios


def test_single_inferences_are_told_relative_to_the_old_side_s_usual_time_of_their_example() -> None:
    # The old side takes 2 as a rule for the one example, and 10 for the other.
    short = Quad(0, (block(2.0), block(1.0)), (block(3.0), block(1.0)))
    pair = record(short, steady(10.0, 15.0, example=1), steady(2.0, 2.5)).pair
    assert pair.old_laps == (1.0, 0.5, 1.0, 1.0, 1.0, 1.0)
    assert pair.new_laps == (1.5, 0.5, 1.5, 1.5, 1.25, 1.25)


def test_where_single_inferences_are_many_a_thousand_are_told_by_chance() -> None:
    # Every other one is slow: by chance half of those told are, where every second one would be all or none.
    half = block(*(1.0, 9.0) * 300)
    pair = record(*[Quad(0, (half, half), (half, half))] * 3).pair
    for laps in (pair.old_laps, pair.new_laps):
        assert len(laps) == LAPS_KEPT == 1_000
        assert 0.4 < sum(lap > max(laps) / 2 for lap in laps) / len(laps) < 0.6


def test_how_a_pair_was_measured_is_told() -> None:
    pair = record(steady(), steady(), steady(), stage=2, seconds=7.0, is_rebuilt=True).pair
    assert (pair.stage, pair.seconds, pair.is_rebuilt) == (2, 7.0, True)


@pytest.mark.parametrize(
    ("old", "key", "value"),
    [
        # Of a load, a first inference and a steady state, the highest, wherever it was.
        (TOLD, "peak_bytes", 150_000_000),
        (Told(opened(), closed(steady_peak=protocol.Peak(1, 110_000_000))), "peak_bytes", 120_000_000),
        (Told(opened(), closed(steady_peak=protocol.Peak(unavailable="no /proc"))), "peak_bytes", None),
        (TOLD, "device_peak_bytes", None),
        (Told(opened(), closed(device_peak_bytes=5_000)), "device_peak_bytes", 5_000),
        (TOLD, "import_seconds", 0.2),
        (TOLD, "open_seconds", 0.3),
        (TOLD, "first_inference_seconds", 0.4),
        (TOLD, "artifact_bytes", 4_000),
        (TOLD, "parameters_count", 250),
        (TOLD, "weights_covered_fraction", 0.75),
    ],
)
def test_what_a_process_tells_besides_its_laps_is_told_and_what_it_does_not_know_is_left_out(
    old: Told, key: str, value: float | None
) -> None:
    assert record(steady(), steady(), steady(), old=old).pair.old.values.get(key) == value


def test_either_side_tells_its_own() -> None:
    pair = record(steady(), steady(), steady(), new=Told(opened(open_seconds=0.9), closed())).pair
    assert (pair.old.values["open_seconds"], pair.new.values["open_seconds"]) == (0.3, 0.9)


def test_what_differs_beside_the_code_is_named() -> None:
    assert differences_between(opened(), opened(), is_other_precision=False) == ()
    other = msgspec.structs.replace(opened().artifact, reference_digest="s" * 64, calibration_digest="c" * 64)
    new = opened(artifact=other, versions={"engine": "1.1", "driver": "7"})
    assert differences_between(opened(), new, is_other_precision=False) == (
        Difference("weights", "r" * 12, "s" * 12),
        Difference("calibration", "none", "c" * 12),
        Difference("engine", "1.0", "1.1"),
        Difference("driver", "absent", "7"),
    )


@pytest.mark.parametrize("is_other_precision", [False, True])
def test_other_work_is_refused_with_its_key(*, is_other_precision: bool) -> None:
    with pytest.raises(OtherWork) as caught:
        differences_between(opened(), opened(workload_digest="v" * 64), is_other_precision=is_other_precision)
    assert caught.value.differences == (Difference("workload", "w" * 12, "v" * 12),)
