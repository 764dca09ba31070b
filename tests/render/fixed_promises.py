"""The judged run with promises that have numbers: a range, a floor, a ceiling, losses, and some that have none."""

from __future__ import annotations

from dataclasses import replace

from fixed_judgement import DYNAMIC, FP16, FP32, JUDGED, JUDGEMENT, STATIC, TURN, TURN_STATIC

from harness.comparisons import Answer, Judged

RANGE = Judged(
    "claim", "int8-static is 1.2 to 1.5 × as fast as fp32", STATIC, Answer.HOLDS,
    "speed 1.37 × fp32 [1.34, 1.4], claimed 1.2 to 1.5", source="model card, table 3",
    value=1.37, low=1.34, high=1.40, target=1.2, best=1.5, over="fp32", claimed="1.2 to 1.5", is_floor=True,
)  # fmt: skip
SLOWER = Judged(
    "claim", "int8-dynamic is ≥ 1.16 × as fast as fp32", DYNAMIC, Answer.FAILS,
    "speed 0.78 × fp32 [0.76, 0.8], claimed at least 1.16", is_fatal=True,
    value=0.78, low=0.76, high=0.80, target=1.16, over="fp32", claimed="at least 1.16", is_floor=True,
)  # fmt: skip
SMALL = Judged(
    "claim", "a quarter of the size", DYNAMIC, Answer.HOLDS, "size 0.296 × fp32, counted, claimed at most 0.3",
    value=0.296, low=0.296, high=0.296, target=0.3, over="fp32", claimed="at most 0.3", is_floor=False,
)  # fmt: skip
ROUGH = Judged(
    "claim", "twice as fast", TURN_STATIC, Answer.CANNOT_TELL,
    "speed ≈ 1.31 × fp32 [1.05, 1.64], one after the other, claimed at least 1.5; pytest --against precision=fp32"
    " tells it in pairs",
    value=1.31, low=1.05, high=1.64, target=1.5, over="fp32", claimed="at least 1.5", is_rough=True, is_floor=True,
)  # fmt: skip
BYTES = Judged(
    "claim", "it is 19 MB", STATIC, Answer.FAILS, "19.3 MB, counted, claimed at most 19 MB",
    value=19_300_000, low=19_300_000, high=19_300_000, target=19_000_000, claimed="at most 19 MB", is_floor=False,
)  # fmt: skip
UNKNOWN = Judged("claim", "fp16 needs ≤ 0.55 × the memory", FP16, Answer.CANNOT_TELL, "fp16 was not measured",
                 target=0.55, over="fp32", claimed="at most 0.55", is_floor=False)  # fmt: skip
MET = Judged(
    "budget", "total ≤ 150 ms", FP32, Answer.MET, "latency_seconds is 0.0411, at most 0.15: met, 0.109 (73%) to spare",
    metric="latency_seconds", value=0.0411, target=0.15, is_floor=False,
)  # fmt: skip
MISSED = Judged(
    "budget", "total ≤ 5 ms", TURN, Answer.MISSED, "latency_seconds is 0.00801, at most 0.005: missed by 0.00301 (60%)",
    source="the contract", metric="latency_seconds", value=0.00801, target=0.005, is_floor=False,
)  # fmt: skip
LOST = Judged(
    "quality", "turns stay right", TURN_STATIC, Answer.FAILS, "int8-static loses 0.092 (0.051 to 0.133), where 0.02 may"
    " be lost", is_fatal=True, metric="accuracy", value=0.092, low=0.051, high=0.133, target=0.02, over="fp32",
    is_floor=False,
)  # fmt: skip
KEPT = Judged(
    "quality", "half stays right", TURN_STATIC, Answer.HOLDS, "int8-static loses 0.005 (−0.006 to 0.015), where 0.02"
    " may be lost", metric="accuracy", value=0.005, low=-0.006, high=0.015, target=0.02, over="fp32", is_floor=False,
    accepted="known since 2026-10",
)  # fmt: skip

PROMISES = (RANGE, SLOWER, SMALL, ROUGH, BYTES, UNKNOWN, MET, MISSED, LOST, KEPT)
PROMISED = replace(JUDGED, judgement=replace(JUDGEMENT, judged=PROMISES))
