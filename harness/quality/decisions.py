"""What a model that says yes or no decided: as fp32 did, and rightly or not.

The output of a case is the probability of yes; who makes the case has applied the sigmoid where the model gives a
logit. An example that failed decided nothing: it agrees with nobody, is not right, and was not called positive.
"""

from __future__ import annotations

from harness.quality.arrays import finite
from harness.quality.checks import Trial, gives, self_checked
from harness.quality.metric import Array, CannotScore, Case, Kind, QualityMetric
from harness.quality_metrics import QUALITY
from harness.scores import Terms


def is_positive(case: Case, array: Array) -> bool:
    """Whether a probability of this case is a yes: at the threshold or above."""
    return _probability(case, array) >= case.threshold


def decision_agreement(case: Case) -> Terms | None:
    """1 where the decision is that of the reference."""
    if case.reference is None:
        return None
    if case.failed is not None:
        return (0.0,)
    return (float(is_positive(case, case.output) == is_positive(case, case.reference)),)


def accuracy(case: Case) -> Terms | None:
    """1 where the decision is right."""
    if (truth := _label(case)) is None:
        return None
    return (float(case.failed is None and _called(case) == truth),)


def decision_precision(case: Case) -> Terms | None:
    """Rightly called positive, and called positive."""
    if (truth := _label(case)) is None:
        return None
    called = _called(case)
    return (float(called and truth), float(called))


def recall(case: Case) -> Terms | None:
    """Rightly called positive, and positive."""
    if (truth := _label(case)) is None:
        return None
    return (float(truth and _called(case)), float(truth))


def f1(case: Case) -> Terms | None:
    """Twice the rightly called, and what was called positive plus what is: their ratio is the harmonic mean."""
    if (truth := _label(case)) is None:
        return None
    called = _called(case)
    return (2.0 * (called and truth), float(called) + float(truth))


def auc(case: Case) -> Terms | None:
    """How likely yes is, and whether yes is right: what a ROC curve is made of. What failed is at no place of it."""
    if (truth := _label(case)) is None or case.failed is not None:
        return None
    return (_probability(case, case.output), float(truth))


def calibration_error(case: Case) -> Terms | None:
    """The probability of yes, and whether yes is right."""
    terms = auc(case)
    if terms is not None and not 0.0 <= terms[0] <= 1.0:
        raise CannotScore(f"example {case.id} is likely by {terms[0]:g}; say is_logit in Decides if that is a logit")
    return terms


def positive_share(case: Case) -> Terms | None:
    """1 where the decision is yes."""
    return (float(_called(case)),)


def _probability(case: Case, array: Array) -> float:
    numbers = finite(case, array)
    if numbers.size != 1:
        raise CannotScore(
            f"example {case.id} has {numbers.size} numbers where a decision has one; name another output in Decides"
        )
    return float(numbers.ravel()[0])


def _called(case: Case) -> bool:
    return case.failed is None and is_positive(case, case.output)


def _label(case: Case) -> bool | None:
    if case.label not in {None, "0", "1"}:
        raise CannotScore(f"example {case.id} is labelled {case.label!r}; the label of a decision is 1 or 0")
    return None if case.label is None else case.label == "1"


def _decided(swapped: int) -> tuple[Case, ...]:
    """Four positive examples and four negative ones, decided surely; so many of each were taken for the other."""
    import numpy as np

    cases = []
    for label in (1, 0):
        for index in range(4):
            output = float(label == (index >= swapped))
            cases.append(Case(f"{label}-{index}", np.array([output]), np.array([float(label)]), str(label)))
    return tuple(cases)


def _trial() -> Trial:
    return Trial(_decided(0), (_decided(1), _decided(2), _decided(3)))


def _three_of_four() -> str | None:
    cases = _decided(0)
    return gives(METRICS[-1], cases[:3] + cases[-1:], 0.75)


METRICS = (
    *(
        self_checked(QUALITY[terms.__name__], Kind.DECISION, _trial, terms=terms)
        for terms in (decision_agreement, accuracy, decision_precision, recall, f1, auc, calibration_error)
    ),
    QualityMetric(QUALITY["positive_share"], Kind.DECISION, _three_of_four, positive_share),
)
