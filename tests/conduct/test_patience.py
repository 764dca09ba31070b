"""How long one precision is waited for is told by all of an inference of fp32, of a stream too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.conduct.patience import inference_seconds
from harness.results import Measurement, Provenance, Reading, Sample
from tests.samples import FAILED, MEASURED

PROVENANCE = Provenance("tone", "full", "w", "r", "a", "onnx", "p", "hums", "d", 2)


def of(first_seconds: float, chunk_seconds: tuple[float, ...], passes: int, examples: int) -> Measurement:
    return replace(
        MEASURED,
        readings=(Reading("first_inference_seconds", first_seconds),),
        sample=Sample(("one",) * len(chunk_seconds), chunk_seconds, passes=passes),
        provenance=replace(PROVENANCE, examples=examples),
    )


@pytest.mark.parametrize(
    ("measured", "seconds"),
    [
        (of(1.6, (0.5, 0.7), passes=1, examples=2), 1.6),  # the first paid for what is made once
        (of(0.5, (0.5,) * 40, passes=2, examples=1), 10.0),  # a stream of 20 chunks: 0.5 s is only its beginning
        (FAILED, None),
    ],
)
def test_an_inference_of_fp32_is_known_to_its_end(measured: Measurement, seconds: float | None) -> None:
    assert inference_seconds(measured) == (None if seconds is None else pytest.approx(seconds))
