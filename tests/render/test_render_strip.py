from __future__ import annotations

from fixed_run import MEASUREMENTS, PLANNED, measured
from hypothesis import given
from hypothesis import strategies as st
from paths import dots

from harness.render.page.drawing import WIDTH
from harness.render.page.strip import HEIGHT, strip_of, thin
from harness.results import Sample, WarmUp


def test_every_inference_is_a_dot_and_warm_up_stands_apart() -> None:
    strip = strip_of(MEASUREMENTS[0], 300)
    assert strip is not None
    assert (len(dots(strip.warm_up)), len(dots(strip.timed))) == (8, 48)
    assert strip.timing_x is not None
    assert max(x for x, _ in dots(strip.warm_up)) < strip.timing_x < min(x for x, _ in dots(strip.timed))


def test_the_slowest_is_highest_and_the_fastest_lowest() -> None:
    sample = Sample(("a",) * 3, (0.2, 0.1, 0.3), passes=3)
    strip = strip_of(measured(PLANNED[0], 0.2, 1, 1.0, sample=sample, warm_up=None), 300)
    assert strip is not None
    middle, fastest, slowest = (y for _, y in dots(strip.timed))
    assert (fastest, slowest) == (HEIGHT - 8, 8)
    assert middle == strip.median_y == HEIGHT / 2
    assert (strip.least, strip.middle, strip.most) == ("100 ms", "200 ms", "300 ms")


def test_equal_times_lie_in_the_middle() -> None:
    strip = strip_of(measured(PLANNED[0], 0.2, 1, 1.0, sample=Sample(("a",) * 2, (0.1, 0.1)), warm_up=None), 300)
    assert strip is not None
    assert {y for _, y in dots(strip.timed)} == {HEIGHT / 2}


def test_a_slow_first_inference_does_not_flatten_the_rest() -> None:
    sample, warm_up = Sample(("a",) * 2, (0.1, 0.2)), WarmUp(1, 99.0, True, (99.0,))
    strip = strip_of(measured(PLANNED[0], 0.2, 1, 1.0, sample=sample, warm_up=warm_up), 300)
    assert strip is not None
    assert strip.beyond
    assert dots(strip.warm_up)[0][1] == 8
    assert [y for _, y in dots(strip.timed)] == [HEIGHT - 8, 8]


def test_a_cell_without_a_sample_has_no_drawing() -> None:
    assert strip_of(MEASUREMENTS[1], 300) is None


@given(st.lists(st.floats(min_value=1e-6, max_value=1e3), min_size=2, max_size=900), st.integers(2, 300))
def test_thinning_keeps_the_extremes_and_the_order(values: list[float], limit: int) -> None:
    kept = thin(values, limit)
    assert len(kept) <= max(limit, 2)
    assert list(kept) == sorted(set(kept))
    assert {min(values), max(values)} <= {values[i] for i in kept}


@given(st.lists(st.floats(min_value=1e-6, max_value=1e3), min_size=2, max_size=400))
def test_every_dot_is_inside_the_frame(values: list[float]) -> None:
    strip = strip_of(measured(PLANNED[0], 0.1, 1, 1.0, sample=Sample(("a",) * len(values), tuple(values))), 100)
    assert strip is not None
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in dots(strip.timed) + dots(strip.warm_up))
