"""Real processes made to misbehave: declarations written to disk, small ONNX files, scripts, and waiting for ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from itertools import count
from pathlib import Path
from typing import Any

import psutil

from harness.worker.protocol import Assignment

PATIENCE_SECONDS = 30.0
"""How long a test waits for what must happen. It is never waited out where all is well."""

DECLARATION = """
import os, signal, subprocess, sys, time
from pathlib import Path
from harness.models import Example, FileReference, Model, Workload

HERE = Path(__file__).parent

def root_of(value):
    import numpy as np
    return {{"x": np.full((1, 4), value, np.float32)}}

def reference(setting):
{reference}

def workload(setting):
{workload}

def drive(call, inputs):
{drive}

MODELS = (
    Model(name="tone", family="tone", task="hum", runtime="onnx", precisions=("fp32",), licence="none",
          weights="made for a test", reference=reference, workload=workload, drive=drive, {more}),
)
{after}
"""


_SECONDS = count(1_000_000_000)


def declare(
    folder: Path,
    *,
    reference: str = "return FileReference(HERE / 'root.onnx', 'onnx', 'made for a test')",
    workload: str = "return Workload('roots', 1, [Example(str(v), lambda v=v: root_of(v)) for v in (4, 9)], '4 9')",
    drive: str = "yield call(inputs)",
    more: str = "",
    after: str = "",
    store: Path | None = None,
    **assigned: Any,
) -> Assignment:
    """Write a declaration to a folder; return the assignment of its cell. Each function is given by its body."""
    indented = {
        name: textwrap.indent(textwrap.dedent(body), "    ")
        for name, body in (("reference", reference), ("workload", workload), ("drive", drive))
    }
    source = folder / "declared.py"
    source.write_text(DECLARATION.format(**indented, more=more, after=textwrap.dedent(after)))
    # A second of its own: compiled files are told apart by size and second, and two declarations may differ in a digit.
    second = next(_SECONDS)
    os.utime(source, (second, second))
    plain = {"model": "tone", "precision": "fp32", "device": "cpu"}
    kept = store or folder / "store"
    return Assignment(
        module="declared", root=str(folder), store=str(kept), made=str(folder / "made"), **{**plain, **assigned}
    )


def root_onnx(path: Path, weight: float = 1.0) -> Path:
    """Write a model that multiplies by a weight and takes the square root: of -1 it makes NaN."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["xw"], "mul"), helper.make_node("Sqrt", ["xw"], ["y"], "root")],
        "root",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(np.full(4, weight, np.float32), "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def start_python(script: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    """Start a Python process; what it prints can be read from its `stdout`."""
    return subprocess.Popen(
        [sys.executable, "-u", "-c", textwrap.dedent(script), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        preexec_fn=hear_signals,  # noqa: PLW1509 - no threads here
    )


def hear_signals() -> None:
    """In a child, before it runs: tests in the background have signals ignored, and their children inherit that."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def wait_until(happened: Any, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    """Whether a process has ended, also where nobody has asked for its exit code yet."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def wait_gone(*pids: int) -> None:
    for pid in pids:
        wait_until(lambda pid=pid: is_gone(pid), f"process {pid} ended")
