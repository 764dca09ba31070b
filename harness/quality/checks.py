"""How a metric checks itself: what is identical gives the ceiling, and growing noise is ever worse.

Owns the check that the metrics share. A package that is missing is no failed check: `CannotScore` passes through.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.metrics import Better, Metric
from harness.models import Need
from harness.quality.metric import CannotScore, Case, Kind, QualityMetric, TermsOf
from harness.scores import Terms
from harness.stats.pooling import pooled

Cases = tuple[Case, ...]

WITHIN = 1e-6
"""How near to its ceiling a metric of identical input must come."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Examples whose outputs are perfect, and the same with outputs that are worse and worse."""

    clean: Cases
    worse: tuple[Cases, ...]


def value_of(metric: QualityMetric, cases: Cases) -> float:
    """The value of a metric over some cases; an error where they give it none."""
    terms = [one for one in metric.terms_of(cases) if one is not None]
    if not terms:
        raise ValueError("it has no terms for the examples it checks itself on")
    if not all(math.isfinite(term) for one in terms for term in one):
        raise ValueError("it gave a term that is not finite")
    assert metric.metric.pool is not None
    value = pooled(metric.metric.pool, terms)
    if value is None or not math.isfinite(value):
        raise ValueError(f"it came to {value} on the examples it checks itself on")
    return value


def ceiling_and_noise(metric: QualityMetric, clean: Case | Cases, worse: Sequence[Case | Cases]) -> str | None:
    """What the metric did wrong on these examples, or None. `worse` is in the order of growing noise."""
    name, ceiling = metric.metric.name, metric.metric.ceiling
    try:
        perfect = value_of(metric, _cases(clean))
        values = [perfect, *(value_of(metric, _cases(noisy)) for noisy in worse)]
    except CannotScore:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a metric raises is its failed check, told in its words
        return f"{name} failed on examples of its own: {type(error).__name__}: {error}"
    if ceiling is not None and not abs(perfect - ceiling) <= WITHIN:
        return f"{name} of identical input is {perfect:.6g} and not {ceiling:g}"
    rises = metric.metric.better is Better.LOWER
    for before, after in pairwise(values):
        if not (after > before if rises else after < before):
            said = ", ".join(f"{value:.6g}" for value in values)
            return f"{name} did not {'rise' if rises else 'fall'} as noise grew: {said}"
    return None


def gives(metric: QualityMetric, cases: Cases, expected: float) -> str | None:
    """What the metric did wrong where its value is known beforehand: for one that has no better and no worse."""
    name = metric.metric.name
    try:
        value = value_of(metric, cases)
    except CannotScore:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        return f"{name} failed on examples of its own: {type(error).__name__}: {error}"
    return None if abs(value - expected) <= WITHIN else f"{name} of known examples is {value:.6g} and not {expected:g}"


def self_checked(
    metric: Metric,
    of: Kind,
    trial: Callable[[], Trial],
    *,
    terms: TermsOf | None = None,
    together: Callable[[Cases], tuple[Terms | None, ...]] | None = None,
    needs: tuple[Need, ...] = (),
    note: Callable[[], str] | None = None,
) -> QualityMetric:
    """A metric that checks itself on a trial, which is made only then."""

    def self_check() -> str | None:
        on = trial()
        return ceiling_and_noise(made, on.clean, on.worse)

    made = QualityMetric(metric, of, self_check, terms, together, needs, note)
    return made


def _cases(one_or_more: Case | Cases) -> Cases:
    return (one_or_more,) if isinstance(one_or_more, Case) else tuple(one_or_more)
