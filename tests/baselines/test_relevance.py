"""Which differences can change a time, and the order they are told in."""

from __future__ import annotations

import pytest

from harness.baselines.relevance import can_change_times, differing
from harness.cells import Cell
from harness.comparisons import LOST_SUPPORT, Difference, Outcome, Verdict

ONE, OTHER = Cell("m", "fp32", "cpu"), Cell("m", "int8-dynamic", "cpu")
WEIGHTS = Difference("weights", "a", "b")
TORCH = Difference("torch", "2.12.0", "2.13.0")
DRIVER = Difference("nvidia_driver", "570", "580")


def said(cell: Cell, *found: Difference) -> Verdict:
    return Verdict(cell, "latency_seconds", Outcome.UNCHANGED, "", "before", differences=found)


@pytest.mark.parametrize(
    ("key", "can"),
    [
        *((key, True) for key in ("cpu_model", "cpu_isa", "usable_cores", "threads", "gpu_name")),
        *(
            (key, True)
            for key in ("torch", "onnxruntime", "nvidia_driver", "torch: torch_blas", "torch_cpu_capability")
        ),
        *((key, True) for key in ("engine", "single_core", "artifact", "a library of next year")),
        *((key, False) for key in ("weights", "calibration", "onnx", "onnx: onnx")),
    ],
)
def test_whatever_is_not_known_to_leave_times_alone_can_change_them(key: str, can: bool) -> None:
    assert can_change_times(key) is can


def test_what_can_change_a_time_comes_first_then_what_concerns_most_cells() -> None:
    found = differing([said(ONE, WEIGHTS, TORCH), said(OTHER, WEIGHTS, TORCH, DRIVER), said(OTHER, TORCH)])
    assert [(one.difference, one.cells, one.changes_times) for one in found] == [
        (TORCH, 2, True),
        (DRIVER, 1, True),
        (WEIGHTS, 2, False),
    ]


def test_a_lost_support_is_a_verdict_and_no_difference() -> None:
    assert differing([said(ONE, LOST_SUPPORT)]) == ()
