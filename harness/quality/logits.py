"""How far a distribution over choices is from that of fp32, position by position: choices lie along the last axis."""

from __future__ import annotations

from collections.abc import Callable

from harness.quality.arrays import finite
from harness.quality.checks import Trial, self_checked
from harness.quality.metric import Array, Case, Kind
from harness.quality_metrics import QUALITY
from harness.scores import Terms

LEAST_LOG = -1e300
"""The logarithm of a probability that is 0: low enough to lose nothing, high enough to stay a number."""


NUMBERS_AT_ONCE = 2**18
"""A vocabulary of 256,000 over a sentence is a gigabyte in float64 with all that is made of it."""


def top1_agreement(case: Case) -> Terms | None:
    """Positions whose first choice is that of the reference, and all positions. Of equal logits the first counts."""
    return _summed(case, lambda output, reference: output.argmax(axis=-1) == reference.argmax(axis=-1))


def kl_divergence(case: Case) -> Terms | None:
    """KL(reference ‖ output) in nats, summed over positions, and how many there are."""
    return _summed(case, _divergence)


def _divergence(output: Array, reference: Array) -> Array:
    import numpy as np

    log_output, log_reference = _log_softmax(output), _log_softmax(reference)
    each: Array = np.sum(np.exp(log_reference) * (log_reference - log_output), axis=-1)
    return np.maximum(each, 0.0)  # rounding alone makes it negative


def _summed(case: Case, of_positions: Callable[[Array, Array], Array]) -> Terms | None:
    """A number for every position, summed, and how many positions there are."""
    import numpy as np

    if case.failed is not None or case.reference is None:
        return None
    output, reference = np.asarray(case.output), np.asarray(case.reference)
    if output.shape != reference.shape or not output.size or not output.ndim:
        return None
    choices = output.shape[-1]
    rows = max(1, NUMBERS_AT_ONCE // choices)
    output, reference = output.reshape(-1, choices), reference.reshape(-1, choices)
    total = 0.0
    for start in range(0, len(output), rows):
        some = slice(start, start + rows)
        total += float(of_positions(finite(case, output[some]), finite(case, reference[some])).sum())
    return (total, float(len(output)))


def _log_softmax(logits: Array) -> Array:
    import numpy as np

    with np.errstate(over="ignore"):
        shifted = np.maximum(logits - logits.max(axis=-1, keepdims=True), LEAST_LOG)
    normal: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return normal


def _trial() -> Trial:
    """Logits of 64 positions, and three with noise that changes ever more first choices."""
    import numpy as np

    draw = np.random.default_rng(5)
    reference, noise = draw.standard_normal((64, 20)), draw.standard_normal((64, 20))
    clean = Case("noise", reference, reference)
    return Trial((clean,), tuple((clean.with_output(reference + share * noise),) for share in (0.3, 1.0, 4.0)))


METRICS = tuple(
    self_checked(QUALITY[terms.__name__], Kind.LOGITS, _trial, terms=terms) for terms in (top1_agreement, kl_divergence)
)
