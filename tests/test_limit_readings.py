"""Limits beside measurements: of one inference, by the work of fp32, and never without a word where there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.cells import Cell
from harness.limit_readings import CONTRADICTION, joined, with_limits
from harness.limits import CallWork, Rates, Work
from harness.results import Measurement, Provenance, Reading, Sample, Status
from tests.samples import FAILED, UNSUPPORTED

FP32, INT8 = Cell("tone", "fp32", "cpu"), Cell("tone", "int8-dynamic", "cpu")
RATES = Rates("torch", "cpu", 1, {"fp32": 100.0, "int8": 400.0}, {1_000: 1_000.0})
WORK = Work("torch", ((CallWork(40.0),), (CallWork(60.0),)))  # a pass of two examples: 1 s at 100 a second


def provenance(**more: object) -> Provenance:
    plain = {
        "model": "tone",
        "size": "tiny",
        "weights": "w",
        "reference_digest": "r",
        "artifact_digest": "a",
        "artifact_format": "torch-state",
        "artifact_provenance": "p",
        "workload": "hums",
        "workload_digest": "d",
        "examples": 2,
        "count_by_dtype": {"float32": 1_000},
    }
    return Provenance(**{**plain, **more})


def measured(cell: Cell, latency: float, work: Work | None = None, *readings: Reading, **more: object) -> Measurement:
    """Two passes of two examples."""
    return Measurement(
        cell,
        Status.MEASURED,
        readings=(Reading("latency_seconds", latency), *readings),
        sample=more.pop("sample", Sample(("a", "b") * 2, (latency,) * 4, passes=2)),
        provenance=provenance(**more),
        work=work,
    )


def limits(*found: Measurement, rates: tuple[Rates, ...] = (RATES,)) -> list[tuple[float | None, float | None]]:
    told = with_limits(found, rates)
    return [(one.value("limit_seconds"), one.value("limit_share_fraction")) for one in told]


def why(*found: Measurement, rates: tuple[Rates, ...] = (RATES,)) -> str | None:
    """Why the last has no limit; both its readings say the same."""
    last = with_limits(found, rates)[-1]
    reasons = {last.reading(name).unavailable for name in ("limit_seconds", "limit_share_fraction")}
    assert len(reasons) == 1
    return reasons.pop()


def test_the_limit_is_that_of_one_inference_and_the_share_is_of_the_latency() -> None:
    assert limits(measured(FP32, 2.0, WORK)) == [(0.5, 0.25)]


def test_of_a_stream_it_is_that_of_one_chunk() -> None:
    chunks = Sample(("a", "a", "b", "b", "b"), (0.5,) * 5)  # one pass of five chunks
    assert limits(measured(FP32, 0.5, WORK, sample=chunks)) == [(pytest.approx(0.2), pytest.approx(0.4))]


def test_another_precision_has_fp32_s_work_to_do_at_its_own_rate() -> None:
    pair = limits(measured(FP32, 2.0, WORK), measured(INT8, 0.5, count_by_dtype={"int8": 1_000}))
    assert pair[1] == (0.125, 0.25)


def test_one_that_makes_less_has_less_to_do() -> None:
    full = measured(FP32, 2.0, WORK, Reading("audio_seconds", 4.0))
    short = measured(INT8, 0.5, None, Reading("audio_seconds", 3.0))
    told = with_limits((full, short), (RATES,))[1]
    assert told.value("limit_seconds") == pytest.approx(0.125 * 3 / 4)
    assert "0.75 of the audio" in told.reading("limit_seconds").note


def test_of_tokens_and_audio_the_one_that_is_less_of_fp32_s_counts() -> None:
    full = measured(FP32, 2.0, WORK, Reading("tokens_count", 10), Reading("audio_seconds", 4.0))
    short = measured(INT8, 0.5, None, Reading("tokens_count", 9), Reading("audio_seconds", 1.0))
    told = with_limits((full, short), (RATES,))[1]
    assert told.value("limit_seconds") == pytest.approx(0.125 / 4)
    assert "0.25 of the audio" in told.reading("limit_seconds").note


def test_one_that_makes_more_has_no_more_to_do_than_fp32() -> None:
    full = measured(FP32, 2.0, WORK, Reading("tokens_count", 10))
    longer = measured(INT8, 0.5, None, Reading("tokens_count", 12))
    assert limits(full, longer)[1][0] == 0.125


def test_a_share_above_everything_is_shown_and_called_what_it_is() -> None:
    told = with_limits((measured(FP32, 0.25, WORK),), (RATES,))[0]
    assert told.value("limit_share_fraction") == 2.0
    assert told.reading("limit_share_fraction").note == CONTRADICTION


def test_the_note_says_which_of_both_binds() -> None:
    note = with_limits((measured(FP32, 2.0, WORK),), (RATES,))[0].reading("limit_seconds").note
    assert note.startswith("arithmetic binds")
    assert "500 ms" in note


def test_a_precision_without_fp32_beside_it_says_so() -> None:
    assert "fp32, which was not measured" in why(measured(INT8, 0.5))


def test_what_could_not_be_counted_is_told_of_every_precision() -> None:
    broken = Work("http", unavailable="http does not show what is computed")
    assert "http does not show" in why(measured(FP32, 2.0, broken), measured(INT8, 0.5))


def test_other_examples_than_fp32_s_have_other_work() -> None:
    assert "other examples" in why(measured(FP32, 2.0, WORK), measured(INT8, 0.5, workload_digest="other"))


@pytest.mark.parametrize("other", [replace(RATES, device="cuda"), replace(RATES, runtime="onnx")])
def test_rates_of_another_device_or_runtime_are_no_rates(other: Rates) -> None:
    assert "torch is on cpu at its best was not measured" in why(measured(FP32, 2.0, WORK), rates=(other,))


def test_why_no_rate_is_known_is_passed_on() -> None:
    silent = Rates("torch", "cpu", 1, unavailable={"rates": "it crashed"})
    assert "rates: it crashed" in why(measured(FP32, 2.0, WORK), rates=(silent,))


def test_a_cell_on_a_device_may_take_the_work_that_was_counted_on_the_cpu() -> None:
    there = measured(Cell("tone", "fp16", "cuda"), 2.0)
    fast = Rates("torch", "cuda", 1, {"fp16": 1_000.0})
    assert limits(measured(FP32, 2.0, WORK), there, rates=(RATES, fast))[1] == (0.05, 0.025)


def test_a_run_without_limits_is_left_as_it_is() -> None:
    found = (measured(FP32, 2.0), UNSUPPORTED, FAILED)
    assert with_limits(found, ()) == found


def test_cells_that_were_not_measured_get_no_readings() -> None:
    told = with_limits((measured(FP32, 2.0, WORK), UNSUPPORTED, FAILED), (RATES,))
    assert told[1:] == (UNSUPPORTED, FAILED)


def test_rates_that_were_measured_several_times_are_joined_by_runtime_device_and_threads() -> None:
    faster, two = replace(RATES, operations_per_second={"fp32": 150.0}), replace(RATES, threads=2)
    best = joined([RATES, faster, two])
    assert [(one.threads, one.operations_per_second["fp32"]) for one in best] == [(1, 150.0), (2, 100.0)]
