"""Duels in a run's journal: how each pair is written down as it is measured, and how they are read again."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

import msgspec

from harness.cells import Cell
from harness.comparisons import Duel, Pair
from harness.results import Event

DUEL, PAIR, TRIAL = "duel", "pair", "trial"


class Writer(Protocol):
    """Whoever appends events."""

    def write(self, kind: str, cell: Cell | None = None, **body: Any) -> None:
        """Append one event."""


class DuelKeeper:
    """Writes duels down, so that a pair once measured survives whatever happens."""

    def __init__(self, journal: Writer) -> None:
        self._journal = journal

    def began(self, duel: Duel) -> None:
        """What is known of the duel beside its pairs."""
        self._journal.write(DUEL, duel.cell, duel=replace(duel, pairs=()))

    def pair(self, duel: Duel, pair: Pair) -> None:
        """One pair more."""
        self._journal.write(PAIR, duel.cell, is_control=duel.is_control, pair=pair)

    def trial(self, duel: Duel) -> None:
        """The pairs so far are not judged."""
        self._journal.write(TRIAL, duel.cell, is_control=duel.is_control)


def duels_of(events: Iterable[Event]) -> tuple[Duel, ...]:
    """Every duel with its pairs, in the order begun. An event that cannot be read is passed over."""
    found: dict[tuple[Cell, bool], Duel] = {}
    for event in events:
        if event.cell is None or event.kind not in (DUEL, PAIR, TRIAL):
            continue
        with suppress(KeyError, ValueError, msgspec.DecodeError):
            if event.kind == DUEL:
                duel = msgspec.convert(event.body["duel"], Duel)
                before = found.get((duel.cell, duel.is_control))
                found[duel.cell, duel.is_control] = replace(duel, pairs=before.pairs if before else ())
                continue
            key = (event.cell, bool(event.body["is_control"]))
            duel = found[key]
            if event.kind == PAIR:
                pairs = (*duel.pairs, msgspec.convert(event.body["pair"], Pair))
            else:
                pairs = tuple(replace(pair, stage=0) for pair in duel.pairs)
            found[key] = replace(duel, pairs=pairs)
    return tuple(found.values())


def without_laps(duel: Duel) -> Duel:
    """The duel as a record keeps it: single inferences stay in the journal."""
    return replace(duel, pairs=tuple(replace(pair, old_laps=(), new_laps=()) for pair in duel.pairs))
