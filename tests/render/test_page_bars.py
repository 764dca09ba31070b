"""Bars that begin at nothing, and slices with their intervals: lengths against shares worked by hand."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from fixed_quality import FLIPS, TURNS, turns
from fixed_run import MEASUREMENTS, PLANNED, measured

from harness.metrics import Better, Pool
from harness.render.page.bars import HEIGHT, covered_bar, memory_bars, stage_bar
from harness.render.page.drawing import WIDTH
from harness.render.page.slices import WIDTH as SLICE_WIDTH
from harness.render.page.slices import slice_marks
from harness.results import Measurement, Reading
from harness.scores import Examples, Part, Quality, Score


def lengths(path: str) -> list[float]:
    return [float(length) for length in re.findall(r"h([\d.]+)v", path)]


def with_memory(**values: float) -> Measurement:
    return replace(MEASUREMENTS[0], readings=tuple(Reading(name, value) for name, value in values.items()))


def test_each_phase_has_a_bar_as_long_as_its_share_of_the_largest() -> None:
    found = memory_bars(
        with_memory(peak_load_bytes=1e8, peak_first_bytes=3e8, peak_steady_bytes=4e8, device_peak_bytes=2e8)
    )
    assert found is not None
    assert lengths(found.host) == [WIDTH / 4, WIDTH * 3 / 4, WIDTH]
    assert lengths(found.device) == [WIDTH / 2]
    assert [text for _, text in found.words] == [
        "load 100 MB",
        "first inference 300 MB",
        "steady 400 MB",
        "device at most 200 MB",
    ]
    assert found.name == f"Highest memory by phase: {', '.join(text for _, text in found.words)}"


def test_one_phase_alone_is_no_drawing() -> None:
    assert memory_bars(with_memory(peak_steady_bytes=4e8)) is None


def test_stages_share_the_width_and_the_slowest_is_the_one_told() -> None:
    found = stage_bar({"hear": 1.0, "think": 5.0, "speak": 4.0})
    assert found is not None
    # 2 px apart
    assert lengths(found.told) == [pytest.approx(WIDTH * 0.5 - 2, abs=0.1)]
    assert lengths(found.others) == [pytest.approx(WIDTH * 0.1 - 2, abs=0.1), pytest.approx(WIDTH * 0.4 - 2, abs=0.1)]
    assert f"v{HEIGHT:.0f}" in found.told
    assert f"v{HEIGHT:.0f}" not in found.others


@pytest.mark.parametrize("stages", [{}, {"all": 1.0}, {"a": 0.0, "b": 0.0}], ids=["none", "one", "no time"])
def test_what_is_not_divided_has_no_bar(stages: dict[str, float]) -> None:
    assert stage_bar(stages) is None


def test_the_weights_that_were_converted_are_told_beside_those_left() -> None:
    found = covered_bar(measured(PLANNED[0], 0.01, 10, 0.75))
    assert found is not None
    assert lengths(found.told) == [pytest.approx(WIDTH * 0.75 - 2, abs=0.1)]
    assert lengths(found.others) == [pytest.approx(WIDTH * 0.25 - 2, abs=0.1)]


@pytest.mark.parametrize(("converted", "of"), [(0, 0), (0, 10), (11, 10)])
def test_a_share_that_is_not_known_or_makes_no_sense_is_not_drawn(converted: int, of: int) -> None:
    one = measured(PLANNED[0], 0.01, 10, 0.75)
    assert one.provenance is not None
    assert (
        covered_bar(replace(one, provenance=replace(one.provenance, converted_bytes=converted, weight_bytes=of)))
        is None
    )


def test_a_slice_is_drawn_from_the_low_to_the_high_end_of_its_interval() -> None:
    quality = turns(FLIPS, (7, *FLIPS))
    score = quality.score("accuracy")
    assert score is not None
    found = slice_marks(quality, score)
    assert found is not None
    # 12 of the 40 long turns are flipped (each third one), and of the 80 short ones one is wrong (the seventh).
    # Wilson at 95 %: 28 of 40 → 0.546 to 0.819; 79 of 80 → 0.932 to 0.998; 107 of 120 → 0.823 to 0.936.
    assert found.intervals == ("[0.54, 0.82]", "[0.932, 0.998]", "[0.823, 0.936]")
    ends = [tuple(map(float, re.findall(r"^M([\d.]+) \d+H([\d.]+)", bar)[0])) for bar in found.bars]
    pixels = (SLICE_WIDTH - 10) / (0.9978 - 0.5457)
    expected = [(5 + (low - 0.5457) * pixels, 5 + (high - 0.5457) * pixels) for low, high in
                ((0.5457, 0.8193), (0.9325, 0.9978), (0.8234, 0.9356))]  # fmt: skip
    assert ends == [pytest.approx(pair, abs=0.51) for pair in expected]
    assert found.ends == "from 0.546 to 0.998"


def test_draws_of_one_text_count_once_in_a_slice_too() -> None:
    """Eight draws of four texts are four: their interval is wider than eight single ones would make it."""
    ids = tuple(f"d{number}" for number in range(8))
    terms = tuple((float(number // 2),) for number in range(8))
    score = Score("log_mel_distance", Part.EXAM, "ln", Better.LOWER, Pool.MEAN, 1.5, terms)
    kinds = tuple({"voice": "low"} for _ in ids)

    def width(groups: tuple[str, ...]) -> float:
        found = slice_marks(Quality(exam=Examples("e", "d", ids, kinds, groups=groups), scores=(score,)), score)
        assert found is not None
        low, high = map(float, found.intervals[0].strip("[]").split(", "))
        return high - low

    assert width(tuple(f"t{number // 2}" for number in range(8))) > 1.5 * width(())


def test_examples_that_nobody_sliced_have_no_drawing() -> None:
    quality = turns(FLIPS, (7,))
    score = quality.score("accuracy")
    assert score is not None
    assert slice_marks(replace(quality, exam=replace(TURNS, slices=())), score) is None
