"""How the times of two sides lie: a row of dots each on one scale, the median's interval, and both curves in bands.

Owns what may be drawn of how many: fewer than six values have neither an interval nor a curve, and that is said. What
a dot is, a process or a pass of one, is said too: an interval over passes knows nothing of the next process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.comparisons import Duel, Origin, Verdict
from harness.render import changes, numbers
from harness.render.page.drawing import WIDTH, Scale, Tick, bar, corners, dots, every, time_ticks
from harness.results import Measurement
from harness.stats.ecdf import FEWEST, Step, band_half_width, ecdf, median_interval
from harness.stats.estimates import median, percentile
from harness.stats.passes import pass_means

LATENCY = "latency_seconds"

_EDGE = 0.04
_MOST_DOTS = 48
_MOST_STEPS = 24
_STRAY = 8.0
_WORDS, _DOTS, _BAR, _SESSION, _GAP = 15.0, 12.0, 12.0, 5.0, 3.0
_CURVES, _CURVE_ALONE = 96.0, 64.0
_TICKS = 18.0


@dataclass(frozen=True, slots=True)
class Side:
    """One side, drawn: its words and where they stand, its dots, its median's interval, its curve and the band."""

    words: str
    words_y: float
    dots: str
    bar: str
    curve: str
    band: str


@dataclass(frozen=True, slots=True)
class Spread:
    """A drawing, ready to place. `sides` are what was before and what is now, or only what is now.

    `half_y` is where half of the values lie at or below; None where there are no curves.
    """

    sides: tuple[Side, ...]
    height: float
    drawn_height: float
    field_y: float
    half_y: float | None
    ticks: tuple[Tick, ...]
    name: str
    caption: str


@dataclass(frozen=True, slots=True)
class _Told:
    """The values of one side, in the sessions that they came from, and what it is called."""

    name: str
    sessions: tuple[tuple[float, ...], ...]

    @property
    def values(self) -> list[float]:
        return [value for session in self.sessions for value in session]

    @property
    def is_enough(self) -> bool:
        return len(self.values) >= FEWEST


def spread_of_pairs(duel: Duel, verdict: Verdict | None) -> Spread | None:
    """Draw what each process of the judged pairs took, by the clock that decided; None without a pair."""
    clock = (verdict.clock if verdict else None) or duel.clock
    pairs = [pair for pair in duel.pairs if pair.stage and clock in pair.log_ratios]
    if not pairs:
        return None
    old = _Told("old", (tuple(pair.old.seconds[clock] for pair in pairs),))
    new = _Told("new", (tuple(pair.new.seconds[clock] for pair in pairs),))
    about = f"seconds an inference by {clock.words}, a dot each process"
    return _drawn((old, new), "process", about, "The verdict is made of the pairs' ratios, not of these.")


def spread_of_sessions(origin: Origin, measurement: Measurement) -> Spread | None:
    """Draw the passes of every stored session beside this run's; None where one side has none."""
    stored = tuple(session for session in origin.sessions if session)
    now = pass_means(measurement.sample) if measurement.sample else ()
    if not stored or not now:
        return None
    count = f"{len(stored)} session{'s' * (len(stored) != 1)}"
    rows = f"; {count}, a row each, the oldest on top" if len(stored) > 1 else ""
    about = f"seconds an inference by the wall clock, a dot each pass{rows}"
    sides = (_Told("baseline", stored), _Told("now", (now,)))
    return _drawn(sides, "pass", about, "Sessions differ by more than their passes.")


def spread_of_passes(measurement: Measurement) -> Spread | None:
    """Draw the passes of this run alone; None where it is one, of which nothing is spread."""
    now = pass_means(measurement.sample) if measurement.sample else ()
    if len(now) < 2:
        return None
    about = "seconds an inference by the wall clock, a dot each pass"
    return _drawn((_Told("now", (now,)),), "pass", about, "All are of one process.")


def _drawn(sides: Sequence[_Told], unit: str, about: str, caveat: str) -> Spread:
    everything = [value for side in sides for value in side.values]
    low, high = _ends(everything)
    room = (high - low or high * 0.02) * _EDGE
    x = Scale(low - room, high + room, 0.0, WIDTH)
    has_curves = all(side.is_enough for side in sides)
    field, rows = 0.0, []
    for side in sides:
        rows.append(field)
        field += _WORDS + _row(side) + (_BAR if has_curves else 0.0) + _GAP
    curves = (_CURVES if len(sides) > 1 else _CURVE_ALONE) if has_curves else 0.0
    y = Scale(0.0, 1.0, field + curves, field)
    drawn = tuple(_side(side, x, y, top, has_curves) for side, top in zip(sides, rows, strict=True))
    beyond = sum(not x.low <= value <= x.high for value in everything)
    return Spread(
        sides=drawn,
        height=field + curves + _TICKS,
        drawn_height=field + curves,
        field_y=field,
        half_y=y(0.5) if has_curves else None,
        ticks=time_ticks(x),
        name=f"Seconds by {unit}: {'; '.join(side.words for side in drawn)}",
        caption=" ".join((f"{about[:1].upper()}{about[1:]}.", *_explained(sides, unit, has_curves, beyond), caveat)),
    )


def _side(side: _Told, x: Scale, y: Scale, top: float, has_curves: bool) -> Side:
    values = side.values
    found = median_interval(values) if has_curves else None
    row = top + _WORDS
    pitch = _row(side) / len(side.sessions)
    marks = [
        (x(session[place]), row + pitch * (number + 0.5))
        for number, session in enumerate(side.sessions)
        for place in every(sorted(range(len(session)), key=session.__getitem__), _most_dots(side))
    ]
    steps = _thinned(ecdf(values)) if has_curves else ()
    return Side(
        words=_words(side, has_curves),
        words_y=top + _WORDS - 4,
        dots=dots(marks),
        bar="" if found is None else bar(x(found.low), x(found.value), x(found.high), row + _row(side) + _BAR / 2),
        curve=_curve(steps, x, y) if steps else "",
        band=_band(steps, band_half_width(len(values)), x, y) if steps else "",
    )


def _words(side: _Told, has_curves: bool) -> str:
    values = side.values
    if len(values) == 1:
        return f"{side.name} {numbers.seconds(values[0])}"
    found = median_interval(values) if has_curves else None
    if found is None or found.low == found.high:
        return f"{side.name} {numbers.seconds(median(values))}, median of {len(values)}"
    half = (found.high - found.low) / 2 / found.value if found.value else None
    low, high = changes.values(LATENCY, found.low, found.high, half)
    middle = numbers.seconds(found.value, half or None)
    least, _, unit = low.rpartition(" ")
    return f"{side.name} {middle}, {least if high.endswith(f' {unit}') else low} to {high}, median of {len(values)}"


def _explained(sides: Sequence[_Told], unit: str, has_curves: bool, beyond: int) -> list[str]:
    said = []
    if has_curves:
        told = f", {sides[0].name} dashed," if len(sides) > 1 else ""
        said.append(f"Bars: the median's 95 % interval. Curves: the share at or below a time{told} in 95 % bands.")
    else:
        fewest = min(len(side.values) for side in sides)
        plural = f"{unit}{'es' * (fewest != 1)}"
        each, verb = " a side" if len(sides) > 1 else "", "are" if fewest != 1 else "is"
        said.append(f"{fewest} {plural}{each} {verb} too few for a curve, and to bound a median at 95 % ({FEWEST} do).")
    if any(len(session) > _most_dots(side) for side in sides for session in side.sessions):
        said.append("Of a crowd only some dots are drawn, evenly, with both ends.")
    if beyond:
        said.append(f"{beyond} beyond the frame {'are' if beyond != 1 else 'is'} drawn at its edge.")
    return said


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """The ends of the scale: all values, unless a few lie so far away that the others would be one line."""
    low, high = min(values), max(values)
    if len(values) < FEWEST:
        return low, high
    least, most = percentile(values, 0.1), percentile(values, 0.9)
    usual = most - least
    if not usual or high - low <= _STRAY * usual:
        return low, high
    return max(low, least - usual), min(high, most + usual)


def _row(side: _Told) -> float:
    return max(_DOTS, _SESSION * len(side.sessions))


def _most_dots(side: _Told) -> int:
    return max(_MOST_DOTS // len(side.sessions), 6)


def _thinned(steps: Sequence[Step]) -> tuple[Step, ...]:
    return tuple(steps[place] for place in every(range(len(steps)), _MOST_STEPS))


def _curve(steps: Sequence[Step], x: Scale, y: Scale) -> str:
    return corners(_stairs([(step.value, step.share) for step in steps], 0.0, x, y))


def _band(steps: Sequence[Step], half: float, x: Scale, y: Scale) -> str:
    """There along the upper edge, and back along the lower one."""
    upper = _stairs([(step.value, step.high) for step in steps], min(half, 1.0), x, y)
    lower = _stairs([(step.value, step.low) for step in steps], 0.0, x, y)
    return f"{corners([*upper, *reversed(lower)])}z"


def _stairs(steps: Sequence[tuple[float, float]], foot: float, x: Scale, y: Scale) -> list[tuple[float, float]]:
    """The corners from the left edge, where the share is `foot`, up every step and on to the right edge."""
    found, height = [(0.0, y(foot))], y(foot)
    for value, share in steps:
        found.append((x(value), height))
        height = y(share)
        found.append((x(value), height))
    return [*found, (WIDTH, height)]
