"""Readings, worked by hand from what a worker said."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from harness.conduct.readings import Replies, readings_of, sample_of
from harness.metrics import METRICS
from harness.models import AudioOutput, Coverage, Model
from harness.results import Reading
from harness.worker import protocol
from tests.samples import block, checked, closed, model, opened


def read(
    *blocks: protocol.Block,
    declared: Model | None = None,
    opened_: protocol.Opened | None = None,
    checked_: protocol.Checked | None = None,
    closed_: protocol.Closed | None = None,
    crowds_: tuple[protocol.Crowded, ...] = (),
) -> dict[str, Reading]:
    """The readings by metric of two passes over two examples, 0.2 s and 0.4 s, unless other blocks are given."""
    blocks = blocks or (block(0.2, 0.4), block(0.2, 0.4))
    replies = Replies(opened_ or opened(), checked_ or checked(), blocks, closed_ or closed(), crowds_)
    found = readings_of(declared or model(), replies, sample_of(blocks))
    assert len({reading.metric for reading in found}) == len(found)
    return {reading.metric: reading for reading in found}


def value(found: dict[str, Reading], metric: str) -> Any:
    assert found[metric].unavailable is None
    return found[metric].value


def test_latency_and_throughput() -> None:
    found = read(block(0.2, 0.4), block(0.2, 0.8))
    assert value(found, "latency_p50_seconds") == pytest.approx(0.3)  # between 0.2 and 0.4
    assert value(found, "latency_seconds") == pytest.approx(0.4)  # passes of 0.6 and 1.0 s, two inferences each
    assert value(found, "throughput_per_second") == pytest.approx(2.5)  # 4 in 1.6 s


@pytest.mark.parametrize(
    ("metric", "needed", "expected"),
    [
        # The fewest n for which at most one of n lies above the quantile with a chance of 1 % at most.
        ("latency_p90_seconds", 64, 57.7),  # rank 1 + 63 × 0.90
        ("latency_p95_seconds", 130, 123.55),  # rank 1 + 129 × 0.95
        ("latency_p99_seconds", 662, 655.39),  # rank 1 + 661 × 0.99
    ],
)
def test_a_percentile_is_told_from_the_number_on_that_supports_it(metric: str, needed: int, expected: float) -> None:
    enough = read(block(*map(float, range(1, needed + 1))))
    assert value(enough, metric) == pytest.approx(expected)
    few = read(block(*map(float, range(1, needed))))
    assert few[metric].value is None
    assert few[metric].unavailable == f"{needed - 1} inferences; {needed} are needed: raise --cell-seconds"


def test_the_corrected_time_is_told_where_every_block_has_it() -> None:
    both = (block(0.2, 0.4, corrected_seconds=(0.1, 0.3)), block(0.2, 0.4, corrected_seconds=(0.1, 0.3)))
    assert value(read(*both), "corrected_p50_seconds") == pytest.approx(0.2)


def test_the_corrected_time_that_one_block_lacks_is_missing_with_that_block_s_why() -> None:
    one = (block(0.2, 0.4, corrected_seconds=(0.1, 0.3), corrected_unavailable=None), block(0.2, 0.4))
    assert read(*one)["corrected_p50_seconds"].unavailable == "the clock does not say"


def test_device_time_is_told_where_there_is_any() -> None:
    assert value(read(block(0.2, 0.4, device_seconds=(0.05, 0.15))), "device_p50_seconds") == pytest.approx(0.1)
    assert "device_p50_seconds" not in read()


def test_the_real_time_factor_is_wall_seconds_by_seconds_of_audio() -> None:
    hears = checked(audio_seconds=(1.0, 2.0))
    found = read(block(0.2, 0.4), block(0.3, 0.6), block(0.2, 0.4), checked_=hears)
    assert value(found, "audio_seconds") == 3.0
    assert value(found, "real_time_factor") == pytest.approx(0.2)  # the median pass, 0.6 s, by 3 s


@pytest.mark.parametrize(
    ("lengths", "why"),
    [((1.0, None), "1 of 2 examples have no audio length"), ((0.0, 0.0), "the examples hold no audio")],
)
def test_without_audio_s_length_there_is_no_real_time_factor(lengths: Any, why: str) -> None:
    found = read(checked_=checked(audio_seconds=lengths))
    assert found["real_time_factor"].unavailable == why
    assert "audio_seconds" not in found


def test_a_model_without_audio_has_no_readings_of_audio() -> None:
    assert not {"real_time_factor", "audio_seconds", "first_audible_seconds", "chunk_gap_p50_seconds"} & read().keys()


SPEAKS = model(audio=AudioOutput("y", 16_000))


def test_the_first_audible_sample_is_the_median_over_all_inferences() -> None:
    blocks = (block(0.2, 0.4, first_audible_seconds=(0.3, 0.5)), block(0.2, 0.4, first_audible_seconds=(0.3, 0.9)))
    assert value(read(*blocks, declared=SPEAKS), "first_audible_seconds") == pytest.approx(0.4)


def test_a_silent_output_leaves_no_first_audible_sample() -> None:
    blocks = (block(0.2, 0.4, first_audible_seconds=(0.3,)), block(0.2, 0.4, first_audible_seconds=(0.3,)))
    found = read(*blocks, declared=SPEAKS)
    assert found["first_audible_seconds"].unavailable == "2 of 4 outputs had no audible sample"


def test_gaps_between_chunks_are_of_streams() -> None:
    blocks = (block(0.2, 0.4, chunk_gaps=(0.1, 0.3)), block(0.2, 0.4, chunk_gaps=(0.2,)))
    found = read(*blocks, declared=model(streaming=True))
    assert value(found, "chunk_gap_p50_seconds") == pytest.approx(0.2)
    assert value(found, "chunk_gap_max_seconds") == pytest.approx(0.3)


STREAMS = model(audio=AudioOutput("y", 16_000), streaming=True)


def test_silences_between_chunks_are_counted_and_summed_by_pass() -> None:
    passes = (((0.1, 0.2), ()), ((0.4,), ()), ((), ()))
    blocks = tuple(block(0.2, 0.4, underruns=streams) for streams in passes)
    found = read(*blocks, declared=STREAMS)
    assert value(found, "underruns_count") == 1, "2, 1 and 0 of them"
    assert value(found, "underrun_seconds") == pytest.approx(0.3), "0.3, 0.4 and 0 seconds"


def test_a_stream_that_was_not_played_leaves_no_count_of_silences() -> None:
    found = read(block(0.2, 0.4, underruns=((0.1,),)), declared=STREAMS)
    assert found["underruns_count"].unavailable == "1 of 2 streams were not played"
    assert found["underrun_seconds"].unavailable


def test_silences_are_of_streams_of_audio_only() -> None:
    for declared in (SPEAKS, model(streaming=True)):
        assert "underruns_count" not in read(declared=declared)


def test_a_stream_of_single_chunks_has_no_gap() -> None:
    found = read(declared=model(streaming=True))
    assert found["chunk_gap_max_seconds"].unavailable == "0 gaps between chunks; two are needed"


def test_loading_is_told_by_its_parts() -> None:
    found = read()
    assert value(found, "import_seconds") == 0.2
    assert value(found, "conversion_seconds") == 1.5
    assert value(found, "open_seconds") == 0.3
    assert value(found, "first_inference_seconds") == 0.4


def test_peaks_are_told_by_phase_and_the_highest_of_them() -> None:
    found = read()
    assert value(found, "peak_load_bytes") == 100e6
    assert value(found, "peak_first_bytes") == 120e6
    assert value(found, "peak_steady_bytes") == 150e6
    assert value(found, "peak_bytes") == 150e6
    assert found["peak_bytes"].note == "of which 40 MB were resident before the model was loaded"
    assert found["peak_first_bytes"].note == "first"
    assert value(found, "steady_growth_bytes") == 40e6  # 150 MB over 110 MB


def test_a_steady_peak_below_its_start_is_no_growth() -> None:
    shrinks = closed(steady_peak=protocol.Peak(150_000_000, 140_000_000))
    assert value(read(closed_=shrinks), "steady_growth_bytes") == 0


def test_a_phase_without_a_peak_leaves_the_whole_without_one() -> None:
    found = read(closed_=closed(steady_peak=protocol.Peak(unavailable="the kernel refused")))
    for metric in ("peak_bytes", "peak_steady_bytes", "steady_growth_bytes"):
        assert found[metric].unavailable == "the kernel refused"
    assert value(found, "peak_load_bytes") == 100e6


def test_a_phase_whose_start_is_not_known_has_a_peak_and_no_growth() -> None:
    found = read(closed_=closed(steady_peak=protocol.Peak(None, 150_000_000)))
    assert value(found, "peak_steady_bytes") == 150e6
    assert found["steady_growth_bytes"].unavailable == "the start of the phase is not known"


def test_device_memory_is_told_before_and_after() -> None:
    found = read(
        closed_=closed(device_before_bytes=5, device_during_bytes=8, device_peak_bytes=9, device_after_bytes=6)
    )
    assert [value(found, f"device_{when}_bytes") for when in ("before", "during", "peak", "after")] == [5, 8, 9, 6]
    assert read()["device_before_bytes"].unavailable == "the cpu has no memory of its own"
    assert read()["device_after_bytes"].unavailable == "the cpu has no memory of its own"


def test_device_memory_that_nobody_counts_says_why() -> None:
    found = read()
    assert found["device_peak_bytes"].unavailable == "the cpu has no memory of its own"
    assert found["device_reserved_bytes"].unavailable == "the cpu has no memory of its own"
    assert found["device_process_bytes"].unavailable == "no driver counts it"


def test_device_memory_is_told_by_each_that_counts_it() -> None:
    counted = closed(device_peak_bytes=10, device_reserved_bytes=20, device_process_bytes=30)
    found = read(closed_=counted)
    assert [value(found, f"device_{what}_bytes") for what in ("peak", "reserved", "process")] == [10, 20, 30]


def test_a_device_that_used_none_of_its_memory_says_zero() -> None:
    assert value(read(closed_=closed(device_peak_bytes=0)), "device_peak_bytes") == 0


def test_the_artifact_is_told_by_size_weights_and_what_of_them_was_converted() -> None:
    found = read()
    assert value(found, "artifact_bytes") == 4_000
    assert value(found, "parameters_count") == 250
    assert value(found, "weights_covered_fraction") == 0.75  # 750 of 1,000 bytes
    assert found["weights_covered_fraction"].note == "3 of 4 weight tensors"


def test_a_reference_without_weights_has_no_share_of_them() -> None:
    empty = opened(artifact=msgspec.structs.replace(opened().artifact, coverage=Coverage(0, 0, 0, 0)))
    found = read(opened_=empty)
    assert found["weights_covered_fraction"].unavailable == "the reference holds no weights that can be counted"


def test_energy_is_by_inference_or_says_why_not() -> None:
    assert value(read(closed_=closed(joules=6.0)), "energy_joules_per_inference") == 1.5  # 6 J by 4
    assert read()["energy_joules_per_inference"].unavailable == "no counter here"
    assert read(closed_=closed(joules_unavailable=None))["energy_joules_per_inference"].unavailable == "no counter"


def test_every_metric_can_be_read_of_some_model() -> None:
    everything = read(
        block(0.2, 0.4, 0.2, 0.4, device_seconds=(0.1,) * 4, first_byte_seconds=(0.1,) * 4),
        declared=model(audio=AudioOutput("y", 16_000), streaming=True),
        checked_=checked(audio_seconds=(1.0, 2.0), tokens=5),
        crowds_=(protocol.Crowded(1, 2, 0, 0.5),),
    )
    of_the_run = {"limit_seconds", "limit_share_fraction"}  # by the work of another cell: test_limit_readings.py
    assert everything.keys() | of_the_run == METRICS.keys()
    assert not everything.keys() & of_the_run


def test_readings_come_in_the_order_of_the_table_of_metrics() -> None:
    order = list(METRICS)
    places = [order.index(metric) for metric in read()]
    assert places == sorted(places)


def test_blocks_are_joined_in_the_order_measured() -> None:
    sample = sample_of([block(0.1, 0.2), block(0.3, 0.4, 0.5, 0.6)])
    assert sample.wall_seconds == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
    assert sample.example_ids == ("a", "b") * 3
    assert sample.passes == 3
