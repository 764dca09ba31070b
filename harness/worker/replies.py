"""What a worker answers: what came of a request, or why nothing did."""

from __future__ import annotations

from typing import Any

import msgspec

from harness.limits import Rates, Work
from harness.models import Coverage
from harness.phases import Phase
from harness.scores import Examples, Quality
from harness.worker.requests import Message


class Artifacts(msgspec.Struct, frozen=True):
    """What the artifact is, as the worker found it."""

    reference_digest: str
    digest: str
    format: str
    weights: str
    provenance: str
    size_bytes: int
    coverage: Coverage
    conversion_seconds: float
    calibration_digest: str | None


class Peak(msgspec.Struct, frozen=True):
    """Resident memory of a phase: at its start and at its highest; or why it is not known."""

    start_bytes: int | None = None
    peak_bytes: int | None = None
    unavailable: str | None = None
    note: str | None = None


class Ready(Message, frozen=True):
    """The process has come up and waits."""


class DeclaredModel(msgspec.Struct, frozen=True):
    """What must be known of a model to make its cells: `module` and `root` say where to import it from.

    `blocked` is why it cannot run there at all, `blocked_reason` its code.
    """

    name: str
    family: str
    size: str
    runtime: str
    precisions: tuple[str, ...]
    module: str
    root: str | None
    blocked_reason: str | None = None
    blocked: str | None = None


class Declared(Message, frozen=True):
    """The models of a source tree, and the versions of what they run on."""

    models: tuple[DeclaredModel, ...]
    versions: dict[str, str]


class Inspected(Message, frozen=True):
    """What was found: a `bring.signature.Signature`, and of each file of inputs its `Given` arrays, as plain values."""

    signature: dict[str, Any]
    given: list[list[dict[str, Any]]]


class Converted(Message, frozen=True):
    """The artifact is in the store."""

    seconds: float


class NeedsConversion(Message, frozen=True):
    """The store has no such artifact: convert in another process, so that its memory does not count."""


class Opened(Message, frozen=True):
    """The model is loaded, is where it should be, and has run once.

    Of a stream, `first_inference_seconds` is the time to its first chunk, `first_whole_seconds` that to its end.
    """

    artifact: Artifacts
    workload: str
    workload_digest: str
    examples: int
    import_seconds: float
    open_seconds: float
    first_inference_seconds: float
    load_peak: Peak
    first_peak: Peak
    placement: dict[str, Any]
    parameter_count: int
    count_by_dtype: dict[str, int]
    versions: dict[str, str | int | float | bool | None]
    first_inference_clock_ns: int
    count_by_part: dict[str, int] = msgspec.field(default_factory=dict)
    uncounted: str = ""
    concurrency: tuple[int, ...] = ()
    first_whole_seconds: float = 0.0


class Checked(Message, frozen=True):
    """Every example ran once and gave finite outputs."""

    first_pass_seconds: tuple[float, ...]
    audio_seconds: tuple[float | None, ...]
    first_audible_seconds: tuple[float | None, ...]
    chunks: tuple[int, ...]
    audio_note: str | None = None
    tokens: int | None = None


class Warm(Message, frozen=True):
    """The warm-up is over."""

    wall_seconds: tuple[float, ...]
    steady: bool
    seconds: float


class Block(Message, frozen=True):
    """Whole passes, timed: one entry an inference (a chunk where the model streams).

    `stage_seconds` are the seconds of each stage of an inference, where a model has stages. `underruns` are the
    silences that a listener hears between the chunks of each stream.
    """

    example_ids: tuple[str, ...]
    wall_seconds: tuple[float, ...]
    passes: int
    corrected_seconds: tuple[float, ...] | None
    corrected_unavailable: str | None
    device_seconds: tuple[float, ...] | None
    pass_seconds: tuple[float, ...]
    chunk_gaps: tuple[float, ...]
    first_audible_seconds: tuple[float, ...]
    stage_seconds: tuple[tuple[float, ...], ...] = ()
    underruns: tuple[tuple[float, ...], ...] = ()
    first_byte_seconds: tuple[float, ...] = ()


class Crowded(Message, frozen=True):
    """What became of requests that came so many at once; the median is of those that were answered."""

    at_once: int
    requests: int
    failed: int
    seconds: float
    median_seconds: float | None = None
    first_error: str = ""
    peak_bytes: int | None = None


class Laps(Message, frozen=True):
    """One block of a duel: one entry an inference.

    `cpu_seconds` is what all threads of the process used in it; None where the work is another process's.
    `audio_seconds` and `tokens` are what one such inference makes, where it makes that.
    """

    wall_seconds: tuple[float, ...]
    corrected_seconds: tuple[float, ...] | None
    device_seconds: tuple[float, ...] | None
    cpu_seconds: float | None
    audio_seconds: float | None = None
    tokens: int | None = None


class Rebuilt(Message, frozen=True):
    """The session is a new one."""

    seconds: float


class Answered(Message, frozen=True):
    """What came out is kept. `was_steady`: the same as before the timing. `exam_problem`: why there is no exam."""

    outputs_digest: str
    exam_outputs_digest: str
    was_steady: bool
    timed: Examples
    exam: Examples | None
    seconds: float
    exam_problem: str = ""


class Scored(Message, frozen=True):
    """What the outputs are worth."""

    quality: Quality


class SelfChecked(Message, frozen=True):
    """By metric: what it did wrong in its self-check, or why it cannot be computed here; nothing where all is well."""

    failed: dict[str, str]
    unavailable: dict[str, str]
    passed: tuple[str, ...]


class Closed(Message, frozen=True):
    """What was counted while timing; before, during and after it, what was allocated on the device at most.

    The peaks (`device_peak_bytes`, `device_reserved_bytes`) are of the loading, too.
    """

    steady_peak: Peak
    joules: float | None
    joules_unavailable: str | None
    device_peak_bytes: int | None
    device_reserved_bytes: int | None
    device_unavailable: str | None
    device_process_bytes: int | None
    device_process_unavailable: str | None
    device_before_bytes: int | None = None
    device_during_bytes: int | None = None
    device_after_bytes: int | None = None


class Counted(Message, frozen=True):
    """What a pass does at least."""

    work: Work


class Rated(Message, frozen=True):
    """What the runtime reaches."""

    rates: Rates


class CheckPassed(Message, frozen=True):
    """The runtime can."""


class CannotRun(Message, frozen=True):
    """The machine or the runtime cannot run this cell."""

    reason: str
    text: str


class Broke(Message, frozen=True):
    """Something went wrong in a phase; `text` is one line that ends with the next step where there is one."""

    phase: Phase
    text: str


class Progress(Message, frozen=True):
    """What the worker is about to do."""

    phase: Phase


Outcome = (
    Ready
    | Declared
    | Inspected
    | Converted
    | NeedsConversion
    | Opened
    | Checked
    | Warm
    | Block
    | Crowded
    | Laps
    | Rebuilt
    | Answered
    | Scored
    | SelfChecked
    | Closed
    | Counted
    | Rated
    | CheckPassed
)
Reply = Outcome | CannotRun | Broke | Progress
