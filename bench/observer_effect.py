"""Observer effect: seconds of an inference as the harness reports them, divided by those of a bare loop.

Both arms run in this process on the very same session with the same inputs; blocks of both alternate in random
mirrored order (ABBA or BAAB), about 30 ms or one pass each. What a record would hold is bound to within 2 % of the
bare loop. For information: what a block costs beside its inferences (a run times blocks of one second), and a stream,
whose chunks are timed by their arrival.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, Any

from common import CPU, ROOT, Bound, Ratio, assignment, conclude, mirrored, order, parser, ratio_of, report, rounds

from harness import zoo
from harness.models import Artifact, Call, Coverage, Model, Workload
from harness.probes.memory import PeakMeter
from harness.runtimes import RUNTIMES, Tuning
from harness.worker import protocol
from harness.worker.assigned import Assigned
from harness.worker.bench import Bench
from harness.worker.link import Worker

if TYPE_CHECKING:
    from harness.models import Arrays

_BLOCK_SECONDS = 0.03
_LIMIT = 0.02


@dataclass(frozen=True, slots=True)
class Subject:
    """A loaded model: the harness's bench, and onnxruntime's own session that lies under it."""

    name: str
    bench: Bench
    session: Any
    call: Call
    model: Model
    inputs: tuple[Arrays, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Median seconds of an inference of a block, and what the whole block took beside its inferences."""

    inference: float
    beside: float


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=25, metavar="S", help="for each model (default 25)")
    options.add_argument("--sentences", type=int, default=2, metavar="N", help="of Piper, a block (default 2)")
    given = options.parse_args()
    chooser = random.Random(given.seed)
    rows, bounds = [], []
    with tempfile.TemporaryDirectory() as folder:
        for opened in (_chain(Path(folder)), _declared("piper-joe", given.sentences)):
            with opened as subject:
                effect, seconds, beside = _compare(subject, given.seconds, chooser)
                rows.append((subject.name, f"{seconds * 1e3:.3f} ms", effect, f"{beside * 1e3:.1f} ms"))
                bounds.append(Bound(f"observer effect, {subject.name}", effect.median, 1 + _LIMIT, 1 - _LIMIT))
        with _declared("silero-vad", 1) as subject:
            stream, own, seconds = _compare_streams(subject, given.seconds / 2, chooser)
    report(
        "Harness / bare loop, seconds of an inference: median of paired blocks [95 % interval]",
        ("model", "bare median", "harness / bare", "a block beside its inferences"),
        rows,
    )
    report(
        "A stream (information): silero-vad, seconds of a chunk",
        ("bare median", "reported / drive alone", "reported / session.run alone"),
        [(f"{seconds * 1e6:.1f} us", stream, own)],
        (
            "drive alone: the model's own generator, with a clock only around the whole of it",
            "session.run alone: what onnxruntime takes; the rest is the drive's work, which an application has too",
        ),
    )
    return conclude(bounds)


def _compare(subject: Subject, seconds: float, chooser: random.Random) -> tuple[Ratio, float, float]:
    once = _bare_block(subject, 1).inference
    passes = max(1, round(_BLOCK_SECONDS / (once * len(subject.inputs))))
    arms: dict[str, Callable[[], Block]] = {
        "harness": lambda: _harness_block(subject, passes),
        "bare": lambda: _bare_block(subject, passes),
    }
    for arm in arms.values():
        arm()
    pairs: list[tuple[Block, Block]] = []
    for _ in rounds(seconds, time.perf_counter):
        seen: dict[str, list[Block]] = {name: [] for name in arms}
        for name in mirrored(tuple(arms), chooser):
            seen[name].append(arms[name]())
        pairs.append((_together(seen["harness"]), _together(seen["bare"])))
    return (
        ratio_of((harness.inference, bare.inference) for harness, bare in pairs),
        median(bare.inference for _, bare in pairs),
        median(harness.beside for harness, _ in pairs),
    )


def _together(blocks: list[Block]) -> Block:
    return Block(mean(block.inference for block in blocks), mean(block.beside for block in blocks))


def _harness_block(subject: Subject, passes: int) -> Block:
    """The shipped code, as a worker runs it when asked for a block."""
    start = time.perf_counter()
    block = subject.bench.time(protocol.Time(seconds=0.0, min_passes=passes, max_inferences=1))
    spent = time.perf_counter() - start
    return Block(_by_example(block.wall_seconds, len(subject.inputs)), spent - sum(block.wall_seconds))


def _bare_block(subject: Subject, passes: int) -> Block:
    """What one would write in a script."""
    run, inputs = subject.session.run, subject.inputs
    taken = []
    begin = time.perf_counter()
    for _ in range(passes):
        for one in inputs:
            start = time.perf_counter()
            run(None, one)
            taken.append(time.perf_counter() - start)
    spent = time.perf_counter() - begin
    return Block(_by_example(taken, len(inputs)), spent - sum(taken))


def _by_example(taken: Sequence[float], examples: int) -> float:
    """The median of each example's times, averaged over the examples: sentences differ in length."""
    return mean(median(taken[place::examples]) for place in range(examples))


def _compare_streams(subject: Subject, seconds: float, chooser: random.Random) -> tuple[Ratio, Ratio, float]:
    clip = subject.inputs[0]
    arms: dict[str, Callable[[], float]] = {
        "harness": lambda: median(subject.bench.time(protocol.Time(0.0, 1, 1)).wall_seconds),
        "drive": lambda: _drive_alone(subject, clip),
        "run": lambda: _run_alone(subject, clip),
    }
    for arm in arms.values():
        arm()
    means: list[dict[str, float]] = []
    for _ in rounds(seconds, time.perf_counter):
        seen: dict[str, float] = dict.fromkeys(arms, 0.0)
        for name in mirrored(tuple(arms), chooser):
            seen[name] += arms[name]() / 2
        means.append(seen)
    return (
        ratio_of((one["harness"], one["drive"]) for one in means),
        ratio_of((one["harness"], one["run"]) for one in means),
        median(one["run"] for one in means),
    )


def _drive_alone(subject: Subject, clip: Arrays) -> float:
    """Median time from chunk to chunk of the drive, read by the barest of loops."""
    stamps = [time.perf_counter()]
    stamps.extend(time.perf_counter() for _ in subject.model.drive(subject.call, clip))
    return median(later - earlier for earlier, later in pairwise(stamps))


def _run_alone(subject: Subject, clip: Arrays) -> float:
    taken: list[float] = []
    names = [output.name for output in subject.session.get_outputs()]

    def call(inputs: Arrays) -> Arrays:
        start = time.perf_counter()
        outputs = subject.session.run(names, inputs)
        taken.append(time.perf_counter() - start)
        return dict(zip(names, outputs, strict=True))

    for _ in subject.model.drive(call, clip):
        pass
    return median(taken)


@contextmanager
def _declared(name: str, examples: int) -> Iterator[Subject]:
    """A declared model of this project at fp32, with the first examples of its workload."""
    asked = order()
    declared = next(one for one in zoo.discover(ROOT, asked.models_folder) if one.model.name == name)
    task = assignment(declared, "fp32", asked.cache)
    assigned = Assigned(task)
    artifact = assigned.find()
    if artifact is None:
        with Worker({}) as converter:
            converter.ask(protocol.Convert(task), asked.cell_limit_seconds)
        artifact = assigned.find()
    assert artifact is not None, f"{name} could not be converted; run pytest suites/ --model {name} to see why"
    whole = assigned.workload()
    with _opened(name, assigned.model, artifact, replace(whole, examples=whole.examples[:examples]), task) as subject:
        yield subject


@contextmanager
def _chain(folder: Path) -> Iterator[Subject]:
    """A chain of matrix products that takes about a millisecond here."""
    from harness.models import Example

    length = 8
    while True:
        path = folder / f"chain-{length}.onnx"
        inputs = _write_chain(path, length)
        workload = Workload("chain", 1, (Example("only", lambda inputs=inputs: inputs),), "chain")
        model = Model(
            name="chain",
            family="chain",
            task="none",
            runtime="onnx",
            precisions=("fp32",),
            licence="",
            weights="",
            reference=_never,
            workload=_never,
        )
        coverage = Coverage(0, 0, 0, 0)
        artifact = Artifact(path, "onnx", "fp32", "", path.stat().st_size, coverage, "", 0.0)
        task = protocol.Assignment(
            module="", root=None, model="chain", precision="fp32", device=str(CPU), store="", made=""
        )
        with ExitStack() as stack:
            subject = stack.enter_context(_opened("a chain of MatMul", model, artifact, workload, task))
            taken = [_bare_block(subject, 20).inference for _ in range(5)]
            if 0.7e-3 <= min(taken) <= 1.4e-3 or length >= 4096:
                yield subject
                return
        length = max(1, round(length * 1e-3 / min(taken)))


def _never(_: object) -> Any:
    raise AssertionError("the session is opened from its artifact")


def _write_chain(path: Path, length: int) -> dict[str, Any]:
    import numpy as np
    from onnx import TensorProto, checker, helper, numpy_helper, save

    width, rows = 192, 16
    weights = (np.eye(width) + np.random.default_rng(0).normal(scale=0.01, size=(width, width))).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["x" if place == 0 else f"x{place}", "w"], [f"x{place + 1}"])
        for place in range(length)
    ]
    shape = [rows, width]
    graph = helper.make_graph(
        [*nodes, helper.make_node("Tanh", [f"x{length}"], ["y"])],
        "chain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    save(model, path)
    return {"x": np.full(shape, 0.01, dtype=np.float32)}


@contextmanager
def _opened(
    name: str, model: Model, artifact: Artifact, workload: Workload, task: protocol.Assignment
) -> Iterator[Subject]:
    """Open it as a worker does: runtime, session, bench, outputs looked at."""
    runtime = RUNTIMES[model.runtime]()
    runtime.load_library()
    session = runtime.open(artifact, CPU, Tuning(task.threads))
    bench = Bench(
        model, workload, session, PeakMeter(), task, lambda: runtime.open(artifact, CPU, Tuning(task.threads))
    )
    try:
        bench.check_outputs()
        inputs = tuple(bench.load(index) for index in range(len(workload.examples)))
        inner: Any = session._session  # type: ignore[attr-defined] # noqa: SLF001 - both arms have to run the same one
        yield Subject(name, bench, inner, session.call, model, inputs)
    finally:
        bench.close()


if __name__ == "__main__":
    sys.exit(main())
