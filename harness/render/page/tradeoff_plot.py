"""Where the marks of a trade-off plot go: latency to the right, what is lost upwards, memory as area. Pure geometry.

Owns the scales and the room for words. A loss that is not known is no number: its mark stands in a band of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.render import numbers
from harness.render.page.drawing import Scale
from harness.render.page.tradeoff_shapes import Shape
from harness.render.text import shorten, visible
from harness.verdict.words import amount

WIDTH, HEIGHT = 360.0, 292.0
LEFT, RIGHT = 46.0, 354.0
BOTTOM = 254.0
LARGEST, SMALLEST = 11.0, 4.5
"""The radius of a circle of the most memory in a plot, and of the least that is still seen."""

_TITLE, _TOP, _TOP_BELOW_BAND = 11.0, 22.0, 60.0
_BAND = (20.0, 54.0)
_PAD = LARGEST * 1.7
_LEAST_TIMES = 1.6
_EDGE = 0.08
_STEPS = tuple(base * 10.0**power for power in range(-13, 10) for base in (1, 2, 5))
_MOST_TICKS = 6
_PARTS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7))
"""Of every power of ten, which parts make a tick, from few to many."""

_NARROW = 3.0
"""Up to such a factor between the least and the greatest latency ticks are as far apart in time."""

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_FONT = 11.0
_LETTER = 0.57 * _FONT
_NAME = 20
_APART = 5.0
_LONGEST_TICK = 7


@dataclass(frozen=True, slots=True)
class Point:
    """One precision as it is to be drawn; its `loss` is None where none is known on this axis."""

    precision: str
    shape: Shape
    seconds: float
    seconds_low: float | None = None
    seconds_high: float | None = None
    loss: float | None = None
    loss_low: float | None = None
    loss_high: float | None = None
    peak_bytes: float | None = None
    is_hollow: bool = False
    is_base: bool = False
    is_rough: bool = False
    is_good: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    """A number beside an axis, and where."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Box:
    """Room that is taken."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether two of them overlap."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


@dataclass(frozen=True, slots=True)
class Label:
    """A name beside its mark."""

    x: float
    y: float
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A precision as it is drawn; `label` is None where there is no room for it."""

    point: Point
    x: float
    y: float
    radius: float
    whiskers: str
    label: Label | None

    @property
    def box(self) -> Box:
        """The room that it takes."""
        reach = self.radius * self.point.shape.reach
        return Box(self.x - reach, self.y - reach, self.x + reach, self.y + reach)


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing, ready to place. `band` is where losses stand that are not known; `is_cut`: an interval goes on."""

    marks: tuple[Mark, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_unit: str
    top: float
    band: tuple[float, float] | None
    nought_y: float
    base_x: float | None
    margin_y: float | None
    margin: Label | None
    is_cut: bool
    most_bytes: float | None
    has_small: bool


def plot_of(points: Sequence[Point], margin: float | None = None) -> Plot:
    """Draw precisions of which one at least has a loss, beside fp32; `margin` is how much may be lost."""
    known = [one for one in points if one.loss is not None]
    has_band = len(known) < len(points)
    top = _TOP_BELOW_BAND if has_band else _TOP
    x, y = _log_scale(points), _loss_scale(known, margin, top)
    most = max((one.peak_bytes for one in points if one.peak_bytes), default=None)
    margin_y = y(margin) if margin is not None and y.low < margin < y.high else None
    bare = [_mark(one, x, y, most) for one in points]
    words = _margin_words(margin, margin_y, bare)
    unit_seconds, unit = next((step for step in _UNITS if 10**x.high >= step[0]), _UNITS[-1])
    base = next((mark for mark in bare if mark.point.is_base), None)
    return Plot(
        marks=_labelled(bare, top, words),
        x_ticks=_log_ticks(x, unit_seconds),
        y_ticks=_loss_ticks(y),
        x_unit=unit,
        top=top,
        band=_BAND if has_band else None,
        nought_y=round(y(0.0), 1),
        base_x=round(base.x, 1) if base else None,
        margin_y=None if margin_y is None else round(margin_y, 1),
        margin=words,
        is_cut=any(_is_beyond(end, y) for one in known for end in (one.loss_low, one.loss_high)),
        most_bytes=most,
        has_small=any(_area_radius(one, most) < SMALLEST for one in points),
    )


def _log_scale(points: Sequence[Point]) -> Scale:
    ends = [end for one in points for end in (one.seconds, one.seconds_low, one.seconds_high) if end is not None]
    low, high = math.log10(min(ends)), math.log10(max(ends))
    wanting = max(math.log10(_LEAST_TIMES) - (high - low), 0) / 2
    return Scale(low - wanting, high + wanting, LEFT + _PAD, RIGHT - _PAD)


def _loss_scale(known: Sequence[Point], margin: float | None, top: float) -> Scale:
    """All losses and nought are inside, and what may be lost where it is near; a long interval ends at the edge."""
    values = [0.0, *(one.loss for one in known if one.loss is not None)]
    room = max(values) - min(values) or margin or 1.0
    inside = list(values)
    extra = [end for one in known for end in (one.loss_low, one.loss_high) if end is not None]
    extra += [margin] if margin is not None else []
    inside += [end for end in extra if min(values) - room <= end <= max(values) + room]
    low, high = min(inside), max(inside)
    edge = (high - low or room) * _EDGE
    return Scale(low - edge, high + edge, BOTTOM - LARGEST, top + LARGEST)


def _mark(one: Point, x: Scale, y: Scale, most: float | None) -> Mark:
    at = x(math.log10(one.seconds))
    up = sum(_BAND) / 2 if one.loss is None else y(one.loss)
    return Mark(
        one,
        round(at, 1),
        round(up, 1),
        round(max(_area_radius(one, most), SMALLEST), 2),
        _whiskers(one, x, y, at, up),
        None,
    )


def _area_radius(one: Point, most: float | None) -> float:
    """Half the width of a circle whose area is to that of the largest as its memory is."""
    return LARGEST * math.sqrt(one.peak_bytes / most) if one.peak_bytes and most else 0.0


def _whiskers(one: Point, x: Scale, y: Scale, at: float, up: float) -> str:
    path = ""
    if one.seconds_low is not None and one.seconds_high is not None:
        path += f"M{x(math.log10(one.seconds_low)):.1f} {up:.1f}H{x(math.log10(one.seconds_high)):.1f}"
    if one.loss is not None and one.loss_low is not None and one.loss_high is not None:
        path += f"M{at:.1f} {y(one.loss_low):.1f}V{y(one.loss_high):.1f}"
    return path


def _is_beyond(end: float | None, y: Scale) -> bool:
    return end is not None and not y.low <= end <= y.high


def _log_ticks(x: Scale, unit_seconds: float) -> tuple[Tick, ...]:
    """As many round times as there is room for."""
    least, most = 10**x.low * (1 - 1e-9), 10**x.high * (1 + 1e-9)
    if most / least <= _NARROW:
        step = next(one for one in _STEPS if (most - least) / one < _MOST_TICKS)
        found = [number * step for number in range(math.ceil(least / step), math.floor(most / step) + 1)]
    else:
        powers = range(math.floor(x.low) - 1, math.ceil(x.high) + 1)
        choices = (
            [value for power in powers for part in parts if least <= (value := part * 10.0**power) <= most]
            for parts in _PARTS
        )
        found = max((one for one in choices if len(one) <= _MOST_TICKS), key=len, default=[10**x.low, 10**x.high])
    ticks: list[Tick] = []
    for value in found:
        tick = Tick(round(x(math.log10(value)), 1), _trimmed(value / unit_seconds))
        if not ticks or tick.at - ticks[-1].at > (len(tick.text) + len(ticks[-1].text)) / 2 * _LETTER + _APART:
            ticks.append(tick)
    return tuple(ticks)


def _trimmed(value: float) -> str:
    text = numbers.plain(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _loss_ticks(y: Scale) -> tuple[Tick, ...]:
    """Round losses, nought among them."""
    step = next((one for one in _STEPS if (y.high - y.low) / one < _MOST_TICKS), _STEPS[-1])
    decimals = max(-math.floor(math.log10(step)), 0)
    found = range(math.ceil(y.low / step), math.floor(y.high / step) + 1)
    return tuple(Tick(round(y(number * step), 1), _loss(number * step, decimals)) for number in found)


def _loss(value: float, decimals: int) -> str:
    text = "0" if value == 0 else f"{value:.{decimals}f}"
    return (text if len(text) <= _LONGEST_TICK else f"{value:.0e}").replace("-", "−")


def _margin_words(margin: float | None, margin_y: float | None, marks: Sequence[Mark]) -> Label | None:
    """How much may be lost, above its line or below it, where no mark is."""
    if margin is None or margin_y is None:
        return None
    text = f"at most {amount(margin)}"
    places = [
        Label(x, round(y, 1), anchor, text)
        for y in (margin_y - 4, margin_y + _FONT)
        for x, anchor in ((RIGHT - 3, "end"), (LEFT + 3, "start"))
    ]
    return next((one for one in places if not any(mark.box.meets(_room(one)) for mark in marks)), None)


def _room(label: Label) -> Box:
    wide = len(label.text) * _LETTER
    left = label.x - {"start": 0.0, "middle": wide / 2, "end": wide}[label.anchor]
    return Box(left, label.y - _FONT + 1, left + wide, label.y + 3)


def _labelled(marks: Sequence[Mark], top: float, words: Label | None) -> tuple[Mark, ...]:
    """Name marks where a name covers neither a mark nor another name; the largest is drawn first, below the rest."""
    ordered = sorted(marks, key=lambda one: (not one.point.is_base, not one.point.is_good))
    taken = [one.box for one in marks]
    if words is not None:
        taken.append(_room(words))
    labels: dict[str, Label] = {}
    for mark in ordered:
        found = next((one for one in _places(mark) if _is_free(_room(one), taken, mark, top)), None)
        if found is not None:
            labels[mark.point.precision] = found
            taken.append(_room(found))
    drawn = sorted(marks, key=lambda one: (-one.radius, one.point.is_base))
    return tuple(replace(one, label=labels.get(one.point.precision)) for one in drawn)


def _is_free(box: Box, taken: Iterable[Box], mark: Mark, top: float) -> bool:
    frame = Box(LEFT, _BAND[0] if mark.point.loss is None else top, RIGHT, BOTTOM)
    is_inside = (
        frame.left <= box.left and box.right <= frame.right and frame.top <= box.top and box.bottom <= frame.bottom
    )
    return is_inside and not any(box.meets(one) for one in taken)


def _places(mark: Mark) -> Iterable[Label]:
    """Where a name may stand: right of its mark, left of it, above or below."""
    name = shorten(visible(mark.point.precision), _NAME)
    text = f"≈ {name}" if mark.point.is_rough else name
    box = mark.box
    for x, y, anchor in (
        (box.right + 4, mark.y + 4, "start"),
        (box.left - 4, mark.y + 4, "end"),
        (mark.x, box.top - 4, "middle"),
        (mark.x, box.bottom + _FONT, "middle"),
        (box.right, box.top, "start"),
        (box.left, box.top, "end"),
        (box.right, box.bottom + _FONT / 2, "start"),
        (box.left, box.bottom + _FONT / 2, "end"),
    ):
        yield Label(round(x, 1), round(y, 1), anchor, text)
