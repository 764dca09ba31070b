"""Both sides of a live comparison are scored by one ruler and beside one fp32: that of the other side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from harness.cells import Cell
from harness.comparisons import Duel
from harness.conduct.sides import Sides
from harness.scores import Quality
from tests.conduct.examined import FP32, INT8, Side

pytest.importorskip("onnxruntime")

Make = Callable[..., Side]


def examined(this: Side, other: Side, cell: Cell = INT8, known: Quality | None = None) -> tuple[Quality, Quality]:
    """What both sides' outputs are worth, the old one's first; `known` is what this side was found to be before."""
    held: list[Cell] = []

    @contextmanager
    def hold(cell: Cell) -> Iterator[None]:
        held.append(cell)
        yield

    sides = Sides(this.examiner, other.examiner, {"tone": this.model}, lambda _cell: known, hold)
    duel = sides.examined(Duel(cell, "main"))
    assert held == [cell]
    assert duel.old_quality is not None
    assert duel.new_quality is not None
    return duel.old_quality, duel.new_quality


def value(quality: Quality, metric: str) -> float | None:
    score = quality.score(metric)
    assert score is not None, metric
    return score.value


def test_sides_that_give_the_same_are_scored_once(side: Make) -> None:
    this, other = side("this", int8_weight=0.5), side("other", int8_weight=0.5)
    known = this.measured(INT8).quality
    assert known is not None
    scorers = this.scorers
    assert examined(this, other, known=known) == (known, known)
    assert (this.scorers, other.scorers) == (scorers, 0)
    assert other.sessions > 0, "what the other side gives was asked of it"


def test_a_changed_side_is_beside_the_other_side_s_fp32_or_a_change_of_its_own_would_hide(side: Make) -> None:
    # Here fp32 and int8 changed together: beside its own fp32 this side would still be the same.
    this, other = side("this", fp32_weight=0.5, int8_weight=0.5), side("other", fp32_weight=1.0, int8_weight=1.0)
    own = this.measured(INT8).quality
    assert own is not None
    assert own.is_same
    old, new = examined(this, other, known=own)
    assert (old.is_same, old.flipped) == (True, ())
    assert (new.is_same, new.flipped) == (False, ("9",))
    assert new.reference_digest == old.reference_digest == old.outputs_digest
    assert new.reference == old.reference == "fp32 on cpu"
    assert value(new, "decision_agreement") == 0.75


def test_where_fp32_alone_changed_its_other_precision_is_scored_anew_and_is_as_it_was(side: Make) -> None:
    this, other = side("this", fp32_weight=0.5, int8_weight=1.0), side("other", fp32_weight=1.0, int8_weight=1.0)
    known = this.measured(INT8).quality
    assert known is not None
    assert known.flipped == ("9",), "beside its own fp32"
    old, new = examined(this, other, known=known)
    assert new.flipped == old.flipped == ()
    assert new.outputs_digest == old.outputs_digest


def test_fp32_itself_is_compared_with_the_other_side_s(side: Make) -> None:
    this, other = side("this", fp32_weight=0.5), side("other", fp32_weight=1.0)
    old, new = examined(this, other, FP32)
    assert (value(old, "accuracy"), value(new, "accuracy")) == (1.0, 0.75)
    assert (value(old, "sqnr_db"), old.is_same, new.is_same) == (100.0, True, False)


def test_where_a_side_gives_nothing_nothing_is_known_of_either(side: Make) -> None:
    this, other = side("this"), side("other", more={"drive": "raise ValueError('not there')"})
    old, new = examined(this, other)
    assert old is new
    assert old.problem == "first inference: ValueError: not there"
    assert (this.scorers, other.scorers) == (0, 0)
