"""Turns standings into rows, once: what each precision gains and costs beside its fp32, and whether it is worth it.

Owns how these numbers are written. Decides nothing: that is `worth`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.cells import Cell
from harness.comparisons import Answer
from harness.render import numbers
from harness.render.changes import change_in_unit
from harness.render.figures import Figure
from harness.render.judged_rows import ANSWER_GLYPHS
from harness.render.rows import anchor_of
from harness.render.text import clip, one_line
from harness.render.weights_rows import RANDOM, WeightsLine, weights_lines
from harness.results import Run
from harness.worth.standing import BASE, Lead, Speed, Standing, Worth
from harness.worth.weighing import worth_of

GLYPHS: Mapping[Worth, str] = {
    Worth.BASE: "●",
    Worth.WORTH_IT: "✓",
    Worth.NOT_WORTH_IT: "✕",
    Worth.CANNOT_TELL: "?",
    Worth.NO_RESULT: "∅",
}
_SENTENCE_SHOWN = 400

PAIRED = "× fp32 [interval] is of pairs of fresh processes, wrong on either side in one of a hundred"
ROUGH = (
    "≈ is of cells timed one after the other, and tells a factor, not a few per cent;"
    " pytest --against precision=fp32 times them in turns"
)
FEW = "≈ is of fewer pairs of processes than show how far they differ, and tells a factor; more pairs would tell more"


@dataclass(frozen=True, slots=True)
class WorthRow:
    """One precision as it is shown beside fp32."""

    standing: Standing
    speed: Figure
    memory: Figure
    size: Figure
    quality: Figure
    loss: Figure
    covered: Figure
    sentence: str

    @property
    def cell(self) -> Cell:
        """The cell that is spoken of."""
        return self.standing.cell

    @property
    def worth(self) -> Worth:
        """The last word."""
        return self.standing.worth

    @property
    def glyph(self) -> str:
        """The sign of the last word."""
        return GLYPHS[self.worth]

    @property
    def anchor(self) -> str:
        """The fragment that leads to the cell."""
        return anchor_of(self.cell)

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The numbers, in the order of `TITLES`."""
        return (self.speed, self.memory, self.size, self.quality, self.loss, self.covered)


TITLES = ("× fp32", "memory", "size", "quality", "against fp32", "covered")


@dataclass(frozen=True, slots=True)
class WorthBlock:
    """The precisions of one model on one device."""

    model: str
    device: str
    rows: tuple[WorthRow, ...]
    weights: WeightsLine | None = None

    @property
    def name(self) -> str:
        """Of what it is; random weights are said where they are."""
        mark = f" · {RANDOM}" if self.weights and self.weights.is_random else ""
        return f"{self.model} {self.device}{mark}"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What has to be known to read the speeds."""
        speeds = [speed for row in self.rows if (speed := row.standing.speed) and row.cell.precision != BASE]
        said = [PAIRED] * any(not speed.is_rough for speed in speeds)
        said += [FEW] * any(speed.is_rough and speed.is_paired for speed in speeds)
        said += [ROUGH] * any(not speed.is_paired for speed in speeds)
        said += [f"{row.cell.precision}: {row.speed.note}" for row in self.rows if row.speed.note]
        said += [self.weights.needs] if self.weights and self.weights.needs else []
        return tuple(said)


def worth_blocks(run: Run, standings: Iterable[Standing] | None = None) -> tuple[WorthBlock, ...]:
    """Arrange the standings of a run: a block a model and device; none of a model of which all is missing.

    Whoever has the standings already gives them: to weigh a thousand cells takes its time.
    """
    weights = {one.model: one for one in weights_lines(run)}
    groups: dict[tuple[str, str], list[WorthRow]] = {}
    for standing in worth_of(run) if standings is None else standings:
        groups.setdefault((standing.cell.model, standing.cell.device), []).append(worth_row(standing))
    return tuple(
        WorthBlock(model, device, tuple(rows), weights.get(model))
        for (model, device), rows in groups.items()
        if any(row.worth is not Worth.NO_RESULT for row in rows)
    )


def worth_row(standing: Standing) -> WorthRow:
    """Make the row of a standing."""
    nothing = standing.why or "not known"
    return WorthRow(
        standing,
        speed=_speed(standing.speed, nothing),
        memory=_share(standing.memory, nothing),
        size=_share(standing.size, nothing),
        quality=_quality(standing),
        loss=_loss(standing, nothing),
        covered=_share(standing.covered, nothing),
        sentence=clip(one_line(standing.sentence), _SENTENCE_SHOWN),
    )


def _missing(why: str) -> Figure:
    return Figure(numbers.DASH, why=one_line(why))


def _share(value: float | None, why: str) -> Figure:
    return _missing(why) if value is None else Figure(numbers.percent(value), value=value)


def _speed(speed: Speed | None, why: str) -> Figure:
    if speed is None:
        return _missing(why)
    note = one_line(speed.work.words) if speed.work else ""
    if speed.low is None or speed.high is None:
        return Figure(f"≈{numbers.rough_times(speed.times)}", note=note, value=speed.times)
    if speed.low == speed.high:
        return Figure("ref", value=speed.times)
    return Figure(f"{speed.times:.2f}×", f"[{speed.low:.2f}, {speed.high:.2f}]", note=note, value=speed.times)


def _quality(standing: Standing) -> Figure:
    """The lead metric and its value; of decisions, how many flipped."""
    lead = standing.lead
    if lead is None or lead.score.value is None:
        return _missing(standing.why or standing.unknown)
    own = f"{numbers.metric_words(lead.score.metric)} {numbers.quality(lead.score.value, lead.score.unit)}"
    is_base = standing.cell.precision == BASE
    flips = "" if is_base or standing.flips is None else f"flips {standing.flips} of {standing.decisions}"
    doubt = f"untrusted: {one_line(lead.score.untrusted)}" if lead.score.untrusted else ""
    return Figure(own, aside="untrusted" if doubt else flips, note=doubt, value=lead.score.value)


def _loss(standing: Standing, why: str) -> Figure:
    """How much is lost against fp32, with its interval, and whether that may be."""
    lead = standing.lead
    if standing.cell.precision == BASE and not standing.why:
        return Figure("ref")
    if lead is None:
        return _missing(standing.why or standing.unknown)
    if lead.loss is None:
        return _missing(lead.why or why)
    return Figure(_lost(lead), f"{ANSWER_GLYPHS[lead.answer]} {lead.answer}", note=_asked(lead), value=lead.loss.value)


def _lost(lead: Lead) -> str:
    loss = lead.shown_loss
    assert loss is not None
    change = loss.turned() if lead.is_higher_better else loss
    return change_in_unit(change.value, change.low, change.high, lead.score.unit)


def _asked(lead: Lead) -> str:
    assert lead.loss is not None
    told = f"at most {lead.margin_words} may be lost; {lead.loss.examples} examples"
    if lead.answer is Answer.CANNOT_TELL and lead.needed:
        told += f", about {lead.needed:,} would tell"
    return told
