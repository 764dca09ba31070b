"""Makes the record of one pair out of what two processes of pytest told: a ratio of turns beside each other. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from harness.benchmarks.turns import Report, Turn
from harness.comparisons import Clock, Difference, Pair, Side
from harness.conduct.pairing import Measured
from harness.stats.sequential import FEWEST_QUADS, trimmed_error, trimmed_log_ratio

_READ: dict[Clock, Callable[[Turn], float]] = {
    Clock.WALL: lambda turn: turn.wall,
    Clock.CORRECTED: lambda turn: turn.corrected,
    Clock.CPU: lambda turn: turn.computed,
}


def made(old: Report, new: Report, *, stage: int, seconds: float, is_alone: bool) -> Measured:
    """The pair that two sides' rounds make. Only the time of a thread that works alone can be freed of its waiting.

    A turn's time is the mean of its rounds. Turns that stood beside each other make a ratio; of the ratios the trimmed
    mean is the pair's: a turn that was disturbed is left out, and what is slow every so many rounds is not.
    """
    clocks = (Clock.WALL, Clock.CORRECTED, Clock.CPU) if is_alone else (Clock.WALL,)
    beside = _beside(old.turns, new.turns)
    times = {clock: [(_mean(a, clock, old), _mean(b, clock, new)) for a, b in beside] for clock in clocks}
    # A turn that waited all of its time for a core has none left of its own: it tells nothing by that clock.
    timed = {clock: [(a, b) for a, b in found if a > 0 and b > 0] for clock, found in times.items()}
    told = {clock: found for clock, found in timed.items() if found}
    ratios = {clock: [math.log(b / a) for a, b in found] for clock, found in told.items()}
    sides = [
        Side(
            seconds={str(clock): math.fsum(one[at] for one in found) / len(found) for clock, found in told.items()},
            inferences=report.rounds * report.iterations,
        )
        for at, report in enumerate((old, new))
    ]
    pair = Pair(
        stage=stage,
        log_ratios={clock: _middle(found) for clock, found in ratios.items()},
        errors={clock: trimmed_error(found) for clock, found in ratios.items() if len(found) >= FEWEST_QUADS},
        old=sides[0],
        new=sides[1],
        quads=len(beside),
        seconds=seconds,
    )
    clock = Clock.CORRECTED if Clock.CORRECTED in ratios else Clock.WALL
    return Measured(pair, clock, differences_between(old, new))


def differences_between(old: Report, new: Report) -> tuple[Difference, ...]:
    """By what the two processes differ besides the code."""
    keys = dict.fromkeys((*old.versions, *new.versions))
    sides = [(key, old.versions.get(key, "absent"), new.versions.get(key, "absent")) for key in keys]
    return tuple(Difference(key, before, now) for key, before, now in sides if before != now)


def _beside(old: Sequence[Turn], new: Sequence[Turn]) -> list[tuple[Turn, Turn]]:
    """Turns that stood beside each other; where the sides timed in different ones, all of a side is one turn."""
    there = {turn.number: turn for turn in new}
    found = [(turn, there[turn.number]) for turn in old if turn.number in there]
    return found or [(_whole(old), _whole(new))]


def _whole(turns: Sequence[Turn]) -> Turn:
    return Turn(
        0,
        sum(turn.rounds for turn in turns),
        math.fsum(turn.wall for turn in turns),
        math.fsum(turn.corrected for turn in turns),
        math.fsum(turn.computed for turn in turns),
    )


def _mean(turn: Turn, clock: Clock, report: Report) -> float:
    return _READ[clock](turn) / (turn.rounds * report.iterations)


def _middle(ratios: Sequence[float]) -> float:
    return trimmed_log_ratio(ratios) if len(ratios) >= FEWEST_QUADS else math.fsum(ratios) / len(ratios)
