"""conduct.fitness: the quickest cells of a real project, measured against themselves by real workers."""

from pathlib import Path

import pytest

from harness.cells import Cell, Device
from harness.comparisons import Clock
from harness.conduct.campaign import plan
from harness.conduct.fitness import NothingRuns, examine
from harness.conduct.order import Order
from harness.metrics import METRICS
from tests.fakes import declare, root_onnx

CELL = Cell("tone", "fp32", "cpu")


class Deaf:
    """Hears everything and does nothing."""

    def __getattr__(self, name: str) -> object:
        return lambda *_: None


def order(root: Path, **drive: str) -> Order:
    # A package of its own name: a folder that was imported once is not looked up again.
    models = root / f"zoo_{root.name}" / "models"
    models.mkdir(parents=True)
    root_onnx(models / "root.onnx")
    declare(models, **drive)
    return Order(root=root, models_folder=str(models.relative_to(root)), cell_seconds=0.1, cache=root / "cache")


def margin_of(_cell: Cell, metric: str) -> float:
    return METRICS[metric].margin


def test_a_cell_is_measured_against_itself_until_the_seconds_are_spent(tmp_path: Path) -> None:
    asked = order(tmp_path)
    found = examine(asked, plan(asked), 1, 0.5, margin_of, 0.01, Deaf())  # type: ignore[arg-type]
    (one,) = found.cells
    assert one.duel.cell == CELL
    assert one.duel.is_control
    # Half a second is enough to begin a first pair, and for no second one.
    assert one.duel.is_spent
    (pair,) = one.duel.pairs
    assert Clock.WALL in pair.log_ratios
    assert not one.duel.differences
    assert (found.before.when, found.after.when) == ("before", "after")


def test_where_every_cell_fails_it_is_said_why(tmp_path: Path) -> None:
    asked = order(tmp_path, drive="raise ValueError('out of tune')\nyield")
    with pytest.raises(NothingRuns, match="out of tune"):
        examine(asked, plan(asked), 1, 0.5, margin_of, 0.01, Deaf())  # type: ignore[arg-type]


def test_a_device_that_is_not_there_has_nothing_to_examine(tmp_path: Path) -> None:
    asked = order(tmp_path)
    absent = Order(root=asked.root, models_folder=asked.models_folder, devices=(Device("coreml"),), cache=asked.cache)
    with pytest.raises(NothingRuns, match="no model can be measured"):
        examine(absent, plan(absent), 1, 0.5, margin_of, 0.01, Deaf())  # type: ignore[arg-type]
