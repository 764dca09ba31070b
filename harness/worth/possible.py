"""Where a metric of quality can lie at all, so that no interval is shown beyond it.

Pure; for what is shown only. What is judged keeps its numbers: an interval that is cut is no wider in truth.
"""

from __future__ import annotations

import math

from harness.metrics import Better, Metric, Pool
from harness.quality_metrics import known
from harness.stats.paired import Estimate

_OF_ONE = (Pool.SHARE, Pool.RANKED, Pool.CALIBRATED)
_OF_A_HUNDRED = (Pool.BLEU, Pool.CHRF)

Ends = tuple[float, float]


def possible(metric: Metric) -> Ends:
    """The least and the greatest value of a metric; infinite where there is no such end."""
    if metric.pool in _OF_ONE:
        return 0.0, 1.0
    if metric.pool in _OF_A_HUNDRED:
        return 0.0, 100.0
    if metric.ceiling is None or metric.better is Better.NEITHER:
        return -math.inf, math.inf
    if metric.better is Better.LOWER:
        return metric.ceiling, math.inf
    is_share = metric.pool is Pool.RATIO and metric.ceiling == 1.0
    return 0.0 if is_share else -math.inf, metric.ceiling


def _cut(value: float, low: float, high: float, ends: Ends) -> Ends:
    """An interval without what lies beyond the ends; the value stays in it, wherever that is."""
    return min(value, max(low, ends[0])), max(value, min(high, ends[1]))


def cut_score(metric: str, found: Estimate) -> Estimate:
    """The interval of a score within what its metric can be."""
    described = known().get(metric)
    if described is None or found.low is None or found.high is None:
        return found
    low, high = _cut(found.value, found.low, found.high, possible(described))
    return Estimate(found.value, low, high, found.examples)


def cut_loss(metric: str, value: float | None, loss: Estimate) -> Estimate:
    """The interval of a loss within what can be lost; `value` is that of the side that lost it.

    Against what is perfect by definition (fp32 beside itself) nothing can be gained.
    """
    described = known().get(metric)
    if described is None or value is None or loss.low is None or loss.high is None:
        return loss
    least, greatest = possible(described)
    before = value + loss.value if described.better is Better.HIGHER else value - loss.value
    ceiling = described.ceiling if described.of_reference else None
    is_perfect = ceiling is not None and math.isclose(before, ceiling, abs_tol=1e-9)
    low, high = _cut(loss.value, loss.low, loss.high, (0.0 if is_perfect else least - greatest, greatest - least))
    return Estimate(loss.value, low, high, loss.examples)
