"""How far embeddings are from those of fp32: each by itself, and in who is nearest to whom.

Neighbours are found among the examples themselves: at most five, and never more than half of the others, or every
example would be a neighbour and the overlap perfect whatever came out.
"""

from __future__ import annotations

from harness.quality.arrays import beside_reference, cosine
from harness.quality.checks import Trial, self_checked
from harness.quality.metric import Array, CannotScore, Case, Kind
from harness.quality_metrics import QUALITY
from harness.scores import Terms

NEIGHBOURS = 5
TIED = 1e-9
"""Cosines nearer than this are equal: which of two copies of an example comes first says nothing."""


def embedding_cosine(case: Case) -> Terms | None:
    """The cosine of an embedding with the reference's."""
    return None if (pair := beside_reference(case)) is None else (cosine(*pair),)


def neighbour_overlap(cases: tuple[Case, ...]) -> tuple[Terms | None, ...]:
    """Of the nearest neighbours of each example, the share that is as near in the reference.

    An example without embeddings on both sides has no neighbours and is nobody's.
    """
    import numpy as np

    pairs = {index: pair for index, case in enumerate(cases) if (pair := beside_reference(case)) is not None}
    nearest = min(NEIGHBOURS, (len(pairs) - 1) // 2)
    if nearest < 1:
        return (None,) * len(cases)
    _same_length(cases, pairs)
    near = _cosines([pair[0] for pair in pairs.values()])
    near_in_reference = _cosines([pair[1] for pair in pairs.values()])
    terms: list[Terms | None] = [None] * len(cases)
    for row, index in enumerate(pairs):
        found = np.argsort(-near[row], kind="stable")[:nearest]
        least = np.sort(near_in_reference[row])[-nearest]
        terms[index] = (float(np.mean(near_in_reference[row][found] >= least - TIED)),)
    return tuple(terms)


def _same_length(cases: tuple[Case, ...], pairs: dict[int, tuple[Array, Array]]) -> None:
    first = next(iter(pairs))
    for index, (output, _) in pairs.items():
        if output.size != pairs[first][0].size:
            raise CannotScore(
                f"the embedding of {cases[index].id} has {output.size} numbers and that of {cases[first].id}"
                f" {pairs[first][0].size}; name an output of one length in Embeds"
            )


def _cosines(embeddings: list[Array]) -> Array:
    """The cosine of each with each; of one with itself it is lower than any, for nobody is a neighbour of their own."""
    import numpy as np

    table = np.stack([embedding.ravel() / (np.abs(embedding).max() or 1.0) for embedding in embeddings])
    length = np.linalg.norm(table, axis=1, keepdims=True)
    unit = table / np.where(length == 0.0, 1.0, length)
    cosines: Array = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    return cosines


def _trial() -> Trial:
    """Thirty embeddings of 16 normals, and the same with noise of 10 %, 50 % and 300 %."""
    import numpy as np

    draw = np.random.default_rng(6)
    reference, noise = draw.standard_normal((30, 16)), draw.standard_normal((30, 16))

    def noisy(share: float) -> tuple[Case, ...]:
        return tuple(
            Case(f"embedding-{index}", reference[index] + share * noise[index], reference[index]) for index in range(30)
        )

    return Trial(noisy(0.0), (noisy(0.1), noisy(0.5), noisy(3.0)))


METRICS = (
    self_checked(QUALITY["embedding_cosine"], Kind.EMBEDDING, _trial, terms=embedding_cosine),
    self_checked(QUALITY["neighbour_overlap"], Kind.EMBEDDING, _trial, together=neighbour_overlap),
)
