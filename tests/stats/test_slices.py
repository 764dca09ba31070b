"""Slices: who is in them, and which is the worst."""

from __future__ import annotations

import pytest

from harness.metrics import Better, Pool
from harness.scores import Terms
from harness.stats.slices import FEWEST, SliceValue, by_slice, worst

SLICES = ({"length": "short", "voice": "amy"}, {"length": "long"}, {"length": "short", "voice": "joe"}, {})


def test_every_slice_has_the_value_of_its_examples() -> None:
    terms: list[Terms | None] = [(1.0,), (4.0,), None, (9.0,)]
    assert by_slice(Pool.MEAN, terms, SLICES) == (
        SliceValue("length", "short", 1.0, 1),
        SliceValue("length", "long", 4.0, 1),
        SliceValue("voice", "amy", 1.0, 1),
    )


def test_unsliced_examples_have_no_slices() -> None:
    assert by_slice(Pool.MEAN, [(1.0,)], ()) == ()


def test_slices_of_other_examples_are_refused() -> None:
    with pytest.raises(ValueError, match="2 examples and the slices of 4"):
        by_slice(Pool.MEAN, [(1.0,), (2.0,)], SLICES)


def of(name: str, value: float, examples: int = FEWEST, key: str = "length") -> SliceValue:
    return SliceValue(key, name, value, examples)


@pytest.mark.parametrize(
    ("values", "better", "name"),
    [
        ([of("short", 0.8), of("long", 0.9)], Better.HIGHER, "short"),
        ([of("short", 0.8), of("long", 0.9)], Better.LOWER, "long"),
        ([of("short", 0.8), of("long", 0.9)], Better.NEITHER, None),
        # Four examples are too few to be called the worst, or to be worse than.
        ([of("short", 0.1, FEWEST - 1), of("long", 0.9), of("mid", 0.95)], Better.HIGHER, "long"),
        ([of("short", 0.1, FEWEST - 1), of("long", 0.9)], Better.HIGHER, None),
        ([of("short", 0.8), of("long", 0.8)], Better.HIGHER, None),
        # The only slice of its key is all there is, however bad.
        ([of("amy", 0.1, key="voice"), of("short", 0.8), of("long", 0.9)], Better.HIGHER, "short"),
        ([], Better.HIGHER, None),
    ],
)
def test_the_worst_slice_is_worse_than_another_of_its_key(
    values: list[SliceValue], better: Better, name: str | None
) -> None:
    found = worst(values, better)
    assert (found.name if found else None) == name
