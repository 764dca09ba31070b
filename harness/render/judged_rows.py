"""Turns a claim, a budget or a bound on quality into a row, once. Every printer shows these.

Owns their signs and words. Decides nothing: the answer and what is fatal come with the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.comparisons import Answer, Judged
from harness.render import changes
from harness.render.rows import anchor_of, cell_name
from harness.render.text import clip
from harness.render.verdict_rows import cleaned, metric_name

ANSWER_GLYPHS: Mapping[Answer, str] = {
    Answer.FAILS: "✕",
    Answer.MISSED: "✕",
    Answer.NUMBERS_DISAGREE: "≠",
    Answer.CANNOT_TELL: "?",
    Answer.NEEDS_CHECKPOINT: "∅",
    Answer.NOT_MEASURED: "○",
    Answer.HOLDS: "✓",
    Answer.MET: "✓",
}

_SEVERITY: Mapping[Answer, int] = {answer: place for place, answer in enumerate(ANSWER_GLYPHS)}
_NAME_SHOWN = 48


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A claim, a budget or a bound on quality, as it is shown."""

    judged: Judged
    kind: str
    name: str
    text: str
    source: str
    accepted: str = ""

    @property
    def glyph(self) -> str:
        """The sign of the answer."""
        return ANSWER_GLYPHS[self.judged.answer]

    @property
    def cell(self) -> str:
        """The cell as a person says it."""
        return cell_name(self.judged.cell)

    @property
    def anchor(self) -> str:
        """The fragment that leads to the cell."""
        return anchor_of(self.judged.cell)


def judged_row(judged: Judged) -> JudgedRow:
    """Make the row of a claim, a budget or a bound on quality."""
    return JudgedRow(
        judged,
        judged_kind(judged),
        cleaned(judged.name),
        _target(judged) or cleaned(judged.text),
        cleaned(judged.source),
        cleaned(judged.accepted),
    )


def judged_kind(judged: Judged) -> str:
    """What was promised, in a word or two."""
    return "quality bound" if judged.kind == "quality" else clip(cleaned(judged.kind), _NAME_SHOWN)


def _target(judged: Judged) -> str:
    """A budget in the unit of its metric: what was found, and how far it is from the target."""
    if judged.kind != "budget" or judged.metric is None or judged.value is None or judged.target is None:
        return ""
    found, target = changes.values(judged.metric, judged.value, judged.target, half=0.01)
    off, _ = changes.values(judged.metric, abs(judged.value - judged.target), None, half=0.05)
    if judged.target:
        off += f" ({100 * abs(judged.value / judged.target - 1):.0f} %)"
    match judged.answer:
        case Answer.MET:
            answer = f"met, {off} to spare"
        case Answer.MISSED:
            answer = f"missed by {off}"
        case other:
            answer = f"{other}, {off} off"
    stage = clip(cleaned(judged.stage), _NAME_SHOWN)
    return f"{f'{stage} {metric_name(judged.metric)}'.lstrip()} {found}, target {target}: {answer}"


def judged_first(rows: Iterable[JudgedRow]) -> tuple[JudgedRow, ...]:
    """Sort claims and budgets: what fails before what cannot be told before what holds."""
    return tuple(sorted(rows, key=lambda row: (not row.judged.is_fatal, _SEVERITY[row.judged.answer])))
