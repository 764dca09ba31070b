"""A run in which something is worth shipping: gains, losses, ties, what is not known. Numbers are made up, by formula.

Who wins is worked out by hand: of 400 turns one flip shows a loss of 0.0025 (at most 0.014), twenty a loss of 0.05.
"""

from __future__ import annotations

from dataclasses import replace

from fixed_judgement import pairs
from fixed_quality import speech
from fixed_run import ENVIRONMENT, failed, measured, unsupported

from harness.cells import Cell, Reason
from harness.comparisons import Clock, Duel
from harness.metrics import Better, Pool
from harness.results import Measurement, Phase, Run
from harness.scores import Examples, Part, Quality, Score

TURNS = Examples("turns v2", "d42f" + "0" * 60, tuple(f"turn-{number:03}" for number in range(400)), ({},) * 400)


def turns(wrong: int, **more: object) -> Quality:
    """Decisions of 400 turns, the first few wrong."""
    terms = tuple((0.0,) if number < wrong else (1.0,) for number in range(400))
    score = Score("accuracy", Part.EXAM, "", Better.HIGHER, Pool.SHARE, 1 - wrong / 400, terms)
    values: dict[str, object] = {"outputs_digest": f"{wrong} wrong", "exam": TURNS, "scores": (score,)}
    return Quality("fp32 on cpu", **(values | more))  # type: ignore[arg-type]


def turn(precision: str, milliseconds: float, megabytes: float, wrong: int) -> Measurement:
    """A cell of the model of turns."""
    cell = Cell("smart-turn-v3", precision, "cpu")
    return measured(cell, milliseconds / 1e3, int(megabytes * 1e6), 0.9, audio=False, quality=turns(wrong))


def voice(precision: str, device: str, milliseconds: float, megabytes: float, distance: float) -> Measurement:
    """A cell of the voice: how far its audio lies from fp32's."""
    cell = Cell("piper-joe", precision, device)
    told = speech(distance, is_same=not distance)
    return measured(cell, milliseconds / 1e3, int(megabytes * 1e6), 0.96, quality=told)


def duel(cell: Cell, times: float) -> Duel:
    """Nine pairs beside fp32 in which it is so many times as fast."""
    made = tuple(replace(pair, new=replace(pair.new, values={})) for pair in pairs(1 / times - 1, first=9))
    return Duel(cell, "fp32", Clock.CORRECTED, made)


MEASURED = (
    turn("fp32", 8.0, 132.4, 7),
    turn("fp16", 6.15, 66.3, 7),
    turn("int8-static", 4.2, 38.7, 8),
    turn("int8-dynamic", 3.3, 39.4, 27),
    turn("int8-weight-only", 9.8, 40.1, 7),
    failed(Cell("smart-turn-v3", "int4-weight-only", "cpu"), Phase.CONVERT, "the converter ran out of memory"),
    voice("fp32", "cpu", 41.2, 63.2, 0.0),
    voice("bf16", "cpu", 41.0, 31.8, 0.004),
    voice("int8-dynamic", "cpu", 30.1, 18.7, 1.4),
    unsupported(Cell("piper-joe", "fp16", "cpu"), Reason.NO_KERNEL, "ConvTranspose(float16) has no kernel"),
    unsupported(Cell("piper-joe", "fp32", "cuda"), Reason.NO_DEVICE, "there is no CUDA device here"),
    voice("int8-dynamic", "cuda", 9.1, 18.7, 0.0),
    measured(Cell("silero-vad", "fp32", "cpu"), 0.0004, 2_300_000, 1.0, audio=False),
    measured(Cell("silero-vad", "fp16", "cpu"), 0.0002, 1_200_000, 1.0, audio=False),
)
_TIMES = {
    ("smart-turn-v3", "fp16"): 1.3,
    ("smart-turn-v3", "int8-static"): 1.9,
    ("smart-turn-v3", "int8-dynamic"): 2.4,
    ("smart-turn-v3", "int8-weight-only"): 0.82,
    ("piper-joe", "bf16"): 1.0,
    ("piper-joe", "int8-dynamic"): 1.37,
}
PICK_RUN = Run(
    id="2026-11-21T05-20-00",
    started="2026-11-21T05:20:00+00:00",
    finished="2026-11-21T05:35:00+00:00",
    environment=ENVIRONMENT,
    options={"device": "cpu,cuda"},
    planned=tuple(one.cell for one in MEASURED),
    measurements=MEASURED,
    complete=True,
    duels=tuple(
        duel(one.cell, _TIMES[one.cell.model, one.cell.precision])
        for one in MEASURED
        if one.cell.device == "cpu" and (one.cell.model, one.cell.precision) in _TIMES
    ),
)
