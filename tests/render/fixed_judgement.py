"""The fixed run, judged: every outcome, every answer, a control. Numbers are made up, by formula."""

from __future__ import annotations

import math
from dataclasses import replace

from fixed_run import HOSTILE, HOSTILE_NAME, PLANNED, RUN

from harness.cells import Cell
from harness.comparisons import (
    Answer,
    Basis,
    Clock,
    Difference,
    Duel,
    Judged,
    Judgement,
    Outcome,
    Pair,
    Side,
    Verdict,
)

AGAINST = "origin/main at 1a2b3c4"
LATENCY = "latency_seconds"
LIBRARY = Difference("onnxruntime", "1.30.0", "1.31.1")


def pairs(
    change: float, *, first: int, second: int = 0, wobble: float = 0.012, seconds: float = 0.04
) -> tuple[Pair, ...]:
    """Pairs around a change, in two stages, with a steady wobble and one trial before them."""
    made, seconds = [], 0.04
    for number, stage in enumerate((0, *[1] * first, *[2] * second)):
        ratio = math.log1p(change) + wobble * (math.sin(1.3 * number) + math.cos(0.37 * number)) / 1.4
        made.append(
            Pair(
                stage=stage,
                log_ratios={Clock.WALL: ratio + 0.004, Clock.CORRECTED: ratio},
                old=Side({Clock.WALL: seconds, Clock.CORRECTED: seconds * 0.98}, inferences=60),
                new=Side({Clock.WALL: seconds * math.exp(ratio), Clock.CORRECTED: seconds}, inferences=60),
                quads=15,
                seconds=3.1,
                errors={Clock.WALL: 0.006, Clock.CORRECTED: 0.004},
                is_rebuilt=stage == 2,
            )
        )
    return tuple(made)


def live(cell: Cell, outcome: Outcome, text: str, old: float, change: float, half: float, **more: object) -> Verdict:
    """A verdict on a latency, with an interval of this half width."""
    values: dict[str, object] = {
        "old": old,
        "new": old * (1 + change),
        "ratio": 1 + change,
        "low": 1 + change - half,
        "high": 1 + change + half,
        "margin": 0.03,
        "could_see": half * 1.1,
        "pairs": 9,
        "clock": Clock.CORRECTED,
    }
    return Verdict(cell, LATENCY, outcome, text, AGAINST, **(values | more))  # type: ignore[arg-type]


def counted(cell: Cell, metric: str, outcome: Outcome, old: float, new: float, **more: object) -> Verdict:
    """A verdict on a number that is the same every time."""
    text = more.pop("text", "the same, counted" if old == new else "within the margin, counted")
    values: dict[str, object] = {"basis": Basis.EXACT, "old": old, "new": new, "ratio": new / old, "margin": 0.0}
    return Verdict(cell, metric, outcome, str(text), AGAINST, **(values | more))  # type: ignore[arg-type]


FP32, FP16, DYNAMIC, STATIC, INT4, TURN, TURN_STATIC, VAD, VAD16, CUDA, CUDA16 = PLANNED
GONE = Cell("marian-de", "fp32", "cpu")

SETTLE = "pytest suites/ --model smart-turn-v3 --precision int8-static --device cpu --against 1a2b3c4"

VERDICTS = (
    live(FP32, Outcome.UNCHANGED, "shown to be within the margin", 0.0411, 0.004, 0.0132),
    counted(FP32, "artifact_bytes", Outcome.UNCHANGED, 63_200_000, 63_200_000),
    counted(FP32, "peak_bytes", Outcome.UNCHANGED, 316_200_000, 317_100_000, margin=0.0133, pairs=9),
    Verdict(FP16, None, Outcome.UNSUPPORTED, "NO_KERNEL on both sides", AGAINST),
    live(DYNAMIC, Outcome.INCONCLUSIVE, "neither was shown: the time was spent; about 40 s more would decide, by the"
         " time without waiting for a core", 0.0528, 0.021, 0.0614, pairs=25),
    Verdict(DYNAMIC, "latency_p99_seconds", Outcome.INCONCLUSIVE, "not judged: 48 inferences a side, 662 are needed",
            AGAINST, margin=0.15),
    counted(DYNAMIC, "artifact_bytes", Outcome.REGRESSED, 18_700_000, 18_700_312, text="worse, counted", is_fatal=True),
    live(STATIC, Outcome.IMPROVED, "faster, confirmed in fresh processes", 0.0301, -0.0872, 0.0111, pairs=8),
    counted(STATIC, "artifact_bytes", Outcome.UNCHANGED, 19_300_000, 19_300_000),
    Verdict(INT4, None, Outcome.FAILED, "failed in convert: the process was killed by signal 9", AGAINST,
            is_fatal=True),
    live(TURN, Outcome.REGRESSED, "slower, confirmed in fresh processes, by the wall clock", 0.00801, 1.31, 0.0291,
         accepted="the new front end is needed; until 2026-12-01", pairs=8, clock=Clock.WALL),
    live(TURN_STATIC, Outcome.REGRESSED, "slower, confirmed in fresh processes, by the wall clock", 0.00613, 0.1244,
         0.0436, is_fatal=True, cause="waiting for a core", differences=(LIBRARY,), pairs=13,
         clock=Clock.WALL),
    Verdict(TURN_STATIC, "open_seconds", Outcome.SUSPECT, "slower, but no more than sessions differ", "baselines/",
            Basis.STORED, 0.312, 0.371, 1.189, 0.942, 1.5, 0.15, 0.27, settle=SETTLE),
    Verdict(VAD, None, Outcome.NEW, "no baseline yet", "baselines/", settle="quantgate accept --new"),
    Verdict(VAD16, None, Outcome.NEW, "no baseline yet", "baselines/", settle="quantgate accept --new"),
    Verdict(CUDA, LATENCY, Outcome.NOT_COMPARABLE, "another machine class: gpu_name differs", "baselines/",
            Basis.STORED),
    Verdict(GONE, None, Outcome.MISSING, "there is a baseline, and the cell is not declared any more", "baselines/",
            Basis.STORED, is_fatal=True, settle="git rm baselines/marian-de"),
)  # fmt: skip

CONTROL = live(FP32, Outcome.UNCHANGED, "shown to be within the margin", 0.0411, 0.001, 0.0094)

JUDGEMENT = Judgement(
    against=AGAINST,
    profile="gate",
    verdicts=VERDICTS,
    controls=(CONTROL,),
    judged=(
        Judged("claim", "int8-static is ≥ 1.16 × as fast as fp32", STATIC, Answer.HOLDS, "1.37 × [1.34, 1.40]",
               source="model card"),
        Judged("claim", "int8-dynamic is ≥ 1.16 × as fast as fp32", DYNAMIC, Answer.FAILS, "0.78 × [0.76, 0.80]",
               is_fatal=True),
        Judged("claim", "fp16 needs ≤ 0.55 × the memory", FP16, Answer.CANNOT_TELL, "fp16 was not measured"),
        Judged("budget", "total ≤ 150 ms", FP32, Answer.MET, "41.1 ms, 109 ms to spare"),
        Judged("budget", "total ≤ 5 ms", TURN, Answer.MISSED, "18.5 ms, 13.5 ms too much"),
    ),
    problems=("baselines/cpu-a1/silero-vad/fp32.json: truncated at line 12; restore it from git",),
    accepted=("smart-turn-v3/fp32/cpu latency: the new front end is needed; expires 2026-12-01",
              "piper-joe/fp32/cpu peak memory: expired 2026-10-01, and not in force"),
    error_rate=0.01,
    comparisons=42,
    stage_rate=0.0099995,
)  # fmt: skip

DUELS = (
    Duel(FP32, AGAINST, Clock.CORRECTED, pairs(0.004, first=9)),
    Duel(DYNAMIC, AGAINST, Clock.CORRECTED, pairs(0.021, first=25, wobble=0.06), is_spent=True),
    Duel(STATIC, AGAINST, Clock.CORRECTED, pairs(-0.0872, first=4, second=4)),
    Duel(INT4, AGAINST, problem="the new side failed in convert", outcome=Outcome.FAILED),
    Duel(TURN, AGAINST, Clock.CORRECTED, pairs(1.31, first=4, second=4)),
    Duel(TURN_STATIC, AGAINST, Clock.CORRECTED, pairs(0.1204, first=6, second=6, wobble=0.03), (LIBRARY,)),
    Duel(FP32, AGAINST, Clock.CORRECTED, pairs(0.001, first=6), is_control=True),
)

JUDGED = replace(
    RUN, judgement=JUDGEMENT, duels=DUELS, complete=True, compares=True, finished="2026-11-21T03:02:41.907+00:00"
)

_EVIL = HOSTILE.planned[0]
_WORDS = "</td></table><script>alert(2)</script>\x1b[31m\u202e{{ 7*7 }} " + "w" * 5000
HOSTILE_JUDGED = replace(
    HOSTILE,
    judgement=Judgement(
        against=_WORDS,
        profile="<i>",
        verdicts=(
            replace(VERDICTS[0], cell=_EVIL, text=_WORDS, against=_WORDS, cause=_WORDS, settle=_WORDS, accepted=_WORDS),
            Verdict(_EVIL, HOSTILE_NAME, Outcome.FAILED, _WORDS, _WORDS, old=math.nan, new=math.inf, ratio=math.nan,
                    low=-math.inf, high=math.inf, margin=math.nan, could_see=math.nan, is_fatal=True,
                    differences=(Difference(_WORDS, "\x00", "\x1b]0;title\x07"),)),
            Verdict(Cell(HOSTILE_NAME, "undeclared", "cpu"), None, Outcome.NEW, _WORDS, _WORDS),
        ),
        controls=(replace(CONTROL, cell=_EVIL, outcome=Outcome.REGRESSED),),
        judged=(Judged(_WORDS, _WORDS, _EVIL, Answer.CANNOT_TELL, _WORDS, _WORDS),),
        problems=(_WORDS,),
        accepted=(_WORDS,),
        error_rate=math.nan,
    ),
    duels=(Duel(_EVIL, _WORDS, pairs=pairs(0.5, first=4, wobble=4.0), problem=_WORDS),),
)  # fmt: skip
