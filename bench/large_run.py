"""A judged run as large as is asked for: made by formula from a seed, with something of all that real runs have.

Owns no measurement: the numbers are invented, and look like those of the shipped models. Imports no runtime.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from harness.cells import PRECISIONS, Cell, Reason
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
    Pair,
    Side,
    Verdict,
)
from harness.metrics import Better, Pool
from harness.results import (
    Condition,
    Environment,
    Failure,
    Measurement,
    Phase,
    PlacementProof,
    Provenance,
    Reading,
    Run,
    Sample,
    Status,
    WarmUp,
)
from harness.scores import Examples, Part, Quality, Score

DEVICES = ("cpu", "cuda")
KINDS = (
    *("piper-voice", "smart-turn", "silero-vad", "chatterbox", "xtts", "translator", "speaker-encoder", "denoiser"),
    *("whisper-small", "minilm"),
)
AGAINST = "baselines/ of main at 3f9c2d1"
LIBRARY = Difference("onnxruntime", "1.30.0", "1.31.1")
_CELLS_A_MODEL = len(PRECISIONS[:6]) * len(DEVICES)
_SPEED = {"fp32": 1.0, "fp16": 0.7, "bf16": 0.8, "int8-dynamic": 0.6, "int8-static": 0.5, "int8-weight-only": 0.95}
_BYTES = {"fp32": 1.0, "fp16": 0.5, "bf16": 0.5, "int8-dynamic": 0.29, "int8-static": 0.28, "int8-weight-only": 0.3}
_LIVE_SHARE = 1 / 3
_OUTCOMES = (
    (Outcome.UNCHANGED, 0.90),
    (Outcome.INCONCLUSIVE, 0.04),
    (Outcome.IMPROVED, 0.02),
    (Outcome.REGRESSED, 0.012),
    (Outcome.SUSPECT, 0.01),
    (Outcome.NOT_COMPARABLE, 0.01),
    (Outcome.NEW, 0.008),
)
_CHANGE = {Outcome.REGRESSED: 0.12, Outcome.IMPROVED: -0.09, Outcome.SUSPECT: 0.2, Outcome.INCONCLUSIVE: 0.021}


@dataclass(frozen=True, slots=True)
class _Made:
    measurement: Measurement | None
    verdicts: tuple[Verdict, ...]
    duel: Duel | None = None
    origin: Origin | None = None


def large_run(cells: int, seed: int = 0) -> Run:
    """Make a judged run of so many cells."""
    chance = random.Random(seed)
    planned = tuple(_cells(cells))
    made = [_make(cell, chance) for cell in planned]
    first = next(one.duel for one in made if one.duel is not None)
    control = Duel(first.cell, AGAINST, Clock.CORRECTED, _pairs(0.001, 6, 0.04, chance), is_control=True)
    return Run(
        id="2026-11-21T02-55-57",
        started="2026-11-21T02:55:57.120+00:00",
        finished="2026-11-21T06:31:12.400+00:00",
        environment=_ENVIRONMENT,
        options={"device": "cpu,cuda", "threads": 1, "sample_percent": 100.0, "low_memory": False, "engine": None},
        planned=planned,
        measurements=tuple(one.measurement for one in made if one.measurement is not None),
        complete=True,
        compares=True,
        duels=(*(one.duel for one in made if one.duel is not None), control),
        judgement=Judgement(
            against=AGAINST,
            profile="nightly",
            verdicts=tuple(verdict for one in made for verdict in one.verdicts),
            controls=(_timed(first.cell, Outcome.UNCHANGED, 0.04, 0.001, 6),),
            judged=tuple(_judged(planned, chance)),
            accepted=("piper-voice-000/int8-static/cpu latency: the new front end is needed; expires 2026-12-01",),
            error_rate=0.01,
            comparisons=4 * cells,
            stage_rate=0.01 / (8 * cells),
            origins=tuple(one.origin for one in made if one.origin is not None),
        ),
    )


def _cells(count: int) -> Iterator[Cell]:
    models = math.ceil(count / _CELLS_A_MODEL)
    names = [f"{KINDS[number % len(KINDS)]}-{number:03}" for number in range(models)]
    grid = (Cell(name, precision, device) for name in names for device in DEVICES for precision in PRECISIONS[:6])
    for _, cell in zip(range(count), grid, strict=False):
        yield cell


def _make(cell: Cell, chance: random.Random) -> _Made:
    drawn = chance.random()
    if cell.precision == "bf16" or (drawn < 0.06 and cell.precision != "fp32"):
        text = f"ConvTranspose({cell.precision}) has no kernel in the execution provider of {cell.device}"
        found = Measurement(cell, Status.UNSUPPORTED, reason=Reason.NO_KERNEL, text=text, seconds_spent=0.2)
        return _Made(found, (Verdict(cell, None, Outcome.UNSUPPORTED, "NO_KERNEL on both sides", AGAINST),))
    if drawn > 0.993 and cell.precision != "fp32":
        words = "loading 131 initializers\nterminate called after throwing an instance of 'std::bad_alloc'\n"
        text = "the process was killed by signal 9: most likely out of memory; try --low-memory"
        failure = Failure(Phase.CONVERT, text, words)
        found = Measurement(cell, Status.FAILED, failure=failure, seconds_spent=3.1)
        said = f"failed in convert: {text}"
        return _Made(found, (Verdict(cell, None, Outcome.FAILED, said, AGAINST, is_fatal=True),))
    if drawn > 0.99:
        said = "there is a baseline, and the cell was not measured"
        missing = Verdict(cell, None, Outcome.MISSING, said, AGAINST, Basis.STORED, is_fatal=True)
        return _Made(None, (missing,))
    return _compared(cell, chance)


def _compared(cell: Cell, chance: random.Random) -> _Made:
    seconds = 0.04 * _SPEED[cell.precision] * (0.2 if cell.device == "cuda" else 1) * math.exp(chance.gauss(0, 1))
    size = int(6e7 * _BYTES[cell.precision] * math.exp(chance.gauss(0, 0.2)))
    found = _measurement(cell, seconds, size, chance)
    (outcome,) = chance.choices(*zip(*_OUTCOMES, strict=True))
    if outcome is Outcome.NEW:
        settle = "quantgate accept --new"
        return _Made(found, (Verdict(cell, None, outcome, "no baseline yet", AGAINST, settle=settle),))
    if outcome is Outcome.NOT_COMPARABLE:
        text = "another machine class: cpu_model differs"
        return _Made(found, (Verdict(cell, "latency_seconds", outcome, text, AGAINST, Basis.STORED),))
    is_live = outcome is Outcome.REGRESSED or (outcome is not Outcome.SUSPECT and chance.random() < _LIVE_SHARE)
    change = _CHANGE.get(outcome, 0.002) * chance.uniform(0.8, 1.4)
    pairs = _pairs(change, 9 if outcome is Outcome.UNCHANGED else 16, seconds, chance) if is_live else ()
    verdicts = (
        _timed(cell, outcome, seconds, change, len(pairs)),
        _counted(cell, "artifact_bytes", size),
        _counted(cell, "peak_bytes", int(253e6 + size), margin=0.0133),
        _of_quality(cell, found.quality, chance),
    )
    if pairs:
        return _Made(found, verdicts, Duel(cell, AGAINST, Clock.CORRECTED, pairs))
    passes = tuple(
        tuple(seconds / (1 + change) * math.exp(chance.gauss(night, 0.01)) for _ in range(12))
        for night in (chance.gauss(0, 0.01) for _ in range(5))
    )
    return _Made(found, verdicts, None, Origin(cell, "cpu-a1b2", "3f9c2d1", "2026-11-19T02:55:57+00:00", passes))


def _timed(cell: Cell, outcome: Outcome, seconds: float, change: float, pairs: int) -> Verdict:
    """A verdict on a latency: live, of so many pairs, else against stored numbers."""
    half = 0.061 if outcome is Outcome.INCONCLUSIVE else 0.011
    text = {
        Outcome.UNCHANGED: "shown to be within the margin",
        Outcome.INCONCLUSIVE: "neither was shown: the time was spent; about 40 s more would decide",
        Outcome.IMPROVED: "faster, confirmed in fresh processes",
        Outcome.REGRESSED: "slower, confirmed in fresh processes",
        Outcome.SUSPECT: "slower, but no more than sessions differ",
    }[outcome]
    again = f"pytest suites/ --model {cell.model} --precision {cell.precision} --device {cell.device}"
    return Verdict(
        cell, "latency_seconds", outcome, text, AGAINST, Basis.LIVE if pairs else Basis.STORED,
        seconds / (1 + change), seconds, 1 + change, 1 + change - half, 1 + change + half, 0.03, half * 1.1,
        is_fatal=outcome is Outcome.REGRESSED,
        settle=f"{again} --against 3f9c2d1" if outcome is Outcome.SUSPECT else None,
        differences=(LIBRARY,) if outcome is Outcome.REGRESSED else (),
        pairs=pairs,
        clock=Clock.CORRECTED if pairs else None,
    )  # fmt: skip


def _counted(cell: Cell, metric: str, value: float, margin: float = 0.0) -> Verdict:
    return Verdict(
        cell, metric, Outcome.UNCHANGED, "the same, counted", AGAINST, Basis.EXACT, value, value, 1.0, margin=margin
    )


def _of_quality(cell: Cell, quality: Quality | None, chance: random.Random) -> Verdict:
    assert quality is not None
    is_worse = cell.precision == "int8-static" and chance.random() < 0.03
    change, half = (-0.09, 0.04) if is_worse else (0.0, 0.0125)
    value = quality.scores[0].value or 0.0
    return Verdict(
        cell, "accuracy", Outcome.REGRESSED if is_worse else Outcome.UNCHANGED,
        "worse" if is_worse else "shown to be within the margin", AGAINST, Basis.LIVE,
        value - change, value, margin=0.02, could_see=half, is_fatal=is_worse,
        change=change, change_low=change - half, change_high=change + half, examples=60,
    )  # fmt: skip


def _measurement(cell: Cell, seconds: float, size: int, chance: random.Random) -> Measurement:
    wall = tuple(
        seconds * (0.7 + 0.2 * example) * math.exp(chance.gauss(0, 0.02)) for _ in range(16) for example in range(4)
    )
    middle = sorted(wall)[len(wall) // 2]
    on_device = cell.device != "cpu"
    readings = (
        Reading("latency_seconds", middle),
        Reading("latency_p50_seconds", middle),
        Reading("latency_p90_seconds", sorted(wall)[-7]),
        Reading("latency_p99_seconds", unavailable="64 inferences; 662 are needed: raise --cell-seconds"),
        Reading("corrected_p50_seconds", middle * 0.98),
        Reading("throughput_per_second", len(wall) / math.fsum(wall)),
        Reading("audio_seconds", 14.2),
        Reading("real_time_factor", seconds * 4 / 14.2),
        Reading("import_seconds", 0.183),
        Reading("conversion_seconds", 4.2, note="in a process of its own, kept after"),
        Reading("open_seconds", 0.31),
        Reading("first_inference_seconds", seconds * 1.9),
        Reading("peak_bytes", 253e6 + size, note="of which 45 MB were resident before the model was loaded"),
        Reading("peak_load_bytes", 180e6 + size),
        Reading("peak_first_bytes", 240e6 + size),
        Reading("peak_steady_bytes", 253e6 + size),
        Reading("steady_growth_bytes", 0),
        Reading("device_peak_bytes", 1.4 * size)
        if on_device
        else Reading("device_peak_bytes", unavailable="the device is the host itself"),
        Reading("artifact_bytes", size),
        Reading("parameters_count", 15_750_000),
        Reading("weights_covered_fraction", 1.0 if cell.precision == "fp32" else 0.96),
        Reading("energy_joules_per_inference", unavailable="no counter: neither RAPL nor NVML is here"),
    )
    return Measurement(
        cell,
        Status.MEASURED,
        readings=readings,
        sample=Sample(("s1", "s2", "s3", "s4") * 16, wall, tuple(s * 0.98 for s in wall), passes=16),
        warm_up=WarmUp(8, 8 * seconds, True, tuple(seconds * (2.2 if i == 0 else 1 + 0.4 / (i + 1)) for i in range(8))),
        provenance=_provenance(cell),
        placement=PlacementProof(cell.device, {"CUDAExecutionProvider" if on_device else "CPUExecutionProvider": 312}),
        conditions=(
            Condition("before", load_1m=0.4, other_cpu_fraction=0.02, steal_fraction=0.0),
            Condition("during", load_1m=1.1, other_cpu_fraction=chance.random() * 0.3, steal_fraction=0.001),
            Condition("after", load_1m=1.2, other_cpu_fraction=0.03, steal_fraction=0.0),
        ),
        seconds_spent=9.4,
        quality=_quality(cell, chance),
    )


def _provenance(cell: Cell) -> Provenance:
    covered = 0 if cell.precision == "fp32" else 60_000_000
    return Provenance(
        model=cell.model,
        size="full",
        weights=f"{cell.model} 1.0.0",
        reference_digest="4f2a" + "0" * 60,
        artifact_digest="9c1d" + "1" * 60,
        artifact_format="onnx",
        artifact_provenance=f"recipe {cell.precision} v1",
        workload="sentences",
        workload_digest="77aa" + "2" * 60,
        examples=4,
        converted_bytes=covered,
        weight_bytes=63_000_000,
        converted_count=126,
        weight_count=131,
        count_by_dtype={"float32": 750_000, "int8": 15_000_000},
        left_unconverted=("dec.ups.0.weight", "dec.ups.1.weight"),
        modules_converted={"Conv1d": 126},
        modules_left={"ConvTranspose1d": 3, "Embedding": 2},
    )


_EXAM = Examples(
    "turns v1",
    "d41f" + "0" * 60,
    tuple(f"turn-{number:03}" for number in range(60)),
    tuple({"length": "short" if number % 3 else "long"} for number in range(60)),
)


def _quality(cell: Cell, chance: random.Random) -> Quality:
    is_base = cell.precision == "fp32"
    flipped = () if is_base else tuple(sorted(chance.sample(range(60), chance.randrange(4))))
    return Quality(
        "fp32 on cpu",
        outputs_digest=f"{cell} {flipped}",
        is_same=is_base,
        exam=_EXAM,
        scores=(_share("accuracy", (7, *flipped)), _share("decision_agreement", flipped)),
        flipped=tuple(_EXAM.ids[number] for number in flipped),
        decisions=60,
    )


def _share(metric: str, wrong: tuple[int, ...]) -> Score:
    terms = tuple((0.0,) if number in wrong else (1.0,) for number in range(60))
    value = math.fsum(term for (term,) in terms) / 60
    return Score(metric, Part.EXAM, "", Better.HIGHER, Pool.SHARE, value, terms)


def _pairs(change: float, count: int, seconds: float, chance: random.Random) -> tuple[Pair, ...]:
    return tuple(_pair(1 if number <= count // 2 else 2, change, seconds, chance) for number in range(1, count + 1))


def _pair(stage: int, change: float, seconds: float, chance: random.Random) -> Pair:
    ratio = math.log1p(change) + chance.gauss(0, 0.012)
    new = seconds * math.exp(ratio)
    return Pair(
        stage=stage,
        log_ratios={Clock.WALL: ratio + 0.004, Clock.CORRECTED: ratio},
        old=Side({Clock.WALL: seconds, Clock.CORRECTED: seconds * 0.98}, inferences=60),
        new=Side({Clock.WALL: new, Clock.CORRECTED: new * 0.98}, inferences=60),
        quads=15,
        seconds=3.1,
        errors={Clock.WALL: 0.006, Clock.CORRECTED: 0.004},
    )


def _judged(planned: tuple[Cell, ...], chance: random.Random) -> Iterator[Judged]:
    for cell in planned:
        if cell.precision == "int8-static" and chance.random() < 0.3:
            name = "int8-static is ≥ 1.16 × as fast as fp32"
            answer = Answer.HOLDS if chance.random() < 0.9 else Answer.FAILS
            yield Judged("claim", name, cell, answer, "1.37 × [1.34, 1.40]", source="model card")
        elif cell.precision == "fp32":
            yield Judged("budget", "total ≤ 150 ms", cell, Answer.MET, "41.1 ms, 109 ms to spare")


_ENVIRONMENT = Environment(
    identity={
        "cpu_model": "AMD EPYC 7B13",
        "cpu_isa": "avx avx2 f16c fma sse4_2",
        "usable_cores": 2.0,
        "threads": 1,
        "gpu_name": "NVIDIA L4",
        "gpu_memory_bytes": 24_000_000_000,
        "os": "Linux",
        "architecture": "x86_64",
    },
    libraries={"python": "CPython 3.11.2", "torch": "2.13.0+cpu", "onnxruntime": "1.31.1"},
    info={"git_commit": "8d21f7e", "git_dirty": False, "memory_bytes": 8_300_000_000, "kernel": "6.1.0"},
)
