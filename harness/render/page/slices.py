"""Quality by kind of example, drawn: of each kind the value and its 95 % interval, all on one scale. Pure geometry.

Owns no words of a kind but its interval: names and values are those of `quality_rows`, in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.render import changes, numbers
from harness.render.page.drawing import Scale, bar
from harness.scores import Examples, Quality, Score
from harness.stats.groups import in_groups
from harness.stats.paired import Estimate, estimate
from harness.stats.slices import SliceValue, by_slice
from harness.worth.possible import cut_score

WIDTH, HEIGHT = 120.0, 14.0
_EDGE = 5.0


@dataclass(frozen=True, slots=True)
class SliceMarks:
    """A bar and the words of its interval, one a kind; `ends` says where the scale begins and where it ends."""

    bars: tuple[str, ...]
    intervals: tuple[str, ...]
    ends: str


def slice_marks(quality: Quality, score: Score) -> SliceMarks | None:
    """Draw a score by kind of example; None where no kind has an interval."""
    examples = quality.examples(score.part)
    if examples is None or not examples.slices or not score.terms:
        return None
    values = by_slice(score.pool, score.terms, examples.slices)
    found = [_interval(value, score, examples) for value in values]
    ends = [end for pair in found for end in pair if end is not None] + [value.value for value in values]
    if all(low is None for low, _ in found) or min(ends) == max(ends):
        return None
    x = Scale(min(ends), max(ends), _EDGE, WIDTH - _EDGE)
    return SliceMarks(
        bars=tuple(_bar(value.value, low, high, x) for value, (low, high) in zip(values, found, strict=True)),
        intervals=tuple(
            numbers.DASH if low is None or high is None else changes.interval(low, high) for low, high in found
        ),
        ends=f"from {numbers.quality(x.low, score.unit)} to {numbers.quality(x.high, score.unit)}",
    )


def _interval(value: SliceValue, score: Score, examples: Examples) -> tuple[float | None, float | None]:
    """The interval over the examples of one kind, or over the groups that these belong to."""
    kept = [place for place, of in enumerate(examples.slices) if of.get(value.key) == value.name]
    groups = tuple(examples.groups[place] for place in kept) if examples.groups else ()
    pool, (terms,) = in_groups(score.pool, groups, [score.terms[place] for place in kept])
    found = estimate(pool, terms)
    if found is None or found.low is None or found.high is None:
        return None, None
    # The sums of groups may round otherwise than those of single examples: the value stays between its ends.
    low, high = min(found.low, value.value), max(found.high, value.value)
    shown = cut_score(score.metric, Estimate(value.value, low, high, found.examples))
    return shown.low, shown.high


def _bar(value: float, low: float | None, high: float | None, x: Scale) -> str:
    middle = HEIGHT / 2
    return bar(x(value if low is None else low), x(value), x(value if high is None else high), middle, cap=2)
