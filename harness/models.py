"""How a model is declared: without importing a runtime. Its functions run in the worker and import there.

Owns the words between the measured (`suites/models/`) and the ruler: Model, Example, Workload, Reference, Artifact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cells import PRECISIONS
from harness.endpoints import Service

if TYPE_CHECKING:
    import numpy as np

    Arrays = Mapping[str, np.ndarray[Any, Any]]
else:
    Arrays = Mapping

Call = Callable[[Arrays], Arrays]
"""One call of the loaded model: host arrays in, host arrays out."""


@dataclass(frozen=True, slots=True)
class Example:
    """One input of the workload. `load` makes its arrays, so that a workload need not be in memory at once.

    `slices` says what kind it is (`{"length": "short"}`): samples are drawn evenly from every slice.
    `label` is the right answer, where there is one: the class, the words that were to be spoken, the translation.
    `group` names what several examples are one of (draws of one text): they count as one when it is asked how sure.
    `truth` makes the right answer of every frame (0 or 1), where a model decides frame by frame.
    """

    id: str
    load: Callable[[], Arrays]
    slices: Mapping[str, str] = field(default_factory=dict)
    audio_seconds: float | None = None
    label: str | None = None
    truth: Callable[[], Any] | None = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class Workload:
    """Fixed, versioned examples. `content` is the bytes-like identity: what is hashed to tell two workloads apart."""

    name: str
    version: int
    examples: Sequence[Example]
    content: str

    def __post_init__(self) -> None:
        if not self.examples:
            raise ValueError(f"workload {self.name} has no examples")
        names = [example.id for example in self.examples]
        if (
            twice := next((name for name in names if names.count(name) > 1), None)
            if len(set(names)) < len(names)
            else None
        ):
            raise ValueError(f"workload {self.name} has two examples {twice!r}; give each an id of its own")


@dataclass(frozen=True, slots=True)
class Setting:
    """What the options say to a model's functions.

    `made` is a folder kept between runs, for files a model makes out of what its package carries (a twin, a labelled
    set). Name such a file by a digest of all it is made from, and write it atomically.
    """

    made: Path
    checkpoint: Path | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class FileReference:
    """A reference that is a file: `format` is `onnx` or `torchscript`.

    `submodule` is the dotted part of a TorchScript file that is called; the whole where it is empty.
    """

    path: Path
    format: str
    provenance: str
    submodule: str = ""


@dataclass(frozen=True, slots=True)
class ModuleReference:
    """A reference that is a torch module.

    `skeleton()` builds the module without initialising its weights (fast); `fill(module)` puts the weights in.
    `identity` names everything that decides those weights: config, seed, checkpoint digest.
    """

    skeleton: Callable[[], Any]
    fill: Callable[[Any], None]
    identity: tuple[str, ...]
    provenance: str
    format: str = "torch-state"


Reference = FileReference | ModuleReference | Service


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a conversion truly did: bytes of weights it converted, of all weight bytes, counted in the reference.

    `modules_converted` and `modules_left` count the modules that hold them, by class; empty where there are no modules.
    """

    converted_bytes: int
    total_bytes: int
    converted_count: int
    total_count: int
    left: tuple[str, ...] = ()
    modules_converted: Mapping[str, int] = field(default_factory=dict)
    modules_left: Mapping[str, int] = field(default_factory=dict)

    @property
    def fraction(self) -> float:
        """Share of the weight bytes that were converted."""
        return self.converted_bytes / self.total_bytes if self.total_bytes else 0.0


@dataclass(frozen=True, slots=True)
class Artifact:
    """A reference turned into one precision, as a file that its runtime can open.

    `layout` is what the runtime must know to open it again (which modules were replaced, which dtype); JSON only.
    """

    path: Path
    format: str
    precision: str
    digest: str
    size_bytes: int
    coverage: Coverage
    provenance: str
    conversion_seconds: float
    layout: Mapping[str, Any] = field(default_factory=dict)
    skeleton: Callable[[], Any] | None = None
    service: Service | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """An installed distribution that the model cannot do without, and how to get it.

    `is_library` tells a library from a package that merely carries weights or sound.
    """

    distribution: str
    install: str
    is_library: bool = False


@dataclass(frozen=True, slots=True)
class AudioOutput:
    """Which output holds audio, at what rate; makes RTF and time to first audible sample meaningful."""

    output: str
    sample_rate: int


@dataclass(frozen=True, slots=True)
class Decides:
    """The output is how likely the example is positive: one number an example, decided at the threshold."""

    output: str
    threshold: float = 0.5
    positive: str = "positive"
    """The label of a positive example; every other label is negative."""
    is_logit: bool = False


@dataclass(frozen=True, slots=True)
class DecidesFrames:
    """The output is how likely each frame is positive: as many numbers as frames, decided at the threshold."""

    output: str
    threshold: float = 0.5


@dataclass(frozen=True, slots=True)
class GivesLogits:
    """The output holds logits along its last axis: of classes, or of the next token at every position."""

    output: str


@dataclass(frozen=True, slots=True)
class GivesTokens:
    """The output holds token ids. `decode` makes the text that is compared with the example's label."""

    output: str
    decode: Callable[[Any], str] | None = None


@dataclass(frozen=True, slots=True)
class Embeds:
    """The output is an embedding: one vector an example."""

    output: str


Meaning = Decides | DecidesFrames | GivesLogits | GivesTokens | Embeds


def once(call: Call, inputs: Arrays) -> Iterator[Arrays]:
    """Run an example as a single call: what a model does unless it streams."""
    yield call(inputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A declared model.

    `name` is unique and part of every cell, so sizes of one architecture are models of their own.
    `drive` runs one example and yields one set of outputs a chunk; with `streaming` each chunk is timed by itself.
    With `stages` it yields one set of outputs a stage, in their order, each under names of its own: an inference is
    timed as a whole, and each stage of it beside.
    `given` holds precisions that come ready-made instead of by recipe (a model that ships as int8).
    `recipe_settings` are passed to the recipe of that precision (nodes to leave alone, block size).
    `calibration` gives the inputs for static quantization; never the examples that are measured.
    `meanings` say what the outputs are, and with that which metrics of quality apply; `audio` is one too.
    `exam` is a larger set with right answers, which the session that was timed runs once, untimed; it may be None for
    a setting (weights drawn at random have nothing to be examined in).
    `exam_drive` runs its examples where that is otherwise than `drive` does. With `exam_draws` its answers are drawn at
    random: the session is opened anew for it, so that the same seed draws the same.
    """

    name: str
    family: str
    task: str
    runtime: str
    precisions: tuple[str, ...]
    licence: str
    weights: str
    reference: Callable[[Setting], Reference]
    workload: Callable[[Setting], Workload]
    summary: str = ""
    size: str = "full"
    size_bytes: int | None = None
    needs: tuple[Need, ...] = ()
    drive: Callable[[Call, Arrays], Iterator[Arrays]] = once
    streaming: bool = False
    stages: tuple[str, ...] = ()
    audio: AudioOutput | None = None
    takes_checkpoint: bool = False
    given: Mapping[str, Callable[[Setting], Reference]] = field(default_factory=dict)
    calibration: Callable[[Setting], Workload] | None = None
    recipe_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    meanings: tuple[Meaning, ...] = ()
    exam: Callable[[Setting], Workload | None] | None = None
    exam_drive: Callable[[Call, Arrays], Iterator[Arrays]] | None = None
    exam_draws: bool = False

    def __post_init__(self) -> None:
        if not self.precisions:
            raise ValueError(f"model {self.name} asks for no precision")
        if unknown := set(self.precisions) - set(PRECISIONS):
            raise ValueError(f"model {self.name} asks for {sorted(unknown)}; there are {', '.join(PRECISIONS)}")
        if self.streaming and self.stages:
            raise ValueError(f"model {self.name}: its chunks are those of a stream or stages, not both")
        if len(set(self.stages)) < len(self.stages):
            raise ValueError(f"model {self.name} has a stage twice: {', '.join(self.stages)}")
        if self.size not in ("tiny", "full"):
            raise ValueError(f"model {self.name}: size is tiny or full, not {self.size!r}")
