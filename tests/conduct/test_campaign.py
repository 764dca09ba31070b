"""That every cell is measured and examined once, whoever asks and however often."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from harness import zoo
from harness.cells import Cell, Device, Reason
from harness.conduct import campaign as campaigns
from harness.conduct.campaign import Campaign, Grid, worker_environment
from harness.conduct.examining import Examiner
from harness.conduct.order import Order
from harness.journal import EVENTS_FILE, Journal, fold, measurements, read_events
from harness.limits import Rates
from harness.models import Need
from harness.results import Condition, Measurement, Phase, Reading, Status
from harness.scores import Quality, Sensitivity
from harness.worker.lease import lease
from tests.fakes import start_python
from tests.samples import FAILED, MEASURED, block, model

KERNELS = ("x64quantprecision", "QDQ fusion off")
CPU, CUDA = Device("cpu"), Device("cuda")
VOICE, EAR = Cell("voice", "fp32", "cpu"), Cell("ear", "fp32", "cpu")


def grid(*models: Any, devices: tuple[Device, ...] = (CPU,)) -> Grid:
    declared = {one.name: zoo.Declared(one, zoo.Origin("zoo", "/zoo")) for one in models}
    cells = tuple(
        Cell(one.name, precision, str(device)) for one in models for device in devices for precision in one.precisions
    )
    return Grid(declared, cells)


def unsupported(reason: Reason) -> Measurement:
    return Measurement(VOICE, Status.UNSUPPORTED, reason=reason, text=f"because {reason}")


class Bench:
    """Stands for the workers: gives each cell the result asked for, and hears what the campaign tells its listener."""

    def __init__(self, results: dict[str, Measurement]) -> None:
        self._results = results
        self.assignments: list[Any] = []
        self.plans: list[Any] = []
        self.answers: list[Path] = []
        self.examined_cells: list[Cell] = []
        self.told: list[Any] = []

    def solo(
        self, _model: object, cell: Cell, assignment: Any, pool: Any, plan: Any, watch: Any, answers: Path, _keeps: bool
    ) -> Any:
        bench = self

        class Scripted:
            def measure(self) -> Measurement:
                bench.assignments.append(assignment)
                bench.plans.append((pool, plan))
                bench.answers.append(answers)
                watch.phase(cell, Phase.TIMING)
                watch.block(cell, block())
                watch.runtime_facts(cell, {"build": "abc"})
                watch.tick()
                return replace(bench._results.get(cell.model, MEASURED), cell=cell)

        return Scripted()

    # Whom a campaign asks what the outputs are worth (`examining.Examiner`).

    def place(self, cell: Cell) -> Path:
        return Path("outputs") / cell.model

    def examined(self, _model: object, measured: Measurement) -> Measurement:
        self.examined_cells.append(measured.cell)
        return replace(measured, quality=Quality(outputs_digest=measured.cell.model))

    def sensitivity(self, _model: object, _cell: Cell, options: Any) -> Iterator[Sensitivity]:
        for name in options:
            yield Sensitivity(name, 1, 2, 0.5)

    # What a campaign tells (`campaign.Listener`).

    def cell_started(self, cell: Cell) -> None:
        self.told.append(("started", cell))

    def phase(self, cell: Cell, phase: Phase) -> None:
        self.told.append(("phase", cell, phase))

    def cell_finished(self, measurement: Measurement) -> None:
        self.told.append(("finished", measurement.cell))

    def tick(self) -> None:
        self.told.append(("tick",))


Make = Callable[..., tuple[Campaign, Bench]]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Make a campaign whose cells end as told. Its leases are none of anybody's who measures now."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def one(*models: Any, order: Order | None = None, **results: Measurement) -> tuple[Campaign, Bench]:
        bench = Bench(results)
        monkeypatch.setattr(campaigns, "Solo", bench.solo)
        order = order or Order(tmp_path, cache=tmp_path / "cache")
        (tmp_path / EVENTS_FILE).touch()
        planned = grid(*(models or (model("voice"), model("ear"))), devices=(CPU, CUDA))
        campaign = Campaign(order, planned, Journal(tmp_path), bench, planned.cells)
        campaign.examiner = cast("Examiner", bench)
        return campaign, bench

    return one


def kinds(folder: Path) -> list[str]:
    return [event.kind for event in read_events(folder)]


def test_a_cell_is_measured_once_however_often_it_is_asked_for(make: Make) -> None:
    campaign, bench = make()
    first = campaign.measurement(VOICE)
    assert campaign.measurement(VOICE) is first
    assert first.cell == VOICE
    assert len(bench.assignments) == 1


def test_what_happens_is_in_the_journal_as_it_happens(make: Make, tmp_path: Path) -> None:
    campaign, bench = make()
    campaign.measurement(VOICE)
    assert kinds(tmp_path) == ["cell-started", "phase", "block", "runtime", "cell-finished"]
    quality = Quality(outputs_digest="voice")
    assert measurements(tmp_path) == {VOICE: replace(MEASURED, cell=VOICE, quality=quality)}
    started, phase, timed, runtime, _ = read_events(tmp_path)
    assert started.cell == phase.cell == timed.cell == VOICE
    assert timed.body["wall_seconds"] == [0.2, 0.3]
    assert runtime.body == {"facts": {"onnx: build": "abc"}}
    assert bench.told == [("started", VOICE), ("phase", VOICE, Phase.TIMING), ("tick",), ("finished", VOICE)]


def test_what_another_process_has_measured_is_read(make: Make, tmp_path: Path) -> None:
    theirs, _ = make()
    measured = theirs.measurement(VOICE)
    ours, bench = make()
    assert ours.measurement(VOICE) == measured
    assert bench.assignments == []


def test_a_failed_cell_is_an_answer_and_not_tried_again(make: Make) -> None:
    campaign, bench = make(voice=FAILED)
    assert campaign.measurement(VOICE).status is Status.FAILED
    assert campaign.measurement(VOICE).status is Status.FAILED
    assert campaign.measurement(EAR).status is Status.MEASURED
    assert len(bench.assignments) == 2


def test_every_measured_cell_is_examined_once_and_no_other_is(make: Make) -> None:
    campaign, bench = make(voice=FAILED)
    for cell in (VOICE, EAR, EAR):
        campaign.measurement(cell)
    assert bench.examined_cells == [EAR]
    assert bench.answers == [Path("outputs/voice"), Path("outputs/ear")], (
        "the session keeps them where they are looked for"
    )
    assert campaign.quality(EAR) == Quality(outputs_digest="ear")
    assert campaign.quality(VOICE) is None


@pytest.mark.parametrize(
    ("tries", "precision", "runtime", "options"),
    [
        (True, "int8-static", "onnx", list(KERNELS)),
        (True, "int8-dynamic", "onnx", list(KERNELS)),
        (True, "fp32", "onnx", []),
        (True, "int8-dynamic", "torch", []),
        (False, "int8-static", "onnx", []),
    ],
)
def test_int8_cells_of_onnx_are_tried_on_other_kernels_where_that_was_asked_for(
    make: Make, tmp_path: Path, tries: bool, precision: str, runtime: str, options: list[str]
) -> None:
    order = Order(tmp_path, tries_other_kernels=tries)
    campaign, _ = make(model("voice", runtime=runtime, precisions=(precision,)), order=order)
    quality = campaign.measurement(Cell("voice", precision, "cpu")).quality
    assert quality is not None
    assert [one.options for one in quality.sensitivity] == options


def test_a_cell_of_another_grid_is_not_remembered(make: Make, tmp_path: Path) -> None:
    Journal(tmp_path).write("cell-finished", Cell("gone", "fp32", "cpu"), measurement=MEASURED)
    campaign, _ = make()
    campaign.remember()
    assert campaign._known == {}


def test_while_a_cell_is_measured_its_device_is_leased(make: Make, monkeypatch) -> None:
    campaign, bench = make()

    class Waited(Exception):
        pass

    def refuse() -> None:
        raise Waited

    def look(_cell: Cell) -> None:
        with pytest.raises(Waited), lease(("cpu",), on_wait=refuse):
            pass
        with lease(("cuda:0",), on_wait=refuse):
            pass
        bench.told.append("looked")

    monkeypatch.setattr(bench, "cell_started", look)
    campaign.measurement(VOICE)
    assert "looked" in bench.told


def test_whatever_is_run_for_a_cell_is_told_of_that_cell_and_of_no_other(make: Make, monkeypatch) -> None:
    campaign, bench = make()
    fp32, told = Cell("voice", "fp32", "cuda"), list[Any]()

    class Heard:
        def hear(self, on_phase: Any, _on_tick: Any) -> None:
            on_phase(Phase.ANSWERS)

    def look(_model: object, measured: Measurement) -> Measurement:
        campaign.heard(cast("Any", Heard()), fp32)
        return measured

    monkeypatch.setattr(bench, "examined", look)
    monkeypatch.setattr(bench, "phase", lambda cell, phase: told.append((cell, phase)))
    campaign.measurement(VOICE)
    assert (VOICE, Phase.ANSWERS) in told
    campaign.heard(cast("Any", Heard()), fp32)
    assert told[-1] == (fp32, Phase.ANSWERS)
    assert (fp32, Phase.ANSWERS) not in told[:-1]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_while_outputs_are_scored_nobody_is_timed_on_the_cpu(make: Make, monkeypatch, device: str) -> None:
    campaign, bench = make()

    class Waited(Exception):
        pass

    def refuse() -> None:
        raise Waited

    def look(_model: object, measured: Measurement) -> Measurement:
        for leased in ("cpu", *(["cuda:0"] if device == "cuda" else [])):
            with pytest.raises(Waited), lease((leased,), on_wait=refuse):
                pass
        bench.told.append("looked")
        return measured

    monkeypatch.setattr(bench, "examined", look)
    campaign.measurement(Cell("voice", "fp32", device))
    assert "looked" in bench.told


def test_a_model_whose_needs_are_not_installed_costs_no_worker(make: Make) -> None:
    needy = model("voice", needs=(Need("no-such-weights", "pip install no-such-weights"),))
    campaign, bench = make(needy, model("ear"))
    measured = campaign.measurement(VOICE)
    assert (measured.status, measured.reason) == (Status.UNSUPPORTED, Reason.NO_WEIGHTS)
    assert measured.text == "no-such-weights is not installed: pip install no-such-weights"
    assert bench.assignments == []


def test_a_device_that_is_not_there_is_looked_for_once_by_each_runtime(make: Make) -> None:
    models = (model("voice", precisions=("fp32", "fp16")), model("ear"), model("net", runtime="torch"))
    campaign, bench = make(*models, voice=unsupported(Reason.NO_DEVICE))
    first = campaign.measurement(Cell("voice", "fp32", "cuda"))
    for same in (Cell("voice", "fp16", "cuda"), Cell("ear", "fp32", "cuda")):
        measured = campaign.measurement(same)
        assert (measured.cell, measured.status, measured.reason) == (same, Status.UNSUPPORTED, Reason.NO_DEVICE)
        assert measured.text == first.text
    assert len(bench.assignments) == 1
    campaign.measurement(Cell("net", "fp32", "cuda"))
    campaign.measurement(EAR)
    assert len(bench.assignments) == 3


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.NO_DEVICE])
def test_what_one_model_lacks_says_nothing_of_another(make: Make, reason: Reason) -> None:
    campaign, _ = make(voice=unsupported(reason))
    assert campaign.measurement(VOICE).reason is reason
    assert campaign.measurement(EAR).status is Status.MEASURED


def test_a_library_that_one_model_lacks_says_nothing_of_another(make: Make) -> None:
    needy = model("voice", needs=(Need("no-such-library", "pip install it", is_library=True),))
    campaign, _ = make(needy, model("ear"))
    assert campaign.measurement(VOICE).reason is Reason.NO_PACKAGE
    assert campaign.measurement(EAR).status is Status.MEASURED


def test_the_worker_is_told_what_was_ordered(make: Make, tmp_path: Path) -> None:
    order = Order(
        tmp_path,
        checkpoints={"voice": tmp_path / "w.pt"},
        threads=2,
        engine="x86",
        low_memory=True,
        sample_percent=10,
        seed=7,
        cell_seconds=1.5,
        cell_limit_seconds=9.0,
        cache=tmp_path / "cache",
    )
    campaign, bench = make(order=order)
    campaign.measurement(VOICE)
    campaign.measurement(EAR)
    voice, ear = bench.assignments
    assert (voice.module, voice.root) == ("zoo", "/zoo")
    assert (voice.model, voice.precision, voice.device) == ("voice", "fp32", "cpu")
    assert (voice.threads, voice.engine, voice.low_memory, voice.sample_percent, voice.seed) == (2, "x86", True, 10, 7)
    assert (voice.checkpoint, ear.checkpoint) == (str(tmp_path / "w.pt"), None)
    assert (voice.store, voice.made) == (str(tmp_path / "cache" / "artifacts"), str(tmp_path / "cache" / "made"))
    assert voice.cores is None
    pool, cell_plan = bench.plans[0]
    assert pool._environment == worker_environment(2)
    assert (cell_plan.timing_seconds, cell_plan.limit_seconds) == (1.5, 9.0)


def test_a_precision_is_told_how_long_fp32_of_its_device_took_where_that_was_measured_before(make: Make) -> None:
    quick = replace(MEASURED, readings=(Reading("first_inference_seconds", 1.6),))
    campaign, bench = make(model("voice", precisions=("fp32", "fp16")), voice=quick)
    for precision, device in (("fp16", "cuda"), ("fp32", "cpu"), ("fp16", "cpu")):
        campaign.measurement(Cell("voice", precision, device))
    assert [plan.fp32_seconds for _, plan in bench.plans] == [None, None, 1.6]


def test_a_single_core_is_one_of_those_that_may_be_used(make: Make, tmp_path: Path) -> None:
    campaign, bench = make(order=Order(tmp_path, single_core=True))
    campaign.measurement(VOICE)
    (core,) = bench.assignments[0].cores
    assert core in os.sched_getaffinity(0)


def test_the_machine_s_condition_is_told(make: Make) -> None:
    campaign, _ = make()
    condition = campaign.condition(VOICE, "before")
    assert isinstance(condition, Condition)
    assert condition.when == "before"


def test_every_pool_of_threads_is_given_the_same_count_and_no_hub_is_asked() -> None:
    environment = worker_environment(3)
    assert {environment[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")} == {"3"}
    assert environment["HF_HUB_OFFLINE"] == "1"
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"


def test_the_parent_imports_no_runtime() -> None:
    script = """
    import sys
    import harness.plugin, harness.cli, harness.conduct.campaign, harness.worker.link
    print(*({"torch", "onnxruntime", "onnx", "numpy", "transformers"} & set(sys.modules)))
    """
    process = start_python(script)
    said, _ = process.communicate()
    assert (process.returncode, said.strip()) == (0, "")


def test_rates_are_measured_at_length_once_for_a_runtime_and_a_device(make: Make) -> None:
    campaign, bench = make(model("voice"), model("ear"), model("net", runtime="torch"))
    campaign.measurement(Cell("voice", "fp32", "cpu"))
    campaign.rates(Cell("voice", "fp32", "cpu"), Rates("onnx", "cpu", 1, {"fp32": 1.0}))
    for cell in (EAR, Cell("ear", "fp32", "cuda"), Cell("net", "fp32", "cpu")):
        campaign.measurement(cell)
    assert [plan.rates_seconds for _, plan in bench.plans] == [1.0, 0.3, 1.0, 1.0]


def test_rates_are_in_the_journal_and_make_the_limits_of_the_run(make: Make, tmp_path: Path) -> None:
    campaign, _ = make(model("voice"))
    for rate in (5.0, 9.0, 7.0):
        campaign.rates(VOICE, Rates("onnx", "cpu", 1, {"fp32": rate}))
    assert fold(tmp_path).rates == (Rates("onnx", "cpu", 1, {"fp32": 9.0}),)
