"""The bound, worked by hand on rates that are round numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.limits import CallWork, Rates, Work, bits_of, grouped, limit_of, narrowed, reading_seconds

RATES = Rates("torch", "cpu", 1, {"fp32": 100.0, "int8": 400.0, "bf16": 10.0}, {1_000: 1_000.0, 8_000: 200.0})
FLOATS = {"float32": 10_000}


def work(*calls: CallWork) -> Work:
    return Work("torch", (calls,))


def test_a_call_takes_as_long_as_the_slower_of_arithmetic_and_reading() -> None:
    computed = limit_of(work(CallWork(500.0, {1: 1_000})), RATES, "fp32", FLOATS)
    assert (computed.seconds, computed.binds) == (5.0, "arithmetic")  # 500 / 100; 1000 / 1000 = 1
    read = limit_of(work(CallWork(500.0, {1: 8_000})), RATES, "fp32", FLOATS)
    assert (read.seconds, read.binds) == (40.0, "reading the weights")  # 8000 / 200


def test_calls_wait_for_each_other() -> None:
    calls = (CallWork(500.0, {1: 1_000}, times=2), CallWork(0.0, {1: 8_000}))
    limit = limit_of(work(*calls), RATES, "fp32", FLOATS)
    assert limit.seconds == 2 * 5.0 + 40.0
    assert (limit.arithmetic_seconds, limit.reading_seconds) == (10.0, 2 * 1.0 + 40.0)


def test_examples_are_a_pass_together() -> None:
    both = Work("torch", ((CallWork(100.0),), (CallWork(300.0, times=2),)))
    assert limit_of(both, RATES, "fp32", FLOATS).seconds == 7.0
    assert both.operations == 700.0


def test_a_loop_reads_its_weights_once_a_step_from_as_near_as_they_fit() -> None:
    # 1000 bytes ten times beside 7000 bytes once: all 8000 once at 200, then nine times 1000 bytes at 1000.
    assert reading_seconds({1: 7_000.0, 10: 1_000.0}, RATES) == pytest.approx(8_000 / 200 + 9 * 1_000 / 1_000)


def test_below_the_smallest_size_that_was_measured_reading_costs_nothing() -> None:
    assert RATES.reading(999) is None
    assert reading_seconds({5: 999.0}, RATES) == 0.0


@pytest.mark.parametrize(("size", "rate"), [(1_000, 1_000.0), (7_999, 1_000.0), (8_000, 200.0), (10**9, 200.0)])
def test_between_two_sizes_the_smaller_and_faster_counts(size: int, rate: float) -> None:
    assert RATES.reading(size) == rate


def test_no_size_is_read_slower_than_a_larger_one() -> None:
    assert Rates("torch", "cuda", 1, {}, {1_000: 5.0, 8_000: 50.0}).reading(1_000) == 50.0


@pytest.mark.parametrize(
    ("precision", "rate"),
    [("fp32", 100.0), ("bf16", 100.0), ("fp16", 100.0), ("int8-dynamic", 400.0), ("int4-weight-only", 400.0)],
)
def test_a_precision_may_use_its_own_arithmetic_or_that_of_fp32(precision: str, rate: float) -> None:
    assert RATES.fastest(precision) == rate


def test_without_a_rate_of_arithmetic_there_is_no_bound() -> None:
    assert limit_of(work(CallWork(1.0)), Rates("torch", "cpu", 1), "fp32", FLOATS) is None


def test_narrow_weights_are_given_to_those_that_are_read_most() -> None:
    # 100 elements nine times, 300 once; 150 of the artifact's are int8: 100 of the loop, 50 of the rest.
    found = narrowed({1: 1_200, 9: 400}, {"int8": 150, "float32": 250})
    assert found == {9: 100.0, 1: 50.0 + 250 * 4}


def test_what_the_artifact_has_no_count_for_is_as_narrow_as_its_narrowest() -> None:
    assert narrowed({1: 400}, {"int8": 10}) == {1: 100.0}
    assert narrowed({1: 400}, {}) == {1: 400.0}


@pytest.mark.parametrize(
    ("dtype", "bits"), [("float32", 32), ("bfloat16", 16), ("int4", 4), ("int4 in int8", 8), ("float8e4m3fn", 8)]
)
def test_the_width_of_a_dtype_is_in_its_name(dtype: str, bits: int) -> None:
    assert bits_of(dtype) == bits


def test_the_best_of_two_measurements_is_kept_and_mends_a_gap() -> None:
    first = Rates("torch", "cpu", 1, {"fp32": 5.0}, {8: 1.0}, {"int8": "no kernel", "fp16": "too slow"})
    both = first.joined(Rates("torch", "cpu", 1, {"fp32": 4.0, "int8": 9.0}, {8: 2.0}))
    assert both.operations_per_second == {"fp32": 5.0, "int8": 9.0}
    assert both.read_bytes_per_second == {8: 2.0}
    assert both.unavailable == {"fp16": "too slow"}


def test_calls_alike_become_one_entry_only_where_they_follow_each_other() -> None:
    one, other = CallWork(1.0, {1: 4}), CallWork(2.0, {1: 4})
    assert grouped([one, one, other, one]) == (CallWork(1.0, {1: 4}, 2), other, one)


def test_work_is_counted_or_it_is_said_why_not() -> None:
    with pytest.raises(ValueError, match="why not"):
        Work("torch")


@pytest.mark.parametrize("rate", [0.0, -1.0, float("inf"), float("nan")])
def test_a_rate_that_none_can_be_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="finite and above zero"):
        Rates("torch", "cpu", 1, {"fp32": rate})


sizes = st.dictionaries(st.integers(1, 50), st.integers(0, 10**6).map(lambda n: 4 * n), max_size=4)


@given(operations=st.floats(0, 1e12), read=sizes, faster=st.floats(1.0, 100.0))
def test_a_faster_machine_never_has_a_higher_bound(operations: float, read: dict[int, int], faster: float) -> None:
    def bound(factor: float) -> float:
        rates = Rates("torch", "cpu", 1, {"fp32": 7e9 * factor}, {1_000: 5e9 * factor, 10_000: 1e9 * factor})
        return limit_of(work(CallWork(operations, read)), rates, "fp32", {"float32": 100}).seconds

    assert bound(faster) <= bound(1.0) * (1 + 1e-9)


@given(read=sizes, narrow=st.integers(0, 2 * 10**6))
def test_narrower_weights_are_never_more_bytes(read: dict[int, int], narrow: int) -> None:
    found = narrowed(read, {"int8": narrow, "float32": 10**6})
    assert all(found[times] <= read[times] for times in read)
    assert all(found[times] >= read[times] / 4 for times in read)
