"""Rates are the best of several repetitions, by whoever's clock; what fails is said and spoils nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import SimpleNamespace

import pytest

from harness.cells import Device
from harness.errors import HarnessError
from harness.runtimes import Tuning
from harness.runtimes.rates import READ_SIZES, Trial, best_seconds, measured

HOST = Device("cpu")


def clock(*seconds: float) -> Callable[[Callable[[], object]], float]:
    """Does the work and says it took so long, one after the other."""
    each = iter(seconds)

    def timed(work: Callable[[], object]) -> float:
        work()
        return next(each)

    return timed


def rates(trials: Iterable[Trial], *seconds: float):
    return measured("torch", HOST, Tuning(threads=2), trials, clock(*seconds), 0.0)


def test_the_shortest_repetition_counts_and_the_first_is_thrown_away() -> None:
    assert best_seconds(lambda: None, clock(0.1, 4.0, 2.0, 3.0), 0.0) == 2.0


def test_it_repeats_until_the_time_is_spent() -> None:
    assert best_seconds(lambda: None, clock(9.0, 4.0, 4.0, 4.0, 4.0, 1.0), 17.0) == 1.0


def test_of_several_trials_the_fastest_is_the_rate() -> None:
    trials = [Trial("fp32", 100.0, lambda: print), Trial("fp32", 100.0, lambda: print), Trial(8, 8.0, lambda: print)]
    found = rates(trials, *[2.0] * 4, *[1.0] * 4, *[4.0] * 4)
    assert found.operations_per_second == {"fp32": 100.0}
    assert found.read_bytes_per_second == {8: 2.0}
    assert (found.runtime, found.device, found.threads) == ("torch", "cpu", 2)


def test_a_trial_that_fails_says_why_unless_another_of_its_kind_did_not() -> None:
    def absent() -> Callable[[], object]:
        raise RuntimeError("no\nkernel")

    trials = [Trial("int8", 1.0, absent), Trial("fp16", 1.0, absent), Trial("fp16", 1.0, lambda: print)]
    found = rates(trials, *[1.0] * 4)
    assert found.unavailable == {"int8": "RuntimeError: no kernel"}
    assert found.operations_per_second == {"fp16": 1.0}


def test_what_takes_no_time_that_a_clock_shows_has_no_rate() -> None:
    assert rates([Trial("fp32", 1.0, lambda: print)], *[0.0] * 4).unavailable == {
        "fp32": "it took no time that the clock shows"
    }


def test_torch_has_a_rate_for_every_kind_and_size_on_the_cpu() -> None:
    pytest.importorskip("torch")
    from harness.runtimes.torch import TorchRuntime

    found = TorchRuntime().rates(HOST, Tuning(), 0.0)
    assert set(found.operations_per_second) | set(found.unavailable) == {"fp32", "bf16", "fp16", "int8"}
    assert "fp32" in found.operations_per_second
    assert tuple(found.read_bytes_per_second) == READ_SIZES


def test_a_device_with_events_is_timed_by_them() -> None:
    pytest.importorskip("torch")
    from harness.runtimes.torch_rates import timed_on

    done = []
    place = SimpleNamespace(seconds=0.25, run=lambda work: work())
    assert timed_on(place)(lambda: done.append(1)) == 0.25
    assert done == [1]
    place.seconds = None
    assert 0 <= timed_on(place)(lambda: None) < 0.25


@pytest.mark.parametrize(("small_seconds", "is_tried"), [(0.001, True), (0.5, False)])
def test_a_larger_product_in_half_precision_is_tried_where_the_small_one_is_quick(
    small_seconds: float, is_tried: bool
) -> None:
    torch = pytest.importorskip("torch")
    from harness.runtimes.torch_rates import _product_if_quick

    sides = []
    place = SimpleNamespace(
        target=torch.device("cpu"), seconds=small_seconds, run=lambda work: sides.append(work().shape[0])
    )
    try:
        sides.append(_product_if_quick(place, 48, 32, torch.bfloat16)().shape[0])
    except RuntimeError as error:
        assert "a product of 32×32 takes too long" in str(error)  # noqa: PT017 - either may come
    assert sides == ([32, 48] if is_tried else [32])


def test_onnxruntime_has_a_rate_for_every_kind_and_size_on_the_cpu() -> None:
    pytest.importorskip("onnxruntime")
    from harness.runtimes.onnx import OnnxRuntime

    runtime = OnnxRuntime()
    runtime.load_library()
    found = runtime.rates(HOST, Tuning(session_options={"graph_optimization_level": "disabled"}), 0.0)
    assert set(found.operations_per_second) | set(found.unavailable) == {"fp32", "fp16", "int8"}
    assert tuple(found.read_bytes_per_second) == READ_SIZES


def test_onnxruntime_is_not_timed_where_each_call_would_copy() -> None:
    pytest.importorskip("onnxruntime")
    from harness.runtimes.onnx import OnnxRuntime

    with pytest.raises(HarnessError, match="its calls begin on the host"):
        OnnxRuntime().rates(Device("cuda"), Tuning(), 0.0)
