"""Turns a Verdict into a row, once: its word, its sign, its numbers as they are written. Every printer shows these.

Owns the words and the order of severity. Decides nothing: outcome, margin and what is fatal come with the verdict.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.cells import Cell
from harness.comparisons import Basis, Outcome, Verdict
from harness.metrics import Better
from harness.quality_metrics import known
from harness.render import changes
from harness.render.numbers import DASH, metric_words
from harness.render.rows import anchor_of, cell_name
from harness.render.text import clip, one_line
from harness.stats.paired import Estimate
from harness.verdict.words import amount
from harness.worth.possible import cut_loss

GLYPHS: Mapping[Outcome, str] = {
    Outcome.FAILED: "✕",
    Outcome.REGRESSED: "▲",
    Outcome.MISSING: "□",
    Outcome.SUSPECT: "△",
    Outcome.INCONCLUSIVE: "?",
    Outcome.NOT_COMPARABLE: "≠",
    Outcome.UNSUPPORTED: "∅",
    Outcome.NEW: "○",
    Outcome.IMPROVED: "▼",
    Outcome.UNCHANGED: "·",
}
"""The signs, from the worst to the best: they differ in shape, so that none needs its colour."""

MEANINGS: Mapping[Outcome, str] = {
    Outcome.FAILED: "it should have run and broke, or its output is wrong",
    Outcome.REGRESSED: "worse than the margin, and confirmed on fresh processes",
    Outcome.MISSING: "there is a baseline, and no measurement to hold against it",
    Outcome.SUSPECT: "worse than stored numbers, which cannot prove it; the command beside it settles it live",
    Outcome.INCONCLUSIVE: "neither a change nor its absence was shown; it says which change it could have seen",
    Outcome.NOT_COMPARABLE: "another workload, other weights or another class of machine: it says which",
    Outcome.UNSUPPORTED: "the machine or the runtime cannot run it",
    Outcome.NEW: "there is no baseline yet",
    Outcome.IMPROVED: "better, and confirmed on fresh processes",
    Outcome.UNCHANGED: "shown to lie within the margin",
}

WORST = (Outcome.FAILED, Outcome.REGRESSED, Outcome.MISSING)

_SEVERITY: Mapping[Outcome, int] = {word: place for place, word in enumerate(GLYPHS)}
_METRIC_WORDS = {
    "latency_seconds": "latency",
    "latency_p50_seconds": "p50",
    "latency_p90_seconds": "p90",
    "latency_p95_seconds": "p95",
    "latency_p99_seconds": "p99",
    "corrected_p50_seconds": "p50 without waiting",
    "device_p50_seconds": "p50 on the device",
    "import_seconds": "load: import",
    "open_seconds": "load: open",
    "first_inference_seconds": "load: first inference",
    "peak_bytes": "peak memory",
    "peak_load_bytes": "peak memory: load",
    "peak_first_bytes": "peak memory: first",
    "peak_steady_bytes": "peak memory: steady",
    "device_peak_bytes": "peak device memory",
    "artifact_bytes": "artifact size",
}
_TEXT_SHOWN = 600
_NAME_SHOWN = 48


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """A verdict as it is shown. What is not known is a dash; what does not apply is empty."""

    verdict: Verdict
    metric: str
    old: str
    new: str
    change: str
    margin: str
    basis: str
    could_see: str
    text: str
    cause: str
    differences: tuple[str, ...]
    settle: str
    accepted: str

    @property
    def outcome(self) -> Outcome:
        """The word of the verdict."""
        return self.verdict.outcome

    @property
    def glyph(self) -> str:
        """The sign of the verdict."""
        return GLYPHS[self.outcome]

    @property
    def name(self) -> str:
        """The cell as a person says it."""
        return cell_name(self.verdict.cell)

    @property
    def anchor(self) -> str:
        """The fragment that leads to the cell."""
        return anchor_of(self.verdict.cell)

    @property
    def values(self) -> str:
        """Old and new side by side; empty where neither is known."""
        if changes.finite(self.verdict.old) is None and changes.finite(self.verdict.new) is None:
            return ""
        return changes.arrow(self.old, self.new)

    @property
    def standing(self) -> str:
        """What the verdict does to the gate, where its word does not already say so."""
        if self.accepted:
            return "accepted"
        if self.verdict.is_fatal == (self.outcome in WORST):
            return ""
        return "fails the gate" if self.verdict.is_fatal else "does not fail the gate"

    @property
    def numbers(self) -> tuple[str, ...]:
        """Change, margin, what it rests on, and where nothing was shown what could have been: the phrases known."""
        if self.change == DASH:
            return (self.could_see,) if self.could_see else ()
        margin = f"margin {self.margin}" if changes.finite(self.verdict.margin) is not None else ""
        could_see = self.could_see if self.outcome in (Outcome.INCONCLUSIVE, Outcome.SUSPECT) else ""
        return tuple(phrase for phrase in (self.change, margin, could_see, self.basis) if phrase)

    @property
    def n(self) -> str:
        """How many pairs, processes or examples it rests on; empty where that is not counted."""
        if self.verdict.examples:
            return _counted(self.verdict.examples, "example")
        if not self.verdict.pairs:
            return ""
        return _counted(self.verdict.pairs, "pair" if self.verdict.basis is Basis.LIVE else "process")

    @property
    def remarks(self) -> tuple[str, ...]:
        """The sentences beneath the numbers."""
        return tuple(
            line
            for line in (
                self.text,
                f"cause: {self.cause}" if self.cause else "",
                f"differs: {'; '.join(self.differences)}" if self.differences else "",
                f"accepted: {self.accepted}" if self.accepted else "",
            )
            if line
        )

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        if self.verdict.metric is None:
            says_it_itself = self.text.startswith(str(self.outcome))
            return f"{self.name}: {self.text}" if says_it_itself else f"{self.name}: {self.outcome}, {self.text}"
        said = self.numbers or (self.text,)
        return f"{self.name}: {self.metric} {self.outcome}, {', '.join(said)}"

    @property
    def footing(self) -> str:
        """What the verdict rests on and what it could have seen; empty where nothing was measured."""
        if self.change == DASH:
            return self.could_see
        return f"{self.basis}; {self.could_see}" if self.could_see else self.basis


def verdict_row(verdict: Verdict) -> VerdictRow:
    """Make the row of a verdict."""
    half = changes.relative_half_width(verdict.ratio, verdict.low, verdict.high)
    old, new = changes.values(verdict.metric, verdict.old, verdict.new, half)
    return VerdictRow(
        verdict=verdict,
        metric=f"{metric_name(verdict.metric)} {clip(one_line(verdict.of), 40)}".rstrip(),
        old=old,
        new=new,
        change=_change(verdict),
        margin=_margin(verdict),
        basis=_basis(verdict),
        could_see=_could_see(verdict),
        text=cleaned(verdict.text),
        cause=cleaned(verdict.cause),
        differences=tuple(cleaned(str(difference)) for difference in verdict.differences),
        settle=cleaned(verdict.settle),
        accepted=cleaned(verdict.accepted),
    )


def metric_name(metric: str | None) -> str:
    """Return a metric in plain words; a verdict without one is said of the whole cell."""
    if metric is None:
        return "the whole cell"
    return _METRIC_WORDS.get(metric) or clip(one_line(metric_words(metric)), _NAME_SHOWN)


def worst_first(rows: Iterable[VerdictRow]) -> tuple[VerdictRow, ...]:
    """Sort: what fails the gate, then by outcome, then by how many margins the change is."""
    return tuple(sorted(rows, key=lambda row: (not row.verdict.is_fatal, _SEVERITY[row.outcome], -_size(row.verdict))))


def by_cell(rows: Iterable[VerdictRow]) -> Mapping[Cell, tuple[VerdictRow, ...]]:
    """Return the verdicts of each cell, the worst of it first."""
    found: dict[Cell, list[VerdictRow]] = {}
    for row in worst_first(rows):
        found.setdefault(row.verdict.cell, []).append(row)
    return {cell: tuple(of_cell) for cell, of_cell in found.items()}


def _size(verdict: Verdict) -> float:
    if is_of_quality(verdict):
        return abs(changes.finite(verdict.change) or 0.0) / max(changes.finite(verdict.margin) or 0.0, 1e-4)
    ratio, margin = changes.finite(verdict.ratio), changes.finite(verdict.margin)
    if ratio is None or ratio <= 0:
        return 0.0
    return abs(math.log(ratio)) / math.log1p(max(margin or 0.0, 1e-4))


def is_of_quality(verdict: Verdict) -> bool:
    """Whether a verdict is of what came out: its change and margin are in the metric's unit, not relative."""
    described = known().get(verdict.metric or "")
    return verdict.change is not None or (described is not None and described.is_quality)


def bound_of(verdict: Verdict, value: float | None) -> str:
    """Write something that is at most this much: in the metric's unit, or relative; rounded up."""
    return changes.amount(value, _unit(verdict)) if is_of_quality(verdict) else changes.bound(value)


def _unit(verdict: Verdict) -> str:
    described = known().get(verdict.metric or "")
    return described.unit if described else ""


def _change(verdict: Verdict) -> str:
    if is_of_quality(verdict):
        return changes.change_in_unit(verdict.change, *_possible_ends(verdict), _unit(verdict))
    return changes.change(verdict.ratio, verdict.low, verdict.high)


def _possible_ends(verdict: Verdict) -> tuple[float | None, float | None]:
    """The ends of the change of a quality, as far as its metric can change."""
    change, low, high = (changes.finite(one) for one in (verdict.change, verdict.change_low, verdict.change_high))
    described = known().get(verdict.metric or "")
    if change is None or low is None or high is None or described is None or not low <= change <= high:
        return low, high
    is_higher = described.better is Better.HIGHER
    loss = Estimate(change, low, high, verdict.examples)
    shown = cut_loss(described.name, verdict.new, loss.turned() if is_higher else loss)
    shown = shown.turned() if is_higher else shown
    return shown.low, shown.high


def _margin(verdict: Verdict) -> str:
    margin = changes.finite(verdict.margin)
    return amount(margin, _unit(verdict)) if is_of_quality(verdict) and margin is not None else changes.share(margin)


def _could_see(verdict: Verdict) -> str:
    least = changes.finite(verdict.could_see)
    return "" if least is None else f"could see ≥ {bound_of(verdict, least)}"


def _basis(verdict: Verdict) -> str:
    if is_of_quality(verdict):
        words = {Basis.LIVE: "live", Basis.STORED: "stored baseline", Basis.EXACT: "counted"}[verdict.basis]
        return f"{words}, {verdict.examples} example{'s' * (verdict.examples != 1)}" if verdict.examples else words
    match verdict.basis:
        case Basis.LIVE:
            return f"live, {verdict.pairs} pair{'s' if verdict.pairs != 1 else ''}" if verdict.pairs else "live"
        case Basis.STORED:
            return "stored baseline"
        case Basis.EXACT:
            return f"counted in {verdict.pairs} processes a side" if verdict.pairs else "counted"


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}{'es' if what.endswith('s') else 's'}"


def cleaned(text: str | None) -> str:
    """A text from outside on one line, as much of it as is shown."""
    return clip(one_line(text or ""), _TEXT_SHOWN)
