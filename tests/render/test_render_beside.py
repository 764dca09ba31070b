"""Mean ± sd, and what is saved against fp32: by numbers that can be worked by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.cells import Cell
from harness.metrics import Better, Pool
from harness.render.beside import reduction, saved_entries, spread_entries
from harness.render.page.detail import detail_of
from harness.render.quality_rows import quality_detail
from harness.render.rows import rows_of
from harness.results import Measurement, Reading, Sample
from harness.scores import Examples, Part, Quality, Score
from tests.samples import MEASURED, RUN


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.0945, "91 % less"),  # 361.57 → 34.18 MB
        (0.75, "25 % less"),
        (0.985, "1.5 % less"),
        (1.0, "the same"),
        (0.9999, "the same"),
        (1.032, "3.2 % more"),
        (2.5, "150 % more"),
    ],
)
def test_a_share_is_said_as_what_is_saved_of_it(share: float, said: str) -> None:
    assert reduction(share) == said


def test_the_spread_is_mean_and_standard_deviation_of_single_inferences() -> None:
    # 2, 4, 4, 4, 5, 5, 7, 9: mean 5, squares of the distances 32, and seven of them free: 2.138
    sample = Sample(tuple("abcdefgh"), tuple(n / 1000 for n in (2, 4, 4, 4, 5, 5, 7, 9)))
    (name, said, meaning), (_, ends, _) = spread_entries(sample)
    assert (name, said) == ("mean ± sd", "5.00 ms ± 2.14 ms")
    assert meaning.startswith("of 8 inferences")
    assert ends == "2.00 ms, 9.00 ms"


def cell(precision: str, device: str = "cpu", **values: float) -> Measurement:
    readings = (Reading("latency_seconds", 0.25), *(Reading(name, value) for name, value in values.items()))
    return replace(MEASURED, cell=Cell("turn", precision, device), readings=readings)


FP32 = cell("fp32", artifact_bytes=361.57e6, peak_bytes=803e6)
INT8 = cell("int8-dynamic", artifact_bytes=34.18e6, peak_bytes=200e6, device_peak_bytes=5.0)


def test_what_a_cell_saves_is_told_for_what_both_sides_know() -> None:
    assert [(name, said) for name, said, _ in saved_entries(INT8, FP32)] == [
        ("model size", "91 % less (362 MB → 34.2 MB)"),
        ("peak memory", "75 % less (803 MB → 200 MB)"),
    ]


def test_the_page_has_both_for_every_precision_and_nothing_saved_for_fp32() -> None:
    rows = rows_of(replace(RUN, planned=(), measurements=(FP32, INT8)))
    of_fp32, of_int8 = ({line.name: line.text for line in detail_of(row, 40).readings} for row in rows)
    assert "beside fp32" not in of_fp32
    assert of_fp32["spread"].startswith("mean ± sd 250 ms ± 70.7 ms, of 2 inferences")
    assert of_int8["beside fp32"] == (
        "model size 91 % less (362 MB → 34.2 MB) · peak memory 75 % less (803 MB → 200 MB)"
    )


def test_beside_fp32_of_another_device_that_is_said() -> None:
    gpu = replace(FP32, cell=Cell("turn", "fp32", "cuda"))
    assert all(meaning.endswith("beside fp32 on cuda") for _, _, meaning in saved_entries(INT8, gpu))


def test_predictions_are_counted_positive_and_negative() -> None:
    share = Score(
        "positive_share", Part.TIMED, "", Better.NEITHER, Pool.SHARE, value=0.25, terms=((1.0,), (0.0,), (0.0,), (0.0,))
    )
    found = quality_detail(Quality(timed=Examples("turns", "w", tuple("abcd")), scores=(share,)), None)
    assert "calls 1 positive and 3 negative" in found.facts
