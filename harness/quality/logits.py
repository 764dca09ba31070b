"""How far a distribution over choices is from that of fp32, position by position: choices lie along the last axis."""

from __future__ import annotations

from harness.quality.arrays import beside_reference
from harness.quality.checks import Trial, self_checked
from harness.quality.metric import Array, Case, Kind
from harness.quality_metrics import QUALITY
from harness.scores import Terms

LEAST_LOG = -1e300
"""The logarithm of a probability that is 0: low enough to lose nothing, high enough to stay a number."""


def top1_agreement(case: Case) -> Terms | None:
    """Positions whose first choice is that of the reference, and all positions. Of equal logits the first counts."""
    if (pair := _positions(case)) is None:
        return None
    output, reference = pair
    agreeing = output.argmax(axis=-1) == reference.argmax(axis=-1)
    return (float(agreeing.sum()), float(agreeing.size))


def kl_divergence(case: Case) -> Terms | None:
    """KL(reference ‖ output) in nats, summed over positions, and how many there are."""
    import numpy as np

    if (pair := _positions(case)) is None:
        return None
    log_output, log_reference = (_log_softmax(logits) for logits in pair)
    each = np.sum(np.exp(log_reference) * (log_reference - log_output), axis=-1)
    return (float(np.maximum(each, 0.0).sum()), float(each.size))  # rounding alone makes it negative


def _positions(case: Case) -> tuple[Array, Array] | None:
    """Logits of output and reference, a row a position."""
    if (pair := beside_reference(case)) is None:
        return None
    choices = pair[0].shape[-1] if pair[0].ndim else 1
    return pair[0].reshape(-1, choices), pair[1].reshape(-1, choices)


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
