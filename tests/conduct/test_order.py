"""What is recorded of an order."""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.cells import CellGlob, Device
from harness.conduct.arms import Against, Kind
from harness.conduct.order import Order

ORDER = Order(
    root=Path("/home/someone/project"),
    devices=(Device("cpu"), Device("cuda", 1)),
    checkpoints={"net": Path("/home/someone/net.pt"), "ear": Path("/home/someone/ear.pt")},
    cache=Path("/home/someone/.cache"),
    reports=Path("/home/someone/reports"),
    against=Against(Kind.PYTHON, "/home/someone/environment/bin/python"),
    baselines=Path("/home/someone/baselines"),
    expectations=Path("/home/someone/expectations.toml"),
)


def test_no_path_is_recorded() -> None:
    assert "someone" not in str(ORDER.recorded())


def test_what_shapes_a_measurement_is_recorded_in_plain_facts() -> None:
    recorded = ORDER.recorded()
    assert recorded["devices"] == "cpu,cuda:1"
    assert recorded["checkpoints"] == "ear,net"
    assert recorded["cell_seconds"] == 3.0
    assert msgspec.json.decode(msgspec.json.encode(recorded)) == recorded


def test_two_orders_that_measure_otherwise_are_recorded_otherwise() -> None:
    others = [
        Order(Path(), models="a"),
        Order(Path(), precisions="fp32"),
        Order(Path(), cells=(CellGlob("net", "*", "cpu"),)),
        Order(Path(), size="full"),
        Order(Path(), checkpoints={"net": Path("x")}),
        Order(Path(), devices=(Device("mps"),)),
        Order(Path(), threads=2),
        Order(Path(), single_core=True),
        Order(Path(), engine="x86"),
        Order(Path(), low_memory=True),
        Order(Path(), sample_percent=50),
        Order(Path(), seed=1),
        Order(Path(), cell_seconds=1),
        Order(Path(), cell_limit_seconds=1),
        Order(Path(), against=Against(Kind.REVISION, "HEAD")),
        Order(Path(), against=Against(Kind.REVISION, "HEAD~1")),
        Order(Path(), against=Against(Kind.PYTHON, "/somewhere/python")),
        Order(Path(), time_budget_seconds=1),
        Order(Path(), pair_seconds=1),
        Order(Path(), profile="nightly"),
        Order(Path(), has_gate=False),
        Order(Path(), settle=True),
    ]
    recorded = [msgspec.json.encode(order.recorded()) for order in (Order(Path()), *others)]
    assert len(set(recorded)) == len(recorded)
