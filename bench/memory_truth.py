"""Memory truth: a model that holds a known amount of memory for 5 ms, now and then, and what the harness says of it.

The model is declared in a folder of its own and measured like any other, in a fresh worker. Its `drive` maps fresh
pages, touches every one, holds them for 5 ms and gives them back, in one of twenty inferences; what is reported as
`steady_growth_bytes` is compared with what was mapped. The worst of several processes counts. Bounds: 8 MB within
1 MB, 200 MB within 1 %. A model that holds nothing shows what the number is made of otherwise.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from common import CPU, Bound, Deaf, assignment, conclude, mebibytes, parser, report

from harness import zoo
from harness.cells import Cell
from harness.conduct.campaign import worker_environment
from harness.conduct.solo import Plan, Solo
from harness.worker.pool import Pool

_MB = 1_000_000
_SPIKES = {"none": 0, "8 MB": 8 * _MB, "200 MB": 200 * _MB}
_ALLOWED = {"8 MB": 1 * _MB, "200 MB": 2 * _MB}

_DECLARATIONS = """
import mmap
import time
from functools import partial
from itertools import count
from pathlib import Path

from harness.models import Example, FileReference, Model, Workload

FILE = Path(__file__).with_name("identity.onnx")

def reference(setting):
    return FileReference(FILE, "onnx", "made by bench/memory_truth.py")

def one(setting):
    import numpy as np
    return Workload("one", 1, (Example("one", lambda: {"x": np.ones(4, dtype=np.float32)}),), "one")

def spike(size, calls, call, inputs):
    import numpy as np
    if size and next(calls) % 20 == 19:
        pages = mmap.mmap(-1, size)
        view = np.frombuffer(pages, dtype=np.uint8)
        view[:: mmap.PAGESIZE] = 1
        time.sleep(0.005)
        del view
        pages.close()
    yield call(inputs)

MODELS = tuple(
    Model(
        name=f"spike-{size}", family=f"spike-{size}", task="none", runtime="onnx", precisions=("fp32",), licence="none",
        weights="none", reference=reference, workload=one, drive=partial(spike, size, count()),
    )
    for size in SIZES
)
"""
_IDENTITY = """
import sys
from onnx import TensorProto, helper, save
shape = [4]
add = helper.make_node("Add", ["x", "w"], ["y"])
w = helper.make_tensor("w", TensorProto.FLOAT, shape, [0.0] * 4)
x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy")
graph = helper.make_graph([add], "identity", [x], [y], [w])
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), sys.argv[1])
"""


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--processes", type=int, default=5, metavar="N", help="fresh workers a spike (default 5)")
    given = options.parse_args()
    rows, bounds = [], []
    with tempfile.TemporaryDirectory() as folder:
        declared = _declared(Path(folder))
        for name, size in _SPIKES.items():
            grown = [_growth(declared[f"spike-{size}"], Path(folder)) for _ in range(given.processes)]
            worst = max(abs(one - size) for one in grown)
            shown = [mebibytes(median(grown)), mebibytes(min(grown)), mebibytes(max(grown))]
            rows.append((name, mebibytes(size), *shown, mebibytes(worst)))
            if name in _ALLOWED:
                bounds.append(Bound(f"worst error of {name}", worst / _MB, _ALLOWED[name] / _MB, unit=" MB"))
    report(
        f"steady_growth_bytes of {given.processes} fresh workers",
        ("spike of 5 ms", "mapped", "median", "least", "most", "worst error"),
        rows,
    )
    return conclude(bounds)


def _declared(root: Path) -> dict[str, zoo.Declared]:
    models = root / "spiking"
    models.mkdir()
    sizes = f"SIZES = {tuple(_SPIKES.values())!r}\n"
    (models / "spikes.py").write_text(sizes + _DECLARATIONS)
    # In a process of its own: this one stands for the pytest parent and has no onnx.
    subprocess.run([sys.executable, "-c", _IDENTITY, str(models / "identity.onnx")], check=True)
    return {one.model.name: one for one in zoo.discover(root, "spiking")}


def _growth(declared: zoo.Declared, cache: Path) -> float:
    name = declared.model.name
    solo = Solo(
        declared.model,
        Cell(name, "fp32", str(CPU)),
        assignment(declared, "fp32", cache),
        Pool(worker_environment(1), wanted=lambda: False),
        Plan(timing_seconds=0.5, limit_seconds=60),
        Deaf(),
    )
    measured = solo.measure()
    grown = measured.value("steady_growth_bytes")
    if grown is None:
        raise SystemExit(
            f"{name} gave no steady_growth_bytes: {measured.failure or measured.text or measured.readings}"
        )
    return grown


if __name__ == "__main__":
    sys.exit(main())
