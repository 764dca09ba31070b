"""Makes the record of one pair out of what its two processes told: ratios by each clock, single laps, what differs.

Pure: knows no worker, no clock and no file, and the chance that thins laps is handed in. Refuses two sides that would
not do the same work. What a record shows is asked of `verdict`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from harness.comparisons import Clock, Difference, Pair, Side
from harness.stats.sequential import trimmed_error, trimmed_log_ratio
from harness.worker import protocol

LAPS_KEPT = 1_000


class OtherWork(Exception):
    """The two sides would not do the same work; `differences` say by what."""

    def __init__(self, differences: tuple[Difference, ...]) -> None:
        super().__init__(", ".join(map(str, differences)))
        self.differences = differences


@dataclass(frozen=True, slots=True)
class Told:
    """What the process of one side said of itself besides its laps."""

    opened: protocol.Opened
    closed: protocol.Closed


@dataclass(frozen=True, slots=True)
class Quad:
    """Two blocks of either side around each other, of one example."""

    example: int
    old: tuple[protocol.Laps, ...]
    new: tuple[protocol.Laps, ...]

    def seconds(self, clock: Clock) -> tuple[float, float] | None:
        """The mean of one inference on either side by a clock; None where the clock is silent."""
        old, new = (_mean_seconds(blocks, clock) for blocks in (self.old, self.new))
        return (old, new) if old and new else None


@dataclass(frozen=True, slots=True)
class Measured:
    """A pair, by which clock it decides, and what differs between its sides."""

    pair: Pair
    clock: Clock
    differences: tuple[Difference, ...]


def differences_between(
    old: protocol.Opened, new: protocol.Opened, *, is_other_precision: bool
) -> tuple[Difference, ...]:
    """By what the sides differ besides the code; another workload is refused."""
    if old.workload_digest != new.workload_digest:
        raise OtherWork((Difference("workload", old.workload_digest[:12], new.workload_digest[:12]),))
    sides: list[Mapping[str, object]] = [
        {
            "weights": side.artifact.reference_digest[:12],
            # Another precision is another artifact: that is no news.
            **({"artifact": side.artifact.digest[:12]} if not is_other_precision else {}),
            "calibration": (side.artifact.calibration_digest or "none")[:12],
            **side.versions,
        }
        for side in (old, new)
    ]
    keys = dict.fromkeys((*sides[0], *sides[1]))
    return tuple(
        Difference(key, str(sides[0].get(key, "absent")), str(sides[1].get(key, "absent")))
        for key in keys
        if sides[0].get(key) != sides[1].get(key)
    )


def measured(
    quads: Sequence[Quad],
    old: Told,
    new: Told,
    differences: tuple[Difference, ...],
    chance: random.Random,
    *,
    stage: int,
    seconds: float,
    is_rebuilt: bool,
) -> Measured:
    """Make the record of a pair out of its quads; `seconds` is what it took from its start to its end."""
    by_clock = {clock: [quad.seconds(clock) for quad in quads] for clock in Clock}
    whole = {clock: [one for one in found if one is not None] for clock, found in by_clock.items()}
    silent = [clock for clock, found in whole.items() if len(found) < len(quads)]
    ratios = {
        clock: [math.log(now / before) for before, now in found]
        for clock, found in whole.items()
        if clock not in silent
    }
    decides = next(clock for clock in (Clock.CORRECTED, Clock.DEVICE, Clock.WALL) if clock in ratios)
    sides = [
        Side(
            seconds={clock: math.fsum(one[index] for one in whole[clock]) / len(quads) for clock in ratios},
            values={**_values(told), **_work(quads, index)},
            inferences=sum(len(block.wall_seconds) for quad in quads for block in (quad.old, quad.new)[index]),
        )
        for index, told in enumerate((old, new))
    ]
    pair = Pair(
        stage=stage,
        log_ratios={clock: trimmed_log_ratio(found) for clock, found in ratios.items()},
        errors={clock: trimmed_error(found) for clock, found in ratios.items()},
        old=sides[0],
        new=sides[1],
        quads=len(quads),
        seconds=seconds,
        is_rebuilt=is_rebuilt,
        old_laps=_normalised(quads, decides, 0, chance),
        new_laps=_normalised(quads, decides, 1, chance),
    )
    return Measured(pair, decides, differences)


def _normalised(quads: Sequence[Quad], clock: Clock, side: int, chance: random.Random) -> tuple[float, ...]:
    """Single inferences of one side, each divided by the old side's median for its example.

    Where they are many, some by chance: every so many would miss a slow one that comes every so many.
    """
    olds: dict[int, list[float]] = {}
    for quad in quads:
        for block in quad.old:
            olds.setdefault(quad.example, []).extend(_laps(block, clock) or ())
    usual = {example: median(laps) for example, laps in olds.items()}
    laps = [
        lap / usual[quad.example]
        for quad in quads
        for block in (quad.old, quad.new)[side]
        for lap in (_laps(block, clock) or ())
    ]
    kept = chance.sample(laps, LAPS_KEPT) if len(laps) > LAPS_KEPT else laps
    return tuple(float(f"{lap:.4g}") for lap in kept)


def _mean_seconds(blocks: tuple[protocol.Laps, ...], clock: Clock) -> float | None:
    inferences = sum(len(block.wall_seconds) for block in blocks)
    if clock is Clock.CPU:
        spent = [block.cpu_seconds for block in blocks if block.cpu_seconds is not None]
        return math.fsum(spent) / inferences if len(spent) == len(blocks) else None
    laps = [_laps(block, clock) for block in blocks]
    known = [lap for lap in laps if lap is not None]
    return math.fsum(sum(lap) for lap in known) / inferences if len(known) == len(laps) else None


def _laps(block: protocol.Laps, clock: Clock) -> tuple[float, ...] | None:
    match clock:
        case Clock.CORRECTED:
            return block.corrected_seconds
        case Clock.DEVICE:
            return block.device_seconds
        case _:
            return block.wall_seconds


def _work(quads: Sequence[Quad], side: int) -> dict[str, float]:
    """What one inference of a side made on average: audio, tokens. Where it makes more, it may well take longer."""
    blocks = [block for quad in quads for block in (quad.old, quad.new)[side]]
    made: dict[str, list[float | None]] = {
        "audio_seconds": [block.audio_seconds for block in blocks],
        "tokens_count": [block.tokens for block in blocks],
    }
    return {
        name: math.fsum(one for one in found if one is not None) / len(found)
        for name, found in made.items()
        if all(one is not None for one in found)
    }


def _values(told: Told) -> dict[str, float]:
    """What a process tells besides its laps. Peaks count where it ran to its end; what is unknown is left out."""
    opened, closed = told.opened, told.closed
    peaks = [peak.peak_bytes for peak in (opened.load_peak, opened.first_peak, closed.steady_peak)]
    known = [peak for peak in peaks if peak is not None]
    coverage = opened.artifact.coverage
    return {
        "import_seconds": opened.import_seconds,
        "open_seconds": opened.open_seconds,
        "first_inference_seconds": opened.first_inference_seconds,
        **(
            {
                "artifact_bytes": float(opened.artifact.size_bytes),
                "parameters_count": float(opened.parameter_count),
            }
            if not opened.uncounted
            else {}
        ),
        **({"weights_covered_fraction": coverage.fraction} if coverage.total_bytes else {}),
        **({"peak_bytes": float(max(known))} if len(known) == len(peaks) else {}),
        **({} if closed.device_peak_bytes is None else {"device_peak_bytes": float(closed.device_peak_bytes)}),
    }
