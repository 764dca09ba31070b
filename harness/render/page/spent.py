"""Where the time of a run went: cells by themselves, pairs by stage, controls, and whatever else it took. Pure.

Owns the parts and the bar that divides the whole among them. Where parts overlapped (several processes, a run that was
resumed) nothing is left over, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from harness.cells import Cell
from harness.comparisons import Duel
from harness.render import numbers
from harness.results import Run

WIDTH, HEIGHT = 640.0, 18.0

_GAP, _LEAST = 2.0, 1.0

_Divided = tuple[str, str, str, float]
"""A part by its kind and its name, of how many what, and its seconds."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the time: what it was for, of how many what, how long, its share, and where it lies in the bar.

    `kind` is its class: a part has the same colour on every page.
    """

    kind: str
    name: str
    of: str
    seconds: float
    text: str
    share: str
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Longest:
    """A cell with what it took by itself, and its pairs."""

    cell: Cell
    seconds: float
    alone: str
    pairs: str


@dataclass(frozen=True, slots=True)
class Spent:
    """The parts in order, the cells by what they took, and a sentence about the whole."""

    parts: tuple[Part, ...]
    longest: tuple[Longest, ...]
    whole: str


def spent_of(run: Run) -> Spent:
    """Divide the time of a run."""
    found = [part for part in _parts(run) if part[-1] > 0]
    told = sum(seconds for *_, seconds in found)
    wall = _wall_seconds(run)
    if wall is not None and wall >= told > 0:
        found.append(("rest", "everything else", "starting, tests, the other side, writing", wall - told))
    return Spent(_laid_out(found), tuple(_longest(run)), _whole(told, wall))


def _parts(run: Run) -> Iterable[_Divided]:
    measurements = run.measurements
    yield "alone", "cells by themselves", _count(len(measurements), "cell"), sum(m.seconds_spent for m in measurements)
    own = [duel for duel in run.duels if not duel.is_control]
    stages = (("trial", "trials of how to measure"), ("first", "pairs, first look"), ("second", "pairs, confirmation"))
    for stage, (kind, name) in enumerate(stages):
        pairs = [pair for duel in own for pair in duel.pairs if pair.stage == stage]
        yield kind, name, _count(len(pairs), "pair"), sum(pair.seconds for pair in pairs)
    control = [pair for duel in run.duels if duel.is_control for pair in duel.pairs]
    yield "control", "control", _count(len(control), "pair"), sum(pair.seconds for pair in control)


def _laid_out(found: list[_Divided]) -> tuple[Part, ...]:
    """Place the parts side by side; a gap between them tells them apart without their colours."""
    whole = sum(seconds for *_, seconds in found)
    parts, start = [], 0.0
    for kind, name, of, seconds in found:
        width = seconds / whole * WIDTH
        shown = max(width - _GAP, _LEAST)
        share = numbers.percent(seconds / whole)
        text = numbers.duration(seconds)
        parts.append(Part(f"part-{kind}", name, of, seconds, text, share, round(start, 1), round(shown, 1)))
        start += width
    return tuple(parts)


def _longest(run: Run) -> Iterable[Longest]:
    alone = {one.cell: one.seconds_spent for one in run.measurements}
    paired: dict[Cell, float] = {}
    for duel in run.duels:
        paired[duel.cell] = paired.get(duel.cell, 0.0) + pair_seconds(duel)
    told = {cell: alone.get(cell, 0.0) + paired.get(cell, 0.0) for cell in (*alone, *paired)}
    for cell, seconds in sorted(told.items(), key=lambda one: -one[1]):
        if seconds > 0:
            pairs = numbers.duration(paired[cell]) if cell in paired else numbers.DASH
            yield Longest(cell, seconds, numbers.duration(alone.get(cell, 0.0)), pairs)


def pair_seconds(duel: Duel) -> float:
    """What all pairs of a duel took."""
    return sum(pair.seconds for pair in duel.pairs)


def _whole(told: float, wall: float | None) -> str:
    if told <= 0:
        return "No time was recorded."
    if wall is None:
        return f"{numbers.duration(told)} were spent measuring; the run did not end, so that the rest is not known."
    if wall < told:
        return (
            f"The run took {numbers.duration(wall)}, and its parts {numbers.duration(told)}: several processes measured"
            " at once, or it went on from an earlier one."
        )
    return f"The run took {numbers.duration(wall)}."


def _wall_seconds(run: Run) -> float | None:
    try:
        seconds = (datetime.fromisoformat(run.finished or "") - datetime.fromisoformat(run.started)).total_seconds()
    except (ValueError, TypeError):
        return None
    return seconds if seconds >= 0 else None


def _count(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count != 1)}"
