"""The rates of a run as a person reads them."""

from __future__ import annotations

from harness.limits import Rates
from harness.render.machine import rates_of


def test_a_line_for_each_kind_each_size_and_each_gap() -> None:
    rates = Rates("torch", "cpu", 2, {"fp32": 208.2e9}, {64_000_000: 38.5e9, 1_000_000: 106e9}, {"int8": "no\nkernel"})
    assert rates_of([rates]) == (
        ("torch on cpu, 2 threads: fp32", "208 GFLOP/s"),
        ("torch on cpu, 2 threads: reading 1.00 MB", "106 GB/s"),
        ("torch on cpu, 2 threads: reading 64.0 MB", "38.5 GB/s"),
        ("torch on cpu, 2 threads: int8", "not known: no kernel"),
    )
