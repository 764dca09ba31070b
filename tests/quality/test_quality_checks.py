"""A metric that does not do what it should is found by its own check, on whatever machine it runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from harness.metrics import Better, Metric, Pool
from harness.quality import decisions, embedding, fidelity, frames, logits, text
from harness.quality.checks import Trial, ceiling_and_noise, gives, self_checked, value_of
from harness.quality.metric import CannotScore, Case, Kind, QualityMetric
from harness.scores import Terms

TRIALS: dict[str, Callable[[], Trial]] = {
    **{one.metric.name: fidelity._trial for one in fidelity.METRICS},
    **{one.metric.name: logits._trial for one in logits.METRICS},
    **{one.metric.name: decisions._trial for one in decisions.METRICS},
    **{one.metric.name: frames._trial for one in frames.METRICS},
    **{one.metric.name: embedding._trial for one in embedding.METRICS},
    **{one.metric.name: text._written_trial for one in text.METRICS},
    "token_agreement": text._token_trial,
}
ALL = [one for module in (fidelity, logits, decisions, frames, text, embedding) for one in module.METRICS]
DIRECTED = [one for one in ALL if one.metric.better is not Better.NEITHER]

by_name = {"ids": lambda one: one.metric.name}

LIKENESS = Metric("likeness", "", Better.HIGHER, 0.1, "1 less the mean difference", Pool.MEAN, ceiling=1.0)


def likeness(case: Case) -> Terms:
    assert case.reference is not None
    return (1.0 - float(np.abs(case.output - case.reference).mean()),)


def trial() -> Trial:
    clean = Case("ramp", np.arange(4.0), np.arange(4.0))
    return Trial((clean,), tuple((clean.with_output(np.arange(4.0) + by),) for by in (0.1, 0.5)))


@pytest.mark.parametrize("metric", ALL, **by_name)
def test_every_metric_passes_its_own_check(metric: QualityMetric) -> None:
    assert metric.self_check() is None


@pytest.mark.parametrize("metric", DIRECTED, **by_name)
def test_every_trial_starts_at_the_ceiling_and_has_three_steps_of_noise(metric: QualityMetric) -> None:
    made = TRIALS[metric.metric.name]()
    assert value_of(metric, made.clean) == pytest.approx(metric.metric.ceiling, abs=1e-6)
    assert len(made.worse) == 3


@pytest.mark.parametrize("metric", DIRECTED, **by_name)
def test_a_metric_that_always_says_perfect_fails_its_check(metric: QualityMetric) -> None:
    made = TRIALS[metric.metric.name]()
    perfect = metric.terms_of(made.clean)
    blind = replace(metric, terms=None, together=lambda cases: perfect)
    assert "as noise grew" in str(ceiling_and_noise(blind, made.clean, made.worse))


@pytest.mark.parametrize("metric", DIRECTED, **by_name)
def test_a_metric_that_takes_worse_for_better_fails_its_check(metric: QualityMetric) -> None:
    made = TRIALS[metric.metric.name]()
    other = Better.LOWER if metric.metric.better is Better.HIGHER else Better.HIGHER
    turned = replace(metric, metric=replace(metric.metric, better=other))
    assert "as noise grew" in str(ceiling_and_noise(turned, made.clean, made.worse))


@pytest.mark.parametrize("constant", [0.0, 1.0])
def test_a_share_of_yes_that_does_not_look_fails_its_check(constant: float) -> None:
    share = next(one for one in decisions.METRICS if one.metric.name == "positive_share")
    blind = replace(share, terms=lambda case: (constant,))
    assert (
        gives(blind, decisions._decided(0)[:5], 0.8) == f"positive_share of known examples is {constant:g} and not 0.8"
    )


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda case: (-likeness(case)[0],), "likeness of identical input is -1 and not 1"),
        (lambda case: (2.0 - likeness(case)[0],), "likeness did not fall as noise grew: 1, 1.1, 1.5"),
        (lambda case: (1.0,), "likeness did not fall as noise grew: 1, 1, 1"),
        (lambda case: (likeness(case)[0] * 1.001,), "likeness of identical input is 1.001 and not 1"),
        (lambda case: (max(0.9, likeness(case)[0]),), "likeness did not fall as noise grew: 1, 0.9, 0.9"),
        (lambda case: None, "no terms for the examples"),
        (lambda case: (math.nan,), "a term that is not finite"),
        (lambda case: (1 / 0,), "likeness failed on examples of its own: ZeroDivisionError"),
        (lambda case: (1.0, 1.0), "an example adds 1 numbers to a mean metric, not 2"),
    ],
)
def test_what_a_broken_metric_did_is_said(broken: Callable[[Case], Terms | None], said: str) -> None:
    metric = self_checked(LIKENESS, Kind.ANY, trial, terms=broken)
    assert said in str(metric.self_check())


def test_a_metric_that_does_what_it_should_has_nothing_to_say() -> None:
    assert self_checked(LIKENESS, Kind.ANY, trial, terms=likeness).self_check() is None


def test_single_cases_do_where_one_is_enough() -> None:
    metric = self_checked(LIKENESS, Kind.ANY, trial, terms=likeness)
    made = trial()
    assert ceiling_and_noise(metric, made.clean[0], [worse[0] for worse in made.worse]) is None


def test_a_missing_package_is_no_failed_check() -> None:
    def missing(case: Case) -> Terms:
        raise CannotScore("it needs likeness-lib; pip install likeness-lib")

    metric = self_checked(LIKENESS, Kind.ANY, trial, terms=missing)
    with pytest.raises(CannotScore, match="pip install"):
        metric.self_check()
