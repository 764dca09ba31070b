"""What to ship: of every model and device the precision to load, what to fall back on, and why not the others.

The answer is that of `quantgate pick`: made by `worth.picking`, for any memory and as much loss as the run allows. Owns
what the page's script needs to answer other limits by the same rule. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.cells import Cell
from harness.render import numbers
from harness.render.changes import finite
from harness.render.page.context import Page
from harness.render.page.tradeoff import block_anchor, shown_blocks
from harness.render.text import clip, one_line
from harness.render.worth_rows import GLYPHS, ROUGH, WorthRow
from harness.verdict.words import amount
from harness.worth.picking import Limits, answer
from harness.worth.standing import Worth
from harness.worth.terms import SENTENCES, Candidate, Question, Terms, questions

SHOWN_AT_ONCE = 24
"""Answers that are part of the page when it opens; the others wait until they are asked for."""

_FOLDED_CELLS = 240
"""From so many cells on even the reasons of the answers that are shown wait: they are elements, too."""

_LEAST_SHOWN = 4
_SAID = 300
_AS_MUCH = 0.005


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of which something may be lost, with what the run allows of it in words."""

    name: str
    unit: str
    allowed: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One precision of a model: its place, why it comes there, and its numbers as they stand in the first line.

    `data` is what the script asks with other limits by.
    """

    place: str
    precision: str
    is_base: bool
    why: str
    speed: str
    memory: str
    loss: str
    data: Mapping[str, str | int]

    @property
    def glyph(self) -> str:
        """The sign of the last word on it, where it is to be loaded."""
        return GLYPHS[Worth.BASE if self.is_base else Worth.WORTH_IT]


@dataclass(frozen=True, slots=True)
class Answer:
    """What to load of one model: the first of its choices, unless there is a problem.

    `is_open`: other limits may change it. `anchor` leads to its numbers, where they are shown.
    """

    model: str
    anchor: str
    choices: tuple[Choice, ...]
    problem: str
    is_open: bool

    @property
    def load(self) -> Choice | None:
        """What is to be loaded."""
        return self.choices[0] if self.choices and self.choices[0].place == "load" else None

    @property
    def is_gained(self) -> bool:
        """Whether another precision than fp32 is to be loaded."""
        return self.load is not None and not self.load.is_base

    @property
    def rest(self) -> str:
        """What the folded part holds: fallbacks by name, the others by their number."""
        then = [one.precision for one in self.choices if one.place == "then"]
        count = sum(one.place == "not" for one in self.choices)
        said = ["then " + ", ".join(then)] * bool(then)
        said += [f"{count} {'does' if count == 1 else 'do'} not qualify"] * bool(count)
        return " · ".join(said) or "why"


@dataclass(frozen=True, slots=True)
class Block:
    """The answers of one device, and of what limits may be asked for there. `remark` is how more could be shown."""

    device: str
    metrics: tuple[Metric, ...]
    first: tuple[Answer, ...]
    later: tuple[Answer, ...]
    remark: str

    @property
    def is_open(self) -> bool:
        """Whether other limits may change any of them."""
        return any(one.is_open for one in (*self.first, *self.later))

    @property
    def summary(self) -> str:
        """Of how many models another precision than fp32 is named."""
        every = (*self.first, *self.later)
        gained = sum(one.is_gained for one in every)
        models = f"{len(every)} model{'' if len(every) == 1 else 's'}"
        return f"{models}, {gained} of them better served by another precision than fp32" if gained else models


@dataclass(frozen=True, slots=True)
class Picks:
    """A block a device. `is_folded`: the reasons wait until they are asked for."""

    blocks: tuple[Block, ...]
    is_folded: bool
    sentences: Mapping[str, str] = field(default_factory=lambda: SENTENCES)


def view(page: Page) -> Picks | None:
    """Show what to ship, where anything was measured beside fp32."""
    if not page.worths:
        return None
    devices: dict[str, list[Question]] = {}
    for question in questions(page.run, page.standings):
        devices.setdefault(question.device, []).append(question)
    shown = max(SHOWN_AT_ONCE // len(devices), _LEAST_SHOWN)
    is_folded = len(page.rows) > _FOLDED_CELLS
    linked = {(one.model, one.device) for one in shown_blocks(page)}
    blocks = tuple(_block(page, linked, found, shown, is_folded) for found in devices.values())
    return Picks(blocks, is_folded)


def _block(page: Page, linked: set[tuple[str, str]], asked: Sequence[Question], shown: int, is_folded: bool) -> Block:
    device = asked[0].device
    rows = {row.cell: row for block in page.worths for row in block.rows if block.device == device}
    metrics = _metrics(asked)
    places = {one.name: place for place, one in enumerate(metrics)}
    answers = [
        replace(
            _answer(one, rows, places, is_folded),
            anchor=block_anchor(one.model, device) if (one.model, device) in linked else "",
        )
        for one in asked
    ]
    named = tuple(replace(one, name=numbers.metric_words(one.name)) for one in metrics)
    if is_folded:
        answers.sort(key=lambda one: not one.is_gained)  # of many models the first few are those that gain
    return Block(device, named, tuple(answers[:shown]), tuple(answers[shown:]), _remark(rows.values()))


def _remark(rows: Iterable[WorthRow]) -> str:
    """What to do where speeds were not measured in pairs, and so show little."""
    speeds = [row.standing.speed for row in rows]
    return ROUGH if any(speed is not None and not speed.is_paired for speed in speeds) else ""


def _metrics(asked: Sequence[Question]) -> tuple[Metric, ...]:
    """Of what something may be lost, in the order of the models; with what the run allows of it."""
    allowed: dict[tuple[str, str], set[float]] = {}
    for question in asked:
        for terms, told in zip(question.terms, question.told, strict=True):
            if question.problem or terms.told is None or terms.is_base:
                continue
            margins = allowed.setdefault((terms.told.metric, terms.told.unit), set())
            if told.loss and told.loss.allowed is not None:
                margins.add(told.loss.allowed)
    return tuple(Metric(name, unit, _allowed(margins)) for (name, unit), margins in allowed.items())


def _allowed(margins: set[float]) -> str:
    if not margins:
        return "nothing"
    ends = dict.fromkeys((amount(min(margins)), amount(max(margins))))
    return " to ".join(ends)


def _answer(question: Question, rows: Mapping[Cell, WorthRow], places: Mapping[str, int], is_folded: bool) -> Answer:
    pick = answer(question, Limits(), "", {})
    base = next((one.peak_bytes for one in question.terms if one.is_base), None)
    ranked = sorted(question.terms, key=lambda one: one.rank)
    terms = {one.precision: one for one in question.terms}
    order = {one: at for at, one in enumerate(terms)}

    def choice(at: int, place: str, of: Candidate) -> Choice:
        own = terms[of.precision]
        row = rows.get(Cell(question.model, own.precision, question.device))
        speed, memory, loss = _speed(row, own), _memory(own.peak_bytes, base), _loss(row, own)
        data: dict[str, str | int] = {}
        if not question.problem and order[own.precision] != at:
            data["o"] = order[own.precision]
        if not question.problem and not own.fixed:
            data |= _asked_by(own, places, _line(of.why))
            data |= {"r": ranked.index(own), "s": speed, "m": memory}
            if not own.is_base and (not is_folded or own.told is None):
                data["q"] = loss
            if not own.is_base and not is_folded:
                data["y"] = "=" if place == "load" else _line(own.sentence)
        return Choice(place, own.precision, own.is_base, _line(of.why), speed, memory, loss, data)

    placed = (("load", [pick.load] if pick.load else []), ("then", pick.fallbacks), ("not", pick.others))
    listed = [(place, one) for place, found in placed for one in found]
    choices = tuple(choice(at, place, one) for at, (place, one) in enumerate(listed))
    return Answer(question.model, "", choices, _line(pick.problem), not question.problem)


def _asked_by(own: Terms, places: Mapping[str, int], why: str) -> dict[str, str | int]:
    """What limits are held against, and what is said where they are not kept; what stands in `why` by where it does."""
    data: dict[str, str | int] = {}
    if own.is_base:
        data["k"] = "b"
    elif own.is_faster:
        data |= {"k": "f", "t": own.times}
    if own.peak_bytes is not None:
        data["p"] = f"{own.peak_bytes:.12g}"
    told = own.told
    if told is None or own.is_base:
        return data
    if place := places[told.metric]:
        data["a"] = place
    low, high = finite(told.low), finite(told.high)
    if low is not None and high is not None:
        data["l"] = f"{low:.7g} {high:.7g}"
    key, words = ("c", _line(told.why)) if told.why else ("w", _line(told.words))
    at = why.find(words) if own.loses else -1
    data[key] = words if at < 0 else f"={_units(why[:at])} {_units(why[: at + len(words)])}"
    return data | ({"d": ""} if own.loses else {})


def _units(text: str) -> int:
    """How long a text is to a script, which counts what lies beyond the first plane twice."""
    return len(text.encode("utf-16-le")) // 2


def _line(text: str) -> str:
    return clip(one_line(text), _SAID)


def _speed(row: WorthRow | None, terms: Terms) -> str:
    return "ref" if terms.is_base else str(row.speed) if row else numbers.DASH


def _loss(row: WorthRow | None, terms: Terms) -> str:
    """What is lost, by the metric in words; of fp32 that nothing is shown to be better."""
    if terms.is_base:
        return SENTENCES["first"]
    if row is None:
        return "not known"
    if row.standing.is_same:
        return "the same outputs, bit for bit"
    lead = row.standing.lead
    if lead is None or row.loss.why:
        return row.loss.why or "not known"
    return f"{lead.name} {row.loss.text}"


def _memory(peak: float | None, base: float | None) -> str:
    """The peak, and how much less it is than that of fp32."""
    if peak is None:
        return "not known"
    said = numbers.bytes_(peak)
    if base is None or base == peak:
        return said
    if abs(peak - base) < _AS_MUCH * base:
        return f"{said}, as fp32"
    return f"{said}, {numbers.bytes_(abs(base - peak))} {'less' if peak < base else 'more'}"
