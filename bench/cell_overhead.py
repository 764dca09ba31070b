"""Overhead a cell: from the start of a test to the first inference, divided by the same of a bare script.

The harness's side is a real campaign with a journal: conditions of the machine sampled, the lease taken, a fresh
worker started and asked, the artifact found and verified, placement proven, workload read. It ends where the parent
hears that the first inference begins. The bare side is a fresh Python that imports the runtime, loads the same file and
makes the same first input (`bench/bare/`); it verifies nothing. The harness keeps a worker ahead, as in a run: its
start, during the previous cell's untimed part, is not in the span. Artifacts are cached before, sides alternate in
random order, and the first round of each is thrown away. Bound: the median ratio of a model is at most 1.15.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median

from common import CPU, ROOT, Bound, Deaf, assignment, conclude, mirrored, order, parser, ratio_of, report

from harness import zoo
from harness.cells import Cell
from harness.conduct.campaign import Campaign, plan, worker_environment
from harness.conduct.order import Order
from harness.journal import Journal
from harness.models import Artifact
from harness.results import Environment, Phase
from harness.worker import protocol
from harness.worker.assigned import Assigned
from harness.worker.lease import lease
from harness.worker.link import Worker

_MODELS = ("piper-joe", "smart-turn-v3", "silero-vad", "smart-turn-v2")
_PRECISION = "fp32"
_LIMIT = 1.15
_BARE = {"onnx": "load_onnx.py", "torch": "load_torch.py"}


class _Enough(Exception):
    """The first inference begins: all that was asked for is known, and the worker may go."""


@dataclass
class _Stopper(Deaf):
    """Notes when each phase began, and ends the cell at the first inference."""

    began: dict[Phase, int] = field(default_factory=dict)

    def phase(self, cell: Cell, phase: Phase) -> None:  # noqa: ARG002 - the words of a listener
        """Note a phase."""
        self.began[phase] = time.monotonic_ns()
        if phase is Phase.FIRST:
            raise _Enough


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--repeats", type=int, default=5, metavar="N", help="rounds of ABBA a model (default 5)")
    options.add_argument("--model", default=",".join(_MODELS), metavar="NAMES", help="which, separated by commas")
    options.add_argument("--phases", action="store_true", help="show where the harness's time goes")
    given = options.parse_args()
    chooser = random.Random(given.seed)
    rows, bounds, phases = [], [], []
    for name in given.model.split(","):
        with tempfile.TemporaryDirectory() as folder:
            seconds, began = _compare(name, Path(folder), given.repeats, chooser)
        ratio = ratio_of(zip(seconds["harness"], seconds["bare"], strict=True))
        rows.append((name, _shown(seconds["harness"]), _shown(seconds["bare"]), ratio))
        bounds.append(Bound(f"overhead a cell, {name}", ratio.median, _LIMIT))
        phases.append((name, *_between(began)))
    report(
        "Test start to first inference, harness / bare script: median of paired rounds [95 % interval]",
        ("model", "harness", "bare", "ratio"),
        rows,
    )
    if given.phases:
        report(
            "Where the harness's time goes (medians)",
            ("model", "until the worker answers", "artifact", "import, workload", "session", "placement, inputs"),
            phases,
        )
    return conclude(bounds)


def _compare(
    name: str, folder: Path, repeats: int, chooser: random.Random
) -> tuple[dict[str, list[float]], list[dict[Phase, int]]]:
    asked = order(models=name, precisions=_PRECISION)
    artifact, declared = _cached(asked, name)
    began: list[dict[Phase, int]] = []
    arms: dict[str, Callable[[], float]] = {
        "harness": lambda: _harness(asked, name, Path(tempfile.mkdtemp(dir=folder)), began),
        "bare": lambda: _bare(artifact, declared),
    }
    for arm in arms.values():
        arm()
    began.clear()
    seconds: dict[str, list[float]] = {arm: [] for arm in arms}
    for _ in range(repeats):
        for arm in mirrored(tuple(arms), chooser):
            seconds[arm].append(arms[arm]())
    return seconds, began


def _harness(asked: Order, name: str, folder: Path, began: list[dict[Phase, int]]) -> float:
    """One cell of a fresh campaign, until its first inference begins."""
    grid, journal, listener = plan(asked), Journal(folder), _Stopper()
    journal.write("run-started", environment=Environment(), options={}, planned=grid.cells)
    campaign = Campaign(asked, grid, journal, listener, grid.cells)
    campaign.prepare()
    with lease((str(CPU),)):
        pass  # waiting for another run to end is no overhead of ours
    start = time.monotonic_ns()
    try:
        campaign.measurement(Cell(name, _PRECISION, str(CPU)))
    except _Enough:
        listener.began[Phase.START] = start
        began.append(listener.began)
        return (listener.began[Phase.FIRST] - start) / 1e9
    finally:
        campaign.close()
    raise SystemExit(f"{name} did not reach its first inference; run pytest suites/ --model {name} to see why")


def _bare(artifact: Artifact, declared: zoo.Declared) -> float:
    script = ROOT / "bench" / "bare" / _BARE[declared.model.runtime]
    environment = {**os.environ, **worker_environment(1)}
    start = time.monotonic_ns()
    done = subprocess.run(
        [sys.executable, str(script), str(artifact.path), str(ROOT), declared.origin.module, declared.model.name],
        env=environment,
        capture_output=True,
        check=True,
    )
    return (int(done.stdout.split()[-1]) - start) / 1e9


def _cached(asked: Order, name: str) -> tuple[Artifact, zoo.Declared]:
    """The artifact, made now where no earlier run has made it."""
    declared = plan(asked).models[name]
    task = assignment(declared, _PRECISION, asked.cache)
    with Worker(worker_environment(1)) as converter:
        reply = converter.ask(protocol.Convert(task), asked.cell_limit_seconds)
    artifact = Assigned(task).find()
    if artifact is None:
        raise SystemExit(f"{name} cannot be made here: {reply}")
    return artifact, declared


def _between(began: list[dict[Phase, int]]) -> tuple[str, ...]:
    stops = (Phase.START, Phase.REFERENCE, Phase.IMPORT, Phase.OPEN, Phase.PLACEMENT, Phase.FIRST)
    return tuple(
        f"{median(one[after] - one[before] for one in began) / 1e6:.0f} ms" for before, after in pairwise(stops)
    )


def _shown(seconds: list[float]) -> str:
    return f"{median(seconds) * 1e3:.0f} ms"


if __name__ == "__main__":
    sys.exit(main())
