"""Inferences belong to passes, whatever the order and the clock."""

import pytest

from harness.comparisons import Clock
from harness.results import Sample
from harness.stats.passes import pass_means


@pytest.mark.parametrize(
    ("ids", "wall", "passes", "means"),
    [
        (("a", "b", "b", "a"), (1.0, 3.0, 5.0, 7.0), 2, (2.0, 6.0)),
        (("a", "a", "b", "a", "a", "b"), (1.0, 2.0, 3.0, 4.0, 5.0, 9.0), 2, (2.0, 6.0)),
        (("a", "a", "a"), (1.0, 2.0, 3.0), 3, (1.0, 2.0, 3.0)),
    ],
    ids=["another order each pass", "several chunks an example", "one example"],
)
def test_each_inference_counts_to_its_own_pass(
    ids: tuple[str, ...], wall: tuple[float, ...], passes: int, means: tuple[float, ...]
) -> None:
    assert pass_means(Sample(ids, wall, passes=passes)) == means


def test_each_clock_has_means_of_its_own() -> None:
    sample = Sample(("a", "b"), (2.0, 4.0), corrected_seconds=(1.0, 2.0))
    assert pass_means(sample, Clock.CORRECTED) == (1.5,)


@pytest.mark.parametrize("clock", [Clock.CORRECTED, Clock.DEVICE, Clock.CPU])
def test_a_time_that_was_not_taken_has_no_means(clock: Clock) -> None:
    assert pass_means(Sample(("a", "b"), (2.0, 4.0)), clock) == ()
