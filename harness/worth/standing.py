"""How a precision stands beside its fp32: the numbers of it, and in which words they are said.

Owns the records and the phrases; what follows from them is decided in `worth`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.cells import Cell
from harness.comparisons import Answer
from harness.metrics import Better
from harness.scores import Score
from harness.stats.paired import Estimate
from harness.stats.sequential import Shown
from harness.verdict.words import amount
from harness.verdict.work import Work
from harness.worth.possible import cut_loss

BASE = "fp32"
SIZE = "artifact_bytes"

ROUGH = 0.5
"""Tiny models in processes minutes apart differed by a third and more where nothing did: less than this shows nothing.

Of longer inferences the same was up to 19 %.
"""

DISTANCES = ("log_mel_distance", "mcd_dtw_db", "cosine_similarity", "sqnr_db", "si_sdr_db", "embedding_cosine")
"""How far signals lie apart, which is not how much worse they are."""

RATE = 0.05
"""How often the interval of a quality that is shown may miss."""

NOTABLE = 0.1
"""The share of the file or of the memory that is worth a word, and that is worth saving for its own sake."""


def metric_words(metric: str) -> str:
    """A metric of quality in words."""
    return metric.removesuffix("_db").replace("_", " ")


class Worth(StrEnum):
    """The last word on a precision."""

    BASE = "base"
    WORTH_IT = "worth it"
    NOT_WORTH_IT = "not worth it"
    CANNOT_TELL = "cannot tell"
    NO_RESULT = "no result"


@dataclass(frozen=True, slots=True)
class Speed:
    """How many times as fast as fp32. `is_paired`: of pairs of fresh processes. Without an interval it is rough.

    `work` is by what their work differed, where it did: the speed is then for as much of it.
    """

    times: float
    low: float | None = None
    high: float | None = None
    shown: Shown = Shown.NOTHING
    is_paired: bool = False
    work: Work | None = None

    @property
    def is_rough(self) -> bool:
        """Whether it tells a factor and no more: cells timed one after the other, or fewer pairs than show a spread."""
        return self.low is None or self.high is None

    @property
    def words(self) -> str:
        """How many times as fast: `1.30×`; what is rough in two digits at most, `about 1.3×`, for it tells a factor."""
        if not self.is_rough:
            return _times(self.times)
        if self.times < 9.95:
            return f"about {_times(self.times, 1)}"
        return f"about {amount(float(f'{self.times:.2g}'))}×"


@dataclass(frozen=True, slots=True)
class Lead:
    """The metric by which the quality of a cell is told. `loss` is against fp32 on the same examples: above 0 is worse.

    `answer` is whether at most `margin` is lost. Where that cannot be told, `why` says why, and `needed` how many
    examples would tell. `lacking` is the metric that would tell more, had it a value, and why it has none.
    """

    score: Score
    margin: float | None = None
    loss: Estimate | None = None
    answer: Answer = Answer.CANNOT_TELL
    needed: int | None = None
    why: str = ""
    lacking: str = ""

    @property
    def is_mere_distance(self) -> bool:
        """Whether a loss of it says that outputs differ, and not that they are worse."""
        return self.score.metric in DISTANCES

    @property
    def is_higher_better(self) -> bool:
        """Whether a loss is a fall of the value."""
        return self.score.better is Better.HIGHER

    @property
    def name(self) -> str:
        """The metric in words; its unit stands beside the value."""
        return metric_words(self.score.metric)

    @property
    def shown_loss(self) -> Estimate | None:
        """The loss as it is shown: its interval ends where the metric does."""
        return None if self.loss is None else cut_loss(self.score.metric, self.score.value, self.loss)

    @property
    def loss_words(self) -> str:
        """How far it is from fp32's: accuracy is 0.042 (0.011 to 0.073) worse than that of fp32."""
        loss = self.shown_loss
        if loss is None:
            return f"{self.name} cannot be held against that of fp32"
        word = "worse" if loss.value >= 0 else "better"
        loss = loss if loss.value >= 0 else loss.turned()
        interval = "" if loss.low is None or loss.high is None else f" ({amount(loss.low)} to {amount(loss.high)})"
        return f"{self.name} is {amount(loss.value, self.score.unit)}{interval} {word} than that of fp32"

    @property
    def margin_words(self) -> str:
        """How much may be lost."""
        return "nothing" if self.margin is None else amount(self.margin, self.score.unit)


@dataclass(frozen=True, slots=True)
class Standing:
    """One precision beside fp32; `memory` and `size` are shares of fp32's. `why`: what stands in the way of a result.

    `text` is the last clause of the sentence: whether it is worth it, and why, and what dominates it.
    `unknown`: why there is no `lead`.
    """

    cell: Cell
    worth: Worth
    text: str
    why: str = ""
    speed: Speed | None = None
    memory: float | None = None
    size: float | None = None
    covered: float | None = None
    lead: Lead | None = None
    flips: int | None = None
    decisions: int = 0
    is_same: bool = False
    unknown: str = ""
    dominated_by: str | None = None

    @property
    def sentence(self) -> str:
        """All of it, as a person says it."""
        said = f"{self.cell.precision} {', '.join(self.phrases)}".rstrip()
        return f"{said}: {self.text}"

    @property
    def phrases(self) -> tuple[str, ...]:
        """What it gains and what it costs: only what is known and worth a word."""
        if self.worth in (Worth.BASE, Worth.NO_RESULT):
            return ()
        return tuple(
            one for one in (_speed_words(self.speed), *_bytes_words(self.size, self.memory), _output_words(self)) if one
        )


def _speed_words(speed: Speed | None) -> str:
    if speed is None:
        return ""
    by = speed.work.unit_words if speed.work else ""
    if speed.is_rough:
        said = "about as fast" if 0.95 <= speed.times < 1.05 else f"{speed.words} as fast"
        return f"is {said} as fp32{by} here"
    match speed.shown:
        case Shown.WITHIN:
            return f"is as fast as fp32{by} here"
        case Shown.NOTHING:
            return f"is {speed.words} [{speed.low:.2f}, {speed.high:.2f}] as fast as fp32{by} here"
        case Shown.FASTER | Shown.SLOWER:
            return f"is {speed.words} as fast as fp32{by} here"


def _times(ratio: float, decimals: int = 2) -> str:
    return f"{ratio:.{decimals}f}×" if ratio >= 0.1 else f"{ratio:.1g}×"


def _bytes_words(size: float | None, memory: float | None) -> tuple[str, ...]:
    """What is saved, then what more is needed; of the memory only where it is notable."""
    shares = (("file", size, 0.005), ("memory", memory, NOTABLE))
    told = [(what, share) for what, share, least in shares if share is not None and abs(share - 1) >= least]
    saved = [f"{_part(1 - share)} of the {what}" for what, share in told if share < 1]
    more = [f"{what} by {_part(share - 1)}" for what, share in told if share > 1]
    return tuple(f"{verb} {' and '.join(found)}" for verb, found in (("saves", saved), ("needs more", more)) if found)


def _part(share: float) -> str:
    return ">99 %" if 0.995 <= share < 1 else f"{share * 100:.0f} %"


def _output_words(told: Standing) -> str:
    if told.is_same:
        return "gives the outputs of fp32 bit for bit"
    if told.flips is None:
        return ""
    return f"flips {told.flips or 'none'} of {told.decisions} decisions"
