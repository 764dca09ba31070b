"""Files of tools that keep numbers over time: github-action-benchmark (one file a direction) and Bencher."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from harness.metrics import Better
from harness.render.exports.values import Value, values_of
from harness.results import Run

_BENCHMARK_SHOWN, _MEASURE_SHOWN = 1_024, 64
"""What Bencher takes of a name."""


def smaller_is_better(run: Run) -> str:
    """github-action-benchmark, `customSmallerIsBetter`."""
    return _for_action(run, Better.LOWER)


def bigger_is_better(run: Run) -> str:
    """github-action-benchmark, `customBiggerIsBetter`."""
    return _for_action(run, Better.HIGHER)


def bencher(run: Run) -> str:
    """Bencher Metric Format: by cell, by measure, the value with its bounds."""
    told: dict[str, dict[str, Any]] = {}
    for one in values_of(run):
        if one.metric is None or one.value is None:
            continue
        bounds = {"lower_value": one.low, "upper_value": one.high}
        entry = {"value": one.value, **{name: bound for name, bound in bounds.items() if bound is not None}}
        of_cell = told.setdefault(_cut(str(one.cell), _BENCHMARK_SHOWN), {})
        of_cell[_cut(one.metric, _MEASURE_SHOWN)] = entry
    return _json(told)


def _cut(name: str, most: int) -> str:
    """A name no longer than it may be; one that is cut keeps apart from others by its digest."""
    if len(name) <= most:
        return name
    digest = hashlib.sha256(name.encode(errors="replace")).hexdigest()[:16]
    return f"{name[: most - len(digest) - 1]}~{digest}"


def _for_action(run: Run, better: Better) -> str:
    return _json(
        [
            _entry(one, one.metric, one.value)
            for one in values_of(run)
            if one.metric is not None and one.value is not None and one.better is better
        ]
    )


def _entry(one: Value, metric: str, value: float) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": f"{one.cell} {metric}", "unit": one.unit or "count", "value": value}
    if one.low is not None and one.high is not None:
        entry["range"] = f"{one.low:.6g} to {one.high:.6g}"
    extra = "\n".join(filter(None, (one.outcome, one.note)))
    return {**entry, "extra": extra} if extra else entry


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
