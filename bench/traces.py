"""Recorded traces: what identical code measured on some machine, as pairs and as stretches; one small JSON file.

Owns the file (read, written, refused when it makes no sense) and how gates are drawn from it. Pure but for the file:
what records is `recording`, and what decides are the `rules`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from pathlib import Path
from statistics import fmean, stdev

import msgspec

from harness.cells import Cell
from harness.comparisons import Clock, Pair
from harness.errors import RecordUnreadable
from harness.results import Fact

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Spell:
    """Fresh processes, one after the other without a pause: each the wall seconds of its inferences of one example."""

    example: int
    stretches: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        for stretch in self.stretches:
            if len(stretch) < 2:
                raise ValueError(f"a stretch is of two inferences or more, not of {len(stretch)}")
            if not all(math.isfinite(seconds) and seconds > 0 for seconds in stretch):
                raise ValueError("the seconds of an inference must be finite and above zero")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded of one cell against itself.

    `clock` is the one by which the conductor would have its pairs decided. Where pairs were rebuilt, that was after
    every so many quads. `loads_1m` are the load averages meanwhile.
    """

    cell: Cell
    clock: Clock | None = None
    pairs: tuple[Pair, ...] = ()
    spells: tuple[Spell, ...] = ()
    loads_1m: tuple[float, ...] = ()
    quads_a_building: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for pair in self.pairs:
            if self.clock not in pair.log_ratios:
                raise ValueError(f"a pair of {self.cell} lacks the ratio of the {self.clock} time, which decides")

    def design(self, *, is_rebuilt: bool) -> tuple[Pair, ...]:
        """The pairs that were measured one way."""
        return tuple(pair for pair in self.pairs if pair.is_rebuilt == is_rebuilt)


@dataclass(frozen=True, slots=True)
class Trace:
    """All that one recording holds, and the machine that it comes from."""

    machine: dict[str, Fact]
    recorded: tuple[Recorded, ...]
    schema: int = SCHEMA


class _Numbered(msgspec.Struct):
    schema: int


def write(trace: Trace, path: Path) -> None:
    """Write a trace; a file that is there is replaced as a whole or not at all."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(msgspec.json.encode(trace) + b"\n")
    beside.replace(path)


def read(path: Path) -> Trace:
    """Read a trace, or say what is wrong with it and what to do."""
    try:
        content = path.read_bytes()
        number = msgspec.json.decode(content, type=_Numbered).schema
        if number == SCHEMA:
            return msgspec.json.decode(content, type=Trace)
    except OSError as error:
        raise RecordUnreadable(f"{path} cannot be read ({error.strerror}); make one with --record {path}") from error
    except msgspec.DecodeError as error:
        raise RecordUnreadable(f"{path} is no trace ({error}); restore it or record it anew with --record") from error
    raise RecordUnreadable(f"{path} is of schema {number}, this version reads {SCHEMA}; record it anew with --record")


def pooled(traces: Iterable[Trace]) -> tuple[Recorded, ...]:
    """What several recordings hold of each cell, together. Their spells stay apart: time passed between them."""
    every = sorted((one for trace in traces for one in trace.recorded), key=lambda one: one.cell)
    return tuple(_together(cell, tuple(ones)) for cell, ones in groupby(every, key=lambda one: one.cell))


def _together(cell: Cell, ones: tuple[Recorded, ...]) -> Recorded:
    clocks = sorted({one.clock for one in ones if one.clock})
    if len(clocks) > 1:
        raise RecordUnreadable(f"{cell} is decided by {' and '.join(clocks)} time; give these traces one at a time")
    return Recorded(
        cell=cell,
        clock=clocks[0] if clocks else None,
        pairs=tuple(pair for one in ones for pair in one.pairs),
        spells=tuple(spell for one in ones for spell in one.spells),
        loads_1m=tuple(load for one in ones for load in one.loads_1m),
        quads_a_building=tuple(sorted({quads for one in ones for quads in one.quads_a_building})),
    )


@dataclass(frozen=True, slots=True)
class Window:
    """Which stretches, of which spell, a gate is fed with: those of the old side and those of the new."""

    spell: int
    old: tuple[int, ...]
    new: tuple[int, ...]


def windows(spells: Sequence[Spell], order: str, most: int, chance: random.Random) -> list[Window]:
    """Every run of neighbouring stretches that is as long as the order, the sides both ways round; `most` at random.

    Neighbours, and not any stretches, because a tool's processes follow each other: the machine drifts from the first
    to the last of them as it drifted while the trace was recorded.
    """
    sides = {side: [place for place, one in enumerate(order) if one == side] for side in "AB"}
    found = [
        Window(number, tuple(first + place for place in sides[old]), tuple(first + place for place in sides[new]))
        for number, spell in enumerate(spells)
        for first in range(len(spell.stretches) - len(order) + 1)
        for old, new in ("AB", "BA")
    ]
    return found if len(found) <= most else chance.sample(found, most)


@dataclass(frozen=True, slots=True)
class Spread:
    """How far pairs of identical code differ, by one clock. `within` is the share that their own quads explain."""

    clock: str
    pairs: int
    sd: float
    within: float | None
    neighbours: float
    bias: float


def spread(pairs: Sequence[Pair], clock: Clock) -> Spread:
    """The spread of the log ratios; `neighbours` is the correlation of each pair with the next."""
    ratios = [pair.log_ratios[clock] for pair in pairs]
    if len(ratios) < 3:
        raise ValueError(f"{len(ratios)} pairs are too few to tell how far pairs differ; record three or more")
    centre, sd = fmean(ratios), stdev(ratios)
    errors = [pair.errors[clock] for pair in pairs if clock in pair.errors]
    within = fmean(error**2 for error in errors) / sd**2 if sd and len(errors) == len(pairs) else None
    products = [(one - centre) * (after - centre) for one, after in pairwise(ratios)]
    neighbours = fmean(products) / fmean((ratio - centre) ** 2 for ratio in ratios) if sd else 0.0
    return Spread(clock, len(ratios), sd, within, neighbours, centre)


def slim(pair: Pair) -> Pair:
    """The pair without its single inferences, and with as many digits as a clock tells."""
    return replace(
        pair,
        log_ratios={clock: round(ratio, 7) for clock, ratio in pair.log_ratios.items()},
        errors={clock: round(error, 7) for clock, error in pair.errors.items()},
        seconds=round(pair.seconds, 3),
        old_laps=(),
        new_laps=(),
    )
