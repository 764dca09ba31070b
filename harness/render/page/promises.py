"""Claims, budgets and bounds: what was asked, what was found, and how far the one is from the other.

Places what the rows say: answers, words and what is fatal come with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.comparisons import Answer, Judged
from harness.quality_metrics import known
from harness.render import changes, numbers
from harness.render.judged_rows import ANSWER_GLYPHS, JudgedRow
from harness.render.page.context import Page
from harness.render.page.promise_scale import HEIGHT, WIDTH, Axis, Marks, axis_of, marks_of

ALL_SHOWN = 12
"""So many promises are shown at once, whatever they are; of more, the first of each kind."""

FIRST_SHOWN, OTHERS_SHOWN = 6, 2
LISTED = 100
"""So many of a kind are listed at all; the rest, which is the better part of them, is in the data that goes along."""

_HEADINGS = {
    "claim": ("Claims", "Claimed", "Measured"),
    "budget": ("Budgets", "Target", "Measured"),
    "quality bound": ("Quality bounds", "May be lost", "Lost"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A promise as the page shows it. Without a number, `text` says why."""

    row: JudgedRow
    asked: str
    found: str
    interval: str
    text: str
    marks: Marks | None


@dataclass(frozen=True, slots=True)
class Group:
    """Promises of one kind, what fails first; `first` are shown at once, `unlisted` are only counted by answer."""

    title: str
    asked: str
    found: str
    axis: Axis | None
    first: tuple[Line, ...]
    rest: tuple[Line, ...]
    unlisted: str

    @property
    def has_numbers(self) -> bool:
        """Whether anything is known but the sentences; older records have no more of a claim."""
        return any(line.asked or line.found for line in (*self.first, *self.rest))


@dataclass(frozen=True, slots=True)
class Promises:
    """All that was promised. `counts` is by answer, the worst first, with its sign."""

    counts: tuple[tuple[Answer, str, str], ...]
    groups: tuple[Group, ...]
    elsewhere: str
    width = WIDTH
    height = HEIGHT


def view(page: Page) -> Promises | None:
    """Show them where there are some."""
    comparison = page.comparison
    if comparison is None or not (comparison.judged or comparison.elsewhere):
        return None
    counted = Counter(row.judged.answer for row in comparison.judged)
    return Promises(
        counts=tuple((one, ANSWER_GLYPHS[one], f"{counted[one]} {one}") for one in ANSWER_GLYPHS if counted[one]),
        groups=tuple(_groups(comparison.judged)),
        elsewhere=comparison.elsewhere,
    )


def _groups(rows: Sequence[JudgedRow]) -> Iterable[Group]:
    """The kind with the worst answer first: the rows come sorted by it."""
    for place, kind in enumerate(dict.fromkeys(row.kind for row in rows)):
        of_kind = [row for row in rows if row.kind == kind]
        axis = axis_of((row.judged for row in of_kind), is_linear=kind == "quality bound")
        lines = tuple(_line(row, axis) for row in of_kind[:LISTED])
        title, asked, found = _HEADINGS.get(kind, (kind, "Asked", "Measured"))
        shown = len(rows) if len(rows) <= ALL_SHOWN else OTHERS_SHOWN if place else FIRST_SHOWN
        yield Group(title, asked, found, axis, lines[:shown], lines[shown:], _counted(of_kind[LISTED:]))


def _counted(rows: Sequence[JudgedRow]) -> str:
    """How many are not listed, by their answers."""
    counted = Counter(row.judged.answer for row in rows)
    return ", ".join(f"{counted[one]} {one}" for one in ANSWER_GLYPHS if counted[one])


def _line(row: JudgedRow, axis: Axis | None) -> Line:
    found, interval = _found(row.judged)
    text = row.text
    if row.judged.kind == "budget" and found:
        # The columns have the value and the target already.
        text = text.rpartition(": ")[2]
    return Line(row, _asked(row.judged), found, interval, text, marks_of(row.judged, axis))


def _asked(judged: Judged) -> str:
    """What was asked for, in words; empty where the record does not say."""
    if judged.claimed:
        return judged.claimed
    target = changes.finite(judged.target)
    if target is None:
        return ""
    if judged.kind == "quality":
        return f"≤ {changes.amount(target, _unit(judged))}"
    sign = {True: "≥ ", False: "≤ ", None: ""}[judged.is_floor]
    return sign + changes.values(judged.metric, target, None, half=0.01)[0]


def _found(judged: Judged) -> tuple[str, str]:
    """What was measured, and where it lies; both empty where there is no number."""
    value = changes.finite(judged.value)
    if value is None:
        return "", ""
    if judged.kind == "budget":
        _, interval = changes.within(value, judged.low, judged.high)
        return changes.values(judged.metric, value, None, half=0.01)[0], interval
    if judged.kind == "claim" and judged.metric is None and not judged.over:
        return numbers.bytes_(value), ""  # A claimed number of bytes is the one claim without another side.
    text, interval = changes.within(value, judged.low, judged.high)
    if judged.metric is not None:
        return f"{text} {_unit(judged)}".rstrip(), interval
    return f"{'≈ ' * judged.is_rough}{text} ×", interval


def _unit(judged: Judged) -> str:
    described = known().get(judged.metric or "")
    return described.unit if described else ""
