"""What is known of a cell's outputs, arranged to be read: every score with its interval, flips, slices, other kernels.

Places what the record says; the intervals are made of its terms. Decides nothing and leaves no doubt out: what is
untrusted, unavailable or failed is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.quality_metrics import known
from harness.render import changes, numbers
from harness.render.text import clip, one_line, shorten
from harness.scores import Examples, Part, Quality, Score, Sensitivity
from harness.stats.groups import score_estimate
from harness.stats.slices import SliceValue, by_slice, worst
from harness.worth.possible import cut_score

SHOWN = 10
_SLICES_SHOWN = 24
_NAMED = 3
_ID_SHOWN = 80
_REASON_SHOWN = 300
_WHY_SHOWN = 120

_ORDINARY = (
    *("no example has a right answer", "needs a checkpoint", "do not define it", "no example defines it"),
    *("fp32 gave nothing", "fp32 was asked"),
)
"""Words of reasons that lie in the examples and stand in most runs: nothing on this machine can mend them."""


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One metric of a cell. `doubt` says why it is not to be trusted; `is_judged`: it can fail a gate."""

    name: str
    meaning: str
    value: str
    interval: str
    examples: str
    part: str
    note: str
    doubt: str
    is_judged: bool


@dataclass(frozen=True, slots=True)
class SliceRow:
    """One metric over one kind of examples."""

    kind: str
    value: str
    examples: int
    is_worst: bool


@dataclass(frozen=True, slots=True)
class SliceTable:
    """The lead metric by kind of example; `worst` names the worst kind, where one is worse than its like."""

    metric: str
    rows: tuple[SliceRow, ...]
    worst: str
    more: int


@dataclass(frozen=True, slots=True)
class Listing:
    """Lines of which the first few are shown at once."""

    title: str
    lines: tuple[str, ...]

    @property
    def first(self) -> tuple[str, ...]:
        """What is shown at once."""
        return self.lines[:SHOWN]

    @property
    def rest(self) -> tuple[str, ...]:
        """What is folded away."""
        return self.lines[SHOWN:]


@dataclass(frozen=True, slots=True)
class QualityDetail:
    """All that is known of a cell's outputs. `problem` is why nothing could be said; `wrong` why they are no result."""

    facts: tuple[str, ...]
    scores: tuple[ScoreRow, ...]
    gaps: Mapping[str, tuple[str, ...]]
    slices: SliceTable | None
    listings: tuple[Listing, ...]
    kernels: tuple[str, ...]
    problem: str
    wrong: str


def quality_detail(quality: Quality, lead: Score | None) -> QualityDetail:
    """Arrange what is known; `lead` is the metric that is told by slice."""
    return QualityDetail(
        facts=tuple(_facts(quality)),
        scores=tuple(_score(score, quality) for score in quality.scores if score.value is not None),
        gaps=_gaps(quality.scores),
        slices=_slices(quality, lead) if lead else None,
        listings=tuple(listing for listing in _listings(quality) if listing.lines),
        kernels=tuple(_kernel(found) for found in quality.sensitivity),
        problem=quality.problem or "",
        wrong=quality.wrong or "",
    )


def quality_notes(quality: Quality | None) -> tuple[str, ...]:
    """What must be said beside the numbers of a cell: outputs that cannot be relied on, metrics that cannot."""
    return tuple(_notes(quality)) if quality else ()


def _notes(quality: Quality) -> Iterable[str]:
    if quality.wrong:
        yield f"outputs are wrong: {quality.wrong}"
    if quality.problem:
        yield f"quality is not known: {quality.problem}"
    if not quality.was_steady:
        yield "the session gave other outputs after it was timed than before"
    yield from _doubts(quality.scores)
    for part in Part:
        examples = quality.examples(part)
        if examples and examples.failed:
            failed = [_id(name) for name in examples.failed]
            yield f"{len(failed)} of {len(examples.ids)} {part} examples gave no output: {_named(failed)}"
    yield from _unheard(quality.scores)
    yield from _kernels(quality.sensitivity)


def _doubts(scores: Iterable[Score]) -> Iterable[str]:
    found: dict[str, list[str]] = {}
    for score in scores:
        if score.untrusted is not None:
            found.setdefault(score.untrusted, []).append(numbers.metric_words(score.metric))
    return (f"untrusted here: {', '.join(names)}: {why}" for why, names in found.items())


def _unheard(scores: Iterable[Score]) -> Iterable[str]:
    """What could be judged and is not, for a reason that can be mended; the rest stands on the page alone."""
    judged = [
        score
        for score in scores
        if score.is_judged and score.unavailable is not None
        if not any(words in score.unavailable for words in _ORDINARY)
        if score.metric != "speaker_similarity" or "resemblyzer" not in score.unavailable
    ]
    return (f"{_named(names)}: {clip(one_line(why), _WHY_SHOWN)}" for why, names in _gaps(judged).items())


def _kernels(found: Sequence[Sensitivity]) -> Iterable[str]:
    """What other kernels change; in one line, where they change no answer."""
    telling = [one for one in found if one.flips or one.problem]
    for one in telling:
        yield f"{'ISA-sensitive: ' if one.flips else ''}{_kernel(one)}"
    if found and not telling:
        options = ", ".join(one_line(one.options) for one in found)
        if any(one.of for one in found):
            yield f"no answer flips on other kernels ({options})"
        else:
            largest = max(one.largest_difference for one in found)
            yield f"on other kernels ({options}) the largest difference is {numbers.quality(largest)}"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _id(name: str) -> str:
    return shorten(one_line(name), _ID_SHOWN)


def _facts(quality: Quality) -> Iterable[str]:
    if quality.reference:
        yield f"against {quality.reference}"
    if quality.is_same:
        yield "outputs are those of fp32, bit for bit"
    for part in Part:
        if (examples := quality.examples(part)) is not None:
            yield f"{part}: {_count(len(examples.ids), 'example')} of {examples.name}"
    if quality.decisions:
        yield f"flips {len(quality.flipped)} of {quality.decisions} decisions"
    if (positive := quality.score("positive_share")) is not None and positive.terms:
        called = [bool(terms[0]) for terms in positive.terms if terms is not None]
        yield f"calls {sum(called)} positive and {len(called) - sum(called)} negative"


def _score(score: Score, quality: Quality) -> ScoreRow:
    assert score.value is not None
    described = known().get(score.metric)
    told = sum(terms is not None for terms in score.terms)
    return ScoreRow(
        name=numbers.metric_words(score.metric),
        meaning=described.summary if described else "",
        value=numbers.quality(score.value, score.unit),
        interval=_interval(score, quality),
        examples=f"{told} of {len(score.terms)}" if told < len(score.terms) else str(told or numbers.DASH),
        part=str(score.part),
        note=score.note or "",
        doubt=score.untrusted or "",
        is_judged=score.is_judged,
    )


def _interval(score: Score, quality: Quality) -> str:
    found = score_estimate(quality, score) if score.terms else None
    shown = cut_score(score.metric, found) if found else None
    if shown is None or shown.low is None or shown.high is None:
        return numbers.DASH
    return changes.interval(shown.low, shown.high)


def _gaps(scores: Iterable[Score]) -> Mapping[str, tuple[str, ...]]:
    """The metrics without a value, under the reason they share."""
    found: dict[str, list[str]] = {}
    for score in scores:
        if score.unavailable is not None:
            found.setdefault(score.unavailable, []).append(numbers.metric_words(score.metric))
    return {why: tuple(names) for why, names in found.items()}


def _slices(quality: Quality, score: Score) -> SliceTable | None:
    examples = quality.examples(score.part)
    if examples is None or not examples.slices or not score.terms:
        return None
    values = by_slice(score.pool, score.terms, examples.slices)
    if not values:
        return None
    lowest = worst(values, score.better)
    rows = tuple(
        SliceRow(_kind(value), numbers.quality(value.value, score.unit), value.examples, value is lowest)
        for value in values
    )
    named = f"worst: {_kind(lowest)}, {numbers.quality(lowest.value, score.unit)}" if lowest else ""
    return SliceTable(
        numbers.metric_words(score.metric), rows[:_SLICES_SHOWN], named, max(len(rows) - _SLICES_SHOWN, 0)
    )


def _kind(value: SliceValue) -> str:
    return f"{_id(value.key)} {_id(value.name)}"


def _listings(quality: Quality) -> Iterable[Listing]:
    yield Listing("Decided otherwise than by fp32", tuple(map(_id, quality.flipped)))
    for part in Part:
        examples = quality.examples(part)
        if examples is not None:
            yield Listing(f"No output of these {part} examples", tuple(_failed(examples)))


def _failed(examples: Examples) -> Iterable[str]:
    return (f"{_id(name)}: {clip(one_line(why), _REASON_SHOWN)}" for name, why in examples.failed.items())


def _kernel(found: Sensitivity) -> str:
    """What other session options did to the outputs."""
    if found.problem:
        return f"with {found.options}: not known, {found.problem}"
    named = f" ({_named([_id(name) for name in found.example_ids])})" if found.example_ids else ""
    flips = f"flips {found.flips} of {found.of}{named}" if found.of else "decides nothing"
    return f"with {found.options}: {flips}, largest difference {numbers.quality(found.largest_difference)}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"
