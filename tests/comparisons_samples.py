"""Fixed pairs and duels for reuse: the smallest that make sense. Change one with `dataclasses.replace`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.cells import Cell
from harness.comparisons import Clock, Difference, Duel, Outcome, Pair, Side, Verdict
from harness.metrics import METRICS
from harness.verdict.times import LATENCY
from tests.samples import CELL

AGAINST = "origin/main at 1a2b3c4"
RATE = 0.01
LIBRARY = Difference("onnxruntime", "1.30.0", "1.31.1")

NONE_SEEN = 0.0
SLOWER = 0.05
FASTER = -0.05
UNCLEAR = 0.2
"""A wobble that hides everything at four pairs: the half interval is 8.9 · 0.2 / √3 > 1."""


def own_margin(_cell: Cell, metric: str) -> float:
    """What a metric is judged by where nobody says otherwise: 3 % for the latency."""
    return METRICS[metric].margin


def around(centre: float, wobble: float = 0.001, count: int = 4) -> list[float]:
    """Values at one distance above and below a centre, in turns. Of four, the mean's standard error is wobble / √3."""
    return [centre + (wobble if number % 2 else -wobble) for number in range(count)]


def pair(
    ratio: float = 0.0, stage: int = 1, *, wall: float | None = None, cpu: float | None = None, **more: Any
) -> Pair:
    """A pair by two clocks (three where `cpu` is given); the old side takes 40 ms. Values are alike on both sides."""
    ratios = {Clock.CORRECTED: ratio, Clock.WALL: ratio if wall is None else wall}
    if cpu is not None:
        ratios[Clock.CPU] = cpu
    values = more.pop("values", {})
    plain: dict[str, Any] = {
        "old": Side(dict.fromkeys(ratios, 0.04), values),
        "new": Side({clock: 0.04 * math.exp(log) for clock, log in ratios.items()}, more.pop("new_values", values)),
        "quads": 15,
        "seconds": 3.0,
    }
    return Pair(stage, ratios, **{**plain, **more})


def pairs(first: Sequence[float], second: Sequence[float] = (), **more: Any) -> tuple[Pair, ...]:
    """Pairs of two stages with these log ratios."""
    return (*(pair(one, 1, **more) for one in first), *(pair(one, 2, **more) for one in second))


def duel(first: Sequence[float] = (), second: Sequence[float] = (), **more: Any) -> Duel:
    """A duel that the corrected clock decides, of pairs with these log ratios."""
    plain: dict[str, Any] = {
        "cell": CELL,
        "against": AGAINST,
        "clock": Clock.CORRECTED,
        "pairs": pairs(first, second),
    }
    return Duel(**{**plain, **more})


def swapped(one: Duel) -> Duel:
    """The duel as the other side would tell it."""
    return replace(
        one,
        pairs=tuple(
            replace(
                pair,
                log_ratios={clock: -ratio for clock, ratio in pair.log_ratios.items()},
                old=pair.new,
                new=pair.old,
                old_laps=pair.new_laps,
                new_laps=pair.old_laps,
            )
            for pair in one.pairs
        ),
    )


def slowed(one: Duel, by: float) -> Duel:
    """The duel with the logarithm of every time of the new side raised by so much."""
    return replace(
        one,
        pairs=tuple(
            replace(
                pair,
                log_ratios={clock: ratio + by for clock, ratio in pair.log_ratios.items()},
                new=replace(pair.new, seconds={clock: time * math.exp(by) for clock, time in pair.new.seconds.items()}),
            )
            for pair in one.pairs
        ),
    )


def said(outcome: Outcome, metric: str | None = LATENCY, cell: Cell = CELL, **more: Any) -> Verdict:
    """A verdict with this outcome, and the least of everything else."""
    return Verdict(cell, metric, outcome, "as it was", AGAINST, **more)
