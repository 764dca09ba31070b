"""A worker from first to last, on a small model and a real runtime."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

from harness.results import Phase, PlacementProof
from harness.worker import protocol
from harness.worker.link import Worker
from tests.fakes import PATIENCE_SECONDS, declare

pytest.importorskip("onnxruntime")

Assign = Callable[..., protocol.Assignment]
Start = Callable[..., Worker]


def ask(worker: Worker, request: protocol.Request) -> Any:
    return worker.ask(request, PATIENCE_SECONDS)


def test_a_cell_is_measured_step_by_step(assigned: Assign) -> None:
    with Worker({}) as worker:
        opened = ask(worker, protocol.Open(assigned()))
        checked = ask(worker, protocol.CheckOutputs())
        warm = ask(worker, protocol.WarmUp(0.2))
        block = ask(worker, protocol.Time(0.0, 3, 100))
        closed = ask(worker, protocol.Close())

    assert isinstance(opened, protocol.Opened)
    assert (opened.examples, opened.workload, opened.parameter_count) == (2, "roots", 4)
    assert opened.artifact.weights == "made for a test"
    assert opened.artifact.coverage.fraction == 1.0
    assert min(opened.import_seconds, opened.open_seconds, opened.first_inference_seconds) > 0
    assert PlacementProof(**opened.placement).device == "cpu"
    assert opened.placement["by_provider"] == {"CPUExecutionProvider": 2}
    assert opened.versions["onnxruntime"]

    assert isinstance(checked, protocol.Checked)
    assert (checked.chunks, checked.audio_seconds) == ((1, 1), (None, None))

    assert isinstance(warm, protocol.Warm)
    assert math.isclose(warm.seconds, sum(warm.wall_seconds))

    assert isinstance(block, protocol.Block)
    assert block.example_ids == ("4", "9") * 3
    assert (block.passes, len(block.pass_seconds)) == (3, 3)
    assert min(block.wall_seconds) > 0

    assert isinstance(closed, protocol.Closed)
    assert closed.device_unavailable == "the cpu has no memory of its own"


def test_of_a_stream_both_its_first_chunk_and_its_end_are_told(assigned: Assign) -> None:
    with Worker({}) as worker:
        opened = ask(worker, protocol.Open(assigned(drive="yield call(inputs)\ntime.sleep(0.3)\nyield call(inputs)")))
    assert opened.first_whole_seconds >= opened.first_inference_seconds + 0.3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a peak that can be set back")
def test_peaks_are_known_by_phase(opened_worker: Start, assigned: Assign) -> None:
    with Worker({}) as worker:
        opened = ask(worker, protocol.Open(assigned()))
        ask(worker, protocol.CheckOutputs())
        ask(worker, protocol.Time(0.0, 1, 10))
        closed = ask(worker, protocol.Close())
    for peak in (opened.load_peak, opened.first_peak, closed.steady_peak):
        assert peak.unavailable is None
        assert 1_000_000 < peak.start_bytes <= peak.peak_bytes + 4_000_000


def test_what_the_store_does_not_have_is_asked_for_and_converted_by_another(tmp_path, root_file) -> None:
    (tmp_path / "root.onnx").hardlink_to(root_file)
    assignment = declare(tmp_path)
    with Worker({}) as worker:
        assert ask(worker, protocol.Open(assignment)) == protocol.NeedsConversion()
    with Worker({}) as converter:
        assert isinstance(ask(converter, protocol.Convert(assignment)), protocol.Converted)
    with Worker({}) as worker:
        opened = ask(worker, protocol.Open(assignment))
    assert isinstance(opened, protocol.Opened)
    assert opened.artifact.conversion_seconds > 0


def test_outputs_that_are_nan_are_told_with_phase_output_and_example(opened_worker: Start) -> None:
    worker = opened_worker(
        workload="return Workload('roots', 1, [Example(str(v), lambda v=v: root_of(v)) for v in (4, -9)], '4 -9')"
    )
    reply = ask(worker, protocol.CheckOutputs())
    assert reply == protocol.Broke(
        Phase.OUTPUTS,
        "output 'y' holds 4 NaN of 4 values for example '-9'; this precision does not work here",
    )


PROBLEMS = {
    "an input of another name": (
        {"workload": "import numpy as np\nreturn Workload('w', 1, [Example('a', lambda: {'z': np.ones(4)})], '')"},
        Phase.FIRST,
        r"lacks x and has unknown z",
    ),
    "an input of another shape": (
        {
            "workload": "import numpy as np\n"
            "return Workload('w', 1, [Example('a', lambda: {'x': np.ones((1, 5), np.float32)})], '')"
        },
        Phase.FIRST,
        r"invalid dimensions",
    ),
    "an example that cannot be made": (
        {"workload": "return Workload('w', 1, [Example('a', lambda: 1 / 0)], '')"},
        Phase.INPUTS,
        r"example 'a' cannot be made: ZeroDivisionError",
    ),
    "a drive that raises": ({"drive": "raise KeyError('tokens')\nyield"}, Phase.FIRST, r"KeyError: 'tokens'"),
    "a drive that yields nothing": ({"drive": "return\nyield"}, Phase.FIRST, r"no output"),
    "a runtime that there is none of": (
        {"after": "import dataclasses\nMODELS = (dataclasses.replace(MODELS[0], runtime='abacus'),)"},
        Phase.IMPORT,
        r"there is no runtime 'abacus'; choose onnx, torch",
    ),
    "an option that the runtime does not know": (
        {"session_options": {"graph_optimization_level": "most"}},
        Phase.OPEN,
        r"unknown graph_optimization_level 'most'; choose",
    ),
}


@pytest.mark.parametrize(("given", "phase", "said"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_what_goes_wrong_while_opening_is_one_line_with_its_phase(assigned: Assign, given, phase: Phase, said) -> None:
    with Worker({}) as worker:
        reply = ask(worker, protocol.Open(assigned(**given)))
    assert isinstance(reply, protocol.Broke), reply
    assert reply.phase is phase
    assert "\n" not in reply.text
    assert re.search(said, reply.text)


def test_a_device_that_this_machine_has_none_of_is_unsupported_with_a_reason(assigned: Assign) -> None:
    with Worker({}) as worker:
        reply = ask(worker, protocol.Open(assigned(device="coreml" if sys.platform == "linux" else "cuda")))
    assert isinstance(reply, protocol.CannotRun)
    assert reply.reason == "NO_DEVICE"
    assert reply.text


def test_a_model_file_that_is_none_is_one_line(tmp_path) -> None:
    (tmp_path / "root.onnx").write_bytes(b"no model at all")
    with Worker({}) as converter:
        reply = ask(converter, protocol.Convert(declare(tmp_path)))
    assert isinstance(reply, protocol.Broke)
    assert reply.phase is Phase.CONVERT
    assert reply.text.startswith("root.onnx is not")


def test_asking_before_opening_is_told_as_our_own_mistake() -> None:
    with Worker({}) as worker:
        reply = ask(worker, protocol.CheckOutputs())
    assert isinstance(reply, protocol.Broke)
    assert reply.text == "nothing is open in this worker; this is a defect of Quantgate"


@pytest.mark.skipif(sys.platform != "linux", reason="cores are chosen on Linux only")
def test_a_worker_is_pinned_to_the_cores_it_is_told(assigned: Assign) -> None:
    import psutil

    core = max(psutil.Process().cpu_affinity())
    with Worker({}) as worker:
        ask(worker, protocol.Open(assigned(cores=(core,))))
        assert psutil.Process(worker.pid).cpu_affinity() == [core]


def test_a_probe_of_what_works_passes_and_of_what_does_not_says_why() -> None:
    with Worker({}) as worker:
        assert ask(worker, protocol.Check("onnx", "cpu", "int8-dynamic")) == protocol.CheckPassed()
        refused = ask(worker, protocol.Check("onnx", "mps", "fp32"))
    assert isinstance(refused, protocol.CannotRun)
    assert refused.reason == "NO_DEVICE"
