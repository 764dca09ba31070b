"""What metrics ask of arrays before they compute: numbers in float64, all finite, of the reference's shape.

Refuses outputs that are not finite: a cell that gives them has failed before any metric looks.
"""

from __future__ import annotations

from harness.quality.metric import Array, CannotScore, Case


def finite(case: Case, array: Array) -> Array:
    """The same numbers in float64."""
    import numpy as np

    numbers = np.asarray(array, dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise CannotScore(f"example {case.id} has outputs that are not finite; check them before they are scored")
    return numbers


def beside_reference(case: Case) -> tuple[Array, Array] | None:
    """Output and reference; None where one of them is missing or they differ in shape."""
    if case.failed is not None or case.reference is None:
        return None
    output, reference = finite(case, case.output), finite(case, case.reference)
    return (output, reference) if output.shape == reference.shape and output.size else None


def cosine(one: Array, other: Array) -> float:
    """The cosine of two vectors: 1 where both are zero, 0 where one is."""
    import numpy as np

    greatest = float(np.abs(one).max()), float(np.abs(other).max())
    if min(greatest) == 0.0:
        return float(max(greatest) == 0.0)
    left, right = one.ravel() / greatest[0], other.ravel() / greatest[1]  # squares of huge numbers would overflow
    return float(np.clip(left @ right / np.sqrt((left @ left) * (right @ right)), -1.0, 1.0))
