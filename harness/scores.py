"""The records of quality: what the outputs of a cell are worth, example by example, beside its latency and memory.

Owns the words; computes nothing (that is `harness.quality`, in a worker, and `stats.pooling`) and decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from harness.metrics import Better, Pool

Terms = tuple[float, ...]
"""What one example adds to a metric; `Pool` says what the numbers are."""


class Part(StrEnum):
    """Which outputs a score is of."""

    TIMED = "timed"
    """The examples that were timed, run once more by the session that was timed."""
    EXAM = "exam"
    """The model's larger set, run once, untimed, by the same session."""


@dataclass(frozen=True, slots=True)
class Score:
    """One metric of one cell. `terms` has an entry an example of its part; None where the metric has none for it.

    `value` is what the terms make together; None with `unavailable` saying why. `untrusted` says how the metric failed
    its self-check on this machine: such a value is shown and can pass nothing. Unit and direction stand here too: a
    record can be read where the package that added the metric is not installed.
    """

    metric: str
    part: Part
    unit: str
    better: Better
    pool: Pool
    value: float | None = None
    terms: tuple[Terms | None, ...] = ()
    unavailable: str | None = None
    untrusted: str | None = None
    note: str | None = None
    is_judged: bool = True

    def __post_init__(self) -> None:
        if (self.value is None) == (self.unavailable is None):
            raise ValueError(f"{self.metric} needs either a value or why it is unavailable")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.metric} is {self.value}, which is no measurement")
        if not all(math.isfinite(term) for terms in self.terms if terms is not None for term in terms):
            raise ValueError(f"{self.metric} has a term that is not finite")

    @property
    def is_trusted(self) -> bool:
        """Whether it has a value that may pass a gate."""
        return self.value is not None and self.untrusted is None


@dataclass(frozen=True, slots=True)
class Examples:
    """The examples of a part: which, of what kind, and what they are by content."""

    name: str
    digest: str
    ids: tuple[str, ...]
    slices: tuple[Mapping[str, str], ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    """By id, why no output came of it. An example that failed is counted, never left away."""
    groups: tuple[str, ...] = ()
    """To which group each belongs, where several are of one (draws of one text); empty where each is by itself."""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What other session options did to the outputs of the same artifact on the same machine."""

    options: str
    flips: int
    of: int
    largest_difference: float
    example_ids: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """What the outputs of a cell are worth. `reference` says against what ("fp32 on cpu").

    `outputs_digest` is of the timed examples' outputs; `is_same` where it is that of the reference.
    `was_steady`: the session gave the same outputs before and after it was timed.
    `flipped` are the examples whose decision is not that of the reference. `problem` is why nothing could be said.
    `wrong` is why the outputs are no result at all.
    """

    reference: str = ""
    reference_digest: str = ""
    outputs_digest: str = ""
    is_same: bool = False
    was_steady: bool = True
    timed: Examples | None = None
    exam: Examples | None = None
    scores: tuple[Score, ...] = ()
    flipped: tuple[str, ...] = ()
    decisions: int = 0
    sensitivity: tuple[Sensitivity, ...] = ()
    problem: str | None = None
    wrong: str | None = None
    seconds: float = 0.0

    def __post_init__(self) -> None:
        names = [score.metric for score in self.scores]
        if len(names) != len(set(names)):
            raise ValueError("a metric of quality is reported twice")
        for score in self.scores:
            of = self.timed if score.part is Part.TIMED else self.exam
            if score.terms and (of is None or len(score.terms) != len(of.ids)):
                raise ValueError(f"{score.metric} has {len(score.terms)} terms, and not one an example of its part")

    def score(self, metric: str) -> Score | None:
        """The score of a metric, or None where it does not apply."""
        return next((score for score in self.scores if score.metric == metric), None)

    def examples(self, part: Part) -> Examples | None:
        """The examples of a part."""
        return self.timed if part is Part.TIMED else self.exam
