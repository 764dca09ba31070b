"""What a metric of quality is made of: the case it looks at, its function and its self-check.

Owns the contract that other packages implement (docs/adding-a-metric.md). Importing it imports no array library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, assert_never

from harness.metrics import Metric
from harness.models import Decides, DecidesFrames, Embeds, GivesLogits, GivesTokens, Model, Need
from harness.scores import Terms

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
else:
    Array = Any


class Kind(StrEnum):
    """What a metric looks at; it is asked of every model whose outputs have that meaning."""

    ANY = "any"
    """All outputs, as one vector."""
    LOGITS = "logits"
    DECISION = "decision"
    FRAMES = "frames"
    AUDIO = "audio"
    """Audio that was made from the timed examples, beside fp32's of the same."""
    SPEECH = "speech"
    """Audio as it is heard: of the exam, where the model has one."""
    TOKENS = "tokens"
    TEXT = "text"
    EMBEDDING = "embedding"


@dataclass(frozen=True, slots=True)
class Case:
    """One example, as a metric sees it.

    `output` and `reference` are what the cell and its fp32 gave: the probability of a decision (an array of one), those
    of all frames, mono audio, token ids, one embedding; logits with the choices along the last axis. `reference` is
    None where fp32 gave nothing. `label` and `truth` are right answers, where the workload knows them; of a decision
    the label is "1" or "0". `text` is what token ids say. `failed` says why nothing came out: then `output` is empty.
    """

    id: str
    output: Array
    reference: Array | None = None
    label: str | None = None
    truth: Array | None = None
    threshold: float = 0.5
    sample_rate: int = 0
    text: str | None = None
    failed: str | None = None

    def with_output(self, output: Array) -> Case:
        """The same example with another output."""
        return replace(self, output=output)


TermsOf = Callable[[Case], Terms | None]
"""The terms of one case; None where the metric has none for it (no label, no reference)."""


class CannotScore(Exception):
    """A metric cannot be computed here at all: its package is missing, say. The text ends with the next step."""


@dataclass(frozen=True, slots=True)
class QualityMetric:
    """A metric of quality: `terms` for one case (or `together` for all of them at once), and how it checks itself.

    `self_check` returns None where the metric does what it should on this machine, else what it did wrong: identical
    input gives the ceiling, known noise gives less. `needs` are packages that it cannot do without. `note` names what
    the value hangs on besides the outputs (a recogniser and its version); it is asked in the worker, after the terms.
    """

    metric: Metric
    of: Kind
    self_check: Callable[[], str | None]
    terms: TermsOf | None = None
    together: Callable[[tuple[Case, ...]], tuple[Terms | None, ...]] | None = None
    needs: tuple[Need, ...] = ()
    note: Callable[[], str] | None = None

    def __post_init__(self) -> None:
        if (self.terms is None) == (self.together is None):
            raise ValueError(f"metric {self.metric.name} needs either terms or together")

    def terms_of(self, cases: tuple[Case, ...]) -> tuple[Terms | None, ...]:
        """The terms of every case, in their order."""
        if self.together is not None:
            return self.together(cases)
        assert self.terms is not None
        return tuple(self.terms(case) for case in cases)


def kinds_of(model: Model) -> tuple[Kind, ...]:
    """What the outputs of a model are."""
    kinds = [Kind.ANY]
    for meaning in model.meanings:
        match meaning:
            case Decides():
                kinds.append(Kind.DECISION)
            case DecidesFrames():
                kinds.append(Kind.FRAMES)
            case GivesLogits():
                kinds.append(Kind.LOGITS)
            case GivesTokens(_, decode):
                kinds += [Kind.TOKENS] if decode is None else [Kind.TOKENS, Kind.TEXT]
            case Embeds():
                kinds.append(Kind.EMBEDDING)
            case _:
                assert_never(meaning)
    return (*kinds, Kind.AUDIO, Kind.SPEECH) if model.audio else tuple(kinds)
