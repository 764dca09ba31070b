"""The table of metrics keeps its own rules."""

from __future__ import annotations

import ast
import inspect
import math

import pytest

from harness import metrics
from harness.metrics import METRICS, Better

UNIT_BY_ENDING = {
    "_seconds": "s",
    "_per_second": "1/s",
    "_bytes": "B",
    "_joules_per_inference": "J",
    "_count": "",
    "_fraction": "",
    "_factor": "s/s",
}


def test_no_metric_is_declared_twice() -> None:
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(metrics))) if isinstance(node, ast.Call)]
    declared = [call.args[0].value for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Metric"]
    assert len(declared) == len(METRICS) > 0
    assert sorted(declared) == sorted(METRICS)


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_a_metric_s_name_ends_with_its_unit(metric: metrics.Metric) -> None:
    ending = next(ending for ending in UNIT_BY_ENDING if metric.name.endswith(ending))
    assert metric.unit == UNIT_BY_ENDING[ending]


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_a_metric_has_a_sane_margin_and_a_summary(metric: metrics.Metric) -> None:
    assert math.isfinite(metric.margin)
    assert 0 <= metric.margin < 1
    assert metric.summary
    assert not metric.summary.endswith(".")


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_only_rates_and_shares_are_better_when_higher(metric: metrics.Metric) -> None:
    is_rate_or_share = metric.name.endswith(("_per_second", "_fraction")) and metric.name != "errors_fraction"
    assert (metric.better is Better.HIGHER) == is_rate_or_share
