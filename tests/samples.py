"""Fixed records and models for reuse: the smallest that make sense. Change one with `dataclasses.replace`."""

from __future__ import annotations

from typing import Any

from harness.cells import Cell, Reason
from harness.models import Coverage, Example, FileReference, Model, Workload
from harness.results import Environment, Failure, Measurement, Phase, Reading, Run, Sample, Status
from harness.scores import Examples
from harness.worker import protocol

CELL = Cell("tone", "fp32", "cpu")
OTHER = Cell("tone", "int8-dynamic", "cpu")
THIRD = Cell("tone", "fp16", "cpu")

MEASURED = Measurement(
    CELL,
    Status.MEASURED,
    readings=(Reading("latency_p50_seconds", 0.25), Reading("energy_joules_per_inference", unavailable="no counter")),
    sample=Sample(("a", "b"), (0.2, 0.3)),
    seconds_spent=4.0,
)
UNSUPPORTED = Measurement(OTHER, Status.UNSUPPORTED, reason=Reason.NO_KERNEL, text="no kernel for it")
FAILED = Measurement(THIRD, Status.FAILED, failure=Failure(Phase.OPEN, "it broke", "last words"))

RUN = Run(
    id="2030-01-01",
    started="2030-01-01T00:00:00.000+00:00",
    environment=Environment({"cpu": "one"}, {"python": "3.11"}, {"commit": None}),
    options={"threads": 1, "size": None},
    planned=(CELL, OTHER, THIRD),
    measurements=(MEASURED, UNSUPPORTED, FAILED),
    complete=True,
    finished="2030-01-01T00:01:00.000+00:00",
)


def model(name: str = "tone", **more: Any) -> Model:
    """A declaration whose functions are never called."""

    def never(_setting: object) -> Any:
        raise AssertionError("a declaration is not run here")

    plain: dict[str, Any] = {
        "family": name,
        "task": "hum",
        "runtime": "onnx",
        "precisions": ("fp32",),
        "licence": "none",
        "weights": "none",
        "reference": never,
        "workload": never,
    }
    return Model(name=name, **{**plain, **more})


def workload(*examples: Example) -> Workload:
    return Workload("hums", 1, examples, "content")


def reference(path: Any) -> FileReference:
    return FileReference(path, "onnx", "made for a test")


def opened(**more: Any) -> protocol.Opened:
    """A model was opened: load peak 100 MB over 40 MB, first inference 120 MB."""
    plain: dict[str, Any] = {
        "artifact": protocol.Artifacts(
            reference_digest="r" * 64,
            digest="d" * 64,
            format="onnx",
            weights="some weights",
            provenance="recipe fp32 v1",
            size_bytes=4_000,
            coverage=Coverage(750, 1_000, 3, 4, ("left",)),
            conversion_seconds=1.5,
            calibration_digest=None,
        ),
        "workload": "hums",
        "workload_digest": "w" * 64,
        "examples": 2,
        "import_seconds": 0.2,
        "open_seconds": 0.3,
        "first_inference_seconds": 0.4,
        "load_peak": protocol.Peak(40_000_000, 100_000_000),
        "first_peak": protocol.Peak(90_000_000, 120_000_000, note="first"),
        "placement": {"device": "cpu", "by_provider": {"CPU": 3}, "astray": []},
        "parameter_count": 250,
        "count_by_dtype": {"float32": 250},
        "versions": {"engine": "1.0"},
        "first_inference_clock_ns": 1,
    }
    return protocol.Opened(**{**plain, **more})


def checked(**more: Any) -> protocol.Checked:
    """Two examples without audio, one chunk each."""
    plain: dict[str, Any] = {
        "first_pass_seconds": (0.2, 0.3),
        "audio_seconds": (None, None),
        "first_audible_seconds": (None, None),
        "chunks": (1, 1),
    }
    return protocol.Checked(**{**plain, **more})


def block(*wall_seconds: float, **more: Any) -> protocol.Block:
    """Passes over two examples, `a` and `b`."""
    walls = wall_seconds or (0.2, 0.3)
    plain: dict[str, Any] = {
        "example_ids": tuple("ab"[index % 2] for index in range(len(walls))),
        "wall_seconds": walls,
        "passes": len(walls) // 2,
        "corrected_seconds": None,
        "corrected_unavailable": "the clock does not say",
        "device_seconds": None,
        "pass_seconds": tuple(sum(walls[index : index + 2]) for index in range(0, len(walls), 2)),
        "chunk_gaps": (),
        "first_audible_seconds": (),
    }
    return protocol.Block(**{**plain, **more})


def answered(**more: Any) -> protocol.Answered:
    """What came out of `a` and `b` is kept; the model has no exam."""
    plain: dict[str, Any] = {
        "outputs_digest": "o" * 64,
        "exam_outputs_digest": "",
        "was_steady": True,
        "timed": Examples("hums", "w" * 64, ("a", "b")),
        "exam": None,
        "seconds": 0.5,
    }
    return protocol.Answered(**{**plain, **more})


def closed(**more: Any) -> protocol.Closed:
    """Steady peak 150 MB over 110 MB; no energy, no device memory."""
    plain: dict[str, Any] = {
        "steady_peak": protocol.Peak(110_000_000, 150_000_000),
        "joules": None,
        "joules_unavailable": "no counter here",
        "device_peak_bytes": None,
        "device_reserved_bytes": None,
        "device_unavailable": "the cpu has no memory of its own",
        "device_process_bytes": None,
        "device_process_unavailable": "no driver counts it",
    }
    return protocol.Closed(**{**plain, **more})
