"""Every metric of quality with its function: those of this package, and those that installed packages add.

Imports metrics only when asked, and they import arrays only when they compute: listing them imports no numpy.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib.metadata import entry_points

from harness.errors import UsageProblem
from harness.quality.metric import Kind, QualityMetric
from harness.quality_metrics import METRICS_GROUP, known


def metrics_for(kinds: Collection[Kind]) -> tuple[QualityMetric, ...]:
    """The metrics that look at outputs of these kinds."""
    return tuple(metric for metric in all_metrics() if metric.of in kinds)


@cache
def all_metrics() -> tuple[QualityMetric, ...]:
    """The metrics of this package in the order of `QUALITY`, then those of others."""
    return (*built_in(), *_added())


def built_in() -> tuple[QualityMetric, ...]:
    """The metrics of this package."""
    from harness.quality import decisions, embedding, fidelity, frames, logits, speech, text

    modules = (fidelity, logits, decisions, frames, speech, text, embedding)
    return tuple(metric for module in modules for metric in module.METRICS)


def _added() -> tuple[QualityMetric, ...]:
    known()  # says in plain words what does not load, and which names clash
    found = []
    for entry in entry_points(group=METRICS_GROUP):
        metric = entry.load()
        if not isinstance(metric, QualityMetric):
            raise UsageProblem(
                f"the metric {entry.name!r} of {entry.value} is a {type(metric).__name__} and not a QualityMetric;"
                " see docs/adding-a-metric.md"
            )
        found.append(metric)
    return tuple(found)
