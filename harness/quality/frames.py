"""What a model that decides frame by frame decided: as fp32 did, and rightly or not.

The output is the probability of yes in every frame. An example that failed found none of its frames.
"""

from __future__ import annotations

from harness.quality.arrays import finite
from harness.quality.checks import Trial, self_checked
from harness.quality.metric import Array, CannotScore, Case, Kind
from harness.quality_metrics import QUALITY
from harness.scores import Terms


def frame_agreement(case: Case) -> Terms | None:
    """Frames decided as in the reference, and all frames; none where there are other numbers of frames."""
    if case.reference is None:
        return None
    reference = _positive(case, case.reference)
    if case.failed is not None:
        return (0.0, float(reference.size))
    output = _positive(case, case.output)
    if not max(output.size, reference.size):
        return None
    common = min(output.size, reference.size)
    return (float((output[:common] == reference[:common]).sum()), float(max(output.size, reference.size)))


def frame_accuracy(case: Case) -> Terms | None:
    """Frames decided rightly, and all frames."""
    if (pair := _beside_truth(case)) is None:
        return None
    output, truth = pair
    return (0.0 if case.failed is not None else float((output == truth).sum()), float(truth.size))


def frame_precision(case: Case) -> Terms | None:
    """Frames rightly called positive, and frames called positive."""
    if (pair := _beside_truth(case)) is None:
        return None
    output, truth = pair
    return (float((output & truth).sum()), float(output.sum()))


def frame_recall(case: Case) -> Terms | None:
    """Frames rightly called positive, and positive frames."""
    if (pair := _beside_truth(case)) is None:
        return None
    output, truth = pair
    return (float((output & truth).sum()), float(truth.sum()))


def frame_f1(case: Case) -> Terms | None:
    """Twice the rightly called, and the called plus the positive: their ratio is the harmonic mean."""
    if (pair := _beside_truth(case)) is None:
        return None
    output, truth = pair
    return (2.0 * float((output & truth).sum()), float(output.sum() + truth.sum()))


def _positive(case: Case, array: Array) -> Array:
    """Which frames are a yes: at the threshold or above."""
    return finite(case, array).ravel() >= case.threshold


def _beside_truth(case: Case) -> tuple[Array, Array] | None:
    """Decisions and right answers, a frame each."""
    import numpy as np

    if case.truth is None:
        return None
    truth = finite(case, case.truth).ravel()
    if not np.isin(truth, (0.0, 1.0)).all():
        raise CannotScore(f"example {case.id} has a truth other than 0 and 1; label every frame with one of them")
    if case.failed is not None:
        return np.zeros(truth.size, dtype=bool), truth == 1.0
    output, right = _positive(case, case.output), truth == 1.0
    if output.size == right.size:
        return output, right
    if case.reference is None or case.reference.size != right.size:
        raise CannotScore(
            f"example {case.id} has {output.size} frames and {truth.size} right answers; make its truth as long"
        )
    # fp32 has as many: frames that this one lacks, or has besides, are decided wrongly
    lacking, besides = right[output.size :], output[right.size :]
    return np.concatenate([output, ~lacking]), np.concatenate([right, ~besides])


def _trial() -> Trial:
    """A clip of 40 frames, half of them speech; of each kind 2, 5, then 10 frames are taken for the other."""
    import numpy as np

    truth = np.arange(40) % 2

    def swapped(share: int) -> Case:
        return clean.with_output(np.where(np.arange(40) < 2 * share, 1 - truth, truth).astype(float))

    clean = Case("clip", truth.astype(float), truth.astype(float), truth=truth)
    return Trial((clean,), tuple((swapped(count),) for count in (2, 5, 10)))


METRICS = tuple(
    self_checked(QUALITY[terms.__name__], Kind.FRAMES, _trial, terms=terms)
    for terms in (frame_agreement, frame_accuracy, frame_precision, frame_recall, frame_f1)
)
