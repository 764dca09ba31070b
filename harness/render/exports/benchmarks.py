"""The run as pytest-benchmark writes it, so that its own `compare` and what reads its files can read Quantgate's.

Only cells that were measured are there: the format has no word for the others.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from importlib.metadata import version
from statistics import mean, median, stdev
from typing import Any

from harness.results import Measurement, Run
from harness.stats.estimates import percentile

_OPTIONS = {"disable_gc": True, "timer": "perf_counter", "min_rounds": 1, "max_time": 0.0, "min_time": 0.0}


def pytest_benchmark(run: Run) -> str:
    """One entry a measured cell; a round is one inference."""
    machine = run.environment
    told = {
        "machine_info": {
            "node": "",
            "processor": str(machine.identity.get("architecture", "")),
            "machine": str(machine.identity.get("architecture", "")),
            "python_version": str(machine.libraries.get("python", "")),
            "system": str(machine.identity.get("os", "")),
            "cpu": {"brand_raw": str(machine.identity.get("cpu_model", ""))},
        },
        "commit_info": {
            "id": machine.info.get("git_commit"),
            "dirty": machine.info.get("git_dirty"),
            "time": None,
            "project": "quantgate",
            "branch": "(unknown)",
        },
        "benchmarks": [_entry(one) for one in run.measurements if one.sample is not None],
        "datetime": run.started,
        "version": version("pytest-benchmark"),
    }
    return json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _entry(measurement: Measurement) -> dict[str, Any]:
    cell = measurement.cell
    assert measurement.sample is not None
    params = {"model": cell.model, "precision": cell.precision, "device": cell.device}
    extra = {reading.metric: reading.value for reading in measurement.readings if reading.value is not None}
    scores = measurement.quality.scores if measurement.quality else ()
    return {
        "group": f"{cell.model} {cell.device}",
        "name": f"test_latency[{cell}]",
        "fullname": f"suites/test_cells.py::test_latency[{cell}]",
        "params": params,
        "param": str(cell),
        "extra_info": extra | {one.metric: one.value for one in scores if one.value is not None},
        "options": {**_OPTIONS, "warmup": measurement.warm_up.inferences if measurement.warm_up else False},
        "stats": _stats(measurement.sample.wall_seconds),
    }


def _stats(seconds: Sequence[float]) -> dict[str, Any]:
    q1, q3 = percentile(seconds, 0.25), percentile(seconds, 0.75)
    middle, deviation, iqr = mean(seconds), stdev(seconds), q3 - q1
    inner = [one for one in seconds if q1 - 1.5 * iqr <= one <= q3 + 1.5 * iqr]
    outside_iqr = len(seconds) - len(inner)
    outside_stddev = sum(abs(one - middle) > deviation for one in seconds)
    return {
        "min": min(seconds),
        "max": max(seconds),
        "mean": middle,
        "stddev": deviation,
        "rounds": len(seconds),
        "median": median(seconds),
        "iqr": iqr,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": outside_iqr,
        "stddev_outliers": outside_stddev,
        "outliers": f"{outside_stddev};{outside_iqr}",
        "ld15iqr": min(inner),
        "hd15iqr": max(inner),
        "ops": 1 / middle,
        "total": math.fsum(seconds),
        "iterations": 1,
    }
