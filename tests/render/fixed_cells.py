"""A run whose cells have every drawing there is: pairs, stored sessions, stages, memory of a device. By formula."""

from __future__ import annotations

import math
from dataclasses import replace

from fixed_judgement import AGAINST, pairs
from fixed_quality import DYNAMIC, FP32, JUDGEMENT, QUALITY_JUDGED, STATIC

from harness.comparisons import Clock, Duel, Origin, Outcome, Pair, Side, Verdict
from harness.metrics import METRICS
from harness.results import Measurement, Reading

STAGES = {"tokenise": 0.0001, "translate": 0.0032, "transfer": 0.0002, "synthesise": 0.0015}


def _processes(count: int, change: float) -> tuple[Pair, ...]:
    """Pairs whose processes differ from pair to pair, the sides of each alike but for the change."""
    made = []
    for number, pair in enumerate(pairs(change, first=count // 2, second=count - count // 2, wobble=0.02)):
        old = 0.005 * (1 + 0.04 * math.sin(2.3 * number))
        new = old * math.exp(pair.log_ratios[Clock.WALL])
        sides = [Side({Clock.WALL: one, Clock.CORRECTED: one}, inferences=60) for one in (old, new)]
        made.append(replace(pair, old=sides[0], new=sides[1]))
    return tuple(made)


def _with_all(one: Measurement) -> Measurement:
    if one.cell != STATIC:
        return one
    device = [Reading("device_before_bytes", 1.1e8), Reading("device_during_bytes", 1.8e8)]
    kept = [reading for reading in one.readings if not reading.metric.startswith("device_")]
    return replace(one, readings=(*kept, *device), stages=STAGES)


def _session(number: int) -> tuple[float, ...]:
    return tuple(0.0101 * (1 + 0.02 * math.sin(1.9 * place + number)) for place in range(9))


_RATIO = {"ratio": 1.12, "low": 1.08, "high": 1.16, "margin": METRICS["latency_seconds"].margin}

EVERY_DRAWING = replace(
    QUALITY_JUDGED,
    measurements=tuple(map(_with_all, QUALITY_JUDGED.measurements)),
    duels=(
        Duel(STATIC, AGAINST, Clock.WALL, _processes(16, 0.12)),
        Duel(FP32, AGAINST, Clock.WALL, _processes(4, 0.0)),
    ),
    judgement=replace(
        JUDGEMENT,
        verdicts=(
            *JUDGEMENT.verdicts,
            Verdict(STATIC, "latency_seconds", Outcome.REGRESSED, "slower", AGAINST, old=0.005, new=0.0056,
                    pairs=16, clock=Clock.WALL, is_fatal=True, **_RATIO),
        ),
        origins=(Origin(DYNAMIC, "class", "abc1234", "2026-11-18T01:00:00+00:00", tuple(map(_session, range(4)))),),
    ),
    compares=True,
)  # fmt: skip
