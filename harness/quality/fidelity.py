"""How far any output is from that of fp32 on the same input: all its numbers as one vector.

Arrays of another shape than the reference's have no terms here: lengths are compared by metrics that know what the
numbers mean.
"""

from __future__ import annotations

import math
import sys

from harness.quality.arrays import beside_reference, cosine
from harness.quality.checks import Trial, self_checked
from harness.quality.metric import Case, Kind
from harness.quality_metrics import QUALITY
from harness.scores import Terms

CAP_DB = 100.0
"""Beyond it lies nothing but the rounding of fp32; equal arrays are here, and the floor is its negative."""


def sqnr_db(case: Case) -> Terms | None:
    """10·log10 of the reference's energy over that of the difference."""
    import numpy as np

    if (pair := beside_reference(case)) is None:
        return None
    output, reference = (array.ravel() / _greatest(*pair) for array in pair)
    noise, signal = float(np.sum((output - reference) ** 2)), float(np.sum(reference**2))
    if noise == 0.0:
        return (CAP_DB,)
    if signal == 0.0:
        return (-CAP_DB,)
    return (min(CAP_DB, max(-CAP_DB, 10.0 * (math.log10(signal) - math.log10(noise)))),)


def cosine_similarity(case: Case) -> Terms | None:
    """The cosine between output and reference; a single number has no direction."""
    pair = beside_reference(case)
    return None if pair is None or pair[0].size < 2 else (cosine(*pair),)


def largest_difference(case: Case) -> Terms | None:
    """The largest difference of one value, absolute."""
    import numpy as np

    if (pair := beside_reference(case)) is None:
        return None
    with np.errstate(over="ignore"):  # the difference of two huge numbers need not be a number
        return (min(float(np.abs(pair[0] - pair[1]).max()), sys.float_info.max),)


def _greatest(*arrays: object) -> float:
    import numpy as np

    return max(float(np.abs(array).max()) for array in arrays) or 1.0  # type: ignore[call-overload]


def _trial() -> Trial:
    """A vector of normals, and three with noise of 1 %, 10 % and 100 % of it."""
    import numpy as np

    draw = np.random.default_rng(4)
    reference, noise = draw.standard_normal(512), draw.standard_normal(512)
    clean = Case("noise", reference, reference)
    return Trial((clean,), tuple((clean.with_output(reference + share * noise),) for share in (0.01, 0.1, 1.0)))


METRICS = tuple(
    self_checked(QUALITY[terms.__name__], Kind.ANY, _trial, terms=terms)
    for terms in (sqnr_db, cosine_similarity, largest_difference)
)
