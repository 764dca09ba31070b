"""Runs made up for baselines: every number is chosen here, so that what is expected can be worked by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.cells import Cell, Reason
from harness.comparisons import Judged, Judgement, Verdict
from harness.metrics import Better, Pool
from harness.results import (
    Environment,
    Failure,
    Measurement,
    Phase,
    Provenance,
    Reading,
    Run,
    Sample,
    Status,
    WarmUp,
)
from harness.scores import Examples, Part, Quality, Score

CELL = Cell("tone", "fp32", "cpu")
OTHER = Cell("tone", "int8-dynamic", "cpu")

IDENTITY = {"cpu_model": "Abacus (family 1)", "usable_cores": 2, "threads": 1, "os": "Linux", "gpu_name": None}

PROVENANCE = Provenance(
    model="tone",
    size="tiny",
    weights="made up",
    reference_digest="r" * 64,
    artifact_digest="a" * 64,
    artifact_format="onnx",
    artifact_provenance="converted",
    workload="hums",
    workload_digest="w" * 64,
    examples=1,
    calibration_digest=None,
    converted_bytes=800,
    weight_bytes=1000,
    converted_count=8,
    weight_count=10,
)

VALUES = {
    "latency_seconds": 0.010,
    "import_seconds": 0.5,
    "open_seconds": 0.2,
    "first_inference_seconds": 0.02,
    "peak_bytes": 200_000_000.0,
    "artifact_bytes": 1_234_567.0,
    "parameters_count": 1000.0,
    "weights_covered_fraction": 0.8,
}


def measured(
    cell: Cell = CELL,
    *,
    seconds: tuple[float, ...] = (0.010, 0.010, 0.010, 0.010),
    corrected: tuple[float, ...] | None = None,
    steady: bool = True,
    provenance: dict[str, Any] | None = None,
    quality: Quality | None = None,
    **values: float | None,
) -> Measurement:
    """A measured cell of one example, so that every inference is a pass; a value of None is unavailable."""
    readings = {**VALUES, **values}
    return Measurement(
        cell,
        Status.MEASURED,
        readings=tuple(
            Reading(name, unavailable="no gauge here") if value is None else Reading(name, value)
            for name, value in readings.items()
        ),
        sample=Sample(("a",) * len(seconds), seconds, corrected_seconds=corrected, passes=len(seconds)),
        warm_up=WarmUp(10, 0.1, steady),
        provenance=replace(PROVENANCE, **(provenance or {})),
        quality=quality,
    )


def scored(
    right: tuple[int, ...] = (1,) * 19 + (0,), *, agrees: tuple[int, ...] | None = None, digest: str = "o", **more: Any
) -> Quality:
    """The quality of decisions on an exam: which were right (of 20, 19), and which were those of fp32 (all)."""
    ids = tuple(f"e{number}" for number in range(len(right)))
    agrees = (1,) * len(right) if agrees is None else agrees

    def share(metric: str, of: tuple[int, ...]) -> Score:
        terms = tuple((float(one),) for one in of)
        return Score(metric, Part.EXAM, "", Better.HIGHER, Pool.SHARE, sum(of) / len(of), terms)

    plain: dict[str, Any] = {
        "reference": "fp32 on cpu",
        "reference_digest": "f" * 64,
        "outputs_digest": digest * 64,
        "timed": Examples("hums", "w" * 64, ("a",)),
        "exam": Examples("turns", "x" * 64, ids),
        "scores": (share("accuracy", right), share("decision_agreement", agrees)),
        "decisions": len(right),
        "flipped": tuple(name for name, one in zip(ids, agrees, strict=True) if not one),
        "seconds": 3.0,
    }
    return Quality(**{**plain, **more})


FAILED = Measurement(CELL, Status.FAILED, failure=Failure(Phase.TIMING, "it broke"))
UNSUPPORTED = Measurement(CELL, Status.UNSUPPORTED, reason=Reason.NO_KERNEL, text="no kernel for it")


def run(
    *measurements: Measurement,
    id: str = "run-1",  # noqa: A002 - the word of the record
    day: int = 1,
    planned: tuple[Cell, ...] | None = None,
    identity: dict[str, Any] | None = None,
    libraries: dict[str, Any] | None = None,
    commit: str | None = "c0ffee" * 6,
    dirty: bool = False,
    options: dict[str, Any] | None = None,
    judgement: Judgement | None = None,
) -> Run:
    """A complete run that began on a day of January 2030."""
    return Run(
        id=id,
        started=f"2030-01-{day:02d}T00:00:00.000+00:00",
        environment=Environment(
            {**IDENTITY, **(identity or {})},
            {"python": "3.11", "onnxruntime": "1.30", **(libraries or {})},
            {"git_commit": commit, "git_dirty": dirty},
        ),
        options={"single_core": False, "low_memory": False, "engine": None, **(options or {})},
        planned=tuple(one.cell for one in measurements) if planned is None else planned,
        measurements=measurements,
        complete=True,
        judgement=judgement,
    )


def judged(
    *verdicts: Verdict,
    controls: tuple[Verdict, ...] = (),
    bounds: tuple[Judged, ...] = (),
    measurement: Measurement | None = None,
) -> Run:
    """A run of one cell with these verdicts and judged bounds."""
    judgement = Judgement("origin/main", "gate", verdicts, controls=controls, judged=bounds)
    return run(measured() if measurement is None else measurement, judgement=judgement)
